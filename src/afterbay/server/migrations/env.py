"""Runs the revisions on the connection that `migrate` gives."""

from __future__ import annotations

from typing import Any

from alembic import context

from afterbay.server.db import Base
from afterbay.server.fleet import tables as fleet
from afterbay.server.platform.audit import tables as audit
from afterbay.server.platform.idempotency import tables as idempotency
from afterbay.server.platform.identity import tables as identity
from afterbay.server.platform.jobs import tables as jobs
from afterbay.server.platform.notifications import tables as notifications
from afterbay.server.platform.storage import tables as storage
from afterbay.server.profiles import tables as profiles
from afterbay.server.sizing import tables as sizing

# To import them is to put their tables into the metadata.
_SLICES = (fleet, audit, idempotency, identity, jobs, notifications, storage, profiles, sizing)


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
