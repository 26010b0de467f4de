"""What every store can do, and which keys it takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    Content: TypeAlias = bytes | Iterable[bytes] | Path

__all__ = ["Found", "Health", "Storage", "Stored", "check_key", "check_prefix"]

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,127}")
_MOST_SEGMENTS = 12
_ALLOWED = (
    "up to 12 names joined by `/`, each of letters, digits and `. _ - =`, beginning with a letter or digit, "
    "at most 128 characters"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """One object that was stored."""

    key: str
    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Found:
    """One object of a listing."""

    key: str
    size: int
    """Bytes."""
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Health:
    """Can the store be written and read now?"""

    ok: bool
    detail: str
    """What was found, and the next move where it is not well."""


class Storage(Protocol):
    """A store of whole objects by key: an object is there in full or not at all.

    Every method raises `UnavailableError` when the store does not answer or is full, and `InvalidInputError` for a
    key that is none.
    """

    @property
    def label(self) -> str:
        """Where it is, as it may be logged."""
        ...

    def put(self, key: str, data: Content) -> Stored:
        """Store an object, over an older one of the same key."""
        ...

    def get(self, key: str, *, sha256: str | None = None) -> bytes:
        """Return an object after its hash was compared with the one recorded, and with `sha256` if given.

        Raises:
            NotFoundError: If there is none.
            UnavailableError: If its content is not what was stored.
        """
        ...

    def open(self, key: str, *, sha256: str | None = None) -> Iterator[bytes]:
        """Return an object in pieces; a wrong hash raises at the end, before the last piece is given.

        Raises:
            NotFoundError: If there is none; at the call, not at the first piece.
            UnavailableError: If its content is not what was stored.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        ...

    def list(self, prefix: str = "") -> Iterator[Found]:
        """Return the objects whose keys begin with a prefix, in no particular order."""
        ...

    def clean(self, *, before: datetime) -> int:
        """Remove what interrupted writes left behind before a moment; returns how many."""
        ...

    def healthy(self) -> Health:
        """Tell whether an object can be written, read and removed now; never raises."""
        ...


def check_key(key: str) -> str:
    """Return a key that names one object inside the store and nothing outside it.

    Raises:
        InvalidInputError: If it is none.
    """
    segments = key.split("/")
    if len(segments) > _MOST_SEGMENTS or not all(_SEGMENT.fullmatch(one) for one in segments):
        raise InvalidInputError(Problem("storage key", repr(key[:200]), _ALLOWED, "choose another name"))
    return key


def check_prefix(prefix: str) -> str:
    """Return the beginning of keys; empty: all of them.

    Raises:
        InvalidInputError: If no key can begin so.
    """
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix
