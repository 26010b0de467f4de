"""What a generator burns: a straight line from no load to full load, and what is read off it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core import kernels
from afterbay.core.errors import Problems
from afterbay.core.units import mw_to_kw, percent_to_fraction

__all__ = [
    "FLAT_FUEL",
    "WILLANS_FUEL",
    "AnnualFuel",
    "CycleChargingSaving",
    "FuelComparison",
    "FuelEfficiency",
    "FuelLine",
    "annual_fuel",
    "compare_fuel",
    "cycle_charging_saving",
    "fuel_consumption_l",
    "fuel_efficiency",
    "fuel_rate_lph",
    "fuel_table",
]


def _check_number(
    problems: Problems, where: str, value: object, *, least: float | None = None, above: float | None = None
) -> bool:
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    try:
        number = float(value) if is_number else math.nan  # type: ignore[arg-type]
    except (OverflowError, TypeError):  # an integer of 400 digits; a complex number
        number = math.nan
    good = math.isfinite(number) and (least is None or number >= least) and (above is None or number > above)
    if not good:
        bound = f" >= {least:g}" if least is not None else f" > {above:g}" if above is not None else ""
        problems.add(where, value, f"a finite number{bound}", "check the unit and the sign")
    return good


def _check_series(problems: Problems, values: ArrayLike) -> NDArray[np.float64]:
    try:
        series = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        problems.add("output_mw", type(values).__name__, "one number per step [MW]", "pass a list or an array")
        return np.zeros(0)
    wrong = np.argwhere(~np.isfinite(series))
    if series.ndim != 1 or series.size == 0:
        problems.add("output_mw", f"shape {series.shape}", "one number per step [MW]", "pass a list or an array")
    elif wrong.size:
        step = int(wrong[0, 0])
        problems.add("output_mw", f"{series[step]} at step {step}", "finite numbers [MW]", "fill or drop these steps")
    return series


@dataclass(frozen=True, slots=True, kw_only=True)
class FuelLine:
    """Fuel as a straight line over output (Willans); without a no-load part it is a flat rate.

    Raises:
        InvalidInputError: With every problem found, when the object is made.
    """

    no_load_lph_per_kw: float = 0.03
    """Burnt in every running hour, whatever the output [L/h per kW of rating] (`dg_fuel_f0`)."""
    energy_l_per_kwh: float = 0.22
    """Burnt per energy on top of that [L/kWh] (`dg_fuel_f1`, or `dg_fuel_flat_rate` for a flat rate)."""

    def __post_init__(self) -> None:
        problems = Problems()
        for name in ("no_load_lph_per_kw", "energy_l_per_kwh"):
            _check_number(problems, name, getattr(self, name), least=0.0)
        problems.raise_if_any()


WILLANS_FUEL = FuelLine()
FLAT_FUEL = FuelLine(no_load_lph_per_kw=0.0, energy_l_per_kwh=0.25)
"""Agrees with `WILLANS_FUEL` at full load, where 0.03 + 0.22 = 0.25 L/kWh."""


class FuelComparison(NamedTuple):
    """A fuel line beside a flat rate."""

    load_pct: float
    """Output over rating [%]; 0 without a rating."""
    curve_l: float
    flat_l: float
    difference_l: float
    """Line minus flat rate [L]."""
    difference_pct: float
    """The same as a share of the flat rate [%]; 0 when that burns nothing."""


class FuelEfficiency(NamedTuple):
    """How well a generator burns at one load."""

    load_pct: float
    output_mw: float
    fuel_rate_lph: float
    specific_l_per_kwh: float
    """Fuel per energy [L/kWh]; 0 when it stands still."""
    yield_kwh_per_l: float
    """Energy per fuel [kWh/L]; 0 when it stands still."""


class AnnualFuel(NamedTuple):
    """What a series of outputs burns."""

    fuel_l: float
    energy_mwh: float
    running_hours: float
    """Time with an output above 0 [h]."""
    mean_load_pct: float
    """Mean output over rating while it runs [%]; 0 without a rating."""
    mean_rate_lph: float
    """Fuel per running hour [L/h]."""
    specific_l_per_kwh: float
    fuel_cost_usd: float
    running_hours_pct: float
    """Running hours as a share of the period [%]: often called a capacity factor, which it is not."""
    capacity_factor_pct: float
    """Energy as a share of what the rating could give in the period [%]; 0 without a rating."""


class CycleChargingSaving(NamedTuple):
    """What it brings to run a generator at a higher load for the same energy."""

    baseline_specific_l_per_kwh: float
    cycle_specific_l_per_kwh: float
    saving_l: float
    """Less fuel [L]; below 0 when cycle charging burns more."""
    saving_pct: float
    """The same as a share of the baseline's fuel [%]."""


def fuel_rate_lph(rated_mw: float, output_mw: float, *, line: FuelLine = WILLANS_FUEL) -> float:
    """Return the fuel rate of a generator [L/h].

    Args:
        rated_mw: Rating [MW], >= 0.
        output_mw: Output [MW]; at 0 or below it is off. Above the rating the line simply goes on.
        line: Fuel line.

    Raises:
        InvalidInputError: If a number is no number or out of range; all are named.

    Source: specification of sizing, section 8.
    """
    return fuel_consumption_l(rated_mw, output_mw, 1.0, line=line)


def fuel_consumption_l(rated_mw: float, output_mw: float, duration_h: float, *, line: FuelLine = WILLANS_FUEL) -> float:
    """Return the fuel of a generator that holds one output for some time [L].

    Args:
        rated_mw: Rating [MW], >= 0.
        output_mw: Output [MW]; at 0 or below it is off. Above the rating the line simply goes on.
        duration_h: Time [h], >= 0.
        line: Fuel line; `FLAT_FUEL` for a flat rate.

    Raises:
        InvalidInputError: If a number is no number or out of range; all are named.

    Source: specification of sizing, section 8.
    """
    problems = Problems()
    _check_number(problems, "rated_mw", rated_mw, least=0.0)
    _check_number(problems, "output_mw", output_mw)
    _check_number(problems, "duration_h", duration_h, least=0.0)
    problems.raise_if_any()
    # The core is scale-free: in kW the coefficients of the line need no conversion.
    return float(
        kernels.generator_fuel(
            mw_to_kw(float(output_mw)),
            mw_to_kw(float(rated_mw)),
            float(line.no_load_lph_per_kw),
            float(line.energy_l_per_kwh),
            float(duration_h),
        )
    )


def compare_fuel(
    rated_mw: float,
    output_mw: float,
    duration_h: float = 1.0,
    *,
    line: FuelLine = WILLANS_FUEL,
    flat: FuelLine = FLAT_FUEL,
) -> FuelComparison:
    """Compare a fuel line with a flat rate at one output.

    Args:
        rated_mw: Rating [MW], >= 0.
        output_mw: Output [MW]; at 0 or below it is off.
        duration_h: Time [h], >= 0.
        line: Fuel line.
        flat: What it is compared with.

    Raises:
        InvalidInputError: If a number is no number or out of range; all are named.
    """
    curve_l = fuel_consumption_l(rated_mw, output_mw, duration_h, line=line)
    flat_l = fuel_consumption_l(rated_mw, output_mw, duration_h, line=flat)
    difference_l = curve_l - flat_l
    return FuelComparison(_percent(output_mw, rated_mw), curve_l, flat_l, difference_l, _percent(difference_l, flat_l))


def fuel_efficiency(rated_mw: float, load_pct: float, *, line: FuelLine = WILLANS_FUEL) -> FuelEfficiency:
    """Return rate, specific fuel and yield at a load.

    Args:
        rated_mw: Rating [MW], >= 0.
        load_pct: Output over rating [%], >= 0.
        line: Fuel line.

    Raises:
        InvalidInputError: If a number is no number or out of range; all are named.
    """
    problems = Problems()
    _check_number(problems, "rated_mw", rated_mw, least=0.0)
    _check_number(problems, "load_pct", load_pct, least=0.0)
    problems.raise_if_any()
    output_mw = rated_mw * percent_to_fraction(load_pct)
    rate_lph = fuel_rate_lph(rated_mw, output_mw, line=line)
    output_kw = mw_to_kw(output_mw)
    return FuelEfficiency(
        float(load_pct), output_mw, rate_lph, _ratio(rate_lph, output_kw), _ratio(output_kw, rate_lph)
    )


def fuel_table(
    rated_mw: float,
    loads_pct: tuple[float, ...] = (25.0, 50.0, 75.0, 100.0),
    *,
    line: FuelLine = WILLANS_FUEL,
) -> tuple[FuelEfficiency, ...]:
    """Return `fuel_efficiency` of a generator of `rated_mw` [MW] at several loads [%].

    Raises:
        InvalidInputError: If a number is no number or out of range.
    """
    return tuple(fuel_efficiency(rated_mw, load_pct, line=line) for load_pct in loads_pct)


def annual_fuel(
    output_mw: ArrayLike,
    rated_mw: float,
    *,
    line: FuelLine = WILLANS_FUEL,
    price_usd_per_l: float = 1.50,
    dt_h: float = 1.0,
    period_h: float | None = None,
) -> AnnualFuel:
    """Sum up what a series of outputs burns.

    Args:
        output_mw: Output of each step [MW], at 0 or below it is off, shape (n,).
        rated_mw: Rating [MW], >= 0.
        line: Fuel line; `FLAT_FUEL` for a flat rate.
        price_usd_per_l: Price of fuel [USD/L], >= 0.
        dt_h: Length of a step [h], > 0.
        period_h: Time that the shares refer to [h], such as 8760 for a series that holds only the season
            of a plant that rests in the other months; default: the length of the series.

    Raises:
        InvalidInputError: If a number is no number or out of range; all are named.

    Source: specification of sizing, section 8; its "capacity factor" is `running_hours_pct` here.
    """
    problems = Problems()
    output = _check_series(problems, output_mw)
    _check_number(problems, "rated_mw", rated_mw, least=0.0)
    _check_number(problems, "price_usd_per_l", price_usd_per_l, least=0.0)
    if _check_number(problems, "dt_h", dt_h, above=0.0) and period_h is not None:
        _check_number(problems, "period_h", period_h, least=output.size * dt_h)
    problems.raise_if_any()
    whole_h = output.size * dt_h if period_h is None else float(period_h)
    running = output[output > 0.0]
    running_h = running.size * dt_h
    energy_mwh = float(running.sum()) * dt_h
    # A straight line: the fuel of all steps is the line at the sums.
    fuel_l = line.no_load_lph_per_kw * mw_to_kw(rated_mw) * running_h + line.energy_l_per_kwh * mw_to_kw(energy_mwh)
    return AnnualFuel(
        fuel_l=fuel_l,
        energy_mwh=energy_mwh,
        running_hours=running_h,
        mean_load_pct=_percent(energy_mwh, running_h * rated_mw),
        mean_rate_lph=_ratio(fuel_l, running_h),
        specific_l_per_kwh=_ratio(fuel_l, mw_to_kw(energy_mwh)),
        fuel_cost_usd=fuel_l * price_usd_per_l,
        running_hours_pct=_percent(running_h, whole_h),
        capacity_factor_pct=_percent(energy_mwh, whole_h * rated_mw),
    )


def cycle_charging_saving(
    baseline_fuel_l: float,
    baseline_load_pct: float,
    cycle_load_pct: float,
    *,
    line: FuelLine = WILLANS_FUEL,
) -> CycleChargingSaving:
    """Estimate what cycle charging saves: the same energy made at another load.

    Losses of the battery that takes the surplus are not in it; a simulation has them.

    Args:
        baseline_fuel_l: Fuel without cycle charging [L], >= 0.
        baseline_load_pct: Load of the generator without it [%], >= 0; at 0 there is nothing to save.
        cycle_load_pct: Load of the generator with it [%], > 0.
        line: Fuel line.

    Raises:
        InvalidInputError: If a number is no number or out of range; all are named.

    Source: specification of sizing, section 8.
    """
    problems = Problems()
    _check_number(problems, "baseline_fuel_l", baseline_fuel_l, least=0.0)
    _check_number(problems, "baseline_load_pct", baseline_load_pct, least=0.0)
    _check_number(problems, "cycle_load_pct", cycle_load_pct, above=0.0)
    problems.raise_if_any()
    # Fuel per energy at a load does not depend on the rating: any will do.
    baseline = fuel_efficiency(1.0, baseline_load_pct, line=line).specific_l_per_kwh
    cycle = fuel_efficiency(1.0, cycle_load_pct, line=line).specific_l_per_kwh
    share = 1.0 - cycle / baseline if baseline > 0.0 else 0.0
    return CycleChargingSaving(baseline, cycle, share * baseline_fuel_l, 100.0 * share)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0.0 else 0.0


def _percent(part: float, whole: float) -> float:
    return 100.0 * part / whole if whole > 0.0 else 0.0
