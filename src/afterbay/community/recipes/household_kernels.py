"""The compiled stream of a believable household: appliance events of one day at a time.

A day depends on the house's two keys and the date, on nothing else: any house and any day can be drawn
alone, in any order, to the same bits. Random numbers are a hash of (keys, date, counter) in 32-bit
whole numbers, so compiled and plain Python agree. Hours above 24 fall on the start of the same day.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from afterbay.core.compiled import Floats, inlined, njit

__all__ = ["household_days", "mixed", "uniform"]

Keys = NDArray[np.int64]

_MASK = 0xFFFFFFFF


@inlined
def mixed(x: int) -> int:
    """Scramble 32 bits (a bijection whose products stay below 2**63)."""
    x = ((x ^ (x >> 16)) * 0x21F0AAAD) & _MASK
    x = ((x ^ (x >> 15)) * 0x735A2D97) & _MASK
    return x ^ (x >> 15)


@inlined
def uniform(key_a: int, key_b: int, counter: int) -> float:
    """Return number `counter` of the stream of two keys, in [0, 1)."""
    return mixed(mixed(counter ^ key_a) ^ key_b) / 4294967296.0


@njit
def add_event(out: Floats, house: int, offset: int, start_h: float, hours: float, kw: float) -> None:
    """Spread an event over the quarter hours that it touches; past midnight it goes on at 0 h."""
    at = (start_h % 24.0) * 4.0
    left = hours * 4.0
    slot = math.floor(at)
    room = slot + 1.0 - at
    while left > 0.0:
        part = min(room, left)
        out[house, offset + slot % 96] += kw * part
        left -= part
        slot += 1
        room = 1.0


@inlined
def day_plan(stream: int, key_b: int, routine: Floats, house: int, weekend: bool) -> tuple[float, float, float, float]:
    """Return wake, leave, return and sleep [h] of a day; leave and return are equal for a day at home."""
    scatter = routine[house, 7]
    wobble = scatter * (uniform(stream, key_b, 2) + uniform(stream, key_b, 3) - 1.0)
    wake = routine[house, 0] + wobble
    leave = routine[house, 1] + wobble
    back = routine[house, 2] + scatter * 2.0 * (uniform(stream, key_b, 4) + uniform(stream, key_b, 5) - 1.0)
    sleep = routine[house, 3] + scatter * (uniform(stream, key_b, 6) + uniform(stream, key_b, 7) - 1.0)
    if weekend:
        wake += routine[house, 6]
        sleep += 0.5 * routine[house, 6]
        at_home = uniform(stream, key_b, 8) >= routine[house, 5]
        leave = wake + 2.0 + 3.0 * uniform(stream, key_b, 9)
        back = leave + 2.0 + 6.0 * uniform(stream, key_b, 10)
    else:
        at_home = uniform(stream, key_b, 8) < routine[house, 4]
    sleep = max(sleep, wake + 3.0)
    if at_home or leave <= wake or back <= leave:
        leave = back = 0.5 * (wake + sleep)
    return wake, min(leave, sleep), min(back, sleep), sleep


@inlined
def event_start(
    window: int, draw: float, wake: float, leave: float, back: float, sleep: float, supper: float, timer: float
) -> float:
    """Return when an event of a kind begins [h]."""
    if window == 0:  # any time that somebody is up and in
        start = wake + draw * ((leave - wake) + (sleep - back))
        return start + (back - leave) if start > leave else start
    if window == 1:  # after getting up
        return wake + 1.2 * draw
    if window == 2:  # around supper
        return supper + 4.5 * draw - 2.0
    if window == 3:  # at midday, if somebody is in
        start = wake + 4.5 + 2.0 * draw
        return supper + 1.5 * draw if leave < start and start < back else start
    if window == 4:  # in the evening
        return supper + (sleep - supper) * draw
    return timer + 0.5 * draw


@njit
def add_presence(
    out: Floats, house: int, offset: int, begin: float, end: float, level: float, rise: float, dusk: float,
    stream: int, key_b: int, counter: int,
) -> int:  # fmt: skip
    """Add light and screens while somebody is up and in; more of it when it is dark."""
    while begin < end:
        until = min(begin + 1.5, end)
        clock = begin % 24.0
        dark = 1.1 if clock < rise or clock > dusk else 0.8
        kw = level * dark * (0.2 + 1.6 * uniform(stream, key_b, counter))
        add_event(out, house, offset, begin, until - begin, kw)
        counter += 1
        begin = until
    return counter


@njit
def add_people(
    out: Floats, house: int, offset: int, day: int, stream: int, key_b: int,
    routine: Floats, rates: Floats, appliances: Floats, seasons: Floats, index: int,
) -> None:  # fmt: skip
    """Add what people do on a day on which they are not away."""
    weekend = (day + 3) % 7 >= 5
    rise, dusk, cold = seasons[index, 0], seasons[index, 1], seasons[index, 2]
    wake, leave, back, sleep = day_plan(stream, key_b, routine, house, weekend)
    supper = min(back + 0.3 if back > wake + 10.5 else wake + 10.8, sleep - 1.0)
    lively = 0.35 + 1.3 * uniform(stream, key_b, 11) * (0.5 + uniform(stream, key_b, 12))
    level = routine[house, 9] * (0.5 + 0.5 * cold)
    counter = add_presence(out, house, offset, wake, leave, level, rise, dusk, stream, key_b, 20)
    counter = add_presence(out, house, offset, back, sleep, level, rise, dusk, stream, key_b, counter)
    for kind in range(appliances.shape[0]):
        rate = rates[house, kind]
        if rate <= 0.0:
            continue
        window = int(appliances[kind, 2])
        share = appliances[kind, 4]
        rate *= 1.0 - share + share * cold
        if window < 5:
            rate *= lively
        if weekend:
            rate *= appliances[kind, 3]
        events = math.floor(rate + uniform(stream, key_b, counter))
        counter += 1
        for _ in range(events):
            draw = uniform(stream, key_b, counter)
            start = event_start(window, draw, wake, leave, back, sleep, supper, appliances[kind, 5])
            hours = appliances[kind, 1] * (0.5 + uniform(stream, key_b, counter + 1))
            kw = appliances[kind, 0] * (0.8 + 0.4 * uniform(stream, key_b, counter + 2))
            add_event(out, house, offset, start, hours, kw)
            counter += 3


@njit
def household_days(
    keys: Keys, routine: Floats, rates: Floats, appliances: Floats, first_day: int, seasons: Floats, out: Floats
) -> None:
    """Draw the days of all houses.

    Args:
        keys: Two 32-bit keys per house, shape (n_houses, 2).
        routine: Habits per house, shape (n_houses, 12): wake, leave, return, sleep [h], chance to stay
            at home on a weekday, chance to go out at the weekend, later start at the weekend [h],
            scatter [h], standing load [kW], light and screens [kW], chance of a week away, gain [-].
        rates: Events per day of each appliance, shape (n_houses, n_appliances).
        appliances: Power [kW], duration [h], window code, weekend factor, share that follows the cold,
            hour of a timer [h], shape (n_appliances, 6).
        first_day: Days since 1970-01-01 of the first day.
        seasons: Sunrise, sunset [h] and cold (mean of a year 1) of each day, shape (n_days, 3).
        out: Mean power of each quarter hour [kW], shape (n_houses, 96 n_days); overwritten.
    """
    for house in range(routine.shape[0]):
        key_a, key_b = int(keys[house, 0]), int(keys[house, 1])
        for index in range(seasons.shape[0]):
            day = first_day + index
            offset = 96 * index
            stream = mixed(key_a ^ mixed((day * 40503) & _MASK))
            base = routine[house, 8] * (0.9 + 0.2 * uniform(stream, key_b, 1))
            for slot in range(96):
                # Compressors of fridge and freezer come and go.
                out[house, offset + slot] = base * (0.75 + 0.5 * uniform(stream, key_b, 1000 + slot // 2))
            if uniform(key_a ^ 0x5BD1, key_b, (day + 3) // 7) >= routine[house, 10]:
                add_people(out, house, offset, day, stream, key_b, routine, rates, appliances, seasons, index)
            for slot in range(96):
                out[house, offset + slot] *= routine[house, 11]
