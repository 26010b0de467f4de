"""Who is meant by what a person types: an id, a unique name, or the beginning of either."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, TypeVar

from afterbay.core.errors import InvalidInputError, NotFoundError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["find_named"]

_Entry = TypeVar("_Entry")
_MOST_SHOWN = 6
_LEAST_OF_AN_ID = 4
"""Fewer signs are no beginning of an id: `4` would be any asset whose id happens to begin so."""


def find_named(
    word: str, kind: str, entries: Iterable[_Entry], id_of: Callable[[_Entry], str], name_of: Callable[[_Entry], str]
) -> _Entry:
    """Return the only entry that is meant; case does not matter, and an exact match wins over a beginning.

    Raises:
        NotFoundError: If none is.
        InvalidInputError: If several are.
    """
    wanted = word.strip().casefold()
    known = list(entries)
    tests: tuple[Callable[[_Entry], bool], ...] = (
        lambda entry: id_of(entry).casefold() == wanted,
        lambda entry: name_of(entry).casefold() == wanted,
        lambda entry: name_of(entry).casefold().startswith(wanted),
        lambda entry: len(wanted) >= _LEAST_OF_AN_ID and id_of(entry).casefold().startswith(wanted),
    )
    for test in tests if wanted else ():
        found = [entry for entry in known if test(entry)]
        if len(found) == 1:
            return found[0]
        if found:
            several = _listed([f"{name_of(entry)} ({id_of(entry)[:8]})" for entry in found])
            raise InvalidInputError(
                Problem(kind, f"{word}, which may be {several}", f"one {kind}", "say more of its name, or give its id")
            )
    names = [name_of(entry) for entry in known]
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(wanted, folded, n=1)
    move = f"did you mean {folded[near[0]]}?" if near else f"there is {_listed(names)}" if names else "there is none"
    raise NotFoundError(f"no {kind} is called {word!r} -> {move}")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_MOST_SHOWN]) + (
        f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    )
