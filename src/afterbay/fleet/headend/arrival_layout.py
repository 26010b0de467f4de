"""What the latest map keeps in arrays, and the words for what became of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from afterbay.fleet.wire.times import LATEST_US

if TYPE_CHECKING:
    from afterbay.core.compiled import Indices
    from afterbay.fleet.wire.frame_kernels import Bytes

__all__ = [
    "COLUMNS", "DUPLICATE", "FRESH", "HIGH", "LATEST_US", "LONGEST", "LOW", "RECEIVED_US", "REFUSED", "REPLAY", "SEQ",
    "SERVER", "SIZE", "UNREADABLE", "Assets", "Newest",
]  # fmt: skip

FRESH: Final = 0
DUPLICATE: Final = 1
REFUSED: Final = 2
UNREADABLE: Final = 3

LONGEST: Final = 512
"""Bytes of a sample that are kept in its asset's row; some 200 are usual."""


class Assets(NamedTuple):
    """Who is who, for n assets."""

    places: Indices
    """Hash table of the assets' ids: a place in what follows, or -1; its length is a power of two."""
    names: Bytes
    """All ids, one after the other."""
    name_ends: Indices
    """Shape (n + 1,); the first is 0."""


# Columns of what changes with every sample.
SERVER: Final = 0
"""Identity of the stream that serves the asset; 0: nobody."""
LOW: Final = 1
"""The last range of numbers seen: from here ..."""
HIGH: Final = 2
"""... to here; smaller than LOW when there is none."""
SEQ: Final = 3
"""Number of the newest sample."""
RECEIVED_US: Final = 4
"""When it came [us since 1970]."""
REPLAY: Final = 5
SIZE: Final = 6
"""Bytes of it; 0: there is none, -1: too long for its row."""
COLUMNS: Final = 7


class Newest(NamedTuple):
    """What changes with every sample, for n assets."""

    numbers: Indices
    """Shape (n, COLUMNS)."""
    samples: Bytes
    """The newest samples as they came, shape (n, LONGEST)."""
