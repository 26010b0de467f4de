"""Listens to the headend: reconciles the inventory, stores what happens, restores state after a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterbay.server.fleet.recorder.buffer import DiskBuffer
from afterbay.server.fleet.recorder.recorder import DatabaseRecorder, RecorderStatus
from afterbay.server.fleet.recorder.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

__all__ = ["DatabaseRecorder", "DiskBuffer", "RecorderStatus", "Store", "open_recorder"]


def open_recorder(
    engine: Engine, folder: Path, *, buffer_mb: int = 1024, keep_days: float | None = None
) -> DatabaseRecorder:
    """Return a recorder into a database.

    Args:
        engine: The database.
        folder: Keeps what the database cannot take now.
        buffer_mb: At most so much of it [MB].
        keep_days: Telemetry of weeks that ended longer ago is dropped; None: everything is kept.

    Raises:
        OutOfRangeError: `keep_days` is less than a day.
    """
    return DatabaseRecorder(Store(engine), DiskBuffer(folder, buffer_mb * 2**20), keep_days=keep_days)
