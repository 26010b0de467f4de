"""The rules that a row of results must keep: those of the document, and those that physics adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afterbay.community.cycle.contract import ENERGY_COLUMNS, RESULT_COLUMNS, STEP_H, stamp
from afterbay.community.cycle.rows import MICRO
from afterbay.community.cycle.state import CycleState, bounds_micro, start_micro
from afterbay.community.cycle.users import locate
from afterbay.core.compiled import Floats, Indices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from afterbay.community.cycle.users import Users
    from afterbay.community.cycle.validation_table import ResultsTable

__all__ = ["BALANCE_KWH", "RULES", "SURPLUS_KWH", "Breach", "breaches", "chain"]

SURPLUS_KWH = 0.001
"""The document's tolerance on surplus = generation - consumption."""
BALANCE_KWH = 5e-6
"""Of six figures with six decimals each."""
_LIMIT_KWH = 1e-6
_STEP_S = 900
RULES = {
    "cells": "as many cells as the header has columns",
    "uuid": "a UUID of 36 characters",
    "timestamp": "a time in ISO 8601",
    "quarter_hour": "a time on the quarter hour",
    "expected_time": "the quarter hour that was asked for",
    "number": "a finite number",
    "decimals": "at most six decimals",
    "negative": "0 or more; only surplus may be below",
    "surplus": "generation - consumption, to 0.001 kWh",
    "balance": "generation + import + discharge = consumption + export + charge, to 0.000005 kWh",
    "battery_both_ways": "charge or discharge, not both in one quarter hour",
    "duplicate": "one row per user and timestamp",
    "unknown_user": "a user of the input file",
    "nameplate": "at most the nameplate of the panels x 0.25 h",
    "inverter": "at most the rating of the inverter x 0.25 h",
    "battery_power": "at most the charge or discharge power x 0.25 h",
    "soc_window": "inside the state-of-charge window of the battery",
    "soc_continuity": "energy before + charge x efficiency - discharge / efficiency",
}
"""What is allowed, by rule; the first broken one of a row is not the only one reported."""


@dataclass(frozen=True, slots=True, eq=False)
class Breach:
    """The rows that break one rule in one column."""

    rule: str
    column: str
    rows: NDArray[np.bool_]
    value: Callable[[int], Any]
    """What stands in a row."""
    allowed: Callable[[int], str]


def breaches(
    table: ResultsTable,
    users: Users | None,
    previous: CycleState | None,
    expected: Sequence[datetime] | None,
) -> Iterator[Breach]:
    """Walk the broken rules in the order of `RULES`."""
    yield from _shape(table, expected)
    yield from _numbers(table)
    yield from _energies(table)
    again = _repeated(table)
    if again.any():
        yield _breach(table, "duplicate", "timestamp", again)
    if users is None:
        return
    row = locate(table.keys, users.keys)
    strange = table.known_id & (row < 0)
    if strange.any():
        yield _breach(table, "unknown_user", "user_id", strange)
    yield from _devices(table, users, row)
    yield from _stored(table, users, row, again, previous)


def chain(table: ResultsTable, known: NDArray[np.bool_], again: NDArray[np.bool_]) -> tuple[Indices, NDArray[np.bool_]]:
    """Return for each row the row of the same user one step before (-1: none), and which are a user's first."""
    chosen = np.flatnonzero(known & table.timed & ~again)
    order = chosen[np.lexsort((table.seconds[chosen], table.keys[chosen]))]
    before = np.full(len(table), -1, dtype=np.int64)
    first = np.zeros(len(table), dtype=np.bool_)
    if len(order):
        same = table.keys[order[1:]] == table.keys[order[:-1]]
        next_step = table.seconds[order[1:]] - table.seconds[order[:-1]] == _STEP_S
        linked = same & next_step
        before[order[1:][linked]] = order[:-1][linked]
        first[order[0]] = True
        first[order[1:][~same]] = True
    return before, first


def _shape(table: ResultsTable, expected: Sequence[datetime] | None) -> Iterator[Breach]:
    late = table.timed & (table.seconds % _STEP_S != 0)
    unexpected = np.zeros(len(table), dtype=np.bool_)
    words = ""
    if expected is not None:
        times = sorted({int(moment.timestamp()) for moment in expected})
        unexpected = table.timed & ~np.isin(table.seconds, times)
        words = ", ".join(stamp(moment) for moment in sorted(expected)[:4]) + (" ..." if len(times) > 4 else "")
    for rule, column, rows in (
        ("cells", "", table.ragged),
        ("uuid", "user_id", ~table.known_id),
        ("timestamp", "timestamp", ~table.timed),
        ("quarter_hour", "timestamp", late),
        ("expected_time", "timestamp", unexpected),
    ):
        if rows.any():
            yield _breach(table, rule, column, rows, f"one of {words}" if rule == "expected_time" else "")


def _numbers(table: ResultsTable) -> Iterator[Breach]:
    for column in ENERGY_COLUMNS:
        values = table.kwh[column]
        missing = np.isnan(values)
        scaled = np.where(missing, 0.0, values) * MICRO
        fine = np.abs(scaled - np.round(scaled)) > np.maximum(1e-3, 1e-9 * np.abs(scaled))
        for rule, rows in (("number", missing), ("decimals", fine), ("negative", values < 0.0)):
            if rows.any() and not (rule == "negative" and column == "surplus_kwh"):
                yield _breach(table, rule, column, rows)


def _energies(table: ResultsTable) -> Iterator[Breach]:
    kwh = table.kwh
    surplus = kwh["generation_kwh"] - kwh["consumption_kwh"]
    charged, discharged = kwh["battery_charge_kwh"], kwh["battery_discharge_kwh"]
    residual = surplus + discharged + kwh["grid_import_kwh"] - charged - kwh["grid_export_kwh"]
    off = np.abs(kwh["surplus_kwh"] - surplus) > SURPLUS_KWH + 1e-9
    if off.any():
        yield Breach(
            "surplus",
            "surplus_kwh",
            off,
            lambda row: float(kwh["surplus_kwh"][row]),
            lambda row: f"{surplus[row]:.6f} kWh, generation - consumption, to 0.001",
        )
    unbalanced = np.abs(residual) > BALANCE_KWH
    if unbalanced.any():
        yield Breach(
            "balance",
            "",
            unbalanced,
            lambda row: f"{residual[row]:.6f} kWh left over",
            lambda _row: RULES["balance"],
        )
    both = (charged > 0.0) & (discharged > 0.0)
    if both.any():
        yield _breach(table, "battery_both_ways", "battery_discharge_kwh", both)


def _devices(table: ResultsTable, users: Users, row: Indices) -> Iterator[Breach]:
    known = row >= 0
    for rule, column, limit_kw in (
        ("nameplate", "generation_kwh", users.nameplate_kw),
        ("inverter", "generation_kwh", users.inverter_capacity_kw),
        ("battery_power", "battery_charge_kwh", users.max_charge_kw),
        ("battery_power", "battery_discharge_kwh", users.max_discharge_kw),
    ):
        limit = np.zeros(len(table))
        limit[known] = limit_kw[row[known]] * STEP_H
        rows = known & (table.kwh[column] > limit + _LIMIT_KWH)
        if rows.any():
            yield _limited(table, rule, column, rows, limit)


def _stored(
    table: ResultsTable,
    users: Users,
    row: Indices,
    again: NDArray[np.bool_],
    previous: CycleState | None,
) -> Iterator[Breach]:
    known = row >= 0
    if not known.any():
        return
    before, first = chain(table, known, again)
    soc = table.kwh["battery_soc_kwh"]
    start = np.full(len(table), np.nan)
    linked = before >= 0
    start[linked] = soc[before[linked]]
    at = row[known]
    opening = np.where(np.isnan(users.soc_start_kwh), np.nan, start_micro(users, CycleState()) / MICRO)
    if previous is not None:
        opening = start_micro(users, previous) / MICRO
    opened = first & known
    start[opened] = opening[row[opened]]
    column = {
        name: _spread(known, getattr(users, name)[at])
        for name in ("battery_capacity_kwh", "charge_efficiency", "discharge_efficiency")
    }
    floor, ceiling = (_spread(known, bound[at] / MICRO) for bound in bounds_micro(users))
    # A battery that began outside its window may stay there, and may not go further out.
    low = np.fmin(floor, start)
    high = np.fmin(np.fmax(ceiling, start), column["battery_capacity_kwh"])
    outside = known & ((soc < low - _LIMIT_KWH) | (soc > high + _LIMIT_KWH))
    if outside.any():
        yield Breach(
            "soc_window",
            "battery_soc_kwh",
            outside,
            lambda place: float(soc[place]),
            lambda place: f"{low[place]:.6f} to {high[place]:.6f} kWh",
        )
    should = (
        start
        + table.kwh["battery_charge_kwh"] * column["charge_efficiency"]
        - table.kwh["battery_discharge_kwh"] / column["discharge_efficiency"]
    )
    jumped = known & (np.abs(soc - should) > BALANCE_KWH)
    if jumped.any():
        yield Breach(
            "soc_continuity",
            "battery_soc_kwh",
            jumped,
            lambda place: float(soc[place]),
            lambda place: f"{should[place]:.6f} kWh: {RULES['soc_continuity']}",
        )


def _repeated(table: ResultsTable) -> NDArray[np.bool_]:
    rows = np.flatnonzero(table.known_id & table.timed)
    order = rows[np.lexsort((rows, table.seconds[rows], table.keys[rows]))]
    again = np.zeros(len(table), dtype=np.bool_)
    same = (table.keys[order[1:]] == table.keys[order[:-1]]) & (table.seconds[order[1:]] == table.seconds[order[:-1]])
    again[order[1:]] = same
    return again


def _spread(known: NDArray[np.bool_], values: Floats) -> Floats:
    spread = np.full(len(known), np.nan)
    spread[known] = values
    return spread


def _limited(table: ResultsTable, rule: str, column: str, rows: NDArray[np.bool_], limit: Floats) -> Breach:
    return Breach(
        rule,
        column,
        rows,
        lambda row: float(table.kwh[column][row]),
        lambda row: f"{limit[row]:.6f} kWh: {RULES[rule]}",
    )


def _breach(table: ResultsTable, rule: str, column: str, rows: NDArray[np.bool_], words: str = "") -> Breach:
    return Breach(
        rule,
        column,
        rows,
        lambda row: table.texts[column][row] if column in RESULT_COLUMNS else f"{table.name} line {table.lines[row]}",
        lambda _row: words or RULES[rule],
    )
