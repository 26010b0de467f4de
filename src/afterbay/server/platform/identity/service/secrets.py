"""Random secrets, what is kept of them, and comparing them."""

from __future__ import annotations

import hashlib
import secrets
from hmac import compare_digest

__all__ = ["API_TOKEN_PREFIX", "LINK_PREFIX", "REFRESH_PREFIX", "digest", "new_secret", "same_secret"]

# A prefix lets people and scanners of leaked secrets see what they found.
API_TOKEN_PREFIX = "aft_"  # noqa: S105
REFRESH_PREFIX = "afr_"
LINK_PREFIX = "afl_"


def new_secret(prefix: str = "") -> str:
    """Return a new secret of 256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Return what is stored of a secret; one with 256 random bits needs no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def same_secret(given: str | None, expected: str) -> bool:
    """Compare two secrets in a time that does not tell where they differ; an empty one matches nothing."""
    if not given or not expected:
        return False
    return compare_digest(digest(given), digest(expected))
