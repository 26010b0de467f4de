"""What a project says about money and years, as the library takes it: percent becomes fractions here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.core.units import fraction_to_percent, percent_to_fraction
from afterbay.sizing.cost import CapitalCosts
from afterbay.sizing.degradation import DegradationConfig
from afterbay.sizing.finance import FinancialConfig
from afterbay.sizing.projection import ProjectionConfig

__all__ = ["finance_of", "finance_problems", "projection_of"]

_PERCENT: Final = {
    "discount_rate_pct": "discount_rate_fraction",
    "energy_price_escalation_pct": "energy_price_escalation_fraction",
    "fuel_escalation_pct": "fuel_escalation_fraction",
    "inflation_pct": "inflation_fraction",
    "residual_value_pct": "residual_value_fraction",
    "tax_pct": "tax_fraction",
}
_AGEING: Final = {
    "calendar_pct_per_year": "calendar_fraction_per_year",
    "cycle_pct_per_cycle": "cycle_fraction_per_cycle",
    "overbuild_pct": "overbuild_fraction",
}
_YEARLY: Final = {
    "fixed_loss_pct_per_year": "fixed_loss_fraction_per_year",
    "solar_loss_pct_per_year": "solar_loss_fraction_per_year",
    "efficiency_loss_pct_per_year": "efficiency_loss_fraction_per_year",
}
_NOT_MONEY: Final = ("degradation", "projection", "battery_life_years")
"""Parts of `financial_config` that are physics: they say how the plant changes, money follows."""

_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def finance_of(given: Mapping[str, Any] | None) -> FinancialConfig:
    """Return the assumptions about money of a `financial_config`; what is missing takes the library's default.

    The battery's life is not among them: its renewals are dated by the projection, and paid when they happen.

    Raises:
        InvalidInputError: With every problem, under its pointer such as `/financial/tax_pct`.
    """
    # The plant is worth nothing at the end unless somebody says so, as `afterbay size report` has it.
    values: dict[str, Any] = {"residual_value_fraction": 0.0}
    values |= _fractions({name: one for name, one in (given or {}).items() if name not in _NOT_MONEY}, _PERCENT)
    costs = _fractions(values.pop("costs", {}) or {}, {"installation_pct": "installation_fraction"})
    if "sources" in values:
        values["sources"] = {_renamed(name): text for name, text in values["sources"].items()}
    problems: list[Problem] = []
    priced = CapitalCosts()
    try:
        priced = CapitalCosts(**costs)
    except InvalidInputError as error:
        problems += error.problems
    try:
        money = FinancialConfig(**values, costs=priced)
    except InvalidInputError as error:
        problems += error.problems
    if problems:
        raise InvalidInputError([_placed(one, "/financial", _PERCENT) for one in problems])
    return money


def projection_of(given: Mapping[str, Any] | None) -> ProjectionConfig:
    """Return how the plant changes over its years, from a `financial_config`.

    Raises:
        InvalidInputError: With every problem, under its pointer.
    """
    stated = given or {}
    ageing = _fractions(stated.get("degradation") or {}, _AGEING)
    if "stress_by_depth_pct" in ageing:
        # Names of a JSON object are text.
        ageing["stress_by_depth_pct"] = {float(depth): one for depth, one in ageing["stress_by_depth_pct"].items()}
    yearly = _fractions(stated.get("projection") or {}, _YEARLY)
    years = stated.get("project_life_years", 20)
    problems: list[Problem] = []
    degradation = DegradationConfig()
    try:
        degradation = DegradationConfig(**ageing)
    except InvalidInputError as error:
        problems += [_placed(one, "/financial/degradation", _AGEING) for one in error.problems]
    try:
        config = ProjectionConfig(
            years=years, degradation=degradation, battery_life_years=stated.get("battery_life_years"), **yearly
        )
    except InvalidInputError as error:
        problems += [_placed_year(one) for one in error.problems]
    if problems:
        raise InvalidInputError(problems)
    return config


def finance_problems(given: Mapping[str, Any] | None) -> list[Problem]:
    """Return everything that is wrong with a `financial_config`."""
    found: dict[str, Problem] = {}
    for reader in (finance_of, projection_of):
        try:
            reader(given)
        except InvalidInputError as error:
            # Both look at the years; one word about them is enough.
            found |= {one.where: one for one in error.problems if one.where not in found}
    return list(found.values())


def _fractions(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {
        names.get(name, name): percent_to_fraction(value) if name in names and value is not None else value
        for name, value in given.items()
    }


def _renamed(name: str) -> str:
    return {**_PERCENT, "costs.installation_pct": "costs.installation_fraction"}.get(name, name)


def _placed(problem: Problem, where: str, names: Mapping[str, str]) -> Problem:
    wire = {inside: outside for outside, inside in names.items()} | {"installation_fraction": "installation_pct"}
    parts = problem.where.replace("[", ".").rstrip("]").split(".")
    place = "/".join((where, *(wire.get(part, part) for part in parts)))
    if parts[-1] not in wire:
        return Problem(place, problem.got, problem.allowed, problem.next_move)
    # The library speaks of fractions, the wire of percent.
    got, allowed = (_NUMBER.sub(_percent, text) for text in (problem.got, problem.allowed))
    allowed = allowed.replace("a fraction", "a share").replace("a finite number", "a share")
    return Problem(place, got, allowed, "give percent, such as 8.5")


def _percent(found: re.Match[str]) -> str:
    return f"{fraction_to_percent(float(found[0])):g} %"


def _placed_year(problem: Problem) -> Problem:
    if problem.where in ("years", "battery_life_years"):
        name = "project_life_years" if problem.where == "years" else problem.where
        return Problem(f"/financial/{name}", problem.got, problem.allowed, problem.next_move)
    return _placed(problem, "/financial/projection", _YEARLY)
