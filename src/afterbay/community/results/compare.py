"""Runs side by side, on identical inputs only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterbay.community.results.definitions import KPI_DEFINITIONS, kpi_names
from afterbay.community.results.figures import community_kpis, house_kpis
from afterbay.community.results.inputs import require_same_inputs
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from afterbay.community.simulation import CommunityRun

__all__ = ["compare_houses", "compare_runs"]


def compare_runs(runs: Mapping[str, CommunityRun], baseline: CommunityRun | None = None) -> pd.DataFrame:
    """Return the figures of the community, one row for each figure and one column for each run.

    Args:
        runs: Runs by name, on identical inputs.
        baseline: The same community without batteries, for the reductions of peaks.

    Raises:
        InvalidInputError: If inputs differ, naming the part, or a run is named `unit`.
    """
    import pandas as pd

    require_same_inputs(runs)
    if "unit" in runs:
        raise InvalidInputError(Problem("runs", "a run named 'unit'", "any other name", "it is a column of the table"))
    frame = pd.DataFrame({name: community_kpis(run, baseline) for name, run in runs.items()})
    frame.index.name = "kpi"
    units = [KPI_DEFINITIONS[str(name)].unit for name in frame.index]
    frame.insert(0, "unit", units)
    frame.attrs["units"] = dict(zip(frame.index, units, strict=True))
    return frame


def compare_houses(runs: Mapping[str, CommunityRun], kpi: str) -> pd.DataFrame:
    """Return one figure of every house, one row for each house and one column for each run.

    Raises:
        InvalidInputError: If inputs differ, naming the part, or houses have no such figure.
    """
    import pandas as pd

    require_same_inputs(runs)
    needs_meters = kpi.startswith("peak_house")
    if kpi not in kpi_names("house"):
        raise InvalidInputError(
            Problem("kpi", repr(kpi), f"one of {', '.join(kpi_names('house'))}", "choose one of them")
        )
    columns = {name: house_kpis(run, peaks=needs_meters)[kpi] for name, run in runs.items()}
    names = next(iter(runs.values())).tree.house_names
    frame = pd.DataFrame(columns, index=pd.Index(names, name="house"))
    frame.attrs["units"] = dict.fromkeys(runs, KPI_DEFINITIONS[kpi].unit)
    return frame
