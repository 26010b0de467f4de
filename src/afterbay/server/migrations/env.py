"""Runs the revisions on the connection that `migrate` gives."""

from __future__ import annotations

from typing import Any

from alembic import context

from afterbay.server.db import Base
from afterbay.server.fleet import tables  # noqa: F401 - its tables join the metadata


def _is_ours(_item: Any, _name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave alone what other programs keep in the same database (a job queue, Timescale's own)."""
    return not (kind == "table" and reflected and compare_to is None)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_object=_is_ours,
    compare_type=True,
    compare_server_default=False,
    # One transaction around all revisions is the caller's.
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
