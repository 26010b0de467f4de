"""What the service hands out: records without secrets."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from afterbay.core.errors import Problems
from afterbay.server.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from afterbay.server.platform.identity.service.identity import Caller, Identity
    from afterbay.server.platform.identity.tables import GrantRow, User

__all__ = ["Account", "Grant", "account_of", "check_person", "email_key", "principal_of", "whence"]

_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f<>\",;]+@[^@\s\x00-\x1f\x7f<>\",;]+")
_LONGEST_ADDRESS = 320
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Grant:
    """The role of a user in a module."""

    module: str
    role: str
    source: str
    granted_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Account:
    """A user, as administrators and the user see it."""

    id: UUID
    email: str
    name: str
    is_admin: bool
    is_active: bool
    has_password: bool
    version: int
    created_at: datetime
    updated_at: datetime
    last_sign_in_at: datetime | None
    grants: tuple[Grant, ...]
    """Also those that are over."""


def email_key(email: str) -> str:
    """Return an address in the one way of writing it by which accounts are found."""
    return unicodedata.normalize("NFKC", email.strip()).casefold()


def check_person(email: str | None, name: str | None) -> None:
    """Refuse what is no address or no name; None is not looked at.

    Raises:
        InvalidInputError: With everything that is wrong.
    """
    problems = Problems()
    if email is not None and (not _ADDRESS.fullmatch(email.strip()) or len(email_key(email)) > _LONGEST_ADDRESS):
        problems.add("/email", email[:100], "an address such as name@example.org")
    if name is not None and (len(name) > _LONGEST_NAME or any(unicodedata.category(sign) == "Cc" for sign in name)):
        problems.add("/name", f"{len(name)} characters", f"at most {_LONGEST_NAME}, on one line")
    problems.raise_if_any()


def account_of(user: User, grants: Iterable[GrantRow]) -> Account:
    """Return a user as a record."""
    return Account(
        user.id, user.email, user.name, user.is_admin, user.is_active, user.password_hash is not None, user.version,
        user.created_at, user.updated_at, user.last_sign_in_at,
        tuple(Grant(one.module, one.role, one.source, one.granted_at, one.expires_at)
              for one in grants if one.user_id == user.id),
    )  # fmt: skip


def principal_of(
    identity: Identity,
    user: User,
    grants: Sequence[GrantRow],
    caller: Caller,
    *,
    scopes: frozenset[str] | None = None,
) -> Principal:
    """Return a user as somebody who acts, with what the grants that are not over allow."""
    now = identity.clock()
    allowed = {
        one.module: identity.permissions(one.module, one.role)
        for one in grants
        if one.user_id == user.id and (one.expires_at is None or one.expires_at > now)
    }
    return Principal(
        user.id, user.email, user.name, user.is_admin, allowed, scopes, caller.address, caller.request_id
    )  # fmt: skip


def whence(principal: Principal, caller: Caller) -> Principal:
    """Return a principal with the place of a request."""
    return replace(principal, address=caller.address, request_id=caller.request_id)
