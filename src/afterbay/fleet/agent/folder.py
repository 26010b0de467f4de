"""The agent's data folder belongs to one agent at a time."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from afterbay.core.errors import ConflictError, InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["held_folder", "holder_of_folder"]

_LOCK = "agent.lock"


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Make the folder and hold it; the system lets go when this process ends, also by a crash.

    Raises:
        ConflictError: If another agent holds it.
        InvalidInputError: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / _LOCK).open("a+b")
    except OSError as error:
        problem = Problem("AFTERBAY_AGENT_DATA", f"{folder} ({error.strerror})", "a folder that can be written", "")
        raise InvalidInputError(problem) from None
    with stream:
        if not _take(stream):
            by = holder_of_folder(folder)
            who = f" by process {by}" if by is not None else ""
            raise ConflictError(f"{folder} is in use{who} -> end that agent, or give each agent its own folder")
        # A full disk is no reason not to run: the number is for people.
        with suppress(OSError):
            stream.truncate(0)
            stream.write(str(os.getpid()).encode())
            stream.flush()
        yield


def holder_of_folder(folder: Path) -> int | None:
    """Return the process that holds a folder; None: nobody does."""
    try:
        with (folder / _LOCK).open("r+b") as stream:
            if _take(stream):
                return None
            stream.seek(0)
            return int(stream.read() or b"0")
    except (OSError, ValueError):
        return None


if sys.platform == "win32":
    import msvcrt

    # Far behind the text, because Windows also keeps readers out of locked bytes.
    def _take(stream: IO[bytes]) -> bool:
        stream.seek(1 << 30)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(stream: IO[bytes]) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
