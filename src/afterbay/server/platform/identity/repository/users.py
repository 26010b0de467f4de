"""Users, their grants, and their accounts at a provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from afterbay.server.db import Repository
from afterbay.server.platform.identity.tables import GrantRow, OidcIdentity, User
from afterbay.server.rest.paging import Order, PageRequest, Slice, Sort, fetch_page

__all__ = ["UserQuery", "UserRepository"]

_ADMINISTRATORS = "afterbay.administrators"


@dataclass(frozen=True, slots=True)
class UserQuery:
    """Which users somebody looks for; what is None or empty does not narrow it."""

    text: str = ""
    """Part of the address or the name, in any case of letters."""
    active: bool | None = None
    administrators: bool | None = None
    module: str = ""
    """With a role in this module."""


class UserRepository(Repository):
    """Asks and fills `users`, `grants` and `oidc_identities`."""

    def add(self, user: User) -> None:
        """Add a user."""
        self.session.add(user)
        self.session.flush()

    def make(self, **columns: object) -> User:
        """Add a user with these columns."""
        user = User(**columns)
        self.add(user)
        return user

    def get(self, user_id: UUID, *, lock: bool = False) -> User | None:
        """Return a user, held against changes by others until the transaction ends if that is asked."""
        query = select(User).where(User.id == user_id)
        if lock:
            query = query.with_for_update().execution_options(populate_existing=True)
        return self.session.scalars(query).one_or_none()

    def find(self, email_key: str) -> User | None:
        """Return the user with this address."""
        return self.session.scalars(select(User).where(User.email_key == email_key)).one_or_none()

    def page(self, wanted: UserQuery, page: PageRequest) -> Slice[User]:
        """Return one page of users, by address."""
        query = select(User)
        if wanted.text:
            part = wanted.text.casefold()
            query = query.where(
                or_(
                    User.email_key.contains(part, autoescape=True),
                    func.lower(User.name).contains(part, autoescape=True),
                )
            )
        if wanted.active is not None:
            query = query.where(User.is_active.is_(wanted.active))
        if wanted.administrators is not None:
            query = query.where(User.is_admin.is_(wanted.administrators))
        if wanted.module:
            query = query.where(User.id.in_(select(GrantRow.user_id).where(GrantRow.module == wanted.module)))
        return fetch_page(self.session, query, page, Order(Sort("email"), User.email_key, User.id))

    def wait_for_administrators(self) -> None:
        """Wait until nobody else changes who is an administrator, and hold that until the transaction ends."""
        self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(_ADMINISTRATORS, 0))))

    def count_administrators(self) -> int:
        """Return how many administrators may sign in."""
        query = select(func.count()).select_from(User).where(User.is_admin, User.is_active)
        return self.session.scalars(query).one()

    def can_an_administrator_sign_in(self) -> bool:
        """Has an active administrator a password, or an account at a provider?"""
        linked = select(OidcIdentity.user_id).where(OidcIdentity.user_id == User.id).exists()
        query = select(User.id).where(User.is_admin, User.is_active, or_(User.password_hash.is_not(None), linked))
        return self.session.scalars(query.limit(1)).first() is not None

    def grants(self, user_ids: Sequence[UUID]) -> Sequence[GrantRow]:
        """Return the grants of users, also those that are over."""
        query = select(GrantRow).where(GrantRow.user_id.in_(user_ids)).order_by(GrantRow.user_id, GrantRow.module)
        return self.session.scalars(query.execution_options(populate_existing=True)).all()

    def give(self, **columns: object) -> None:
        """Give a role in a module; it takes the place of another one there."""
        query = insert(GrantRow).values(**columns)
        fresh = {name: query.excluded[name] for name in columns if name not in ("user_id", "module")}
        self.session.execute(query.on_conflict_do_update(index_elements=["user_id", "module"], set_=fresh))

    def take(self, user_id: UUID, module: str) -> bool:
        """Take a role away; False if there was none."""
        query = delete(GrantRow).where(GrantRow.user_id == user_id, GrantRow.module == module).returning(GrantRow.role)
        return self.session.execute(query).first() is not None

    def identity(self, issuer: str, subject: str) -> OidcIdentity | None:
        """Return an account at a provider."""
        return self.session.get(OidcIdentity, (issuer, subject))

    def link(self, **columns: object) -> OidcIdentity:
        """Remember which user an account at a provider belongs to."""
        identity = OidcIdentity(**columns)
        self.session.add(identity)
        self.session.flush()
        return identity

    def identities(self, user_id: UUID) -> Sequence[OidcIdentity]:
        """Return the accounts at providers of a user."""
        return self.session.scalars(select(OidcIdentity).where(OidcIdentity.user_id == user_id)).all()

    def touch(self, user: User, now: datetime) -> None:
        """Count a change of a user."""
        user.version += 1
        user.updated_at = now
        self.session.flush()
