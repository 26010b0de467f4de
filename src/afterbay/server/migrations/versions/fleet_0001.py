"""The fleet's tables; a database of the original is taken over with every row.

Revision: fleet_0001, the first one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from afterbay.server.migrations.adoption import bring_back, put_aside
from afterbay.server.partitions import SCHEMA, ensure_partitions, has_timescale, make_rest

__all__ = ["branch_labels", "depends_on", "down_revision", "downgrade", "revision", "upgrade"]

revision = "fleet_0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = ("dispatch_changes", "dispatches", "agent_sessions", "heartbeats", "events", "telemetry", "assets", "sites")


def upgrade() -> None:
    """Make the tables; read the original's rows into them, if there are any."""
    connection = op.get_bind()
    timescale = has_timescale(connection)
    names = put_aside(connection)
    _make_tables(timescale=timescale)
    if timescale:
        # Offered, never required: another server gets partitions of its own making.
        connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS timescaledb"))
        connection.execute(sa.text("SELECT create_hypertable('telemetry', 'ts', create_default_indexes => false)"))
    else:
        make_rest(connection, "telemetry")
        now = datetime.now(UTC)
        ensure_partitions(connection, "telemetry", now - timedelta(days=8), now + timedelta(days=28), column="ts")
    bring_back(connection, names)


def downgrade() -> None:
    """Drop the tables, and what is in them."""
    for table in _TABLES:
        op.drop_table(table)
    op.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


def _make_tables(*, timescale: bool) -> None:
    op.create_table(
        "agent_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("gateway_id", sa.Text(), server_default="", nullable=False),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disconnected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_sessions")),
    )
    op.create_index(
        op.f("ix_agent_sessions_asset_id_connected_at"), "agent_sessions", ["asset_id", "connected_at"], unique=False
    )
    op.create_table(
        "dispatch_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dispatch_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatch_changes")),
        sa.UniqueConstraint(
            "dispatch_id",
            "asset_id",
            "at",
            "state",
            name=op.f("uq_dispatch_changes_dispatch_id_asset_id_at_state"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "dispatches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("asset_ids", sa.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("mw", sa.Double(), nullable=False),
        sa.Column("requested_mw", sa.Double(), nullable=False),
        sa.Column("clamped", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=True),
        sa.Column("status", sa.Text(), server_default="accepted", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), server_default="operator", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("document", JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatches")),
    )
    op.create_index("ix_dispatches_asset_ids", "dispatches", ["asset_ids"], unique=False, postgresql_using="gin")
    op.create_index(
        "ix_dispatches_open", "dispatches", ["updated_at"], unique=False, postgresql_where=sa.text("NOT is_final")
    )
    op.create_index(op.f("ix_dispatches_submitted_at"), "dispatches", ["submitted_at"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("ts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_asset_id_ts"), "events", ["asset_id", "ts"], unique=False)
    op.create_table(
        "heartbeats",
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("ts", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("asset_id", "ts", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "sites",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), server_default="", nullable=False),
        sa.Column("settings", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
    )
    op.create_table(
        "telemetry",
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("ts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("soc_mwhr", sa.Double(), nullable=True),
        sa.Column("soc_pct", sa.Double(), nullable=True),
        sa.Column("capacity_mwhr", sa.Double(), nullable=True),
        sa.Column("current_mw", sa.Double(), nullable=False),
        sa.Column("setpoint_mw", sa.Double(), nullable=True),
        sa.Column("max_mw", sa.Double(), nullable=False),
        sa.Column("min_mw", sa.Double(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("asset_type", sa.Text(), server_default="storage", nullable=False),
        sa.Column("online", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("fault_code", sa.Text(), nullable=True),
        sa.Column("limited_by", sa.Text(), nullable=True),
        sa.Column("quality", sa.Text(), server_default="good", nullable=False),
        sa.Column("origin", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("lease_id", sa.Text(), nullable=True),
        sa.Column("energy_in_mwh", sa.Double(), nullable=True),
        sa.Column("energy_out_mwh", sa.Double(), nullable=True),
        sa.Column("available_charge_mw", sa.Double(), nullable=True),
        sa.Column("available_discharge_mw", sa.Double(), nullable=True),
        sa.Column("temperature_c", sa.Double(), nullable=True),
        sa.Column("soh_pct", sa.Double(), nullable=True),
        sa.Column("cycle_count", sa.Double(), nullable=True),
        sa.Column("details", JSONB(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("asset_id", "ts", "seq", name=op.f("pk_telemetry")),
        postgresql_partition_by=None if timescale else "RANGE (ts)",
    )
    op.create_index("ix_telemetry_ts_brin", "telemetry", ["ts"], unique=False, postgresql_using="brin")
    op.create_table(
        "assets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), server_default="", nullable=False),
        sa.Column("asset_type", sa.Text(), server_default="storage", nullable=False),
        sa.Column("capacity_mwhr", sa.Double(), nullable=False),
        sa.Column("max_mw", sa.Double(), nullable=False),
        sa.Column("min_mw", sa.Double(), nullable=False),
        sa.Column("efficiency", sa.Double(), nullable=False),
        sa.Column("ramp_rate_mw_per_min", sa.Double(), nullable=False),
        sa.Column("min_soc_pct", sa.Double(), server_default="0", nullable=False),
        sa.Column("max_soc_pct", sa.Double(), server_default="100", nullable=False),
        sa.Column("settings", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_assets_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assets")),
    )
    op.create_index(op.f("ix_assets_site_id"), "assets", ["site_id"], unique=False)
