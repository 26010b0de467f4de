"""Asks and fills `bess_profiles`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert

from afterbay.server.db import Repository
from afterbay.server.profiles.tables import ProfileRow
from afterbay.server.rest.paging import Order, PageRequest, Slice, Sort, fetch_page

__all__ = ["SORTS", "ProfileQuery", "ProfileRepository"]

SORTS: Final = ("created_at", "name")
_COLUMNS: Final = {"created_at": ProfileRow.created_at, "name": ProfileRow.name}
_Lock: TypeAlias = Literal["no", "share", "change"]


@dataclass(frozen=True, slots=True)
class ProfileQuery:
    """What somebody looks for among profiles; what is None or empty does not narrow it."""

    owner_id: UUID | None
    """None: of everybody."""
    profile_type: str | None = None
    source: str | None = None
    text: str = ""
    """Part of the name, in any case of letters."""


class ProfileRepository(Repository):
    """Profiles, without their values."""

    def find(self, profile_id: UUID, *, lock: _Lock = "no") -> ProfileRow | None:
        """Return a profile; `share` keeps others from removing it until the commit, `change` from using it."""
        query = select(ProfileRow).where(ProfileRow.id == profile_id)
        if lock != "no":
            query = query.with_for_update(read=lock == "share").execution_options(populate_existing=True)
        return self.session.scalars(query).one_or_none()

    def add(self, **columns: Any) -> ProfileRow:
        """Add a profile and return its row."""
        row = ProfileRow(**columns)
        self.session.add(row)
        self.session.flush()
        self.session.refresh(row)
        return row

    def add_once(self, **columns: Any) -> None:
        """Add a profile unless it is there."""
        self.session.execute(insert(ProfileRow).values(**columns).on_conflict_do_nothing(index_elements=["id"]))

    def remove(self, row: ProfileRow) -> None:
        """Remove a profile."""
        self.session.delete(row)
        self.session.flush()

    def page(self, wanted: ProfileQuery, page: PageRequest, sort: Sort) -> Slice[ProfileRow]:
        """Return one page of profiles; those of the program's library are not among them."""
        query = select(ProfileRow).where(ProfileRow.recipe.is_(None))
        if wanted.owner_id is not None:
            query = query.where(ProfileRow.owner_id == wanted.owner_id)
        if wanted.profile_type is not None:
            query = query.where(ProfileRow.profile_type == wanted.profile_type)
        if wanted.source is not None:
            query = query.where(ProfileRow.source == wanted.source)
        if wanted.text:
            part = wanted.text.lower()
            found = (
                func.lower(one).contains(part, autoescape=True) for one in (ProfileRow.name, ProfileRow.description)
            )
            query = query.where(or_(*found))
        return fetch_page(self.session, query, page, Order(sort, _COLUMNS[sort.name], ProfileRow.id))
