"""A grid that is being changed: any number of edits in constant time each, then one new `Grid`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, cast

from afterbay.community.topology.bounds import LONGEST_DISPLAY_NAME
from afterbay.community.topology.naming import Kind, name_stem, numbers_in_use
from afterbay.community.topology.records import Flag, Grid, House, Transformer
from afterbay.community.topology.shapes import read_fields
from afterbay.community.topology.suggestions import suggest
from afterbay.core.errors import InvalidInputError, NotFoundError, Problem, Problems

__all__ = ["GridDraft"]

Node = Grid | Transformer | House

_FIXED: Final = ("name", "transformers", "houses", "next_numbers")
_LAST_NUMBER = re.compile(r"(?P<stem>.*\S) (?P<number>\d{1,6})\Z", re.DOTALL)


class GridDraft:
    """A working copy of a grid; the grid itself never changes.

    Each method checks before it changes anything: one that raises has left the draft as it was.

    Raises:
        InvalidInputError: If two nodes of the grid share a name.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._own: dict[str, Transformer | House] = {}
        self._parent: dict[str, str] = {}
        self._below: dict[str, dict[str, None]] = {grid.name: {}}
        self._shown: set[str] | None = None
        self._shown_numbers: dict[str, int] = {}
        for transformer, parent in grid.every_transformer():
            self._put(transformer, parent)
        for house, parent in grid.every_house():
            self._put(house, parent)
        self._numbers = numbers_in_use(self._own, grid.next_numbers)
        self._counted = False

    def freeze(self) -> Grid:
        """Return the draft as a grid; what was not touched is the same object as before."""
        made: dict[str, Transformer] = {}
        order = [self._grid.name]
        for name in order:  # grows while it is walked
            order.extend(child for child in self._below[name] if child in self._below)
        for name in reversed(order[1:]):
            old = cast("Transformer", self._own[name])
            transformers, houses = self._children(name, made)
            same = _same(old.transformers, transformers) and _same(old.houses, houses)
            made[name] = old if same else replace(old, transformers=transformers, houses=houses)
        transformers, houses = self._children(self._grid.name, made)
        numbers = self._numbers if self._counted else self._grid.next_numbers
        return replace(self._grid, transformers=transformers, houses=houses, next_numbers=dict(numbers))

    def node(self, name: str) -> Node:
        """Return a node with its own fields; what hangs from it may be older than the draft.

        Raises:
            NotFoundError: If there is none; the message names the nearest.
        """
        if name == self._grid.name:
            return self._grid
        if name not in self._own:
            known = (self._grid.name, *self._own)
            move = suggest(name, known, "list the nodes of the grid")
            raise NotFoundError(f"there is no node {name!r} in grid {self._grid.name} -> {move}")
        return self._own[name]

    def path(self, name: str) -> tuple[str, ...]:
        """Return the names from the grid down to a node, both included."""
        self.node(name)
        path = [name]
        while path[-1] in self._parent:
            path.append(self._parent[path[-1]])
        return tuple(reversed(path))

    def add_transformer(self, parent: str, /, **fields: Any) -> str:
        """Add a transformer and return its name; `fields` are those of `Transformer`, without children."""
        return self._add(Transformer, "transformer", parent, fields)

    def add_house(self, parent: str, /, **fields: Any) -> str:
        """Add a house and return its name; `fields` are those of `House`."""
        return self._add(House, "house", parent, fields)

    def set_fields(self, name: str, /, **fields: Any) -> None:
        """Change fields of a node; lists may stand for tuples, and objects for records."""
        node = self.node(name)
        changed = replace(node, **_read(type(node), fields, name))
        if isinstance(changed, Grid):
            self._grid = changed
        else:
            self._own[name] = changed
        self._note_shown(changed.display_name)

    def rename(self, name: str, display_name: str) -> None:
        """Change the display name of a node; its fixed name stays."""
        shown = display_name.strip() if isinstance(display_name, str) else ""
        if not shown or len(shown) > LONGEST_DISPLAY_NAME or not shown.isprintable():
            allowed = f"1..{LONGEST_DISPLAY_NAME} printable characters"
            raise InvalidInputError(Problem(f"{name}.display_name", repr(display_name), allowed, "shorten it"))
        self.set_fields(name, display_name=shown)

    def set_flag(self, house: str, flag: str, value: str, *, active: bool = True) -> None:
        """Put a flag on a house, or change whether the one it has is active."""
        record = self._house(house)
        if not (flag.strip() and value.strip()):
            got = f"{flag!r} = {value!r}"
            raise InvalidInputError(Problem(f"{house}.flags", got, "a type and a value", "Priority = Hospital"))
        new = Flag(flag.strip(), value.strip(), active)
        flags = {(other.type, other.value): other for other in record.flags}
        flags[new.type, new.value] = new
        self._own[house] = replace(record, flags=tuple(flags.values()))

    def unset_flag(self, house: str, flag: str, value: str | None = None) -> None:
        """Take flags of one type off a house: the one with this value, or all.

        Raises:
            NotFoundError: If the house has no such flag.
        """
        record = self._house(house)
        kept = tuple(
            other for other in record.flags if other.type != flag or (value is not None and other.value != value)
        )
        if len(kept) == len(record.flags):
            words = flag if value is None else f"{flag}={value}"
            worn = ", ".join(f"{other.type}={other.value}" for other in record.flags) or "none"
            raise NotFoundError(f"house {house} has no flag {words} -> its flags are: {worn}")
        self._own[house] = replace(record, flags=kept)

    def move(self, name: str, parent: str) -> None:
        """Hang a node, with all below it, from another parent; all names stay."""
        self.node(name)
        self._check_parent(parent)
        if name == self._grid.name or name in self.path(parent):
            got = f"{name} below {parent}"
            raise InvalidInputError(
                Problem(name, got, "a parent outside of what moves", "a node cannot hang from itself")
            )
        del self._below[self._parent[name]][name]
        self._parent[name] = parent
        self._below[parent][name] = None

    def remove(self, name: str) -> None:
        """Remove a node with all below it; none of the names comes back."""
        self.node(name)
        if name == self._grid.name:
            raise InvalidInputError(Problem(name, "the grid itself", "a transformer or a house", "make a new grid"))
        del self._below[self._parent[name]][name]
        for gone in self._subtree(name):
            del self._own[gone], self._parent[gone]
            self._below.pop(gone, None)
        self._counted = True

    def copy(self, name: str, parent: str) -> str:
        """Copy a node with all below it to a parent, under new names; return the name of the copy.

        Display names get a number of their own. A static key is not copied: it is a share of a whole.
        """
        self.node(name)
        self._check_parent(parent)
        if name == self._grid.name:
            raise InvalidInputError(Problem(name, "the grid itself", "a transformer or a house", "copy what is below"))
        new: dict[str, str] = {self._parent[name]: parent}
        for old in self._subtree(name):
            record = self._own[old]
            kind: Kind = "house" if isinstance(record, House) else "transformer"
            above = new[self._parent[old]]
            changes: dict[str, Any] = {
                "name": self._next(above, kind),
                "display_name": self._number(record.display_name),
            }
            if isinstance(record, House):
                changes["key"] = None
            new[old] = changes["name"]
            self._put(replace(record, **changes), above)
        return new[name]

    def _add(self, record: type[Any], kind: Kind, parent: str, fields: dict[str, Any]) -> str:
        self._check_parent(parent)
        read = _read(record, fields, f"a {kind} below {parent}")
        name = self._next(parent, kind)
        self._put(record(name, **read), parent)
        return name

    def _put(self, record: Transformer | House, parent: str) -> None:
        name = record.name
        if name in self._own or name == self._grid.name:
            raise InvalidInputError(
                Problem(name, "two nodes with this name", "every name once", "run the check of the grid, then rename")
            )
        self._note_shown(record.display_name)
        self._own[name], self._parent[name] = record, parent
        self._below[parent][name] = None
        if isinstance(record, Transformer):
            self._below[name] = {}

    def _next(self, parent: str, kind: Kind) -> str:
        stem = name_stem(parent, kind)
        number = self._numbers.get(stem, 1)
        self._numbers[stem] = number + 1
        self._counted = True
        return f"{stem}{number}"

    def _number(self, display_name: str) -> str:
        """Return a display name that is free: `Baker`, then `Baker 2`."""
        if not display_name:
            return ""
        if self._shown is None:
            self._shown, self._shown_numbers = {record.display_name for record in self._own.values()}, {}
        match = _LAST_NUMBER.match(display_name)
        stem, number = (match["stem"], int(match["number"])) if match else (display_name, 1)
        number = max(number, self._shown_numbers.get(stem, 1))
        shown = display_name
        while shown in self._shown:
            number += 1
            ending = f" {number}"
            shown = f"{stem[: LONGEST_DISPLAY_NAME - len(ending)].rstrip()}{ending}"
        self._shown_numbers[stem] = number
        return shown

    def _note_shown(self, display_name: str) -> None:
        # A display name that went out of use stays taken in this draft: its number is not worth a walk.
        if self._shown is not None:
            self._shown.add(display_name)

    def _check_parent(self, parent: str) -> None:
        if isinstance(self.node(parent), House):
            raise InvalidInputError(
                Problem(parent, "a house as a parent", "the grid or a transformer", "houses hold nothing")
            )

    def _house(self, name: str) -> House:
        node = self.node(name)
        if not isinstance(node, House):
            raise InvalidInputError(Problem(name, "no house", "a house: only houses carry flags", "name a house"))
        return node

    def _subtree(self, name: str) -> list[str]:
        names = [name]
        for above in names:  # grows while it is walked
            names.extend(self._below.get(above, ()))
        return names

    def _children(self, name: str, made: dict[str, Transformer]) -> tuple[tuple[Transformer, ...], tuple[House, ...]]:
        below = self._below[name]
        return (
            tuple(made[child] for child in below if child in made),
            tuple(cast("House", self._own[child]) for child in below if child not in self._below),
        )


def _read(record: type[Any], fields: dict[str, Any], where: str) -> dict[str, Any]:
    problems = Problems()
    for key in _FIXED:
        if key in fields:
            problems.add(
                f"{where}.{key}", "a value", "fields other than names and children", "add, move or remove nodes"
            )
    free = {key: value for key, value in fields.items() if key not in _FIXED}
    # The name is given by the draft, so reading does not ask for it.
    read = read_fields(record, free, where, problems, besides=_FIXED)
    problems.raise_if_any()
    return read


def _same(old: Sequence[object], new: Sequence[object]) -> bool:
    return len(old) == len(new) and all(one is other for one, other in zip(old, new, strict=True))
