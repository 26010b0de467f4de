"""Small plants whose results can be worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from afterbay.sizing import SimulationParams

__all__ = ["block_sun", "plain"]


def plain(load: list[float], solar: list[float] | None = None, **changes: Any) -> SimulationParams:
    """Return a lossless plant: 10 MWh from 0 to 100 %, 10 MW both ways, empty, no generator."""
    fields: dict[str, Any] = {
        "load_profile": load,
        "solar_profile": solar or [0.0] * len(load),
        "bess_capacity": 10.0,
        "bess_charge_power": 10.0,
        "bess_discharge_power": 10.0,
        "bess_efficiency": 1.0,
        "bess_min_soc": 0.0,
        "bess_max_soc": 1.0,
        "bess_initial_soc": 0.0,
        "dg_takeover_mode": False,
    }
    return SimulationParams(**{**fields, **changes})


def block_sun(bess_mwh: float) -> SimulationParams:
    """Return a year of 10 MW load and 30 MW sun in hours 8 to 15, without losses: checked by arithmetic."""
    hour = np.arange(8760) % 24
    return SimulationParams(
        load_profile=np.full(8760, 10.0),
        solar_profile=np.where((hour >= 8) & (hour < 16), 30.0, 0.0),
        bess_capacity=bess_mwh,
        bess_charge_power=bess_mwh / 4,
        bess_discharge_power=bess_mwh / 4,
        bess_efficiency=1.0,
        bess_min_soc=0.0,
        bess_max_soc=1.0,
        bess_initial_soc=0.5,
    )
