"""How many hours a transformer carries how much: its loading in falling order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.results.figures import loading_fraction
from afterbay.core.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from afterbay.community.simulation import CommunityRun
    from afterbay.core.compiled import Floats

__all__ = ["LoadingDuration", "loading_duration"]


@dataclass(frozen=True, slots=True, eq=False)
class LoadingDuration:
    """The loading of one transformer, from its highest step down."""

    transformer: str
    rated_kw: float
    loading_fraction: Floats
    """Loading of the steps in falling order [-], shape (n_steps,)."""
    dt_h: float

    @property
    def hours(self) -> Floats:
        """Hours up to the end of each place in the order [h], shape (n_steps,)."""
        hours: Floats = np.arange(1, self.loading_fraction.size + 1, dtype=np.float64) * self.dt_h
        return hours

    @property
    def peak_fraction(self) -> float:
        """The highest loading [-]."""
        return float(self.loading_fraction[0])

    def hours_above(self, fraction: float = 1.0) -> float:
        """Return in how many hours the loading is above a value [h]; the value itself does not count."""
        return float(np.count_nonzero(self.loading_fraction > fraction * (1.0 + 1e-9))) * self.dt_h


def loading_duration(run: CommunityRun, transformers: Sequence[str] | None = None) -> tuple[LoadingDuration, ...]:
    """Return the loading durations of transformers, the most loaded first.

    Args:
        run: A finished run.
        transformers: Fixed names, default every transformer with a rating.

    Raises:
        NotFoundError: If a transformer is unknown or has no rating.
    """
    names, rated = run.tree.node_names[1:], run.tree.rated_kw[1:]
    if transformers is None:
        wanted = [place for place in range(len(names)) if not np.isnan(rated[place])]
    else:
        known = {name: place for place, name in enumerate(names)}
        wanted = []
        for name in dict.fromkeys(transformers):
            if name not in known:
                raise NotFoundError(f"transformer {name!r} is not in this run; there are: {', '.join(names[:10])}")
            if np.isnan(rated[known[name]]):
                raise NotFoundError(f"transformer {name!r} has no rating -> give it rated_kw, then run again")
            wanted.append(known[name])
    loading = loading_fraction(run)
    found = [
        LoadingDuration(
            names[place], float(rated[place]), np.ascontiguousarray(np.sort(loading[:, place])[::-1]), run.timeline.dt_h
        )
        for place in wanted
    ]
    return tuple(sorted(found, key=lambda one: (-one.peak_fraction, one.transformer)))
