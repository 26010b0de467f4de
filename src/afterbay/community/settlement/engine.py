"""Settle one physical run under any number of rules: one walk through the meters for all of them."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from afterbay.community.settlement import settlement_kernels as kernels
from afterbay.community.settlement.books import BooksInWork
from afterbay.community.settlement.calendar import RunCalendar, run_calendar, whole_days
from afterbay.community.settlement.layout import DEFERRED, LINES
from afterbay.community.settlement.prices import MeterPrices, meter_prices
from afterbay.community.settlement.rule import SettlementRule, TradeBlock
from afterbay.community.settlement.statement import Settlement
from afterbay.community.settlement.utility_rules import UtilityOnly
from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.core.memory import keep_freed_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterbay.community.settlement.rule import Booking
    from afterbay.community.step.meters import MeterSource
    from afterbay.core.compiled import Floats

__all__ = ["settle"]

_TOLERANCE_KWH = 1e-9
"""Relative to the largest meter reading of the day: what the last bits of a sharing may add up to."""


def settle(
    source: MeterSource,
    rules: Sequence[SettlementRule],
    *,
    before: SettlementRule | None = None,
    daily: bool = True,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Settlement:
    """Settle a physical run under every rule, side by side; the run itself is only read.

    The result has the same bits for any length of the source's blocks and any number of threads.

    Args:
        source: The meters of a run.
        rules: The rules, each with a name of its own.
        before: What bills are compared with; default: `UtilityOnly()`. It is settled with the rules.
        daily: Whether to keep sums by day beside those by month, 88 bytes per rule, house and day.
        threads: Days worked on at a time; default: one for each processor.
        progress: Called with days done and days in all.

    Raises:
        InvalidInputError: If two rules share a name, the grid has no tariff, blocks are missing, a meter shows no
            finite number, or a rule of yours trades more than its meters hold.
    """
    baseline = before if before is not None else UtilityOnly()
    chosen = [baseline, *(rule for rule in rules if rule != baseline)]
    _check_rules(chosen)
    timeline, tree = source.timeline, source.tree
    calendar = run_calendar(timeline, source.grid.time_zone)
    prices = meter_prices(source.grid, timeline, calendar)
    books = [BooksInWork(rule, calendar, prices, tree.n_houses, daily) for rule in chosen]
    desk = _Desk(calendar, prices, _charges(prices), books)
    net_by_step = np.zeros(timeline.count)
    n_threads = max(threads or os.cpu_count() or 1, 1)
    keep_freed_memory()

    def finish(day: int, work: Future[list[_DaySums]]) -> None:
        for book, sums in zip(books, work.result(), strict=True):
            book.add(day, sums.lines, sums.deferred)
        if progress is not None:
            progress(day + 1, calendar.n_days)

    with ThreadPoolExecutor(n_threads) as pool:
        waiting: deque[tuple[int, Future[list[_DaySums]]]] = deque()
        try:
            for day, net in whole_days(source.blocks(), calendar, tree.n_houses):
                first = int(calendar.first_step[day])
                net_by_step[first : first + net.shape[0]] = net.sum(axis=1)
                block = TradeBlock(tree, first, timeline.dt_h, net, prices.day(first, first + net.shape[0]))
                waiting.append((day, pool.submit(_settle_day, desk, block)))
                # A few days ahead keep the threads busy; more would only fill the memory.
                while len(waiting) > 2 * n_threads:
                    finish(*waiting.popleft())
            while waiting:
                finish(*waiting.popleft())
        finally:
            for _, work in waiting:
                work.cancel()
    net_by_step.setflags(write=False)
    return Settlement(
        currency=source.grid.currency,
        time_zone=source.grid.time_zone,
        timeline=timeline,
        calendar=calendar,
        house_names=tree.house_names,
        net_kwh=net_by_step,
        books={book.rule.name: book.finish() for book in books},
        before=baseline.name,
    )


class _DaySums(NamedTuple):
    lines: Floats
    deferred: Floats


class _Desk(NamedTuple):
    """What every day is settled with."""

    calendar: RunCalendar
    prices: MeterPrices
    charges: kernels.Charges
    books: list[BooksInWork]


def _settle_day(desk: _Desk, block: TradeBlock) -> list[_DaySums]:
    return [_book(desk, block, book) for book in desk.books]


def _book(desk: _Desk, block: TradeBlock, book: BooksInWork) -> _DaySums:
    rule, prices = book.rule, block.prices
    booking = rule.book(block)
    lines, deferred = np.zeros((len(LINES), block.n_houses)), np.zeros((len(DEFERRED), block.n_houses))
    sale_price = prices.feed_in_per_kwh
    if booking.sale_per_kwh is not None:
        sale_price = np.full(sale_price.shape, float(booking.sale_per_kwh))
    bought, sold, paid, earned, fees = _trades(rule.name, booking, block)
    beyond = kernels.book_day(
        block.net_kwh,
        bought,
        sold,
        paid,
        earned,
        fees,
        prices.retail_per_kwh,
        _read_only(sale_price),
        prices.fixed_fee,
        desk.charges,
        booking.network_charge,
        book.by_period,
        lines,
        deferred,
        book.steps[block.first : block.first + block.n_steps],
    )
    if not beyond <= _TOLERANCE_KWH * max(1.0, float(np.abs(block.net_kwh).max(initial=0.0))):
        _refuse(rule.name, block, beyond)
    return _DaySums(lines, deferred)


def _refuse(name: str, block: TradeBlock, beyond: float) -> None:
    day = f"the day that begins with step {block.first}"
    if not np.all(np.isfinite(block.net_kwh)):
        raise InvalidInputError(
            Problem("meters", f"a number that is not finite, in {day}", "finite kWh", "look at the run's inputs")
        )
    got = "an amount that is not finite" if np.isnan(beyond) else f"{beyond:g} kWh more"
    raise InvalidInputError(
        Problem(f"rule {name}", f"{got}, in {day}", "at most what goes through each meter, one way", "mend the rule")
    )


def _trades(name: str, booking: Booking, block: TradeBlock) -> list[Floats]:
    parts = []
    for part in ("bought_kwh", "sold_kwh", "paid", "earned", "fees"):
        values = np.ascontiguousarray(getattr(booking, part), dtype=np.float64)
        if values.shape != block.net_kwh.shape:
            allowed = f"shape {block.net_kwh.shape}"
            raise InvalidInputError(
                Problem(f"rule {name}.book().{part}", f"shape {values.shape}", allowed, "one number per step and house")
            )
        parts.append(_read_only(values))
    return parts


def _read_only(values: Floats) -> Floats:
    # One kind of array for the compiler, whoever made it; the maker's own stays as it is.
    values = values.view()
    values.setflags(write=False)
    return values


def _charges(prices: MeterPrices) -> kernels.Charges:
    return kernels.Charges(
        _read_only(prices.all_steps.tariff_of),  # type: ignore[arg-type]
        _read_only(prices.network_share),
        _read_only(prices.local_network_share),
        _read_only(prices.tax_fraction),
        _read_only(prices.tax_per_kwh),
        _read_only(prices.local_tax_share),
    )


def _check_rules(rules: Sequence[object]) -> None:
    problems = Problems()
    seen: set[str] = set()
    for place, rule in enumerate(rules):
        if not isinstance(rule, SettlementRule):
            problems.add(
                f"rules[{place}]", type(rule).__name__, "a rule with name, budget_balanced and book", "see docs"
            )
        elif rule.name in seen:
            problems.add(f"rules[{place}].name", rule.name, "a name of its own", 'give name="..." to one of them')
        else:
            seen.add(rule.name)
    problems.raise_if_any()
