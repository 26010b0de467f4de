"""The local market as a settlement rule: the meters of a run are the quantities, strategies set the prices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import numpy as np

from afterbay.community.settlement.auction_layout import Market, market_layout, with_slots
from afterbay.community.settlement.auction_rules import (
    PRICE_RULES,
    PRICING_RULES,
    SCOPES,
    PriceRule,
    PricingRule,
    Scope,
    pricing_code,
)
from afterbay.community.settlement.auction_year_kernels import clear_steps
from afterbay.community.settlement.bids import BidLimits, BidPrices, BidStrategy, Truthful
from afterbay.community.settlement.orders_file import OrderFile
from afterbay.community.settlement.rule import Booking
from afterbay.community.settlement.rule_checks import check_one_of
from afterbay.core.checks import is_number
from afterbay.core.compiled import Floats, Indices
from afterbay.core.errors import InvalidInputError, Problem, Problems

if TYPE_CHECKING:
    from afterbay.community.settlement.rule import TradeBlock

__all__ = ["LocalMarket", "MarketBlock", "MarketTie"]

MarketTie = Literal["pro_rata", "house"]
_TIES: Final = ("pro_rata", "house")
_Array = TypeVar("_Array", Floats, Indices)
_NAMES: Final[dict[PricingRule, str]] = {
    "uniform": "double_auction",
    "pay_as_bid": "pay_as_bid",
    "pay_as_offer": "pay_as_offer",
    "trade_reduction": "trade_reduction",
}


@dataclass(frozen=True, slots=True, eq=False)
class MarketBlock:
    """What a market does in the steps of a block."""

    booking: Booking
    traded_kwh: Floats
    """Energy matched at each node, measured at its bus [kWh], shape (n_steps, n_nodes)."""
    price_per_kwh: Floats
    """Average price that buyers pay there, fees on their way not included; nan without trade, same shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalMarket:
    """An auction in every step; what it leaves goes through the utility.

    The surplus or deficit that a house's meter shows is the quantity of its order, so nobody trades with oneself
    and a house that the auction leaves out is as well off as before.

    Raises:
        InvalidInputError: If a setting is none of those allowed; all are named.
    """

    pricing: PricingRule = "uniform"
    """How prices are made."""
    price_rule: PriceRule = "marginal"
    """Who sets a uniform price; without effect on the other pricing rules."""
    tie_rule: MarketTie = "pro_rata"
    """Who is served first among equal prices: all by the same share, or in the order of the houses."""
    scope: Scope = "grid"
    """Where orders meet."""
    bids: BidStrategy | OrderFile = field(default_factory=Truthful)
    """Who bids what: a strategy, or orders from a file, of which no more trades than the meter shows."""
    price_bounds: Literal["tariff"] | tuple[float, float] | None = "tariff"
    """Limits of prices: no bid above what the utility costs the house and no offer below what it pays; two prices
    [money/kWh], beyond which no order is taken at its word; None: whatever the strategy says."""
    fees: bool = True
    """Whether the network charges the fees of transformers and buses, and orders reckon with them."""
    losses: bool = True
    """Whether traded energy shrinks in the transformers that it crosses."""
    network_charge: bool = True
    """Whether buyers also owe the network part of their tariff, less its reduction for local trades."""
    name: str = ""
    """Its name in every table; empty: made of the pricing rule and the scope."""

    def __post_init__(self) -> None:
        problems = Problems()
        check_one_of("pricing", self.pricing, PRICING_RULES, problems)
        check_one_of("price_rule", self.price_rule, PRICE_RULES, problems)
        check_one_of("tie_rule", self.tie_rule, _TIES, problems)
        check_one_of("scope", self.scope, SCOPES, problems)
        bids: object = self.bids
        if not isinstance(bids, (BidStrategy, OrderFile)):
            problems.add("bids", bids, "a bid strategy or an order file", "Truthful() or read_orders(...)")
        if not _are_bounds(self.price_bounds):
            problems.add("price_bounds", self.price_bounds, "'tariff', two prices or None", "the lowest price first")
        problems.raise_if_any()
        if not self.name:
            made = _NAMES[self.pricing] + ("" if self.scope == "grid" else f"_{self.scope}")
            object.__setattr__(self, "name", made)

    @property
    def budget_balanced(self) -> bool:
        """Sellers earn what buyers pay, but for a trade reduction: what it withholds goes to the fund."""
        return self.pricing != "trade_reduction"

    def book(self, block: TradeBlock) -> Booking:
        """Clear every step of a block."""
        return self.clear(block).booking

    def clear(self, block: TradeBlock) -> MarketBlock:
        """Clear every step of a block and keep what each place traded and at which price.

        Raises:
            InvalidInputError: If a strategy gives prices of the wrong shape or that are no numbers, or the order file
                was read for other houses or fewer steps.
        """
        table = block.prices
        limits = BidLimits(
            first=block.first,
            bid=table.local_retail_per_kwh if self.network_charge else table.retail_per_kwh,
            offer=table.feed_in_per_kwh,
            column=table.tariff_of,
            house_names=block.tree.house_names,
        )
        if isinstance(self.bids, OrderFile):
            market, kwh, prices = self._file_orders(block, limits, self.bids)
        else:
            market = market_layout(block.tree, self.scope, self.fees, self.losses)
            kwh, prices = block.net_kwh, _checked(self.bids.prices(limits), limits)
            prices = self._bounded(prices, limits, np.arange(block.n_houses, dtype=np.int64))
        shape = block.net_kwh.shape
        bought, sold, paid, earned, fees = (np.zeros(shape) for _ in range(5))
        traded, value = (np.zeros((shape[0], block.tree.n_nodes)) for _ in range(2))
        clear_steps(
            market, pricing_code(self.pricing, self.price_rule), self.tie_rule == "house",
            _read_only(kwh), _read_only(prices.bid), _read_only(prices.offer), _read_only(prices.column),
            bought, sold, paid, earned, fees, traded, value,
        )  # fmt: skip
        for column in (bought, sold, paid, earned, fees):
            column.setflags(write=False)
        booking = Booking(bought, sold, paid, earned, fees, self.network_charge)
        price = np.divide(value, traded, out=np.full(traded.shape, np.nan), where=traded > 0.0)
        return MarketBlock(booking, traded, price)

    def _bounded(self, prices: BidPrices, limits: BidLimits, slot_house: Indices) -> BidPrices:
        """Keep every price within the bounds of the market; slots are houses or orders of houses."""
        if self.price_bounds is None:
            return prices
        if self.price_bounds != "tariff":
            low, high = self.price_bounds
            return BidPrices(np.minimum(prices.bid, high), np.maximum(prices.offer, low), prices.column)
        if prices.bid is limits.bid and prices.offer is limits.offer:
            return prices
        # Slots with the same column on both sides share a column of the result.
        wide = limits.bid.shape[1]
        pairs, column = np.unique(prices.column * wide + limits.column[slot_house], return_inverse=True)
        own, known = pairs // wide, pairs % wide
        return BidPrices(
            np.minimum(np.take(prices.bid, own, axis=1), np.take(limits.bid, known, axis=1)),
            np.maximum(np.take(prices.offer, own, axis=1), np.take(limits.offer, known, axis=1)),
            column.astype(np.int64),
        )

    def _file_orders(self, block: TradeBlock, limits: BidLimits, file: OrderFile) -> tuple[Market, Floats, BidPrices]:
        """Lay the orders of a file out in slots, as many for each house as it has orders in one step."""
        first, end = block.first, block.first + block.n_steps
        if file.house_names != block.tree.house_names or end > file.first_of_step.size - 1:
            got = f"{len(file.house_names)} houses, {file.first_of_step.size - 1} steps"
            allowed = f"the {block.n_houses} houses of the run and at least {end} steps"
            raise InvalidInputError(Problem("bids", got, allowed, "read the order file for this run"))
        span = slice(int(file.first_of_step[first]), int(file.first_of_step[end]))
        step = np.repeat(np.arange(block.n_steps), np.diff(file.first_of_step[first : end + 1]))
        house, buys, asked, price = file.house[span], file.buys[span], file.qty_kwh[span], file.price[span]
        net = block.net_kwh[step, house]
        # A meter that shows a surplus covers no bid, and one that shows a deficit no offer.
        covered = np.flatnonzero(np.where(buys, net < 0.0, net > 0.0))
        step, house, asked = step[covered], house[covered], asked[covered]
        price, net = price[covered], net[covered]
        new = np.ones(covered.size, dtype=bool)
        new[1:] = (step[1:] != step[:-1]) | (house[1:] != house[:-1])
        start = np.flatnonzero(new)
        group = np.cumsum(new) - 1
        place = np.arange(covered.size) - start[group] if covered.size else np.zeros(0, dtype=np.int64)
        before = np.cumsum(asked) - asked
        before -= before[start][group] if covered.size else before
        kwh = np.sign(net) * np.clip(np.abs(net) - before, 0.0, asked)
        slots_of_house = np.ones(block.n_houses, dtype=np.int64)
        np.maximum.at(slots_of_house, house, place + 1)
        slot_house = np.repeat(np.arange(block.n_houses, dtype=np.int64), slots_of_house)
        slot = np.concatenate([[0], np.cumsum(slots_of_house)])[house] + place
        shape = (block.n_steps, slot_house.size)
        quantity, priced = np.zeros(shape), np.zeros(shape)
        quantity[step, slot] = kwh
        priced[step, slot] = price
        prices = BidPrices(priced, priced, np.arange(slot_house.size, dtype=np.int64))
        market = with_slots(block.tree, self.scope, self.fees, self.losses, slot_house)
        return market, quantity, self._bounded(prices, limits, slot_house)


def _are_bounds(bounds: object) -> bool:
    if bounds is None or bounds == "tariff":
        return True
    if not (isinstance(bounds, tuple) and len(bounds) == 2 and all(is_number(bound) for bound in bounds)):
        return False
    return bool(bounds[0] <= bounds[1])


def _checked(prices: BidPrices, limits: BidLimits) -> BidPrices:
    """Return a strategy's prices, ready for the kernel.

    Raises:
        InvalidInputError: If a shape does not fit or a price is no finite number.
    """
    problems = Problems()
    column = np.ascontiguousarray(prices.column, dtype=np.int64)
    bid, offer = (np.asarray(side, dtype=np.float64) for side in (prices.bid, prices.offer))
    wanted = f"({limits.n_steps}, C)"
    for name, side in (("bid", bid), ("offer", offer)):
        if side.ndim != 2 or side.shape[0] != limits.n_steps or side.shape != bid.shape:
            problems.add(f"bids: {name} prices", f"shape {side.shape}", wanted, "a row per step, a column per column")
        elif not np.isfinite(side).all():
            problems.add(f"bids: {name} prices", "nan or inf", "finite prices per kWh", "check the strategy")
    if column.shape != limits.column.shape or (not problems and not _within(column, bid.shape[1])):
        allowed = f"a column of the prices for each of {limits.column.size} houses"
        problems.add("bids: column", f"shape {column.shape}", allowed, "check the strategy")
    problems.raise_if_any()
    return prices if bid is prices.bid and offer is prices.offer else BidPrices(bid, offer, column)


def _read_only(values: _Array) -> _Array:
    # One kind of array for the compiler, whoever made it; the maker's own stays as it is.
    alike = np.ascontiguousarray(values).view()
    alike.setflags(write=False)
    return alike


def _within(column: Indices, count: int) -> bool:
    return not column.size or bool(column.min() >= 0 and column.max() < count)
