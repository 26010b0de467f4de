"""Keys that sign access tokens: made once, kept in a file of ours, several at a time while they are exchanged."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from afterbay.core.errors import InvalidInputError, Problem

__all__ = ["SigningKeys", "open_keys", "rotate_keys"]

_ALGORITHM: Final = "HS256"
_SHORTEST: Final = 32
_KEPT: Final = 3
_ISSUER: Final = "afterbay"


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """Signs and reads tokens; each purpose has keys of its own, so that none passes for another."""

    secrets: tuple[str, ...] = field(repr=False)
    """Newest first: it signs, all are read."""

    def sign(self, purpose: str, claims: Mapping[str, Any], *, now: datetime, life_s: int) -> str:
        """Return a token that says `claims` for `life_s` [s]."""
        key = _key(self.secrets[0], purpose)
        issued = int(now.timestamp())
        full = {**claims, "iss": _ISSUER, "aud": purpose, "iat": issued, "exp": issued + life_s}
        return jwt.encode({"alg": _ALGORITHM, "kid": key.kid}, full, key, algorithms=[_ALGORITHM])

    def read(
        self, purpose: str, token: str, *, now: datetime, grace: timedelta = timedelta(0)
    ) -> dict[str, Any] | None:
        """Return what a token says, or None if it is not ours, for another purpose, or over for more than `grace`."""
        keys = KeySet([_key(one, purpose) for one in self.secrets])
        try:
            claims = jwt.decode(token, keys, algorithms=[_ALGORITHM]).claims
        except (JoseError, ValueError, TypeError, UnicodeError):
            return None
        expires = claims.get("exp")
        if claims.get("iss") != _ISSUER or claims.get("aud") != purpose or not isinstance(expires, int):
            return None
        return dict(claims) if now.timestamp() < expires + grace.total_seconds() else None


def open_keys(path: Path, given: Sequence[str] = ()) -> SigningKeys:
    """Return the keys that the operator gave, or those of a file, which is made when it is missing.

    Raises:
        InvalidInputError: If a key is too short, or others may read the file.
    """
    if given:
        for number, key in enumerate(given, 1):
            if len(key) < _SHORTEST:
                move = "make one with `python -c 'import secrets; print(secrets.token_urlsafe(48))'`"
                raise InvalidInputError(
                    Problem(
                        "AFTERBAY_SECRET_KEY", f"key {number} with {len(key)} characters", f"{_SHORTEST} or more", move
                    )
                )
        return SigningKeys(tuple(given))
    if not path.exists():
        _write_new(path, [secrets.token_urlsafe(48)], only_if_missing=True)
    return SigningKeys(_read(path))


def rotate_keys(path: Path) -> SigningKeys:
    """Put a new key before those of a file; servers sign with it from their next start, and still read the old ones.

    Raises:
        InvalidInputError: If the file cannot be used.
    """
    old = _read(path) if path.exists() else ()
    _write_new(path, [secrets.token_urlsafe(48), *old][:_KEPT], only_if_missing=False)
    return SigningKeys(_read(path))


def _read(path: Path) -> tuple[str, ...]:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        move = "check its path and permissions"
        raise InvalidInputError(Problem(str(path), reason, "a file of keys", move)) from None
    if os.name == "posix" and mode & 0o077:
        raise InvalidInputError(Problem(str(path), "readable by others", "mode 0600", f"chmod 600 {path}"))
    found = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not found or any(len(key) < _SHORTEST for key in found):
        move = "delete it: everybody characters in again, and a new one is made"
        raise InvalidInputError(
            Problem(str(path), "no usable keys", f"a key a line, {_SHORTEST} characters or more", move)
        )
    return found


def _write_new(path: Path, keys: Sequence[str], *, only_if_missing: bool) -> None:
    """Write a whole file or none, with its rights from the first moment on."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write("\n".join(keys) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if only_if_missing:
            try:
                # Fails where another process was faster: its keys are the keys then.
                os.link(draft, path)
            except FileExistsError:
                return
        else:
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _key(secret: str, purpose: str) -> OctKey:
    derived = hmac.digest(secret.encode(), f"afterbay {purpose}".encode(), "sha256")
    return OctKey.import_key(derived, {"kid": hashlib.sha256(derived).hexdigest()[:16]})
