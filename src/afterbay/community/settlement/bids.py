"""How a house prices its orders: bid strategies, from limits that make it indifferent to the utility.

A strategy sees the limits of some steps and says at which price each house bids and offers. It keeps no state
and depends on nothing else, so steps and houses may be asked for in any order and any part.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from afterbay.community.topology.tariff import local_hours
from afterbay.core.checks import is_number
from afterbay.core.compiled import Floats, Indices
from afterbay.core.errors import InvalidInputError, Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from afterbay.core.timeline import Timeline

__all__ = [
    "BidLimits",
    "BidPrices",
    "BidStrategy",
    "ByHour",
    "FixedPrice",
    "Margin",
    "PerHouse",
    "Truthful",
    "ZeroIntelligence",
]


@dataclass(frozen=True, slots=True, eq=False)
class BidLimits:
    """What a kilowatt-hour is worth to each house in some steps, in C columns."""

    first: int
    """Index of the first step in the run's timeline."""
    bid: Floats
    """Most that a buyer gains from paying: what the utility would cost [money/kWh], shape (n_steps, C)."""
    offer: Floats
    """Least for which selling pays: what the utility would give [money/kWh], shape (n_steps, C)."""
    column: Indices
    """Column of each house, shape (n_houses,)."""
    house_names: tuple[str, ...]

    @property
    def n_steps(self) -> int:
        """Number of steps."""
        return int(self.bid.shape[0])

    def of(self, houses: Indices) -> BidLimits:
        """Return the limits of some houses, by their places."""
        names = tuple(self.house_names[house] for house in houses)
        return BidLimits(self.first, self.bid, self.offer, self.column[houses], names)


@dataclass(frozen=True, slots=True, eq=False)
class BidPrices:
    """Prices of bids and offers of every house, in as many columns as it takes."""

    bid: Floats
    """Price of a house's bid [money/kWh], shape (n_steps, C)."""
    offer: Floats
    """Price of its offer [money/kWh], shape (n_steps, C)."""
    column: Indices
    """Column of each house, shape (n_houses,)."""


@runtime_checkable
class BidStrategy(Protocol):
    """A way to price orders. Anything with this method is a strategy."""

    def prices(self, limits: BidLimits) -> BidPrices:
        """Price the bids and offers of the houses and steps of `limits`."""


@dataclass(frozen=True, slots=True)
class Truthful:
    """Bids what the utility costs and offers at what the utility pays: no house is worse off for trading."""

    def prices(self, limits: BidLimits) -> BidPrices:
        """Return the limits as they are."""
        return BidPrices(limits.bid, limits.offer, limits.column)


@dataclass(frozen=True, slots=True)
class Margin:
    """Keeps a share of the distance between its limits for itself: 0 is truthful, 1 gives in to the other side.

    A bid is retail - share x (retail - feed-in), an offer feed-in + share x (retail - feed-in).

    Raises:
        InvalidInputError: If a share is outside 0..1.
    """

    bid_share: float = 0.1
    offer_share: float = 0.1

    def __post_init__(self) -> None:
        problems = Problems()
        _check_share("bid_share", self.bid_share, problems)
        _check_share("offer_share", self.offer_share, problems)
        problems.raise_if_any()

    def prices(self, limits: BidLimits) -> BidPrices:
        """Return prices between the limits."""
        return _shaded(limits, self.bid_share, self.offer_share)


@dataclass(frozen=True, slots=True)
class FixedPrice:
    """Bids and offers at prices of its own, always.

    Raises:
        InvalidInputError: If a price is no finite number.
    """

    bid: float
    """[money/kWh]"""
    offer: float
    """[money/kWh]"""

    def __post_init__(self) -> None:
        problems = Problems()
        for name in ("bid", "offer"):
            if not is_number(getattr(self, name)):
                problems.add(name, getattr(self, name), "a finite price per kWh", "give a number")
        problems.raise_if_any()

    def prices(self, limits: BidLimits) -> BidPrices:
        """Return the same two prices for every house and step."""
        shape = limits.bid.shape
        return BidPrices(np.full(shape, self.bid), np.full(shape, self.offer), limits.column)


@dataclass(frozen=True, slots=True)
class ZeroIntelligence:
    """Draws each price evenly between the limits: what a market reaches without any skill of its traders.

    The draw is keyed by (seed, house name, step): it does not matter which other houses or steps are asked for.
    """

    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise InvalidInputError(Problem("seed", repr(self.seed), "a whole number", "such as 7"))

    def prices(self, limits: BidLimits) -> BidPrices:
        """Return a price for every house and step; a house needs one, as it either buys or sells."""
        steps = np.arange(limits.first, limits.first + limits.n_steps, dtype=np.uint64)[:, np.newaxis]
        draw = _even(_mixed(_house_keys(self.seed, limits.house_names) + steps * _GOLDEN))
        low, high = (np.take(side, limits.column, axis=1) for side in (limits.offer, limits.bid))
        drawn = low + draw * (high - low)
        # The last bit must not carry a price out of its limits.
        np.minimum(drawn, np.maximum(low, high), out=drawn)
        return BidPrices(drawn, drawn, np.arange(limits.column.size, dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class ByHour:
    """Keeps a share of the distance between its limits that changes with the local hour, as `Margin` does.

    Raises:
        InvalidInputError: If there are not 24 shares a side, or one is outside 0..1.
    """

    timeline: Timeline
    time_zone: str
    bid_shares: Sequence[float]
    """Share kept by bids in each local hour, shape (24,)."""
    offer_shares: Sequence[float]
    """Share kept by offers in each local hour, shape (24,)."""
    _hour: Indices = field(init=False, repr=False)

    def __post_init__(self) -> None:
        problems = Problems()
        for name in ("bid_shares", "offer_shares"):
            shares = getattr(self, name)
            if len(shares) != 24:
                problems.add(name, f"{len(shares)} shares", "24, one for each local hour", "start at midnight")
            for hour, share in enumerate(shares):
                _check_share(f"{name}[{hour}]", share, problems)
        problems.raise_if_any()
        hours, _, _ = local_hours(self.timeline, self.time_zone)
        object.__setattr__(self, "_hour", hours.astype(np.int64))

    def prices(self, limits: BidLimits) -> BidPrices:
        """Return prices between the limits, by the local hour of each step."""
        hours = self._hour[limits.first : limits.first + limits.n_steps]
        if hours.size != limits.n_steps:
            got = f"steps {limits.first}..{limits.first + limits.n_steps - 1}"
            allowed = f"0..{self.timeline.count - 1}"
            raise InvalidInputError(Problem("timeline", got, allowed, "make the strategy with the run's timeline"))
        bid = np.asarray(self.bid_shares, dtype=np.float64)
        offer = np.asarray(self.offer_shares, dtype=np.float64)
        return _shaded(limits, bid[hours, np.newaxis], offer[hours, np.newaxis])


@dataclass(frozen=True, slots=True, eq=False)
class PerHouse:
    """Gives chosen houses strategies of their own.

    Raises:
        InvalidInputError: When prices are asked for, if a name is none of a house.
    """

    strategies: Mapping[str, BidStrategy]
    """Strategy by house name."""
    default: BidStrategy = field(default_factory=Truthful)
    """Strategy of all other houses."""

    def prices(self, limits: BidLimits) -> BidPrices:
        """Ask each strategy for its own houses."""
        unknown = sorted(set(self.strategies) - set(limits.house_names))
        if unknown:
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            raise InvalidInputError(
                Problem("strategies", f"{unknown[0]!r}{more}", "names of houses of the run", "check the spelling")
            )
        members: dict[int, tuple[BidStrategy, list[int]]] = {}
        for house, name in enumerate(limits.house_names):
            strategy = self.strategies.get(name, self.default)
            members.setdefault(id(strategy), (strategy, []))[1].append(house)
        column = np.empty(len(limits.house_names), dtype=np.int64)
        parts: list[BidPrices] = []
        offset = 0
        for strategy, listed in members.values():
            houses = np.array(listed, dtype=np.int64)
            part = strategy.prices(limits.of(houses))
            column[houses] = part.column + offset
            offset += part.bid.shape[1]
            parts.append(part)
        return BidPrices(
            np.concatenate([part.bid for part in parts], axis=1),
            np.concatenate([part.offer for part in parts], axis=1),
            column,
        )


def _check_share(where: str, share: object, problems: Problems) -> None:
    if not (is_number(share) and 0.0 <= share <= 1.0):  # type: ignore[operator]
        problems.add(where, share, "a fraction 0..1", "0 is truthful, 0.5 the middle")


def _shaded(limits: BidLimits, bid_share: float | Floats, offer_share: float | Floats) -> BidPrices:
    # Where the utility pays more than it costs there is nothing to share: the order stays at its limit.
    distance = np.maximum(limits.bid - limits.offer, 0.0)
    return BidPrices(limits.bid - bid_share * distance, limits.offer + offer_share * distance, limits.column)


# ---- A stream of even numbers for every house: SplitMix64, started at a hash of seed and name.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@lru_cache(maxsize=64)
def _house_keys(seed: int, names: tuple[str, ...]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    digests = (hashlib.blake2b(f"{seed}\x00{name}".encode(), digest_size=8).digest() for name in names)
    keys = np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
    keys.setflags(write=False)
    return keys


def _mixed(state: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = state ^ (state >> np.uint64(shift))
        state *= np.uint64(factor)
    return state ^ (state >> np.uint64(31))


def _even(state: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]) -> Floats:
    """Return numbers of [0, 1) from the upper 53 bits."""
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53
