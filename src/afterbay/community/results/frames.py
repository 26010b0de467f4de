"""A run as tidy tables: pandas frames with the unit in every name and in `frame.attrs["units"]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from afterbay.community.results.definitions import KPI_DEFINITIONS
from afterbay.community.results.figures import community_kpis, house_kpis, transformer_kpis
from afterbay.community.simulation import DAILY_COLUMNS, HOUSE_COLUMNS, NODE_COLUMNS
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from afterbay.community.simulation import CommunityRun
    from afterbay.core.compiled import Floats, Indices

__all__ = ["Clock", "Every", "houses_frame", "kpis_frame", "nodes_frame", "series_frame"]

Every = Literal["step", "day", "month", "year"]
Clock = Literal["local", "utc"]

_LAST = "stored_kwh"
"""The only column that is a state: a month has the one of its last day."""


def houses_frame(run: CommunityRun, every: Every = "day", columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return one row for each house and local day, month or year of the run.

    Args:
        run: A finished run.
        every: `day`, `month` or `year`; for steps see `series_frame`.
        columns: Some of `DAILY_COLUMNS`, default all; energy is summed, `stored_kwh` is that at the end.

    Returns:
        Columns `date` (first local day of the period, a time stamp in the grid's zone), `house`, and the energies
        [kWh].

    Raises:
        InvalidInputError: If the period or a column is unknown.
    """
    import pandas as pd

    chosen = _known(columns, DAILY_COLUMNS)
    if every not in ("day", "month", "year"):
        raise InvalidInputError(Problem("every", repr(every), "day, month or year", "series_frame has the steps"))
    starts, dates = _periods(run, every)
    houses = run.tree.house_names
    frame = pd.DataFrame(
        {
            "date": _midnights(run, dates).repeat(len(houses)),
            "house": pd.Categorical(np.tile(houses, dates.size), list(houses)),
            **{name: _by_period(run.daily(name), starts, name).ravel() for name in chosen},
        }
    )
    return _with_units(frame)


def nodes_frame(
    run: CommunityRun, every: Every = "step", columns: Sequence[str] | None = None, *, clock: Clock = "local"
) -> pd.DataFrame:
    """Return one row for each node (the grid and its transformers) and step, local day, month or year.

    Args:
        run: A finished run.
        every: Length of the periods.
        columns: Some of `NODE_COLUMNS`, default all.
        clock: Zone of the stamps of steps: the grid's, or UTC; longer periods are always local.

    Returns:
        Columns `time` or `date` (start of the period), `node`, energies [kWh], and for steps `net_kw` (mean power,
        + upwards) and `loading_fraction` (nan without a rating).

    Raises:
        InvalidInputError: If the period, a column or the clock is unknown.
    """
    import pandas as pd

    chosen = _known(columns, NODE_COLUMNS)
    nodes = run.tree.node_names
    times: dict[str, Any]
    if every == "step":
        stamps = _stamps(run, clock)
        times = {"time": stamps.repeat(len(nodes))}
        values = {name: run.nodes(name).ravel() for name in chosen}
        up, down = run.nodes("up_kwh"), run.nodes("down_kwh")
        values["net_kw"] = ((up - down) / run.timeline.dt_h).ravel()
        values["loading_fraction"] = (np.maximum(up, down) / run.timeline.dt_h / run.tree.rated_kw).ravel()
        count = len(stamps)
    else:
        starts, dates = _periods(run, every)
        steps = run.days.starts[starts]
        times = {"date": _midnights(run, dates).repeat(len(nodes))}
        values = {name: np.add.reduceat(run.nodes(name), steps, axis=0).ravel() for name in chosen}
        count = dates.size
    frame = pd.DataFrame({**times, "node": pd.Categorical(np.tile(nodes, count), list(nodes)), **values})
    return _with_units(frame)


def series_frame(
    run: CommunityRun,
    houses: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    *,
    clock: Clock = "local",
) -> pd.DataFrame:
    """Return one row for each step and chosen house.

    Args:
        run: A finished run.
        houses: Houses whose series was kept, default all of those.
        columns: Some of `HOUSE_COLUMNS`, default all.
        clock: Zone of the stamps: the grid's, or UTC.

    Returns:
        Columns `time` (start of the step), `house`, the energies [kWh] and `net_kw` (mean power through the meter,
        + out of the house).

    Raises:
        NotFoundError: If the series of a house was not kept.
        InvalidInputError: If a column or the clock is unknown.
    """
    import pandas as pd

    names = run.chosen if houses is None else tuple(houses)
    chosen = _known(columns, HOUSE_COLUMNS)
    stamps = _stamps(run, clock)

    def of_all(column: str) -> Floats:
        if not names:
            return np.empty(0)
        return np.stack([run.series(house, column) for house in names], axis=1).ravel()

    frame = pd.DataFrame(
        {
            "time": stamps.repeat(len(names)),
            "house": pd.Categorical(np.tile(np.array(names, dtype=object), len(stamps)), list(names)),
            **{name: of_all(name) for name in chosen},
            "net_kw": (of_all("export_kwh") - of_all("import_kwh")) / run.timeline.dt_h,
        }
    )
    return _with_units(frame)


def kpis_frame(run: CommunityRun, baseline: CommunityRun | None = None, *, peaks: bool = False) -> pd.DataFrame:
    """Return every figure of the community, its transformers and its houses, one row for each.

    Args:
        run: A finished run.
        baseline: The same community without batteries, for the reductions of peaks.
        peaks: Also find the peaks of every house; runs the physics again when the meters were not kept.

    Returns:
        Columns `of` (community, transformer or house), `name`, `kpi`, `value` and `unit`; unknown values are nan.

    Raises:
        InvalidInputError: If the baseline differs in more than batteries.
    """
    import pandas as pd

    whole = {name: np.array([value]) for name, value in community_kpis(run, baseline).items()}
    parts = []
    for of, names, figures in (
        ("community", run.tree.node_names[:1], whole),
        ("transformer", run.tree.node_names[1:], transformer_kpis(run)),
        ("house", run.tree.house_names, house_kpis(run, peaks=peaks)),
    ):
        kpis = list(figures)
        parts.append(
            pd.DataFrame(
                {
                    "of": of,
                    "name": np.repeat(np.array(names, dtype=object), len(kpis)),
                    "kpi": np.tile(np.array(kpis, dtype=object), len(names)),
                    "value": np.stack(list(figures.values()), axis=1).ravel(),
                    "unit": np.tile(np.array([KPI_DEFINITIONS[kpi].unit for kpi in kpis], dtype=object), len(names)),
                }
            )
        )
    frame = pd.concat([part for part in parts if len(part)], ignore_index=True)
    frame.attrs["units"] = {"value": "as in the column unit"}
    return frame


def _periods(run: CommunityRun, every: Every) -> tuple[Indices, Any]:
    """Return the first day of each period by place and by date."""
    dates = np.array(run.days.dates, dtype="datetime64[D]")
    kept = {"day": "D", "month": "M", "year": "Y"}.get(every)
    if kept is None:
        raise InvalidInputError(Problem("every", repr(every), "step, day, month or year", "choose one of them"))
    _, starts = np.unique(dates.astype(f"datetime64[{kept}]"), return_index=True)
    return starts.astype(np.int64), dates[starts].astype("datetime64[s]")


def _by_period(daily: Floats, starts: Indices, name: str) -> Floats:
    if name == _LAST:
        last: Floats = daily[np.append(starts[1:], daily.shape[0]) - 1]
        return last
    sums: Floats = np.add.reduceat(daily, starts, axis=0)
    return sums


def _midnights(run: CommunityRun, dates: Any) -> pd.DatetimeIndex:
    import pandas as pd

    # Some zones change their clock at midnight: the day then begins at one o'clock, or at the first midnight.
    return pd.DatetimeIndex(dates).tz_localize(
        run.grid.time_zone, nonexistent="shift_forward", ambiguous=np.ones(len(dates), dtype=bool)
    )


def _stamps(run: CommunityRun, clock: Clock) -> pd.DatetimeIndex:
    import pandas as pd

    if clock not in ("local", "utc"):
        raise InvalidInputError(Problem("clock", repr(clock), "local or utc", "choose one of them"))
    index = pd.date_range(run.timeline.start, periods=run.timeline.count, freq=run.timeline.step, unit="s")
    return index.tz_convert(run.grid.time_zone) if clock == "local" else index


def _known(columns: Sequence[str] | None, known: tuple[str, ...]) -> tuple[str, ...]:
    if columns is None:
        return known
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise InvalidInputError(
            Problem("columns", ", ".join(map(repr, unknown)), f"some of {', '.join(known)}", "choose from these")
        )
    return tuple(columns)


def _with_units(frame: pd.DataFrame) -> pd.DataFrame:
    endings = {"_kwh": "kWh", "_kw": "kW", "_fraction": "-"}
    frame.attrs["units"] = {
        str(name): unit for name in frame.columns for ending, unit in endings.items() if str(name).endswith(ending)
    }
    return frame
