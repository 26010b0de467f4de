from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from afterbay.community.topology import (
    Grid,
    HomeBattery,
    House,
    LoadSeries,
    SolarArray,
    Transformer,
    completeness,
    grid_completeness,
    two_houses,
)

_DESCRIBED = Transformer(
    "T-1.1", "North", rated_kw=100.0, forward_efficiency=0.98, backward_efficiency=0.98, primary_ampacity_a=3.0,
    secondary_ampacity_a=144.0,
)  # fmt: skip


def test_a_new_transformer_is_empty_and_says_what_it_needs() -> None:
    state = completeness(Transformer("T-1.1"))

    assert state.status == "empty"
    assert str(state) == (
        "0 of 6 set; missing: display name, rating, primary ampacity, secondary ampacity, forward efficiency, "
        "backward efficiency"
    )


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("display_name", "display name"),
        ("rated_kw", "rating"),
        ("primary_ampacity_a", "primary ampacity"),
        ("secondary_ampacity_a", "secondary ampacity"),
        ("forward_efficiency", "forward efficiency"),
        ("backward_efficiency", "backward efficiency"),
    ],
)
def test_each_field_that_is_open_is_named(field: str, words: str) -> None:
    opened: dict[str, Any] = {field: "" if field == "display_name" else None}

    state = completeness(replace(_DESCRIBED, **opened))

    assert (state.status, state.missing, state.set_count, state.needed) == ("in_progress", (words,), 5, 6)


def test_without_export_the_backward_efficiency_is_not_asked_for() -> None:
    state = completeness(replace(_DESCRIBED, allow_export=False, backward_efficiency=None, secondary_ampacity_a=None))

    assert str(state) == "4 of 5 set; missing: secondary ampacity"


def test_a_load_loss_stands_for_both_efficiencies() -> None:
    measured = replace(_DESCRIBED, forward_efficiency=None, backward_efficiency=None, load_loss_kw=1.4)

    assert completeness(measured).status == "complete"


def test_an_efficiency_of_one_is_set_as_much_as_any_other() -> None:
    assert completeness(replace(_DESCRIBED, forward_efficiency=1.0, backward_efficiency=1.0)).status == "complete"


def test_a_house_needs_a_display_name_and_a_load_or_a_device() -> None:
    assert str(completeness(House("H-1.1"))) == "0 of 2 set; missing: display name, load"
    assert completeness(House("H-1.1", "A")).missing == ("load",)
    assert completeness(House("H-1.1", loads=(LoadSeries("p"),))).status == "in_progress"
    assert completeness(House("H-1.1", "A", solar=(SolarArray("s", 3.0),))).status == "complete"
    assert completeness(House("H-1.1", "A", batteries=(HomeBattery(5.0, 2.0, 2.0),))).status == "complete"


def test_a_grid_needs_a_display_name_and_something_below_it() -> None:
    assert completeness(Grid()).status == "empty"
    assert completeness(Grid(display_name="Elm", houses=(House("H-1.1"),))).status == "complete"


def test_the_two_houses_of_the_journey_are_four_complete_nodes() -> None:
    states = grid_completeness(two_houses())

    assert {name: state.status for name, state in states.items()} == dict.fromkeys(
        ("S-1", "T-1.1", "H-1.1.1", "H-1.1.2"), "complete"
    )
