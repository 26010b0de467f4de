"""One quarter hour of a whole community: a pure function of state, users, weather, time and seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.cycle import tick_kernels
from afterbay.community.cycle.contract import ENERGY_COLUMNS, read_moment
from afterbay.community.cycle.household import chance, expected_kwh
from afterbay.community.cycle.rows import MICRO, Rows
from afterbay.community.cycle.state import bounds_micro, start_micro
from afterbay.community.cycle.sun import DEFAULT_PLACE, Place, clear_sky_share
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from afterbay.community.cycle.state import CycleState
    from afterbay.community.cycle.users import Users
    from afterbay.community.cycle.weather import Weather
    from afterbay.core.compiled import Floats, Indices

__all__ = ["consumption_micro", "power_share", "run_ticks", "tick", "tick_on"]


def tick(
    state: CycleState,
    users: Users,
    weather: Weather,
    moment: datetime | str,
    seed: int,
    run_id: str = "",
    *,
    place: Place = DEFAULT_PLACE,
) -> tuple[CycleState, Rows]:
    """Simulate the quarter hour that begins at `moment`.

    The numbers of a user depend on that user, the run, the seed and the time alone: neither the order of the
    users nor who else takes part changes them.

    Args:
        state: What the last tick left; `CycleState()` before the first.
        users: Who takes part.
        weather: Provider of the weather factor.
        moment: A quarter hour; without a zone it is UTC.
        seed: Any whole number.
        run_id: Name of the run; another name is another stream of chance.
        place: For users without a place of their own, and the wall clock of the households.

    Returns:
        The state after the tick and one row per user, in the order of `users`.

    Raises:
        InvalidInputError: If the moment is no quarter hour, or the weather does not cover it.
    """
    begin = read_moment(moment)
    share = power_share(users, weather, begin, place)
    used = consumption_micro(users, begin, seed, run_id, place)
    return tick_on(state, users, share, used, begin)


def run_ticks(
    state: CycleState,
    users: Users,
    weather: Weather,
    moments: Iterable[datetime | str],
    seed: int,
    run_id: str = "",
    *,
    place: Place = DEFAULT_PLACE,
) -> tuple[CycleState, list[Rows]]:
    """Simulate some quarter hours, each from the state that the one before left."""
    ticks: list[Rows] = []
    for moment in moments:
        state, rows = tick(state, users, weather, moment, seed, run_id, place=place)
        ticks.append(rows)
    return state, ticks


def tick_on(
    state: CycleState, users: Users, share: Floats, consumption: Indices, moment: datetime
) -> tuple[CycleState, Rows]:
    """Simulate a quarter hour whose sun and consumption are known.

    Args:
        state: What the last tick left.
        users: Who takes part.
        share: Power of each array over its nameplate [-], shape (n,).
        consumption: In millionths of a kWh, shape (n,).
        moment: Start of the quarter hour (UTC).

    Returns:
        The state after the tick and one row per user.
    """
    floor, ceiling = bounds_micro(users)
    micro = np.empty((len(users), len(ENERGY_COLUMNS)), dtype=np.int64)
    tick_kernels.tick_households(
        share,
        users.nameplate_kw,
        users.inverter_capacity_kw,
        consumption,
        start_micro(users, state),
        floor,
        ceiling,
        users.max_charge_kw,
        users.max_discharge_kw,
        users.charge_efficiency,
        users.discharge_efficiency,
        micro,
    )
    rows = Rows(users.user_id, users.keys, moment, micro)
    return state.after(rows), rows


def power_share(users: Users, weather: Weather, moment: datetime, place: Place = DEFAULT_PLACE) -> Floats:
    """Return the power of each array over its nameplate before the inverter [-], shape (n,).

    Raises:
        InvalidInputError: If the provider gives anything but one factor >= 0 per user.
    """
    factors = np.asarray(weather.factors(users, moment), dtype=np.float64)
    if factors.shape != (len(users),) or not (np.isfinite(factors) & (factors >= 0.0)).all():
        raise InvalidInputError(
            Problem("weather", type(weather).__name__, "one finite factor >= 0 per user", "mend the provider")
        )
    return clear_sky_share(users, moment, place, weather.sky) * factors


def consumption_micro(users: Users, moment: datetime, seed: int, run_id: str, place: Place = DEFAULT_PLACE) -> Indices:
    """Return what each household draws in a quarter hour, in millionths of a kWh, shape (n,)."""
    kwh = expected_kwh(users.household_size, moment, place.time_zone) * chance(users, moment, seed, run_id)
    return np.floor(kwh * MICRO + 0.5).astype(np.int64)
