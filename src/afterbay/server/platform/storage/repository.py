"""Questions to the table of stored objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from afterbay.server.db import Repository
from afterbay.server.platform.storage.tables import StoredObject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from afterbay.server.platform.storage.interface import Stored

__all__ = ["StorageRepository"]


class StorageRepository(Repository):
    """Asks and changes `stored_objects`."""

    def note(self, stored: Stored, module: str, resource_id: UUID) -> None:
        """Note an object, in place of an older one of the same key."""
        columns = {
            "sha256": stored.sha256, "size_bytes": stored.size, "module": module, "resource_id": resource_id,
            "created_at": func.clock_timestamp(), "released_at": None,
        }  # fmt: skip
        statement = insert(StoredObject).values(key=stored.key, **columns)
        self.session.execute(statement.on_conflict_do_update(index_elements=["key"], set_=columns))

    def find(self, key: str) -> StoredObject | None:
        """Return what is noted of an object that is not given up."""
        query = select(StoredObject).where(StoredObject.key == key, StoredObject.released_at.is_(None))
        return self.session.scalars(query.execution_options(populate_existing=True)).one_or_none()

    def release(self, key: str) -> None:
        """Give an object up."""
        self.session.execute(
            update(StoredObject).where(StoredObject.key == key).values(released_at=func.clock_timestamp())
        )

    def release_all(self, module: str, resource_id: UUID) -> None:
        """Give all objects of a resource up."""
        of_it = (StoredObject.module == module, StoredObject.resource_id == resource_id)
        self.session.execute(
            update(StoredObject)
            .where(*of_it, StoredObject.released_at.is_(None))
            .values(released_at=func.clock_timestamp())
        )

    def known(self, keys: Sequence[str]) -> set[str]:
        """Return which of these keys are noted, given up or not."""
        return set(self.session.scalars(select(StoredObject.key).where(StoredObject.key.in_(keys))))

    def released(self, before: datetime, limit: int) -> Sequence[str]:
        """Return, locked, keys that were given up before a moment."""
        query = select(StoredObject.key).where(StoredObject.released_at < before).limit(limit)
        return self.session.scalars(query.with_for_update(skip_locked=True)).all()

    def drop(self, keys: Sequence[str]) -> None:
        """Forget objects."""
        self.session.execute(delete(StoredObject).where(StoredObject.key.in_(keys)))

    def bytes_of(self, module: str, resource_id: UUID) -> int:
        """Return the size of all objects of a resource [bytes]."""
        query = select(func.coalesce(func.sum(StoredObject.size_bytes), 0)).where(
            StoredObject.module == module,
            StoredObject.resource_id == resource_id,
            StoredObject.released_at.is_(None),
        )
        return int(self.session.scalars(query).one())
