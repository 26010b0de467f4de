"""What hangs on a project, on the wire: versions, shares, comments, activity, its check, its file."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from afterbay.core.errors import Problem
from afterbay.server.sizing.schemas.configs import (
    CostsConfig,
    FinancialConfigIn,
    RulesConfig,
    SetupConfig,
    SizingConfig,
)
from afterbay.server.sizing.schemas.projects import Name, Tags, project_json
from afterbay.server.sizing.service.comments import Activity, CommentView
from afterbay.server.sizing.service.projects_files import Imported
from afterbay.server.sizing.service.sharing import ShareView
from afterbay.server.sizing.service.validation import Validation
from afterbay.server.sizing.service.versions import Difference, VersionView

__all__ = [
    "ActivityOut", "CommentIn", "CommentOut", "DifferenceOut", "ImportIn", "ImportedOut", "ProblemOut", "ShareIn",
    "ShareOut", "ValidationOut", "VersionOut", "VersionSummary", "imported_json",
]  # fmt: skip

_IN = ConfigDict(extra="forbid", strict=True)
_Plain = dict[str, Annotated[str, Field(max_length=1_000)] | float | int | bool | None]
_File = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]*$")]


class VersionSummary(BaseModel):
    """A version without its answers."""

    number: int
    created_at: datetime
    created_by: UUID
    created_by_name: str
    reason: str

    @classmethod
    def of(cls, view: VersionView) -> VersionSummary:
        """Return a version for a list."""
        return VersionSummary.model_validate(view, from_attributes=True)


class VersionOut(VersionSummary):
    """A version."""

    snapshot: dict[str, Any] = Field(description="The four sections and the two profile ids, as they were saved")

    @classmethod
    def of(cls, view: VersionView) -> VersionOut:
        """Return a version for the wire."""
        return VersionOut.model_validate(view, from_attributes=True)


class DifferenceOut(BaseModel):
    """A value that differs between two versions."""

    pointer: str = Field(examples=["/setup/bess_min_soc"])
    change: Literal["added", "removed", "changed"]
    before: Any
    after: Any

    @classmethod
    def of(cls, found: Difference) -> DifferenceOut:
        """Return a difference for the wire."""
        return cls.model_validate(found, from_attributes=True)


class ShareIn(BaseModel):
    """Who may open a project, and how."""

    model_config = ConfigDict(
        **_IN, json_schema_extra={"examples": [{"email": "colleague@example.org", "permission": "view"}]}
    )

    email: Annotated[
        str,
        Field(min_length=3, max_length=320, pattern=r"^[^\x00-\x20@/,;]+@[^\x00-\x20@/,;]+$",
              examples=["colleague@example.org"]),
    ]  # fmt: skip
    permission: Literal["view", "edit"] = "view"


class ShareOut(BaseModel):
    """A share; whether the address has an account is not told."""

    email: str
    permission: Literal["view", "edit"]
    created_at: datetime

    @classmethod
    def of(cls, view: ShareView) -> ShareOut:
        """Return a share for the wire."""
        return cls.model_validate(view, from_attributes=True)


class CommentIn(BaseModel):
    """Something to say."""

    model_config = ConfigDict(**_IN, json_schema_extra={"examples": [{"body": "150 MWh looks right to me."}]})

    body: Annotated[str, Field(min_length=1, max_length=5_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$")]


class CommentOut(BaseModel):
    """Something that somebody said."""

    id: UUID
    author_id: UUID
    author_name: str
    body: str
    created_at: datetime
    edited_at: datetime | None

    @classmethod
    def of(cls, view: CommentView) -> CommentOut:
        """Return a comment for the wire."""
        return cls.model_validate(view, from_attributes=True)


class ActivityOut(BaseModel):
    """Something that happened to a project."""

    id: int
    at: datetime
    actor: str
    action: str
    details: dict[str, Any]
    before: Any
    after: Any

    @classmethod
    def of(cls, found: Activity) -> ActivityOut:
        """Return an event for the wire."""
        return cls.model_validate(found, from_attributes=True)


class ProblemOut(BaseModel):
    """One thing that is wrong."""

    pointer: str = Field(examples=["/setup/bess_min_soc"])
    detail: str
    hint: str
    value: str
    allowed: str

    @classmethod
    def of(cls, problem: Problem) -> ProblemOut:
        """Return a problem for the wire."""
        detail = f"got {problem.got}, allowed: {problem.allowed}"
        return cls(pointer=problem.where, detail=detail, hint=problem.next_move, value=problem.got,
                   allowed=problem.allowed)  # fmt: skip


class ValidationOut(BaseModel):
    """The check of a whole project."""

    valid: bool
    problems: list[ProblemOut]
    warnings: list[str]
    assumptions: list[str] = Field(description="What was read, built, scaled or taken by default")
    inferred_template: int = Field(ge=0, le=6)
    template: str
    strategy: list[str] = Field(description="How the plant is run, in plain words")
    cases: int | None = Field(description="Sizes that a run would try")
    steps: int | None
    dt_h: float | None = Field(json_schema_extra={"unit": "h"})
    starts_at: datetime | None
    input_hash: str | None = Field(description="SHA-256 of everything that decides the results")

    @classmethod
    def of(cls, found: Validation) -> ValidationOut:
        """Return a check for the wire."""
        ready = found.ready
        return cls(
            valid=not found.problems,
            problems=[ProblemOut.of(one) for one in found.problems],
            warnings=list(found.warnings),
            assumptions=list(ready.assumptions) if ready else [],
            inferred_template=found.template.number or 0,
            template=found.template.label,
            strategy=list(found.strategy),
            cases=ready.cases if ready else None,
            steps=ready.steps if ready else None,
            dt_h=ready.dt_h if ready else None,
            starts_at=ready.starts_at if ready else None,
            input_hash=ready.input_hash if ready else None,
        )


class ImportedSetup(SetupConfig):
    """Step 1 as a project file has it: with the files of the machine where it was written."""

    load_file: _File | None = None
    load_import: _Plain = Field(default_factory=dict, max_length=20)
    solar_file: _File | None = None
    solar_import: _Plain = Field(default_factory=dict, max_length=20)
    weather_file: _File | None = None


class ImportIn(BaseModel):
    """A project file of the library, as JSON; `financial_config`, tags and profiles may stand beside its keys."""

    model_config = ConfigDict(
        **_IN,
        json_schema_extra={
            "examples": [
                {"name": "Red Rock Quarry", "setup_config": {"load_mw": 10.0}, "costs": {"bess_usd_per_mwh": 280000.0}}
            ]
        },
    )

    name: Name = "Imported project"
    description: Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$")] | None = None
    customer_reference: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f]*$")] | None = None
    tags: Tags = Field(default_factory=list)
    setup_config: ImportedSetup | None = None
    rules_config: RulesConfig | None = None
    sizing_config: SizingConfig | None = None
    costs: CostsConfig | None = None
    financial_config: FinancialConfigIn | None = None
    load_profile_id: Annotated[UUID, Field(strict=False)] | None = None
    solar_profile_id: Annotated[UUID, Field(strict=False)] | None = None

    def given(self) -> dict[str, Any]:
        """Return what stands in the file."""
        return {"name": self.name, **self.model_dump(exclude_unset=True)}


class ImportedOut(BaseModel):
    """The project, and what of its file did not come along."""

    project: dict[str, Any] = Field(description="As GET .../projects/{id} gives it")
    notes: list[str]


def imported_json(found: Imported) -> dict[str, Any]:
    """Return an imported project as `ImportedOut` describes it."""
    return {"project": project_json(found.view), "notes": list(found.notes)}
