"""Trades in pairs: who buys from whom, with a fee between the clusters of the network.

Pooled auctions (`clear_book`) say how much each order trades; this module also says with whom, as contracts
between neighbours and fees that depend on both ends need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from afterbay.community.settlement.auction_pair_kernels import match_by_gain, match_dear_offers_first
from afterbay.community.settlement.auction_rules import require_choice
from afterbay.core.compiled import Floats, Indices
from afterbay.core.errors import InvalidInputError, OutOfRangeError, Problem

if TYPE_CHECKING:
    from afterbay.community.settlement.orders import OrderBook, OrderColumns

__all__ = ["PAIRINGS", "PAIR_PRICES", "PairPrice", "Pairing", "Trades", "match_pairs"]

Pairing = Literal["gain", "volume"]
PAIRINGS: Final[tuple[Pairing, ...]] = get_args(Pairing)
"""The pair with the largest gain first; or the dearest offer first, which trades the most energy."""

PairPrice = Literal["pay_as_bid", "pay_as_offer", "midpoint"]
PAIR_PRICES: Final[tuple[PairPrice, ...]] = get_args(PairPrice)
"""The buyer pays its bid; its seller's offer and the fee; the middle of the two."""


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Trades of one book, in the order in which they were made; k trades, all shapes (k,)."""

    book: OrderBook
    bid: Indices
    """Row of the bid in the book."""
    offer: Indices
    """Row of the offer in the book."""
    kwh: Floats
    price: Floats
    """What the buyer pays, fee included [money/kWh]."""
    fee_per_kwh: Floats
    """What the network receives of it [money/kWh]; the seller receives the rest."""

    def __len__(self) -> int:
        return self.kwh.size

    @property
    def volume_kwh(self) -> float:
        """Energy that changes hands [kWh]."""
        return float(self.kwh.sum())

    @property
    def paid(self) -> float:
        """Money from all buyers."""
        return float(self.kwh @ self.price)

    @property
    def fees(self) -> float:
        """Money to the network."""
        return float(self.kwh @ self.fee_per_kwh)

    @property
    def earned(self) -> float:
        """Money to all sellers."""
        return float(self.kwh @ (self.price - self.fee_per_kwh))

    @property
    def welfare(self) -> float:
        """What the energy is worth to its buyers beyond its worth to its sellers and the fees, by their orders."""
        gain = self.book.bids.price[self.bid] - self.book.offers.price[self.offer] - self.fee_per_kwh
        return float(self.kwh @ gain)


def match_pairs(
    book: OrderBook,
    price: PairPrice = "pay_as_bid",
    *,
    pairing: Pairing = "gain",
    fee_per_kwh: ArrayLike | None = None,
) -> Trades:
    """Match bids with offers one by one; nobody trades with oneself.

    Among equal prices the lowest id goes first, so the order in which orders are given has no effect. With
    pairing "volume" the highest id goes first among equal offers, as the last one given does in the markets
    that match like this.

    Args:
        book: The orders of the step.
        price: What the buyer pays.
        pairing: Which pair is matched next.
        fee_per_kwh: Fee from the seller's cluster (row) to the buyer's (column) [money/kWh], >= 0, shape (c, c);
            None: no fees.

    Raises:
        InvalidInputError: If a rule does not exist, the fees are no square of numbers >= 0, or an order comes
            from a cluster without a row.
    """
    require_choice("price", price, PAIR_PRICES)
    require_choice("pairing", pairing, PAIRINGS)
    bids, offers = book.bids, book.offers
    fee, bid_cluster, offer_cluster = np.zeros((1, 1)), 0 * bids.cluster, 0 * offers.cluster
    if fee_per_kwh is not None:
        bid_cluster, offer_cluster = bids.cluster, offers.cluster
        fee = _fees(fee_per_kwh, 1 + max([0, *bid_cluster.tolist(), *offer_cluster.tolist()]))
    bid_rows = np.lexsort((bids.id_rank, -bids.price))
    offer_rows = np.lexsort((offers.id_rank, offers.price))
    bid, offer = _sorted(bids, bid_cluster, bid_rows), _sorted(offers, offer_cluster, offer_rows)
    # Each trade uses up an order, so there are fewer trades than orders.
    most = len(bids) + len(offers)
    bid_of, offer_of, kwh = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64), np.empty(most)
    if pairing == "gain":
        bid_clusters, offer_clusters = (_by_cluster(side[3], fee.shape[0]) for side in (bid, offer))
        count = match_by_gain(
            bid[0], bid[1], bid[2], *bid_clusters, offer[0], offer[1], offer[2], *offer_clusters, fee,
            bid_of, offer_of, kwh,
        )  # fmt: skip
    else:
        count = match_dear_offers_first(*bid, *offer, fee, bid_of, offer_of, kwh)
    bid_row, offer_row = bid_rows[bid_of[:count]], offer_rows[offer_of[:count]]
    between = fee[offer_cluster[offer_row], bid_cluster[bid_row]]
    dearest, landed = bids.price[bid_row], offers.price[offer_row] + between
    paid = {"pay_as_bid": dearest, "pay_as_offer": landed, "midpoint": 0.5 * dearest + 0.5 * landed}[price]
    return Trades(book, bid_row, offer_row, kwh[:count].copy(), paid, between)


def _fees(given: ArrayLike, n_clusters: int) -> Floats:
    allowed = "a square of numbers >= 0, a row and a column for each cluster"
    try:
        fee = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInputError(Problem("fee_per_kwh", repr(given)[:60], allowed, "give a list of rows")) from None
    if fee.ndim != 2 or fee.shape[0] != fee.shape[1] or fee.shape[0] < n_clusters:
        got = f"shape {fee.shape} for {n_clusters} clusters"
        raise InvalidInputError(Problem("fee_per_kwh", got, allowed, "add the missing rows and columns"))
    wrong = np.argwhere(~(np.isfinite(fee) & (fee >= 0.0)))
    if wrong.size:
        row, column = wrong[0]
        got = f"{fee[row, column]:g} from cluster {row} to {column}"
        raise OutOfRangeError(Problem("fee_per_kwh", got, allowed, "give 0 where there is no fee"))
    return fee


def _sorted(columns: OrderColumns, cluster: Indices, rows: Indices) -> tuple[Floats, Floats, Indices, Indices]:
    return columns.kwh[rows], columns.price[rows], columns.owner[rows], cluster[rows]


def _by_cluster(cluster: Indices, n_clusters: int) -> tuple[Indices, Indices]:
    """Return rows cluster by cluster, each best first, and where each cluster ends."""
    rows = np.argsort(cluster, kind="stable")
    return rows, np.cumsum(np.bincount(cluster, minlength=n_clusters)).astype(np.int64)
