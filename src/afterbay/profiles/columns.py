"""Number columns: which cells are numbers, which column is meant, which unit it is in."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.core.errors import Problem
from afterbay.profiles.report import TextCell

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from afterbay.profiles.report import ImportReport
    from afterbay.profiles.table import Table

__all__ = ["UNITS", "choose_column", "guess_unit", "read_numbers", "to_mw"]

UNITS = ("MW", "kW", "W", "MWh", "kWh")
_PER_MW = {"MW": 1.0, "kW": 1e3, "W": 1e6, "MWh": 1.0, "kWh": 1e3}
_LOAD_NAMES = ("load", "load_mw", "demand", "demand_mw", "mw", "power")
_LOAD_WORDS = {"load", "demand", "consumption"}
_SOLAR_WORDS = {"solar", "generation", "pv"}
_SOLAR_MORE = {"mw", "power", "output"}
_COUNTERS = {"id", "index", "cycle", "step", "row", "no", "count", "cell", "hour", "day", "month", "year"}
_MISSING = {"", "nan", "na", "n/a", "null", "none"}
# A word in a name that says: this is no power (current, price, weather, ...).
_OTHER = {"per", "a", "v", "ah", "wh", "c", "k", "f", "pct", "percent", "s", "h", "m", "hz", "kg", "co2"}
_OTHER |= {"kvar", "mvar", "var", "kva", "mva", "eur", "usd", "aud", "gbp"}
_OTHER |= {"price", "temp", "temperature", "wind", "ghi", "dni", "dhi", "soc", "voltage", "current"}


def read_numbers(table: Table, time_column: str | None, report: ImportReport) -> tuple[pd.DataFrame, ImportReport]:
    """Return all number columns as float64 (empty and text cells as NaN) and the text cells found."""
    import pandas as pd

    names = [name for name in table.columns if name != time_column]
    decimal, warnings = _find_decimal([table.columns[name] for name in names], report.delimiter)
    numbers: dict[str, NDArray[np.float64]] = {}
    found: list[TextCell] = []
    for name in names:
        cells = table.columns[name]
        if cells.dtype.kind in "fiu":
            typed = cells.to_numpy(dtype="float64", na_value=float("nan"))
            endless = np.isinf(typed)
            numbers[name] = np.where(endless, np.nan, typed)
            found += [TextCell(table.rows[i], name, str(typed[i])) for i in endless.nonzero()[0]]
            continue
        if cells.dtype != object:
            continue
        text = cells.astype(str).str.strip()
        blank = text.str.lower().isin(_MISSING)
        plain = text.str.replace(",", ".", regex=False) if decimal == "," else text
        values = pd.to_numeric(plain, errors="coerce")
        if decimal == ",":
            values = values.mask(text.str.contains(".", regex=False))
        values = values.replace([float("inf"), float("-inf")], float("nan"))
        odd = (values.isna() & ~blank).to_numpy()
        # Mostly text is a text column; some text among numbers is a defect.
        if odd.sum() * 2 >= max((~blank).sum(), 1):
            continue
        numbers[name] = values.to_numpy(dtype="float64")
        found += [TextCell(table.rows[i], name, str(text.iloc[i])) for i in odd.nonzero()[0]]
    frame = pd.DataFrame(numbers, index=pd.RangeIndex(len(table.rows)))
    report = replace(
        report,
        decimal=decimal,
        numeric_columns=tuple(numbers),
        text_cells=tuple(found),
        warnings=report.warnings + warnings,
    )
    return frame, report


def choose_column(
    names: Sequence[str], wish: str | None, quantity: str | None, where: str
) -> tuple[str | None, str, list[Problem]]:
    """Return the column to use, the reason, and a problem when there is none."""
    if not names:
        problem = Problem(where, "no number column", "a column of numbers", "export values, not text")
        return None, "", [problem]
    if wish is not None:
        if wish in names:
            return wish, "as asked with column", []
        allowed = ", ".join(names)
        problem = Problem(f"{where}, column", repr(wish), allowed, "name a number column of the file")
        return None, "", [problem]
    if len(names) == 1:
        return names[0], "the only number column", []
    name, reason = _prefer(names, quantity)
    rest = ", ".join(other for other in names if other != name)
    return name, f"{reason}; the others are {rest}", []


def _prefer(names: Sequence[str], quantity: str | None) -> tuple[str, str]:
    words = {name: _words(name) for name in names}
    plain = [name for name in names if not words[name] & _COUNTERS] or list(names)
    if quantity != "solar":
        for name in names:
            if name.lower() in _LOAD_NAMES:
                return name, "the first column named exactly " + ", ".join(_LOAD_NAMES[:-1]) + " or power"
    if quantity == "solar":
        for wanted in (_SOLAR_WORDS, _SOLAR_MORE):
            for name in plain:
                if any(word in name.lower() for word in wanted):
                    return name, f"the first column whose name holds {' or '.join(sorted(wanted))}"
    else:
        wanted = _LOAD_WORDS if quantity == "load" else _LOAD_WORDS | _SOLAR_WORDS
        for name in plain:
            if words[name] & wanted:
                return name, f"the first column with one of the words {', '.join(sorted(wanted))}"
    for name in plain:
        if not words[name] & _OTHER and _unit_in(words[name]) is not None:
            return name, "the first column with a unit of power or energy in its name"
    return plain[0], "the first number column"


def guess_unit(
    name: str, values: NDArray[np.float64], *, unit: str | None, quantity: str | None
) -> tuple[str, str, str]:
    """Return (unit, why, quantity); a unit outside `UNITS` means the values stay as they are."""
    words = _words(name)
    solar = any(word in name.lower() for word in ("solar", "generation")) or "pv" in words
    kind = quantity or ("load" if words & _LOAD_WORDS or name.lower() in _LOAD_NAMES else "")
    kind = kind or ("solar" if solar else "other")
    if unit is not None:
        return unit, "as given", kind
    if words & _OTHER:
        return f"as in the file ({name})", "its name says that it is not a power", kind
    named = _unit_in(words)
    if named is not None:
        return named, "from the column name", kind
    largest = max((abs(float(value)) for value in values if value == value), default=0.0)
    for limit, guess in ((1e6, "W"), (1e3, "kW")):
        if largest > limit:
            return guess, f"a guess: the name has no unit and the largest value is {largest:,.0f}", kind
    return "MW", f"a guess: the name has no unit and the largest value is {largest:g}", kind


def to_mw(values: NDArray[np.float64], unit: str, dt_h: float | None) -> NDArray[np.float64]:
    """Turn power, or energy per step of `dt_h` [h], into mean power [MW]."""
    power = values / _PER_MW[unit]
    return power / dt_h if unit.endswith("h") and dt_h is not None else power


def _words(name: str) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", name.lower()))


def _unit_in(words: set[str]) -> str | None:
    return next((unit for unit in UNITS if unit.lower() in words), None)


def _find_decimal(columns: list[pd.Series[Any]], delimiter: str | None) -> tuple[str, tuple[str, ...]]:
    """Find `,` when numbers are written with commas and none with points."""
    if delimiter == ",":
        return ".", ()
    commas = points = thousands = 0
    for cells in columns:
        if cells.dtype == object:
            text = cells.astype(str)
            commas += int(text.str.fullmatch(r"[+-]?\d+,\d+").sum())
            thousands += int(text.str.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}").sum())
            points += int(text.str.fullmatch(r"[+-]?\d+\.\d+").sum())
    if not commas or points:
        return ".", ()
    if commas == thousands:
        return ",", ("every comma has three digits behind it: read as decimal comma, check that it is one",)
    return ",", ()
