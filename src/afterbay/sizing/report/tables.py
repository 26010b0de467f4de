"""The tables of a study: cases, steps, months, years."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import PhysicsError
from afterbay.core.timeline import steps_per_day
from afterbay.sizing import layout as at
from afterbay.sizing.charts.dates import calendar_of
from afterbay.sizing.days import count_days
from afterbay.sizing.report.parts import Column, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterbay.sizing.metrics import SummaryMetrics
    from afterbay.sizing.projection import Projection
    from afterbay.sizing.simulation import HourlyResults
    from afterbay.sizing.sweep import SweepResult

__all__ = ["cases_table", "hourly_table", "monthly_table", "years_table"]

FloatArray = NDArray[np.float64]

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BLOCK_DAYS: Final = 30
_SUM_TOLERANCE: Final = 1e-9

# heading, unit, metric, digits, in the PDF
_CASE_METRICS: Final = (
    ("Delivery", "%", "delivery_pct", 1, True),
    ("Curtailed", "%", "pct_solar_curtailed", 1, True),
    ("Green hours", "h", "green_hours", 0, False),
    ("Green energy of the load", "%", "pct_green_energy_of_demand", 1, False),
    ("Generator hours", "h", "dg_runtime_hours", 0, True),
    ("Generator starts", "", "dg_starts", 0, False),
    ("Fuel", "L", "total_fuel_consumed", 0, False),
    ("Battery cycles", "", "bess_equivalent_cycles", 1, True),
    ("Unserved", "MWh", "total_unserved", 1, True),
)
_HOURLY: Final = (
    ("Load", "load", "MW"),
    ("Solar", "solar", "MW"),
    ("Solar to load", "solar_to_load", "MW"),
    ("Solar to battery", "solar_to_bess", "MW"),
    ("Solar curtailed", "solar_curtailed", "MW"),
    ("Battery to load", "bess_to_load", "MW"),
    ("Generator to load", "dg_to_load", "MW"),
    ("Generator to battery", "dg_to_bess", "MW"),
    ("Generator unused", "dg_curtailed", "MW"),
    ("Unserved", "unserved", "MW"),
    ("Stored at the end", "soc", "MWh"),
    ("State of charge at the end", "soc_pct", "%"),
    ("Generator mode", "dg_mode", ""),
    ("Fuel", "dg_fuel_consumed", "L"),
)
# heading, column of the steps, metric of the run, in the PDF
_MONTHLY: Final = (
    ("Load", "load", "total_load", True),
    ("Solar", "solar", "total_solar_generation", True),
    ("Solar to load", "solar_to_load", "total_solar_to_load", True),
    ("Solar to battery", "solar_to_bess", "total_solar_to_bess", True),
    ("Solar curtailed", "solar_curtailed", "total_solar_curtailed", True),
    ("Battery to load", "bess_to_load", "total_bess_to_load", True),
    ("Generator to load", "dg_to_load", "total_dg_to_load", True),
    ("Generator to battery", "dg_to_bess", "total_dg_to_bess", False),
    ("Generator unused", "dg_curtailed", "total_dg_curtailed", False),
    ("Unserved", "unserved", "total_unserved", True),
)
_YEARS: Final = (
    ("Battery at the start", "MWh", "start_mwh", 1),
    ("Energy left", "%", "retention_pct", 1),
    ("Delivery", "%", "delivery_pct", 2),
    ("Curtailed", "%", "pct_solar_curtailed", 1),
    ("Generator hours", "h", "dg_runtime_hours", 0),
    ("Fuel", "L", "total_fuel_consumed", 0),
    ("Battery cycles", "", "bess_equivalent_cycles", 1),
    ("Energy served", "MWh", "total_energy_delivered", 0),
    ("Unserved", "MWh", "total_unserved", 1),
)


def cases_table(result: SweepResult, recommendation: Mapping[str, Any]) -> Table:
    """Return every finished size with its rank under the goal (none if it misses the goal)."""
    rank = {index: place for place, index in enumerate(recommendation["ranked"], start=1)}
    front = set(recommendation["pareto"])
    sizes = {name: column.tolist() for name, column in result.sizes.items()}
    columns = [
        Column("Rank", "", [rank.get(index) for index in range(len(result))]),
        _size("Battery", "MWh", sizes["capacity"]),
        _size("Duration", "h", sizes["duration"]),
        _size("Battery power", "MW", sizes["power"]),
        _size("Generator", "MW", sizes["dg_capacity"]),
    ]
    if "solar_capacity" in sizes:
        columns.append(_size("Solar", "MW", sizes["solar_capacity"]))
    for name, unit, metric, digits, on_page in _CASE_METRICS:
        columns.append(Column(name, unit, result.metrics[metric].tolist(), digits, on_page=on_page))
    costs = result.capital_cost_usd
    columns.append(Column("Capital cost", "M USD", (costs / 1e6).tolist(), 2))
    columns.append(Column("On the front", "", [index in front for index in range(len(result))], on_page=False))
    return Table("Options", tuple(columns))


def hourly_table(hourly: HourlyResults, start: datetime | None = None) -> Table:
    """Return every step; with `start` each has its time, in the zone of `start`."""
    dt_h = hourly.params.dt_h
    columns = []
    if start is not None:
        first = start.replace(tzinfo=None)
        zone = f" ({start.tzname()})" if start.tzinfo is not None else ""
        times = [first + timedelta(hours=step * dt_h) for step in range(len(hourly))]
        columns.append(Column(f"Start of the step{zone}", "", times))
    columns.append(Column("Step", "", hourly.t.tolist()))
    columns.append(Column("Day", "", hourly.day.tolist()))
    columns += [Column(name, unit, getattr(hourly, key).tolist(), 3) for name, key, unit in _HOURLY]
    return Table("Steps", tuple(columns))


def monthly_table(hourly: HourlyResults, metrics: SummaryMetrics, start: datetime | None = None) -> Table:
    """Return the energies and hours of each month and of the year.

    Without a calendar, a run that is no year is cut into blocks of 30 days.

    Raises:
        PhysicsError: If the months do not add up to the year.
    """
    dt_h = hourly.params.dt_h
    labels, place = _months(hourly, start)

    def summed(values: NDArray[Any], scale: float = dt_h) -> FloatArray:
        sums = np.bincount(place, weights=values.astype(np.float64) * scale, minlength=len(labels))
        return sums.astype(np.float64)

    columns = [Column("Month", "", labels)]
    for name, key, metric, on_page in _MONTHLY:
        values = summed(getattr(hourly, key))
        total = _checked_sum(name, values, float(getattr(metrics, metric)), metrics.total_load)
        columns.append(Column(name, "MWh", values.tolist(), 1, total, summed=True, on_page=on_page))
    loaded = hourly.load > 0.0
    load_hours, served = summed(loaded), summed(loaded & (hourly.unserved < at.TOLERANCE_MW))
    running, fuel = summed(hourly.dg_running), summed(hourly.dg_fuel_consumed, 1.0)
    for name, unit, values, year in (
        ("Load hours", "h", load_hours, metrics.hours_with_load),
        ("Hours served whole", "h", served, metrics.hours_full_delivery),
        ("Generator hours", "h", running, metrics.dg_runtime_hours),
        ("Fuel", "L", fuel, metrics.total_fuel_consumed),
    ):
        total = _checked_sum(name, values, float(year), metrics.hours_with_load)
        shown = name == "Generator hours"
        columns.append(Column(name, unit, values.tolist(), 0, total, summed=True, on_page=shown))
    shares = np.where(load_hours > 0.0, 100.0 * served / np.maximum(load_hours, dt_h), 100.0)
    columns.append(Column("Delivery", "%", shares.tolist(), 1, float(metrics.delivery_pct)))
    return Table("Months", tuple(columns), total_name="Total")


def years_table(years: Projection) -> Table:
    """Return the plant of each year: what is left of the battery and what it gives."""
    held = {**years.states, "retention_pct": years.retention_pct, **years.metrics}
    columns = [Column("Year", "", list(range(1, len(years) + 1)))]
    columns += [Column(name, unit, held[key].tolist(), digits) for name, unit, key, digits in _YEARS]
    return Table("The plant over the years", tuple(columns))


def _size(name: str, unit: str, values: list[float]) -> Column:
    """Return a column of sizes with digits only where one of them has any."""
    digits = next((places for places in (0, 1) if all(round(value, places) == value for value in values)), 2)
    return Column(name, unit, values, digits)


def _months(hourly: HourlyResults, start: datetime | None) -> tuple[list[str], NDArray[np.intp]]:
    """Return the names of the months and which of them each step lies in."""
    days = count_days(hourly)
    first = calendar_of(days, start).first
    if first is None:
        keys = [(day // _BLOCK_DAYS, 0) for day in range(days)]
    else:
        dates = [first + timedelta(days=day) for day in range(days)]
        keys = [(date.year, date.month) for date in dates]
    found = sorted(set(keys))
    of_day = np.array([found.index(key) for key in keys], dtype=np.intp)
    if first is None:
        ends = [min((block + 1) * _BLOCK_DAYS, days) for block, _ in found]
        names = [f"Days {block * _BLOCK_DAYS + 1}\u2013{end}" for (block, _), end in zip(found, ends, strict=True)]
    elif len({year for year, _ in found}) > 1:
        names = [f"{_MONTHS[month - 1]} {year}" for year, month in found]
    else:
        names = [_MONTHS[month - 1] for _, month in found]
    steps = np.arange(len(hourly)) // steps_per_day(hourly.params.dt_h)
    return names, of_day[steps]


def _checked_sum(name: str, values: FloatArray, year: float, scale: float) -> float:
    total = float(values.sum())
    if not abs(total - year) <= _SUM_TOLERANCE * max(abs(year), scale, 1.0):
        raise PhysicsError(f"{name}: the months add up to {total}, the year has {year} -> a defect of ours: report it")
    return year
