"""Divide an amount among those who ask for it. Every rule gives nobody more than its limit."""

from __future__ import annotations

from afterbay.community.sharing.layout import CASCADE, ORDER, PRIORITY, PROPORTIONAL, STATIC
from afterbay.core.compiled import Floats, Indices, njit

__all__ = ["divide"]


@njit
def divide(
    rule: int,
    within: int,
    amount: float,
    limit: Floats,
    part: Floats,
    first: int,
    last: int,
    house_class: Indices,
    house_key: Floats,
) -> float:
    """Write into `part[first:last]` who gets what of `amount`; return what was given in all."""
    for place in range(first, last):
        part[place] = 0.0
    if rule == PRIORITY:
        highest = 0
        for place in range(first, last):
            highest = max(highest, house_class[place])
        given = 0.0
        for rank in range(highest + 1):
            if given < amount:
                given += _divide_class(within, amount - given, limit, part, first, last, house_class, rank)
        return given
    if rule == STATIC or rule == CASCADE:
        given = 0.0
        for place in range(first, last):
            part[place] = min(limit[place], house_key[place] * amount)
            given += part[place]
        if rule == CASCADE:
            given += _cascade(amount - given, limit, part, first, last, house_key)
        return given
    return _divide_class(rule, amount, limit, part, first, last, house_class, -1)


@njit
def _divide_class(
    rule: int,
    amount: float,
    limit: Floats,
    part: Floats,
    first: int,
    last: int,
    house_class: Indices,
    rank: int,
) -> float:
    """Divide among one class, or among all when `rank` is -1."""
    asked = 0.0
    for place in range(first, last):
        if rank < 0 or house_class[place] == rank:
            asked += limit[place]
    if asked <= 0.0:
        return 0.0
    if asked <= amount:
        for place in range(first, last):
            if rank < 0 or house_class[place] == rank:
                part[place] = limit[place]
        return asked
    if rule == ORDER:
        left = amount
        for place in range(first, last):
            if rank < 0 or house_class[place] == rank:
                part[place] = min(limit[place], left)
                left -= part[place]
        return amount
    if rule == PROPORTIONAL:
        share = amount / asked
        for place in range(first, last):
            if rank < 0 or house_class[place] == rank:
                part[place] = limit[place] * share
        return amount
    # Equal: raise one water level until the amount is used; each round fills those below it.
    level = 0.0
    for _ in range(last - first + 1):
        full = 0.0
        open_places = 0
        for place in range(first, last):
            if rank < 0 or house_class[place] == rank:
                if limit[place] <= level:
                    full += limit[place]
                else:
                    open_places += 1
        raised = (amount - full) / max(open_places, 1)
        if open_places == 0 or raised <= level:
            break
        level = raised
    given = 0.0
    for place in range(first, last):
        if rank < 0 or house_class[place] == rank:
            part[place] = min(limit[place], level)
            given += part[place]
    return given


@njit
def _cascade(amount: float, limit: Floats, part: Floats, first: int, last: int, house_key: Floats) -> float:
    """Divide what the first pass left among those who still ask: by their keys, then by their need."""
    left = amount
    for _ in range(last - first + 1):
        keys = 0.0
        for place in range(first, last):
            if part[place] < limit[place]:
                keys += house_key[place]
        if keys <= 0.0 or left <= 0.0:
            break
        given = 0.0
        filled = False
        for place in range(first, last):
            if part[place] < limit[place] and house_key[place] > 0.0:
                fair = left * (house_key[place] / keys)
                room = limit[place] - part[place]
                if fair >= room:
                    part[place] = limit[place]
                    given += room
                    filled = True
                else:
                    part[place] += fair
                    given += fair
        left -= given
        if not filled:
            left = 0.0
            break
    if left > 0.0:
        asked = 0.0
        for place in range(first, last):
            asked += limit[place] - part[place]
        if asked > 0.0:
            share = min(left / asked, 1.0)
            for place in range(first, last):
                part[place] += (limit[place] - part[place]) * share
            left -= min(left, asked)
    return amount - left
