"""Fixed names: the number path of the parent plus the next free number, never used twice.

`S-1` holds `T-1.1`, `T-1.2` and, where a house hangs from the substation itself, `H-1.1`. `T-1.1` holds
`T-1.1.1` and `H-1.1.1`. Houses and transformers of a parent are counted apart. A name is an identity, not a
place: it stays when its node moves, and it does not return when its node is gone.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from afterbay.community.topology.records import Grid

__all__ = ["Kind", "name_stem", "next_names", "numbers_in_use"]

Kind = Literal["transformer", "house"]

_LETTERS: Final[dict[Kind, str]] = {"transformer": "T", "house": "H"}
_NUMBERED = re.compile(r"[ST]-(?P<path>\d+(?:\.\d+)*)\Z")
_CHILD = re.compile(r"(?P<stem>.*\.)(?P<number>[0-9]{1,15})\Z", re.DOTALL)


def name_stem(parent: str, kind: Kind) -> str:
    """Return what the names of all children of one kind begin with: `H-1.1.` below `T-1.1`.

    A parent whose name does not follow the scheme lends its whole name: `H-North.` below `North`.
    """
    match = _NUMBERED.match(parent)
    return f"{_LETTERS[kind]}-{match['path'] if match else parent}."


def numbers_in_use(names: Iterable[str], stored: Mapping[str, int]) -> dict[str, int]:
    """Return the next free number by stem.

    Args:
        names: Names that exist, whoever gave them.
        stored: `Grid.next_numbers`, which also remembers names that are gone.
    """
    numbers = dict(stored)
    for name in names:
        match = _CHILD.match(name)
        if match:
            stem = match["stem"]
            numbers[stem] = max(numbers.get(stem, 1), int(match["number"]) + 1)
    return numbers


def next_names(grid: Grid, parent: str, kind: Kind, count: int = 1) -> tuple[str, ...]:
    """Return the names that the next `count` children of a parent will get."""
    names = chain(
        (transformer.name for transformer, _ in grid.every_transformer()),
        (house.name for house, _ in grid.every_house()),
    )
    stem = name_stem(parent, kind)
    first = numbers_in_use(names, grid.next_numbers).get(stem, 1)
    return tuple(f"{stem}{number}" for number in range(first, first + count))
