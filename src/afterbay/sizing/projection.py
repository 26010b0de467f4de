"""A plant over its years: each year is simulated with the battery as it then is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core.errors import PhysicsError, Problems
from afterbay.sizing import layout as at
from afterbay.sizing import projection_kernels as kernel
from afterbay.sizing.case import case_row, hours_of_day
from afterbay.sizing.checks import Checker
from afterbay.sizing.degradation import DegradationConfig, calendar_loss_pct, cycle_counter
from afterbay.sizing.finance import YearEnergy
from afterbay.sizing.metrics import SummaryMetrics, metric_columns, metrics_at
from afterbay.sizing.physics import worst_violation
from afterbay.sizing.simulation import HourlyResults, run_simulation
from afterbay.sizing.templates import Template, resolve_template

if TYPE_CHECKING:
    import pandas as pd

    from afterbay.sizing.params import SimulationParams

__all__ = ["Projection", "ProjectionConfig", "project_cases", "project_plants", "project_years", "year_energies"]

FloatArray = NDArray[np.float64]

_HOURS_PER_YEAR = 8760.0
_TASK_CASES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionConfig:
    """How a plant changes from year to year; shares are fractions 0..1.

    Raises:
        InvalidInputError: With every problem found, when the object is made.
    """

    years: int = 20
    """Years of operation [a]."""
    degradation: DegradationConfig = field(default_factory=DegradationConfig)
    """Ageing by time and cycles, and what is done about it."""
    fixed_loss_fraction_per_year: float | None = 0.02
    """Compound loss of energy per year [-/a], 2 % by default (specification of sizing, section 12); None: the ageing
    model, from the swings of each simulated year. The model's default loss per cycle is that of the application
    that afterbay replaces, which counted too few cycles: give the figure of your supplier with it."""
    temperature_c: float = 25.0
    """Cell temperature [°C]."""
    solar_loss_fraction_per_year: float = 0.005
    """Solar ageing, compound [-/a]; half a percent is the median of published field studies (Jordan, Kurtz 2013)."""
    efficiency_loss_fraction_per_year: float = 0.0
    """Relative loss of round-trip efficiency, compound [-/a]."""
    power_fades: bool = True
    """Battery power falls with its energy (specification of sizing, section 12)."""
    battery_life_years: int | None = None
    """Modules are renewed after so many years of service [a]; None: never."""

    def __post_init__(self) -> None:
        problems = Problems()
        check = Checker(self, problems)
        check.whole("years", 1, 100)
        for name in ("solar_loss_fraction_per_year", "efficiency_loss_fraction_per_year"):
            check.number(name, least=0.0, most=0.2)
        if self.fixed_loss_fraction_per_year is not None:
            check.number("fixed_loss_fraction_per_year", least=0.0, most=0.5, or_none=True)
        check.number("temperature_c", least=-40.0, most=80.0)
        check.flag("power_fades")
        if self.battery_life_years is not None:
            check.whole("battery_life_years", 1, 100)
        problems.raise_if_any()


def _control(config: ProjectionConfig) -> FloatArray:
    ageing = config.degradation
    # The slope over SOC is that of the calendar loss itself, read off the library function.
    per_year = calendar_loss_pct(1.0, 50.0, ageing, temperature_c=config.temperature_c) / 100.0
    fuller = calendar_loss_pct(1.0, 60.0, ageing, temperature_c=config.temperature_c) / 100.0
    slope = (fuller / per_year - 1.0) / 10.0 if per_year > 0.0 else 0.0
    fixed = config.fixed_loss_fraction_per_year
    values = {
        "calendar_per_year": per_year,
        "calendar_by_soc": slope,
        "cycle_per_cycle": ageing.cycle_fraction_per_cycle,
        "take_larger": ageing.combine == "max",
        "fixed_loss": -1.0 if fixed is None else fixed,
        "solar_loss": config.solar_loss_fraction_per_year,
        "efficiency_loss": config.efficiency_loss_fraction_per_year,
        "power_fades": config.power_fades,
        "overbuild": ageing.overbuild_fraction if ageing.strategy == "overbuild" else 0.0,
        "augmentation_year": ageing.augmentation_year if ageing.strategy == "augmentation" else 0.0,
        "battery_life_years": config.battery_life_years or 0.0,
        "hours_per_year": _HOURS_PER_YEAR,
    }
    return np.array([float(values[name]) for name in kernel.CONTROL])


@dataclass(frozen=True, eq=False)
class Projection:
    """The years of one plant: states and metrics as columns of shape (years,)."""

    params: SimulationParams
    template: Template
    config: ProjectionConfig
    weather: tuple[tuple[FloatArray, FloatArray], ...]
    """Load and solar of each weather year [MW]; they repeat."""
    totals: FloatArray
    """`layout.TOTALS` of each year, shape (years, 53)."""
    states: dict[str, FloatArray]
    """`projection_kernels.STATES`: energy, losses, purchases, power, efficiency of each year."""

    def __len__(self) -> int:
        return len(self.totals)

    @cached_property
    def cases(self) -> FloatArray:
        """`layout.CASE` of each year, shape (years, 36)."""
        rows = np.tile(case_row(self.params, self.template), (len(self), 1))
        rows[:, at.CAPACITY] = self.states["start_mwh"]
        rows[:, at.CHARGE_POWER] = self.states["charge_power_mw"]
        rows[:, at.DISCHARGE_POWER] = self.states["discharge_power_mw"]
        rows[:, at.EFFICIENCY_PCT] = self.states["round_trip_efficiency_pct"]
        rows[:, at.SOLAR_SCALE] = self.states["solar_scale"]
        rows[:, at.INITIAL_SOC_PCT] = self.states["initial_soc_pct"]
        return rows

    @cached_property
    def metrics(self) -> dict[str, FloatArray]:
        """Every metric of `SummaryMetrics`, each of shape (years,)."""
        return dict(metric_columns(self.cases, self.totals))

    @cached_property
    def retention_pct(self) -> FloatArray:
        """Energy at the start of each year, share of the nameplate of the first [%]."""
        nominal = self.params.bess_capacity
        return self.states["start_mwh"] / nominal * 100.0 if nominal > 0.0 else np.zeros(len(self))

    def metrics_of(self, year: int) -> SummaryMetrics:
        """Return the metrics of one year, from 1."""
        return metrics_at(self.metrics, year - 1)

    def simulate(self, year: int) -> HourlyResults:
        """Run one year again, from 1, and keep every hour."""
        index = year - 1
        load, solar = self.weather[index % len(self.weather)]
        state = {name: float(column[index]) for name, column in self.states.items()}
        params = replace(
            self.params,
            load_profile=load,
            solar_profile=solar * state["solar_scale"],
            bess_capacity=state["start_mwh"],
            bess_charge_power=state["charge_power_mw"],
            bess_discharge_power=state["discharge_power_mw"],
            bess_efficiency=state["round_trip_efficiency_pct"] / 100.0,
            bess_initial_soc=min(
                max(state["initial_soc_pct"] / 100.0, self.params.bess_min_soc), self.params.bess_max_soc
            ),
        )
        return run_simulation(params, self.template)

    def to_frame(self) -> pd.DataFrame:
        """Return the years as a pandas frame: states, retention and every metric."""
        import pandas as pd

        years = np.arange(1, len(self) + 1)
        columns: dict[str, Any] = {"year": years, **self.states, "retention_pct": self.retention_pct, **self.metrics}
        return pd.DataFrame(columns).set_index("year", drop=False).rename_axis("index")


def _weather(
    params: SimulationParams, years: Sequence[tuple[ArrayLike, ArrayLike]] | None
) -> tuple[tuple[FloatArray, FloatArray], ...]:
    """Return checked pairs of load and solar; default: those of the params, every year."""
    if years is None:
        return ((params.load_mw, params.solar_mw),)
    problems = Problems()
    if not len(years):
        problems.add("weather_years", "none", "at least one pair of load and solar", "leave it out for one year")
    problems.raise_if_any()
    checked = [replace(params, load_profile=load, solar_profile=solar) for load, solar in years]
    return tuple((one.load_mw, one.solar_mw) for one in checked)


def _joined(weather: Sequence[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray, FloatArray]:
    offsets = np.cumsum([0, *(len(load) for load, _ in weather)]).astype(np.float64)
    return np.concatenate([load for load, _ in weather]), np.concatenate([sun for _, sun in weather]), offsets


def project_years(
    params: SimulationParams,
    template_id: int | Template,
    config: ProjectionConfig | None = None,
    *,
    weather_years: Sequence[tuple[ArrayLike, ArrayLike]] | None = None,
) -> Projection:
    """Simulate a plant year after year.

    The state of charge is carried from year to year. What is bought stands at the end of a year, and nothing
    is bought at the end of the last.

    Args:
        params: The plant when new; its profiles are one year.
        template_id: 0..6 or a `Template`.
        config: Ageing, renewal, number of years.
        weather_years: Load and solar of several years [MW], taken in turn; leap years may be longer.

    Raises:
        InvalidInputError: If a weather year cannot be used.
        PhysicsError: If a year breaks a balance or a bound.
    """
    return _project(
        params, resolve_template(template_id), config or ProjectionConfig(), _weather(params, weather_years)
    )


def project_plants(
    plants: Sequence[SimulationParams], template_id: int | Template, config: ProjectionConfig
) -> Projection:
    """Simulate a plant year after year, as `project_years`, in weather that was checked before.

    Args:
        plants: The same plant when new with the load and solar of each weather year, at least one.
        template_id: 0..6 or a `Template`.
        config: Ageing, renewal, number of years.

    Raises:
        PhysicsError: If a year breaks a balance or a bound.
    """
    weather = tuple((plant.load_mw, plant.solar_mw) for plant in plants)
    return _project(plants[0], resolve_template(template_id), config, weather)


def _project(
    params: SimulationParams,
    template: Template,
    config: ProjectionConfig,
    weather: tuple[tuple[FloatArray, FloatArray], ...],
) -> Projection:
    case = case_row(params, template)
    totals, states = project_cases(case[np.newaxis], weather, config, dt_h=params.dt_h, jobs=1)
    named = {name: states[0, :, place] for place, name in enumerate(kernel.STATES)}
    return Projection(params, template, config, weather, totals[0], named)


def project_cases(
    cases: FloatArray,
    weather: Sequence[tuple[FloatArray, FloatArray]],
    config: ProjectionConfig,
    *,
    dt_h: float = 1.0,
    jobs: int | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Project many cases, such as `SweepResult.cases`, on all cores.

    Args:
        cases: `layout.CASE`, shape (m, 36).
        weather: Load and solar of each weather year [MW].
        config: Ageing, renewal, number of years.
        dt_h: Length of a step [h].
        jobs: Threads; default: all cores. The result does not depend on it.

    Returns:
        Totals, shape (m, years, 53), and states, shape (m, years, 13); see `projection_kernels.STATES`.

    Raises:
        PhysicsError: If a year of a case breaks a balance or a bound.
    """
    load, solar, offsets = _joined(weather)
    totals = np.zeros((len(cases), config.years, len(at.TOTALS)))
    states = np.zeros((len(cases), config.years, len(kernel.STATES)))
    control, hours = _control(config), hours_of_day(dt_h)

    def task(first: int) -> None:
        part = slice(first, first + _TASK_CASES)
        counter = cycle_counter(config.degradation)
        kernel.project_many(cases[part], load, solar, offsets, hours, control, counter, totals[part], states[part])

    tasks = range(0, len(cases), _TASK_CASES)
    if jobs == 1 or len(tasks) == 1:
        # A thread takes longer to start than a year to run.
        for first in tasks:
            task(first)
    else:
        with ThreadPoolExecutor(max_workers=jobs or os.cpu_count() or 1) as pool:
            list(pool.map(task, tasks))
    for year in range(config.years):
        rows = cases.copy()
        rows[:, at.CAPACITY] = states[:, year, kernel.START]
        broken = worst_violation(rows, totals[:, year], float(load.max()), float(solar.max()))
        if broken is not None:
            raise PhysicsError(f"year {year + 1} of case {broken} breaks physics -> a defect of ours: report it")
    return totals, states


def year_energies(projection: Projection) -> list[YearEnergy]:
    """Return what money needs to know of each year, for `FinancialProjection`.

    Energies and hours are those of the simulated years; what was bought stands at the end of its year.
    """
    metrics, states = projection.metrics, projection.states
    return [
        YearEnergy(
            year=index + 1,
            delivered_mwh=float(metrics["total_energy_delivered"][index]),
            dg_mwh=float(metrics["total_dg_generation"][index]),
            dg_hours=float(metrics["dg_runtime_hours"][index]),
            fuel_l=float(metrics["total_fuel_consumed"][index]),
            unserved_mwh=float(metrics["total_unserved"][index]),
            unserved_hours=float(metrics["hours_with_load"][index] - metrics["hours_full_delivery"][index]),
            effective_mwh=float(states["start_mwh"][index]),
            augmentation_mwh=float(states["augmentation_mwh"][index]),
            battery_replaced_mwh=float(states["replacement_mwh"][index]),
        )
        for index in range(len(projection))
    ]
