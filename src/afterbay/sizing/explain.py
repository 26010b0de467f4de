"""Why this hour: one sentence from the decision that the kernel really took, not from a guess afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterbay.sizing import layout as at

if TYPE_CHECKING:
    from afterbay.sizing.simulation import HourlyResult, HourlyResults

__all__ = ["explain"]


def explain(results: HourlyResults, t: int) -> str:
    """Say in one sentence why step `t` went as it did.

    Args:
        results: A run of `run_simulation`.
        t: Number of the step, from 1, as in the column `t`.

    Returns:
        Load, then solar, battery and generator with the reason of each, then what became of the load.

    Raises:
        InvalidInputError: If there is no such step.
    """
    dg_code, bess_code = results.reason_codes(t)
    row = results[t - 1]
    ran_before = t > 1 and bool(results.dg_running[t - 2])
    parts = [
        _solar(row),
        _battery(results, row, bess_code),
        _generator(results, row, dg_code, ran_before),
    ]
    return f"Day {row.day}, {_clock(results, row)}: {_load(row)}; {'; '.join(parts)}. {_outcome(row, dg_code)}"


def _clock(results: HourlyResults, row: HourlyResult) -> str:
    steps_per_hour = 1.0 / results.params.dt_h
    minute = round(((row.t - 1) % round(24 * steps_per_hour)) / steps_per_hour * 60) % 60
    return f"{row.hour_of_day:02d}:{minute:02d}"


def _mw(value: float) -> str:
    return f"{value:,.1f} MW" if value >= 0.05 or value == 0.0 else f"{value:.2g} MW"


def _load(row: HourlyResult) -> str:
    return f"load {_mw(row.load)}" if row.load > 0.0 else "no load"


def _solar(row: HourlyResult) -> str:
    if row.solar <= 0.0:
        return "no sun"
    uses = [
        f"{_mw(power)} {use}"
        for power, use in (
            (row.solar_to_load, "to the load"),
            (row.solar_to_bess, "into the battery"),
            (row.solar_curtailed, "curtailed"),
        )
        if power > 0.0
    ]
    return f"solar {_mw(row.solar)} ({', '.join(uses)})"


def _battery(results: HourlyResults, row: HourlyResult, code: int) -> str:
    params = results.params
    before = (
        results.soc[row.t - 2] / params.bess_capacity * 100.0
        if row.t > 1 and params.bess_capacity > 0.0
        else params.bess_initial_soc * 100.0
    )
    stored = row.solar_to_bess + row.dg_to_bess
    limit = params.enforced_cycle_limit
    ends = f"ends at {row.soc_pct:.1f} %"
    return {
        at.BESS_ABSENT: "no battery",
        at.BESS_IDLE: f"battery rests at {row.soc_pct:.1f} %",
        at.BESS_COVERS: f"battery gives {_mw(row.bess_to_load)}, all that is asked of it, and {ends}",
        at.BESS_AT_POWER: (
            f"battery gives {_mw(row.bess_to_load)}, its full power, and {ends}"
            if row.bess_to_load > 0.0
            else "battery has no discharge power"
        ),
        at.BESS_AT_FLOOR: (
            f"battery gives {_mw(row.bess_to_load)}, the last above its floor ({params.bess_min_soc * 100:.1f} %)"
            if row.bess_to_load > 0.0
            else f"battery is at its floor ({before:.1f} %)"
            + (f", takes {_mw(stored)} from the generator and {ends}" if stored > 0.0 else "")
        ),
        at.BESS_AT_ALLOWANCE: (
            f"battery gives {_mw(row.bess_to_load)}, the last of the day's {limit or 0.0:g} cycles, and {ends}"
        ),
        at.BESS_LOCKED: f"battery is locked until midnight ({limit or 0.0:g} cycles used up)",
        at.BESS_STANDS_BACK: f"battery stands back at {before:.1f} % while the generator runs (rule of this template)",
        at.BESS_STORES_ALL: f"battery stores {_mw(stored)}, all that is offered, and {ends}",
        at.BESS_CHARGE_POWER: f"battery stores {_mw(stored)}, its full charging power, and {ends}",
        at.BESS_FULL: (
            f"battery stores {_mw(stored)} and is full ({row.soc_pct:.1f} %)"
            if stored > 0.0
            else f"battery is full ({row.soc_pct:.1f} %)"
        ),
        at.BESS_WITHHELD: (
            f"battery keeps its energy ({row.soc_pct:.1f} %)"
            if stored == 0.0
            else f"battery keeps its energy, stores {_mw(stored)} of the sun and {ends}"
        ),
    }[code]


def _generator(results: HourlyResults, row: HourlyResult, code: int, ran_before: bool) -> str:
    params = results.params
    on = f"{params.dg_soc_on_threshold * 100:.0f} %"
    off = f"{params.dg_soc_off_threshold * 100:.0f} %"
    emergency = f"{params.emergency_soc_threshold * 100:.0f} %"
    full = f"{params.cycle_charging_off_soc * 100:.0f} %"
    verb = "runs on" if ran_before else "starts"
    why = {
        at.DG_ABSENT: "no generator in this rule",
        at.DG_NOT_NEEDED: "generator stays off, it is not needed",
        at.DG_BLOCKED: "generator is not allowed in this hour",
        at.DG_ABOVE_EMERGENCY: f"generator is not allowed in this hour, the battery is above the emergency {emergency}",
        at.DG_EMERGENCY_NOT_NEEDED: "generator may run as an emergency but nothing is short",
        at.DG_ABOVE_OFF: f"generator stays off, the battery is at or above {off}",
        at.DG_IN_BAND_OFF: f"generator stays off, the battery has not fallen to {on} since it stopped",
        at.DG_GREEN_ENOUGH: "generator stays off, solar and battery can carry the load",
        at.DG_WITHHELD: "generator does not start for a load that cannot be served whole",
        at.DG_DEFICIT: f"generator {verb}, because solar and battery leave the load short",
        at.DG_DEFICIT_FIRST: f"generator {verb}, because solar leaves the load short and it comes before the battery",
        at.DG_BELOW_ON: f"generator {verb}, because the battery is at or below {on}",
        at.DG_IN_BAND_ON: f"generator {verb}, until the battery reaches {off}",
        at.DG_WINDOW_RUN: f"generator {verb}, it runs through its whole window",
        at.DG_EMERGENCY: f"generator {verb} outside its window, the battery is at or below the emergency {emergency}",
        at.DG_TAKEOVER: f"generator {verb} and takes the whole load, because solar and battery together cannot",
        at.DG_CYCLE_CHARGING: f"generator {verb} to charge the battery up to {full}",
    }[code]
    if not row.dg_running:
        return why
    if row.cycle_charging and code != at.DG_CYCLE_CHARGING:
        why += f", and gives more than that to charge the battery up to {full}"
    uses = [
        f"{_mw(power)} {use}"
        for power, use in (
            (row.dg_to_load, "to the load"),
            (row.dg_to_bess, "into the battery"),
            (row.dg_curtailed, "unused"),
        )
        if power > 0.0
    ]
    return f"{why}: {_mw(row.dg_output_mw)} ({', '.join(uses)})"


def _outcome(row: HourlyResult, code: int) -> str:
    if row.load <= 0.0:
        return "Nothing to serve."
    if row.unserved < at.TOLERANCE_MW:
        return "The load is served whole."
    if code == at.DG_WITHHELD:
        return f"All or nothing: {_mw(row.unserved)} not served."
    return f"{_mw(row.unserved)} not served."
