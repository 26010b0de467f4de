"""From an account at the provider to a user of ours: linking, making, and roles from claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from afterbay.core.errors import InvalidInputError
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.identity.repository import UserRepository
from afterbay.server.platform.identity.service.records import check_person, email_key, principal_of, whence
from afterbay.server.platform.identity.service.sessions import Tokens, open_session
from afterbay.server.platform.identity.service.settings import PLATFORM_ADMIN
from afterbay.server.principal import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from afterbay.server.platform.identity.service.identity import Caller, Identity
    from afterbay.server.platform.identity.service.settings import OidcSettings
    from afterbay.server.platform.identity.tables import User

__all__ = ["NotAdmitted", "mapped_roles", "sign_in_by_claims"]

NotAdmitted = Literal["unknown", "closed"]
"""The provider knows somebody whom we do not, or whose account is closed."""


def sign_in_by_claims(
    session: Session, identity: Identity, caller: Caller, settings: OidcSettings, claims: Mapping[str, Any]
) -> Tokens | NotAdmitted:
    """Begin a session for somebody whom the provider vouches for; roles follow the claims each time.

    The caller lets the transaction commit also when somebody is not admitted, so that the trail has it.
    """
    users = UserRepository(session)
    user = _find(session, identity, caller, settings, claims)
    if user is None or not user.is_active:
        reason: NotAdmitted = "unknown" if user is None else "closed"
        log_action(session, whence(SYSTEM, caller), "platform", "sign-in.refused",
                   user.id if user else "unknown account", {"by": "oidc", "reason": reason})  # fmt: skip
        return reason
    _apply_roles(session, identity, caller, settings, user, claims)
    tokens = open_session(session, identity, caller, user, "cookie")
    principal = principal_of(identity, user, users.grants([user.id]), caller)
    log_action(session, principal, "platform", "sign-in.succeeded", user.id, {"mode": "cookie", "by": "oidc"})
    return tokens


def mapped_roles(settings: OidcSettings, claims: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Return the modules and roles that claims stand for."""
    found: Any = claims
    for name in settings.role_claim.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    values: Iterable[Any] = found if isinstance(found, list | tuple) else [found]
    return frozenset(
        pair for value in values if isinstance(value, str) for pair in settings.roles.get(value, frozenset())
    )  # fmt: skip


def _find(
    session: Session, identity: Identity, caller: Caller, settings: OidcSettings, claims: Mapping[str, Any]
) -> User | None:
    users, now = UserRepository(session), identity.clock()
    subject = str(claims["sub"])
    known = users.identity(settings.issuer, subject)
    if known is not None:
        known.last_used_at = now
        return users.get(known.user_id, lock=True)
    email = _email(claims)
    if email is None:
        return None
    # An address that nobody verified would open any account to whoever writes it into their profile.
    verified = claims.get("email_verified") is True
    user = users.find(email_key(email))
    if user is not None and not (settings.link_by_email and verified):
        return None
    if user is None:
        # Projects are shared by address: one that the provider says nobody verified must not collect them.
        if not settings.create_users or claims.get("email_verified") in (False, "false"):
            return None
        user = users.make(
            id=uuid4(), email=email, email_key=email_key(email), name=str(claims.get("name") or "")[:200].strip(),
            is_admin=False, admin_source="manual", is_active=True, version=1, created_at=now, updated_at=now,
        )  # fmt: skip
        log_action(session, whence(SYSTEM, caller), "platform", "user.created", user.id,
                   {"by": "oidc"}, after={"email": user.email})  # fmt: skip
    if user.is_active:
        users.link(issuer=settings.issuer, subject=subject, user_id=user.id, email=email, linked_at=now,
                   last_used_at=now)  # fmt: skip
        log_action(session, whence(SYSTEM, caller), "platform", "identity.linked", user.id,
                   {"issuer": settings.issuer, "subject": subject})  # fmt: skip
    return user


def _email(claims: Mapping[str, Any]) -> str | None:
    email = claims.get("email")
    if not isinstance(email, str) or len(str(claims["sub"])) > 255:
        return None
    try:
        check_person(email, None)
    except InvalidInputError:
        return None
    return email.strip()


def _apply_roles(
    session: Session, identity: Identity, caller: Caller, settings: OidcSettings, user: User, claims: Mapping[str, Any]
) -> None:
    """Make grants that came from claims what the claims say now; those made by hand stay."""
    if not settings.roles:
        return
    users, now = UserRepository(session), identity.clock()
    before = {one.module: one for one in users.grants([user.id])}
    was = {"admin": user.is_admin, **{module: one.role for module, one in before.items()}}
    wanted = _largest(identity, mapped_roles(settings, claims))
    for module, role in wanted.items():
        over = module in before and before[module].expires_at is not None and before[module].expires_at <= now  # type: ignore[operator]
        if module not in before or before[module].source == "oidc" or over:
            users.give(user_id=user.id, module=module, role=role, source="oidc", granted_at=now,
                       granted_by=SYSTEM.id, expires_at=None)  # fmt: skip
    for module, one in before.items():
        if one.source == "oidc" and module not in wanted:
            users.take(user.id, module)
    is_admin = PLATFORM_ADMIN in mapped_roles(settings, claims)
    if is_admin and not user.is_admin:
        user.is_admin, user.admin_source = True, "oidc"
    elif not is_admin and user.is_admin and user.admin_source == "oidc":
        user.is_admin, user.admin_source = False, "manual"
    became = {"admin": user.is_admin, **{one.module: one.role for one in users.grants([user.id])}}
    if became != was:
        users.touch(user, now)
        log_action(session, whence(SYSTEM, caller), "platform", "grants.mapped", user.id, before=was, after=became)


def _largest(identity: Identity, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return one role by module: of several the one that may do most."""
    found: dict[str, str] = {}
    for module, role in sorted(pairs):
        now = found.get(module)
        if (module, role) == PLATFORM_ADMIN:
            continue
        if now is None or len(identity.permissions(module, role)) > len(identity.permissions(module, now)):
            found[module] = role
    return found
