"""Lets the same request twice have its effect once and get its answer twice.

Key, effect and answer are one transaction: either all of them are kept or none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.server.platform.idempotency.repository import IdempotencyRepository

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.principal import Principal

__all__ = ["KEPT", "Answer", "answer_once", "check_key", "fingerprint_of", "forget_old_keys"]

KEPT: Final = timedelta(hours=24)
"""How long an answer can be asked for again."""
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with."""

    status: int
    body: Any
    """JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False


def fingerprint_of(method: str, path: str, body: bytes) -> str:
    """Return what tells one request from another under the same key."""
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).hexdigest()


def check_key(key: str | None) -> str | None:
    """Return a key that can be kept.

    Raises:
        InvalidInputError: If it is empty, too long or no plain text.
    """
    if key is None:
        return None
    if not 1 <= len(key) <= _LONGEST or not key.isascii() or not key.isprintable():
        problem = Problem(
            "Idempotency-Key", f"{len(key)} characters", f"1 to {_LONGEST} printable ASCII characters", "send a UUID"
        )
        raise InvalidInputError(problem)
    return key


def answer_once(
    session: Session, principal: Principal, key: str | None, fingerprint: str, make: Callable[[], Answer]
) -> Answer:
    """Make an answer, or return the one that the same request got before.

    Args:
        session: The session in which `make` has its effect.
        principal: Keys of different users have nothing to do with each other.
        key: The client's key; None: the request stands for itself.
        fingerprint: What `fingerprint_of` says of the request.
        make: Does what is asked.

    Raises:
        InvalidInputError: If the key belongs to another request.
    """
    if key is None:
        return make()
    kept = IdempotencyRepository(session)
    if kept.claim(principal.id, key, fingerprint):
        answer = make()
        kept.keep(principal.id, key, answer.status, dict(answer.headers), answer.body)
        return answer
    found = kept.find(principal.id, key)
    if found is None or found.status is None:  # forgotten between the two questions
        return make()
    if found.fingerprint != fingerprint:
        problem = Problem("Idempotency-Key", "a key that another request used", "a new key for another request",
                          "send the same request again, or make a new key")  # fmt: skip
        raise InvalidInputError(problem)
    return Answer(found.status, found.body, found.headers or {}, replayed=True)


def forget_old_keys(session: Session, now: datetime) -> int:
    """Delete the answers that were kept long enough; return how many."""
    return IdempotencyRepository(session).forget(now - KEPT)
