"""ONE dispatch loop for every template, driven by a template's data, on top of `core.kernels`.

A case is a row of numbers (`layout.CASE`). The same loop fills a trace (every step kept) or only totals
(a sweep): without a trace each day overwrites the one before. The order of the arithmetic is part of the
contract with the reference results: divide by the efficiency, never multiply by its reciprocal.
"""

from __future__ import annotations

import math

import numpy as np

from afterbay.core.compiled import Codes, Floats, inlined, njit
from afterbay.core.kernels import charge, discharge, generator_fuel, generator_output, stand
from afterbay.sizing import layout as at
from afterbay.sizing.decision_kernels import (
    CHARGES,
    EMERGENCY,
    IF_SHORT,
    IF_SHORT_FIRST,
    OFF,
    RUNS,
    TAKES_OVER,
    bess_reason,
    decide,
    settle_reason,
)
from afterbay.sizing.rainflow_kernels import push
from afterbay.sizing.totals_kernels import total_day

__all__ = ["dispatch", "dispatch_counted", "dispatch_many", "total_up"]


@njit
def _generator(
    case: at.Case,
    plan: int,
    rest: float,
    raise_to_charge: bool,
) -> float:
    """Return the output of a running generator that is asked for `rest`."""
    rating = case.dg_rating
    if case.dg_variable == 0.0:
        return rating
    least = case.dg_min_load
    if raise_to_charge and plan != EMERGENCY:
        least = max(least, case.cycle_min_load)
    return generator_output(rest, rating, least * rating)


@inlined
def _serve(
    case: at.Case,
    plan: int,
    load: float,
    solar: float,
    energy: float,
    floor: float,
    ceiling: float,
    eta: float,
    p_charge: float,
    p_discharge: float,
    raise_to_charge: bool,
) -> tuple[float, float, float, float, float, float, float, float, float, float, bool]:
    """Serve one step; return every flow, the energy after it and whether the generator ran.

    `p_charge` and `p_discharge` are what lock and cycle allowance leave of the ratings.
    """
    dt_h = case.dt_h
    runs = plan == RUNS or plan == CHARGES or plan == TAKES_OVER
    solar_to_load = 0.0 if plan == TAKES_OVER else min(solar, load)
    rest = load - solar_to_load
    spare = solar - solar_to_load
    output = dg_to_load = dg_to_bess = bess_to_load = surplus = 0.0
    may_store = case.dg_charges_bess != 0.0

    if plan == IF_SHORT_FIRST and rest > at.TOLERANCE_MW:
        runs = True
    if runs:
        output = _generator(case, plan, rest, raise_to_charge)
        dg_to_load = min(output, rest)
        rest -= dg_to_load
        surplus = output - dg_to_load
        if may_store and case.surplus_first != 0.0:
            energy, dg_to_bess = charge(energy, surplus, p_charge, ceiling, eta, dt_h)

    energy, solar_to_bess = charge(energy, spare, p_charge - dg_to_bess, ceiling, eta, dt_h)

    if not runs or case.assists != 0.0:
        energy, bess_to_load = discharge(energy, rest, p_discharge, floor, eta, dt_h)
        rest -= bess_to_load

    late = (plan == IF_SHORT and rest > at.TOLERANCE_MW) or (plan == EMERGENCY and rest > 0.0)
    if late:
        runs = True
        output = _generator(case, plan, rest, raise_to_charge and bess_to_load == 0.0)
        dg_to_load = min(output, rest)
        rest -= dg_to_load
        surplus = output - dg_to_load

    # A battery that discharged in this step does not charge in it too.
    if may_store and surplus > 0.0 and bess_to_load == 0.0 and dg_to_bess == 0.0:
        energy, dg_to_bess = charge(energy, surplus, p_charge - solar_to_bess, ceiling, eta, dt_h)
    return (
        solar_to_load, solar_to_bess, spare - solar_to_bess, bess_to_load, dg_to_load, dg_to_bess,
        surplus - dg_to_bess, output, rest, energy, runs,
    )  # fmt: skip


@njit
def _unpack(
    row: Floats,
) -> at.Case:
    """Return the numbers of a row under their names."""
    return at.Case(
        row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9], row[10], row[11],
        row[12], row[13], row[14], row[15], row[16], row[17], row[18], row[19], row[20], row[21], row[22],
        row[23], row[24], row[25], row[26], row[27], row[28], row[29], row[30], row[31], row[32], row[33],
        row[34], row[35],
    )  # fmt: skip


@njit
def _origin(
    from_dg: float,
    energy_before: float,
    energy: float,
    bess_to_load: float,
    dg_to_bess: float,
    eta: float,
    dt_h: float,
) -> tuple[float, float]:
    """Return (power delivered, energy kept) that a generator made: the cells hold one mixture."""
    delivered = 0.0
    if bess_to_load > 0.0 and energy_before > 0.0:
        delivered = bess_to_load * min(from_dg / energy_before, 1.0)
        from_dg = max(from_dg - delivered * dt_h / eta, 0.0)
    return delivered, min(from_dg + dg_to_bess * dt_h * eta, energy)


@njit
def _count_swings(flows: Floats, first: int, last: int, capacity: float, counter: Floats) -> None:
    """Count the swings of the state of charge of one day."""
    for row in range(first, last):
        push(counter, flows[row, at.SOC] / capacity * 100.0)


@njit
def dispatch(
    case_row: Floats,
    load: Floats,
    solar: Floats,
    hours: Codes,
    flows: Floats,
    codes: Codes,
    totals: Floats,
    tracing: bool,
) -> None:
    """Run one case over its horizon, as `dispatch_counted` does, without counting swings."""
    dispatch_counted(case_row, load, solar, hours, flows, codes, totals, tracing, np.zeros(0))


@njit
def dispatch_counted(
    case_row: Floats,
    load: Floats,
    solar: Floats,
    hours: Codes,
    flows: Floats,
    codes: Codes,
    totals: Floats,
    tracing: bool,
    counter: Floats,
) -> None:
    """Run one case over its horizon.

    Args:
        case_row: The plant and its rule, shape (36,), `layout.CASE`.
        load: Load per step [MW], shape (n,).
        solar: Solar per step before `solar_scale` [MW], shape (n,).
        hours: Hour of day of each step of a day, shape (steps per day,).
        flows: Out: shape (n, 17) when tracing, else (steps per day, 17); `layout.FLOWS`.
        codes: Out: shape (n, 7) when tracing, else (steps per day, 7); `layout.CODES`.
        totals: Out: shape (53,), zeros at the start; `layout.TOTALS`.
        tracing: Keep every step; otherwise each day overwrites the one before.
        counter: In and out: `degradation.cycle_counter`, or empty for no counting.
    """
    case = _unpack(case_row)
    dt_h = case.dt_h
    usable = case.capacity * (case.max_soc_pct - case.min_soc_pct) / 100.0
    floor = case.capacity * case.min_soc_pct / 100.0
    ceiling = case.capacity * case.max_soc_pct / 100.0
    charge_until = case.capacity * case.cycle_off_pct / 100.0
    eta = math.sqrt(case.efficiency_pct / 100.0)
    # No limit is a limit that no day can reach: 1e300 keeps `inf` out of the arithmetic.
    daily_allowance = case.cycle_limit * usable if case.cycle_limit > 0.0 else 1e300
    limited = case.cycle_limit > 0.0
    may_run = case.dg_rating > 0.0 and case.trigger != at.TRIGGER_NONE
    plan, reason = OFF, at.DG_ABSENT
    window = int(case.window_hours)
    steps_per_day = hours.shape[0]
    steps = load.shape[0]

    energy = case.capacity * case.initial_soc_pct / 100.0
    from_dg = 0.0
    was_running = False
    for day_start in range(0, steps, steps_per_day):
        first = day_start if tracing else 0
        steps_today = min(steps_per_day, steps - day_start)
        energy_at_midnight = energy
        ran_before_midnight = was_running
        locked = False
        allowance = daily_allowance
        day_discharge = day_cycles = 0.0
        for step in range(steps_today):
            row = first + step
            hour = int(hours[step])
            in_window = (window >> hour) & 1 == 1
            demand = load[day_start + step]
            sun = solar[day_start + step] * case.solar_scale
            before = energy
            was_locked = locked
            reachable_today = allowance / dt_h if limited else allowance

            p_charge = 0.0 if locked else case.charge_power
            p_discharge = 0.0 if locked else min(case.discharge_power, reachable_today)
            raise_to_charge = case.cycle_charging != 0.0 and not locked and energy < charge_until
            if may_run:
                plan, reason = decide(
                    case,
                    demand,
                    sun,
                    energy,
                    floor,
                    eta,
                    p_discharge,
                    raise_to_charge,
                    was_running,
                    in_window,
                )
            (
                solar_to_load, solar_to_bess, curtailed, bess_to_load, dg_to_load, dg_to_bess,
                dg_curtailed, output, unserved, energy, ran,
            ) = _serve(
                case, plan, demand, sun, energy, floor, ceiling, eta, p_charge, p_discharge, raise_to_charge
            )  # fmt: skip
            withheld = case.binary_delivery != 0.0 and unserved > at.TOLERANCE_MW
            if withheld:
                # All or nothing: no generator starts for it, the battery keeps its energy, and solar is
                # stored or else curtailed.
                energy, solar_to_bess = charge(before, sun, p_charge, ceiling, eta, dt_h)
                solar_to_load = bess_to_load = dg_to_load = dg_to_bess = dg_curtailed = output = 0.0
                curtailed = sun - solar_to_bess
                unserved = demand
                ran = False

            bess_from_dg = 0.0
            if from_dg > 0.0 or dg_to_bess > 0.0:
                bess_from_dg, from_dg = _origin(from_dg, before, energy, bess_to_load, dg_to_bess, eta, dt_h)
            settled = energy
            energy, lost = stand(energy, floor, case.standing_loss_per_h, dt_h)
            if lost > 0.0:
                from_dg *= energy / settled
            if bess_to_load > 0.0:
                day_discharge += bess_to_load * dt_h
                day_cycles = day_discharge / usable
                # A hair's breadth of the allowance is no discharge worth an hour of its own.
                locked = bess_to_load * dt_h >= allowance * (1.0 - 1e-12)
                allowance -= bess_to_load * dt_h
            fuel = 0.0
            if ran:
                fuel = generator_fuel(output, case.dg_rating, case.fuel_per_rating_h, case.fuel_per_energy, dt_h)
            # More than the load takes and than the least it may give: the battery is why.
            raised = ran and raise_to_charge and output > max(dg_to_load, case.dg_min_load * case.dg_rating)
            raised = raised and case.dg_variable != 0.0
            mode, noted = settle_reason(plan, reason, ran, withheld, raised)

            flows[row, at.LOAD] = demand
            flows[row, at.SOLAR] = sun
            flows[row, at.SOLAR_TO_LOAD] = solar_to_load
            flows[row, at.SOLAR_TO_BESS] = solar_to_bess
            flows[row, at.SOLAR_CURTAILED] = curtailed
            flows[row, at.BESS_TO_LOAD] = bess_to_load
            flows[row, at.DG_TO_LOAD] = dg_to_load
            flows[row, at.DG_TO_BESS] = dg_to_bess
            flows[row, at.DG_CURTAILED] = dg_curtailed
            flows[row, at.DG_OUTPUT] = output
            flows[row, at.DG_FUEL] = fuel
            flows[row, at.UNSERVED] = unserved
            flows[row, at.SOC] = energy
            flows[row, at.DAILY_CYCLES] = day_cycles
            flows[row, at.BESS_TO_LOAD_FROM_DG] = bess_from_dg
            flows[row, at.SOC_FROM_DG] = from_dg
            flows[row, at.STANDING_LOSS] = lost
            codes[row, at.HOUR_OF_DAY] = hour
            codes[row, at.MODE] = mode
            codes[row, at.ASSISTED] = 1 if (plan == RUNS or plan == CHARGES) and bess_to_load > 0.0 else 0
            codes[row, at.DISABLED] = 1 if locked else 0
            codes[row, at.IN_WINDOW] = 1 if in_window else 0
            if tracing:
                came_first = plan != IF_SHORT and plan != EMERGENCY
                asked = demand - solar_to_load - (dg_to_load if came_first else 0.0)
                codes[row, at.DG_REASON] = noted
                codes[row, at.BESS_REASON] = at.BESS_WITHHELD if withheld else bess_reason(
                    case, plan, was_locked, asked, bess_to_load, sun - solar_to_load + dg_to_bess,
                    solar_to_bess + dg_to_bess, p_charge, p_discharge, reachable_today,
                )  # fmt: skip
            was_running = ran
        total_day(
            case, flows, codes, first, first + steps_today, day_start // steps_per_day,
            energy_at_midnight, ran_before_midnight, totals,
        )  # fmt: skip
        if counter.shape[0] > 0 and case.capacity > 0.0:
            _count_swings(flows, first, first + steps_today, case.capacity, counter)


@njit
def total_up(
    case_row: Floats,
    flows: Floats,
    codes: Codes,
    steps_per_day: int,
    totals: Floats,
) -> None:
    """Total a kept trace day by day, as the dispatch itself does, to the same bits."""
    case = _unpack(case_row)
    steps = flows.shape[0]
    energy = case.capacity * case.initial_soc_pct / 100.0
    was_running = False
    for first in range(0, steps, steps_per_day):
        last = min(first + steps_per_day, steps)
        total_day(case, flows, codes, first, last, first // steps_per_day, energy, was_running, totals)
        energy = flows[last - 1, at.SOC]
        was_running = codes[last - 1, at.MODE] != at.MODE_OFF


@njit
def dispatch_many(
    cases: Floats,
    load: Floats,
    solar: Floats,
    hours: Codes,
    totals: Floats,
) -> None:
    """Run cases one after another for their totals alone; shapes (m, 36) in, (m, 53) out."""
    flows = np.zeros((hours.shape[0], len(at.FLOWS)))
    codes = np.zeros((hours.shape[0], len(at.CODES)), dtype=np.int8)
    for number in range(cases.shape[0]):
        dispatch(cases[number], load, solar, hours, flows, codes, totals[number], False)
