"""Community prices as formulas: between what the utility pays and what it charges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from afterbay.core.compiled import Floats

__all__ = [
    "mid_market_rate",
    "order_mid_market_rate",
    "order_supply_demand_price",
    "pool_crossing_price",
    "price_between",
    "supply_demand_price",
    "two_price_ratio",
]


def price_between(floor: ArrayLike, ceiling: ArrayLike, position: float) -> Floats:
    """Return the price at a position of the window: 0 is the floor, 1 the ceiling."""
    floor, ceiling = np.asarray(floor, dtype=np.float64), np.asarray(ceiling, dtype=np.float64)
    # Weighted so that both ends are met exactly.
    return np.asarray(floor * (1.0 - position) + ceiling * position)


def mid_market_rate(feed_in: ArrayLike, retail: ArrayLike) -> Floats:
    """Return the middle of feed-in and retail price.

    Source: Long et al., Peer-to-peer energy trading in a community microgrid, IEEE PES General Meeting 2017.
    """
    return price_between(feed_in, retail, 0.5)


def supply_demand_price(
    supply_kwh: ArrayLike,
    demand_kwh: ArrayLike,
    feed_in: ArrayLike,
    retail: ArrayLike,
    compensation_fraction: float = 0.0,
) -> Floats:
    """Return the price of local energy that falls from retail to feed-in as supply grows to meet demand.

    With R = supply / demand, at most 1, and s = feed-in + compensation · (retail − feed-in):
    price = retail · s / ((retail − s) · R + s). Where s <= 0 it is s, which is the formula's limit.

    Args:
        supply_kwh: What is on offer [kWh], >= 0.
        demand_kwh: What is wanted [kWh], >= 0.
        feed_in: Price for energy to the utility [currency/kWh].
        retail: Price of energy from the utility, >= feed-in.
        compensation_fraction: Share of the window that sellers are sure of [fraction].

    Source: Liu et al., Energy-sharing model with price-based demand response for microgrids of peer-to-peer
        prosumers, IEEE Transactions on Power Systems 32(5), 2017; compensation: Long et al., Peer-to-peer energy
        sharing through a two-stage aggregated battery control, Applied Energy 226, 2018.
    """
    supply, demand = np.asarray(supply_kwh, dtype=np.float64), np.asarray(demand_kwh, dtype=np.float64)
    ceiling = np.asarray(retail, dtype=np.float64)
    least = price_between(feed_in, ceiling, compensation_fraction)
    supply, demand, ceiling, least = np.broadcast_arrays(supply, demand, ceiling, least)
    ratio = np.minimum(np.divide(supply, demand, out=np.ones(supply.shape), where=demand > 0.0), 1.0)
    below = (ceiling - least) * ratio + least
    curve = (least > 0.0) & (ratio < 1.0)
    price = np.divide(ceiling * least, below, out=least.copy(), where=curve)
    # The last bit of a division must not carry the price out of its window.
    return np.where(curve, np.clip(price, least, ceiling), least)


def two_price_ratio(supply_kwh: float, demand_kwh: float, feed_in: float, retail: float) -> tuple[float, float]:
    """Return buying and selling price of the supply-demand ratio, exchange with the utility blended in.

    Every kilowatt-hour of a meter settles at these two prices, whoever delivered it. The bills are those of
    `supply_demand_price` for the local part and the utility's prices for the rest.

    Args:
        supply_kwh: Sum of all surpluses [kWh].
        demand_kwh: Sum of all deficits [kWh].
        feed_in: Price for energy to the utility [currency/kWh].
        retail: Price of energy from the utility [currency/kWh].

    Returns:
        Buying price and selling price [currency/kWh].

    Source: Liu et al. 2017, equations of the internal price.
    """
    if demand_kwh <= 0.0:
        return retail, feed_in
    ratio = supply_kwh / demand_kwh
    if ratio >= 1.0:
        return feed_in, feed_in
    selling = float(supply_demand_price(supply_kwh, demand_kwh, feed_in, retail))
    return selling * ratio + retail * (1.0 - ratio), selling


def order_mid_market_rate(
    bids: Sequence[tuple[float, float]], offers: Sequence[tuple[float, float]], *, divisor: float = 2.0
) -> float:
    """Return the middle of the lowest bid and the highest offer; orders are (quantity [kWh], price).

    Where one side is missing it is the best price of the other (highest bid, lowest offer), 0 without any order.
    Where the two curves cross inside the book (lowest bid below highest offer) it is `pool_crossing_price`.

    Args:
        bids: What buyers want.
        offers: What sellers have.
        divisor: What the sum of the two is divided by [-], > 0; 2 for the middle.
    """
    window = _window_of_orders(bids, offers)
    return window if isinstance(window, float) else (window[0] + window[1]) / divisor


def order_supply_demand_price(
    bids: Sequence[tuple[float, float]], offers: Sequence[tuple[float, float]], compensation_fraction: float = 0.0
) -> float:
    """Return the supply-demand price between the lowest bid and the highest offer; orders are (quantity, price).

    Missing sides and crossing curves as in `order_mid_market_rate`.
    """
    window = _window_of_orders(bids, offers)
    if isinstance(window, float):
        return window
    ceiling, floor = window
    supply, demand = sum(kwh for kwh, _ in offers), sum(kwh for kwh, _ in bids)
    return float(supply_demand_price(supply, demand, floor, ceiling, compensation_fraction))


def pool_crossing_price(bids: Sequence[tuple[float, float]], offers: Sequence[tuple[float, float]]) -> float:
    """Return the price of the dearest offer that still meets a bid at least as high, in merit order; 0 if none does."""
    waiting = sorted(bids, key=lambda order: -order[1])
    price = 0.0
    taken = bid = 0
    left = [kwh for kwh, _ in waiting]
    for kwh, asked in sorted(offers, key=lambda order: order[1]):
        open_kwh = kwh
        while open_kwh > 0.0 and bid < len(waiting) and waiting[bid][1] >= asked:
            price, taken = asked, taken + 1
            matched = min(open_kwh, left[bid])
            open_kwh -= matched
            left[bid] -= matched
            if left[bid] <= 0.0:
                bid += 1
    return float(price) if taken else 0.0


def _window_of_orders(
    bids: Sequence[tuple[float, float]], offers: Sequence[tuple[float, float]]
) -> tuple[float, float] | float:
    for name, orders in (("bids", bids), ("offers", offers)):
        for place, (kwh, price) in enumerate(orders):
            if not (np.isfinite(kwh) and kwh > 0.0 and np.isfinite(price)):
                got = f"({kwh}, {price})"
                raise InvalidInputError(
                    Problem(f"{name}[{place}]", got, "(kWh above 0, finite price)", "correct or remove the order")
                )
    if not bids or not offers:
        return float(max((price for _, price in bids), default=min((price for _, price in offers), default=0.0)))
    lowest_bid, highest_offer = min(price for _, price in bids), max(price for _, price in offers)
    if lowest_bid < highest_offer:
        return pool_crossing_price(bids, offers)
    return float(lowest_bid), float(highest_offer)
