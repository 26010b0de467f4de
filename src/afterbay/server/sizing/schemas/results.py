"""Results on the wire: options with their metrics, hours, years, comparisons, reasons."""

from __future__ import annotations

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from afterbay.server.sizing.schemas.simulations import SimulationOut
from afterbay.server.sizing.service.comparing import Chosen, Comparison
from afterbay.server.sizing.service.quick import QuickAnswer
from afterbay.server.sizing.service.results import METRIC_UNITS, FinishedRun, RowsPage
from afterbay.server.sizing.service.results_hourly import StepsPage
from afterbay.server.sizing.service.stale import Staleness

__all__ = ["CompareIn", "ComparisonOut", "ExplainOut", "HourlyOut", "ProjectionOut", "QuickOut", "RecommendationsOut",
           "ResultsOut"]  # fmt: skip

_Mw = Annotated[float, Field(json_schema_extra={"unit": "MW"})]
_Mwh = Annotated[float, Field(json_schema_extra={"unit": "MWh"})]
_Hours = Annotated[float, Field(json_schema_extra={"unit": "h"})]
_Usd = Annotated[float, Field(json_schema_extra={"unit": "USD"})]
_Metrics = Annotated[
    dict[str, float | None],
    Field(description="By name; null is no number", json_schema_extra={"units": {**METRIC_UNITS}}),
]


class OptionOut(BaseModel):
    """One size of a run, in the sizing plan's shape."""

    index: Annotated[int, Field(description="Names the option within its run, from 0")]
    capacity: _Mwh
    duration: _Hours
    power: _Mw
    dg_capacity: _Mw
    solar_capacity: _Mw | None = None
    capital_cost_usd: _Usd
    metrics: _Metrics


class LawOut(BaseModel):
    """One law of physics, and how far the result is from it."""

    name: str
    residual: float | None
    allowed: float
    unit: str
    holds: bool


class PhysicsOut(BaseModel):
    """The check that every result carries."""

    passed: bool
    summary: str
    laws: list[LawOut]


class ChangeOut(BaseModel):
    """One input that changed since the run."""

    pointer: str
    then: Any
    now: Any


class StaleOut(BaseModel):
    """How the run stands to its project as it is now."""

    is_stale: bool
    changes: list[ChangeOut]
    lines: Annotated[list[str], Field(description="What a reader must know, in sentences")]

    @classmethod
    def of(cls, found: Staleness) -> Self:
        """Show what changed."""
        changes = [ChangeOut(pointer=one.pointer, then=one.then, now=one.now) for one in found.changes]
        return cls(is_stale=found.is_stale, changes=changes, lines=found.lines)


class ResultsOut(BaseModel):
    """What came of a run."""

    simulation: SimulationOut
    summary_metrics: _Metrics
    optimization_results: Annotated[list[OptionOut], Field(description="One page of the options")]
    config_count: int
    next_cursor: str | None
    recommended_index: int | None
    shown_index: Annotated[int, Field(description="The recommended option, or the nearest to the goal")]
    goal_reached: bool
    recommendation: Annotated[dict[str, Any], Field(description="As `/recommendations`")]
    projection_results: dict[str, Any] | None
    physics: PhysicsOut
    stale: StaleOut
    warnings: list[str]
    assumptions: list[str]
    units: dict[str, str]

    @classmethod
    def of(cls, run: FinishedRun, page: RowsPage, stale: Staleness, recommendation: dict[str, Any]) -> Self:
        """Show a page of a run's results."""
        best = run.choice["recommended"]
        facts = run.row.config_snapshot["run"]
        return cls(
            simulation=SimulationOut.of(run.view),
            summary_metrics=run.row.summary_metrics or {},
            optimization_results=[OptionOut(**row) for row in page.rows],
            config_count=run.row.cases or 0,
            next_cursor=None if page.next_place is None else str(page.next_place),
            recommended_index=None if best is None else best["index"],
            shown_index=run.shown,
            goal_reached=best is not None,
            recommendation=recommendation,
            projection_results=run.row.projection_results,
            physics=PhysicsOut(**run.choice["physics"]),
            stale=StaleOut.of(stale),
            warnings=facts["warnings"],
            assumptions=facts["assumptions"],
            units=METRIC_UNITS,
        )


class RecommendationsOut(BaseModel):
    """What to build, and why; or why nothing does, and what would."""

    model_config = ConfigDict(extra="allow")

    recommended: dict[str, Any] | None
    alternatives: list[dict[str, Any]]
    ranked: list[int]
    pareto: Annotated[list[int], Field(description="Options that nothing beats, cheapest first")]
    dominated: list[bool]
    reasons: list[str]
    meets_goal: bool
    best_reached: dict[str, Any] | None
    blocked_by: list[dict[str, Any]]
    nearest: Annotated[dict[str, Any] | None, Field(description="The nearest changes that would reach the goal")]
    goal: dict[str, Any]
    costs: dict[str, float]


class HourlyOut(BaseModel):
    """Some steps of an option as columns of one length."""

    simulation_id: UUID
    index: int
    label: str
    dt_h: _Hours
    start: Annotated[str | None, Field(description="Start of step 1 (ISO 8601); null: there is no calendar")]
    steps: Annotated[int, Field(description="Steps of the whole run")]
    first_step: Annotated[int, Field(description="First step of this page, from 1")]
    columns: dict[str, list[float | int | bool | str]]
    units: dict[str, str]
    next_cursor: Annotated[str | None, Field(description="Give it as `from` for the next page")]

    @classmethod
    def of(cls, run: FinishedRun, page: StepsPage) -> Self:
        """Show a page of steps."""
        return cls(
            simulation_id=run.id,
            index=page.index,
            label=page.label,
            dt_h=page.dt_h,
            start=None if page.start is None else page.start.isoformat(),
            steps=page.steps,
            first_step=page.first_step,
            columns=page.columns,
            units=page.units,
            next_cursor=None if page.next_step is None else str(page.next_step),
        )


class ProjectionOut(BaseModel):
    """The years of an option, and what they are worth."""

    model_config = ConfigDict(extra="allow")

    index: int
    label: str
    capacity: _Mwh
    power: _Mw
    dg_capacity: _Mw
    input_hash: str
    years: Annotated[dict[str, list[float | int | None]], Field(description="Columns; `year` counts from 1")]
    finance: Annotated[dict[str, Any], Field(description="Figures, assumptions, statement and waterfall")]


class ExplainOut(BaseModel):
    """Why: of steps, or of an option among the others."""

    model_config = ConfigDict(extra="allow")

    simulation_id: UUID
    index: int
    label: str
    sentences: list[str]


class ChosenIn(BaseModel):
    """One option of one run."""

    model_config = ConfigDict(extra="forbid")

    simulation_id: UUID
    index: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] | None = None
    """Null: the recommended one, or the nearest to the goal."""


class CompareIn(BaseModel):
    """Options to put side by side."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"options": [{"simulation_id": "8c5c0f0e-6a0c-4c3e-9b60-5b1f6f2a7f10", "index": 0}]}]
        },
    )

    options: Annotated[list[ChosenIn], Field(min_length=1, max_length=20)]

    def read(self) -> list[Chosen]:
        """Return them as the service takes them."""
        return [Chosen(one.simulation_id, one.index) for one in self.options]


class MetricOut(BaseModel):
    """One metric over the options, in their order."""

    metric: str
    words: str
    unit: str
    better: str | None
    values: list[float | None]
    difference_to_first: list[float | None]
    best: list[bool]


class ComparisonOut(BaseModel):
    """Options side by side."""

    options: list[dict[str, Any]]
    metrics: list[MetricOut]
    notes: list[str]

    @classmethod
    def of(cls, found: Comparison) -> Self:
        """Show a comparison."""
        return cls(options=found.options, metrics=[MetricOut(**one) for one in found.metrics], notes=found.notes)


class QuickOut(BaseModel):
    """One size, simulated and kept nowhere."""

    label: str
    capacity: _Mwh
    duration: _Hours
    power: _Mw
    dg_capacity: _Mw
    solar_capacity: _Mw | None = None
    capital_cost_usd: _Usd
    metrics: _Metrics
    units: dict[str, str]
    physics: PhysicsOut
    dispatch_template: int | None
    input_hash: str
    worst_day: Annotated[int, Field(description="The day with the most energy not served, from 1")]
    worst_day_steps: dict[str, list[float | int | bool | str]]
    warnings: list[str]
    assumptions: list[str]

    @classmethod
    def of(cls, found: QuickAnswer) -> Self:
        """Show what came of it."""
        return cls(
            label=found.label,
            **found.sizes,
            capital_cost_usd=found.capital_cost_usd,
            metrics=found.metrics,
            units=METRIC_UNITS,
            physics=PhysicsOut(**found.physics),
            dispatch_template=found.dispatch_template,
            input_hash=found.input_hash,
            worst_day=found.worst_day,
            worst_day_steps=found.worst_day_steps,
            warnings=found.warnings,
            assumptions=found.assumptions,
        )
