"""Step 3 of a project on the wire: which sizes to try, and what to aim at."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from afterbay.core.errors import InvalidInputError
from afterbay.server.sizing.schemas.configs_kinds import (
    CHECKED,
    Hours,
    Mw,
    Mwh,
    Section,
    measured,
    refuse_first,
)
from afterbay.sizing.goal import Goal

__all__ = ["GoalConfig", "SizingConfig"]

_Share = Annotated[float, measured("%", ge=0.0, le=100.0)]


class GoalConfig(BaseModel):
    """`optimization_goal`: what an option must reach, and what decides among those that do."""

    model_config = CHECKED

    delivery_mode: Literal["maximize", "at_least", "exactly"] = "maximize"
    delivery_target_pct: _Share | None = None
    optimize_for: Literal["min_bess_size", "min_wastage", "min_dg_hours", "min_cycles", "min_cost"] = "min_bess_size"
    max_wastage_pct: _Share | None = None
    max_dg_hours: Annotated[float, measured("h", ge=0.0)] | None = None
    green_energy_target_pct: _Share | None = None
    green_energy_measure: Literal[
        "pct_green_energy", "pct_green_energy_of_demand", "pct_green_energy_by_origin"
    ] = "pct_green_energy"  # fmt: skip

    @field_validator("*", mode="after")
    @classmethod
    def _as_the_library_says(cls, value: Any, info: ValidationInfo) -> Any:
        name = str(info.field_name)
        try:
            Goal.from_dict({name: value})
        except InvalidInputError as error:
            # What a mode needs beside it is asked when the whole project is checked: a draft may lack it.
            refuse_first(tuple(one for one in error.problems if one.where == f"goal.{name}"))
        return value


class SizingConfig(Section):
    """`sizing_config` of the sizing plan, and what the library offers beyond it."""

    example: ClassVar[dict[str, Any]] = {
        "capacity_min": 50.0, "capacity_max": 250.0, "capacity_step": 50.0, "durations": [4.0], "dg_min": 0.0,
        "dg_max": 10.0, "dg_step": 5.0,
        "optimization_goal": {"optimize_for": "min_cost", "delivery_mode": "at_least", "delivery_target_pct": 99.0},
    }  # fmt: skip

    section: ClassVar[str] = "sizing_config"

    capacity_min: Mwh = 50.0
    capacity_max: Mwh = 200.0
    capacity_step: Mwh = 25.0
    capacity_values: list[Mwh] | None = Field(None, min_length=1, max_length=10_000)
    """Sizes of the battery one by one, in place of the range."""
    durations: list[Hours] = Field(default_factory=lambda: [2.0, 4.0], min_length=1, max_length=1_000)
    dg_min: Mw = 0.0
    dg_max: Mw = 20.0
    dg_step: Mw = 5.0
    dg_values: list[Mw] | None = Field(None, min_length=1, max_length=10_000)
    solar_min: Mw | None = None
    solar_max: Mw | None = None
    solar_step: Mw | None = None
    solar_values: list[Mw] | None = Field(None, min_length=1, max_length=10_000)
    optimization_goal: GoalConfig = Field(default_factory=GoalConfig)
