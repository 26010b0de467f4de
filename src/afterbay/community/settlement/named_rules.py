"""The rules by their everyday names, each with its usual settings."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from afterbay.community.settlement.auction_market import LocalMarket
from afterbay.community.settlement.community_rules import (
    BillSharing,
    CommunityPrice,
    MidMarketRate,
    SupplyDemandRatio,
)
from afterbay.community.settlement.utility_rules import FeedIn, NetBilling, NetMetering, UtilityOnly
from afterbay.community.sharing import SHARING_RULES, Sharing
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from afterbay.community.settlement.rule import SettlementRule

__all__ = ["RULE_NAMES", "named_rule", "standard_rules"]


def _keys(kind: str) -> Callable[[Sharing], SettlementRule]:
    def make(sharing: Sharing) -> SettlementRule:
        keyed = replace(SHARING_RULES[kind], scope=sharing.scope)
        return CommunityPrice(keyed, name=f"{'cascading' if kind == 'cascade' else kind}_keys")

    return make


_MAKERS: Final[Mapping[str, Callable[[Sharing], SettlementRule]]] = MappingProxyType(
    {
        "utility_only": lambda _: UtilityOnly(),
        "net_metering": lambda _: NetMetering(),
        "net_billing": lambda _: NetBilling(),
        "mid_market_rate": MidMarketRate,
        "bill_sharing": BillSharing,
        "supply_demand_ratio": SupplyDemandRatio,
        "compensated_ratio": lambda sharing: SupplyDemandRatio(sharing, 0.5, name="compensated_ratio"),
        "static_keys": _keys("static"),
        "cascading_keys": _keys("cascade"),
        "dynamic_keys": _keys("dynamic"),
        "double_auction": lambda _: LocalMarket(),
        "pay_as_bid": lambda _: LocalMarket(pricing="pay_as_bid"),
        "pay_as_offer": lambda _: LocalMarket(pricing="pay_as_offer"),
        "trade_reduction": lambda _: LocalMarket(pricing="trade_reduction"),
    }
)

RULE_NAMES: Final = (*_MAKERS, "feed_in")
"""Names that `named_rule` knows."""


def named_rule(name: str, *, sharing: Sharing | None = None, feed_in_per_kwh: float | None = None) -> SettlementRule:
    """Return a rule by its everyday name.

    Args:
        name: One of `RULE_NAMES`.
        sharing: Who shares with whom; default: proportional, in the whole grid. Key rules take its scope only, auctions
            match by price and do not use it.
        feed_in_per_kwh: Guaranteed price, for "feed_in" [currency/kWh].

    Raises:
        InvalidInputError: If no rule has this name, or "feed_in" comes without a price.
    """
    if name == "feed_in":
        if feed_in_per_kwh is None:
            raise InvalidInputError(
                Problem("feed_in", "no price", "a price per kWh", "without one it is the rule utility_only")
            )
        return FeedIn(feed_in_per_kwh)
    make = _MAKERS.get(name)
    if make is None:
        allowed = f"one of: {', '.join(RULE_NAMES)}"
        raise InvalidInputError(Problem("rule", repr(name), allowed, "choose one of them"))
    return make(SHARING_RULES["proportional"] if sharing is None else sharing)


def standard_rules(*, sharing: Sharing | None = None, feed_in_per_kwh: float | None = None) -> list[SettlementRule]:
    """Return every named rule once; "feed_in" only where a price is given."""
    names = [name for name in RULE_NAMES if name != "feed_in" or feed_in_per_kwh is not None]
    return [named_rule(name, sharing=sharing, feed_in_per_kwh=feed_in_per_kwh) for name in names]
