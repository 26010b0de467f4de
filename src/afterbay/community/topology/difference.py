"""What an edit or an import changes: nodes added, changed, removed and moved."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from afterbay.community.topology.records import Grid, House, Transformer
from afterbay.community.topology.shapes import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Change", "Difference", "Move", "Place", "compare_grids"]

_APART: Final = ("name", "transformers", "houses", "next_numbers")
"""Fields that are no property of a node: identity, place and bookkeeping."""


@dataclass(frozen=True, slots=True)
class Place:
    """A transformer or a house and the parent it hangs from, by name; what hangs from it has a place of its own."""

    node: Transformer | House
    parent: str

    def to_dict(self) -> dict[str, Any]:
        """Return the node and its parent as a listed node of a document has them, without children."""
        kind = "house" if isinstance(self.node, House) else "transformer"
        own = {key: value for key, value in plain(self.node).items() if key not in _APART[1:3]}
        return {"kind": kind, "parent": self.parent, **own}


@dataclass(frozen=True, slots=True)
class Change:
    """A field of a node that is another one afterwards."""

    node: str
    field: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.node}.{self.field}: {self.before!r} -> {self.after!r}"


@dataclass(frozen=True, slots=True)
class Move:
    """A node that hangs from another parent afterwards."""

    node: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.node}: below {self.before} -> below {self.after}"


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs between two grids; false when nothing does."""

    added: tuple[Place, ...]
    changed: tuple[Change, ...]
    removed: tuple[Place, ...]
    moved: tuple[Move, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed or self.moved)

    def __str__(self) -> str:
        lines = [f"+ {place.node.name} below {place.parent}" for place in self.added]
        lines += [f"~ {change}" for change in self.changed]
        lines += [f"- {place.node.name} below {place.parent}" for place in self.removed]
        lines += [f"> {move}" for move in self.moved]
        return "\n".join(lines) or "no difference"

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Return the parts as JSON values, for machine-readable output."""
        return {
            "added": [place.to_dict() for place in self.added],
            "changed": [
                {"node": one.node, "field": one.field, "before": plain(one.before), "after": plain(one.after)}
                for one in self.changed
            ],
            "removed": [place.to_dict() for place in self.removed],
            "moved": [{"node": one.node, "before": one.before, "after": one.after} for one in self.moved],
        }


def compare_grids(before: Grid, after: Grid) -> Difference:
    """Return what differs between two grids, node by node, by fixed name.

    The order of nodes below a parent makes no difference, nor do the numbers kept for new names.
    """
    old, new = _places(before), _places(after)
    added = [place for name, place in new.items() if name not in old or _other_kind(old[name], place)]
    removed = [place for name, place in old.items() if name not in new or _other_kind(new[name], place)]
    changed = list(_grid_changes(before, after))
    moved = []
    for name, place in new.items():
        if name not in old or _other_kind(old[name], place):
            continue
        changed.extend(_changes(name, old[name].node, place.node))
        above = after.name if old[name].parent == before.name else old[name].parent
        if above != place.parent:
            moved.append(Move(name, old[name].parent, place.parent))
    return Difference(tuple(added), tuple(changed), tuple(removed), tuple(moved))


def _places(grid: Grid) -> dict[str, Place]:
    places = {transformer.name: Place(transformer, parent) for transformer, parent in grid.every_transformer()}
    places.update((house.name, Place(house, parent)) for house, parent in grid.every_house())
    return places


def _other_kind(one: Place, other: Place) -> bool:
    return type(one.node) is not type(other.node)


def _changes(name: str, before: Transformer | House, after: Transformer | House) -> Iterator[Change]:
    if before is after:
        return
    for field in fields(after):
        if field.name not in _APART:
            old, new = getattr(before, field.name), getattr(after, field.name)
            if old != new:
                yield Change(name, field.name, old, new)


def _grid_changes(before: Grid, after: Grid) -> Iterator[Change]:
    for field in ("name", *(field.name for field in fields(Grid) if field.name not in (*_APART, "tariffs"))):
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            yield Change(after.name, field, old, new)
    for name in [*before.tariffs, *(name for name in after.tariffs if name not in before.tariffs)]:
        old, new = before.tariffs.get(name), after.tariffs.get(name)
        if old != new:
            yield Change(after.name, f"tariffs.{name}", old, new)
    first, then = _order(before.tariffs), _order(after.tariffs)
    if first[:1] != then[:1]:
        yield Change(after.name, "tariffs (default)", *(names[0] if names else None for names in (first, then)))


def _order(names: Mapping[str, object]) -> list[str]:
    return list(names)
