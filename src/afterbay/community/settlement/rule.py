"""What a settlement rule is: from the meters of a day to who trades how much with whom at which price.

The physics is done and stays as it is. A rule says, for every step and house, how much of the metered energy
is bought from and sold to neighbours on paper, and what is paid and earned for it. All the rest goes through
the utility at the meter's own tariff: `settle` adds that, network charges, taxes and fixed fees, and books
every amount twice. A class with a `name`, a `budget_balanced` and a `book` is a rule; inherit from nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np

from afterbay.community.settlement import settlement_kernels as kernels
from afterbay.community.sharing import share_block

if TYPE_CHECKING:
    from afterbay.community.settlement.prices import DayPrices
    from afterbay.community.sharing import SharedBlock, SharingRule
    from afterbay.community.step.tree import TreeArrays
    from afterbay.core.compiled import Floats, Indices

__all__ = ["Booking", "PeriodBooking", "PeriodName", "PeriodRule", "PeriodSums", "SettlementRule", "TradeBlock"]

PeriodName = Literal["month", "year", "run"]


@dataclass(frozen=True, slots=True, eq=False)
class TradeBlock:
    """The steps of one local day, as a rule sees them. Every array is read-only."""

    tree: TreeArrays
    first: int
    """Index of the first step in the run's timeline."""
    dt_h: float
    """Length of a step [h]."""
    net_kwh: Floats
    """Energy through each meter, + out of the house [kWh], shape (n_steps, n_houses)."""
    prices: DayPrices
    """Prices of these steps: by tariff, and by house on demand."""
    _shared: dict[tuple[SharingRule, bool | None], SharedBlock] = field(default_factory=dict, repr=False)

    @property
    def n_steps(self) -> int:
        """Number of steps."""
        return int(self.net_kwh.shape[0])

    @property
    def n_houses(self) -> int:
        """Number of houses."""
        return int(self.net_kwh.shape[1])

    @property
    def retail_per_kwh(self) -> Floats:
        """What a house pays the utility, network included, tax not [currency/kWh], shape (n_steps, n_houses)."""
        return self.prices.by_house("retail_per_kwh")

    @property
    def local_retail_per_kwh(self) -> Floats:
        """Retail price less the network charge that local energy bears: the most that a buyer gains from paying.

        Shape (n_steps, n_houses) [currency/kWh].
        """
        return self.prices.by_house("local_retail_per_kwh")

    @property
    def feed_in_per_kwh(self) -> Floats:
        """What the utility pays a house: the least for which selling locally pays, shape (n_steps, n_houses)."""
        return self.prices.by_house("feed_in_per_kwh")

    def shared(self, rule: SharingRule) -> SharedBlock:
        """Return who shares with whom under a sharing rule; worked out once for all settlement rules."""
        return self._share(rule, None, self.net_kwh)

    def shared_willingly(self, rule: SharingRule, *, network_charge: bool = True) -> SharedBlock:
        """As `shared`, but a house keeps out of selling while no price could please it and every buyer.

        That is while its feed-in price is above the cheapest alternative of those who need energy in its market,
        as with an old, generous feed-in tariff. Without tariffs of that kind it is the same as `shared`.

        Args:
            rule: The sharing rule.
            network_charge: Whether buyers pay the network charge of a local trade beside its price.
        """
        prices = self.prices
        ceiling = prices.local_retail_per_kwh if network_charge else prices.spared_retail_per_kwh
        if np.all(prices.feed_in_per_kwh.max(axis=1) <= ceiling.min(axis=1)):
            return self.shared(rule)
        willing = np.empty(self.net_kwh.shape)
        market_of, n_markets = self.markets(rule)
        kernels.leave_out_unwilling(
            self.net_kwh, ceiling, prices.feed_in_per_kwh, prices.tariff_of, market_of, np.empty(n_markets), willing
        )
        return self._share(rule, network_charge, willing)

    def markets(self, rule: SharingRule) -> tuple[Indices, int]:
        """Return the market of each house, shape (n_houses,), and their number: all one, or one for each bus."""
        if rule.scope == "grid":
            return np.zeros(self.n_houses, dtype=np.int64), 1
        return self.tree.tree.house_node, self.tree.n_nodes

    def _share(self, rule: SharingRule, network_charge: bool | None, net_kwh: Floats) -> SharedBlock:
        found = self._shared.get((rule, network_charge))
        if found is None:
            found = self._shared[rule, network_charge] = share_block(self.tree, rule, net_kwh, dt_h=self.dt_h)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Booking:
    """What a rule says about a `TradeBlock`. All arrays have shape (n_steps, n_houses) and are >= 0.

    A house buys at most its deficit and sells at most its surplus of the step, so that it never does both.
    """

    bought_kwh: Floats
    """Bought from neighbours, at the buyer's meter [kWh]."""
    sold_kwh: Floats
    """Sold to neighbours, at the seller's meter [kWh]; more than what is bought by the losses between them."""
    paid: Floats
    """What buyers pay for it, network fees and tax not included [currency]."""
    earned: Floats
    """What sellers receive for it, before fees of theirs [currency]. Sum paid - sum earned goes to the fund."""
    fees: Floats
    """Network fees of the transformers and buses on the way, on whoever bears them [currency]."""
    network_charge: bool = True
    """Whether buyers also owe the network part of their tariff, less its reduction for local trades."""
    sale_per_kwh: float | None = None
    """What the utility pays for what is not sold to neighbours [currency/kWh]; None: the feed-in price."""

    @staticmethod
    def nothing(block: TradeBlock) -> Booking:
        """Return a booking without any trade."""
        none = np.zeros(block.net_kwh.shape)
        none.setflags(write=False)
        return Booking(none, none, none, none, none)


@runtime_checkable
class SettlementRule(Protocol):
    """A rule of settlement. It keeps no state: days may be booked in any order and at the same time."""

    @property
    def name(self) -> str:
        """Its name in every table; one of a kind among the rules that are settled together."""

    @property
    def budget_balanced(self) -> bool:
        """Whether sellers earn exactly what buyers pay, in every step. If not, the fund shows the difference."""

    def book(self, block: TradeBlock) -> Booking:
        """Say who trades how much, for how much money, in every step of a day."""


@dataclass(frozen=True, slots=True, eq=False)
class PeriodSums:
    """What the meters and the tariffs added up to over a period. All arrays have shape (n_houses,)."""

    label: str
    """The period in words, such as 2023-03."""
    month: int
    """Local month in which it ends, 1..12."""
    covered_fraction: float
    """Share of the calendar period that the run covers [fraction]; 1 for a period that is the run itself."""
    last: bool
    """Whether this is the last period of the run."""
    bought_kwh: Floats
    """From the utility, community trades not included [kWh]."""
    sold_kwh: Floats
    """To the utility, community trades not included [kWh]."""
    demand_kwh: Floats
    """Through the meter into the house, whoever delivered it [kWh]."""
    supply_kwh: Floats
    """Through the meter out of the house, whoever took it [kWh]."""
    purchase: Floats
    """`bought_kwh` at the retail price of each step, network included, tax not [currency]."""
    network: Floats
    """Network part of `purchase` [currency]."""
    sale: Floats
    """`sold_kwh` at the feed-in price of each step [currency]."""
    sold_at_retail: Floats
    """`sold_kwh` at the retail price of each step [currency]."""
    tax: Floats
    """Tax and levies on `purchase` [currency]."""
    tax_fraction: Floats
    """Tax of each house's tariff, as a share of the money."""
    tax_per_kwh: Floats
    """Levy of each house's tariff [currency/kWh]."""


@dataclass(frozen=True, slots=True, eq=False)
class PeriodBooking:
    """What each house settles with the utility at the end of a period, shape (n_houses,) [currency]."""

    purchase: Floats
    """Paid for energy from the utility, network included, tax not; >= 0."""
    network: Floats
    """Network part of `purchase`."""
    sale: Floats
    """Received for energy to the utility; >= 0."""
    tax: Floats
    """Tax and levies."""
    fixed: Floats
    """Fixed charge of the rule, beside the monthly fee of the tariff."""


@runtime_checkable
class PeriodRule(SettlementRule, Protocol):
    """A rule that settles with the utility at the end of each period instead of in each step."""

    @property
    def period(self) -> PeriodName:
        """Length of a period: local calendar month or year, or the whole run."""

    def close(self, sums: PeriodSums, carried: object) -> tuple[PeriodBooking, object]:
        """Settle a period; periods come in order.

        Args:
            sums: What the period added up to.
            carried: What the call before returned as its second value; None in the first period.
        """

    def open_credit(self, carried: object) -> Floats | None:
        """Return what each house still has to its credit when the run ends, shape (n_houses,); None: nothing."""
