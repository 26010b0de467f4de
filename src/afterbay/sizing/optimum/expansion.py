"""Least-cost sizes of solar, battery and generator with perfect foresight: where a sweep may start."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core.errors import Problems
from afterbay.core.timeline import steps_per_day
from afterbay.core.units import one_way_efficiency
from afterbay.sizing.grid import SizeGrid
from afterbay.sizing.optimum.checks import is_number, series_of
from afterbay.sizing.optimum.expansion_costs import DEFAULT_EXPANSION_COSTS, ExpansionCosts
from afterbay.sizing.optimum.solver import BATTERY_WEIGHT, LinearModel, solve

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Expansion", "ExpansionCosts", "as_grid", "expand"]

FloatArray = NDArray[np.float64]

HOURS_PER_YEAR: Final = 8760.0
SPREAD: Final = (0.5, 0.75, 1.0, 1.25, 1.5)
"""Sizes of the starting grid, as shares of the least-cost size."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """The sizes of least cost, and what they cost."""

    solar_mw: float
    dg_mw: float
    bess_mw: float
    bess_mwh: float
    """Energy that is cycled; a plant with a band of the state of charge needs more nameplate [MWh]."""
    duration_h: float
    annual_cost_usd: float
    capital_usd_per_year: float
    """Annuities and fixed costs in it [USD/year]."""
    dg_mwh_per_year: float
    solar_mwh_per_year: float
    """Solar that is used [MWh/year]."""
    solar_curtailed_mwh_per_year: float
    load_mwh_per_year: float
    costs: ExpansionCosts
    status: str
    build_s: float
    solve_s: float

    @property
    def usd_per_mwh(self) -> float:
        """Annual cost over load; 0 without load [USD/MWh]."""
        return self.annual_cost_usd / self.load_mwh_per_year if self.load_mwh_per_year > 0.0 else 0.0

    def lines(self) -> list[str]:
        """Return the sizes as sentences for a person."""
        return [
            f"Least cost with perfect foresight: solar {self.solar_mw:,.1f} MW, battery {self.bess_mwh:,.1f} MWh / "
            f"{self.bess_mw:,.1f} MW, generator {self.dg_mw:,.1f} MW.",
            f"{self.annual_cost_usd:,.0f} USD a year ({self.usd_per_mwh:,.1f} USD/MWh), of which "
            f"{self.capital_usd_per_year:,.0f} USD for the sizes; the generator makes {self.dg_mwh_per_year:,.0f} MWh.",
            "A rule without foresight needs more than that: start a sweep around these sizes.",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "costs"}
        return plain | {"usd_per_mwh": self.usd_per_mwh, "costs": self.costs.to_dict()}


def expand(
    load_mw: ArrayLike,
    solar_per_mw: ArrayLike,
    costs: ExpansionCosts = DEFAULT_EXPANSION_COSTS,
    *,
    duration_h: float = 4.0,
    efficiency: float = 0.87,
    max_solar_mw: float | None = None,
    max_dg_mw: float | None = None,
    dt_h: float = 1.0,
    time_limit_s: float = 300.0,
) -> Expansion:
    """Find the sizes of least annual cost that serve the whole load.

    The battery ends as full as it began; it has no band of the state of charge and no cycle limit; the
    generator may give anything up to its rating. A horizon that is not a year is scaled to one.

    Args:
        load_mw: Load [MW], >= 0, shape (n,).
        solar_per_mw: Solar of a plant of 1 MW [MW/MW], >= 0, shape (n,).
        costs: Prices, lives and cost of capital.
        duration_h: Energy over power of the battery [h], > 0.
        efficiency: Round trip of the battery, as a fraction [-].
        max_solar_mw: Most solar [MW]; None is no limit.
        max_dg_mw: Largest generator [MW]; None is no limit, 0 allows none.
        dt_h: Length of a step [h].
        time_limit_s: Longest time of the solver [s].

    Raises:
        MissingExtraError: If the solver is not installed.
        InvalidInputError: If an input cannot be used, or no sizes within the limits serve the load.

    Source: docs/concepts/optimum.md.
    """
    load, solar = _check(
        load_mw, solar_per_mw, costs,
        {"duration_h": duration_h, "efficiency": efficiency, "time_limit_s": time_limit_s, "dt_h": dt_h},
        {"max_solar_mw": max_solar_mw, "max_dg_mw": max_dg_mw},
    )  # fmt: skip
    began = time.perf_counter()
    steps = load.shape[0]
    eta = one_way_efficiency(efficiency)
    unit = float(load.max()) / 100.0 or 1.0
    to_year = HOURS_PER_YEAR / (steps * dt_h)
    per_year = costs.per_year(duration_h)
    # The dearest MW of the four is the solver's 1000: prices stay near the sizes they are weighed against.
    price = max(*per_year.values(), costs.dg_usd_per_mwh, 1.0) / 1000.0
    lp = LinearModel()
    limits = [np.inf if limit is None else limit / unit for limit in (max_solar_mw, max_dg_mw)]
    sun = lp.columns(1, upper=limits[0], cost=per_year["solar"] / price)
    rating = lp.columns(1, upper=limits[1], cost=per_year["dg"] / price)
    power = lp.columns(1, cost=per_year["bess"] / price)
    used = lp.columns(steps)
    generated = lp.columns(steps, cost=costs.dg_usd_per_mwh * dt_h * to_year / price)
    charge, stored = lp.columns(steps), lp.columns(steps)
    # As in the bound: the battery never charges and discharges at once to burn what is left over.
    give = lp.columns(steps, cost=BATTERY_WEIGHT)
    node = lp.rows(steps, lower=load / unit, upper=load / unit)
    for columns, sign in ((used, 1.0), (generated, 1.0), (give, 1.0), (charge, -1.0)):
        lp.put(node, columns, sign)
    for columns, size, per_mw in (
        (used, sun, solar),
        (generated, rating, 1.0),
        (charge, power, 1.0),
        (give, power, 1.0),
        (stored, power, duration_h),
    ):
        within = lp.rows(steps, upper=0.0)
        lp.put(within, columns, 1.0)
        lp.put(within, np.broadcast_to(size, steps), -np.asarray(per_mw))
    cells = lp.rows(steps, lower=0.0, upper=0.0)
    if steps > 1:
        lp.put(cells, stored, 1.0)
        lp.put(cells, np.roll(stored, 1), -1.0)
    lp.put(cells, charge, -eta * dt_h)
    lp.put(cells, give, dt_h / eta)
    (found,) = solve(lp, what="optimum.expand", method="ipm", time_limit_s=time_limit_s)
    values = np.maximum(found.values, 0.0) * unit
    sizes = {"solar": float(values[sun[0]]), "dg": float(values[rating[0]]), "bess": float(values[power[0]])}
    capital = sum(per_year[name] * size for name, size in sizes.items())
    dg_mwh = float(values[generated].sum()) * dt_h * to_year
    used_mwh = float(values[used].sum()) * dt_h * to_year
    return Expansion(
        solar_mw=sizes["solar"],
        dg_mw=sizes["dg"],
        bess_mw=sizes["bess"],
        bess_mwh=sizes["bess"] * duration_h,
        duration_h=duration_h,
        annual_cost_usd=capital + dg_mwh * costs.dg_usd_per_mwh,
        capital_usd_per_year=capital,
        dg_mwh_per_year=dg_mwh,
        solar_mwh_per_year=used_mwh,
        solar_curtailed_mwh_per_year=max(sizes["solar"] * float(solar.sum()) * dt_h * to_year - used_mwh, 0.0),
        load_mwh_per_year=float(load.sum()) * dt_h * to_year,
        costs=costs,
        status=found.status,
        build_s=time.perf_counter() - began - found.solve_s,
        solve_s=found.solve_s,
    )


def as_grid(expansion: Expansion, *, solar_base_mw: float = 1.0, spread: Sequence[float] = SPREAD) -> SizeGrid:
    """Return sizes around the least-cost ones, as a starting point for `sweep`.

    Args:
        expansion: What `expand` found.
        solar_base_mw: Capacity that the solar profile of the swept params stands for [MW]; 1 for the
            profile that `expand` was given.
        spread: Sizes as shares of the least-cost size [-], each > 0.

    Raises:
        InvalidInputError: If a share is not positive, or there are too many or no sizes.
    """
    problems = Problems()
    shares = list(spread)
    if not shares or not all(is_number(share) and share > 0.0 for share in shares):
        problems.add("spread", repr(spread), "numbers > 0", "0.5 to 1.5 searches half to one and a half times the size")
    problems.raise_if_any()

    def around(size: float) -> tuple[float, ...]:
        if size < 1e-6:
            return (0.0,)
        # Three figures read better than sixteen, and a sweep does not see the difference.
        return tuple(dict.fromkeys(float(f"{size * share:.3g}") for share in sorted(shares)))

    return SizeGrid(
        bess_mwh=around(expansion.bess_mwh),
        durations_h=(expansion.duration_h,),
        dg_mw=around(expansion.dg_mw),
        solar_mw=around(expansion.solar_mw),
        solar_base_mw=solar_base_mw,
    )


def _check(
    load_mw: ArrayLike,
    solar_per_mw: ArrayLike,
    costs: object,
    numbers: dict[str, float],
    limits: dict[str, float | None],
) -> tuple[FloatArray, FloatArray]:
    problems = Problems()
    load, solar = series_of(problems, "load_mw", load_mw), series_of(problems, "solar_per_mw", solar_per_mw)
    if load.size and solar.size and load.size != solar.size:
        got = f"{load.size} steps, but solar_per_mw has {solar.size}"
        problems.add("load_mw", got, "the same number of steps in both", "cut or repeat one of them")
    if not isinstance(costs, ExpansionCosts):
        problems.add("costs", type(costs).__name__, "ExpansionCosts(...)", "give the prices by name")
    for name, value in numbers.items():
        if not (is_number(value) and value > 0.0) or (name == "efficiency" and value > 1.0):
            allowed = "a fraction above 0, up to 1" if name == "efficiency" else "a finite number > 0"
            problems.add(name, value, allowed, "0.87 for 87 % round trip" if name == "efficiency" else "check the unit")
    for name, limit in limits.items():
        if limit is not None and not (is_number(limit) and limit >= 0.0):
            problems.add(name, limit, "a finite number >= 0 [MW] or None", "None is no limit")
    problems.raise_if_any()
    steps_per_day(numbers["dt_h"])
    return load, solar
