"""From params and template to the row of numbers that the kernel reads (`layout.CASE`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.core.timeline import steps_per_day
from afterbay.core.units import fraction_to_percent
from afterbay.sizing import layout as at
from afterbay.sizing.params import SimulationParams

if TYPE_CHECKING:
    from afterbay.sizing.templates import Template

__all__ = ["case_row", "check_template", "hours_of_day", "hours_of_window"]

_TRIGGERS = {
    "none": at.TRIGGER_NONE,
    "deficit": at.TRIGGER_DEFICIT,
    "soc_band": at.TRIGGER_SOC_BAND,
}
_ORDERS = {
    "battery_first": at.ORDER_BATTERY_FIRST,
    "if_dg_first": at.ORDER_IF_DG_FIRST,
    "generator_first": at.ORDER_GENERATOR_FIRST,
}
_ALL_HOURS = (1 << 24) - 1


def hours_of_window(start_hour: int, end_hour: int) -> int:
    """Return the hours start..end-1 as 24 bits; start after end wraps midnight, equal is empty."""
    if start_hour <= end_hour:
        return sum(1 << hour for hour in range(start_hour, end_hour))
    return _ALL_HOURS & ~hours_of_window(end_hour, start_hour)


def hours_of_day(dt_h: float) -> NDArray[np.int8]:
    """Return the hour of day (0..23) of each step of a day, shape (steps per day,)."""
    steps = steps_per_day(dt_h)
    # A little more than the start of the step, so that 20-minute thirds do not round down.
    return np.asarray(np.floor(np.arange(steps) * dt_h + 1e-9), dtype=np.int8)


def check_template(params: SimulationParams, template: Template) -> None:
    """Refuse options that this template cannot act on.

    Raises:
        InvalidInputError: If `dg_off_trigger='window_end'` meets a template without such a window, or the
            battery can never reach the mark at which this template stops the generator.
    """
    if not isinstance(params, SimulationParams):
        raise InvalidInputError(
            Problem("params", type(params).__name__, "SimulationParams", "make it with SimulationParams(...)")
        )
    _check_off_mark(params, template)
    runs_a_window = template.trigger == "soc_band" and template.window in ("night", "day")
    if params.dg_off_trigger == "window_end" and not runs_a_window:
        raise InvalidInputError(
            Problem(
                "dg_off_trigger",
                f"'window_end' with template {template.label}",
                "a template that runs by state of charge inside a night or day window (T2, T5, T6)",
                "choose one of these templates or dg_off_trigger='soc_band'",
            )
        )


def _check_off_mark(params: SimulationParams, template: Template) -> None:
    stops_by_soc = template.trigger == "soc_band" and params.dg_off_trigger == "soc_band"
    if stops_by_soc and params.dg_rating_mw > 0.0 and params.dg_soc_off_threshold > params.bess_max_soc:
        raise InvalidInputError(
            Problem(
                "dg_soc_off_threshold",
                f"{params.dg_soc_off_threshold:g} with bess_max_soc = {params.bess_max_soc:g}",
                f"at most bess_max_soc with template {template.label}, or the generator would never stop",
                "lower dg_soc_off_threshold or raise bess_max_soc",
            )
        )


def case_row(params: SimulationParams, template: Template) -> NDArray[np.float64]:
    """Return one case, shape (36,), after `check_template`."""
    check_template(params, template)
    night = hours_of_window(params.night_start_hour, params.night_end_hour)
    day = hours_of_window(params.day_start_hour, params.day_end_hour)
    blackout = hours_of_window(params.blackout_start_hour, params.blackout_end_hour)
    windows = {
        "always": _ALL_HOURS,
        "never": 0,
        "night": night,
        "day": day,
        "not_blackout": _ALL_HOURS & ~blackout,
    }
    allowed = {
        "none": False,
        "day": params.allow_emergency_dg_day,
        "night": params.allow_emergency_dg_night,
    }
    curve = params.dg_fuel_curve_enabled
    values = {
        "capacity": params.bess_capacity,
        "charge_power": params.bess_charge_power,
        "discharge_power": params.bess_discharge_power,
        "efficiency_pct": fraction_to_percent(params.bess_efficiency),
        "min_soc_pct": fraction_to_percent(params.bess_min_soc),
        "max_soc_pct": fraction_to_percent(params.bess_max_soc),
        "initial_soc_pct": fraction_to_percent(params.bess_initial_soc),
        "standing_loss_per_h": params.bess_standing_loss_per_h,
        "cycle_limit": params.enforced_cycle_limit or 0.0,
        "dg_rating": params.dg_rating_mw,
        "dg_min_load": params.dg_min_load,
        "dg_variable": params.dg_operating_mode == "variable",
        "dg_charges_bess": params.dg_charges_bess,
        "dg_first": params.dg_load_priority == "dg_first",
        "takeover": params.dg_takeover_mode,
        "on_pct": fraction_to_percent(params.dg_soc_on_threshold),
        "off_pct": fraction_to_percent(params.dg_soc_off_threshold),
        "emergency_pct": fraction_to_percent(params.emergency_soc_threshold),
        "emergency_allowed": allowed[template.emergency],
        "fuel_per_rating_h": params.dg_fuel_f0 * 1000.0 if curve else 0.0,
        "fuel_per_energy": (params.dg_fuel_f1 if curve else params.dg_fuel_flat_rate) * 1000.0,
        "cycle_charging": params.cycle_charging_enabled,
        "cycle_min_load": params.cycle_charging_min_load,
        "cycle_off_pct": fraction_to_percent(params.cycle_charging_off_soc),
        "binary_delivery": params.binary_delivery,
        "window_end": params.dg_off_trigger == "window_end",
        "trigger": _TRIGGERS[template.trigger],
        "order": _ORDERS[template.order],
        "surplus_first": template.surplus_first,
        "assists": template.assists,
        "window_hours": windows[template.window],
        "night_hours": night,
        "day_hours": day,
        "blackout_hours": blackout,
        "solar_scale": 1.0,
        "dt_h": params.dt_h,
    }
    return np.array([float(values[name]) for name in at.CASE])
