"""Answers of a server as tidy frames: one row for each thing, units in the names, times in UTC."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["comparison_frame", "named", "options_frame", "parquet_frame", "steps_frame", "years_frame"]

_SUFFIXES: Final = {"MW": "mw", "MWh": "mwh", "h": "h", "%": "pct", "L": "l", "L/h": "lph", "L/MWh": "l_per_mwh",
                    "d": "d", "USD": "usd"}  # fmt: skip
_SPELT: Final = {"h": ("hour", "hours"), "d": ("days",)}
"""Words that say a unit as well as its sign does."""
_SIZES: Final = {"capacity": "MWh", "duration": "h", "power": "MW", "dg_capacity": "MW", "solar_capacity": "MW"}


def named(name: str, unit: str) -> str:
    """Return a name that says its unit: `total_unserved` in MWh is `total_unserved_mwh`."""
    suffix = _SUFFIXES.get(unit)
    words = name.split("_")
    if suffix is None or {suffix, *_SPELT.get(suffix, ())} & set(words):
        return name
    return f"{name}_{suffix}"


def options_frame(rows: Iterable[Mapping[str, Any]], units: Mapping[str, str]) -> pd.DataFrame:
    """Return options by index, their metrics beside their sizes, in the order of `units`."""
    import pandas as pd

    known = {**_SIZES, **units}
    flat = [
        {
            **{name: value for name, value in row.items() if name != "metrics"},
            **{name: row["metrics"][name] for name in units if name in row["metrics"]},
        }
        for row in rows
    ]  # fmt: skip
    frame = pd.DataFrame(flat).rename(columns=lambda name: named(name, known.get(name, ""))).set_index("index")
    empty = "solar_capacity_mw" in frame and bool(frame["solar_capacity_mw"].isna().all())
    return frame.drop(columns="solar_capacity_mw") if empty else frame


def parquet_frame(content: bytes) -> pd.DataFrame:
    """Return the steps in a Parquet file of ours, whose columns carry their units."""
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(content))
    units = {field.name: (field.metadata or {}).get(b"unit", b"").decode() for field in table.schema}
    return _timed(table.to_pandas(), units)


def steps_frame(columns: Mapping[str, Any], units: Mapping[str, str]) -> pd.DataFrame:
    """Return the steps of pages in JSON."""
    import pandas as pd

    frame = pd.DataFrame(dict(columns))
    if "time" in frame:
        first = str(frame["time"].iloc[0])
        aware = "+" in first or "Z" in first or "-" in first[10:]
        frame["time"] = pd.to_datetime(frame["time"], utc=aware).dt.as_unit("us")
    return _timed(frame, units)


def _timed(frame: pd.DataFrame, units: Mapping[str, str]) -> pd.DataFrame:
    """Put the clock first: `time_utc`, `time` where no zone is known, `step` from 1 without a calendar."""
    frame = frame.rename(columns=lambda name: named(name, units.get(name, "")))
    if "time" not in frame:
        frame.index = frame.index + 1
        return frame.rename_axis("step")
    aware = getattr(frame["time"].dtype, "tz", None) is not None
    return frame.rename(columns={"time": "time_utc"}).set_index("time_utc") if aware else frame.set_index("time")


def years_frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return the years of an option by their number."""
    import pandas as pd

    from afterbay.sizing.metrics import SummaryMetrics

    fields = SummaryMetrics.__dataclass_fields__
    units = {name: str(one.metadata.get("unit", "")) for name, one in fields.items()}
    frame = pd.DataFrame(dict(columns)).rename(columns=lambda name: named(name, units.get(name, "")))
    return frame.set_index("year")


def comparison_frame(document: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row for each metric: a column for each option, `best` names the option that is, if one is."""
    import pandas as pd

    labels = [one["label"] for one in document["options"]]
    if len(set(labels)) < len(labels):
        labels = [f"{place}: {label}" for place, label in enumerate(labels, start=1)]
    rows = []
    for one in document["metrics"]:
        best = [label for label, marked in zip(labels, one["best"], strict=True) if marked]
        rows.append({
            "metric": named(one["metric"], one["unit"]), "unit": one["unit"],
            **dict(zip(labels, one["values"], strict=True)), "best": ", ".join(best),
        })  # fmt: skip
    return pd.DataFrame(rows).set_index("metric")
