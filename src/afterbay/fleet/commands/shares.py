"""Divide an amount in numbers: by weight, below a top for each, the rest by headroom or by weight again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Cap", "Redistribution", "share_out", "share_under_caps"]

Redistribution = Literal["headroom", "capacity", "none"]

_DUST = 1e-12
"""Share of the amount below which a rest is the rounding of sums."""


@dataclass(frozen=True, slots=True)
class Cap:
    """A most for the sum of some places: the connection of a site."""

    places: tuple[int, ...]
    most: float


def share_out(amount: float, weights: Sequence[float], tops: Sequence[float], how: Redistribution) -> list[float]:
    """Return the parts of an amount >= 0; nobody gets more than its top, and all of it goes if there is room."""
    parts = [min(amount * weight, top) for weight, top in zip(weights, tops, strict=True)]
    if how == "headroom":
        _by_headroom(amount, tops, parts)
    elif how == "capacity":
        _by_weight(amount, weights, tops, parts)
    return parts


def share_under_caps(
    amount: float, weights: Sequence[float], tops: Sequence[float], caps: Sequence[Cap], how: Redistribution
) -> list[float]:
    """Return the parts of an amount when sums of some places are bounded as well.

    What a cap takes from its places is offered to the others. Where one cap spans all, the amount is cut to it.
    """
    tops = list(tops)
    for cap in caps:
        if len(cap.places) == len(tops):
            amount = min(amount, cap.most)
    parts = share_out(amount, weights, tops, how)
    for _ in caps:
        over = [cap for cap in caps if _sum(parts, cap) > cap.most * (1.0 + _DUST)]
        if not over:
            break
        for cap in over:
            ratio = cap.most / _sum(parts, cap)
            for place in cap.places:
                tops[place] = parts[place] * ratio
        parts = share_out(amount, weights, tops, how)
    return parts


def _sum(parts: Sequence[float], cap: Cap) -> float:
    return math.fsum(parts[place] for place in cap.places)


def _by_headroom(amount: float, tops: Sequence[float], parts: list[float]) -> None:
    """Give the rest in proportion to the room that is left; a second round only takes what rounding left."""
    for _ in range(3):
        rest = amount - math.fsum(parts)
        rooms = [top - part for top, part in zip(tops, parts, strict=True)]
        room = math.fsum(rooms)
        if rest <= _DUST * amount or room <= 0.0:
            return
        share = min(rest / room, 1.0)
        for place, free in enumerate(rooms):
            parts[place] = min(parts[place] + share * free, tops[place])


def _by_weight(amount: float, weights: Sequence[float], tops: Sequence[float], parts: list[float]) -> None:
    """Fill like water: those below their top keep equal power per weight, whoever is full drops out."""
    open_places = [place for place, top in enumerate(tops) if top > 0.0]
    parts[:] = [0.0] * len(tops)
    left = amount
    while open_places and left > _DUST * amount:
        total = math.fsum(weights[place] for place in open_places)
        if total <= 0.0:
            # Only places without weight are left: equal parts.
            offers = {place: left / len(open_places) for place in open_places}
        else:
            offers = {place: left * weights[place] / total for place in open_places}
        full = [place for place in open_places if offers[place] >= tops[place]]
        for place in full or open_places:
            parts[place] = min(offers[place], tops[place])
        if not full:
            return
        left = amount - math.fsum(parts)
        open_places = [place for place in open_places if place not in full]
