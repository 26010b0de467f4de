from __future__ import annotations

import pytest

from afterbay.community.step.tree import tree_arrays
from afterbay.community.topology import elm_street, grid_completeness, set_fields, two_houses


def test_elm_street_is_what_its_plan_says() -> None:
    grid = elm_street()

    upper, lower = (transformer for transformer, _ in grid.every_transformer())
    houses = [house for house, _ in grid.every_house()]
    assert (upper.display_name, upper.rated_kw, len(upper.houses)) == ("T-1", 100.0, 6)
    assert (lower.display_name, lower.rated_kw, len(lower.houses)) == ("T-1.1", 50.0, 4)
    assert (sum(len(house.solar) for house in houses), sum(len(house.batteries) for house in houses)) == (6, 3)
    assert sum(len(house.cars) for house in houses) == 1


def test_elm_street_names_one_profile_for_each_load_array_and_car() -> None:
    houses = [house for house, _ in elm_street().every_house()]

    assert [load.profile for house in houses for load in house.loads] == [f"load-{house.name}" for house in houses]
    assert sorted(array.profile for house in houses for array in house.solar) == [f"solar-{n}" for n in range(1, 7)]
    assert [car.profile for house in houses for car in house.cars] == ["ev-H-1.1.6"]


@pytest.mark.parametrize("grid", [elm_street(), two_houses()], ids=["elm street", "two houses"])
def test_every_node_of_an_example_is_complete(grid: object) -> None:
    assert {state.status for state in grid_completeness(grid).values()} == {"complete"}  # type: ignore[arg-type]


def test_the_two_houses_lose_nothing_between_them() -> None:
    tree = tree_arrays(two_houses()).tree

    assert tree.eta_down.tolist() == tree.eta_up.tolist() == [1.0, 1.0]
    assert tree.no_load_kw.tolist() == tree.load_loss_per_kw.tolist() == [0.0, 0.0]


def test_an_efficiency_that_is_not_stated_runs_as_one() -> None:
    grid = set_fields(elm_street(), "T-1.1", forward_efficiency=None, backward_efficiency=None)

    tree = tree_arrays(grid).tree

    assert tree.eta_down.tolist() == tree.eta_up.tolist() == [1.0, 1.0, 0.98]
