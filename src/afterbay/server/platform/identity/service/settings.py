"""What an operator decides about identity; the server's settings fill these records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from afterbay.core.errors import Problems

__all__ = ["PLATFORM_ADMIN", "IdentitySettings", "OidcSettings", "read_role_mapping"]

PLATFORM_ADMIN = ("platform", "admin")
"""Stands in a mapping for an administrator of the platform."""


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """One provider of single sign-on."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    """Empty: a public client, which PKCE alone protects."""
    name: str = "single sign-on"
    """What the page of signing in calls it."""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    role_claim: str = "groups"
    """Claim of the ID token that is mapped to roles; dots go into nested claims."""
    roles: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    """Module and role by value of the claim; empty: grants are made by hand alone."""
    link_by_email: bool = False
    """An address that the provider verified opens the local account with the same address."""
    create_users: bool = False
    """Somebody unknown gets an account at the first sign-in."""
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """Life times, rules and places."""

    key_file: Path
    """Keys that sign access tokens, newest first; made when it is missing."""
    secret_keys: tuple[str, ...] = field(default=(), repr=False)
    """Keys given by the operator instead of the file; the first one signs, the others are still accepted."""
    secure_cookies: bool = False
    """Browsers send cookies over TLS only; always, off loopback."""
    mails_links: bool = False
    """Who forgot a password can have a link mailed: a mail server and `public_url` are set."""
    public_url: str = ""
    """Where users reach us, such as https://afterbay.example; empty: as they called us."""
    access_s: int = 600
    """Life of an access token [s]."""
    refresh_s: int = 14 * 86_400
    """A session that nobody uses ends after this [s]."""
    session_s: int = 90 * 86_400
    """Every session ends after this [s]."""
    refresh_leeway_s: int = 10
    """A refresh token may be shown again so soon [s]: two tabs at once, an answer that was lost."""
    link_s: int = 72 * 3_600
    """Life of a one-time link [s]."""
    token_days_max: int = 366
    """Longest life of a personal token [days]."""
    password_min: int = 12
    """Fewest characters of a password."""
    oidc: OidcSettings | None = None


def read_role_mapping(text: str) -> dict[str, frozenset[tuple[str, str]]]:
    """Return a mapping of claims to roles, written as `engineers=bess-sizing:engineer+fleet:viewer, it=platform:admin`.

    Raises:
        InvalidInputError: With every part that cannot be read.
    """
    found: dict[str, frozenset[tuple[str, str]]] = {}
    problems = Problems()
    for entry in (part.strip() for part in text.split(",") if part.strip()):
        value, equals, right = (part.strip() for part in entry.rpartition("="))
        pairs = [tuple(word.strip() for word in pair.split(":")) for pair in right.split("+")]
        if not equals or not value or any(len(pair) != 2 or not all(pair) for pair in pairs):
            problems.add("AFTERBAY_OIDC_ROLES", entry, "VALUE=MODULE:ROLE, several roles joined by +",
                         "such as engineers=bess-sizing:engineer")  # fmt: skip
            continue
        found[value] = found.get(value, frozenset()) | {(pair[0], pair[1]) for pair in pairs}
    problems.raise_if_any()
    return found
