"""How far a rule is from the best that its plant could do, and which other rule comes nearer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from afterbay.core.errors import InvalidInputError, Problems
from afterbay.sizing.metrics import calculate_metrics
from afterbay.sizing.optimum.checks import is_number
from afterbay.sizing.optimum.dp import Schedule, schedule
from afterbay.sizing.optimum.expansion import Expansion, as_grid, expand
from afterbay.sizing.optimum.expansion_costs import ExpansionCosts
from afterbay.sizing.optimum.lp import Bound, bound
from afterbay.sizing.simulation import run_simulation
from afterbay.sizing.templates import DISPATCH_TEMPLATES, Template, resolve_template

if TYPE_CHECKING:
    from afterbay.sizing.params import SimulationParams

__all__ = [
    "Bound",
    "Expansion",
    "ExpansionCosts",
    "RuleGap",
    "RuleResult",
    "Schedule",
    "TemplateAdvice",
    "as_grid",
    "better_template",
    "bound",
    "expand",
    "gap",
    "schedule",
]

Measure = Literal["hours_served", "energy_served"]
_UNITS: Final[dict[str, str]] = {"hours_served": "h", "energy_served": "MWh"}
_NOTHING: Final = 1e-6


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule makes of a plant."""

    template: str
    hours_served: float
    """Load hours served whole [h]."""
    energy_served_mwh: float
    generator_mwh: float
    """Gross output [MWh]."""
    fuel_l: float
    reason: str = ""
    """Why this rule cannot run with these params; all numbers are then 0."""

    def served(self, by: Measure) -> float:
        """Return hours [h] or energy [MWh]."""
        return self.hours_served if by == "hours_served" else self.energy_served_mwh

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class RuleGap:
    """A rule beside the best that its plant could do.

    `possible_*` is what a dispatch with perfect foresight really reaches, replayed with the exact physics;
    `limit_*` is what nothing can pass. The true optimum lies between the two.
    """

    rule: RuleResult
    possible_hours: float
    possible_mwh: float
    limit_hours: float
    limit_mwh: float
    grid_error_hours: float
    """How far the grid that found `possible_hours` may be off [h]."""
    price_usd_per_mwh: float | None

    @property
    def missed_hours(self) -> float:
        """Hours that foresight would add for certain [h]."""
        return self.possible_hours - self.rule.hours_served

    @property
    def missed_mwh(self) -> float:
        """Energy that foresight would add for certain [MWh]."""
        return self.possible_mwh - self.rule.energy_served_mwh

    @property
    def missed_usd(self) -> float | None:
        """What that energy is worth over the horizon; None without a price [USD]."""
        return None if self.price_usd_per_mwh is None else self.missed_mwh * self.price_usd_per_mwh

    def lines(self) -> list[str]:
        """Return the gap as sentences for a person."""
        rule = self.rule
        found = [
            f"{rule.template} serves {rule.hours_served:,.1f} h whole. With perfect foresight "
            f"{self.possible_hours:,.1f} h are possible (+{self.missed_hours:,.1f} h), and never more than "
            f"{self.limit_hours:,.1f} h.",
            f"It serves {rule.energy_served_mwh:,.1f} MWh of {self.possible_mwh:,.1f} MWh possible "
            f"(+{self.missed_mwh:,.1f} MWh), and never more than {self.limit_mwh:,.1f} MWh.",
        ]
        if self.missed_usd is not None:
            found.append(
                f"At {self.price_usd_per_mwh:,.2f} USD/MWh the energy it misses is worth {self.missed_usd:,.0f} USD."
            )
        if rule.generator_mwh <= 0.0 and self.missed_mwh > _NOTHING:
            found.append("The rule never ran a generator; what a generator could add is part of the gap.")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the gap as plain values."""
        numbers = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "rule"}
        missed = {name: getattr(self, name) for name in ("missed_hours", "missed_mwh", "missed_usd")}
        return {"rule": self.rule.to_dict()} | numbers | missed


@dataclass(frozen=True, slots=True)
class TemplateAdvice:
    """The seven templates on one plant, the best first."""

    by: Measure
    present: RuleResult | None
    """The template that is in use, if one was named."""
    ranking: tuple[RuleResult, ...]
    """Those that can run, best first: most served, then the other measure, then least fuel."""
    refused: tuple[RuleResult, ...]
    possible: float
    """What perfect foresight really reaches [h or MWh]."""
    limit: float
    """What nothing can pass [h or MWh]."""

    @property
    def best(self) -> RuleResult:
        """The template that serves most."""
        return self.ranking[0]

    @property
    def closed_fraction(self) -> float | None:
        """Share of the present template's gap that the best one closes [-]; None without one or without a gap."""
        if self.present is None or self.possible - self.present.served(self.by) <= _NOTHING:
            return None
        start = self.present.served(self.by)
        return (self.best.served(self.by) - start) / (self.possible - start)

    def lines(self) -> list[str]:
        """Return the advice as sentences for a person."""
        unit, best = _UNITS[self.by], self.best
        head = (
            f"{best.template} comes nearest: {best.served(self.by):,.1f} {unit} of {self.possible:,.1f} {unit} "
            f"possible with perfect foresight (never more than {self.limit:,.1f} {unit})."
        )
        return [head, *self._against_present(), *(f"{row.template} cannot run: {row.reason}" for row in self.refused)]

    def _against_present(self) -> list[str]:
        unit, best, present = _UNITS[self.by], self.best, self.present
        if present is None:
            return []
        if self.closed_fraction is None:
            return [f"{present.template} already serves all that is possible."]
        gain = best.served(self.by) - present.served(self.by)
        if gain <= _NOTHING:
            return [f"No other template serves more than {present.template}; only foresight would."]
        more = best.fuel_l - present.fuel_l
        fuel = f"burns {abs(more):,.0f} L {'more' if more > 0.0 else 'less'}" if more else "burns as much"
        return [
            f"Against {present.template} it adds {gain:,.1f} {unit}, closes {100.0 * self.closed_fraction:.0f} % of "
            f"the gap and {fuel}."
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the advice as plain values."""
        return {
            "by": self.by,
            "present": None if self.present is None else self.present.to_dict(),
            "best": self.best.to_dict(),
            "closed_fraction": self.closed_fraction,
            "possible": self.possible,
            "limit": self.limit,
            "ranking": [row.to_dict() for row in self.ranking],
            "refused": [row.to_dict() for row in self.refused],
        }


def gap(
    params: SimulationParams,
    template_id: int | Template,
    *,
    price_usd_per_mwh: float | None = None,
    levels: int = 150,
) -> RuleGap:
    """Hold a rule against what its plant could do with perfect foresight.

    Args:
        params: Plant and profiles.
        template_id: 0..6 or a `Template`.
        price_usd_per_mwh: What a served MWh is worth, for the gap in money [USD/MWh].
        levels: Points of the grid for stored energy, as for `schedule`.

    Raises:
        UnknownTemplateError: If there is no such template.
        MissingExtraError: If the solver is not installed.
        InvalidInputError: If an argument cannot be used.
    """
    if price_usd_per_mwh is not None and not (is_number(price_usd_per_mwh) and price_usd_per_mwh >= 0.0):
        problems = Problems()
        problems.add("price_usd_per_mwh", price_usd_per_mwh, "a finite number >= 0 or None", "None leaves money out")
        problems.raise_if_any()
    rule = _run(params, resolve_template(template_id))
    hours = schedule(params, levels=levels)
    energy = schedule(params, objective="energy_served", levels=levels)
    return RuleGap(
        rule,
        # A rule is a dispatch too: what it reaches is possible, whatever the grid found.
        max(hours.hours_served, rule.hours_served),
        max(energy.energy_served_mwh, rule.energy_served_mwh),
        bound(params, objective="hours_served").value,
        bound(params).value,
        hours.grid_error,
        price_usd_per_mwh,
    )


def better_template(
    params: SimulationParams,
    template_id: int | Template | None = None,
    *,
    by: Measure = "hours_served",
    levels: int = 150,
    known: RuleGap | None = None,
) -> TemplateAdvice:
    """Run the seven templates and say which one comes nearest to what is possible.

    Args:
        params: Plant and profiles.
        template_id: The template in use, to say how much of its gap another one closes.
        by: Hours served whole, or energy served.
        levels: Points of the grid for stored energy, as for `schedule`.
        known: What `gap` found for the same plant, template and levels: what is possible is not sought again.

    Raises:
        UnknownTemplateError: If there is no such template.
        MissingExtraError: If the solver is not installed.
        InvalidInputError: If an argument cannot be used.
    """
    if by not in _UNITS:
        problems = Problems()
        problems.add("by", by, " | ".join(_UNITS), "choose one of these")
        problems.raise_if_any()
    present = None if template_id is None else _run(params, resolve_template(template_id))
    if known is not None and known.rule != present:
        problems = Problems()
        problems.add(
            "known", known.rule.template, "the gap of this plant and template", "leave it out, or call gap(...)"
        )
        problems.raise_if_any()
    results = [_try(params, template) for template in DISPATCH_TEMPLATES.values()]
    able = [result for result in results if not result.reason]
    other: Measure = "energy_served" if by == "hours_served" else "hours_served"
    able.sort(key=lambda row: (-round(row.served(by), 6), -round(row.served(other), 6), row.fuel_l))
    reached, limit = _possible(params, by, levels, known)
    rules = able if present is None else [*able, present]
    return TemplateAdvice(
        by,
        present,
        tuple(able),
        tuple(result for result in results if result.reason),
        max(reached, *(row.served(by) for row in rules)),
        limit,
    )


def _possible(params: SimulationParams, by: Measure, levels: int, known: RuleGap | None) -> tuple[float, float]:
    """Return what foresight reaches, and what nothing exceeds."""
    if known is None:
        found = schedule(params, objective=by, levels=levels)
        reached = found.hours_served if by == "hours_served" else found.energy_served_mwh
        return reached, bound(params, objective=by).value
    if by == "hours_served":
        return known.possible_hours, known.limit_hours
    return known.possible_mwh, known.limit_mwh


def _run(params: SimulationParams, template: Template) -> RuleResult:
    metrics = calculate_metrics(run_simulation(params, template), params)
    return RuleResult(
        template.label,
        float(metrics.hours_full_delivery),
        metrics.total_energy_delivered,
        metrics.total_dg_generation,
        metrics.total_fuel_consumed,
    )


def _try(params: SimulationParams, template: Template) -> RuleResult:
    try:
        return _run(params, template)
    except InvalidInputError as error:
        first = error.problems[0]
        return RuleResult(template.label, 0.0, 0.0, 0.0, 0.0, f"{first.where} needs {first.allowed}")
