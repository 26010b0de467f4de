from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

from community_grids import grids
from hypothesis import given, settings

from afterbay.community.topology import (
    Difference,
    Grid,
    House,
    Tariff,
    Transformer,
    add_house,
    compare_grids,
    elm_street,
    move_node,
    remove_nodes,
    set_fields,
    two_houses,
)

_APART = ("transformers", "houses", "next_numbers")
Flat = dict[str, tuple[str, dict[str, Any]]]


def _flat(grid: Grid) -> Flat:
    """Every node with its kind, its parent and its own fields."""

    def own(node: Any, parent: str | None) -> tuple[str, dict[str, Any]]:
        values = {field.name: getattr(node, field.name) for field in fields(node) if field.name not in _APART}
        return type(node).__name__, {**values, "parent": parent}

    table = {"grid": own(grid, None)}
    values = table["grid"][1]
    values["tariffs"] = {f"tariffs.{name}": tariff for name, tariff in grid.tariffs.items()}
    values["tariffs (default)"] = next(iter(grid.tariffs), None)
    table.update((node.name, own(node, parent)) for node, parent in grid.every_transformer())
    table.update((node.name, own(node, parent)) for node, parent in grid.every_house())
    return table


def _applied(difference: Difference, before: Grid, after_name: str) -> Flat:
    """What a reader of the difference would make of the grid before."""
    table = _flat(before)
    for place in difference.removed:
        del table[place.node.name]
    for place in difference.added:
        table[place.node.name] = _flat(Grid(transformers=(place.node,)) if isinstance(place.node, Transformer)
                                       else Grid(houses=(place.node,)))[place.node.name]  # fmt: skip
        table[place.node.name][1]["parent"] = place.parent
    for change in difference.changed:
        values = table["grid" if change.node == after_name else change.node][1]
        target = values["tariffs"] if change.field.startswith("tariffs.") else values
        if change.field.startswith("tariffs.") and change.after is None:
            del target[change.field]
        else:
            target[change.field] = change.after
    for move in difference.moved:
        table[move.node][1]["parent"] = move.after
    return table


@given(before=grids(), after=grids())
@settings(max_examples=25, deadline=None)
def test_what_was_before_and_the_difference_make_what_is_after(before: Grid, after: Grid) -> None:
    assert _applied(compare_grids(before, after), before, after.name) == _flat(after)


@given(before=grids(), after=grids())
@settings(max_examples=25, deadline=None)
def test_there_is_no_difference_exactly_when_every_node_is_the_same(before: Grid, after: Grid) -> None:
    assert not compare_grids(before, before)
    assert bool(compare_grids(before, after)) == (_flat(before) != _flat(after))


@given(before=grids(), after=grids())
@settings(max_examples=25, deadline=None)
def test_the_way_back_swaps_added_and_removed(before: Grid, after: Grid) -> None:
    there, back = compare_grids(before, after), compare_grids(after, before)

    assert set(map(repr, there.added)) == set(map(repr, back.removed))
    assert {(change.node, change.field, repr(change.before)) for change in there.changed} == {
        (change.node, change.field, repr(change.after)) for change in back.changed
    }
    assert {(move.node, move.before, move.after) for move in there.moved} == {
        (move.node, move.after, move.before) for move in back.moved
    }


def test_each_kind_of_edit_is_told_in_its_own_way() -> None:
    grid = add_house(elm_street(), "T-1.1", display_name="Pine")
    grid = remove_nodes(grid, "H-1.1.2")
    grid = move_node(grid, "T-1.1.1", "S-1")
    grid = set_fields(grid, "T-1.1", rated_kw=160.0)

    assert str(compare_grids(elm_street(), grid)).splitlines() == [
        "+ H-1.1.7 below T-1.1",
        "~ T-1.1.rated_kw: 100.0 -> 160.0",
        "- H-1.1.2 below T-1.1",
        "> T-1.1.1: below T-1.1 -> below S-1",
    ]


def test_a_difference_is_machine_readable() -> None:
    grid = set_fields(add_house(elm_street(), "T-1.1", display_name="Pine"), "H-1.1.2", solar=())
    grid = move_node(remove_nodes(grid, "H-1.1.3"), "T-1.1.1", "S-1")

    told = json.loads(json.dumps(compare_grids(elm_street(), grid).to_dict()))

    assert told["added"] == [{"kind": "house", "parent": "T-1.1", "name": "H-1.1.7", "display_name": "Pine"}]
    assert [place["name"] for place in told["removed"]] == ["H-1.1.3"]
    (change,) = told["changed"]
    assert (change["node"], change["field"], change["before"][0]["kw"], change["after"]) == (
        "H-1.1.2",
        "solar",
        4.5,
        [],
    )
    assert told["moved"] == [{"node": "T-1.1.1", "before": "T-1.1", "after": "S-1"}]


def test_the_order_of_houses_and_the_numbers_kept_make_no_difference() -> None:
    grid = two_houses()
    (transformer,) = grid.transformers
    turned = replace(grid, transformers=(replace(transformer, houses=transformer.houses[::-1]),), next_numbers={})

    difference = compare_grids(grid, turned)

    assert not difference
    assert str(difference) == "no difference"


def test_another_first_tariff_is_a_difference() -> None:
    one, other = Tariff(0.3), Tariff(0.4)

    difference = compare_grids(Grid(tariffs={"a": one, "b": other}), Grid(tariffs={"b": other, "a": one}))

    assert [str(change) for change in difference.changed] == ["S-1.tariffs (default): 'a' -> 'b'"]


def test_a_substation_of_another_name_does_not_move_what_hangs_from_it() -> None:
    difference = compare_grids(two_houses(), replace(two_houses(), name="S-2"))

    assert [str(change) for change in difference.changed] == ["S-2.name: 'S-1' -> 'S-2'"]
    assert difference.moved == ()


def test_a_name_that_becomes_another_kind_of_node_is_removed_and_added() -> None:
    difference = compare_grids(Grid(houses=(House("X"),)), Grid(transformers=(Transformer("X"),)))

    assert [type(place.node) for place in difference.removed] == [House]
    assert [type(place.node) for place in difference.added] == [Transformer]
