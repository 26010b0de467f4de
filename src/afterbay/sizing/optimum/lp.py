"""What no rule can beat: the best dispatch with perfect foresight, as a linear programme."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import Problems
from afterbay.core.timeline import steps_per_day
from afterbay.core.units import one_way_efficiency
from afterbay.sizing.layout import TOLERANCE_MW
from afterbay.sizing.optimum.checks import is_number
from afterbay.sizing.optimum.solver import BATTERY_WEIGHT, LinearModel, Places, solve

if TYPE_CHECKING:
    from afterbay.sizing.params import SimulationParams

__all__ = ["Bound", "BoundObjective", "bound"]

FloatArray = NDArray[np.float64]
BoundObjective = Literal["energy_served", "hours_served", "cost"]

GENERATOR_WEIGHT: Final = 1e-3
"""A generated MWh counts this much against a served one: energy first, then least generation."""
_UNITS: Final[dict[str, str]] = {"energy_served": "MWh", "hours_served": "h", "cost": "USD"}
_AGREEMENT: Final = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """The best that any rule could do with a plant, and one dispatch that does it.

    The generator may give any output from nothing to its rating at any hour, and everything is known
    ahead: the numbers are a limit, not a plan.
    """

    objective: BoundObjective
    cyclic: bool
    """Does the battery end as full as it began, wherever that is?"""
    value: float
    """Most energy served [MWh], most hours served [h] or least cost [USD]: the limit itself."""
    unit: str
    energy_served_mwh: float
    unserved_mwh: float
    generator_mwh: float
    solar_curtailed_mwh: float
    """Of the dispatch below; another dispatch as good may curtail a little more or less."""
    columns: Mapping[str, FloatArray]
    """A dispatch that reaches the limit, named as in `HourlyResult` [MW; `soc` in MWh], each shape (n,)."""
    status: str
    build_s: float
    """Time to build the model [s]."""
    solve_s: float
    """Time of the solver [s]."""

    def lines(self) -> list[str]:
        """Return the bound as sentences for a person."""
        who = "No dispatch that closes its cycle" if self.cyclic else "No rule"
        reach = {
            "energy_served": f"serves more than {self.value:,.1f} MWh",
            "hours_served": f"serves more than {self.value:,.1f} h whole",
            "cost": f"costs less than {self.value:,.0f} USD",
        }
        return [
            f"{who} {reach[self.objective]} with this plant.",
            f"Served {self.energy_served_mwh:,.1f} MWh, unserved {self.unserved_mwh:,.1f} MWh, generator "
            f"{self.generator_mwh:,.1f} MWh, solar curtailed {self.solar_curtailed_mwh:,.1f} MWh.",
            f"Perfect foresight, a generator free between nothing and its rating ({self.status.lower()}, "
            f"{self.build_s + self.solve_s:.2f} s).",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values, without the columns."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "columns"}


def bound(
    params: SimulationParams,
    *,
    objective: BoundObjective = "energy_served",
    unserved_usd_per_mwh: float | None = None,
    fuel_usd_per_mwh: float | None = None,
    cyclic: bool = False,
    time_limit_s: float = 120.0,
) -> Bound:
    """Find the best dispatch of a plant with perfect foresight.

    Solar, battery (one-way efficiency √round trip, band of the state of charge, ratings, standing loss,
    daily cycle limit), generator from 0 to its rating in any hour. Templates, windows, thresholds, minimum
    load and all-or-nothing delivery only take away from that, so no rule does better on the same params.

    Args:
        params: Plant and profiles.
        objective: `energy_served` [MWh], `hours_served` (each step counts by the share of its load that
            is served, which is never less than counting whole steps) [h], or `cost` [USD].
        unserved_usd_per_mwh: Cost of load not served; with `cost` only, and then needed.
        fuel_usd_per_mwh: Cost of generated energy; with `cost` only, and then needed.
        cyclic: The battery ends as full as it began, and where it begins is free. Not a bound for a rule
            that starts at `bess_initial_soc`; by default it starts there and its end is free.
        time_limit_s: Longest time of the solver [s].

    Returns:
        The bound with a dispatch that reaches it.

    Raises:
        MissingExtraError: If the solver is not installed.
        InvalidInputError: If a price is missing, negative or has no effect, or the solver gives up.

    Source: docs/concepts/optimum.md.
    """
    _check(objective, unserved_usd_per_mwh, fuel_usd_per_mwh, cyclic, time_limit_s)
    began = time.perf_counter()
    model = _Dispatch(params, objective, unserved_usd_per_mwh or 0.0, fuel_usd_per_mwh or 0.0, cyclic)
    first, pure = solve(model.lp, what="optimum.bound", then=model.pure_cost, time_limit_s=time_limit_s)
    solve_s = first.solve_s + pure.solve_s
    build_s = time.perf_counter() - began - solve_s
    # The weights choose among equals; where they cost anything at all, the pure optimum is shown instead.
    weighted = float(model.pure_cost @ first.values)
    equal = weighted - pure.cost <= _AGREEMENT * max(1.0, abs(pure.cost))
    columns = model.dispatch(first.values if equal else pure.values)
    dt_h = params.dt_h
    served = float((columns["load"] - columns["unserved"]).sum()) * dt_h
    return Bound(
        objective,
        cyclic,
        model.limit(pure.cost),
        _UNITS[objective],
        served,
        float(columns["unserved"].sum()) * dt_h,
        float(columns["dg_output_mw"].sum()) * dt_h,
        float(columns["solar_curtailed"].sum()) * dt_h,
        columns,
        pure.status,
        build_s,
        solve_s,
    )


class _Dispatch:
    """The model of one plant: powers in units of a hundredth of the peak load, so that any plant suits the solver."""

    def __init__(
        self, params: SimulationParams, objective: str, unserved_usd: float, fuel_usd: float, cyclic: bool
    ) -> None:
        self._params = params
        self._objective = objective
        load, solar, steps = params.load_mw, params.solar_mw, params.steps
        # The hour metric forgives what is below the tolerance: it may be left out here too.
        self._wanted = np.maximum(load - TOLERANCE_MW, 0.0) if objective == "hours_served" else load
        self._unit = float(load.max()) / 100.0 or max(float(solar.max()), 1.0)
        wanted, sun = self._wanted / self._unit, solar / self._unit
        self._eta = one_way_efficiency(params.bess_efficiency)
        # The largest price of a MWh is the solver's 1.
        self._price = max(unserved_usd, fuel_usd) if objective == "cost" else 1.0
        self._price = self._price or 1.0
        typical = float(wanted.mean()) or 1.0
        missed = {
            "energy_served": wanted,
            "hours_served": np.full(steps, typical) * (wanted > 0.0),
            "cost": wanted * (unserved_usd / self._price),
        }[objective]
        self._typical = typical
        burnt = fuel_usd / self._price if objective == "cost" else GENERATOR_WEIGHT
        self.lp = lp = LinearModel()
        usable = params.usable_mwh / self._unit
        power = 1.0 / self._unit if usable > 0.0 else 0.0
        self._charge = lp.columns(steps, upper=params.bess_charge_power * power)
        self._give = lp.columns(steps, upper=params.bess_discharge_power * power, cost=BATTERY_WEIGHT)
        self._generate = lp.columns(steps, upper=params.dg_rating_mw / self._unit, cost=burnt)
        self._missed = lp.columns(steps, upper=1.0, cost=missed)
        self._curtail = lp.columns(steps, upper=sun)
        self._leak = _leak_share(params)
        self._stored = lp.columns(steps, upper=usable * (1.0 - self._leak))
        self.pure_cost = lp.cost
        self.pure_cost[self._give] = 0.0
        if objective != "cost":
            self.pure_cost[self._generate] = 0.0
        self._balance(wanted, sun)
        self._cells(cyclic)
        self._days(usable)

    def _balance(self, wanted: FloatArray, sun: FloatArray) -> None:
        lp, steps = self.lp, self._params.steps
        node = lp.rows(steps, lower=wanted - sun, upper=wanted - sun)
        for columns, sign in ((self._generate, 1.0), (self._give, 1.0), (self._charge, -1.0), (self._curtail, -1.0)):
            lp.put(node, columns, sign)
        lp.put(node, self._missed, wanted)
        # The battery serves the load only, and so does a generator that may not charge it.
        only_load = lp.rows(steps, upper=wanted)
        lp.put(only_load, self._give, 1.0)
        lp.put(only_load, self._missed, wanted)
        if not self._params.dg_charges_bess:
            lp.put(only_load, self._generate, 1.0)

    def _cells(self, cyclic: bool) -> None:
        params, lp, dt_h = self._params, self.lp, self._params.dt_h
        kept = 1.0 - self._leak
        at_start = np.zeros(params.steps)
        if not cyclic:
            above_floor = params.bess_capacity * (params.bess_initial_soc - params.bess_min_soc)
            at_start[0] = kept * above_floor / self._unit
        cells = lp.rows(params.steps, lower=at_start, upper=at_start)
        lp.put(cells[1:], self._stored[:-1], -kept)
        if cyclic and params.steps > 1:
            lp.put(cells[:1], self._stored[-1:], -kept)
        # A horizon of one step that ends as it began keeps what would otherwise leak.
        lp.put(cells, self._stored, 1.0 - kept if cyclic and params.steps == 1 else 1.0)
        lp.put(cells, self._charge, -kept * self._eta * dt_h)
        lp.put(cells, self._give, kept * dt_h / self._eta)

    def _days(self, usable: float) -> None:
        params = self._params
        if params.enforced_cycle_limit is None:
            return
        day: Places = np.arange(params.steps) // steps_per_day(params.dt_h)
        allowed = params.enforced_cycle_limit * usable
        rows = self.lp.rows(int(day[-1]) + 1, upper=allowed)
        self.lp.put(rows[day], self._give, params.dt_h)

    def limit(self, cost: float) -> float:
        """Turn the solver's least cost into the limit: MWh, h or USD."""
        dt_h, load = self._params.dt_h, self._params.load_mw
        if self._objective == "cost":
            return cost * self._price * self._unit * dt_h
        if self._objective == "hours_served":
            return float(np.count_nonzero(load > 0.0) - cost / self._typical) * dt_h
        return float(load.sum() - cost * self._unit) * dt_h

    def dispatch(self, values: FloatArray) -> dict[str, FloatArray]:
        """Read the columns of a dispatch from the solver's values, in MW."""
        params = self._params
        charge, give, generated, curtailed, stored = (
            np.maximum(values[places], 0.0) * self._unit
            for places in (self._charge, self._give, self._generate, self._curtail, self._stored)
        )
        solar_to_bess = np.minimum(charge, params.solar_mw - curtailed)
        dg_to_bess = charge - solar_to_bess
        solar_to_load = params.solar_mw - curtailed - solar_to_bess
        dg_to_load = generated - dg_to_bess
        unserved = np.maximum(params.load_mw - solar_to_load - give - dg_to_load, 0.0)
        return {
            "load": params.load_mw,
            "solar": params.solar_mw,
            "solar_to_load": solar_to_load,
            "solar_to_bess": solar_to_bess,
            "solar_curtailed": curtailed,
            "bess_to_load": give,
            "dg_to_load": dg_to_load,
            "dg_to_bess": dg_to_bess,
            "dg_output_mw": generated,
            "unserved": unserved,
            "soc": params.bess_capacity * params.bess_min_soc + stored,
        }


def _leak_share(params: SimulationParams) -> float:
    """Return the share of the energy above the floor that leaks in a step.

    A battery leaks a share of all it holds, but stops at the floor. The straight line from the floor to the
    ceiling never leaks more, and exactly as much where the floor is at 0.
    """
    usable = params.usable_mwh
    if usable <= 0.0:
        return 0.0
    full = params.bess_capacity * params.bess_max_soc
    return min(full * params.bess_standing_loss_per_h * params.dt_h, usable) / usable


def _check(objective: str, unserved: float | None, fuel: float | None, cyclic: object, time_limit_s: float) -> None:
    problems = Problems()
    if objective not in _UNITS:
        problems.add("objective", objective, " | ".join(_UNITS), "choose one of these")
    for name, price in (("unserved_usd_per_mwh", unserved), ("fuel_usd_per_mwh", fuel)):
        if objective == "cost" and price is None:
            problems.add(name, "nothing", "a price >= 0 [USD/MWh]", "objective='cost' needs both prices")
        elif objective != "cost" and price is not None:
            problems.add(name, price, "nothing", "prices act with objective='cost' only")
        elif price is not None and not (is_number(price) and price >= 0.0):
            problems.add(name, price, "a finite number >= 0 [USD/MWh]", "check the unit and the sign")
    if not isinstance(cyclic, bool):
        problems.add("cyclic", cyclic, "True or False", "give True or False")
    if not (is_number(time_limit_s) and time_limit_s > 0.0):
        problems.add("time_limit_s", time_limit_s, "a finite number > 0 [s]", "120 is enough for a year")
    problems.raise_if_any()
