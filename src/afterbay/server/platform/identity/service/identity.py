"""Identity as a whole: settings, keys, clock and roles, made once at the start and given to every call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from afterbay.core.errors import Problems
from afterbay.server.platform.identity.service.keys import SigningKeys, open_keys
from afterbay.server.platform.identity.service.passwords import Passwords
from afterbay.server.platform.identity.service.provider import Provider
from afterbay.server.platform.identity.service.settings import PLATFORM_ADMIN, IdentitySettings
from afterbay.server.principal import Principal

if TYPE_CHECKING:
    from pwdlib import PasswordHash

__all__ = ["CSRF_COOKIE", "CSRF_HEADER", "REFRESH_COOKIE", "SESSION_COOKIE", "Caller", "Identity", "Roles", "SignedIn",
           "make_identity", "utc_now"]  # fmt: skip

SESSION_COOKIE: Final = "afterbay_session"
REFRESH_COOKIE: Final = "afterbay_refresh"
CSRF_COOKIE: Final = "afterbay_csrf"
CSRF_HEADER: Final = "X-CSRF-Token"

Roles = Mapping[str, Mapping[str, frozenset[str]]]
"""Permissions by module and role, as the manifests have them."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request comes from."""

    address: str = ""
    request_id: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who is signed in."""

    principal: Principal
    session_id: UUID | None = None
    """None: by a personal token."""
    csrf: str = ""
    """What a browser must send with changes."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Everything that deciding about identity needs, beside the database."""

    settings: IdentitySettings
    roles: Roles
    keys: SigningKeys
    passwords: Passwords
    clock: Callable[[], datetime]
    provider: Provider | None = None
    """Single sign-on, where it is set up."""

    def permissions(self, module: str, role: str) -> frozenset[str]:
        """Return what a role may do in a module; nothing, if either does not exist."""
        return self.roles.get(module, {}).get(role, frozenset())


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def make_identity(
    settings: IdentitySettings,
    roles: Roles,
    *,
    clock: Callable[[], datetime] = utc_now,
    hasher: PasswordHash | None = None,
) -> Identity:
    """Return identity as settings ask for it; makes the file of keys when it is missing.

    Args:
        settings: What the operator decided.
        roles: Permissions by module and role.
        clock: Tells the time, in UTC.
        hasher: How passwords are hashed; default: argon2id.

    Raises:
        InvalidInputError: If keys cannot be used, or a mapping names a role that does not exist.
    """
    problems = Problems()
    for value, pairs in (settings.oidc.roles if settings.oidc else {}).items():
        for module, role in sorted(pairs):
            if (module, role) != PLATFORM_ADMIN and role not in roles.get(module, {}):
                allowed = [f"{one}:{name}" for one, names in roles.items() for name in names]
                problems.add("AFTERBAY_OIDC_ROLES", f"{value}={module}:{role}",
                             ", ".join([*allowed, ":".join(PLATFORM_ADMIN)]))  # fmt: skip
    problems.raise_if_any()
    return Identity(
        settings,
        roles,
        open_keys(settings.key_file, settings.secret_keys),
        Passwords(shortest=settings.password_min, hasher=hasher),
        clock,
        Provider(settings.oidc) if settings.oidc else None,
    )
