"""Solar farms, wind farms or charging stations as columns: they follow a resource, and may be held back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.fleet.physics import fleet_kernels as kernels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from afterbay.core.compiled import Floats
    from afterbay.fleet.inventory.records import Asset
    from afterbay.fleet.physics.resources import Resource

__all__ = ["Followers"]


class Followers:
    """n assets of one type; they start with what their resource gives, held back by nothing."""

    def __init__(self, assets: Sequence[Asset], sign: float, resource: Resource, start: datetime) -> None:
        self.sign = sign
        self._resource = resource
        self.limit_mw = np.array([asset.max_mw if sign > 0.0 else -asset.min_mw for asset in assets])
        self._ramp = np.array([asset.ramp_rate_mw_per_min for asset in assets], dtype=np.float64)
        self.setpoint_mw = np.full(len(assets), math.nan)
        self.available_mw = np.minimum(resource.available_mw(start, 0.0, 0), self.limit_mw)
        self.current_mw = sign * self.available_mw + 0.0
        self.energy_mwh = np.zeros(len(assets))
        self.limited = np.zeros(len(assets), dtype=np.int8)

    def tick(self, now: datetime, dt_s: float, tick: int, power_fraction: Floats) -> None:
        """Advance all by `dt_s` to `now`."""
        offered = self._resource.available_mw(now, dt_s, tick)
        kernels.tick_resource(
            self.sign, offered, self.limit_mw, self._ramp, power_fraction, self.setpoint_mw, self.current_mw,
            self.energy_mwh, self.limited, dt_s,
        )  # fmt: skip
        self._resource.took(np.abs(self.current_mw), dt_s)
        self.available_mw = np.minimum(offered, self.limit_mw * power_fraction)

    def details(self, place: int) -> dict[str, float | int | bool | str]:
        """Return what can be said of one asset's resource."""
        return self._resource.details(place)

    def state(self, place: int) -> dict[str, Any]:
        """Return what a restart needs to know."""
        return {"energy_mwh": float(self.energy_mwh[place]), **self._resource.state(place)}

    def restore(self, place: int, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""
        self.energy_mwh[place] = float(state.get("energy_mwh", 0.0))
        self._resource.restore(place, state)
