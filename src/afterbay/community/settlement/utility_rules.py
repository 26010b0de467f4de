"""Rules without a community: every house for itself with the utility."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np

from afterbay.community.settlement.credit import Credit
from afterbay.community.settlement.rule import Booking, PeriodBooking, PeriodName
from afterbay.community.settlement.rule_checks import (
    check_fraction,
    check_month,
    check_period,
    check_periods,
    check_sizes,
)
from afterbay.core.errors import Problems

if TYPE_CHECKING:
    from afterbay.community.settlement.rule import PeriodSums, TradeBlock
    from afterbay.core.compiled import Floats

__all__ = ["FeedIn", "NetBilling", "NetMetering", "UtilityOnly"]


@dataclass(frozen=True, slots=True)
class UtilityOnly:
    """Import at the retail price, export at the feed-in price of the tariff, step by step: the bill before."""

    name: str = "utility_only"
    budget_balanced: bool = field(default=True, init=False)

    def book(self, block: TradeBlock) -> Booking:
        """Trade nothing."""
        return Booking.nothing(block)


@dataclass(frozen=True, slots=True)
class FeedIn:
    """Import at the retail price, export at one guaranteed price instead of the tariff's."""

    per_kwh: float
    """Guaranteed price [currency/kWh]."""
    name: str = "feed_in"
    budget_balanced: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        problems = Problems()
        check_sizes(self, ("per_kwh",), problems)
        problems.raise_if_any()

    def book(self, block: TradeBlock) -> Booking:
        """Trade nothing; the utility pays the guaranteed price."""
        none = Booking.nothing(block)
        return Booking(none.bought_kwh, none.sold_kwh, none.paid, none.earned, none.fees, sale_per_kwh=self.per_kwh)


@dataclass(frozen=True, slots=True)
class NetMetering:
    """Exported kilowatt-hours cancel imported ones of the same period; what is left over is carried on.

    Net import is billed at the mean retail price of the period's import. With time-of-use prices, to credit each
    export at the price of its moment, use `NetBilling(export_share_of_retail=1.0)`.

    Raises:
        InvalidInputError: With every setting that cannot be used.
    """

    period: PeriodName = "month"
    carry_over_periods: int | None = None
    """Later periods that may use a credit; None: all until the true-up, 0: none."""
    true_up_month: int | None = None
    """Local month at whose end all credit is cashed out, 1..12; None: only when the run ends."""
    cash_out_per_kwh: float = 0.0
    """Paid for credit that expires or is trued up [currency/kWh]; 0: it is forfeited."""
    cash_out_at_end: bool = True
    """Whether credit is cashed out when the run ends; otherwise it is reported as still open."""
    fixed_charge: float = 0.0
    """Charge per period, beside the monthly fee of the tariff; a period cut short pays its part [currency]."""
    name: str = "net_metering"
    budget_balanced: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        problems = Problems()
        check_period(self.period, problems)
        check_periods("carry_over_periods", self.carry_over_periods, problems)
        check_month("true_up_month", self.true_up_month, problems)
        check_sizes(self, ("cash_out_per_kwh", "fixed_charge"), problems)
        problems.raise_if_any()

    def book(self, block: TradeBlock) -> Booking:
        """Trade nothing."""
        return Booking.nothing(block)

    def close(self, sums: PeriodSums, carried: object) -> tuple[PeriodBooking, object]:
        """Net the energy of a period, with the credit of those before it."""
        credit = cast("Credit", carried or Credit(())).add(sums.sold_kwh)
        netted, credit = credit.use(sums.bought_kwh)
        expired, credit = _settle_credit(
            credit, sums, self.carry_over_periods, self.true_up_month, self.cash_out_at_end
        )
        billed = _ratio(sums.bought_kwh - netted, sums.bought_kwh)
        booking = PeriodBooking(
            purchase=sums.purchase * billed,
            network=sums.network * billed,
            sale=expired * self.cash_out_per_kwh,
            tax=sums.tax * billed,
            fixed=np.full(billed.shape, self.fixed_charge * sums.covered_fraction),
        )
        return booking, credit

    def open_credit(self, carried: object) -> Floats | None:
        """Return the kilowatt-hours still to the credit of each house."""
        return cast("Credit", carried).total if carried else None


@dataclass(frozen=True, slots=True)
class NetBilling:
    """Import is billed at the retail price; export earns money that pays the energy bill of the period, and later ones.

    The credit covers energy, network and tax, never a fixed fee.

    Raises:
        InvalidInputError: With every setting that cannot be used.
    """

    period: PeriodName = "month"
    export_share_of_retail: float | None = None
    """Credit for an exported kilowatt-hour as a share of the retail price of its step; None: the feed-in price."""
    carry_over_periods: int | None = None
    """Later periods that may use a credit; None: all until the true-up, 0: none."""
    true_up_month: int | None = None
    """Local month at whose end all credit is cashed out, 1..12; None: only when the run ends."""
    cash_out_fraction: float = 1.0
    """Share paid of credit that expires or is trued up [fraction]; 0: it is forfeited."""
    cash_out_at_end: bool = True
    """Whether credit is cashed out when the run ends; otherwise it is reported as still open."""
    fixed_charge: float = 0.0
    """Charge per period, beside the monthly fee of the tariff; a period cut short pays its part [currency]."""
    name: str = "net_billing"
    budget_balanced: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        problems = Problems()
        check_period(self.period, problems)
        check_periods("carry_over_periods", self.carry_over_periods, problems)
        check_month("true_up_month", self.true_up_month, problems)
        check_sizes(self, ("fixed_charge",), problems)
        check_fraction("cash_out_fraction", self.cash_out_fraction, problems)
        if self.export_share_of_retail is not None:
            check_sizes(self, ("export_share_of_retail",), problems)
        problems.raise_if_any()

    def book(self, block: TradeBlock) -> Booking:
        """Trade nothing."""
        return Booking.nothing(block)

    def close(self, sums: PeriodSums, carried: object) -> tuple[PeriodBooking, object]:
        """Set the money for export against the bill of a period, with the credit of those before it."""
        earned = sums.sale if self.export_share_of_retail is None else sums.sold_at_retail * self.export_share_of_retail
        # An export at a negative price is a debt of its own period, not a credit.
        credit = cast("Credit", carried or Credit(())).add(np.maximum(earned, 0.0))
        used, credit = credit.use(np.maximum(sums.purchase + sums.tax, 0.0))
        expired, credit = _settle_credit(
            credit, sums, self.carry_over_periods, self.true_up_month, self.cash_out_at_end
        )
        booking = PeriodBooking(
            purchase=sums.purchase,
            network=sums.network,
            sale=used + expired * self.cash_out_fraction + np.minimum(earned, 0.0),
            tax=sums.tax,
            fixed=np.full(used.shape, self.fixed_charge * sums.covered_fraction),
        )
        return booking, credit

    def open_credit(self, carried: object) -> Floats | None:
        """Return the money still to the credit of each house."""
        return cast("Credit", carried).total if carried else None


def _settle_credit(
    credit: Credit, sums: PeriodSums, periods: int | None, true_up_month: int | None, at_end: bool
) -> tuple[Floats, Credit]:
    trued_up = sums.month == true_up_month or (sums.last and at_end)
    return credit.expire(0 if trued_up else periods)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)
