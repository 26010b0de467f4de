"""Objects that belong to rows: kept with the change that needs them, collected when nothing needs them.

An object is written before its row commits, and removed after its row is gone: a crash between the two leaves an
object too many, never a row without its object. `collect_orphans` removes what is too many.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from afterbay.core.errors import NotFoundError
from afterbay.server.db import session_scope
from afterbay.server.platform.storage.repository import StorageRepository

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session, sessionmaker

    from afterbay.server.platform.storage.interface import Content, Storage, Stored

    Known: TypeAlias = Callable[[Session, Sequence[str]], Collection[str]]

__all__ = ["Collected", "claim", "collect_orphans", "keep", "read", "release", "release_all", "size_of"]

_BATCH = 500
_claims: dict[str, Known | None] = {}


@dataclass(frozen=True, slots=True)
class Collected:
    """What was removed."""

    objects: int
    """Objects that no row needs."""
    partial: int
    """Remains of interrupted writes."""


def keep(session: Session, storage: Storage, key: str, data: Content, *, module: str, resource_id: UUID) -> Stored:
    """Store an object and note, in the transaction of the session, what it belongs to.

    Args:
        session: The session of the change that needs the object.
        storage: Where it goes.
        key: A key of its own: of a content that is replaced the old object is lost even if the change is not made.
        data: The content.
        module: Id of the module.
        resource_id: What it belongs to.

    Raises:
        UnavailableError: If the storage does not answer or is full.
        InvalidInputError: If the key is none.
    """
    stored = storage.put(key, data)
    StorageRepository(session).note(stored, module, resource_id)
    return stored


def read(session: Session, storage: Storage, key: str) -> bytes:
    """Return an object that was kept, with the hash that was noted then.

    Raises:
        NotFoundError: If there is none, or it was given up.
        UnavailableError: If the storage does not answer, or the content is not what was kept.
    """
    row = StorageRepository(session).find(key)
    if row is None:
        raise NotFoundError(f"{key} is not in the storage")
    return storage.get(key, sha256=row.sha256)


def release(session: Session, key: str) -> None:
    """Give an object up; it is removed some time after the session commits."""
    StorageRepository(session).release(key)


def release_all(session: Session, module: str, resource_id: UUID) -> None:
    """Give every object of a resource up."""
    StorageRepository(session).release_all(module, resource_id)


def size_of(session: Session, module: str, resource_id: UUID) -> int:
    """Return the size of what is kept of a resource [bytes]."""
    return StorageRepository(session).bytes_of(module, resource_id)


def claim(prefix: str, known: Known | None = None) -> None:
    """Let objects under a prefix be collected when nothing knows of them; no others ever are.

    Args:
        prefix: Such as `simulations/`.
        known: Returns which of some keys are needed, for objects that were not kept by `keep`.
    """
    _claims[prefix] = known


def collect_orphans(
    sessions: sessionmaker[Session],
    storage: Storage,
    *,
    before: datetime,
    check: Callable[[], None] = lambda: None,
) -> Collected:
    """Remove objects that were given up, objects under claimed prefixes that no row needs, and remains of writes.

    Args:
        sessions: For one short transaction after the other.
        storage: Where to look.
        before: What is younger stays: its transaction may not have committed yet.
        check: Called between two batches; what it raises stops the work.

    Raises:
        UnavailableError: If database or storage do not answer.
    """
    gone = 0
    while True:
        check()
        with session_scope(sessions) as session:
            keys = StorageRepository(session).released(before, _BATCH)
            for key in keys:
                storage.delete(key)
            StorageRepository(session).drop(keys)
        gone += len(keys)
        if len(keys) < _BATCH:
            break
    for prefix, known in sorted(_claims.items()):
        found = (one.key for one in storage.list(prefix) if one.modified_at < before)
        while batch := list(islice(found, _BATCH)):
            check()
            with session_scope(sessions) as session:
                needed = StorageRepository(session).known(batch)
                if known is not None:
                    needed |= set(known(session, batch))
            for key in batch:
                if key not in needed:
                    storage.delete(key)
                    gone += 1
    return Collected(gone, storage.clean(before=before))
