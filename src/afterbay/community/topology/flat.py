"""A list of nodes, each naming its parent, as a tree: the one form in which loops and orphans can occur."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from afterbay.community.topology.records import House, Transformer
from afterbay.community.topology.shapes import read_fields
from afterbay.community.topology.suggestions import suggest

if TYPE_CHECKING:
    from afterbay.community.topology.naming import Kind
    from afterbay.core.errors import Problems

__all__ = ["read_nodes"]

_RECORDS: Final[dict[Kind, type[Any]]] = {"transformer": Transformer, "house": House}
_CHILDREN: Final = ("transformers", "houses")


def read_nodes(nodes: object, grid_name: str, problems: Problems) -> dict[str, Any]:
    """Return the grid's own `transformers` and `houses`, after noting all that is no tree.

    Args:
        nodes: List of objects with `kind`, `name`, `parent` and the fields of their kind.
        grid_name: What the nodes at the top name as their parent.
        problems: Where to note what is wrong.
    """
    if not isinstance(nodes, (list, tuple)):
        problems.add("nodes", type(nodes).__name__, "a list of nodes", "give a list")
        return {}
    before = len(problems.found)
    records: dict[str, Transformer | House] = {}
    parents: dict[str, str] = {}
    places: dict[str, str] = {}
    unreadable: set[object] = set()
    for place, values in enumerate(nodes):
        where = f"nodes[{place}]"
        record = _read_node(values, where, problems)
        if record is None:
            if isinstance(values, Mapping) and isinstance(values.get("name"), str):
                unreadable.add(values["name"])
            continue
        if record.name in records or record.name == grid_name:
            first = places.get(record.name, "the grid")
            problems.add(f"{where}.name", f"{record.name!r} again (first: {first})", "every name once", "rename one")
            continue
        records[record.name], parents[record.name], places[record.name] = record, values["parent"], where
    # A node that could not be read is a problem of its own: its children are no orphans.
    _check_parents(records, parents, places, {grid_name, *unreadable}, problems)
    if len(problems.found) > before:
        return {}
    return _tree(records, parents, grid_name)


def _read_node(values: Any, where: str, problems: Problems) -> Transformer | House | None:
    if not isinstance(values, Mapping):
        problems.add(where, repr(values)[:60], "an object with kind, name and parent", "correct it")
        return None
    kind = values.get("kind")
    if kind not in ("transformer", "house"):
        move = suggest(kind, _RECORDS, "choose one of these")
        problems.add(f"{where}.kind", "nothing" if kind is None else repr(kind), "transformer | house", move)
        return None
    before = len(problems.found)
    given = {key: value for key, value in values.items() if key not in _CHILDREN}
    for key in values.keys() - given.keys():
        problems.add(f"{where}.{key}", "children inside a listed node", "parent in the child", "list them as nodes")
    for key in getattr(values, "doubled", ()):
        problems.add(f"{where}.{key}", "the same key again", "every key once", "remove one of them")
    fields = read_fields(_RECORDS[kind], given, where, problems, besides=("kind", "parent"))
    parent = values.get("parent")
    if not isinstance(parent, str):
        shown = "nothing: an orphan" if parent is None else repr(parent)
        problems.add(f"{where}.parent", shown, "the name of a transformer or of the grid", "name its parent")
    return _RECORDS[kind](**fields) if len(problems.found) == before else None


def _check_parents(
    records: Mapping[str, Transformer | House], parents: Mapping[str, str], places: Mapping[str, str],
    tops: set[object], problems: Problems,
) -> None:  # fmt: skip
    may_hold = [name for name, record in records.items() if isinstance(record, Transformer)]
    for name, parent in parents.items():
        where = f"{places[name]}.parent"
        if parent in tops:
            continue
        if parent not in records:
            others = [other for other in may_hold if other != name and parents[other] != name]
            move = suggest(parent, others, "add this parent or name another one")
            problems.add(
                where, f"{parent!r}, which is not in the list: {name} is an orphan", "a node that exists", move
            )
        elif isinstance(records[parent], House):
            problems.add(where, f"{parent!r}, a house", "a transformer or the grid", "houses hold nothing")
    settled: set[object] = set(tops)
    for start in parents:
        way: dict[str, None] = {}
        name = start
        while name in parents and name not in settled and name not in way:
            way[name] = None
            name = parents[name]
        if name in way:
            names = list(way)
            loop = names[names.index(name) :]
            problems.add(f"{places[name]}.parent", " -> ".join([*loop, name]), "a tree that begins at the grid",
                         "these hang from each other: give one of them a parent outside the loop")  # fmt: skip
        settled.update(way)


def _tree(records: Mapping[str, Transformer | House], parents: Mapping[str, str], grid_name: str) -> dict[str, Any]:
    below: dict[str, list[str]] = {}
    for name, parent in parents.items():
        below.setdefault(parent, []).append(name)
    order = [grid_name]
    for name in order:  # grows while it is walked: parents come before children
        order.extend(child for child in below.get(name, ()) if isinstance(records[child], Transformer))
    made: dict[str, dict[str, Any]] = {}
    for name in reversed(order):
        children = below.get(name, ())
        made[name] = {
            "transformers": tuple(
                replace(transformer, **made.pop(child))
                for child in children
                if isinstance(transformer := records[child], Transformer)
            ),
            "houses": tuple(house for child in children if isinstance(house := records[child], House)),
        }
    return made[grid_name]
