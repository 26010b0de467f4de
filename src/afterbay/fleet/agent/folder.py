"""The agent's data folder belongs to one agent at a time."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from afterbay.core.errors import ConflictError, InvalidInputError, Problem
from afterbay.core.folder_lock import holder_of, locked, only_one

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
    with ExitStack() as stack:
        try:
            stack.enter_context(only_one(folder / _LOCK, "an agent"))
        except ConflictError:
            by = holder_of_folder(folder)
            who = f" by process {by}" if by else ""
            raise ConflictError(
                f"{folder} is in use{who} -> end that agent, or give each agent its own folder"
            ) from None
        except InvalidInputError as error:
            got = f"{folder} ({error.problems[0].got})"
            raise InvalidInputError(Problem("AFTERBAY_AGENT_DATA", got, "a folder that can be written")) from None
        yield


def holder_of_folder(folder: Path) -> int | None:
    """Return the process that holds a folder, 0 if it does not say which it is; None: nobody does."""
    path = folder / _LOCK
    if not locked(path):
        return None
    holder = holder_of(path)
    return int(holder["pid"]) if holder is not None else 0
