"""Rules with a community: neighbours share on paper and trade at one price a step; the rest goes to the utility."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from afterbay.community.settlement import settlement_kernels as kernels
from afterbay.community.settlement.pricing import mid_market_rate, price_between, supply_demand_price
from afterbay.community.settlement.rule import Booking, PeriodBooking, PeriodName
from afterbay.community.settlement.rule_checks import check_fraction, check_one_of, check_period
from afterbay.core.checks import is_number
from afterbay.core.errors import Problems

if TYPE_CHECKING:
    from collections.abc import Callable

    from afterbay.community.settlement.rule import PeriodSums, TradeBlock
    from afterbay.community.sharing import SharingRule
    from afterbay.core.compiled import Floats

__all__ = ["BillSharing", "CommunityPrice", "FeePayer", "MidMarketRate", "SupplyDemandRatio", "trade_at_one_price"]

FeePayer = Literal["each_side", "buyer", "seller", "split"]
_PAYERS: Final = get_args(FeePayer)
_BORNE: Final[dict[str, tuple[float, float]]] = {
    "each_side": (1.0, 1.0),
    "buyer": (1.0, 0.0),
    "seller": (0.0, 1.0),
    "split": (0.5, 0.5),
}
"""Shares of the fees of their own side that buyers and sellers bear; the other side bears the rest."""


@dataclass(frozen=True, slots=True)
class MidMarketRate:
    """Neighbours trade at the middle between feed-in and retail price.

    Source: Long et al. 2017; docs/concepts/settlement.md.
    """

    sharing: SharingRule
    fees: FeePayer = "each_side"
    name: str = "mid_market_rate"
    budget_balanced: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        _check(self.fees)

    def book(self, block: TradeBlock) -> Booking:
        """Trade what is shared at the middle price of each step."""
        return trade_at_one_price(
            block, self.sharing, lambda floor, ceiling, _demand, _supply: mid_market_rate(floor, ceiling), self.fees
        )


@dataclass(frozen=True, slots=True)
class SupplyDemandRatio:
    """Neighbours trade at a price that falls from retail to feed-in as their supply grows to meet their demand.

    Source: Liu et al. 2017, compensation after Long et al. 2018; docs/concepts/settlement.md.
    """

    sharing: SharingRule
    compensation_fraction: float = 0.0
    """Share of the window between feed-in and retail that sellers are sure of [fraction]."""
    fees: FeePayer = "each_side"
    name: str = "supply_demand_ratio"
    budget_balanced: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        problems = Problems()
        check_fraction("compensation_fraction", self.compensation_fraction, problems)
        _check(self.fees, problems)

    def book(self, block: TradeBlock) -> Booking:
        """Trade what is shared at the price of each step."""

        def price(floor: Floats, ceiling: Floats, demand_kwh: Floats, supply_kwh: Floats) -> Floats:
            return supply_demand_price(supply_kwh, demand_kwh, floor, ceiling, self.compensation_fraction)

        return trade_at_one_price(block, self.sharing, price, self.fees)


@dataclass(frozen=True, slots=True)
class CommunityPrice:
    """Neighbours trade at the community's own price: a fixed one, or a place between feed-in and retail.

    With static keys, static keys and a second pass, or dynamic keys as the sharing rule this is key sharing.
    """

    sharing: SharingRule
    position_fraction: float = 0.5
    """0: feed-in price, 1: retail price [fraction]; without meaning when a fixed price is given."""
    per_kwh: float | None = None
    """Fixed price [currency/kWh]; held between feed-in and retail unless `within_bounds` is off."""
    within_bounds: bool = True
    """Whether a price never goes below feed-in or above retail, so that no trade is worse than the utility."""
    network_fee_to: Literal["network", "seller"] = "network"
    """Who gets the network charge that a local trade is not spared. `seller`: the price contains it, so that it goes
    up to retail less the spared part, and nothing goes to the network."""
    fees: FeePayer = "each_side"
    name: str = "community_price"
    budget_balanced: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        problems = Problems()
        check_fraction("position_fraction", self.position_fraction, problems)
        if self.per_kwh is not None and not is_number(self.per_kwh):
            problems.add("per_kwh", self.per_kwh, "a finite number, or None", "give a price per kWh")
        if not self.within_bounds and self.per_kwh is None:
            problems.add("within_bounds", "off", "a fixed price beside it", "give per_kwh, or leave the bounds on")
        check_one_of("network_fee_to", self.network_fee_to, ("network", "seller"), problems)
        _check(self.fees, problems)

    def book(self, block: TradeBlock) -> Booking:
        """Trade what is shared at the community's price."""
        return trade_at_one_price(
            block,
            self.sharing,
            self._price,
            self.fees,
            network_charge=self.network_fee_to == "network",
            within_bounds=self.within_bounds,
        )

    def _price(self, floor: Floats, ceiling: Floats, _demand: Floats, _supply: Floats) -> Floats:
        if self.per_kwh is None:
            return price_between(floor, ceiling, self.position_fraction)
        fixed = np.full(floor.shape, self.per_kwh)
        return np.clip(fixed, floor, ceiling) if self.within_bounds else fixed


@dataclass(frozen=True, slots=True)
class BillSharing:
    """The community has one bill with the utility; at the end of a period it is shared by energy, ex post.

    The cost of what it bought, tax included, falls on its members by the kilowatt-hours that they drew from their
    meters, its income from what it sold by those that they gave.

    Source: Long et al. 2017, bill sharing; docs/concepts/settlement.md.
    """

    sharing: SharingRule
    period: PeriodName = "month"
    fees: FeePayer = "each_side"
    name: str = "bill_sharing"
    budget_balanced: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        problems = Problems()
        check_period(self.period, problems)
        _check(self.fees, problems)

    def book(self, block: TradeBlock) -> Booking:
        """Share within the community; money for it changes hands with the bill."""
        return trade_at_one_price(
            block,
            self.sharing,
            lambda floor, _ceiling, _demand, _supply: np.zeros(floor.shape),
            self.fees,
            within_bounds=False,
        )

    def close(self, sums: PeriodSums, carried: object) -> tuple[PeriodBooking, object]:
        """Share the one bill of a period."""
        by_demand, by_supply = _shares(sums.demand_kwh), _shares(sums.supply_kwh)
        return (
            PeriodBooking(
                purchase=sums.purchase.sum() * by_demand,
                network=sums.network.sum() * by_demand,
                sale=sums.sale.sum() * by_supply,
                tax=sums.tax.sum() * by_demand,
                fixed=np.zeros(by_demand.shape),
            ),
            carried,
        )

    def open_credit(self, carried: object) -> Floats | None:  # noqa: ARG002 - nothing is ever carried
        """Nothing is left open."""
        return None


def trade_at_one_price(
    block: TradeBlock,
    sharing: SharingRule,
    price: Callable[[Floats, Floats, Floats, Floats], Floats],
    fees: FeePayer = "each_side",
    *,
    network_charge: bool = True,
    within_bounds: bool = True,
) -> Booking:
    """Book a sharing at one price for each step and market.

    A market is the whole grid, or the houses of one bus when the sharing stays there. Its price is worked out from
    the floor (dearest feed-in price among those that sell), the ceiling (cheapest alternative of those that buy),
    demand and supply of the market [kWh], all of shape (n_steps, n_markets). A house that gets more from the utility
    than some buyer would gain does not sell in that step, so that there always is room between floor and ceiling.

    Args:
        block: The day.
        sharing: Who shares with whom.
        price: From floor, ceiling, demand and supply to the price [currency/kWh].
        fees: Who bears the network fees: each its own side of the match, buyers, sellers, or half and half.
        network_charge: Whether buyers owe the network charge of a local trade beside the price.
        within_bounds: Whether houses keep out of trades that no price could make good for all.
    """
    prices = block.prices
    shared = block.shared_willingly(sharing, network_charge=network_charge) if within_bounds else block.shared(sharing)
    market_of, n_markets = block.markets(sharing)
    ceiling_price = prices.local_retail_per_kwh if network_charge else prices.spared_retail_per_kwh
    windows = np.zeros((4, block.n_steps, n_markets))
    kernels.price_windows(
        block.net_kwh,
        shared.bought_kwh,
        shared.sold_kwh,
        ceiling_price,
        prices.feed_in_per_kwh,
        prices.tariff_of,
        market_of,
        windows,
    )
    floor, ceiling, demand, supply = windows
    trading = np.isfinite(floor) & np.isfinite(ceiling)
    floor, ceiling = np.where(trading, floor, 0.0), np.where(trading, ceiling, 0.0)
    at = np.where(trading, price(floor, ceiling, demand, supply), np.nan)
    shape = block.net_kwh.shape
    bought, sold, paid, earned, fee = (np.empty(shape) for _ in range(5))
    kernels.trade_at_price(
        at,
        market_of,
        shared.bought_kwh,
        shared.sold_kwh,
        shared.paid_kwh,
        shared.buyer_fee,
        shared.seller_fee,
        shared.buyer_fee_kwh,
        shared.seller_fee_kwh,
        *_BORNE[fees],
        bought,
        sold,
        paid,
        earned,
        fee,
    )
    return Booking(bought, sold, paid, earned, fee, network_charge=network_charge)


def _shares(kwh: Floats) -> Floats:
    total = kwh.sum()
    return kwh / total if total > 0.0 else np.zeros(kwh.shape)


def _check(fees: object, problems: Problems | None = None) -> None:
    problems = Problems() if problems is None else problems
    check_one_of("fees", fees, _PAYERS, problems)
    problems.raise_if_any()
