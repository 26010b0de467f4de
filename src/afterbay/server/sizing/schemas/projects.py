"""Projects on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, TypeAlias
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from afterbay.server.sizing.schemas.configs import FinancialConfigIn, RulesConfig, SetupConfig, SizingConfig, stored
from afterbay.server.sizing.service.projects import ProjectView
from afterbay.server.sizing.service.projects_study import CONFIGS, inferred_template, strategy_lines

__all__ = [
    "CloneIn", "Name", "ProjectIn", "ProjectOut", "ProjectSummary", "ProjectUpdate", "SavedOut", "SetupIn", "Status",
    "StatusIn", "Tag", "TagCount", "TagsIn", "project_json", "saved_json",
]  # fmt: skip

Status: TypeAlias = Literal["draft", "in_progress", "completed", "archived"]
_A_LINE = r"^[^\x00-\x1f]*[^\x00-\x20][^\x00-\x1f]*$"
"""With something in it to read."""
_NO_CONTROL = r"^[^\x00-\x1f]*$"
Name = Annotated[
    str,
    Field(min_length=1, max_length=255, pattern=_A_LINE, examples=["Red Rock Quarry"]),
]
_Text = Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$")]
_Reference = Annotated[str, Field(max_length=100, pattern=_NO_CONTROL)]
Tag = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^\x00-\x20,][^\x00-\x1f,]*$", examples=["mine"])]
_ProfileId = Annotated[UUID, Field(strict=False)]
_IN = ConfigDict(extra="forbid", strict=True)


def _each_once(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tag.strip() for tag in tags))


Tags = Annotated[list[Tag], Field(max_length=20), AfterValidator(_each_once)]


class SetupIn(SetupConfig):
    """Step 1, with the profiles that the project uses."""

    example: ClassVar[dict[str, Any]] = {
        "load_mw": 10.0, "solar_source": "typical_year", "solar_capacity_mw": 67.0, "bess_efficiency": 87.0,
        "bess_min_soc": 5.0, "bess_max_soc": 95.0, "dg_enabled": True,
    }  # fmt: skip

    load_profile_id: _ProfileId | None = None
    solar_profile_id: _ProfileId | None = None

    def columns(self) -> dict[str, Any]:
        """Return the columns that change; a profile that is not named stays."""
        profiles = {name: getattr(self, name) for name in _PROFILES if name in self.model_fields_set}
        return {"setup_config": self.model_dump(exclude_unset=True, exclude=set(_PROFILES)), **profiles}


_PROFILES = ("load_profile_id", "solar_profile_id")


class ProjectIn(BaseModel):
    """A new project; the answers may come now or later."""

    model_config = ConfigDict(
        **_IN,
        json_schema_extra={
            "examples": [
                {
                    "name": "Red Rock Quarry",
                    "tags": ["quarry"],
                    "setup_config": {"load_mw": 10.0, "bess_efficiency": 87.0},
                }
            ]
        },
    )

    name: Name
    description: _Text | None = None
    customer_reference: _Reference | None = None
    tags: Tags = Field(default_factory=list)
    setup_config: SetupConfig | None = None
    rules_config: RulesConfig | None = None
    sizing_config: SizingConfig | None = None
    financial_config: FinancialConfigIn | None = None
    load_profile_id: _ProfileId | None = None
    solar_profile_id: _ProfileId | None = None

    def columns(self) -> dict[str, Any]:
        """Return the columns that are given."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: stored(one) if isinstance(one, BaseModel) else one for name, one in given.items()}


class ProjectUpdate(ProjectIn):
    """Any part of a project; what is not named stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"description": "A quarry in the desert", "status": "in_progress"}]}
    )

    name: Name = Field("-", json_schema_extra={"default": None})
    status: Status = Field("draft", json_schema_extra={"default": None})


class CloneIn(BaseModel):
    """How the copy is called."""

    model_config = ConfigDict(**_IN, json_schema_extra={"examples": [{"name": "Red Rock Quarry, larger"}]})

    name: Name | None = Field(None, description="Default: the name of the source and `(copy)`")


class StatusIn(BaseModel):
    """Where a project stands."""

    model_config = ConfigDict(**_IN, json_schema_extra={"examples": [{"status": "in_progress"}]})

    status: Status


class TagsIn(BaseModel):
    """All tags of a project, in place of those it has."""

    model_config = ConfigDict(**_IN, json_schema_extra={"examples": [{"tags": ["quarry", "2026"]}]})

    tags: Tags


class TagCount(BaseModel):
    """A tag of the projects that you may see."""

    tag: str
    projects: int


class ProjectSummary(BaseModel):
    """A project without its answers."""

    id: UUID
    owner_id: UUID
    owner_name: str
    access: Literal["owner", "edit", "view"] = Field(description="How you may use it")
    name: str
    description: str | None
    customer_reference: str | None
    status: Status
    tags: list[str]
    completed_step: int = Field(description="Last step of the wizard that was done, 0 to 5")
    load_profile_id: UUID | None
    solar_profile_id: UUID | None
    version: int = Field(description="Rises with every change; the ETag")
    config_version: int = Field(description="Rises when the answers change")
    created_at: datetime
    updated_at: datetime
    updated_by: UUID | None
    deleted_at: datetime | None
    restorable_until: datetime | None

    @classmethod
    def of(cls, view: ProjectView) -> ProjectSummary:
        """Return a project for a list."""
        values = {name: getattr(view.row, name) for name in ProjectSummary.model_fields if name not in _OF_VIEW}
        return ProjectSummary(**values, access=view.access, restorable_until=view.restorable_until)


_OF_VIEW = ("access", "restorable_until")


class ProjectOut(ProjectSummary):
    """A project; sections hold what was saved, without defaults."""

    setup_config: SetupConfig | None
    rules_config: RulesConfig | None
    sizing_config: SizingConfig | None
    financial_config: FinancialConfigIn | None


class SavedOut(ProjectOut):
    """A project after a step was saved, with what the answers imply."""

    inferred_template: int = Field(ge=0, le=6)
    template: str = Field(description="Such as `T1 Green priority`")
    strategy: list[str] = Field(description="How the plant is run, in plain words")


def project_json(view: ProjectView) -> dict[str, Any]:
    """Return a project as `ProjectOut` describes it; sections go out exactly as they were stored."""
    sections = {name: getattr(view.row, name) for name in CONFIGS}
    return {**ProjectSummary.of(view).model_dump(mode="json"), **sections}


def saved_json(view: ProjectView) -> dict[str, Any]:
    """Return a project as `SavedOut` describes it."""
    row = view.row
    template = inferred_template(row.setup_config, row.rules_config)
    lines = strategy_lines({name: getattr(row, name) for name in CONFIGS})
    return {**project_json(view), "inferred_template": template.number, "template": template.label, "strategy": lines}
