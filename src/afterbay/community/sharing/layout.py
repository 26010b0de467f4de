"""Codes and records that the sharing kernels share with their callers."""

from __future__ import annotations

from typing import NamedTuple

from afterbay.core.compiled import Floats, Indices

__all__ = ["CASCADE", "DUST", "EQUAL", "ORDER", "PRIORITY", "PROPORTIONAL", "STATIC", "Plan", "Room", "Shared"]

PROPORTIONAL = 0
"""Everyone gets the same share of what it asks for."""
EQUAL = 1
"""Everyone gets the same amount, up to what it asks for; the rest goes round again."""
ORDER = 2
"""One after the other, in the order of the houses."""
PRIORITY = 3
"""Class by class of the priority list; another rule decides inside a class."""
STATIC = 4
"""Everyone gets its key's share of the whole, up to what it asks for; the rest is left."""
CASCADE = 5
"""As `STATIC`, and what is left goes round again by the keys of those who still ask."""

DUST = 1e-12
"""Share of a pool below which a remainder is rounding: it is not traded further up."""


class Plan(NamedTuple):
    """A sharing rule as numbers."""

    buyers: int
    """How the energy is divided among those who need it."""
    buyers_within: int
    """The rule inside a class when `buyers` is `PRIORITY`."""
    sellers: int
    """How the sale is divided among those who have too much."""
    sellers_within: int
    level_by_level: bool
    """Whether every bus shares before what is left goes up; else all share once at the top of the scope."""
    whole_grid: bool
    """Whether the scope is the whole grid; else each house shares at its own bus only."""


class Shared(NamedTuple):
    """What a sharing rule decides for a block. T steps, H houses, N nodes, L levels.

    Kernels expect zeros and touch only what is not zero: the pages of a night are never written.
    """

    bought_kwh: Floats
    """From neighbours, at the buyer's meter, shape (T, H)."""
    sold_kwh: Floats
    """To neighbours, at the seller's meter, shape (T, H)."""
    paid_kwh: Floats
    """What of it arrived at the buyers' meters, shape (T, H)."""
    buyer_fee: Floats
    """Constant network fees on what was bought, in money, shape (T, H)."""
    seller_fee: Floats
    buyer_fee_kwh: Floats
    """What was bought times the fees that are shares of the price, shape (T, H)."""
    seller_fee_kwh: Floats
    matched_kwh: Floats
    """Energy matched at each bus, measured there, shape (T, N)."""
    bought_level_kwh: Floats
    """Sums by day and by the number of transformers that the buyer's side crossed, shape (days, L, H)."""
    sold_level_kwh: Floats


class Room(NamedTuple):
    """Room to work in for one thread."""

    offer: Floats
    """What each house still has to give, at its meter, shape (H,)."""
    need: Floats
    limit: Floats
    """What each house may give or take in one pool, measured at its bus, shape (H,)."""
    part: Floats
    up: Floats
    """Factor from the bus of each node up to the pool's bus, shape (N,)."""
    down: Floats
    fee: Floats
    """Fees from the bus of each node up to the pool's bus, shape (N,)."""
    fee_share: Floats
    supply: Floats
    """What is left to give and needed at the bus of each node, shape (N,)."""
    demand: Floats
    eta_up: Floats
    """What arrives above of each kWh through the transformer, at the present flow, shape (N,)."""
    eta_down: Floats
    own_supply: Floats
    """What the houses at each bus still have to give, shape (N,)."""
    own_demand: Floats
    left_supply: Floats
    """The same as shares of what they had at first, shape (N,)."""
    left_demand: Floats
    of_supply: Floats
    """Sold, paid and fees as shares of what the houses at each bus had, shape (4, N)."""
    of_demand: Floats
    """Bought and fees as shares of what they needed, shape (3, N)."""
    sold_at: Floats
    """Sold by transformers crossed, as shares, shape (L, N)."""
    bought_at: Floats
    depth: Indices
    """Transformers between the grid and each node's bus, shape (N,)."""
    dt_h: float
