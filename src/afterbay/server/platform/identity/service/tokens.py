"""Personal tokens: for the command, the client, and scripts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from afterbay.core.errors import NotFoundError, Problems
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.identity.repository import TokenRepository
from afterbay.server.platform.identity.service.records import principal_of
from afterbay.server.platform.identity.service.secrets import API_TOKEN_PREFIX, digest, new_secret
from afterbay.server.platform.identity.service.settings import PLATFORM_ADMIN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from afterbay.server.platform.identity.service.identity import Caller, Identity, Roles
    from afterbay.server.platform.identity.tables import ApiToken
    from afterbay.server.principal import Principal

__all__ = [
    "NewToken", "TokenView", "create_token", "give_up_token", "list_tokens", "module_of", "read_scopes", "revoke_token",
]  # fmt: skip

_ALIASES: Final = {"sizing": "bess-sizing"}
_GROUPS: Final = {"write": ("create", "update")}
_MOST_TOKENS: Final = 50


@dataclass(frozen=True, slots=True)
class TokenView:
    """A personal token, without its secret."""

    id: UUID
    name: str
    hint: str
    """Its last four characters."""
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    last_used_address: str


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made; its secret is shown once."""

    secret: str = field(repr=False)
    view: TokenView


def module_of(word: str) -> str:
    """Return the id of a module as people call it: `sizing` is `bess-sizing`."""
    return _ALIASES.get(word.strip(), word.strip())


def read_scopes(given: Iterable[str], roles: Roles) -> frozenset[str]:
    """Return scopes as `module:action` with the ids of modules; `sizing:write` is create and update.

    Args:
        given: As somebody wrote them.
        roles: What there is, by module and role.

    Raises:
        InvalidInputError: With every scope that does not exist, or if there is none.
    """
    problems = Problems()
    found: set[str] = set()
    words = list(given)
    if not words:
        problems.add("/scopes", "none", "one or more", "such as sizing:read")
    for word in words:
        module, _, action = word.strip().partition(":")
        module = module_of(module)
        actions = {one for allowed in roles.get(module, {}).values() for one in allowed}
        wanted = _GROUPS.get(action, (action,))
        if (module, action) == PLATFORM_ADMIN:
            found.add(":".join(PLATFORM_ADMIN))
        elif actions.issuperset(wanted):
            found.update(f"{module}:{one}" for one in wanted)
        else:
            problems.add("/scopes", word[:100], "module:action", f"{_listed(roles)}, or platform:admin")
    problems.raise_if_any()
    return frozenset(found)


def create_token(
    session: Session,
    identity: Identity,
    principal: Principal,
    name: str,
    scopes: Iterable[str],
    *,
    days: int,
    user_id: UUID | None = None,
) -> NewToken:
    """Make a token; it may what its scopes say, and never more than its owner may at the time.

    Args:
        session: Database.
        identity: Settings, clock, roles.
        principal: Who asks.
        name: What it is for.
        scopes: What it may do, such as `sizing:read`.
        days: How long it lives [days].
        user_id: Its owner; None: who asks.

    Raises:
        InvalidInputError: With everything that is wrong.
    """
    settings, problems = identity.settings, Problems()
    title = name.strip()
    if not 1 <= len(title) <= 200 or not title.isprintable():
        problems.add("/name", f"{len(title)} characters", "1 to 200 characters on one line", "say what it is for")
    if not 1 <= days <= settings.token_days_max:
        problems.add("/days", days, f"1 to {settings.token_days_max}")
    owner, repository = user_id or principal.id, TokenRepository(session)
    if len(repository.of_user(owner)) >= _MOST_TOKENS:
        problems.add("/tokens", _MOST_TOKENS, f"at most {_MOST_TOKENS}", "revoke those that are not used")
    problems.raise_if_any()
    allowed, now = read_scopes(scopes, identity.roles), identity.clock()
    secret = new_secret(API_TOKEN_PREFIX)
    row = repository.add(
        id=uuid4(), user_id=owner, name=title, token_hash=digest(secret), hint=secret[-4:], scopes=sorted(allowed),
        created_at=now, expires_at=now + timedelta(days=days), last_used_at=None, last_used_address="",
        revoked_at=None,
    )  # fmt: skip
    log_action(session, principal, "platform", "token.created", row.id,
               {"user": str(owner), "name": title, "scopes": sorted(allowed), "days": days})  # fmt: skip
    return NewToken(secret, _view(row))


def list_tokens(session: Session, user_id: UUID) -> list[TokenView]:
    """Return the tokens of a user, newest first; those that ran out too, until they are revoked."""
    return [_view(row) for row in TokenRepository(session).of_user(user_id)]


def revoke_token(
    session: Session, identity: Identity, principal: Principal, token_id: UUID, *, owner_id: UUID | None = None
) -> None:
    """End a token at once.

    Args:
        session: Database.
        identity: Clock.
        principal: Who asks.
        token_id: The token.
        owner_id: Whose it must be; None: anybody's.

    Raises:
        NotFoundError: If there is no such token of theirs.
    """
    row = TokenRepository(session).get(token_id)
    if row is None or row.revoked_at is not None or (owner_id is not None and row.user_id != owner_id):
        raise NotFoundError(f"there is no token {token_id} -> list the tokens")
    row.revoked_at = identity.clock()
    session.flush()
    log_action(session, principal, "platform", "token.revoked", row.id, {"user": str(row.user_id), "name": row.name})


def give_up_token(session: Session, identity: Identity, caller: Caller, token: str) -> bool:
    """End the personal token that is shown; False if there is nothing to end."""
    repository = TokenRepository(session)
    found = repository.owner(digest(token))
    if found is None or found[0].revoked_at is not None:
        return False
    revoke_token(session, identity, principal_of(identity, found[1], [], caller), found[0].id)
    return True


def _view(row: ApiToken) -> TokenView:
    return TokenView(
        row.id, row.name, row.hint, tuple(row.scopes), row.created_at, row.expires_at, row.last_used_at,
        row.last_used_address,
    )  # fmt: skip


def _listed(roles: Roles) -> str:
    parts = []
    for module, names in roles.items():
        actions = sorted({action for allowed in names.values() for action in allowed})
        parts.append(f"{module}:({'|'.join(actions)})")
    return ", ".join(parts)
