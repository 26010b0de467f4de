"""Where each number stands in the arrays that the dispatch kernel reads and writes.

Kernels freeze these constants when they are compiled, so this file is part of the cache's name.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["CASE", "CODES", "FLOWS", "TOLERANCE_MW", "TOTALS", "Case"]


# ---- One case: everything the kernel must know about a plant and its rule. Flags are 0 or 1.
class Case(NamedTuple):
    """A case as the kernel sees it: scalars, so that nothing is fetched twice inside the loop."""

    capacity: float
    charge_power: float
    discharge_power: float
    efficiency_pct: float
    min_soc_pct: float
    max_soc_pct: float
    initial_soc_pct: float
    standing_loss_per_h: float
    cycle_limit: float
    dg_rating: float
    dg_min_load: float
    dg_variable: float
    dg_charges_bess: float
    dg_first: float
    takeover: float
    on_pct: float
    off_pct: float
    emergency_pct: float
    emergency_allowed: float
    fuel_per_rating_h: float
    fuel_per_energy: float
    cycle_charging: float
    cycle_min_load: float
    cycle_off_pct: float
    binary_delivery: float
    window_end: float
    trigger: float
    order: float
    surplus_first: float
    assists: float
    window_hours: float
    night_hours: float
    day_hours: float
    blackout_hours: float
    solar_scale: float
    dt_h: float


CASE: Final = Case._fields
(
    CAPACITY, CHARGE_POWER, DISCHARGE_POWER, EFFICIENCY_PCT, MIN_SOC_PCT, MAX_SOC_PCT,
    INITIAL_SOC_PCT, STANDING_LOSS_PER_H, CYCLE_LIMIT, DG_RATING, DG_MIN_LOAD, DG_VARIABLE,
    DG_CHARGES_BESS, DG_FIRST, TAKEOVER_MODE, ON_PCT, OFF_PCT, EMERGENCY_PCT, EMERGENCY_ALLOWED,
    FUEL_PER_RATING_H, FUEL_PER_ENERGY, CYCLE_CHARGING, CYCLE_MIN_LOAD, CYCLE_OFF_PCT,
    BINARY_DELIVERY, WINDOW_END, TRIGGER, ORDER, SURPLUS_FIRST, ASSISTS, WINDOW_HOURS,
    NIGHT_HOURS, DAY_HOURS, BLACKOUT_HOURS, SOLAR_SCALE, DT_H,
) = range(36)  # fmt: skip

# Load below this is met for the hour metric, and does not start a generator [MW].
TOLERANCE_MW: Final = 0.001

# Triggers and orders of service of a template.
TRIGGER_NONE, TRIGGER_DEFICIT, TRIGGER_SOC_BAND = 0, 1, 2
ORDER_BATTERY_FIRST, ORDER_IF_DG_FIRST, ORDER_GENERATOR_FIRST = 0, 1, 2

# ---- One step of a trace: power in MW, energy in MWh, fuel in litres; codes are whole numbers.
FLOWS: Final = (
    "load", "solar", "solar_to_load", "solar_to_bess", "solar_curtailed", "bess_to_load", "dg_to_load",
    "dg_to_bess", "dg_curtailed", "dg_output_mw", "dg_fuel_consumed", "unserved", "soc", "daily_cycles",
    "bess_to_load_from_dg", "soc_from_dg", "bess_standing_loss",
)  # fmt: skip
(
    LOAD, SOLAR, SOLAR_TO_LOAD, SOLAR_TO_BESS, SOLAR_CURTAILED, BESS_TO_LOAD, DG_TO_LOAD,
    DG_TO_BESS, DG_CURTAILED, DG_OUTPUT, DG_FUEL, UNSERVED, SOC, DAILY_CYCLES,
    BESS_TO_LOAD_FROM_DG, SOC_FROM_DG, STANDING_LOSS,
) = range(17)  # fmt: skip

CODES: Final = (
    "hour_of_day",
    "dg_mode",
    "bess_assisted",
    "bess_disabled",
    "in_window",
    "dg_reason",
    "bess_reason",
)
HOUR_OF_DAY, MODE, ASSISTED, DISABLED, IN_WINDOW, DG_REASON, BESS_REASON = range(7)

MODE_OFF, MODE_NORMAL, MODE_EMERGENCY, MODE_TAKEOVER, MODE_CYCLE = range(5)

# Why the generator ran or stood still in a step.
(
    DG_ABSENT, DG_NOT_NEEDED, DG_BLOCKED, DG_ABOVE_EMERGENCY, DG_ABOVE_OFF, DG_IN_BAND_OFF, DG_GREEN_ENOUGH,
    DG_WITHHELD, DG_DEFICIT, DG_DEFICIT_FIRST, DG_BELOW_ON, DG_IN_BAND_ON, DG_WINDOW_RUN, DG_EMERGENCY,
    DG_TAKEOVER, DG_CYCLE_CHARGING, DG_EMERGENCY_NOT_NEEDED,
) = range(17)  # fmt: skip

# What the battery did in a step, and what held it back.
(
    BESS_ABSENT, BESS_IDLE, BESS_COVERS, BESS_AT_POWER, BESS_AT_FLOOR, BESS_AT_ALLOWANCE, BESS_LOCKED,
    BESS_STANDS_BACK, BESS_STORES_ALL, BESS_CHARGE_POWER, BESS_FULL, BESS_WITHHELD,
) = range(12)  # fmt: skip

# ---- Totals of a case: sums over steps, counts of steps, extremes.
TOTALS: Final = (
    # sums of power over steps (times dt_h gives MWh)
    "load", "solar", "solar_to_load", "solar_to_bess", "solar_curtailed", "bess_to_load", "dg_to_load",
    "dg_to_bess", "dg_curtailed", "dg_output", "fuel", "unserved", "bess_to_load_from_dg", "standing_loss",
    "solar_in_load_steps", "curtailed_in_load_steps",
    # counts of steps
    "steps", "load_steps", "full_steps", "green_steps", "any_steps", "dg_steps", "dg_starts",
    "full_mar_oct", "green_mar_oct", "assisted_steps", "emergency_steps", "takeover_steps", "cycle_steps",
    "blackout_load_steps", "blackout_full_steps", "night_steps", "night_silent_steps", "day_load_steps",
    "day_green_steps",
    # days
    "days", "days_at_limit", "sum_daily_cycles", "max_daily_cycles",
    # physics: the largest residual or excess found
    "solar_residual", "load_residual", "dg_residual", "soc_residual", "soc_excess", "bess_power_excess",
    "dg_excess", "negative_flow", "both_ways", "cycle_excess", "fuel_residual", "origin_excess",
    "final_soc", "sum_soc",
)  # fmt: skip
(
    T_LOAD, T_SOLAR, T_SOLAR_TO_LOAD, T_SOLAR_TO_BESS, T_SOLAR_CURTAILED, T_BESS_TO_LOAD, T_DG_TO_LOAD,
    T_DG_TO_BESS, T_DG_CURTAILED, T_DG_OUTPUT, T_FUEL, T_UNSERVED, T_BESS_FROM_DG, T_STANDING_LOSS,
    T_SOLAR_IN_LOAD, T_CURTAILED_IN_LOAD,
    T_STEPS, T_LOAD_STEPS, T_FULL, T_GREEN, T_ANY, T_DG_STEPS, T_DG_STARTS,
    T_FULL_MAR_OCT, T_GREEN_MAR_OCT, T_ASSISTED, T_EMERGENCY, T_TAKEOVER, T_CYCLE,
    T_BLACKOUT_LOAD, T_BLACKOUT_FULL, T_NIGHT, T_NIGHT_SILENT, T_DAY_LOAD, T_DAY_GREEN,
    T_DAYS, T_DAYS_AT_LIMIT, T_SUM_CYCLES, T_MAX_CYCLES,
    T_SOLAR_RESIDUAL, T_LOAD_RESIDUAL, T_DG_RESIDUAL, T_SOC_RESIDUAL, T_SOC_EXCESS, T_BESS_EXCESS,
    T_DG_EXCESS, T_NEGATIVE, T_BOTH_WAYS, T_CYCLE_EXCESS, T_FUEL_RESIDUAL, T_ORIGIN_EXCESS,
    T_FINAL_SOC, T_SUM_SOC,
) = range(53)  # fmt: skip
