"""The same plant in many weather years: what half of them and nine tenths of them reach."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.sizing.bootstrap import ResampledYears
from afterbay.sizing.projection import Projection, ProjectionConfig, project_plants, project_years
from afterbay.sizing.templates import Template, resolve_template

if TYPE_CHECKING:
    from afterbay.sizing.params import SimulationParams

__all__ = ["Quantity", "Spread", "shown", "weather_spread"]

FloatArray = NDArray[np.float64]

_YEAR_H: Final = (8760.0, 8784.0)
_MOST_LIVES: Final = 10_000
_WHOLE_FROM: Final = 10_000.0
_FEW: Final = 10
"""With fewer samples, nine tenths of them are all of them."""


def shown(value: float) -> str:
    """Return a result as text: whole from 10,000 on, six digits below."""
    return f"{value:,.0f}" if abs(value) >= _WHOLE_FROM else f"{value:,.6g}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quantity:
    """One number of each sample, and the values that so many of them reach."""

    name: str
    unit: str
    more_is_better: bool
    values: FloatArray
    """One per weather year, or one per life, shape (n,)."""
    per: str
    """`year` or `life`."""

    def reached_by(self, percent: int) -> float:
        """Return the best of these values that at least `percent` of the samples reach or better.

        Nothing is put between two samples: it is a value that occurred.

        Raises:
            InvalidInputError: If `percent` is not a whole number 1..100.
        """
        given: object = percent
        if isinstance(given, bool) or not (isinstance(given, (int, np.integer)) and 1 <= given <= 100):
            raise InvalidInputError(Problem("percent", repr(given), "a whole number 1..100", "give 90 for P90"))
        from_best = np.sort(-self.values if self.more_is_better else self.values)
        found = from_best[-(-int(percent) * len(from_best) // 100) - 1]
        return float(-found if self.more_is_better else found)

    @property
    def p50(self) -> float:
        """What at least half of the samples reach or better."""
        return self.reached_by(50)

    @property
    def p90(self) -> float:
        """What at least nine tenths of the samples reach or better: the cautious figure."""
        return self.reached_by(90)

    @property
    def mean(self) -> float:
        """Mean of the samples."""
        return float(self.values.mean())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "name": self.name,
            "unit": self.unit,
            "per": self.per,
            "more_is_better": self.more_is_better,
            "p50": self.p50,
            "p90": self.p90,
            "mean": self.mean,
            "least": float(self.values.min()),
            "most": float(self.values.max()),
            "values": self.values.tolist(),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spread:
    """The quantities of a plant over its weather."""

    delivery_pct: Quantity
    """Load hours served whole in each year [%]."""
    fuel_l: Quantity
    """Fuel of each year [L]."""
    unserved_mwh: Quantity
    """Load not served in each year [MWh]."""
    value: Quantity | None
    """What `value` gave for each drawn life, such as the NPV."""
    notes: tuple[str, ...]
    """What the numbers can and cannot show."""

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """All quantities, in order."""
        every = (self.delivery_pct, self.fuel_l, self.unserved_mwh, self.value)
        return tuple(one for one in every if one is not None)

    def lines(self) -> list[str]:
        """Return the result as lines of text."""
        text = [
            f"{one.name}: P50 {shown(one.p50)}, P90 {shown(one.p90)} {one.unit}".rstrip()
            + f" ({shown(one.values.min())} to {shown(one.values.max())} over {len(one.values)} "
            + ("years)" if one.per == "year" else "lives)")
            for one in self.quantities
        ]
        return [*text, *self.notes]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {"quantities": [one.to_dict() for one in self.quantities], "notes": list(self.notes)}


def weather_spread(
    params: SimulationParams,
    template_id: int | Template,
    years: Sequence[tuple[ArrayLike, ArrayLike]],
    *,
    value: Callable[[SimulationParams, Projection], float] | None = None,
    config: ProjectionConfig | None = None,
    lives: int = 100,
    seed: int = 0,
    jobs: int | None = None,
) -> Spread:
    """Simulate a plant in many weather years and say what half and nine tenths of them reach.

    Delivery, fuel and unserved energy are those of the plant when new, once per weather year. Money needs a whole life:
    `value` is asked for `lives` lives of the plant, each a row of weather years drawn from `years` with replacement.

    Args:
        params: The plant; its own profiles are not used.
        template_id: 0..6 or a `Template`.
        years: Load and solar of each year [MW], of 8760 or 8784 hours, such as `resample_months` gives.
        value: `value(params, projection)`, more is better, such as the NPV; called one life after another.
        config: Ageing and years of a life, for `value` only; default: `ProjectionConfig()`.
        lives: How many lives are drawn for `value`, 1..10000.
        seed: The same seed draws the same lives.
        jobs: Threads; default: all cores. The result does not depend on it.

    Raises:
        UnknownTemplateError: If there is no such template.
        InvalidInputError: With every year and every setting that cannot be used.
        PhysicsError: If a run breaks a balance or a bound.

    Source: docs/concepts/uncertainty.md.
    """
    template = resolve_template(template_id)
    problems = Problems()
    whole = (
        ("lives", lives, 1, _MOST_LIVES),
        ("seed", seed, 0, 2**63 - 1),
        ("jobs", 1 if jobs is None else jobs, 1, 1024),
    )
    for name, number, least, most in whole:
        if isinstance(number, bool) or not (isinstance(number, (int, np.integer)) and least <= number <= most):
            problems.add(name, number, f"a whole number {least}..{most}", "give a number in this range")
    if value is None and config is not None:
        move = "leave config out, or give value=..."
        problems.add("config", "ageing without value", "nothing: the years show the plant when new", move)
    weather = _weather(params, years, problems)
    problems.raise_if_any()
    workers = jobs or os.cpu_count() or 1
    new = ProjectionConfig(years=1)

    def year(one: SimulationParams) -> tuple[float, ...]:
        metrics = project_years(one, template, new).metrics
        return tuple(float(metrics[name][0]) for name in ("delivery_pct", "total_fuel_consumed", "total_unserved"))

    with ThreadPoolExecutor(max_workers=workers) as pool:
        columns = np.array(list(pool.map(year, weather))).T
    worth = None
    if value is not None:
        orders = _drawn_lives(len(weather), (config or ProjectionConfig()).years, lives, seed)
        worth = _worth(template, weather, value, config or ProjectionConfig(), orders, workers)
    return Spread(
        delivery_pct=_quantity("delivery", "%", columns[0], more_is_better=True),
        fuel_l=_quantity("fuel", "L", columns[1], more_is_better=False),
        unserved_mwh=_quantity("unserved", "MWh", columns[2], more_is_better=False),
        value=worth,
        notes=tuple(_notes(years, len(weather), worth is not None)),
    )


def _weather(params: SimulationParams, years: object, problems: Problems) -> list[SimulationParams]:
    """Return the plant in each weather year; profiles are checked as those of any plant."""
    if isinstance(years, (str, bytes)) or not isinstance(years, Sequence) or not len(years):
        problems.add(
            "years", type(years).__name__, "pairs of load and solar, at least one", "give [(load, solar), ...]"
        )
        return []
    checked = []
    for number, pair in enumerate(years):
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
            problems.add(f"years[{number}]", type(pair).__name__, "a pair (load, solar)", "give both profiles")
            continue
        try:
            one = replace(params, load_profile=pair[0], solar_profile=pair[1])
        except InvalidInputError as error:
            problems.extend(
                Problem(f"years[{number}].{found.where}", found.got, found.allowed, found.next_move)
                for found in error.problems
            )
            continue
        if round(one.steps * one.dt_h, 6) not in _YEAR_H:
            hours = f"{one.steps * one.dt_h:g} h"
            problems.add(f"years[{number}]", hours, "a whole year: 8760 or 8784 h", "give each year on its own")
        checked.append(one)
    return checked


def _drawn_lives(weather_years: int, years: int, lives: int, seed: int) -> NDArray[np.int64]:
    """Return which weather year each year of each life has, shape (lives, years)."""
    return np.random.default_rng(seed).integers(weather_years, size=(lives, years))


def _worth(
    template: Template,
    weather: Sequence[SimulationParams],
    value: Callable[[SimulationParams, Projection], float],
    config: ProjectionConfig,
    orders: NDArray[np.int64],
    workers: int,
) -> Quantity:
    def life(order: NDArray[np.int64]) -> Projection:
        return project_plants([weather[index] for index in order], template, config)

    found = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        # A few lives at a time: each holds the profiles of all its years.
        for first in range(0, len(orders), 4 * workers):
            for projection in pool.map(life, orders[first : first + 4 * workers]):
                number: object = value(projection.params, projection)
                if not is_number(number):
                    raise InvalidInputError(
                        Problem("value", repr(number), "a finite number", "mend the function that gives the value")
                    )
                found.append(float(number))  # type: ignore[arg-type]
    name = getattr(value, "__name__", "value")
    return Quantity(name=name, unit="", more_is_better=True, values=np.array(found), per="life")


def _quantity(name: str, unit: str, values: FloatArray, *, more_is_better: bool) -> Quantity:
    return Quantity(name=name, unit=unit, more_is_better=more_is_better, values=values, per="year")


def _notes(years: object, count: int, with_lives: bool) -> Iterable[str]:
    yield "P90 is what at least nine years in ten reach or better: more delivery, less fuel, less unserved energy."
    if count < _FEW:
        yield f"With {count} {'year' if count == 1 else 'years'}, P90 is the worst of them: give {_FEW} or more."
    if with_lives:
        yield "Each life is a row of these years, drawn with replacement: one year says nothing about the next."
    if isinstance(years, ResampledYears):
        yield from years.notes
