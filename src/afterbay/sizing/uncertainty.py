"""What moves a result, and by how much: one driver at a time (tornado), and the spread between weather years.

Weather years come from a record (`resample_months`); `weather_spread` says what half and nine tenths of them reach.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.sizing.bootstrap import ResampledYears, resample_months
from afterbay.sizing.drivers import Driver, Study, drivers_of
from afterbay.sizing.finance.columns import npv_columns
from afterbay.sizing.finance.years import EnergyColumns
from afterbay.sizing.metrics import SummaryMetrics
from afterbay.sizing.projection import Projection, ProjectionConfig, project_years
from afterbay.sizing.templates import Template, resolve_template
from afterbay.sizing.weather_spread import Quantity, Spread, shown, weather_spread

if TYPE_CHECKING:
    from afterbay.sizing.finance.config import FinancialConfig
    from afterbay.sizing.params import SimulationParams

__all__ = [
    "Driver",
    "Quantity",
    "ResampledYears",
    "Spread",
    "Study",
    "Tornado",
    "TornadoBar",
    "TornadoRow",
    "drivers_of",
    "npv_of",
    "resample_months",
    "tornado",
    "weather_spread",
]

Value = Callable[["SimulationParams", Projection], float]

_NPV: Final = "npv_usd"


class TornadoBar(NamedTuple):
    """One bar of the picture, as `charts.tornado.tornado_chart` takes it; values in the unit of the measure."""

    name: str
    low_value: float
    """The measure with the driver at its low end."""
    high_value: float
    """The measure with the driver at its high end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TornadoRow:
    """One driver and what the measure becomes at the ends of its range."""

    driver: Driver
    base_value: float
    low_value: float
    high_value: float

    @property
    def span(self) -> float:
        """Distance between the least and the largest of the three values."""
        values = (self.base_value, self.low_value, self.high_value)
        return max(values) - min(values)

    @property
    def note(self) -> str:
        """Why the bar has no length; empty if it has one."""
        if not self.driver.can_move:
            return f"cannot move: its range is {self.driver.label(self.driver.base)} alone"
        return "" if self.span > 0.0 else "moves, and the measure does not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tornado:
    """The drivers of one measure, largest span first."""

    measure: str
    unit: str
    base: float
    """The measure of the plant as given."""
    years: int
    """Years that the measure is taken over [a]; a metric is their mean."""
    rows: tuple[TornadoRow, ...]

    def bars(self) -> tuple[TornadoBar, ...]:
        """Return the bars of the picture, in order; drivers without effect have none."""
        return tuple(TornadoBar(row.driver.name, row.low_value, row.high_value) for row in self.rows if not row.note)

    def lines(self) -> list[str]:
        """Return the result as lines of text."""
        over = f", mean of {self.years} years" if self.years > 1 and self.measure in _METRICS else ""
        unit = f" {self.unit}" if self.unit else ""
        text = [f"{self.measure}: {shown(self.base)}{unit} as given{over}"]
        for row in self.rows:
            one = row.driver
            moved = f"{shown(row.low_value)} / {shown(row.high_value)}{unit}, span {shown(row.span)}"
            text.append(f"{one.name} {one.label(one.low)} / {one.label(one.high)}: {row.note or moved}")
        return text

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "measure": self.measure,
            "unit": self.unit,
            "base": self.base,
            "years": self.years,
            "rows": [
                {
                    **row.driver.to_dict(),
                    "low_value": row.low_value,
                    "high_value": row.high_value,
                    "span": row.span,
                    "note": row.note,
                }
                for row in self.rows
            ],
        }


_METRICS: Final = SummaryMetrics.__dataclass_fields__


def tornado(
    params: SimulationParams,
    template_id: int | Template,
    *,
    drivers: Sequence[Driver] | None = None,
    measure: str | Value = "delivery_pct",
    config: ProjectionConfig | None = None,
    finance: FinancialConfig | None = None,
    solar_mw: float | None = None,
    jobs: int | None = None,
) -> Tornado:
    """Move one driver at a time to the ends of its range and simulate the plant again.

    Args:
        params: The plant; its profiles are one year.
        template_id: 0..6 or a `Template`.
        drivers: What moves; default: `drivers_of` this plant, every range ±20 % within physical bounds.
        measure: A name of `SummaryMetrics` (over several years their mean), `npv_usd`, or `value(params, projection)`.
        config: Ageing and years. Default: one year as new; with `npv_usd` the years of the project.
        finance: Assumptions about money, for `npv_usd` only.
        solar_mw: Size of the solar plant [MW]; default: the peak of its profile.
        jobs: Threads; default: all cores. The result does not depend on it.

    Raises:
        UnknownTemplateError: If there is no such template.
        InvalidInputError: If a driver or the measure cannot be used; every problem is named.
        PhysicsError: If a run breaks a balance or a bound.

    Source: docs/concepts/uncertainty.md.
    """
    template = resolve_template(template_id)
    _check(measure, finance, jobs)
    study = Study.of(params, config, finance, solar_mw)
    chosen = tuple(drivers) if drivers is not None else drivers_of(params, config, finance=finance, solar_mw=solar_mw)
    variants = _variants(study, chosen)
    # Studies that differ in prices alone share one simulation.
    plants = {(id(one.params), id(one.config)): one for one in (study, *variants)}
    with ThreadPoolExecutor(max_workers=jobs or os.cpu_count() or 1) as pool:
        runs = pool.map(lambda one: project_years(one.params, template, one.config), plants.values())
        projections = dict(zip(plants, runs, strict=True))
    values = [_value(measure, one, projections[id(one.params), id(one.config)]) for one in (study, *variants)]
    base, lows, highs = values[0], values[1::2], values[2::2]
    rows = [
        TornadoRow(driver=one, base_value=base, low_value=low, high_value=high)
        for one, low, high in zip(chosen, lows, highs, strict=True)
    ]
    rows.sort(key=lambda row: (not row.driver.can_move, -row.span))
    name = measure if isinstance(measure, str) else getattr(measure, "__name__", "value")
    return Tornado(measure=name, unit=_unit(measure, finance), base=base, years=study.config.years, rows=tuple(rows))


def _check(measure: object, finance: object, jobs: object) -> None:
    problems = Problems()
    if jobs is not None and (isinstance(jobs, bool) or not (isinstance(jobs, int) and 1 <= jobs <= 1024)):
        problems.add("jobs", jobs, "a whole number 1..1024 or None", "leave it out for all cores")
    if measure == _NPV and finance is None:
        problems.add("measure", measure, "npv_usd together with finance", "give finance=FinancialConfig(...)")
    elif measure != _NPV and not callable(measure) and not (isinstance(measure, str) and measure in _METRICS):
        known = f"npv_usd, a function, or one of {', '.join(_METRICS)}"
        problems.add("measure", measure, known, "choose one of these, such as delivery_pct")
    if measure != _NPV and finance is not None:
        move = "leave it out; a function of yours brings prices and their drivers itself"
        problems.add("finance", type(finance).__name__, "nothing unless measure is npv_usd", move)
    problems.raise_if_any()


def _variants(study: Study, drivers: Sequence[object]) -> list[Study]:
    """Return the study at the low and the high end of each driver, in order."""
    problems, variants, names = Problems(), [], set[str]()
    for number, driver in enumerate(drivers):
        if not isinstance(driver, Driver):
            problems.add(f"drivers[{number}]", type(driver).__name__, "Driver", "give Driver(...) or drivers_of(...)")
            continue
        if driver.name in names:
            problems.add(f"drivers[{number}]", driver.name, "each name once", "leave one of them out")
        names.add(driver.name)
        for value in (driver.low, driver.high):
            try:
                variants.append(driver.apply(study, value) if value != driver.base else study)
            except InvalidInputError as error:
                where = f"driver {driver.name} at {driver.label(value)}"
                problems.extend(
                    Problem(f"{where}: {one.where}", one.got, one.allowed, one.next_move) for one in error.problems
                )
    problems.raise_if_any()
    return variants


def _value(measure: str | Value, study: Study, projection: Projection) -> float:
    if not isinstance(measure, str):
        value: object = measure(study.params, projection)
    elif measure == _NPV and study.finance is not None:
        value = npv_of(study.params, projection, finance=study.finance, solar_mw=study.solar_mw)
    else:
        value = float(np.mean(projection.metrics[measure]))
    if not is_number(value):
        raise InvalidInputError(Problem("measure", repr(value), "a finite number", "mend the function of the measure"))
    return float(value)  # type: ignore[arg-type]


def _unit(measure: str | Value, finance: FinancialConfig | None) -> str:
    if not isinstance(measure, str):
        return ""
    return finance.currency if finance is not None else str(_METRICS[measure].metadata["unit"])


def npv_of(
    params: SimulationParams, projection: Projection, *, finance: FinancialConfig, solar_mw: float | None = None
) -> float:
    """Return the net present value of a projected plant [USD].

    Args:
        params: The plant when new.
        projection: Its years, as many as the project has.
        finance: Assumptions about money.
        solar_mw: Size of the solar plant [MW]; default: the peak of its profile.

    Raises:
        InvalidInputError: If a year is no whole year, or the years are not those of the project.
    """
    problems = Problems()
    lengths = {len(load) * params.dt_h for load, _ in projection.weather}
    if wrong := [hours for hours in sorted(lengths) if round(hours, 6) not in (8760.0, 8784.0)]:
        problems.add("load_profile", f"{wrong[0]:g} h", "a year of 8760 or 8784 h", "give a whole year for money")
    if len(projection) != finance.project_life_years:
        allowed = f"{finance.project_life_years}, the project_life_years of finance"
        problems.add("config.years", len(projection), allowed, "give both the same number of years")
    problems.raise_if_any()
    metrics, states = projection.metrics, projection.states
    energy = EnergyColumns(
        delivered_mwh=metrics["total_energy_delivered"][np.newaxis],
        dg_mwh=metrics["total_dg_generation"][np.newaxis],
        dg_hours=metrics["dg_runtime_hours"][np.newaxis],
        fuel_l=metrics["total_fuel_consumed"][np.newaxis],
        unserved_mwh=np.maximum(metrics["total_unserved"], 0.0)[np.newaxis],
        unserved_hours=(metrics["hours_with_load"] - metrics["hours_full_delivery"])[np.newaxis],
        effective_mwh=states["start_mwh"][np.newaxis],
        augmentation_mwh=states["augmentation_mwh"][np.newaxis],
        battery_replaced_mwh=states["replacement_mwh"][np.newaxis],
    )
    found = npv_columns(
        finance,
        energy,
        bess_mwh=states["start_mwh"][0],
        bess_mw=max(params.bess_charge_power, params.bess_discharge_power),
        dg_mw=params.dg_rating_mw,
        solar_mw=float(params.solar_mw.max()) if solar_mw is None else solar_mw,
    )
    return float(found.npv_usd[0])
