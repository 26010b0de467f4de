from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.community.topology import (
    Grid,
    GridDraft,
    House,
    Transformer,
    add_house,
    add_transformer,
    grid_from_json,
    grid_to_json,
    move_node,
    next_names,
    remove_nodes,
)
from afterbay.community.topology.naming import name_stem


def _names(grid: Grid) -> list[str]:
    return [transformer.name for transformer, _ in grid.every_transformer()] + list(grid.house_names)


def test_names_are_the_number_path_of_the_parent_and_the_next_number() -> None:
    grid = Grid("S-1")
    for _ in range(2):
        grid = add_transformer(grid, "S-1")
    grid = add_transformer(grid, "T-1.1")
    grid = add_house(add_house(grid, "T-1.1"), "T-1.1.1")
    grid = add_house(grid, "S-1")

    assert _names(grid) == ["T-1.1", "T-1.1.1", "T-1.2", "H-1.1", "H-1.1.1", "H-1.1.1.1"]


def test_after_the_ninth_child_comes_the_tenth_and_then_the_eleventh() -> None:
    # The original sorted names as text: after T-1.9 it gave T-1.10 twice.
    grid = Grid("S-1")
    for _ in range(12):
        grid = add_transformer(grid, "S-1")

    assert _names(grid) == [f"T-1.{number}" for number in range(1, 13)]


def test_a_deleted_name_never_comes_back() -> None:
    # The original counted children, so that a deletion made the next name a double.
    grid = Grid("S-1")
    for _ in range(3):
        grid = add_house(grid, "S-1")

    grid = add_house(remove_nodes(grid, ["H-1.2", "H-1.3"]), "S-1")

    assert _names(grid) == ["H-1.1", "H-1.4"]


def test_a_deleted_name_stays_gone_in_a_saved_document() -> None:
    grid = remove_nodes(add_house(add_house(Grid("S-1"), "S-1"), "S-1"), "H-1.2")

    again = grid_from_json(grid_to_json(grid))

    assert next_names(again, "S-1", "house") == ("H-1.3",)


def test_the_second_substation_numbers_its_nodes_by_two() -> None:
    assert next_names(Grid("S-2"), "S-2", "transformer", 2) == ("T-2.1", "T-2.2")


def test_numbers_of_names_that_nobody_counted_are_seen() -> None:
    grid = Grid("S-1", transformers=(Transformer("T-1.7", houses=(House("H-1.7.2"), House("Old mill"))),))

    assert next_names(grid, "S-1", "transformer") == ("T-1.8",)
    assert next_names(grid, "T-1.7", "house") == ("H-1.7.3",)


def test_a_parent_with_a_name_of_its_own_lends_the_whole_name() -> None:
    assert name_stem("North", "house") == "H-North."
    assert name_stem("T-1.2", "house") == "H-1.2."


def test_a_node_that_moves_keeps_its_name_and_its_numbers() -> None:
    grid = add_transformer(add_transformer(Grid("S-1"), "S-1"), "S-1")
    grid = add_house(grid, "T-1.2")

    moved = move_node(grid, "T-1.2", "T-1.1")

    assert next_names(moved, "T-1.2", "house") == ("H-1.2.2",)
    assert next_names(moved, "T-1.1", "transformer") == ("T-1.1.1",)


def test_a_parent_that_shares_a_number_path_with_the_grid_shares_its_numbers() -> None:
    grid = Grid("S-1", transformers=(Transformer("T-1", houses=(House("H-1.1"),)),))
    grid = add_house(add_house(grid, "S-1"), "S-1")

    left = remove_nodes(remove_nodes(grid, "H-1.3"), "T-1")

    assert _names(grid) == ["T-1", "H-1.2", "H-1.3", "H-1.1"]
    assert next_names(left, "S-1", "house") == ("H-1.4",)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_name_is_ever_given_twice_whatever_is_added_copied_moved_and_removed(data: Any) -> None:
    draft = GridDraft(Grid("S-1"))
    given_names = ["S-1"]
    for _ in range(data.draw(st.integers(1, 40))):
        grid = draft.freeze()
        transformers = [transformer.name for transformer, _ in grid.every_transformer()]
        parent = data.draw(st.sampled_from(["S-1", *transformers]))
        nodes = [*transformers, *grid.house_names]
        action = data.draw(st.sampled_from(["transformer", "house", "remove", "move", "copy", "reload"]))
        before = set(nodes)
        if action == "transformer":
            given_names.append(draft.add_transformer(parent))
        elif action == "house":
            given_names.append(draft.add_house(parent))
        elif action == "reload":
            draft = GridDraft(grid_from_json(grid_to_json(grid)))
        elif nodes:
            node = data.draw(st.sampled_from(nodes))
            if action == "remove":
                draft.remove(node)
            elif action == "copy" and len(nodes) < 200:
                draft.copy(node, parent)
                given_names.extend(name for name in _names(draft.freeze()) if name not in before)
            elif action == "move" and node not in draft.path(parent):
                draft.move(node, parent)

    assert len(set(given_names)) == len(given_names)
    left = _names(draft.freeze())
    assert len(set(left)) == len(left)
