"""Compiled loops of a settlement: one day of one rule, booked twice, in time order.

Amounts are signed: + is received by the account, - is paid by it. A row of `lines` belongs to a house, a row of
`steps` to a step; their columns are `LINES` and `STEPS` of the layout.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from afterbay.community.settlement.layout import (
    COMMUNITY_BOUGHT,
    COMMUNITY_PURCHASE,
    COMMUNITY_SALE,
    COMMUNITY_SOLD,
    DEFERRED_NETWORK,
    DEFERRED_PURCHASE,
    DEFERRED_SALE,
    DEFERRED_SOLD_AT_RETAIL,
    DEFERRED_TAX,
    FIXED_FEE,
    NETWORK_FEE,
    STEP_COMMUNITY_BOUGHT,
    STEP_COMMUNITY_SOLD,
    STEP_FUND,
    STEP_HOUSES,
    STEP_NETWORK,
    STEP_STATE,
    STEP_TURNOVER,
    STEP_UTILITY,
    STEP_UTILITY_BOUGHT,
    STEP_UTILITY_SOLD,
    TAX,
    UTILITY_BOUGHT,
    UTILITY_PURCHASE,
    UTILITY_SALE,
    UTILITY_SOLD,
)
from afterbay.core.compiled import Floats, Indices, njit

__all__ = ["Charges", "book_day", "leave_out_unwilling", "price_windows", "trade_at_price"]


class Charges(NamedTuple):
    """What tariffs add to a price. T tariffs."""

    tariff_of: Indices
    """Tariff of each house, shape (H,)."""
    network_share: Floats
    """Shape (T,), as all below."""
    local_network_share: Floats
    tax_fraction: Floats
    tax_per_kwh: Floats
    local_tax_share: Floats


@njit
def book_day(
    net_kwh: Floats,
    bought_kwh: Floats,
    sold_kwh: Floats,
    paid: Floats,
    earned: Floats,
    fees: Floats,
    retail: Floats,
    sale_price: Floats,
    fixed_fee: Floats,
    charges: Charges,
    with_network_charge: bool,
    deferred_utility: bool,
    lines: Floats,
    deferred: Floats,
    steps: Floats,
) -> float:
    """Book every step of a day into `lines`, `deferred` and `steps`, which come filled with zeros.

    Returns:
        The most that a house traded beyond its meter, or below zero, in a step [kWh]; nan where a number is not finite.
    """
    tariff_of = charges.tariff_of
    network_share = charges.network_share
    local_network_share = charges.local_network_share
    tax_fraction = charges.tax_fraction
    tax_per_kwh = charges.tax_per_kwh
    local_tax_share = charges.local_tax_share
    n_steps, n_houses = net_kwh.shape
    worst = 0.0
    finite = 0.0
    for step in range(n_steps):
        houses = utility = network = state = fund = turnover = 0.0
        from_utility = to_utility = bought_sum = sold_sum = 0.0
        for house in range(n_houses):
            tariff = tariff_of[house]
            net = net_kwh[step, house]
            bought = bought_kwh[step, house]
            sold = sold_kwh[step, house]
            fee = fees[step, house]
            fixed = fixed_fee[step, tariff]
            mine = -fixed - fee
            utility += fixed
            network += fee
            lines[FIXED_FEE, house] -= fixed
            charged = fee
            # A house is a buyer or a seller of the step, never both.
            if net < 0.0:
                rest = -net - bought
                worst = max(worst, -rest, -bought, abs(sold), abs(earned[step, house]))
                rest = max(rest, 0.0)
                price = retail[step, tariff]
                purchase = rest * price
                part = purchase * network_share[tariff]
                tax = purchase * tax_fraction[tariff] + rest * tax_per_kwh[tariff]
                lines[UTILITY_BOUGHT, house] += rest
                from_utility += rest
                if deferred_utility:
                    deferred[DEFERRED_PURCHASE, house] += purchase
                    deferred[DEFERRED_NETWORK, house] += part
                    deferred[DEFERRED_TAX, house] += tax
                    tax = 0.0
                else:
                    lines[UTILITY_PURCHASE, house] -= purchase
                    mine -= purchase
                    utility += purchase - part
                    network += part
                if bought != 0.0 or fee != 0.0 or paid[step, house] != 0.0:
                    cost = paid[step, house]
                    if with_network_charge:
                        owed = bought * price * local_network_share[tariff]
                        charged += owed
                        mine -= owed
                        network += owed
                    local_tax = (cost + charged) * tax_fraction[tariff] + bought * tax_per_kwh[tariff]
                    tax += local_tax * local_tax_share[tariff]
                    lines[COMMUNITY_BOUGHT, house] += bought
                    lines[COMMUNITY_PURCHASE, house] -= cost
                    bought_sum += bought
                    mine -= cost
                    fund += cost
                    turnover += cost
                lines[TAX, house] -= tax
                mine -= tax
                state += tax
            else:
                rest = net - sold
                worst = max(worst, -rest, -sold, abs(bought), abs(paid[step, house]))
                rest = max(rest, 0.0)
                sale = rest * sale_price[step, tariff]
                lines[UTILITY_SOLD, house] += rest
                to_utility += rest
                if deferred_utility:
                    deferred[DEFERRED_SALE, house] += sale
                    deferred[DEFERRED_SOLD_AT_RETAIL, house] += rest * retail[step, tariff]
                else:
                    lines[UTILITY_SALE, house] += sale
                    mine += sale
                    utility -= sale
                income = earned[step, house]
                lines[COMMUNITY_SOLD, house] += sold
                lines[COMMUNITY_SALE, house] += income
                sold_sum += sold
                mine += income
                fund -= income
            lines[NETWORK_FEE, house] -= charged
            houses += mine
            # Stays 0 for finite numbers and turns into nan for all others.
            finite += (net + bought + sold + mine) * 0.0
        steps[step, STEP_UTILITY_BOUGHT] = from_utility
        steps[step, STEP_UTILITY_SOLD] = to_utility
        steps[step, STEP_COMMUNITY_BOUGHT] = bought_sum
        steps[step, STEP_COMMUNITY_SOLD] = sold_sum
        steps[step, STEP_TURNOVER] = turnover
        steps[step, STEP_HOUSES] = houses
        steps[step, STEP_UTILITY] = utility
        steps[step, STEP_NETWORK] = network
        steps[step, STEP_STATE] = state
        steps[step, STEP_FUND] = fund
    return worst + finite


@njit
def leave_out_unwilling(
    net_kwh: Floats,
    ceiling_price: Floats,
    floor_price: Floats,
    tariff_of: Indices,
    market_of: Indices,
    cheapest: Floats,
    willing_kwh: Floats,
) -> None:
    """Copy the meters, without the surplus of those who get more from the utility than some buyer would gain."""
    n_steps, n_houses = net_kwh.shape
    for step in range(n_steps):
        cheapest[:] = np.inf
        for house in range(n_houses):
            if net_kwh[step, house] < 0.0:
                market = market_of[house]
                cheapest[market] = min(cheapest[market], ceiling_price[step, tariff_of[house]])
        for house in range(n_houses):
            net = net_kwh[step, house]
            if net > 0.0 and floor_price[step, tariff_of[house]] > cheapest[market_of[house]]:
                net = 0.0
            willing_kwh[step, house] = net


@njit
def price_windows(
    net_kwh: Floats,
    bought_kwh: Floats,
    sold_kwh: Floats,
    ceiling_price: Floats,
    floor_price: Floats,
    tariff_of: Indices,
    market_of: Indices,
    windows: Floats,
) -> None:
    """Fill `windows`, shape (4, n_steps, n_markets): floor, ceiling, demand and supply of each market.

    The floor is the dearest feed-in price among those that sell, the ceiling the cheapest alternative of those
    that buy: between them nobody is worse off than with the utility.
    """
    n_steps, n_houses = net_kwh.shape
    floor, ceiling, demand, supply = windows[0], windows[1], windows[2], windows[3]
    for step in range(n_steps):
        floor[step, :] = -np.inf
        ceiling[step, :] = np.inf
        for house in range(n_houses):
            net = net_kwh[step, house]
            market = market_of[house]
            if net < 0.0:
                demand[step, market] -= net
                if bought_kwh[step, house] > 0.0:
                    ceiling[step, market] = min(ceiling[step, market], ceiling_price[step, tariff_of[house]])
            elif net > 0.0:
                supply[step, market] += net
                if sold_kwh[step, house] > 0.0:
                    floor[step, market] = max(floor[step, market], floor_price[step, tariff_of[house]])


@njit
def trade_at_price(
    price: Floats,
    market_of: Indices,
    shared_bought: Floats,
    shared_sold: Floats,
    shared_paid_for: Floats,
    buyer_fee: Floats,
    seller_fee: Floats,
    buyer_fee_kwh: Floats,
    seller_fee_kwh: Floats,
    buyer_share: float,
    seller_share: float,
    bought_kwh: Floats,
    sold_kwh: Floats,
    paid: Floats,
    earned: Floats,
    fees: Floats,
) -> None:
    """Fill a booking in which everybody of a market trades at one price, nan for no trade.

    Args:
        price: Price of each market, shape (n_steps, n_markets).
        market_of: Market of each house, shape (n_houses,).
        shared_bought: What the sharing says, as all of the same shape (n_steps, n_houses).
        shared_sold: Leaves the sellers.
        shared_paid_for: What arrived of it, and is paid.
        buyer_fee: Fees on the buyer's side; `seller_fee`, and kilowatt-hours for the fees in percent, likewise.
        seller_fee: Fees on the seller's side.
        buyer_fee_kwh: Times the price.
        seller_fee_kwh: Times the price.
        buyer_share: Share of the fees of its own side that a buyer bears; the rest falls to the sellers by energy.
        seller_share: Share of the fees of its own side that a seller bears; the rest falls to the buyers.
        bought_kwh: Filled, as all below.
        sold_kwh: Filled.
        paid: Filled.
        earned: Filled.
        fees: Filled.
    """
    n_steps, n_houses = shared_bought.shape
    n_markets = price.shape[1]
    buyers_owe = np.zeros(n_markets)
    sellers_owe = np.zeros(n_markets)
    traded = np.zeros(n_markets)
    for step in range(n_steps):
        buyers_owe[:] = 0.0
        sellers_owe[:] = 0.0
        traded[:] = 0.0
        for house in range(n_houses):
            market = market_of[house]
            now = price[step, market]
            if np.isnan(now):
                bought_kwh[step, house] = 0.0
                sold_kwh[step, house] = 0.0
                paid[step, house] = 0.0
                earned[step, house] = 0.0
                fees[step, house] = 0.0
                continue
            bought = shared_bought[step, house]
            bought_kwh[step, house] = bought
            sold_kwh[step, house] = shared_sold[step, house]
            paid[step, house] = bought * now
            earned[step, house] = shared_paid_for[step, house] * now
            buyer = buyer_fee[step, house] + buyer_fee_kwh[step, house] * now
            seller = seller_fee[step, house] + seller_fee_kwh[step, house] * now
            fees[step, house] = buyer * buyer_share + seller * seller_share
            sellers_owe[market] += buyer * (1.0 - buyer_share)
            buyers_owe[market] += seller * (1.0 - seller_share)
            traded[market] += bought
        if buyer_share < 1.0 or seller_share < 1.0:
            for house in range(n_houses):
                market = market_of[house]
                if traded[market] > 0.0:
                    fees[step, house] += bought_kwh[step, house] * (
                        buyers_owe[market] / traded[market]
                    ) + shared_paid_for[step, house] * (sellers_owe[market] / traded[market])
