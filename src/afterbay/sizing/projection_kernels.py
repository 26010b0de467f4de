"""Years of one case after another: simulate the battery as it then is, let it age, renew it, go on.

The same loop serves one case and a sweep; the simulation of a year is the dispatch kernel itself.
"""

from __future__ import annotations

import numpy as np

from afterbay.core.compiled import Codes, Floats, njit
from afterbay.sizing import layout as at
from afterbay.sizing import rainflow_kernels as rainflow
from afterbay.sizing.kernels import dispatch_counted

__all__ = ["CONTROL", "STATES", "project", "project_many"]

# What ageing and renewal must know, as numbers; shares are fractions.
CONTROL = (
    "calendar_per_year", "calendar_by_soc", "cycle_per_cycle", "take_larger", "fixed_loss", "solar_loss",
    "efficiency_loss", "power_fades", "overbuild", "augmentation_year", "battery_life_years", "hours_per_year",
)  # fmt: skip
(
    CALENDAR, BY_SOC, CYCLE, TAKE_LARGER, FIXED_LOSS, SOLAR_LOSS,
    EFFICIENCY_LOSS, POWER_FADES, OVERBUILD, AUGMENTATION_YEAR, BATTERY_LIFE, HOURS_PER_YEAR,
) = range(12)  # fmt: skip

# What is kept of each year beside its totals.
STATES = (
    "start_mwh", "end_mwh", "loss_fraction", "cycle_loss_fraction", "calendar_loss_fraction", "equivalent_cycles",
    "augmentation_mwh", "replacement_mwh", "charge_power_mw", "discharge_power_mw", "round_trip_efficiency_pct",
    "solar_scale", "initial_soc_pct",
)  # fmt: skip
(
    START, END, LOSS, CYCLE_LOSS, CALENDAR_LOSS, CYCLES, AUGMENTATION, REPLACEMENT, CHARGE, DISCHARGE, EFFICIENCY,
    SUN, INITIAL_SOC,
) = range(13)  # fmt: skip


@njit
def _year_loss(control: Floats, counter: Floats, mean_soc_pct: float, hours: float) -> tuple[float, float, float]:
    """Return (loss, of which cycles, of which time) of a simulated year, as shares of what was there."""
    rainflow.finish(counter)
    cycles = counter[rainflow.STRESS] * control[CYCLE]
    years = hours / control[HOURS_PER_YEAR]
    calendar = control[CALENDAR] * (1.0 + control[BY_SOC] * (mean_soc_pct - 50.0)) * years
    if control[FIXED_LOSS] >= 0.0:
        return min(control[FIXED_LOSS], 1.0), cycles, calendar
    total = max(cycles, calendar) if control[TAKE_LARGER] != 0.0 else cycles + calendar
    return min(total, 1.0), cycles, calendar


@njit
def project(
    case_row: Floats,
    load: Floats,
    solar: Floats,
    offsets: Floats,
    hours: Codes,
    control: Floats,
    counter: Floats,
    totals: Floats,
    states: Floats,
) -> None:
    """Run one case over its years.

    Args:
        case_row: `layout.CASE` of the first year, shape (36,).
        load: Load of all weather years, one after another [MW], shape (sum of n,).
        solar: Solar of all weather years [MW], same shape.
        offsets: Where each weather year begins, and the end, shape (weather years + 1,); they repeat.
        hours: Hour of day of each step of a day.
        control: `CONTROL`, shape (12,).
        counter: A rainflow counter.
        totals: Out, zeros, shape (years, 53).
        states: Out, zeros, shape (years, 13).
    """
    years = totals.shape[0]
    nominal = case_row[at.CAPACITY]
    flows = np.zeros((hours.shape[0], len(at.FLOWS)))
    codes = np.zeros((hours.shape[0], len(at.CODES)), dtype=np.int8)
    installed = np.zeros(years + 1)
    kept = np.zeros(years + 1)
    age = np.zeros(years + 1)
    installed[0] = nominal * (1.0 + control[OVERBUILD])
    kept[0] = 1.0
    cohorts = 1
    row = case_row.copy()
    energy = 0.0
    for year in range(years):
        capacity = np.sum(installed[:cohorts] * kept[:cohorts])
        share = capacity / nominal if nominal > 0.0 else 0.0
        # Cells that faded give less power; cells beyond the plan do not enlarge the inverter.
        power = min(share, 1.0) if control[POWER_FADES] != 0.0 else 1.0
        row[at.CAPACITY] = capacity
        row[at.CHARGE_POWER] = case_row[at.CHARGE_POWER] * power
        row[at.DISCHARGE_POWER] = case_row[at.DISCHARGE_POWER] * power
        row[at.EFFICIENCY_PCT] = case_row[at.EFFICIENCY_PCT] * (1.0 - control[EFFICIENCY_LOSS]) ** year
        row[at.SOLAR_SCALE] = case_row[at.SOLAR_SCALE] * (1.0 - control[SOLAR_LOSS]) ** year
        if year > 0 and capacity > 0.0:
            soc_pct = energy / capacity * 100.0
            row[at.INITIAL_SOC_PCT] = min(max(soc_pct, row[at.MIN_SOC_PCT]), row[at.MAX_SOC_PCT])
        weather = year % (offsets.shape[0] - 1)
        first, last = int(offsets[weather]), int(offsets[weather + 1])
        rainflow.reset(counter)
        dispatch_counted(row, load[first:last], solar[first:last], hours, flows, codes, totals[year], False, counter)
        energy = totals[year, at.T_FINAL_SOC]
        steps = float(last - first)
        mean_soc = totals[year, at.T_SUM_SOC] / steps / capacity * 100.0 if capacity > 0.0 else 50.0
        loss, cycle_loss, calendar_loss = _year_loss(control, counter, mean_soc, steps * row[at.DT_H])
        states[year, START] = capacity
        states[year, LOSS] = loss
        states[year, CYCLE_LOSS] = cycle_loss
        states[year, CALENDAR_LOSS] = calendar_loss
        states[year, CYCLES] = counter[rainflow.STRESS]
        states[year, CHARGE] = row[at.CHARGE_POWER]
        states[year, DISCHARGE] = row[at.DISCHARGE_POWER]
        states[year, EFFICIENCY] = row[at.EFFICIENCY_PCT]
        states[year, SUN] = row[at.SOLAR_SCALE]
        states[year, INITIAL_SOC] = row[at.INITIAL_SOC_PCT]
        for cohort in range(cohorts):
            kept[cohort] *= 1.0 - loss
            age[cohort] += 1.0
        if year < years - 1:
            # Purchases stand at the end of a year; nothing is bought for a plant that ends.
            if control[BATTERY_LIFE] > 0.0:
                for cohort in range(cohorts):
                    if age[cohort] >= control[BATTERY_LIFE]:
                        kept[cohort], age[cohort] = 1.0, 0.0
                        states[year, REPLACEMENT] += installed[cohort]
            missing = nominal - np.sum(installed[:cohorts] * kept[:cohorts])
            if control[AUGMENTATION_YEAR] == year + 1.0 and missing > 0.0:
                installed[cohorts], kept[cohorts], age[cohorts] = missing, 1.0, 0.0
                cohorts += 1
                states[year, AUGMENTATION] = missing
        states[year, END] = np.sum(installed[:cohorts] * kept[:cohorts])


@njit
def project_many(
    cases: Floats,
    load: Floats,
    solar: Floats,
    offsets: Floats,
    hours: Codes,
    control: Floats,
    counter: Floats,
    totals: Floats,
    states: Floats,
) -> None:
    """Run many cases over their years: shapes (m, 36) in, (m, years, 53) and (m, years, 13) out."""
    for number in range(cases.shape[0]):
        project(cases[number], load, solar, offsets, hours, control, counter, totals[number], states[number])
