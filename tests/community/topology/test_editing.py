from __future__ import annotations

from collections.abc import Iterator

import pytest
from community_grids import grids
from hypothesis import given, settings

from afterbay.community.topology import (
    Flag,
    Grid,
    GridDraft,
    HomeBattery,
    House,
    LoadSeries,
    Tariff,
    Transformer,
    add_house,
    add_houses_like,
    add_transformer,
    compare_grids,
    copy_subtree,
    elm_street,
    find_node,
    houses_with_flag,
    move_node,
    path_to,
    remove_nodes,
    rename_node,
    set_fields,
    set_flag,
    two_houses,
    unset_flag,
)
from afterbay.core.errors import InvalidInputError, NotFoundError


def test_an_edit_leaves_the_grid_before_as_it_was() -> None:
    grid = elm_street()

    set_fields(remove_nodes(grid, "T-1.1.1"), "H-1.1.1", import_kw=5.0)

    assert grid == elm_street()


def test_what_was_not_touched_is_the_same_object() -> None:
    grid = elm_street()

    edited = set_fields(grid, "H-1.1.1", import_kw=5.0)

    assert edited.transformers[0].transformers[0] is grid.transformers[0].transformers[0]
    assert edited.transformers[0] is not grid.transformers[0]


@given(grid=grids())
@settings(max_examples=25, deadline=None)
def test_a_draft_without_edits_is_the_same_grid(grid: Grid) -> None:
    assert GridDraft(grid).freeze() == grid


@given(grid=grids())
@settings(max_examples=25, deadline=None)
def test_the_path_of_every_node_goes_from_the_grid_through_its_parents(grid: Grid) -> None:
    draft = GridDraft(grid)

    for node, parent in [*grid.every_transformer(), *grid.every_house()]:
        assert draft.path(node.name) == (*draft.path(parent), node.name)  # type: ignore[attr-defined]
    assert draft.path("S-1") == ("S-1",)


def test_fields_are_set_on_several_nodes_at_once() -> None:
    edited = set_fields(elm_street(), ["H-1.1.1", "H-1.1.2"], export_kw=4.0, batteries=[])

    changed = {change.node for change in compare_grids(elm_street(), edited).changed}
    assert changed == {"H-1.1.1", "H-1.1.2"}


def test_objects_may_stand_for_records_as_in_a_document() -> None:
    edited = set_fields(two_houses(), "H-1.1.2", batteries=[{"capacity_kwh": 10, "charge_kw": 5, "discharge_kw": 5}])

    house = find_node(edited, "H-1.1.2")
    assert isinstance(house, House)
    assert house.batteries == (HomeBattery(10.0, 5.0, 5.0),)


def test_fields_of_the_grid_are_set_by_its_name() -> None:
    assert set_fields(two_houses(), "S-1", currency="CHF").currency == "CHF"


def test_an_unknown_field_a_wrong_type_and_a_fixed_name_are_refused_together() -> None:
    with pytest.raises(InvalidInputError) as refused:
        set_fields(two_houses(), "T-1.1", rated_kva=50, allow_export="no", name="T-9", houses=())

    told = str(refused.value)
    assert len(refused.value.problems) == 4
    assert "T-1.1.rated_kva: got an unknown key, allowed: a field of a transformer -> did you mean rated_kw?" in told
    assert "T-1.1.allow_export: got the text 'no', allowed: true or false" in told
    assert "T-1.1.name" in told
    assert "add, move or remove nodes" in told


def test_an_unknown_node_is_told_with_the_nearest() -> None:
    with pytest.raises(NotFoundError, match=r"no node 'H-1\.1\.33' in grid S-1 -> did you mean H-1\.1\.3\?"):
        find_node(elm_street(), "H-1.1.33")


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "a\nb"])
def test_a_display_name_is_short_and_printable(name: str) -> None:
    with pytest.raises(InvalidInputError, match=r"1\.\.40 printable characters"):
        rename_node(two_houses(), "H-1.1.1", name)


def test_renaming_changes_what_is_shown_and_nothing_else() -> None:
    (change,) = compare_grids(two_houses(), rename_node(two_houses(), "H-1.1.1", " Ada's house ")).changed

    assert (change.node, change.field, change.after) == ("H-1.1.1", "display_name", "Ada's house")


def test_a_house_holds_nothing() -> None:
    for edit in (add_house, add_transformer):
        with pytest.raises(InvalidInputError, match="a house as a parent"):
            edit(two_houses(), "H-1.1.1")
    with pytest.raises(InvalidInputError, match="a house as a parent"):
        move_node(two_houses(), "H-1.1.2", "H-1.1.1")


def test_a_node_cannot_hang_from_itself_or_from_what_is_below_it() -> None:
    for parent in ("T-1.1", "T-1.1.1"):
        with pytest.raises(InvalidInputError, match="cannot hang from itself"):
            move_node(elm_street(), "T-1.1", parent)
    with pytest.raises(InvalidInputError, match="cannot hang from itself"):
        move_node(elm_street(), "S-1", "T-1.1")


def test_a_subtree_moves_with_all_its_names() -> None:
    moved = move_node(elm_street(), "T-1.1.1", "S-1")

    assert path_to(moved, "H-1.1.1.4") == ("S-1", "T-1.1.1", "H-1.1.1.4")
    assert sorted(moved.house_names) == sorted(elm_street().house_names)


def test_a_subtree_is_removed_whole() -> None:
    left = remove_nodes(elm_street(), "T-1.1.1")

    assert left.house_names == tuple(f"H-1.1.{number}" for number in range(1, 7))
    with pytest.raises(NotFoundError):
        remove_nodes(left, "H-1.1.1.1")
    with pytest.raises(InvalidInputError, match="the grid itself"):
        remove_nodes(left, "S-1")


def test_a_copy_is_the_same_under_new_names() -> None:
    grid = copy_subtree(elm_street(), "T-1.1.1", "S-1")

    copied = find_node(grid, "T-1.2")
    assert isinstance(copied, Transformer)
    assert [house.name for house in copied.houses] == ["H-1.2.1", "H-1.2.2", "H-1.2.3", "H-1.2.4"]
    assert [house.solar for house in copied.houses] == [
        house.solar for house in elm_street().transformers[0].transformers[0].houses
    ]
    assert copied.rated_kw == 50.0
    assert grid.check() == ()


def test_a_subtree_can_be_copied_into_itself() -> None:
    grid = copy_subtree(elm_street(), "T-1.1", "T-1.1.1")

    assert len(grid.house_names) == 20
    assert path_to(grid, "T-1.1.1.1.1") == ("S-1", "T-1.1", "T-1.1.1", "T-1.1.1.1", "T-1.1.1.1.1")


def test_the_grid_itself_is_not_copied() -> None:
    with pytest.raises(InvalidInputError, match="copy what is below"):
        copy_subtree(two_houses(), "S-1", "T-1.1")


def test_tariffs_are_set_by_name_in_their_order() -> None:
    tariffs = {"night": Tariff(0.2), "day": Tariff(0.4)}

    assert list(set_fields(two_houses(), "S-1", tariffs=tariffs).tariffs.items()) == list(tariffs.items())


def test_in_a_large_grid_too_the_nearest_name_is_told() -> None:
    grid = add_houses_like(two_houses(), "H-1.1.1", 3_000)

    with pytest.raises(NotFoundError, match=r"did you mean T-1\.1\?"):
        find_node(grid, "T-1.11")


def test_twelve_houses_like_one_have_names_of_their_own() -> None:
    grid = set_fields(elm_street(), "H-1.1.1", key=1.0)

    grid = add_houses_like(grid, "H-1.1.1", 12)

    added = [house for house, _ in grid.every_house() if house.display_name.startswith("Ash ")]
    assert [house.name for house in added] == [f"H-1.1.{number}" for number in range(7, 19)]
    assert [house.display_name for house in added] == [f"Ash {number}" for number in range(2, 14)]
    assert {house.key for house in added} == {None}
    assert grid.check() == ()


def test_a_long_display_name_stays_short_when_it_is_numbered() -> None:
    grid = rename_node(two_houses(), "H-1.1.1", "A" * 40)

    copied = find_node(add_houses_like(grid, "H-1.1.1", 1, parent="S-1"), "H-1.1")

    assert copied.display_name == f"{'A' * 38} 2"


@pytest.mark.parametrize("count", [0, -1, 2.5, True])
def test_a_count_of_houses_is_a_whole_number_above_zero(count: int) -> None:
    with pytest.raises(InvalidInputError, match="a whole number above 0"):
        add_houses_like(two_houses(), "H-1.1.1", count)


def test_only_a_house_is_a_model_of_houses() -> None:
    with pytest.raises(InvalidInputError, match="copy_subtree"):
        add_houses_like(two_houses(), "T-1.1", 2)


def test_flags_are_set_changed_and_taken_off() -> None:
    grid = set_flag(two_houses(), ["H-1.1.1", "H-1.1.2"], "Priority", "Hospital")
    grid = set_flag(grid, "H-1.1.2", "Priority", "Hospital", active=False)

    assert houses_with_flag(grid, "Priority") == ("H-1.1.1",)
    assert houses_with_flag(grid, "Priority", "School") == ()
    assert find_node(grid, "H-1.1.2") == House(
        "H-1.1.2", "B", loads=(LoadSeries("load-H-1.1.2"),), flags=(Flag("Priority", "Hospital", active=False),)
    )
    assert unset_flag(unset_flag(grid, "H-1.1.1", "Priority"), "H-1.1.2", "Priority", "Hospital") == two_houses()


def test_a_flag_that_is_not_there_cannot_be_taken_off() -> None:
    grid = set_flag(two_houses(), "H-1.1.1", "Priority", "Hospital")

    with pytest.raises(NotFoundError, match=r"no flag Priority=School -> its flags are: Priority=Hospital"):
        unset_flag(grid, "H-1.1.1", "Priority", "School")


def test_only_houses_carry_flags_and_a_flag_says_something() -> None:
    with pytest.raises(InvalidInputError, match="only houses carry flags"):
        set_flag(two_houses(), "T-1.1", "Priority", "Hospital")
    with pytest.raises(InvalidInputError, match="a type and a value"):
        set_flag(two_houses(), "H-1.1.1", "Priority", " ")


def test_two_nodes_of_one_name_cannot_be_edited() -> None:
    grid = Grid("S-1", houses=(House("H-1.1"), House("H-1.1")))

    with pytest.raises(InvalidInputError, match="two nodes with this name"):
        add_house(grid, "S-1")


def test_a_draft_walks_its_grid_once_however_many_edits_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    walks = []
    every_house = Grid.every_house

    def counted(grid: Grid) -> Iterator[tuple[House, str]]:
        walks.append(grid)
        return every_house(grid)

    small = two_houses()
    monkeypatch.setattr(Grid, "every_house", counted)
    draft = GridDraft(small)
    for _ in range(1_000):
        draft.copy(draft.add_house("T-1.1", import_kw=10.0), "S-1")
    grid = draft.freeze()

    assert len(walks) == 1
    assert len(grid.house_names) == 2_002
