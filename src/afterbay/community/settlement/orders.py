"""Orders of a local market: who wants to buy or sell how much, and at which price.

A bid buys at most its quantity and pays at most its price; an offer sells at most its quantity and asks at
least its price. Prices are money per kilowatt-hour, in the grid's currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from afterbay.core.checks import is_number
from afterbay.core.compiled import Floats, Indices
from afterbay.core.errors import Problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Order", "OrderBook", "OrderColumns", "OrderId", "Side", "order_book"]

Side = Literal["bid", "offer"]
SIDES: tuple[Side, ...] = get_args(Side)
OrderId = int | str
_MOST = 1e12
"""A quantity or price beyond this is a slip; below it no sum of orders leaves the floats."""


@dataclass(frozen=True, slots=True)
class Order:
    """One bid or offer for one step."""

    id: OrderId
    side: Side
    qty_kwh: float
    """Most that is bought or sold [kWh], > 0."""
    price: float
    """Most that is paid or least that is asked [money/kWh]."""
    owner: str = ""
    """Who gave it; nobody trades with oneself. Empty: an owner of its own."""
    cluster: int = 0
    """Part of the network that it comes from: a row of a fee matrix."""


@dataclass(frozen=True, slots=True, eq=False)
class OrderColumns:
    """One side of a book as columns, in the order in which it was given; n orders, all shapes (n,)."""

    ids: tuple[OrderId, ...]
    owner: Indices
    """Number of the owner, shared by both sides of the book."""
    kwh: Floats
    price: Floats
    cluster: Indices
    id_rank: Indices
    """Place of each order when they are sorted by id: numbers first, then text."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class OrderBook:
    """All orders of one step."""

    bids: OrderColumns
    offers: OrderColumns


def order_book(orders: Iterable[Order]) -> OrderBook:
    """Lay out orders as columns.

    Raises:
        InvalidInputError: If an order has an unknown side, a quantity that is not above 0, a price that is no
            finite number, a negative cluster, or the id of another order; every problem is named.
    """
    listed = list(orders)
    problems = Problems()
    seen: set[OrderId] = set()
    for order in listed:
        _check(order, seen, problems)
    problems.raise_if_any()
    # A nameless order is its own owner: it may trade with every other.
    named: dict[str | tuple[OrderId], int] = {}
    owners = [named.setdefault(order.owner or (order.id,), len(named)) for order in listed]
    sides = []
    for side in SIDES:
        rows = [row for row, order in enumerate(listed) if order.side == side]
        sides.append(_columns([listed[row] for row in rows], [owners[row] for row in rows]))
    return OrderBook(*sides)


def _check(order: Order, seen: set[OrderId], problems: Problems) -> None:
    where = f"order {order.id}"
    if order.id in seen:
        problems.add(where, "an id that was given before", "one id per order", "number the orders")
    seen.add(order.id)
    if order.side not in SIDES:
        problems.add(f"{where}: side", order.side, "bid or offer", "say bid to buy, offer to sell")
    if not (is_number(order.qty_kwh) and 0.0 < order.qty_kwh <= _MOST):
        problems.add(
            f"{where}: qty_kwh", order.qty_kwh, f"a number above 0, up to {_MOST:g} [kWh]", "drop empty orders"
        )
    if not (is_number(order.price) and abs(order.price) <= _MOST):
        problems.add(f"{where}: price", order.price, f"a number within ±{_MOST:g} per kWh", "give a price")
    if isinstance(order.cluster, bool) or not isinstance(order.cluster, int) or order.cluster < 0:
        problems.add(f"{where}: cluster", order.cluster, "a whole number >= 0", "number the clusters from 0")


def _columns(orders: Sequence[Order], owners: Sequence[int]) -> OrderColumns:
    rank = np.empty(len(orders), dtype=np.int64)
    by_id = sorted(range(len(orders)), key=lambda row: (isinstance(orders[row].id, str), orders[row].id))
    rank[by_id] = np.arange(len(orders))
    columns = OrderColumns(
        ids=tuple(order.id for order in orders),
        owner=np.array(owners, dtype=np.int64),
        kwh=np.array([order.qty_kwh for order in orders], dtype=np.float64),
        price=np.array([order.price for order in orders], dtype=np.float64),
        cluster=np.array([order.cluster for order in orders], dtype=np.int64),
        id_rank=rank,
    )
    for column in (columns.owner, columns.kwh, columns.price, columns.cluster, columns.id_rank):
        column.setflags(write=False)
    return columns
