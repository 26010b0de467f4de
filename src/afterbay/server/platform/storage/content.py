"""What is to be stored, in pieces, and what was read, checked."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from afterbay.core.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from afterbay.server.platform.storage.interface import Content

__all__ = ["PIECE", "checked", "pieces_of", "spoilt"]

PIECE: Final = 1 << 20
"""Bytes that are read or written at once."""


def pieces_of(data: Content) -> Iterator[bytes]:
    """Yield what is to be stored, piece by piece."""
    if isinstance(data, bytes | bytearray | memoryview):
        yield bytes(data)
    elif isinstance(data, Path):
        with data.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
    else:
        yield from data


def checked(key: str, pieces: Iterable[bytes], wanted: Iterable[str]) -> Iterator[bytes]:
    """Yield pieces one behind, so that the last is held back until the hash of all is known to be right.

    Args:
        key: For the message.
        pieces: What was read.
        wanted: Hashes, of which the content must have one.

    Raises:
        UnavailableError: If it has none of them.
    """
    digest, held = hashlib.sha256(), b""
    for piece in pieces:
        digest.update(piece)
        if held:
            yield held
        held = piece
    if digest.hexdigest() not in set(wanted):
        raise spoilt(key)
    yield held


def spoilt(key: str) -> UnavailableError:
    """Return the error of an object that is not what was stored."""
    return UnavailableError(
        f"{key}: the stored content is damaged (its SHA-256 is not the one that was recorded) "
        "-> restore it from a backup, or make it again"
    )
