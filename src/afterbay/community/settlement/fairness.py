"""How evenly savings fall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

__all__ = ["Fairness", "fairness_of", "gini"]


@dataclass(frozen=True, slots=True)
class Fairness:
    """How a rule's savings fall on the members; money in the grid's currency."""

    total_saving: float
    """What all members save together."""
    mean_saving: float
    median_saving: float
    gini: float
    """0 when all save the same, up to 1; see `gini` for members who lose."""
    worst_member: str
    """Who saves least, the first by name among equals."""
    worst_saving: float
    """Negative when that member pays more than before."""
    best_member: str
    best_saving: float
    spread: float
    """Best saving less worst."""
    members_worse_off: int
    """Members who pay more than before, by more than a millionth of the currency."""


def gini(savings: ArrayLike) -> float:
    """Return the Gini coefficient of amounts that may be negative.

    G = Σ|a − b| over all ordered pairs / (2 · n · Σ|a|). For amounts that are not negative it is the usual one; with
    negative ones it stays within 0..1, where the usual one, divided by the mean, grows without limit. Nobody saving
    anything counts as equal: 0.

    Source: Raffinetti, Siletti, Vernizzi, On the Gini coefficient normalization when attributes with negative values
        are considered, Statistical Methods & Applications 24, 2015; here without their small-sample factor.
    """
    ordered = np.sort(np.asarray(savings, dtype=np.float64))
    n, absolute = ordered.size, float(np.abs(ordered).sum())
    if n == 0 or absolute == 0.0:
        return 0.0
    # Sorted upwards, an amount is counted as the larger one `place` times and as the smaller n - 1 - place times.
    pairs = 2.0 * float(np.sum((2.0 * np.arange(n) - n + 1.0) * ordered))
    return min(max(pairs / (2.0 * n * absolute), 0.0), 1.0)


def fairness_of(savings: ArrayLike, names: Sequence[str]) -> Fairness:
    """Describe the savings of members, shape (n,) and at least one [currency]."""
    values = np.asarray(savings, dtype=np.float64)
    worst = min(range(len(names)), key=lambda place: (values[place], names[place]))
    best = min(range(len(names)), key=lambda place: (-values[place], names[place]))
    return Fairness(
        total_saving=float(values.sum()),
        mean_saving=float(values.mean()),
        median_saving=float(np.median(values)),
        gini=gini(values),
        worst_member=names[worst],
        worst_saving=float(values[worst]),
        best_member=names[best],
        best_saving=float(values[best]),
        spread=float(values[best] - values[worst]),
        members_worse_off=int(np.sum(values < -1e-6)),
    )
