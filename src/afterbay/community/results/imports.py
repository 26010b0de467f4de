"""What each house takes from the utility with and without the community."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.results.baseline import check_baseline
from afterbay.community.settlement import gini

if TYPE_CHECKING:
    from afterbay.community.simulation import CommunityRun
    from afterbay.core.compiled import Floats

__all__ = ["ImportChange", "import_change"]


@dataclass(frozen=True, slots=True, eq=False)
class ImportChange:
    """Energy bought from the utility by house, before and after [kWh], shape (n_houses,) each."""

    houses: tuple[str, ...]
    shown: tuple[str, ...]
    """What people call the houses."""
    before_kwh: Floats
    after_kwh: Floats
    compared_with: str
    """What `before` is, in words."""

    @property
    def saved_kwh(self) -> Floats:
        """What each house takes less, shape (n_houses,)."""
        return self.before_kwh - self.after_kwh

    @property
    def gini_saved(self) -> float:
        """How unevenly the savings fall: 0 when all save the same, up to 1."""
        return gini(self.saved_kwh)

    @property
    def gini_before(self) -> float:
        """How uneven the imports were."""
        return gini(self.before_kwh)

    @property
    def gini_after(self) -> float:
        """How uneven the imports are."""
        return gini(self.after_kwh)


def import_change(run: CommunityRun, baseline: CommunityRun | None = None) -> ImportChange:
    """Return what every house buys from the utility: its import less what neighbours sold it.

    Args:
        run: A finished run.
        baseline: The same community without batteries: then `before` is its import. Without it, `before` is the
            import of the run itself, as if nobody shared.

    Raises:
        InvalidInputError: If the baseline differs in more than batteries.
    """
    if baseline is not None:
        check_baseline(run, baseline)
    imported = run.daily("import_kwh").sum(axis=0)
    before = imported if baseline is None else baseline.daily("import_kwh").sum(axis=0)
    houses = [house for house, _ in run.grid.every_house()]
    return ImportChange(
        houses=run.tree.house_names,
        shown=tuple(house.display_name or house.name for house in houses),
        before_kwh=before,
        after_kwh=np.maximum(imported - run.daily("bought_kwh").sum(axis=0), 0.0),
        compared_with="without sharing" if baseline is None else "without batteries and sharing",
    )
