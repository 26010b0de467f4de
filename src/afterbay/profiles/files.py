"""Read a profile file: detect, state, refuse or repair as asked, and never do so silently."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from afterbay.core.errors import InvalidInputError, Problems
from afterbay.profiles.checks import Checked, check_gaps, check_values
from afterbay.profiles.columns import UNITS, choose_column, guess_unit, read_numbers, to_mw
from afterbay.profiles.profile import Profile
from afterbay.profiles.report import ImportReport, ProfileFileError
from afterbay.profiles.stamps import find_time_column, read_stamps
from afterbay.profiles.steps import check_time
from afterbay.profiles.table import read_table

if TYPE_CHECKING:
    import os

__all__ = ["read_profile"]

_CHOICES: dict[str, tuple[str | None, ...]] = {
    "quantity": ("load", "solar", None),
    "date_order": ("day_first", "month_first", None),
    "unit": (*UNITS, None),
    "gaps": ("reject", "keep", "fill"),
    "duplicates": ("reject", "first", "mean"),
    "negatives": ("reject", "keep", "zero"),
    "leap_day": ("keep", "drop"),
    "unsorted": ("reject", "sort"),
    "delimiter": (",", ";", "\t", "|", None),
}
_LEAST_ROWS = 24


def read_profile(
    path: str | os.PathLike[str],
    *,
    column: str | None = None,
    quantity: Literal["load", "solar"] | None = None,
    date_order: Literal["day_first", "month_first"] | None = None,
    zone: str | None = None,
    unit: Literal["MW", "kW", "W", "MWh", "kWh"] | None = None,
    gaps: Literal["reject", "keep", "fill"] = "reject",
    duplicates: Literal["reject", "first", "mean"] = "reject",
    negatives: Literal["reject", "keep", "zero"] = "reject",
    leap_day: Literal["keep", "drop"] = "keep",
    unsorted: Literal["reject", "sort"] = "reject",
    dt_h: float | None = None,
    delimiter: Literal[",", ";", "\t", "|"] | None = None,
) -> Profile:
    """Read one series from a CSV (plain or gzip) or Parquet file, with a report on what was found.

    Args:
        path: The file.
        column: The number column to use; by default the report says which one was chosen and why.
        quantity: What the series is: it sets the preferred column names, forbids negatives and
            fewer than 24 rows. By default it is told from the column name.
        date_order: Needed only when no date of the file settles it.
        zone: IANA name of the clock that wrote stamps without an offset (`Europe/Berlin`). With it,
            days of 23 and 25 h are no defects. Stamps with an offset keep theirs.
        unit: Unit of the column; MWh and kWh are energy per step. By default told from the name.
        gaps: `keep` inserts missing rows without a value, `fill` draws straight lines over at most 2 h.
        duplicates: What to do with stamps that stand twice.
        negatives: What to do with negative values of load or solar; others may be negative.
        leap_day: `drop` leaves 29 February out.
        unsorted: `sort` puts rows in order of time.
        dt_h: Step [h] of a file without stamps; must agree with the stamps where there are any.
        delimiter: By default the one that gives every row the same number of cells.

    Returns:
        The profile: values [MW], all number columns as a frame, report, step and start.

    Raises:
        ProfileFileError: With all defects of the file at once, and `.report`.
        InvalidInputError: If an option is not one of those above.
        MissingExtraError: If the file is Parquet and pyarrow is not installed.

    Source: sizing.md section 5 (preferred names); ux.md C.3.2 (import report).
    """
    chosen: dict[str, str | None] = {"quantity": quantity, "date_order": date_order, "unit": unit}
    chosen |= {"gaps": gaps, "duplicates": duplicates, "negatives": negatives, "leap_day": leap_day}
    chosen |= {"unsorted": unsorted, "delimiter": delimiter}
    _check_options(chosen, zone, dt_h)
    file = Path(path)
    table, report = read_table(file, ImportReport(path=str(path)), delimiter)
    time_column = find_time_column(table)
    stamps, report, stamp_problems = read_stamps(table, time_column, report, date_order=date_order, zone=zone)
    frame, report = read_numbers(table, time_column, report)
    name, reason, column_problems = choose_column(tuple(frame.columns), column, quantity, report.path)
    state = Checked(frame.set_index(stamps.index), report, (*stamp_problems, *column_problems))
    if name is None:
        raise ProfileFileError(state.problems, report)
    found_unit, unit_reason, kind = guess_unit(name, frame[name].to_numpy(), unit=unit, quantity=quantity)
    report = replace(
        report,
        column=name,
        column_reason=reason,
        quantity=kind,
        unit=found_unit,
        unit_reason=unit_reason,
        values_unit="MW" if found_unit in UNITS else found_unit,
    )
    state = _check_text(replace(state, report=report), name, table.rows)
    if unit_reason.startswith("a guess"):
        state = state.warned(f"unit {found_unit} of {name} is {unit_reason}: say it with unit=")
    if quantity is not None and len(frame) < _LEAST_ROWS:
        state = state.found("rows", f"{len(frame)} rows", f"at least {_LEAST_ROWS}", "give a day or more")
    if stamps.kind == "none" and time_column is not None:
        # The stamps are already a problem; what hangs on them cannot be judged.
        raise ProfileFileError(state.problems, state.report)
    state, step_h = check_time(state, stamps, duplicates, unsorted, dt_h)
    state = check_gaps(state, stamps, name, step_h, gaps, leap_day)
    state = check_values(state, name, kind, negatives)
    if found_unit.endswith("Wh") and found_unit in UNITS and step_h is None:
        move = "give dt_h=, or unit= if it is a power"
        state = state.found(f"column {name}", f"{found_unit} per step, and no step", "a known step", move)
    if state.problems:
        raise ProfileFileError(state.problems, state.report)
    values = state.frame[name].to_numpy(dtype="float64", copy=True)
    if found_unit in UNITS:
        values = to_mw(values, found_unit, step_h)
    values.setflags(write=False)
    start = state.frame.index[0].to_pydatetime() if stamps.kind == "calendar" else None
    return Profile(values, state.frame, state.report, step_h, start)


def _check_options(chosen: dict[str, str | None], zone: str | None, dt_h: float | None) -> None:
    problems = Problems()
    for option, value in chosen.items():
        if value not in _CHOICES[option]:
            allowed = ", ".join(repr(choice) for choice in _CHOICES[option])
            problems.add(option, repr(value), allowed, "choose one")
    if zone is not None:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
            problems.add("zone", repr(zone), "an IANA zone such as 'Europe/Berlin' or 'UTC'", "check the spelling")
    if dt_h is not None and not (isinstance(dt_h, (int, float)) and 0.0 < dt_h < float("inf")):
        problems.add("dt_h", dt_h, "hours above 0", "give the step, such as 1 or 0.25")
    if problems:
        raise InvalidInputError(problems.found)


def _check_text(state: Checked, column: str, rows: list[int]) -> Checked:
    """Refuse text in the chosen column; warn of text in the others."""
    cells = state.report.text_cells
    here = [cell for cell in cells if cell.column == column]
    others = sorted({cell.column for cell in cells} - {column})
    if others:
        state = state.warned(f"text cells in {', '.join(others)} stand as missing in the frame")
    if here:
        shown = ", ".join(f"row {cell.row}: {cell.text!r}" for cell in here[:5])
        got = f"{len(here)} text cells ({shown})"
        state = state.found(f"column {column}", got, "numbers", "mend these cells")
        # Already refused as text: a zero keeps them from being counted as gaps as well.
        values = state.frame[column].to_numpy(copy=True)
        values[np.isin(rows, [cell.row for cell in here])] = 0.0
        state = replace(state, frame=state.frame.assign(**{column: values}))
    return state
