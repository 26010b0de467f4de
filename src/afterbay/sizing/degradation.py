"""How much capacity a state of charge costs: calendar age, cycles, and both together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core.errors import OutOfRangeError, Problem, Problems
from afterbay.sizing import rainflow_kernels as rainflow
from afterbay.sizing.checks import Checker

__all__ = [
    "Degradation",
    "DegradationConfig",
    "calculate_degradation",
    "calendar_loss_pct",
    "cycle_counter",
    "stress_factor",
    "total_loss_pct",
]

FloatArray = NDArray[np.float64]
Combine = Literal["sum", "max"]
Strategy = Literal["standard", "overbuild", "augmentation"]

_HOURS_PER_YEAR = 8760.0
_ZERO_CELSIUS_K = 273.15
_GAS_CONSTANT_KJ = 8.314462618e-3
_SOC_SLOPE_PER_POINT = 0.005
_BIN_NAMES = ("0-20%", "20-40%", "40-60%", "60-80%", "80-100%")
_BELIEVABLE_PCT_PER_YEAR = 10.0


def _reference_stress() -> dict[float, float]:
    return {10.0: 0.3, 20.0: 0.5, 40.0: 0.7, 60.0: 0.85, 80.0: 1.0, 100.0: 1.2}


@dataclass(frozen=True, slots=True, kw_only=True)
class DegradationConfig:
    """What ageing costs and what is done about it; shares are fractions 0..1, depths are percent.

    The defaults are those of the application that this module replaces. Its loss per cycle is 20 to 70 times what
    the cells of `afterbay.sizing.cells` lose: take a figure of your supplier, or a cell model, for a price.

    Raises:
        InvalidInputError: With every problem found, when the object is made.
    """

    calendar_fraction_per_year: float = 0.02
    """Lost per year at 50 % SOC and the reference temperature [-/a] (`calendar_degradation_rate`)."""
    include_calendar: bool = True
    """Count calendar ageing at all (`include_calendar_aging`)."""
    stress_by_depth_pct: Mapping[float, float] = field(default_factory=_reference_stress)
    """Depth of a cycle [% of capacity] -> equivalent cycles it counts for [-]; straight lines between."""
    cycle_fraction_per_cycle: float = 0.0015
    """Lost per equivalent cycle [-] (`cycle_base_degradation`)."""
    use_rainflow: bool = True
    """Count cycles by rainflow; otherwise by energy throughput alone (`use_rainflow_counting`)."""
    half_cycles_above_pct: float = 0.5
    """Half cycles of this depth or less are noise, not cycles [% of capacity]."""
    combine: Combine = "sum"
    """`sum`: calendar and cycle loss add up; `max`: the larger one counts."""
    reference_temperature_c: float = 25.0
    """Cell temperature at which the calendar loss is as stated [°C]."""
    activation_energy_kj_per_mol: float = 43.3
    """How fast calendar ageing rises with temperature (Arrhenius) [kJ/mol]: 1.76 times at 35 °C."""
    strategy: Strategy = "standard"
    """`standard`: let it fade; `overbuild`: install more at first; `augmentation`: top up in one year."""
    overbuild_fraction: float = 0.20
    """Installed beyond the initial capacity with `overbuild` [-] (`overbuild_factor`)."""
    augmentation_year: int = 8
    """At the end of this year `augmentation` tops up to the initial capacity."""

    def __post_init__(self) -> None:
        problems = Problems()
        check = Checker(self, problems)
        for name in ("calendar_fraction_per_year", "cycle_fraction_per_cycle"):
            check.fraction(name)
        check.number("overbuild_fraction", least=0.0, most=5.0)
        check.number("half_cycles_above_pct", least=0.0, most=100.0)
        check.number("reference_temperature_c", least=-40.0, most=80.0)
        check.number("activation_energy_kj_per_mol", least=0.0, most=200.0)
        for name in ("include_calendar", "use_rainflow"):
            check.flag(name)
        check.choice("combine", ("sum", "max"))
        check.choice("strategy", ("standard", "overbuild", "augmentation"))
        year: object = self.augmentation_year
        if isinstance(year, bool) or not isinstance(year, (int, np.integer)) or year < 1:
            problems.add("augmentation_year", year, "a whole year from 1", "give the year of operation, such as 8")
        stress = _checked_stress(self.stress_by_depth_pct, problems)
        problems.raise_if_any()
        object.__setattr__(self, "stress_by_depth_pct", stress)


def _checked_stress(value: object, problems: Problems) -> dict[float, float]:
    """Return the table in rising order of depth."""
    where, allowed = "stress_by_depth_pct", f"1..{rainflow.TABLE_ROOM} depths 0..100 % with factors of 0 or more"
    move = "give such as {10: 0.3, 80: 1.0, 100: 1.2}"
    if not isinstance(value, Mapping) or not 1 <= len(value) <= rainflow.TABLE_ROOM:
        shown = f"{len(value)} points" if isinstance(value, Mapping) else type(value).__name__
        problems.add(where, shown, allowed, move)
        return {}
    try:
        table = {float(depth): float(factor) for depth, factor in value.items()}
    except (TypeError, ValueError):
        problems.add(where, repr(dict(value)), allowed, move)
        return {}
    for depth, factor in table.items():
        # A comparison with NaN is false, so that NaN is noted here too.
        if not (0.0 <= depth <= 100.0 and 0.0 <= factor < math.inf):
            problems.add(f"{where}[{depth:g}]", factor, allowed, move)
    return dict(sorted(table.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Degradation:
    """Capacity lost over one period, and what it was counted from."""

    cycle_degradation_pct: float
    """Lost to cycles [% of capacity]."""
    calendar_degradation_pct: float
    """Lost to time [% of capacity]."""
    total_degradation_pct: float
    """Both, combined as the config says [% of capacity]."""
    equivalent_full_cycles: float
    """Cycles weighted with the stress of their depth [-]."""
    total_cycles_simple: float
    """Cycles of any depth; a half cycle counts 0.5 [-]."""
    throughput_cycles: float
    """Energy moved: full swings of 100 % and back [-]."""
    dod_distribution: Mapping[str, float]
    """Cycles by depth, `0-20%` to `80-100%` [-]; empty when cycles were not counted one by one."""
    years: float
    """Length of the period [a]."""
    mean_soc_pct: float
    """Mean state of charge [%]."""
    warnings: tuple[str, ...] = ()
    """What to doubt about these numbers."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, as plain numbers, texts and lists."""
        return {**asdict(self), "dod_distribution": dict(self.dod_distribution), "warnings": list(self.warnings)}


def cycle_counter(config: DegradationConfig, stack_depth: int = rainflow.STACK_DEPTH) -> FloatArray:
    """Return an empty rainflow counter for `rainflow_kernels.push`, with the stress table of `config`.

    Raises:
        OutOfRangeError: If `stack_depth` is too small to count with.
    """
    if stack_depth < rainflow.LEAST_STACK_DEPTH:
        raise OutOfRangeError(
            Problem("stack_depth", repr(stack_depth), f">= {rainflow.LEAST_STACK_DEPTH}", "leave it at its default")
        )
    counter = np.zeros(rainflow.STACK + stack_depth)
    size = len(config.stress_by_depth_pct)
    counter[rainflow.HALF_ABOVE] = config.half_cycles_above_pct
    counter[rainflow.TABLE_SIZE] = size
    counter[rainflow.TABLE_DEPTH : rainflow.TABLE_DEPTH + size] = list(config.stress_by_depth_pct)
    counter[rainflow.TABLE_AT : rainflow.TABLE_AT + size] = list(config.stress_by_depth_pct.values())
    return counter


def stress_factor(depth_pct: float, config: DegradationConfig | None = None) -> float:
    """Return how many equivalent cycles one cycle of this depth [% of capacity] counts for [-]."""
    return float(rainflow.stress_factor(cycle_counter(config or DegradationConfig()), float(depth_pct)))


def calendar_loss_pct(
    years: float, mean_soc_pct: float, config: DegradationConfig | None = None, *, temperature_c: ArrayLike = 25.0
) -> float:
    """Return the capacity lost to time [%].

    Args:
        years: Length of the period [a].
        mean_soc_pct: Mean state of charge [%]; each point above 50 adds half a percent of the loss.
        config: Rates; default: `DegradationConfig()`.
        temperature_c: Cell temperature [°C], one value or a series; its effect is averaged, not itself.

    Source: specification of sizing, section 7; Arrhenius' law for the temperature.
    """
    config = config or DegradationConfig()
    if not config.include_calendar:
        return 0.0
    kelvin = np.asarray(temperature_c, dtype=np.float64) + _ZERO_CELSIUS_K
    reference = config.reference_temperature_c + _ZERO_CELSIUS_K
    exponent = config.activation_energy_kj_per_mol / _GAS_CONSTANT_KJ * (1.0 / reference - 1.0 / kelvin)
    warmth = float(np.mean(np.exp(exponent)))
    fullness = 1.0 + _SOC_SLOPE_PER_POINT * (mean_soc_pct - 50.0)
    return years * config.calendar_fraction_per_year * fullness * warmth * 100.0


def total_loss_pct(cycle_pct: float, calendar_pct: float, combine: Combine = "sum") -> float:
    """Combine cycle and calendar loss [%].

    Raises:
        OutOfRangeError: If `combine` is neither `sum` nor `max`.
    """
    if combine not in ("sum", "max"):
        raise OutOfRangeError(Problem("combine", repr(combine), "sum | max", "choose one of these"))
    return max(cycle_pct, calendar_pct) if combine == "max" else cycle_pct + calendar_pct


def calculate_degradation(
    soc_pct: ArrayLike,
    config: DegradationConfig | None = None,
    *,
    dt_h: float = 1.0,
    temperature_c: ArrayLike = 25.0,
    period_h: float | None = None,
) -> Degradation:
    """Estimate the capacity that a run costs.

    Args:
        soc_pct: State of charge at the end of each step [%], shape (n,), such as `results.soc_pct`.
        config: Rates; default: `DegradationConfig()`.
        dt_h: Length of a step [h].
        temperature_c: Cell temperature [°C], one value or shape (n,).
        period_h: Time that the series stands for [h]; default: n x dt_h.

    Returns:
        Loss in percent of the capacity at the start, not cut at 100. An empty series has no cycles.

    Raises:
        InvalidInputError: With every problem found.

    Source: specification of sizing, section 7; ASTM E1049-85 for the counting of cycles.
    """
    config = config or DegradationConfig()
    problems = Problems()
    soc = _checked_soc(soc_pct, problems)
    warmth = _checked_temperature(temperature_c, soc.size, problems)
    hours = _positive("dt_h", dt_h, problems) * soc.size
    if period_h is not None:
        hours = _positive("period_h", period_h, problems)
    problems.raise_if_any()

    years = hours / _HOURS_PER_YEAR
    mean_soc = float(np.mean(soc)) if soc.size else 50.0
    throughput = float(np.sum(np.abs(np.diff(soc)))) / 200.0
    equivalent = simple = throughput
    bins: dict[str, float] = {}
    if config.use_rainflow:
        counter = cycle_counter(config)
        rainflow.count_series(counter, soc)
        equivalent, simple = float(counter[rainflow.STRESS]), float(counter[rainflow.COUNT])
        counts = counter[rainflow.FIRST_BIN : rainflow.SUMS].tolist()
        bins = dict(zip(_BIN_NAMES, counts, strict=True))
    cycle = equivalent * config.cycle_fraction_per_cycle * 100.0
    calendar = calendar_loss_pct(years, mean_soc, config, temperature_c=warmth)
    total = total_loss_pct(cycle, calendar, config.combine)
    return Degradation(
        cycle_degradation_pct=cycle,
        calendar_degradation_pct=calendar,
        total_degradation_pct=total,
        equivalent_full_cycles=equivalent,
        total_cycles_simple=simple,
        throughput_cycles=throughput,
        dod_distribution=bins,
        years=years,
        mean_soc_pct=mean_soc,
        warnings=_doubts(total, years),
    )


def _doubts(total: float, years: float) -> tuple[str, ...]:
    if total <= _BELIEVABLE_PCT_PER_YEAR * years:
        return ()
    return (
        f"a loss of {total:.1f} % in {years:.2f} years: tested cells stay well below {_BELIEVABLE_PCT_PER_YEAR:g} % "
        "a year -> lower cycle_fraction_per_cycle or use a cell model",
    )


def _positive(name: str, value: object, problems: Problems) -> float:
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        number = float(cast("float", value))
        if math.isfinite(number) and number > 0.0:
            return number
    problems.add(name, value, "a finite number of hours > 0", "give hours")
    return 1.0


def _checked_soc(values: ArrayLike, problems: Problems) -> FloatArray:
    try:
        soc = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        problems.add("soc_pct", type(values).__name__, "one number per step [%]", "pass a list or an array")
        return np.zeros(0)
    if soc.ndim != 1:
        problems.add("soc_pct", f"shape {soc.shape}", "one dimension", "pass one number per step")
        return np.zeros(0)
    # The last bit of a full battery may stand above 100.
    wrong = np.flatnonzero(~((soc >= -1e-9) & (soc <= 100.0 + 1e-9)))
    if wrong.size:
        problems.add("soc_pct", f"{soc[wrong[0]]:g} at step {wrong[0]}", "0..100 %", "give percent of capacity")
    elif soc.size and 0.0 < soc.max() <= 1.5:
        problems.add(
            "soc_pct", f"at most {soc.max():g} %", "percent, not a share", f"did you mean {100 * soc.max():g} %?"
        )
    return soc


def _checked_temperature(values: ArrayLike, steps: int, problems: Problems) -> FloatArray:
    allowed, move = "-40..80 °C, one value or one per step", "give the temperature of the cells in °C"
    try:
        warmth = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        problems.add("temperature_c", type(values).__name__, allowed, move)
        return np.zeros(())
    if warmth.ndim > 1 or (warmth.ndim == 1 and warmth.size != max(steps, 1)):
        problems.add("temperature_c", f"shape {warmth.shape} for {steps} steps", allowed, move)
    elif not np.all((warmth >= -40.0) & (warmth <= 80.0)):
        problems.add("temperature_c", f"{warmth.min():g}..{warmth.max():g}", allowed, move)
    return warmth
