"""How an agent is, read from its data folder, whether or not it runs."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from afterbay.core.errors import NotFoundError, UnavailableError
from afterbay.fleet.agent.folder import holder_of_folder
from afterbay.fleet.agent.spool import SPOOL_FILE

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["agent_status"]


def agent_status(folder: Path) -> dict[str, Any]:
    """Return what the agent of a folder last wrote down, what waits there now, and whether it runs.

    Raises:
        NotFoundError: If no agent ever kept its memory there.
        UnavailableError: If its file cannot be read.
    """
    path = folder / SPOOL_FILE
    if not path.is_file():
        raise NotFoundError(f"{folder} holds no agent's memory -> give the folder with --data")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=2.0)) as db:
            found = db.execute("SELECT value FROM state WHERE key = 'status'").fetchone()
            waiting = db.execute(
                "SELECT count(*), coalesce(sum(samples), 0), coalesce(sum(size), 0), min(at_us) FROM batches"
            ).fetchone()
    except sqlite3.Error as error:
        raise UnavailableError(f"{path}: {error} -> is the disk well?") from None
    status: dict[str, Any] = json.loads(found[0]) if found is not None else {}
    pid = holder_of_folder(folder)
    running = pid is not None
    if not running:
        status["link"] = {**status.get("link", {}), "connected": False}
    return {
        "data": str(folder),
        "running": running,
        "pid": pid,
        **status,
        "spool": {
            **status.get("spool", {}),
            "batches": waiting[0],
            "samples": waiting[1],
            "bytes": waiting[2],
            "oldest_at_us": waiting[3],
        },
    }
