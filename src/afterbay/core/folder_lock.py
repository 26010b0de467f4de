"""One at a time: a lock that ends with its process, however that ends."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

from afterbay.core.errors import ConflictError, InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["holder_of", "locked", "only_one"]


@contextmanager
def only_one(
    path: Path,
    what: str,
    *,
    wait_s: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[None]:
    """Hold a lock file; the system lets go of it when this process ends, also by a crash.

    Args:
        path: The lock file; it stays, because taking it away would let two in.
        what: What is going on, for those who have to wait.
        wait_s: How long to wait for it [s].
        sleep: Waits so many seconds.
        clock: Seconds that only grow.

    Raises:
        ConflictError: If somebody else holds it.
        InvalidInputError: If the file cannot be made.
    """
    ends = clock() + wait_s
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: what a full disk did not take is not tried again when the file is closed.
        stream = path.open("a+b", buffering=0)
    except OSError as error:
        raise InvalidInputError(
            Problem(str(path), error.strerror or "no file", "a folder that can be written", "choose another folder")
        ) from None
    with stream:
        while not _take(stream):
            if clock() >= ends:
                holder = holder_of(path)
                who = f" by process {holder['pid']} ({holder['what']})" if holder else ""
                raise ConflictError(f"{what} has to wait: {path} is held{who} -> try again when that is done")
            sleep(0.05)
        try:
            # A full disk is no reason not to work: who holds the lock is for people.
            with suppress(OSError):
                stream.truncate(0)
                stream.write(json.dumps({"pid": os.getpid(), "what": what}).encode())
            yield
        finally:
            with suppress(OSError):
                stream.truncate(0)
            _give(stream)


def locked(path: Path) -> bool:
    """Does anybody hold this lock now?"""
    try:
        with path.open("r+b") as stream:
            if not _take(stream):
                return True
            _give(stream)
    except OSError:
        return False
    return False


def holder_of(path: Path) -> dict[str, Any] | None:
    """Return process id and purpose of who holds a lock, or None if nobody tells."""
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) and {"pid", "what"} <= set(told) else None


if sys.platform == "win32":
    import msvcrt

    # Far behind the text, because Windows also keeps readers out of locked bytes.
    _PLACE = 1 << 30

    def _take(stream: IO[bytes]) -> bool:
        stream.seek(_PLACE)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _give(stream: IO[bytes]) -> None:
        stream.seek(_PLACE)
        msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _take(stream: IO[bytes]) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _give(stream: IO[bytes]) -> None:
        fcntl.flock(stream, fcntl.LOCK_UN)
