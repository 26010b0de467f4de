"""The files of the 15-minute cycle, word for word: names, columns, types, defaults.

All clocks of the contract are UTC. Energies are kWh per quarter hour with six decimals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from afterbay.core.errors import InvalidInputError, Problem

__all__ = [
    "DECIMALS",
    "ENERGY_COLUMNS",
    "INPUT_COLUMNS",
    "LATEST_INPUT",
    "NUMBER_COLUMNS",
    "OPTIONAL_COLUMNS",
    "RESULT_COLUMNS",
    "STEP",
    "STEP_H",
    "NumberColumn",
    "as_utc",
    "input_moment",
    "input_name",
    "quarter_of",
    "read_moment",
    "results_moment",
    "results_name",
    "stamp",
    "step_index",
]

STEP: Final = timedelta(minutes=15)
STEP_H: Final = 0.25
DECIMALS: Final = 6
LATEST_INPUT: Final = "users_input_latest.csv"
RESULT_COLUMNS: Final = (
    "user_id",
    "timestamp",
    "generation_kwh",
    "consumption_kwh",
    "battery_soc_kwh",
    "battery_charge_kwh",
    "battery_discharge_kwh",
    "grid_import_kwh",
    "grid_export_kwh",
    "surplus_kwh",
)
ENERGY_COLUMNS: Final = RESULT_COLUMNS[2:]
_INPUT_FORM: Final = "users_input_%Y%m%d_%H%M%S.csv"
_RESULTS_FORM: Final = "results_%Y%m%d_%H%M.csv"


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """A number column of the input file."""

    name: str
    default: float
    """Stands in for an empty cell; nan: worked out from other columns, or not known."""
    default_words: str
    low: float
    high: float
    whole: bool = False
    positive: bool = False
    """Whether `low` itself is forbidden."""

    @property
    def allowed(self) -> str:
        """What may stand in a cell, in words."""
        kind = "a whole number" if self.whole else "a number"
        low = f"above {self.low:g} and at most" if self.positive else f"from {self.low:g} to"
        return f"{kind} {low} {self.high:,.0f}"


_V1: Final = (
    NumberColumn("panel_wattage", 350.0, "350.0 W", 0.0, 100_000.0),
    NumberColumn("panel_count", 0.0, "0", 0.0, 1_000_000.0, whole=True),
    NumberColumn("battery_capacity_kwh", 0.0, "0.0 kWh, no battery", 0.0, 1_000_000.0),
    NumberColumn("inverter_capacity_kw", 5.0, "5.0 kW", 0.0, 1_000_000.0),
    NumberColumn("household_size", 3.0, "3 people", 0.0, 100_000.0, whole=True),
)
_V2: Final = (
    NumberColumn("soc_start_kwh", math.nan, "what the last run left, else 50 %", 0.0, 1_000_000.0),
    NumberColumn("min_soc", 0.20, "0.20", 0.0, 1.0),
    NumberColumn("max_soc", 0.95, "0.95", 0.0, 1.0),
    NumberColumn("max_charge_kw", math.nan, "half the capacity per hour", 0.0, 1_000_000.0),
    NumberColumn("max_discharge_kw", math.nan, "half the capacity per hour", 0.0, 1_000_000.0),
    NumberColumn("charge_efficiency", 0.95, "0.95 one way", 0.0, 1.0, positive=True),
    NumberColumn("discharge_efficiency", 0.95, "0.95 one way", 0.0, 1.0, positive=True),
    NumberColumn("latitude", math.nan, "the place of the run", -90.0, 90.0),
    NumberColumn("longitude", math.nan, "the place of the run", -180.0, 180.0),
    NumberColumn("tilt_deg", 35.0, "35 degrees", 0.0, 90.0),
    NumberColumn("azimuth_deg", math.nan, "towards the equator", 0.0, 360.0),
)
NUMBER_COLUMNS: Final = {column.name: column for column in (*_V1, *_V2)}
INPUT_COLUMNS: Final = ("user_id", *(column.name for column in _V1))
"""Version 1: all of them are needed."""
OPTIONAL_COLUMNS: Final = (*(column.name for column in _V2), "cluster", "weather_id")
"""Version 2 adds any of these; a file with one of them also holds households without panels."""


def input_name(moment: datetime) -> str:
    """Return the name of an input file made at `moment`, such as users_input_20240911_141500.csv."""
    return as_utc(moment).strftime(_INPUT_FORM)


def results_name(moment: datetime) -> str:
    """Return the name of the results of the quarter hour of `moment`, such as results_20240911_1415.csv."""
    return quarter_of(moment).strftime(_RESULTS_FORM)


def input_moment(name: str) -> datetime:
    """Return when an input file was made (UTC), from its name.

    Raises:
        InvalidInputError: If the name is not that of an input file with a time stamp.
    """
    return _from_name(name, _INPUT_FORM, "users_input_YYYYMMDD_HHMMSS.csv")


def results_moment(name: str) -> datetime:
    """Return the quarter hour of a results file (UTC), from its name.

    Raises:
        InvalidInputError: If the name is not that of a results file of a quarter hour.
    """
    moment = _from_name(name, _RESULTS_FORM, "results_YYYYMMDD_HHMM.csv")
    if moment != quarter_of(moment):
        raise InvalidInputError(
            Problem("file name", name, "minutes 00, 15, 30 or 45", "results belong to the quarter hour they begin")
        )
    return moment


def quarter_of(moment: datetime) -> datetime:
    """Return the start of the quarter hour that holds `moment`, in UTC; without a zone it is taken as UTC."""
    utc = as_utc(moment)
    return utc.replace(minute=utc.minute // 15 * 15, second=0, microsecond=0)


def read_moment(moment: datetime | str) -> datetime:
    """Return a quarter hour in UTC from a time or its ISO 8601 text; without a zone it is taken as UTC.

    Raises:
        InvalidInputError: If it is no time, or not on the quarter hour.
    """
    allowed = "a quarter hour in ISO 8601, such as 2024-09-11T14:15:00"
    try:
        utc = as_utc(datetime.fromisoformat(moment) if isinstance(moment, str) else moment)
    except (ValueError, OverflowError):
        raise InvalidInputError(Problem("start_time", repr(moment), allowed, "give date and time")) from None
    if utc != quarter_of(utc):
        raise InvalidInputError(
            Problem("start_time", utc.isoformat(), allowed, f"round it down to {stamp(quarter_of(utc))}")
        )
    return utc


def stamp(moment: datetime) -> str:
    """Return a time as results carry it: 2024-09-11T14:15:00, UTC."""
    return as_utc(moment).strftime("%Y-%m-%dT%H:%M:%S")


def step_index(moment: datetime) -> int:
    """Return the number of the quarter hour since 1970: the same for everybody, everywhere."""
    return int((as_utc(moment) - datetime(1970, 1, 1, tzinfo=UTC)) // STEP)


def as_utc(moment: datetime) -> datetime:
    """Return a time in UTC; without a zone it is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _from_name(name: str, form: str, shape: str) -> datetime:
    try:
        moment = datetime.strptime(name, form).replace(tzinfo=UTC)
    except ValueError:
        moment = None
    # strptime also takes fewer digits than the contract has.
    if moment is None or moment.strftime(form) != name:
        raise InvalidInputError(Problem("file name", name, shape, "name the file after the contract"))
    return moment
