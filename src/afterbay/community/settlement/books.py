"""The books of one rule: every amount twice, by step for all accounts and by house for every line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.settlement.layout import (
    DEFERRED,
    ENERGY_LINES,
    FIXED_FEE,
    LINES,
    STEP_HOUSES,
    STEP_NETWORK,
    STEP_STATE,
    STEP_UTILITY,
    STEPS,
    TAX,
    UTILITY_PURCHASE,
    UTILITY_SALE,
)
from afterbay.community.settlement.rule import PeriodBooking, PeriodRule, PeriodSums
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from afterbay.community.settlement.calendar import RunCalendar
    from afterbay.community.settlement.prices import MeterPrices
    from afterbay.community.settlement.rule import SettlementRule
    from afterbay.core.compiled import Floats

__all__ = ["Books", "BooksInWork"]


@dataclass(frozen=True, slots=True, eq=False)
class Books:
    """What a rule booked. S steps, D days, M months, H houses; money + is received, arrays are read-only."""

    rule: str
    """Name of the rule."""
    budget_balanced: bool
    """Whether the rule promised that sellers earn what buyers pay."""
    steps: Floats
    """Energy and accounts of every step, columns `STEPS`, shape (S, 10). Period rules book in the last step of one."""
    months: Floats
    """Lines of every house by local month, rows `LINES`, shape (M, 11, H)."""
    days: Floats | None
    """The same by local day, shape (D, 11, H); None when not asked for."""
    open_credit: Floats | None
    """Credit of each house that outlives the run, in kWh or money as the rule counts it, shape (H,)."""

    @property
    def lines(self) -> Floats:
        """Lines of every house over the run, shape (11, H)."""
        return np.asarray(self.months.sum(axis=0))

    @property
    def bills(self) -> Floats:
        """What every house owes over the run [currency], negative if it earns, shape (H,)."""
        return -np.asarray(self.lines[len(ENERGY_LINES) :].sum(axis=0))


class BooksInWork:
    """Books while days come in, one after the other; periods are settled as they end."""

    def __init__(
        self, rule: SettlementRule, calendar: RunCalendar, prices: MeterPrices, n_houses: int, daily: bool
    ) -> None:
        self.rule = rule
        self.by_period = isinstance(rule, PeriodRule)
        """Whether the utility is settled with at the end of each period."""
        n_steps, n_months = int(calendar.first_step[-1]), len(calendar.month_names)
        self.steps = np.zeros((n_steps, len(STEPS)))
        """Filled by the kernel, day by day."""
        self._months = np.zeros((n_months, len(LINES), n_houses))
        self._days = np.zeros((calendar.n_days, len(LINES), n_houses)) if daily else None
        self._calendar, self._prices = calendar, prices
        self._energy = np.zeros((len(ENERGY_LINES), n_houses))
        self._deferred = np.zeros((len(DEFERRED), n_houses))
        self._carried: object = None

    def add(self, day: int, lines: Floats, deferred: Floats) -> None:
        """Take in the sums of a day; days come in order."""
        rule, calendar = self.rule, self._calendar
        if self.by_period and isinstance(rule, PeriodRule):
            self._energy += lines[: len(ENERGY_LINES)]
            self._deferred += deferred
            if calendar.ends(rule.period, day):
                self._close(rule, day, lines)
        self._months[calendar.month_of_day[day]] += lines
        if self._days is not None:
            self._days[day] = lines

    def finish(self) -> Books:
        """Return the finished books."""
        rule = self.rule
        credit = rule.open_credit(self._carried) if isinstance(rule, PeriodRule) else None
        for column in (self.steps, self._months, self._days):
            if column is not None:
                column.setflags(write=False)
        return Books(rule.name, rule.budget_balanced, self.steps, self._months, self._days, credit)

    def _close(self, rule: PeriodRule, day: int, lines: Floats) -> None:
        """Settle the period that ends with a day, in its last step."""
        calendar, prices = self._calendar, self._prices
        from_utility, to_utility, bought, sold = self._energy
        purchase, network, sale, sold_at_retail, tax = self._deferred
        tariff_of = prices.all_steps.tariff_of
        sums = PeriodSums(
            label=calendar.label(rule.period, day),
            month=int(calendar.day_names[day][5:7]),
            covered_fraction=calendar.covered_fraction(rule.period, day),
            last=day == calendar.n_days - 1,
            bought_kwh=from_utility,
            sold_kwh=to_utility,
            demand_kwh=from_utility + bought,
            supply_kwh=to_utility + sold,
            purchase=purchase,
            network=network,
            sale=sale,
            sold_at_retail=sold_at_retail,
            tax=tax,
            tax_fraction=prices.tax_fraction[tariff_of],
            tax_per_kwh=prices.tax_per_kwh[tariff_of],
        )
        booking, self._carried = rule.close(sums, self._carried)
        _check(rule.name, booking, from_utility.shape)
        lines[UTILITY_PURCHASE] -= booking.purchase
        lines[UTILITY_SALE] += booking.sale
        lines[TAX] -= booking.tax
        lines[FIXED_FEE] -= booking.fixed
        row = self.steps[int(calendar.first_step[day + 1]) - 1]
        row[STEP_HOUSES] += float((booking.sale - booking.purchase - booking.tax - booking.fixed).sum())
        row[STEP_UTILITY] += float((booking.purchase - booking.network - booking.sale + booking.fixed).sum())
        row[STEP_NETWORK] += float(booking.network.sum())
        row[STEP_STATE] += float(booking.tax.sum())
        # New arrays: a rule may have kept those of the sums as its credit.
        self._energy = np.zeros_like(self._energy)
        self._deferred = np.zeros_like(self._deferred)


def _check(name: str, booking: PeriodBooking, shape: tuple[int, ...]) -> None:
    for part in ("purchase", "network", "sale", "tax", "fixed"):
        values = getattr(booking, part)
        if np.shape(values) != shape or not np.all(np.isfinite(values)):
            raise InvalidInputError(
                Problem(
                    f"rule {name}.close().{part}", f"{values!r}"[:60], f"finite numbers, shape {shape}", "mend the rule"
                )
            )
