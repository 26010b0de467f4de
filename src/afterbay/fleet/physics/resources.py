"""What sun, wind and cars offer at a moment. A small honest model each: what is not modelled is not reported."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.fleet.physics.draws import Keys, normals
from afterbay.fleet.physics.sun import clear_sky_wm2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from afterbay.core.compiled import Floats
    from afterbay.fleet.inventory.records import Asset, Site

__all__ = ["Resource", "Sun", "Wind"]

_PERFORMANCE: Final = 0.86
"""Share of the nameplate that leaves the inverter at 1,000 W/m2: 14 % of losses, as PVWatts assumes."""
_WIND_STREAM: Final = 20


class Resource(Protocol):
    """What drives assets of one type."""

    def available_mw(self, now: datetime, dt_s: float, tick: int) -> Floats:
        """Move on to `now` and return the largest power of each asset [MW], >= 0, shape (n,)."""

    def took(self, power_mw: Floats, dt_s: float) -> None:
        """Learn how much of it was used [MW], >= 0, shape (n,)."""

    def details(self, place: int) -> dict[str, float | int | bool | str]:
        """Return what can be said of one asset's resource."""

    def state(self, place: int) -> dict[str, Any]:
        """Return what a restart needs to know of one asset."""

    def restore(self, place: int, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""


class Sun:
    """Solar farms: a clear sky, or a day of irradiance that comes back every day; modules lie flat."""

    def __init__(self, assets: Sequence[Asset], sites: Mapping[str, Site]) -> None:
        places = [_place(asset, sites) for asset in assets]
        self._latitude = np.array([latitude for latitude, _ in places])
        self._longitude = np.array([longitude for _, longitude in places])
        self._days: dict[int, Sequence[float]] = {
            place: asset.details["irradiance_wm2"]  # type: ignore[misc]
            for place, asset in enumerate(assets)
            if "irradiance_wm2" in asset.details
        }
        self._dc_mw = np.array([float(asset.details.get("dc_mw", asset.max_mw)) for asset in assets])  # type: ignore[arg-type]
        self._performance = np.array(
            [float(asset.details.get("performance_fraction", _PERFORMANCE)) for asset in assets]  # type: ignore[arg-type]
        )
        self._irradiance = np.zeros(len(assets))

    def available_mw(self, now: datetime, dt_s: float, tick: int) -> Floats:  # noqa: ARG002 - the protocol's
        """Return the direct-current power less losses; the inverter's rating is the asset's limit."""
        self._irradiance = clear_sky_wm2(self._latitude, self._longitude, now)
        for place, day in self._days.items():
            self._irradiance[place] = _of_day(day, now)
        return np.asarray(self._irradiance / 1000.0 * self._dc_mw * self._performance)

    def took(self, power_mw: Floats, dt_s: float) -> None:
        """Sun that is not taken is gone."""

    def details(self, place: int) -> dict[str, float | int | bool | str]:
        """Return the irradiance on the horizontal."""
        return {"irradiance_wm2": float(self._irradiance[place])}

    def state(self, place: int) -> dict[str, Any]:  # noqa: ARG002 - the protocol's
        """Return nothing: the sun depends on the time alone."""
        return {}

    def restore(self, place: int, state: Mapping[str, Any]) -> None:
        """Take up nothing."""


class Wind:
    """Wind farms: a day of wind that comes back every day, or a seeded wind with a Weibull distribution.

    The random wind is a normal process whose correlation fades exponentially over `correlation_h`, read through
    the distribution; the step is exact, so that its statistics do not depend on the length of a tick.
    """

    def __init__(self, assets: Sequence[Asset], keys: Keys) -> None:
        self._keys = keys
        self._curves = [_power_curve(asset) for asset in assets]
        self._limit_mw = np.array([asset.max_mw for asset in assets])
        self._days: list[Sequence[float] | None] = [asset.details.get("wind_ms") for asset in assets]  # type: ignore[misc]
        self._shape = [float(asset.details.get("weibull_shape", 2.0)) for asset in assets]  # type: ignore[arg-type]
        means = [float(asset.details.get("mean_wind_ms", 8.0)) for asset in assets]  # type: ignore[arg-type]
        self._scale = [mean / math.gamma(1.0 + 1.0 / shape) for mean, shape in zip(means, self._shape, strict=True)]
        self._correlation_h = np.array(
            [float(asset.details.get("correlation_h", 1.0)) for asset in assets]  # type: ignore[arg-type]
        )
        self._normal = normals(keys, 0, _WIND_STREAM)
        self._speed = [0.0] * len(assets)

    def available_mw(self, now: datetime, dt_s: float, tick: int) -> Floats:
        """Return what the turbines make of the wind."""
        if dt_s > 0.0:
            kept = np.exp(-dt_s / 3600.0 / self._correlation_h)
            self._normal = kept * self._normal + np.sqrt(1.0 - kept * kept) * normals(self._keys, tick, _WIND_STREAM)
        shares = []
        for place, (speeds, powers) in enumerate(self._curves):
            day = self._days[place]
            speed = self._random_speed(place) if day is None else _of_day(day, now)
            self._speed[place] = speed
            shares.append(float(np.interp(speed, speeds, powers, left=0.0, right=0.0)))
        return np.asarray(np.array(shares) * self._limit_mw)

    def took(self, power_mw: Floats, dt_s: float) -> None:
        """Wind that is not taken is gone."""

    def details(self, place: int) -> dict[str, float | int | bool | str]:
        """Return the wind speed at the hub."""
        return {"wind_speed_ms": self._speed[place]}

    def state(self, place: int) -> dict[str, Any]:
        """Return where the random wind stands."""
        return {"wind_normal": float(self._normal[place])}

    def restore(self, place: int, state: Mapping[str, Any]) -> None:
        """Take up the random wind."""
        self._normal[place] = float(state.get("wind_normal", self._normal[place]))

    def _random_speed(self, place: int) -> float:
        # Above this share no double tells the share from 1, and the wind would be infinite.
        below = min(0.5 * (1.0 + math.erf(float(self._normal[place]) / math.sqrt(2.0))), 1.0 - 1e-15)
        speed: float = self._scale[place] * (-math.log1p(-below)) ** (1.0 / self._shape[place])
        return speed


def _place(asset: Asset, sites: Mapping[str, Site]) -> tuple[float, float]:
    if "latitude" in asset.details:
        return float(asset.details["latitude"]), float(asset.details["longitude"])  # type: ignore[arg-type]
    site = sites.get(asset.site_id)
    if site is not None and site.latitude is not None and site.longitude is not None:
        return site.latitude, site.longitude
    if "irradiance_wm2" in asset.details:
        return 0.0, 0.0
    raise InvalidInputError(
        Problem(
            f"asset {asset.name}: details",
            "no sun",
            "latitude and longitude of the site, or irradiance_wm2",
            "the simulated sun needs a place",
        )
    )


def _power_curve(asset: Asset) -> tuple[list[float], list[float]]:
    """Return wind speeds and shares of the limit; between cut-in and rated speed the power grows with the cube."""
    curve: Any = asset.details.get("power_curve")
    if curve is not None:
        return [float(speed) for speed, _ in curve], [float(share) for _, share in curve]
    cut_in, rated, cut_out = (
        float(asset.details.get(key, usual))  # type: ignore[arg-type]
        for key, usual in (("cut_in_ms", 3.0), ("rated_ms", 12.0), ("cut_out_ms", 25.0))
    )
    speeds = np.linspace(cut_in, rated, 50)
    shares = (speeds**3 - cut_in**3) / (rated**3 - cut_in**3)
    return [*speeds.tolist(), cut_out], [*shares.tolist(), 1.0]


def _of_day(day: Sequence[float], now: datetime) -> float:
    seconds = now.hour * 3600 + now.minute * 60 + now.second
    return float(day[seconds * len(day) // 86_400])
