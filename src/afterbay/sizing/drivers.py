"""What can turn out differently from the plan: drivers, each with a range and the way it acts on a plant."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.sizing.finance.config import FinancialConfig
from afterbay.sizing.grid import LEAST_SIZE
from afterbay.sizing.params import SimulationParams
from afterbay.sizing.projection import ProjectionConfig

__all__ = ["Driver", "Study", "drivers_of"]

_SWING: Final = 0.20
_SMALLEST: Final = 1e-9
"""An efficiency must stay above 0."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """All that a driver may change: the plant, its years, its prices."""

    params: SimulationParams
    config: ProjectionConfig
    """Ageing and years; a single year has none of it."""
    finance: FinancialConfig | None
    """Assumptions about money, if the measure is one."""
    solar_mw: float
    """Size of the solar plant [MW]."""

    @classmethod
    def of(
        cls,
        params: SimulationParams,
        config: ProjectionConfig | None = None,
        finance: FinancialConfig | None = None,
        solar_mw: float | None = None,
    ) -> Study:
        """Fill in what is left out: one year as new, or the years of the project; the peak of the sun as its size.

        Raises:
            InvalidInputError: With everything that is of the wrong kind.
        """
        problems = Problems()
        given: tuple[tuple[str, object, type, bool], ...] = (
            ("params", params, SimulationParams, False),
            ("config", config, ProjectionConfig, True),
            ("finance", finance, FinancialConfig, True),
        )
        for name, value, kind, optional in given:
            if not (isinstance(value, kind) or (optional and value is None)):
                problems.add(name, type(value).__name__, kind.__name__, f"give {kind.__name__}(...)")
        if solar_mw is not None and not (is_number(solar_mw) and solar_mw >= 0.0):
            problems.add("solar_mw", solar_mw, "a finite number >= 0 [MW]", "give the size of the solar plant")
        problems.raise_if_any()
        years = finance.project_life_years if finance is not None else 1
        size = float(params.solar_mw.max()) if solar_mw is None else float(solar_mw)
        return cls(params=params, config=config or ProjectionConfig(years=years), finance=finance, solar_mw=size)


Apply = Callable[[Study, float], Study]


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """One thing that may turn out lower or higher than planned.

    Raises:
        InvalidInputError: With every problem found, when the object is made.
    """

    name: str
    unit: str
    low: float
    """Lower end of the range, in `unit`."""
    base: float
    """The value of the plan."""
    high: float
    """Upper end of the range."""
    apply: Apply
    """Return the study with this driver at a value; everything else stays."""

    def __post_init__(self) -> None:
        problems = Problems()
        name: object = self.name
        if not (isinstance(name, str) and name.strip()):
            problems.add("driver.name", name, "a text", "give the driver a name")
        for end in ("low", "base", "high"):
            if not is_number(getattr(self, end)):
                problems.add(f"driver {name}: {end}", getattr(self, end), "a finite number", f"give it in {self.unit}")
        if not problems and not self.low <= self.base <= self.high:
            shown = f"{self.low:g}..{self.high:g}"
            problems.add(f"driver {name}: range", shown, f"a range around {self.base:g}", "widen the range")
        apply: object = self.apply
        if not callable(apply):
            problems.add(f"driver {name}: apply", apply, "a function of study and value", "give a function")
        problems.raise_if_any()

    @property
    def can_move(self) -> bool:
        """Is there more than one value in the range?"""
        return self.low < self.high

    def label(self, value: float) -> str:
        """Return a value with the unit, such as `80 MWh`."""
        return f"{value:,.6g} {self.unit}".rstrip()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {"name": self.name, "unit": self.unit, "low": self.low, "base": self.base, "high": self.high}


class _Kind(NamedTuple):
    """A driver before its range is known: `least` and `most` are physical bounds."""

    name: str
    unit: str
    base: float
    least: float
    most: float
    apply: Apply


def drivers_of(
    params: SimulationParams,
    config: ProjectionConfig | None = None,
    *,
    finance: FinancialConfig | None = None,
    solar_mw: float | None = None,
    swing_fraction: float = _SWING,
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> tuple[Driver, ...]:
    """Return every driver of a plant.

    Battery energy and power, round-trip efficiency, generator, solar, load; with several years also ageing; with
    `finance` also prices, the discount rate and the capital.

    Args:
        params: The plant.
        config: Ageing and years; default: one year, or with `finance` the years of the project.
        finance: Assumptions about money.
        solar_mw: Size of the solar plant [MW]; default: the peak of its profile.
        swing_fraction: Range of a driver that `ranges` does not name: this share of its base down and up [-], cut at
            physical bounds (an efficiency ends at 1).
        ranges: Low and high end by name of the driver, in its unit.

    Raises:
        InvalidInputError: With every range that cannot be used.
    """
    problems = Problems()
    study = Study.of(params, config, finance, solar_mw)
    kinds = [*_plant(study), *(_ageing(study) if study.config.years > 1 else ()), *_money(study)]
    if not (is_number(swing_fraction) and 0.0 <= swing_fraction <= 1.0):
        problems.add("swing_fraction", swing_fraction, "a fraction 0..1", "give 0.2 for 20 %")
    given = _ranges(ranges, [kind.name for kind in kinds], problems)
    problems.raise_if_any()
    drivers = []
    for kind in kinds:
        swing = abs(kind.base) * swing_fraction
        low = min(max(kind.base - swing, kind.least), kind.base)
        high = max(min(kind.base + swing, kind.most), kind.base)
        low, high = given.get(kind.name, (low, high))
        try:
            driver = Driver(name=kind.name, unit=kind.unit, low=low, base=kind.base, high=high, apply=kind.apply)
        except InvalidInputError as error:
            problems.extend(error.problems)
            continue
        if driver.can_move and kind.base == 0.0 and kind.name in _SCALED:
            move = "leave the range out, or simulate a plant that has one"
            problems.add(f"ranges.{kind.name}", f"{low:g}..{high:g}", "no range: the plant has none of it", move)
        drivers.append(driver)
    problems.raise_if_any()
    return tuple(drivers)


_SCALED: Final = ("battery_power", "solar_size", "load")
"""These act by a factor on what is there, which cannot make something of nothing."""


def _ranges(given: object, known: list[str], problems: Problems) -> dict[str, tuple[float, float]]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        problems.add("ranges", type(given).__name__, "pairs by name of the driver", 'give {"load": (8.0, 12.0)}')
        return {}
    found = {}
    for name, ends in given.items():
        if name not in known:
            problems.add(f"ranges.{name}", "an unknown driver", ", ".join(known), "choose one of these")
        elif not (isinstance(ends, (tuple, list)) and len(ends) == 2):
            problems.add(f"ranges.{name}", ends, "a pair (low, high)", "give both ends")
        else:
            found[name] = (ends[0], ends[1])
    return found


def _plant(study: Study) -> Iterator[_Kind]:
    params = study.params
    power = max(params.bess_charge_power, params.bess_discharge_power)
    load = float(params.load_mw.mean())
    sun = study.solar_mw if params.solar_mw.any() else 0.0

    def battery_power(one: Study, value: float) -> Study:
        scale = value / power
        charge, discharge = one.params.bess_charge_power * scale, one.params.bess_discharge_power * scale
        return replace(one, params=replace(one.params, bess_charge_power=charge, bess_discharge_power=discharge))

    def solar_size(one: Study, value: float) -> Study:
        scaled = replace(one.params, solar_profile=one.params.solar_mw * (value / sun))
        return replace(one, params=scaled, solar_mw=value)

    def load_size(one: Study, value: float) -> Study:
        return replace(one, params=replace(one.params, load_profile=one.params.load_mw * (value / load)))

    def generator(one: Study, value: float) -> Study:
        return replace(one, params=replace(one.params, dg_capacity=value, dg_enabled=value > 0.0))

    yield _Kind("battery_energy", "MWh", params.bess_capacity, LEAST_SIZE, math.inf, _param("bess_capacity"))
    yield _Kind("battery_power", "MW", power, LEAST_SIZE, math.inf, battery_power)
    yield _Kind("round_trip_efficiency", "", params.bess_efficiency, _SMALLEST, 1.0, _param("bess_efficiency"))
    yield _Kind("generator_rating", "MW", params.dg_rating_mw, LEAST_SIZE, math.inf, generator)
    yield _Kind("solar_size", "MW", sun, 0.0, math.inf, solar_size)
    yield _Kind("load", "MW mean", load, 0.0, math.inf, load_size)


def _ageing(study: Study) -> Iterator[_Kind]:
    config = study.config

    def rate(name: str, field: str, most: float) -> _Kind:
        def apply(one: Study, value: float) -> Study:
            changed: Any = {field: value}
            return replace(one, config=replace(one.config, **changed))

        return _Kind(name, "per year", getattr(config, field), 0.0, most, apply)

    def model(name: str, unit: str, field: str) -> _Kind:
        def apply(one: Study, value: float) -> Study:
            changed: Any = {field: value}
            return replace(one, config=replace(one.config, degradation=replace(one.config.degradation, **changed)))

        return _Kind(name, unit, getattr(config.degradation, field), 0.0, 1.0, apply)

    yield rate("solar_ageing", "solar_loss_fraction_per_year", 0.2)
    yield rate("efficiency_loss", "efficiency_loss_fraction_per_year", 0.2)
    if config.fixed_loss_fraction_per_year is not None:
        yield rate("battery_loss", "fixed_loss_fraction_per_year", 0.5)
    else:
        yield model("battery_calendar_loss", "per year", "calendar_fraction_per_year")
        yield model("battery_cycle_loss", "per cycle", "cycle_fraction_per_cycle")


def _money(study: Study) -> Iterator[_Kind]:
    finance = study.finance
    if finance is None:
        return

    def priced(one: Study, **changes: Any) -> Study:
        if one.finance is None:
            raise InvalidInputError(
                Problem("finance", "None", "FinancialConfig", "measure npv_usd, or leave this driver out")
            )
        return replace(one, finance=replace(one.finance, **changes))

    def price(field: str) -> Apply:
        return lambda one, value: priced(one, **{field: value})

    def capital(one: Study, value: float) -> Study:
        prices = one.finance.costs if one.finance is not None else finance.costs
        names = ("bess_usd_per_mwh", "bess_usd_per_mw", "dg_usd_per_mw", "solar_usd_per_mw")
        scaled: Any = {name: getattr(prices, name) * (value / 100.0) for name in names}
        return priced(one, costs=replace(prices, **scaled))

    yield _Kind("capital_prices", "% of the plan", 100.0, 0.0, math.inf, capital)
    for name, field, unit in _PRICES:
        unit = unit.replace("USD", finance.currency)
        yield _Kind(name, unit, getattr(finance, field), -math.inf, math.inf, price(field))


_PRICES: Final = (
    ("energy_price", "energy_price_usd_per_mwh", "USD/MWh"),
    ("fuel_price", "fuel_price_usd_per_l", "USD/L"),
    ("penalty_per_unserved_hour", "penalty_usd_per_unserved_hour", "USD/h"),
    ("battery_maintenance", "battery_om_usd_per_mwh_year", "USD/MWh per year"),
    ("discount_rate", "discount_rate_fraction", "per year"),
)


def _param(field: str) -> Apply:
    def apply(one: Study, value: float) -> Study:
        changed: Any = {field: value}
        return replace(one, params=replace(one.params, **changed))

    return apply
