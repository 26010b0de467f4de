"""Network fees along a path of markets: what a buyer pays, what a seller receives and what each market shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from afterbay.core.errors import OutOfRangeError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FeeChain", "fee_chain"]


@dataclass(frozen=True, slots=True)
class FeeChain:
    """One trade along a path of markets, with the price that each of them shows."""

    prices: tuple[float, ...]
    """Price in every market of the path, buyer first [currency/kWh]."""
    bid_at_match: float
    """What is left of the bid where the two meet [currency/kWh]."""
    offer_at_match: float
    """What the offer has grown to where the two meet, that market's own fee included [currency/kWh]."""
    total_fee: float
    """All fees on the way [currency/kWh]."""

    @property
    def buyer_pays(self) -> float:
        """Price at the buyer's end [currency/kWh]."""
        return self.prices[0]

    @property
    def seller_receives(self) -> float:
        """Price at the seller's end [currency/kWh]."""
        return self.prices[-1]

    @property
    def matched(self) -> bool:
        """Whether the bid still covers the offer."""
        return self.bid_at_match >= self.offer_at_match


def fee_chain(
    fees_per_kwh: Sequence[float], matched_at: int, bid: float, offer: float, *, pay_as_offer: bool = False
) -> FeeChain:
    """Carry a bid and an offer through the fees between them.

    A bid loses the fee of every market that it leaves upwards; an offer gains it, and that of the market where the
    two meet.

    Args:
        fees_per_kwh: Fee of every market from the buyer's own to the seller's own [currency/kWh].
        matched_at: Place of the market in which they meet.
        bid: What the buyer pays at most, at its end [currency/kWh].
        offer: What the seller asks at least, at its end [currency/kWh].
        pay_as_offer: Whether the seller gets what it asked and the buyer saves, instead of the other way round.

    Raises:
        OutOfRangeError: If `matched_at` is not a place of the path before its end.

    Source: the worked example of gsy-e on grid fee accounting.
    """
    n_markets = len(fees_per_kwh)
    if not 0 <= matched_at < n_markets - 1:
        raise OutOfRangeError(
            Problem(
                "matched_at",
                repr(matched_at),
                f"0..{n_markets - 2}",
                "name a market of the path by its place, before the seller's own",
            )
        )
    fees = np.asarray(fees_per_kwh, dtype=np.float64)
    # Fees between each market and the match: on the buyer's side those below it, on the seller's its own too.
    up = np.array([fees[place:matched_at].sum() for place in range(matched_at + 1)])
    down = np.array([fees[matched_at:place].sum() for place in range(matched_at + 1, n_markets)])
    bid_at_match, offer_at_match = bid - up[0], offer + down[-1]
    at_match = offer_at_match if pay_as_offer else bid_at_match
    prices = np.concatenate([at_match + up, at_match - down])
    return FeeChain(tuple(prices.tolist()), float(bid_at_match), float(offer_at_match), float(up[0] + down[-1]))
