"""Edits of a grid, each a pure function: the grid before stays as it is, so undoing is keeping it.

For many edits in a row use a `GridDraft`, or the functions here that take many names or a count: each call lays out
the whole grid once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from afterbay.community.topology.draft import GridDraft
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from afterbay.community.topology.records import Grid, House, Transformer

__all__ = [
    "add_house",
    "add_houses_like",
    "add_transformer",
    "copy_subtree",
    "find_node",
    "houses_with_flag",
    "move_node",
    "path_to",
    "remove_nodes",
    "rename_node",
    "set_fields",
    "set_flag",
    "unset_flag",
]


def add_transformer(grid: Grid, parent: str, /, **fields: Any) -> Grid:
    """Return the grid with one more transformer below `parent`; `next_names` tells its name beforehand.

    Args:
        grid: The grid before.
        parent: Name of a transformer or of the grid.
        fields: Fields of `Transformer`, without name and children.

    Raises:
        NotFoundError: If there is no such parent.
        InvalidInputError: If the parent is a house, or a field is unknown or of another type.
    """
    draft = GridDraft(grid)
    draft.add_transformer(parent, **fields)
    return draft.freeze()


def add_house(grid: Grid, parent: str, /, **fields: Any) -> Grid:
    """Return the grid with one more house below `parent`; `next_names` tells its name beforehand.

    Args:
        grid: The grid before.
        parent: Name of a transformer or of the grid.
        fields: Fields of `House`, without its name.

    Raises:
        NotFoundError: If there is no such parent.
        InvalidInputError: If the parent is a house, or a field is unknown or of another type.
    """
    draft = GridDraft(grid)
    draft.add_house(parent, **fields)
    return draft.freeze()


def add_houses_like(grid: Grid, house: str, count: int, *, parent: str | None = None) -> Grid:
    """Return the grid with `count` more houses like one that exists, such as 12 like H-1.1.1.

    The copies share the profiles of their model. A static key is not copied: it is a share of a whole.

    Args:
        grid: The grid before.
        house: Name of the model.
        count: How many more, 1 or more.
        parent: Where they hang from; None: where the model does.

    Raises:
        NotFoundError: If there is no such house or parent.
        InvalidInputError: If the model is no house, the parent is one, or the count is no whole number above 0.
    """
    draft = GridDraft(grid)
    path = draft.path(house)
    problems = []
    if type(draft.node(house)).__name__ != "House":
        problems.append(Problem(house, "no house", "a house as the model", "copy_subtree copies transformers"))
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        problems.append(Problem("count", repr(count), "a whole number above 0", "12, for example"))
    if problems:
        raise InvalidInputError(problems)
    for _ in range(count):
        draft.copy(house, path[-2] if parent is None else parent)
    return draft.freeze()


def set_fields(grid: Grid, names: str | Iterable[str], /, **fields: Any) -> Grid:
    """Return the grid with fields of one or several nodes changed.

    Args:
        grid: The grid before.
        names: Node or nodes: the grid itself, transformers, houses.
        fields: New values; lists may stand for tuples, and objects for records, as in a document.

    Raises:
        NotFoundError: If there is no such node.
        InvalidInputError: If a field is unknown, of another type, a name or a child.
    """
    draft = GridDraft(grid)
    for name in _listed(names):
        draft.set_fields(name, **fields)
    return draft.freeze()


def rename_node(grid: Grid, name: str, display_name: str) -> Grid:
    """Return the grid with another display name of a node, 1 to 40 printable characters; its fixed name stays.

    Raises:
        NotFoundError: If there is no such node.
        InvalidInputError: If the display name is empty, too long or not printable.
    """
    draft = GridDraft(grid)
    draft.rename(name, display_name)
    return draft.freeze()


def move_node(grid: Grid, name: str, parent: str) -> Grid:
    """Return the grid with a node, and all below it, hanging from another parent; all names stay.

    Raises:
        NotFoundError: If there is no such node or parent.
        InvalidInputError: If the parent is a house or hangs from the node itself.
    """
    draft = GridDraft(grid)
    draft.move(name, parent)
    return draft.freeze()


def remove_nodes(grid: Grid, names: str | Iterable[str]) -> Grid:
    """Return the grid without one or several nodes and all below them; none of the names comes back.

    Raises:
        NotFoundError: If there is no such node, or it went with one named before.
        InvalidInputError: If it is the grid itself.
    """
    draft = GridDraft(grid)
    for name in _listed(names):
        draft.remove(name)
    return draft.freeze()


def copy_subtree(grid: Grid, name: str, parent: str) -> Grid:
    """Return the grid with a copy of a node, and of all below it, below `parent`, all under new names.

    Raises:
        NotFoundError: If there is no such node or parent.
        InvalidInputError: If the parent is a house, or the node the grid itself.
    """
    draft = GridDraft(grid)
    draft.copy(name, parent)
    return draft.freeze()


def set_flag(grid: Grid, houses: str | Iterable[str], flag: str, value: str, *, active: bool = True) -> Grid:
    """Return the grid with a flag, such as Priority = Hospital, on one or several houses.

    Args:
        grid: The grid before.
        houses: House or houses.
        flag: Type of the flag.
        value: Its value; a house may carry several values of one type.
        active: Whether priority lists see it.

    Raises:
        NotFoundError: If there is no such house.
        InvalidInputError: If a node is no house, or the flag is empty.
    """
    draft = GridDraft(grid)
    for house in _listed(houses):
        draft.set_flag(house, flag, value, active=active)
    return draft.freeze()


def unset_flag(grid: Grid, houses: str | Iterable[str], flag: str, value: str | None = None) -> Grid:
    """Return the grid without a flag on one or several houses; without a value, all of the type go.

    Raises:
        NotFoundError: If there is no such house, or it has no such flag.
        InvalidInputError: If a node is no house.
    """
    draft = GridDraft(grid)
    for house in _listed(houses):
        draft.unset_flag(house, flag, value)
    return draft.freeze()


def find_node(grid: Grid, name: str) -> Grid | Transformer | House:
    """Return a node by its fixed name.

    Raises:
        NotFoundError: If there is none; the message names the nearest.
    """
    return GridDraft(grid).node(name)


def path_to(grid: Grid, name: str) -> tuple[str, ...]:
    """Return the names from the grid down to a node, both included: its breadcrumb.

    Raises:
        NotFoundError: If there is no such node.
    """
    return GridDraft(grid).path(name)


def houses_with_flag(grid: Grid, flag: str, value: str | None = None) -> tuple[str, ...]:
    """Return the names of the houses that carry an active flag of a type, and of a value if one is given."""
    return tuple(
        house.name
        for house, _ in grid.every_house()
        if any(own.active and own.type == flag and value in (None, own.value) for own in house.flags)
    )


def _listed(names: str | Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
