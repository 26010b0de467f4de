"""The nearest of the known names, for a name that is not known."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["suggest"]

_MOST_COMPARED = 2_000
"""Comparing costs microseconds a name: a message does not wait for ten thousand of them."""


def suggest(name: object, known: Iterable[str], otherwise: str) -> str:
    """Ask whether the nearest known name was meant, or return what to do otherwise."""
    text = str(name)
    names = list(known)
    if len(names) > _MOST_COMPARED:
        names = [other for other in names if other[:3] == text[:3]][:_MOST_COMPARED]
    near = get_close_matches(text, names, n=1)
    if not near:
        near = [other for other in names if other.casefold() == text.casefold()][:1]
    return f"did you mean {near[0]}?" if near else otherwise
