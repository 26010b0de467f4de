"""Rows of the sizing module. Tables and columns of the sizing plan, section 4.1, keep their names and types.

Shares in the stored configurations are percent, power is MW, energy MWh; times in UTC.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Double, ForeignKey, Index, Numeric, SmallInteger, String, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from afterbay.server.db import Base

__all__ = ["Comment", "Project", "ProjectVersion", "Share", "Simulation"]

_TIME = DateTime(timezone=True)
_NEW_ID = text("gen_random_uuid()")
_NOW = func.current_timestamp()
_NO_TAGS = text("'{}'::text[]")


class Project(Base):
    """A study: the answers of the wizard, and the profiles they are about."""

    __tablename__ = "bess_projects"
    __table_args__ = (
        Index("idx_bess_projects_owner", "owner_id"),
        Index("idx_bess_projects_updated", "updated_at", "id"),
        Index("idx_bess_projects_tags", "tags", postgresql_using="gin"),
        # Few projects wait for their end; the schedule that removes them asks for these.
        Index("idx_bess_projects_deleted", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=_NEW_ID)
    owner_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(Text)
    customer_reference: Mapped[str | None] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(20), server_default="draft")
    """draft, in_progress, completed, archived."""

    setup_config: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    rules_config: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    sizing_config: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    financial_config: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    load_profile_id: Mapped[UUID | None]
    solar_profile_id: Mapped[UUID | None]

    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    updated_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    deleted_at: Mapped[datetime | None] = mapped_column(_TIME)

    owner_name: Mapped[str] = mapped_column(String(320), server_default="")
    """As the owner was called when the project was made, for lists."""
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_NO_TAGS)
    completed_step: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """The last wizard step that was saved, 0..5."""
    version: Mapped[int] = mapped_column(server_default="1")
    """Rises with every change of the row; the entity tag."""
    config_version: Mapped[int] = mapped_column(server_default="1")
    """Number of the newest `ProjectVersion`; rises when answers or profiles change."""
    updated_by: Mapped[UUID | None]
    deleted_by: Mapped[UUID | None]


class ProjectVersion(Base):
    """The answers of a project as they once were; never rewritten."""

    __tablename__ = "bess_project_versions"

    project_id: Mapped[UUID] = mapped_column(ForeignKey("bess_projects.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    created_by: Mapped[UUID]
    created_by_name: Mapped[str] = mapped_column(String(320), server_default="")
    reason: Mapped[str] = mapped_column(String(200), server_default="")
    """What was done: `setup saved`, `version 3 restored`."""
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """`setup_config`, `rules_config`, `sizing_config`, `financial_config`, `load_profile_id`, `solar_profile_id`."""


class Share(Base):
    """Somebody else who may open a project."""

    __tablename__ = "bess_project_shares"
    __table_args__ = (Index("idx_bess_project_shares_email", "email"),)

    project_id: Mapped[UUID] = mapped_column(ForeignKey("bess_projects.id", ondelete="CASCADE"), primary_key=True)
    email: Mapped[str] = mapped_column(String(320), primary_key=True)
    """In small letters. There need not be an account yet: the share waits for it."""
    permission: Mapped[str] = mapped_column(String(10))
    """view, edit."""
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    created_by: Mapped[UUID]


class Comment(Base):
    """Something that somebody said about a project."""

    __tablename__ = "bess_project_comments"
    __table_args__ = (Index("idx_bess_project_comments_project", "project_id", "created_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=_NEW_ID)
    project_id: Mapped[UUID] = mapped_column(ForeignKey("bess_projects.id", ondelete="CASCADE"))
    author_id: Mapped[UUID]
    author_name: Mapped[str] = mapped_column(String(320), server_default="")
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    edited_at: Mapped[datetime | None] = mapped_column(_TIME)


class Simulation(Base):
    """A run: what was asked, how far it is, and what came of it."""

    __tablename__ = "bess_simulations"
    __table_args__ = (
        Index("idx_bess_simulations_project", "project_id"),
        Index("idx_bess_simulations_created", "created_by", "created_at"),
        Index("idx_bess_simulations_job", "job_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=_NEW_ID)
    project_id: Mapped[UUID | None] = mapped_column(ForeignKey("bess_projects.id", ondelete="CASCADE"))
    name: Mapped[str | None] = mapped_column(String(255))
    simulation_type: Mapped[str | None] = mapped_column(String(20))
    """single, optimization, multi_year."""
    status: Mapped[str] = mapped_column(String(20), server_default="pending")
    """pending, running, completed, failed, and ours: cancelled."""

    config_snapshot: Mapped[dict[str, Any]] = mapped_column(JSONB)
    dispatch_template: Mapped[int | None]

    started_at: Mapped[datetime | None] = mapped_column(_TIME)
    completed_at: Mapped[datetime | None] = mapped_column(_TIME)
    duration_seconds: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))

    summary_metrics: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    optimization_results: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    projection_results: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    hourly_data_path: Mapped[str | None] = mapped_column(String(500))

    error_message: Mapped[str | None] = mapped_column(Text)

    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)

    created_by: Mapped[UUID | None]
    created_by_name: Mapped[str] = mapped_column(String(320), server_default="")
    project_version: Mapped[int | None]
    """`Project.config_version` that was simulated; None when the request overrode answers."""
    inputs_hash: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 over answers and profiles, as `Project.input_hash` of the library."""
    options: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What the request asked beyond the project: sizes of a single case, years, overrides."""
    job_id: Mapped[UUID | None]
    progress: Mapped[float] = mapped_column(Double, server_default="0")
    """Share done, 0..1."""
    message: Mapped[str] = mapped_column(Text, server_default="")
    cases: Mapped[int | None]
    """Sizes to simulate."""
    goal_reached: Mapped[bool | None] = mapped_column(Boolean)
    updated_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    deleted_at: Mapped[datetime | None] = mapped_column(_TIME)
