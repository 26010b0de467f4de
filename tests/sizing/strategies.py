"""Random plants and rules for the law tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from afterbay.sizing import SimulationParams

__all__ = ["plants", "template_numbers"]

template_numbers = st.integers(0, 6)


def _profile(seed: int, steps: int, steps_per_day: int, peak_mw: float, *, sun: bool) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    if not sun:
        load = rng.uniform(0.0, peak_mw, steps)
        return np.asarray(np.where(rng.random(steps) < 0.1, 0.0, load))
    angle = (np.arange(steps) % steps_per_day) / steps_per_day * 2 * np.pi
    return np.asarray(np.clip(-np.cos(angle), 0.0, None) * peak_mw * rng.uniform(0.2, 1.0, steps))


def _sizes(most: float) -> st.SearchStrategy[float]:
    """Nothing at all, or a size that somebody could build."""
    return st.one_of(st.just(0.0), st.floats(0.01, most))


@st.composite
def plants(draw: st.DrawFn, /, **fixed: Any) -> SimulationParams:
    """Draw a plant with every option in play; `fixed` overrides fields."""
    dt_h = draw(st.sampled_from([1.0, 0.5, 0.25, 1 / 3, 1 / 12]))
    steps_per_day = round(24 / dt_h)
    steps = draw(st.integers(1, 4 * steps_per_day))
    seed = draw(st.integers(0, 2**32 - 1))
    share = st.floats(0.0, 1.0, allow_subnormal=False)
    low = draw(st.floats(0.0, 0.5))
    high = draw(st.floats(0.55, 1.0))
    on = draw(share) * high
    variable = draw(st.booleans())
    charges = draw(st.booleans())
    fields: dict[str, Any] = {
        "load_profile": _profile(seed, steps, steps_per_day, draw(_sizes(60.0)), sun=False),
        "solar_profile": _profile(seed + 1, steps, steps_per_day, draw(_sizes(120.0)), sun=True),
        "bess_capacity": draw(_sizes(400.0)),
        "bess_charge_power": draw(_sizes(120.0)),
        "bess_discharge_power": draw(_sizes(120.0)),
        "bess_efficiency": draw(st.floats(0.3, 1.0)),
        "bess_min_soc": low,
        "bess_max_soc": high,
        "bess_initial_soc": min(low + draw(share) * (high - low), high),
        "bess_standing_loss_per_h": draw(st.sampled_from([0.0, 1e-4, 0.02])),
        "bess_daily_cycle_limit": draw(st.one_of(st.none(), st.floats(0.05, 3.0))),
        "dg_enabled": draw(st.booleans()),
        "dg_capacity": draw(_sizes(80.0)),
        "dg_charges_bess": charges,
        "dg_load_priority": draw(st.sampled_from(["bess_first", "dg_first"])),
        "dg_takeover_mode": draw(st.booleans()),
        "dg_operating_mode": "variable" if variable else "binary",
        "dg_min_load": draw(share),
        "night_start_hour": draw(st.integers(0, 23)),
        "night_end_hour": draw(st.integers(0, 24)),
        "day_start_hour": draw(st.integers(0, 23)),
        "day_end_hour": draw(st.integers(0, 24)),
        "blackout_start_hour": draw(st.integers(0, 23)),
        "blackout_end_hour": draw(st.integers(0, 24)),
        "dg_soc_on_threshold": on,
        "dg_soc_off_threshold": max(on, min(on + draw(share) * (1.0 - on), high)),
        "emergency_soc_threshold": draw(share),
        "allow_emergency_dg_day": draw(st.booleans()),
        "allow_emergency_dg_night": draw(st.booleans()),
        "dg_fuel_curve_enabled": draw(st.booleans()),
        "cycle_charging_enabled": variable and charges and draw(st.booleans()),
        "cycle_charging_min_load": draw(share),
        "cycle_charging_off_soc": min(draw(share), high),
        "binary_delivery": draw(st.booleans()),
        "dt_h": dt_h,
    }
    return SimulationParams(**{**fields, **fixed})
