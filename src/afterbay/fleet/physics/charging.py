"""Charging stations: cars come, want energy, and leave. The station may be told to take less than they want."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from afterbay.fleet.inventory.type_details import minute_of_day
from afterbay.fleet.physics.draws import Keys, uniforms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from afterbay.core.compiled import Floats
    from afterbay.fleet.inventory.records import Asset

__all__ = ["Cars"]

_ARRIVALS: Final = 40
_MOST_ARRIVALS: Final = 50
"""In one tick; more than this is no charging station."""


class Cars:
    """Stations of charging points: cars on a daily list, or random ones from the seed.

    A car takes at most what its point gives until it has what it wants or leaves. Power that is held back is
    shared in proportion to what each car could take. A car that finds no free point drives on.
    """

    def __init__(self, assets: Sequence[Asset], keys: Keys, start: datetime) -> None:
        self._keys = keys
        self._stations = [_Station(asset) for asset in assets]
        for station in self._stations:
            station.plug_in_those_there(start)
        self._now = start
        self._dt_h = 0.0

    def available_mw(self, now: datetime, dt_s: float, tick: int) -> Floats:
        """Let cars leave and come, and return what those that are there would take."""
        self._dt_h = dt_s / 3600.0
        if dt_s > 0.0:
            for place, station in enumerate(self._stations):
                station.move_on(self._now, now, dt_s, self._keys[place : place + 1], tick)
            self._now = now
        return np.array([sum(station.wants_mw(self._dt_h)) for station in self._stations])

    def took(self, power_mw: Floats, dt_s: float) -> None:
        """Fill the cars with what the station took."""
        for place, station in enumerate(self._stations):
            station.fill(float(power_mw[place]), dt_s / 3600.0)

    def details(self, place: int) -> dict[str, float | int | bool | str]:
        """Return the cars that are plugged in."""
        return {"active_sessions": len(self._stations[place].cars)}

    def state(self, place: int) -> dict[str, Any]:
        """Return the cars with what they still want and when they leave."""
        return {"cars": [[left, leave.isoformat()] for left, leave in self._stations[place].cars]}

    def restore(self, place: int, state: Mapping[str, Any]) -> None:
        """Take up the cars."""
        from datetime import datetime

        if "cars" in state:
            cars = [(float(left), datetime.fromisoformat(leave)) for left, leave in state["cars"]]
            self._stations[place].cars = cars[: self._stations[place].points]


class _Station:
    """One station; `cars` holds (energy still wanted [MWh], when it leaves)."""

    def __init__(self, asset: Asset) -> None:
        details: Mapping[str, Any] = asset.details
        self.points = int(details.get("points", 10))
        self.point_mw = float(details.get("point_mw", -asset.min_mw / self.points))
        self.cars: list[tuple[float, datetime]] = []
        self._listed: list[tuple[int, int, float]] | None = None
        if "sessions" in details:
            self._listed = [_listed(session) for session in details["sessions"]]
        self._per_day = float(details.get("sessions_per_day", 4 * self.points))
        self._session_mwh = float(details.get("session_mwh", 0.03))
        self._stay_h = float(details.get("stay_h", 2.0))

    def plug_in_those_there(self, now: datetime) -> None:
        """Plug in the listed cars that came before the simulation began."""
        for arrive, stay, energy in self._listed or ():
            leave = _last(arrive, now) + timedelta(minutes=stay)
            if leave > now:
                self._plug_in(energy, leave)

    def move_on(self, before: datetime, now: datetime, dt_s: float, key: Keys, tick: int) -> None:
        """Let cars leave and come between two moments."""
        self.cars = [(left, leave) for left, leave in self.cars if leave > now]
        if self._listed is not None:
            for arrive, stay, energy in self._listed:
                came = _last(arrive, now)
                if before < came:
                    self._plug_in(energy, came + timedelta(minutes=stay))
            return
        for number in range(_poisson(float(uniforms(key, tick, _ARRIVALS)[0]), self._per_day * dt_s / 86_400.0)):
            wish, stay_share = (
                0.5 + float(uniforms(key, tick, _ARRIVALS + 1 + 2 * number + part)[0]) for part in (0, 1)
            )
            self._plug_in(wish * self._session_mwh, now + timedelta(hours=stay_share * self._stay_h))

    def wants_mw(self, dt_h: float) -> list[float]:
        """Return what each car can take over a step [MW]."""
        if dt_h <= 0.0:
            return [self.point_mw if left > 0.0 else 0.0 for left, _ in self.cars]
        return [min(self.point_mw, left / dt_h) for left, _ in self.cars]

    def fill(self, power_mw: float, dt_h: float) -> None:
        """Share the power that was taken among the cars."""
        wants = self.wants_mw(dt_h)
        total = sum(wants)
        if total > 0.0 and dt_h > 0.0:
            share = min(power_mw / total, 1.0)
            self.cars = [
                (max(left - want * share * dt_h, 0.0), leave)
                for (left, leave), want in zip(self.cars, wants, strict=True)
            ]

    def _plug_in(self, energy_mwh: float, leave: datetime) -> None:
        if len(self.cars) < self.points:
            self.cars.append((energy_mwh, leave))


def _listed(session: Mapping[str, Any]) -> tuple[int, int, float]:
    arrive, depart = minute_of_day(session["arrive"]), minute_of_day(session["depart"])
    if arrive is None or depart is None:  # the inventory's checks refuse it before
        raise ValueError("a session without times")
    return arrive, (depart - arrive) % 1440, float(session["energy_mwh"])


def _last(minute: int, now: datetime) -> datetime:
    """Return the last moment at this minute of the day, at or before `now`."""
    moment = now.replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
    return moment if moment <= now else moment - timedelta(days=1)


def _poisson(uniform: float, mean: float) -> int:
    """Return the number of arrivals whose share of cases this uniform number falls into."""
    count, term = 0, math.exp(-mean)
    reached = term
    while uniform > reached and count < _MOST_ARRIVALS:
        count += 1
        term *= mean / count
        reached += term
    return count
