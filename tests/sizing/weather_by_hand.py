"""A record of weather and a plant for the laws of uncertainty."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from afterbay.sizing import SimulationParams

__all__ = ["plant", "record"]

FloatArray = NDArray[np.float64]


def record(days: int, seed: int = 1, per_day: int = 24) -> tuple[FloatArray, FloatArray]:
    """Return load and solar whose every step is unlike every other, with duller and brighter days."""
    rng = np.random.default_rng(seed)
    bright = np.repeat(rng.uniform(0.2, 1.0, days), per_day)
    angle = np.tile(np.arange(per_day) / per_day * 2 * np.pi, days)
    solar = np.clip(-np.cos(angle), 0.0, None) * 40.0 * bright
    return rng.uniform(5.0, 12.0, days * per_day), np.asarray(solar)


def plant(days: int = 365, **changes: Any) -> SimulationParams:
    load, solar = record(days)
    fields: dict[str, Any] = {"bess_capacity": 60.0, "bess_charge_power": 15.0, "bess_discharge_power": 15.0}
    return SimulationParams(load_profile=load, solar_profile=solar, **{**fields, "dg_capacity": 12.0, **changes})
