"""A settlement as tidy tables, and as Parquet files. Columns carry their unit; `frame.attrs["units"]` has it too."""

from __future__ import annotations

import io
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from afterbay.community.settlement.layout import ENERGY_LINES, LINES, STEPS
from afterbay.core.errors import InvalidInputError, MissingExtraError, NotFoundError, Problem
from afterbay.core.output_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pandas as pd

    from afterbay.community.settlement.statement import Settlement
    from afterbay.core.compiled import Floats

__all__ = ["bills_frame", "days_frame", "months_frame", "steps_frame", "totals_frame", "write_tables"]

_NO_MONEY: Final = ("gini", "worst_member", "best_member", "members_worse_off")


def bills_frame(settlement: Settlement) -> pd.DataFrame:
    """Return one row for each rule and house: energy, lines, bill before, bill after, saving; not rounded.

    Houses whose credit outlives the run have it in `open_credit`, in the rule's own unit: kWh under net metering,
    money under net billing; nan where a rule knows no credit.
    """
    import pandas as pd

    before = settlement.of(settlement.before).bills
    parts = []
    for rule, books in settlement.books.items():
        columns = dict(zip(LINES, books.lines, strict=True))
        credit = books.open_credit
        parts.append(
            pd.DataFrame(
                {
                    "rule": rule,
                    "house": settlement.house_names,
                    **columns,
                    "bill_before": before,
                    "bill_after": books.bills,
                    "saving": before - books.bills,
                    "open_credit": np.full(before.shape, np.nan) if credit is None else credit,
                }
            )
        )
    money = (*_money(LINES), "bill_before", "bill_after", "saving")
    return _with_units(pd.concat(parts, ignore_index=True), settlement.currency, money)


def totals_frame(settlement: Settlement) -> pd.DataFrame:
    """Return one row for each rule: energy, accounts, local price, savings and fairness of the whole community.

    `local_price` is what buyers paid neighbours for a kilowatt-hour on average, nan without any trade.
    """
    import pandas as pd

    rows = []
    for rule, books in settlement.books.items():
        sums = dict(zip(STEPS, books.steps.sum(axis=0).tolist(), strict=True))
        bought = sums["community_bought_kwh"]
        fair = asdict(settlement.fairness(rule))
        price = sums["turnover"] / bought if bought > 0.0 else np.nan
        rows.append({"rule": rule, **sums, "local_price_per_kwh": price, **fair})
    frame = pd.DataFrame(rows)
    money = (*_money(STEPS), *(name for name in fair if name not in _NO_MONEY))
    return _with_units(frame, settlement.currency, money)


def steps_frame(settlement: Settlement, rule: str) -> pd.DataFrame:
    """Return the ledger of a rule: energy and every class of account in each step, indexed by its start (UTC)."""
    import pandas as pd

    timeline = settlement.timeline
    index = pd.date_range(timeline.start, periods=timeline.count, freq=timeline.step, name="time")
    frame = pd.DataFrame(settlement.of(rule).steps, index=index, columns=list(STEPS))
    return _with_units(frame, settlement.currency, _money(STEPS))


def months_frame(settlement: Settlement, rule: str) -> pd.DataFrame:
    """Return one row for each local month and house, with every line."""
    names = settlement.calendar.month_names
    return _lines_frame(settlement, "month", names, settlement.of(rule).months)


def days_frame(settlement: Settlement, rule: str) -> pd.DataFrame:
    """Return one row for each local day and house, with every line.

    Raises:
        NotFoundError: If the settlement did not keep days.
    """
    days = settlement.of(rule).days
    if days is None:
        raise NotFoundError("sums by day were not kept; settle again with daily=True")
    return _lines_frame(settlement, "day", settlement.calendar.day_names, days)


def write_tables(settlement: Settlement, folder: str | Path) -> tuple[Path, ...]:
    """Write bills, totals and, for each rule, steps, months and days as Parquet files into a folder that exists.

    Rules share a file, with the rule as a column. Each file appears whole or not at all.

    Raises:
        InvalidInputError: If the folder does not exist or cannot be written.
        MissingExtraError: Without pyarrow.
    """
    import pandas as pd

    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError("pyarrow", "parquet", "writing Parquet files") from None
    place = Path(folder)
    if not place.is_dir():
        raise InvalidInputError(Problem("folder", str(place), "a folder that exists", f"make the folder {place} first"))

    def of_every_rule(make: Callable[[Settlement, str], pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for rule in settlement.rules:
            frame = make(settlement, rule)
            frame = frame.reset_index() if frame.index.name else frame
            names = pd.Series(pd.Categorical([rule] * len(frame), categories=list(settlement.rules)))
            yield pd.concat([names.rename("rule"), frame], axis=1)

    tables: dict[str, Iterable[pd.DataFrame]] = {
        "bills": [bills_frame(settlement)],
        "totals": [totals_frame(settlement)],
        "steps": of_every_rule(steps_frame),
        "months": of_every_rule(months_frame),
    }
    if all(books.days is not None for books in settlement.books.values()):
        tables["days"] = of_every_rule(days_frame)
    written = []
    for name, frames in tables.items():
        buffer = io.BytesIO()
        writer = None
        # Rule by rule: the days of many rules together would not fit beside the books.
        for frame in frames:
            table = pa.Table.from_pandas(frame, preserve_index=False)
            writer = writer or pq.ParquetWriter(buffer, table.schema, compression="zstd")
            writer.write_table(table)
        if writer is not None:
            writer.close()
        path = place / f"settlement_{name}.parquet"
        write_whole(path, buffer.getvalue())
        written.append(path)
    return tuple(written)


def _lines_frame(settlement: Settlement, period: str, names: tuple[str, ...], lines: Floats) -> pd.DataFrame:
    import pandas as pd

    houses = settlement.house_names
    frame = pd.DataFrame(
        {
            period: pd.Categorical(np.repeat(names, len(houses)), list(names), ordered=True),
            "house": pd.Categorical(np.tile(houses, len(names)), list(houses)),
            **{name: np.ascontiguousarray(lines[:, row]).ravel() for row, name in enumerate(LINES)},
        }
    )
    return _with_units(frame, settlement.currency, _money(LINES))


def _money(columns: tuple[str, ...]) -> tuple[str, ...]:
    return columns[len(ENERGY_LINES) :]


def _with_units(frame: pd.DataFrame, currency: str, money: tuple[str, ...]) -> pd.DataFrame:
    """Put the currency into the names of money columns, and every unit into `attrs`."""
    ending = f"_{currency.lower()}"
    frame = frame.rename(columns={name: name + ending for name in money if name in frame})
    units = {name: "kWh" for name in frame.columns if name.endswith("_kwh") and not name.endswith("_per_kwh")}
    units |= {name: f"{currency}/kWh" for name in frame.columns if name.endswith("_per_kwh")}
    units |= {name + ending: currency for name in money if name + ending in frame}
    frame.attrs["units"] = units
    return frame
