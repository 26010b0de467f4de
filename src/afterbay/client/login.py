"""The login that `afterbay login` keeps: a server's address and a personal token, for this user alone."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from afterbay.core.errors import InvalidInputError, Problem

__all__ = ["Login", "forget_login", "keep_login", "login_file", "read_login", "resolve"]

_KEYS: Final = ("url", "token", "email", "name", "expires_at")


@dataclass(frozen=True, slots=True)
class Login:
    """Where somebody signed in, and the token that stands for it."""

    url: str
    token: str = field(repr=False)
    email: str
    name: str
    """Of the token, as the server lists it."""
    expires_at: str
    """ISO 8601."""

    def is_over(self, now: datetime) -> bool:
        """Did the token run out?"""
        with suppress(ValueError):
            return datetime.fromisoformat(self.expires_at) <= now
        return False


def login_file() -> Path:
    """Return where the login is kept: `AFTERBAY_CONFIG_DIR`, else the user's configuration folder."""
    named = os.environ.get("AFTERBAY_CONFIG_DIR", "").strip()
    if named:
        return Path(named) / "login.json"
    import platformdirs

    return Path(platformdirs.user_config_path("afterbay")) / "login.json"


def read_login() -> Login | None:
    """Return the login that is kept; None: there is none.

    Raises:
        InvalidInputError: If the file is not one of ours.
    """
    path = login_file()
    try:
        document = json.loads(path.read_bytes())
        return Login(**{key: _text(document[key]) for key in _KEYS})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        why = error.strerror if isinstance(error, OSError) else "a file that is no login of afterbay"
        raise InvalidInputError(
            Problem(str(path), why or "a file that cannot be read", "a login", "sign in again: afterbay login")
        ) from None


def keep_login(login: Login) -> Path:
    """Keep a login for this user alone, whole or not at all.

    Raises:
        InvalidInputError: If it cannot be written.
    """
    path = login_file()
    part = path.with_name(f".login.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Nobody else can read it at any moment, not even before it has its name.
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(login), file, indent=1)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        place = "a place that can be written"
        raise InvalidInputError(
            Problem(str(path), error.strerror or "no file", place, "name one: AFTERBAY_CONFIG_DIR")
        ) from None
    return path


def forget_login() -> bool:
    """Remove the login; returns whether there was one.

    Raises:
        InvalidInputError: If it cannot be removed.
    """
    path = login_file()
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise InvalidInputError(
            Problem(str(path), error.strerror or "no file", "a file that can be removed", "remove it yourself")
        ) from None
    return True


def resolve(url: str | None, token: str | None) -> tuple[str | None, str | None]:
    """Return address and token: what is given, else the environment, else the login; None: there is none.

    The token of a login goes to no other address than its own.

    Raises:
        InvalidInputError: If the login is needed and cannot be read.
    """
    url = url or os.environ.get("AFTERBAY_URL", "").strip() or None
    token = token or os.environ.get("AFTERBAY_TOKEN", "").strip() or None
    if url is not None and token is not None:
        return url, token
    login = read_login()
    if login is None:
        return url, token
    if url is None:
        return login.url, token or login.token
    return url, login.token if url.rstrip("/") == login.url else token


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
