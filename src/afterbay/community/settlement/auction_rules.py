"""The rules of an auction as data: who sets the price, who goes first among equals."""

from __future__ import annotations

from typing import Final, Literal, get_args

from afterbay.community.settlement.auction_kernels import (
    BUYER,
    MARGINAL,
    MIDPOINT,
    PAY_AS_BID,
    PAY_AS_OFFER,
    SELLER,
    TRADE_REDUCTION,
)
from afterbay.core.errors import InvalidInputError, Problem

__all__ = [
    "PRICE_RULES",
    "PRICING_RULES",
    "SCOPES",
    "TIE_RULES",
    "PriceRule",
    "PricingRule",
    "Scope",
    "TieRule",
    "pricing_code",
    "require_choice",
]

PricingRule = Literal["uniform", "pay_as_bid", "pay_as_offer", "trade_reduction"]
PRICING_RULES: Final[tuple[PricingRule, ...]] = get_args(PricingRule)
"""One price for all; each buyer its bid; each seller its offer; one price a side, the marginal pair left out."""

PriceRule = Literal["marginal", "midpoint", "seller", "buyer"]
PRICE_RULES: Final[tuple[PriceRule, ...]] = get_args(PriceRule)
"""Who sets a uniform price: where the curves cross, the middle of the last pair, its offer, its bid."""

TieRule = Literal["pro_rata", "first", "id"]
TIE_RULES: Final[tuple[TieRule, ...]] = get_args(TieRule)
"""Who is served among equal prices: all by the same share, who came first, the lowest id."""

Scope = Literal["grid", "transformer", "hierarchical"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
"""One market at the substation; one at each bus with houses; one at every bus, what is left goes a level up."""

_UNIFORM: Final[dict[PriceRule, int]] = {
    "marginal": MARGINAL,
    "midpoint": MIDPOINT,
    "seller": SELLER,
    "buyer": BUYER,
}
_OTHERS: Final[dict[PricingRule, int]] = {
    "pay_as_bid": PAY_AS_BID,
    "pay_as_offer": PAY_AS_OFFER,
    "trade_reduction": TRADE_REDUCTION,
}


def pricing_code(pricing: PricingRule, price_rule: PriceRule) -> int:
    """Return the rule's number in the kernels.

    Raises:
        InvalidInputError: If there is no such rule.
    """
    require_choice("pricing", pricing, PRICING_RULES)
    require_choice("price_rule", price_rule, PRICE_RULES)
    return _UNIFORM[price_rule] if pricing == "uniform" else _OTHERS[pricing]


def require_choice(where: str, got: object, allowed: tuple[str, ...]) -> None:
    """Refuse a word that is none of those allowed.

    Raises:
        InvalidInputError: If it is not.
    """
    if got not in allowed:
        raise InvalidInputError(Problem(where, repr(got), f"one of: {', '.join(allowed)}", "choose one of these"))
