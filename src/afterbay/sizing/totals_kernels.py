"""Totals of a case, day by day: the same compiled code for a sweep and for a kept trace.

Each function walks over the rows of one day with scalars of its own. The physics residuals are computed
here from the flows alone, not by the code that made the flows.
"""

from __future__ import annotations

import math

from afterbay.core.compiled import Codes, Floats, njit
from afterbay.sizing import layout as at

__all__ = ["total_day"]

_MAR_OCT_FIRST, _MAR_OCT_LAST = 60, 304


@njit
def total_day(
    case: at.Case,
    flows: Floats,
    codes: Codes,
    first: int,
    last: int,
    day: int,
    energy_at_midnight: float,
    ran_before_midnight: bool,
    totals: Floats,
) -> None:
    """Add the rows `first` to `last` - 1, one calendar day (counted from 0), to the totals."""
    _sum_flows(flows, first, last, totals)
    _count_delivery(case, flows, codes, first, last, day, totals)
    _count_generator(case, codes, first, last, ran_before_midnight, totals)
    _check_nodes(case, flows, codes, first, last, totals)
    _check_battery(case, flows, first, last, energy_at_midnight, totals)
    cycles = flows[last - 1, at.DAILY_CYCLES]
    totals[at.T_DAYS] += 1.0
    totals[at.T_SUM_CYCLES] += cycles
    totals[at.T_MAX_CYCLES] = max(totals[at.T_MAX_CYCLES], cycles)
    totals[at.T_DAYS_AT_LIMIT] += codes[last - 1, at.DISABLED]
    totals[at.T_FINAL_SOC] = flows[last - 1, at.SOC]


@njit
def _sum_flows(
    flows: Floats,
    first: int,
    last: int,
    totals: Floats,
) -> None:
    """Add up power, fuel and loss, side by side so that no sum waits for another."""
    load = totals[at.T_LOAD]
    solar = totals[at.T_SOLAR]
    solar_to_load = totals[at.T_SOLAR_TO_LOAD]
    solar_to_bess = totals[at.T_SOLAR_TO_BESS]
    solar_curtailed = totals[at.T_SOLAR_CURTAILED]
    bess_to_load = totals[at.T_BESS_TO_LOAD]
    dg_to_load = totals[at.T_DG_TO_LOAD]
    dg_to_bess = totals[at.T_DG_TO_BESS]
    dg_curtailed = totals[at.T_DG_CURTAILED]
    dg_output = totals[at.T_DG_OUTPUT]
    fuel = totals[at.T_FUEL]
    unserved = totals[at.T_UNSERVED]
    bess_from_dg = totals[at.T_BESS_FROM_DG]
    standing_loss = totals[at.T_STANDING_LOSS]
    sum_soc = totals[at.T_SUM_SOC]
    for row in range(first, last):
        load += flows[row, at.LOAD]
        solar += flows[row, at.SOLAR]
        solar_to_load += flows[row, at.SOLAR_TO_LOAD]
        solar_to_bess += flows[row, at.SOLAR_TO_BESS]
        solar_curtailed += flows[row, at.SOLAR_CURTAILED]
        bess_to_load += flows[row, at.BESS_TO_LOAD]
        dg_to_load += flows[row, at.DG_TO_LOAD]
        dg_to_bess += flows[row, at.DG_TO_BESS]
        dg_curtailed += flows[row, at.DG_CURTAILED]
        dg_output += flows[row, at.DG_OUTPUT]
        fuel += flows[row, at.DG_FUEL]
        unserved += flows[row, at.UNSERVED]
        bess_from_dg += flows[row, at.BESS_TO_LOAD_FROM_DG]
        standing_loss += flows[row, at.STANDING_LOSS]
        sum_soc += flows[row, at.SOC]
    totals[at.T_LOAD] = load
    totals[at.T_SOLAR] = solar
    totals[at.T_SOLAR_TO_LOAD] = solar_to_load
    totals[at.T_SOLAR_TO_BESS] = solar_to_bess
    totals[at.T_SOLAR_CURTAILED] = solar_curtailed
    totals[at.T_BESS_TO_LOAD] = bess_to_load
    totals[at.T_DG_TO_LOAD] = dg_to_load
    totals[at.T_DG_TO_BESS] = dg_to_bess
    totals[at.T_DG_CURTAILED] = dg_curtailed
    totals[at.T_DG_OUTPUT] = dg_output
    totals[at.T_FUEL] = fuel
    totals[at.T_UNSERVED] = unserved
    totals[at.T_BESS_FROM_DG] = bess_from_dg
    totals[at.T_STANDING_LOSS] = standing_loss
    totals[at.T_SUM_SOC] = sum_soc


@njit
def _count_delivery(
    case: at.Case,
    flows: Floats,
    codes: Codes,
    first: int,
    last: int,
    day: int,
    totals: Floats,
) -> None:
    """Count the steps of the day by what the load got."""
    blackout_hours = int(case.blackout_hours)
    day_hours = int(case.day_hours)
    load_steps = full_steps = green_steps = any_steps = 0
    blackout_load = blackout_full = day_load = day_green = 0
    solar_in_load = totals[at.T_SOLAR_IN_LOAD]
    curtailed_in_load = totals[at.T_CURTAILED_IN_LOAD]
    for row in range(first, last):
        load = flows[row, at.LOAD]
        if load > 0.0:
            unserved = flows[row, at.UNSERVED]
            full = 1 if unserved < at.TOLERANCE_MW else 0
            green = full if codes[row, at.MODE] == at.MODE_OFF else 0
            load_steps += 1
            full_steps += full
            green_steps += green
            any_steps += 1 if load > unserved else 0
            solar_in_load += flows[row, at.SOLAR]
            curtailed_in_load += flows[row, at.SOLAR_CURTAILED]
            hour = int(codes[row, at.HOUR_OF_DAY])
            in_blackout = (blackout_hours >> hour) & 1
            in_day = (day_hours >> hour) & 1
            blackout_load += in_blackout
            blackout_full += in_blackout * full
            day_load += in_day
            day_green += in_day * green
    totals[at.T_STEPS] += last - first
    totals[at.T_LOAD_STEPS] += load_steps
    totals[at.T_FULL] += full_steps
    totals[at.T_GREEN] += green_steps
    totals[at.T_ANY] += any_steps
    totals[at.T_BLACKOUT_LOAD] += blackout_load
    totals[at.T_BLACKOUT_FULL] += blackout_full
    totals[at.T_DAY_LOAD] += day_load
    totals[at.T_DAY_GREEN] += day_green
    totals[at.T_SOLAR_IN_LOAD] = solar_in_load
    totals[at.T_CURTAILED_IN_LOAD] = curtailed_in_load
    if _MAR_OCT_FIRST <= day % 365 + 1 <= _MAR_OCT_LAST:
        totals[at.T_FULL_MAR_OCT] += full_steps
        totals[at.T_GREEN_MAR_OCT] += green_steps


@njit
def _count_generator(
    case: at.Case,
    codes: Codes,
    first: int,
    last: int,
    was_running: bool,
    totals: Floats,
) -> None:
    """Count the steps of the day by what the generator did."""
    night_hours = int(case.night_hours)
    steps = starts = assisted = emergency = takeover = cycle = night = silent = 0
    before = 1 if was_running else 0
    for row in range(first, last):
        mode = codes[row, at.MODE]
        running = 0 if mode == at.MODE_OFF else 1
        steps += running
        starts += running * (1 - before)
        before = running
        assisted += codes[row, at.ASSISTED]
        emergency += 1 if mode == at.MODE_EMERGENCY else 0
        takeover += 1 if mode == at.MODE_TAKEOVER else 0
        cycle += 1 if mode == at.MODE_CYCLE else 0
        in_night = (night_hours >> int(codes[row, at.HOUR_OF_DAY])) & 1
        night += in_night
        silent += in_night * (1 - running)
    totals[at.T_DG_STEPS] += steps
    totals[at.T_DG_STARTS] += starts
    totals[at.T_ASSISTED] += assisted
    totals[at.T_EMERGENCY] += emergency
    totals[at.T_TAKEOVER] += takeover
    totals[at.T_CYCLE] += cycle
    totals[at.T_NIGHT] += night
    totals[at.T_NIGHT_SILENT] += silent


@njit
def _worse(
    value: float,
    worst: float,
) -> float:
    """Return the larger one; written so that not-a-number is kept: it must not hide."""
    return worst if value <= worst else value


@njit
def _check_nodes(
    case: at.Case,
    flows: Floats,
    codes: Codes,
    first: int,
    last: int,
    totals: Floats,
) -> None:
    """Keep the largest residual of the solar, load and generator balances, and of their bounds."""
    solar_worst = totals[at.T_SOLAR_RESIDUAL]
    load_worst = totals[at.T_LOAD_RESIDUAL]
    dg_worst = totals[at.T_DG_RESIDUAL]
    rating_worst = totals[at.T_DG_EXCESS]
    lowest = -totals[at.T_NEGATIVE]
    fuel_worst = totals[at.T_FUEL_RESIDUAL]
    for row in range(first, last):
        solar_to_load = flows[row, at.SOLAR_TO_LOAD]
        solar_to_bess = flows[row, at.SOLAR_TO_BESS]
        curtailed = flows[row, at.SOLAR_CURTAILED]
        bess_to_load = flows[row, at.BESS_TO_LOAD]
        dg_to_load = flows[row, at.DG_TO_LOAD]
        dg_to_bess = flows[row, at.DG_TO_BESS]
        dg_curtailed = flows[row, at.DG_CURTAILED]
        unserved = flows[row, at.UNSERVED]
        output = flows[row, at.DG_OUTPUT]
        solar_worst = _worse(abs(flows[row, at.SOLAR] - solar_to_load - solar_to_bess - curtailed), solar_worst)
        served = solar_to_load + bess_to_load + dg_to_load
        load_worst = _worse(abs(flows[row, at.LOAD] - served - unserved), load_worst)
        dg_worst = _worse(abs(output - dg_to_load - dg_to_bess - dg_curtailed), dg_worst)
        rating = 0.0 if codes[row, at.MODE] == at.MODE_OFF else case.dg_rating
        rating_worst = _worse(output - rating, rating_worst)
        lowest = min(lowest, solar_to_load, solar_to_bess, curtailed, bess_to_load)
        lowest = min(lowest, dg_to_load, dg_to_bess, dg_curtailed, unserved)
        burnt = case.fuel_per_energy * output
        if output > 0.0:
            burnt += case.fuel_per_rating_h * case.dg_rating
        fuel_worst = _worse(abs(flows[row, at.DG_FUEL] - burnt * case.dt_h), fuel_worst)
    totals[at.T_SOLAR_RESIDUAL] = solar_worst
    totals[at.T_LOAD_RESIDUAL] = load_worst
    totals[at.T_DG_RESIDUAL] = dg_worst
    totals[at.T_DG_EXCESS] = rating_worst
    totals[at.T_NEGATIVE] = -lowest
    totals[at.T_FUEL_RESIDUAL] = fuel_worst


@njit
def _check_battery(
    case: at.Case,
    flows: Floats,
    first: int,
    last: int,
    energy: float,
    totals: Floats,
) -> None:
    """Keep the largest residual of the battery's energy balance, and of its bounds."""
    dt_h = case.dt_h
    floor = case.capacity * case.min_soc_pct / 100.0
    ceiling = case.capacity * case.max_soc_pct / 100.0
    eta = math.sqrt(case.efficiency_pct / 100.0)
    limit = case.cycle_limit if case.cycle_limit > 0.0 else 1e300
    balance_worst = totals[at.T_SOC_RESIDUAL]
    band_worst = totals[at.T_SOC_EXCESS]
    power_worst = totals[at.T_BESS_EXCESS]
    both_worst = totals[at.T_BOTH_WAYS]
    cycle_worst = totals[at.T_CYCLE_EXCESS]
    origin_worst = totals[at.T_ORIGIN_EXCESS]
    for row in range(first, last):
        stored = flows[row, at.SOLAR_TO_BESS] + flows[row, at.DG_TO_BESS]
        given = flows[row, at.BESS_TO_LOAD]
        after = flows[row, at.SOC]
        change = stored * dt_h * eta - given * dt_h / eta - flows[row, at.STANDING_LOSS]
        balance_worst = _worse(abs(after - energy - change), balance_worst)
        energy = after
        band_worst = _worse(max(after - ceiling, floor - after), band_worst)
        power_worst = _worse(max(stored - case.charge_power, given - case.discharge_power), power_worst)
        both_worst = _worse(min(stored, given), both_worst)
        cycle_worst = _worse(flows[row, at.DAILY_CYCLES] - limit, cycle_worst)
        excess = max(flows[row, at.BESS_TO_LOAD_FROM_DG] - given, flows[row, at.SOC_FROM_DG] - after)
        origin_worst = _worse(excess, origin_worst)
    totals[at.T_SOC_RESIDUAL] = balance_worst
    totals[at.T_SOC_EXCESS] = band_worst
    totals[at.T_BESS_EXCESS] = power_worst
    totals[at.T_BOTH_WAYS] = both_worst
    totals[at.T_CYCLE_EXCESS] = cycle_worst
    totals[at.T_ORIGIN_EXCESS] = origin_worst
