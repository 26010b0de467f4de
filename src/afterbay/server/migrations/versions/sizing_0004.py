"""The sizing module: profiles, projects, runs.

Revision: sizing_0004, after services_0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

__all__ = ["branch_labels", "depends_on", "down_revision", "downgrade", "revision", "upgrade"]

revision = "sizing_0004"
down_revision = "services_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "bess_profiles",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("profile_type", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=50), nullable=True),
        sa.Column("stats", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("data_path", sa.String(length=500), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("steps", sa.Integer(), server_default="0", nullable=False),
        sa.Column("dt_h", sa.Double(), nullable=True),
        sa.Column("starts_at", sa.String(length=40), nullable=True),
        sa.Column("capacity_mw", sa.Double(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("values_hash", sa.String(length=64), server_default="", nullable=False),
        sa.Column("data_hash", sa.String(length=64), server_default="", nullable=False),
        sa.Column("import_report", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("assumptions", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("recipe", sa.String(length=100), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bess_profiles")),
    )
    op.create_index("idx_bess_profiles_created", "bess_profiles", ["created_at", "id"], unique=False)
    op.create_index("idx_bess_profiles_owner", "bess_profiles", ["owner_id"], unique=False)
    op.create_table(
        "bess_projects",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("customer_reference", sa.String(length=100), nullable=True),
        sa.Column("status", sa.String(length=20), server_default="draft", nullable=False),
        sa.Column("setup_config", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("rules_config", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("sizing_config", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("financial_config", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("load_profile_id", sa.Uuid(), nullable=True),
        sa.Column("solar_profile_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner_name", sa.String(length=320), server_default="", nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
        sa.Column("completed_step", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("config_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("deleted_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bess_projects")),
    )
    op.create_index(
        "idx_bess_projects_deleted",
        "bess_projects",
        ["deleted_at"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index("idx_bess_projects_owner", "bess_projects", ["owner_id"], unique=False)
    op.create_index("idx_bess_projects_tags", "bess_projects", ["tags"], unique=False, postgresql_using="gin")
    op.create_index("idx_bess_projects_updated", "bess_projects", ["updated_at", "id"], unique=False)
    op.create_table(
        "bess_project_comments",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("author_name", sa.String(length=320), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["bess_projects.id"],
            name=op.f("fk_bess_project_comments_project_id_bess_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bess_project_comments")),
    )
    op.create_index(
        "idx_bess_project_comments_project", "bess_project_comments", ["project_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "bess_project_shares",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("permission", sa.String(length=10), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["bess_projects.id"],
            name=op.f("fk_bess_project_shares_project_id_bess_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("project_id", "email", name=op.f("pk_bess_project_shares")),
    )
    op.create_index("idx_bess_project_shares_email", "bess_project_shares", ["email"], unique=False)
    op.create_table(
        "bess_project_versions",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_by_name", sa.String(length=320), server_default="", nullable=False),
        sa.Column("reason", sa.String(length=200), server_default="", nullable=False),
        sa.Column("snapshot", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["bess_projects.id"],
            name=op.f("fk_bess_project_versions_project_id_bess_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("project_id", "number", name=op.f("pk_bess_project_versions")),
    )
    op.create_table(
        "bess_simulations",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("simulation_type", sa.String(length=20), nullable=True),
        sa.Column("status", sa.String(length=20), server_default="pending", nullable=False),
        sa.Column("config_snapshot", postgresql.JSONB(), nullable=False),
        sa.Column("dispatch_template", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("duration_seconds", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.Column("summary_metrics", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("optimization_results", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("projection_results", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("hourly_data_path", sa.String(length=500), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_by_name", sa.String(length=320), server_default="", nullable=False),
        sa.Column("project_version", sa.Integer(), nullable=True),
        sa.Column("inputs_hash", sa.String(length=64), nullable=True),
        sa.Column("options", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("progress", sa.Double(), server_default="0", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("cases", sa.Integer(), nullable=True),
        sa.Column("goal_reached", sa.Boolean(), nullable=True),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["bess_projects.id"],
            name=op.f("fk_bess_simulations_project_id_bess_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bess_simulations")),
    )
    op.create_index("idx_bess_simulations_created", "bess_simulations", ["created_by", "created_at"], unique=False)
    op.create_index("idx_bess_simulations_job", "bess_simulations", ["job_id"], unique=False)
    op.create_index("idx_bess_simulations_project", "bess_simulations", ["project_id"], unique=False)


def downgrade() -> None:
    """Drop the tables, and what is in them."""
    op.drop_index("idx_bess_simulations_project", table_name="bess_simulations")
    op.drop_index("idx_bess_simulations_job", table_name="bess_simulations")
    op.drop_index("idx_bess_simulations_created", table_name="bess_simulations")
    op.drop_table("bess_simulations")
    op.drop_table("bess_project_versions")
    op.drop_index("idx_bess_project_shares_email", table_name="bess_project_shares")
    op.drop_table("bess_project_shares")
    op.drop_index("idx_bess_project_comments_project", table_name="bess_project_comments")
    op.drop_table("bess_project_comments")
    op.drop_index("idx_bess_projects_updated", table_name="bess_projects")
    op.drop_index("idx_bess_projects_tags", table_name="bess_projects", postgresql_using="gin")
    op.drop_index("idx_bess_projects_owner", table_name="bess_projects")
    op.drop_index(
        "idx_bess_projects_deleted", table_name="bess_projects", postgresql_where=sa.text("deleted_at IS NOT NULL")
    )
    op.drop_table("bess_projects")
    op.drop_index("idx_bess_profiles_owner", table_name="bess_profiles")
    op.drop_index("idx_bess_profiles_created", table_name="bess_profiles")
    op.drop_table("bess_profiles")
