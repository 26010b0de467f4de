"""Orders from a file: who bids and offers what, step by step.

A CSV file with the columns `house, side, qty_kwh, price` and either `step` (0 is the first step of the run) or
`timestamp` (start of the step, with its zone; without one it is UTC). Columns may stand in any order.
"""

from __future__ import annotations

import csv
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from afterbay.core.compiled import Floats, Indices
from afterbay.core.errors import InvalidInputError, Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from afterbay.core.timeline import Timeline

__all__ = ["OrderFile", "read_orders"]

_COLUMNS: Final = ("house", "side", "qty_kwh", "price")
_SHOWN: Final = 5
"""Rows named for each kind of problem; the rest is counted."""
_MOST: Final = 1e12


@dataclass(frozen=True, slots=True, eq=False)
class OrderFile:
    """Orders of a run by step, then house, then best price first; n orders, all shapes (n,)."""

    first_of_step: Indices
    """First order of each step, and the number of orders as the last entry, shape (n_steps + 1,)."""
    house: Indices
    """Place of the house in the run."""
    buys: np.ndarray[tuple[int], np.dtype[np.bool_]]
    qty_kwh: Floats
    price: Floats
    house_names: tuple[str, ...]
    """Names of the houses of the run for which the file was read."""

    def __len__(self) -> int:
        return self.house.size


def read_orders(path: Path, timeline: Timeline, house_names: Sequence[str]) -> OrderFile:
    """Read the orders of a run.

    Args:
        path: The file.
        timeline: Steps of the run.
        house_names: Names of the houses of the run, in its order.

    Raises:
        InvalidInputError: If the file cannot be read, a column is missing or doubled, or a row names a step or house
            that is not of the run, a side other than bid and offer, a quantity not above 0 or a price that is no
            number; every kind of problem is named with its first rows.
    """
    table = _table(path)
    problems = Problems()
    step = _steps(table, timeline, problems)
    place = {name: index for index, name in enumerate(house_names)}
    house = table["house"].map(place)
    _note(problems, "house", table["house"], house.isna(), "a house of the run", "use the names that the grid gives")
    side = table["side"].str.lower()
    _note(problems, "side", table["side"], ~side.isin(["bid", "offer"]), "bid or offer", "bid buys, offer sells")
    kwh = _numbers(table["qty_kwh"])
    allowed = f"a number above 0, up to {_MOST:g} [kWh]"
    _note(problems, "qty_kwh", table["qty_kwh"], ~((kwh > 0.0) & (kwh <= _MOST)), allowed, "drop empty orders")
    price = _numbers(table["price"])
    _note(problems, "price", table["price"], ~(np.abs(price) <= _MOST), "a number per kWh", "use a decimal point")
    if problems:
        raise InvalidInputError(
            Problem(f"{path.name}: {found.where}", found.got, found.allowed, found.next_move)
            for found in problems.found
        )
    buys = (side == "bid").to_numpy()
    steps, houses = step.astype(np.int64), house.to_numpy().astype(np.int64)
    # Best first; quantity decides among equal prices, so the order of the rows has no effect.
    rows = np.lexsort((kwh, np.where(buys, -price, price), houses, steps))
    counts = np.bincount(steps, minlength=timeline.count)
    columns = OrderFile(
        first_of_step=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        house=houses[rows],
        buys=buys[rows],
        qty_kwh=kwh[rows],
        price=price[rows],
        house_names=tuple(house_names),
    )
    for column in (columns.first_of_step, columns.house, columns.buys, columns.qty_kwh, columns.price):
        column.setflags(write=False)
    return columns


def _table(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidInputError(
            Problem(path.name, error.strerror or "unreadable", "a file that can be read", "check the path")
        ) from None
    except UnicodeDecodeError:
        raise InvalidInputError(
            Problem(path.name, "bytes that are no UTF-8", "a text file", "save the table as CSV in UTF-8")
        ) from None
    header = [name.strip() for name in next(csv.reader([text.partition("\n")[0]]), [""])]
    problems = Problems()
    for name in sorted({name for name in header if header.count(name) > 1}):
        problems.add(f"{path.name}: column {name}", f"{header.count(name)} of them", "one", "drop the others")
    for name in _COLUMNS:
        if name not in header:
            problems.add(
                f"{path.name}: column {name}", f"columns {', '.join(header)}", "a column of this name", "add it"
            )
    if ("step" in header) == ("timestamp" in header):
        got = "both" if "step" in header else "neither"
        problems.add(f"{path.name}: step or timestamp", got, "one of the two", "say when each order counts")
    known = {*_COLUMNS, "step", "timestamp"}
    for name in sorted(set(header) - known):
        problems.add(f"{path.name}: column {name}", name, f"one of: {', '.join(sorted(known))}", "drop or rename it")
    problems.raise_if_any()
    try:
        with warnings.catch_warnings():
            # Cells beyond the last column would be dropped with no more than a warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                io.StringIO(text), dtype=str, keep_default_na=False, header=0, names=header, index_col=False,
                skip_blank_lines=False,
            )  # fmt: skip
    except (ValueError, pd.errors.ParserWarning) as error:
        got = str(error).strip().splitlines()[0][:120]
        raise InvalidInputError(
            Problem(path.name, got, f"{len(header)} cells in every row", "mend the row that is too long")
        ) from None
    for name in header:
        table[name] = table[name].str.strip()
    empty = table == ""
    table = table[~empty.all(axis=1)]
    short = table.index[empty.any(axis=1)[table.index]]
    if short.size:
        move = "fill it; is the file cut off?"
        raise InvalidInputError(Problem(f"{path.name}: line {short[0] + 2}", "an empty cell", "a value", move))
    return table


def _steps(table: pd.DataFrame, timeline: Timeline, problems: Problems) -> Floats:
    import pandas as pd

    if "step" in table:
        steps = _numbers(table["step"])
        wrong = ~((steps >= 0) & (steps < timeline.count) & (steps == np.floor(steps)))
        allowed = f"a whole number 0..{timeline.count - 1}"
        _note(problems, "step", table["step"], wrong, allowed, "0 is the first step of the run")
    else:
        stamps = pd.to_datetime(table["timestamp"], utc=True, errors="coerce", format="ISO8601")
        since = (stamps - pd.Timestamp(timeline.start)).dt.total_seconds()
        steps = np.asarray(since / timeline.step.total_seconds(), dtype=np.float64)
        wrong = ~((steps >= 0) & (steps < timeline.count) & (steps == np.floor(steps)))
        allowed = f"the start of a step from {timeline.start.isoformat()} before {timeline.end.isoformat()}"
        _note(problems, "timestamp", table["timestamp"], wrong, allowed, "2023-06-01T12:15:00+00:00 for example")
    return np.where(wrong, 0.0, steps)


def _numbers(cells: pd.Series[Any]) -> Floats:
    import pandas as pd

    return pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64)


def _note(problems: Problems, name: str, cells: pd.Series[Any], wrong: Any, allowed: str, move: str) -> None:
    rows = np.flatnonzero(np.asarray(wrong, dtype=bool))
    if not rows.size:
        return
    # Line 1 is the header.
    shown = ", ".join(f"{cells.iloc[row]!r} in line {cells.index[row] + 2}" for row in rows[:_SHOWN])
    more = f" and {rows.size - _SHOWN} more rows" if rows.size > _SHOWN else ""
    problems.add(name, shown + more, allowed, move)
