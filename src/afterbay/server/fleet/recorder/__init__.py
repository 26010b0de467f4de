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


def open_recorder(engine: Engine, folder: Path, *, buffer_mb: int = 1024) -> DatabaseRecorder:
    """Return a recorder into a database that keeps in a folder what the database cannot take now."""
    return DatabaseRecorder(Store(engine), DiskBuffer(folder, buffer_mb * 2**20))
