"""Words of the messages: the nearest known name, and a value cut to a readable length."""

from __future__ import annotations

import reprlib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["shown", "suggest"]

_MOST_COMPARED: Final = 2_000


def suggest(name: object, known: Iterable[str], otherwise: str = "remove it or correct its name") -> str:
    """Ask whether the nearest known name was meant, or return what to do otherwise."""
    near = get_close_matches(str(name)[:80], list(known)[:_MOST_COMPARED], n=1)
    return f"did you mean {near[0]}?" if near else otherwise


def shown(value: object) -> str:
    """Return a value as a message shows it, however large it is."""
    return reprlib.repr(value)
