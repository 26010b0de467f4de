"""Runs on the wire: what to start, how far it is."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from afterbay.server.sizing.schemas.configs import Configs, stored
from afterbay.server.sizing.service.runs_project import Options
from afterbay.server.sizing.service.simulations import SimulationView, StartRequest, Status
from afterbay.server.units import Line, Percent

__all__ = ["OptionsIn", "QuickIn", "SimulateIn", "SimulationOut", "SimulationStatus", "SimulationType", "StatusOut"]

SimulationType = Literal["single", "optimization", "multi_year"]
SimulationStatus = Literal["pending", "running", "completed", "failed", "cancelled"]
_STRICT = ConfigDict(extra="forbid", strict=True)
_Size = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=1e6)]


class OptionsIn(BaseModel):
    """One size in place of the project's grid, and the years of a `multi_year` run."""

    model_config = _STRICT

    capacity: Annotated[_Size, Field(json_schema_extra={"unit": "MWh"})] | None = None
    duration: (
        Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0, le=1e6, json_schema_extra={"unit": "h"})] | None
    ) = None
    """Energy over power."""
    dg_capacity: Annotated[_Size, Field(json_schema_extra={"unit": "MW"})] | None = None
    solar_capacity: Annotated[_Size, Field(json_schema_extra={"unit": "MW"})] | None = None
    years: Annotated[int, Field(strict=True, ge=1, le=100, json_schema_extra={"unit": "a"})] | None = None

    def read(self) -> Options:
        """Return the options as the service takes them."""
        return Options(**self.model_dump())


class SimulateIn(BaseModel):
    """A run to start."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"simulation_type": "optimization", "name": "first sweep"},
                {"simulation_type": "single", "options": {"capacity": 80.0, "duration": 4.0}},
                {"simulation_type": "multi_year", "options": {"years": 20}},
            ]
        },
    )

    simulation_type: SimulationType = "optimization"
    name: Annotated[Line, Field(min_length=1, max_length=255)] | None = None
    config_override: Configs = Field(default_factory=Configs)
    """Answers in place of the project's, key by key; the project stays as it is."""
    options: OptionsIn = Field(default_factory=OptionsIn)

    def read(self) -> StartRequest:
        """Return the request as the service takes it."""
        override = _given(self.config_override)
        return StartRequest(self.simulation_type, self.name, override, self.options.read())


class QuickIn(BaseModel):
    """One size to look at."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"options": {"capacity": 80.0, "duration": 4.0}}]}
    )

    config_override: Configs = Field(default_factory=Configs)
    options: OptionsIn = Field(default_factory=OptionsIn)

    def read(self) -> tuple[dict[str, dict[str, object]], Options]:
        """Return answers by section, and the size."""
        return _given(self.config_override), self.options.read()


def _given(configs: Configs) -> dict[str, dict[str, object]]:
    return {
        name: stored(section)
        for name in Configs.model_fields
        if (section := getattr(configs, name)) is not None
    }  # fmt: skip


class SimulationOut(BaseModel):
    """A run."""

    id: UUID
    project_id: UUID
    name: str | None
    simulation_type: SimulationType
    status: SimulationStatus
    cases: Annotated[int | None, Field(description="Sizes to simulate")]
    goal_reached: bool | None
    dispatch_template: int | None
    delivery_pct: Annotated[Percent | None, Field(description="Of the option that is shown")]
    input_hash: str | None
    project_version: Annotated[int | None, Field(description="Null when the request overrode answers")]
    created_at: AwareDatetime
    created_by: UUID | None
    created_by_name: str
    started_at: AwareDatetime | None
    completed_at: AwareDatetime | None
    duration_seconds: Annotated[float | None, Field(json_schema_extra={"unit": "s"})]
    error_message: str | None
    job_id: UUID | None

    @classmethod
    def of(cls, view: SimulationView) -> Self:
        """Show a run."""
        names = {name for name in cls.model_fields if name != "delivery_pct"}
        shown = {name: getattr(view, name) for name in names}
        return cls(**shown, delivery_pct=(view.summary_metrics or {}).get("delivery_pct"))


class StatusOut(SimulationOut):
    """A run, and how far it is."""

    progress: Annotated[float, Field(ge=0, le=1, description="Share that is done, 0..1")]
    message: str
    eta_s: Annotated[float | None, Field(json_schema_extra={"unit": "s"}, description="Time left; null: not known")]
    attempts: int

    @classmethod
    def of_status(cls, status: Status) -> Self:
        """Show how far a run is."""
        shown = SimulationOut.of(status.simulation).model_dump()
        return cls(
            **shown,
            progress=status.progress,
            message=status.message,
            eta_s=status.eta_s,
            attempts=status.attempts,
        )
