"""A sizing study as one record: what the PDF and the workbook are written from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import afterbay
from afterbay.core.errors import Problems
from afterbay.sizing.nearest import nearest_changes
from afterbay.sizing.report.assumptions import project_assumptions, project_notes
from afterbay.sizing.report.method import goal_in_words, method_paragraphs
from afterbay.sizing.report.money import Money, capital_table, statement_table
from afterbay.sizing.report.parts import Assumption, Column, Figure, Picture, Table
from afterbay.sizing.report.risks import risk_sentences
from afterbay.sizing.report.tables import cases_table, hourly_table, monthly_table, years_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from afterbay.sizing.metrics import SummaryMetrics
    from afterbay.sizing.physics import PhysicsLaw
    from afterbay.sizing.project.model import Project
    from afterbay.sizing.projection import Projection
    from afterbay.sizing.simulation import HourlyResults
    from afterbay.sizing.sweep import SweepResult

__all__ = ["Study", "study_of"]

_EARLIEST_YEAR: Final = 1980
"""The oldest date that a workbook can carry."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Study:
    """Everything a report says. Texts are shown as they are: no sign in them has a meaning.

    Raises:
        InvalidInputError: If the title is empty or the date cannot be written.
    """

    title: str
    customer: str
    made_on: date
    """The date of the report; always given, so that the same study makes the same files."""
    conclusion: tuple[str, ...]
    figures: tuple[Figure, ...]
    """The numbers that matter most, three of them."""
    reasons: tuple[str, ...]
    risks: tuple[str, ...]
    cases: Table
    shown_case: int
    """Row of `cases` that everything else is about."""
    meets_goal: bool
    balance: Table
    hourly: Table
    monthly: Table
    capital: Table
    years: Table | None = None
    statement: Table | None = None
    money_figures: tuple[Figure, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    notes: tuple[str, ...] = ()
    rule_gap: tuple[str, ...] = ()
    """How far the rule is from the best that physics allows, in sentences."""
    certainty: tuple[str, ...] = ()
    """What other weather would make of it, in sentences."""
    physics: tuple[PhysicsLaw, ...] = ()
    method: tuple[str, ...] = ()
    description: str = ""
    version: str
    input_hash: str
    pictures: Mapping[str, Picture] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = Problems()
        if not self.title.strip():
            problems.add("study.title", "no text", "a name", "give the project a name")
        if not _EARLIEST_YEAR <= self.made_on.year <= 9999:
            problems.add("study.made_on", self.made_on.isoformat(), f"a date from {_EARLIEST_YEAR} on")
        problems.raise_if_any()


def study_of(
    project: Project,
    result: SweepResult,
    recommendation: Mapping[str, Any],
    *,
    made_on: date,
    customer: str | None = None,
    hourly: HourlyResults | None = None,
    years: Projection | None = None,
    money: Money | None = None,
    pictures: Mapping[str, Picture] | None = None,
    rule_gap: Sequence[str] = (),
    certainty: Sequence[str] = (),
) -> Study:
    """Return the study of a project; without a size that meets the goal, it is about the nearest one.

    Args:
        project: The project.
        result: Its sweep.
        recommendation: Of `calculate_recommendations` on the rows of `result`.
        made_on: Date of the report.
        customer: For whom it is; default: the reference in the project, if any.
        hourly: The steps of the recommended case; default: it is simulated again.
        years: The recommended case over its years.
        money: Its yearly statement, see `money_of`.
        pictures: By name, see `PICTURES` and `standard_pictures`.
        rule_gap: Such as the lines of `optimum.gap` and `optimum.better_template`.
        certainty: Such as the lines of `uncertainty.weather_spread`.

    Raises:
        InvalidInputError: If the recommendation is not one of this sweep.
        PhysicsError: If the months do not add up to the year.
    """
    chosen = recommendation["recommended"]
    shown = int((chosen or recommendation["best_reached"])["index"])
    _check_fit(result, recommendation, shown)
    metrics = result.metrics_of(shown)
    hourly = result.simulate(shown) if hourly is None else hourly
    sizes = {name: float(column[shown]) for name, column in result.sizes.items()}
    capital_usd = float(result.capital_cost_usd[shown])
    reasons = [str(reason) for reason in recommendation["reasons"]]
    if chosen is None:
        nearest = nearest_changes(result, project.goal)
        conclusion = [f"No size in this range reaches the goal: {goal_in_words(project.goal)}.", *reasons[1:2]]
        # What blocks it stands among the risks.
        lines = nearest.lines()[1:] if nearest else []
        reasons = [*reasons[2:], *(line.strip() for line in lines if nearest and line != nearest.blocked)]
    else:
        conclusion = [f"Recommended is {reasons[0]}", f"Asked for was {goal_in_words(project.goal)}."]
        reasons = reasons[1:]
    return Study(
        title=project.name,
        customer=customer if customer is not None else project.customer_reference or "",
        made_on=made_on,
        conclusion=tuple(conclusion),
        figures=(
            Figure("Delivery", metrics.delivery_pct, "%", 1, "of the load hours served whole"),
            Figure("Capital cost", capital_usd / 1e6, "M USD", 1, "to build it, installation included"),
            Figure("Curtailed", metrics.pct_solar_curtailed, "%", 1, "of the solar energy not used"),
        ),
        reasons=tuple(reasons),
        risks=tuple(risk_sentences(result, hourly, metrics, years=years, money=money)),
        cases=cases_table(result, recommendation),
        shown_case=shown,
        meets_goal=chosen is not None,
        balance=_balance(metrics),
        hourly=hourly_table(hourly, project.start),
        monthly=monthly_table(hourly, metrics, project.start),
        capital=capital_table(
            sizes["capacity"],
            sizes["power"],
            sizes["dg_capacity"],
            sizes.get("solar_capacity", 0.0),
            result.costs,
            capital_usd,
        ),
        years=None if years is None else years_table(years),
        statement=None if money is None else statement_table(money),
        money_figures=() if money is None else money.figures,
        assumptions=(*project_assumptions(project), *(() if money is None else money.assumptions)),
        notes=tuple(project_notes(project)),
        rule_gap=tuple(rule_gap),
        certainty=tuple(certainty),
        physics=hourly.physics.laws,
        method=tuple(method_paragraphs(project, result, years=len(years) if years else 0, money=money is not None)),
        description=project.description,
        version=afterbay.__version__,
        input_hash=project.input_hash,
        pictures=dict(pictures or {}),
    )


def _check_fit(result: SweepResult, recommendation: Mapping[str, Any], shown: int) -> None:
    problems = Problems()
    count = recommendation["config_count"]
    if count != len(result) or not 0 <= shown < len(result):
        problems.add(
            "recommendation",
            f"one of {count} options, about option {shown}",
            f"the recommendation on the {len(result)} rows of this sweep",
            "give calculate_recommendations(result.rows(), project.goal, costs=project.costs)",
        )
    problems.raise_if_any()


def _balance(metrics: SummaryMetrics) -> Table:
    """Return where the energy of the year goes, each source and use summing to its total."""
    every = (
        ("Solar", "Load", metrics.total_solar_to_load),
        ("Solar", "Battery", metrics.total_solar_to_bess),
        ("Solar", "Curtailed", metrics.total_solar_curtailed),
        ("Battery", "Load", metrics.total_bess_to_load),
        ("Battery", "Losses", metrics.total_bess_losses),
        ("Generator", "Load", metrics.total_dg_to_load),
        ("Generator", "Battery", metrics.total_dg_to_bess),
        ("Generator", "Unused", metrics.total_dg_curtailed),
        ("Nobody", "Load, not served", metrics.total_unserved),
    )
    whole = {
        "Solar": metrics.total_solar_generation,
        "Battery": metrics.total_bess_to_load + metrics.total_bess_losses,
        "Generator": metrics.total_dg_generation,
        "Nobody": metrics.total_unserved,
    }
    flows = [flow for flow in every if whole[flow[0]] > 0.0]
    return Table(
        "Energy",
        (
            Column("From", "", [source for source, _, _ in flows]),
            Column("To", "", [use for _, use, _ in flows]),
            Column("Energy", "MWh", [float(mwh) for _, _, mwh in flows], 1),
            Column("Share of its source", "%", [100.0 * mwh / whole[source] for source, _, mwh in flows], 1),
        ),
    )
