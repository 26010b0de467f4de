from __future__ import annotations

import numpy as np
import pytest
from community_results import elm_week, two_house_library, two_house_run

from afterbay.community.recipes import flat
from afterbay.community.results import (
    compare_houses,
    compare_runs,
    differing_inputs,
    import_change,
    loading_duration,
    loading_fraction,
    require_same_inputs,
    run_without_batteries,
    transformer_kpis,
    without_batteries,
)
from afterbay.community.simulation import horizon, run_community
from afterbay.community.topology import elm_street, grid_to_document, set_fields, two_houses
from afterbay.core.errors import InvalidInputError, NotFoundError

RULES = ("proportional", "equal", "none")


def test_rules_stand_side_by_side_on_identical_inputs() -> None:
    frame = compare_runs({rule: two_house_run(rule) for rule in RULES})

    assert frame.columns.tolist() == ["unit", *RULES]
    assert [frame.at["shared_kwh", rule] for rule in RULES] == pytest.approx([36.0, 36.0, 0.0])
    assert frame.at["shared_kwh", "unit"] == "kWh"
    houses = compare_houses({rule: two_house_run(rule) for rule in RULES}, "utility_bought_kwh")
    assert [houses.at["H-1.1.2", rule] for rule in RULES] == pytest.approx([0.0, 0.0, 36.0])


def test_another_grid_is_refused_and_what_differs_is_named() -> None:
    grid = set_fields(two_houses(), "T-1.1", rated_kw=40.0)
    other = run_community(grid, two_house_library(), "none", horizon("2023-06-01", 1))

    with pytest.raises(InvalidInputError, match=r"run other: got another grid \(T-1\.1\.rated_kw: 50\.0 -> 40\.0\)"):
        compare_runs({"first": two_house_run(), "other": other})


def test_other_profiles_are_refused_and_named() -> None:
    library = two_house_library().with_profile(flat("load-H-1.1.2", 1.6))
    other = run_community(two_houses(), library, "proportional", horizon("2023-06-01", 1))

    with pytest.raises(InvalidInputError, match=r"other profiles \(load-H-1\.1\.2\)"):
        compare_houses({"first": two_house_run(), "other": other}, "load_kwh")


def test_other_steps_are_refused_and_every_run_is_named() -> None:
    longer = two_house_run(days=2)
    later = run_community(two_houses(), two_house_library(), "proportional", horizon("2023-06-02", 1))

    with pytest.raises(InvalidInputError) as caught:
        require_same_inputs({"first": two_house_run(), "longer": longer, "later": later})

    assert [problem.where for problem in caught.value.problems] == ["run longer", "run later"]
    assert "number of steps (96 and 192)" in caught.value.problems[0].got
    assert "another start" in caught.value.problems[1].got


def test_the_sharing_rule_is_no_input_of_the_physics() -> None:
    assert differing_inputs(two_house_run().scenario, two_house_run("none").scenario) == ()


def test_nothing_to_compare_and_unknown_figures_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="at least one run"):
        compare_runs({})
    with pytest.raises(InvalidInputError, match="named 'unit'"):
        compare_runs({"unit": two_house_run()})
    with pytest.raises(InvalidInputError, match=r"kpi: got 'emissions_kg'"):
        compare_houses({"first": two_house_run()}, "emissions_kg")


def test_taking_batteries_out_changes_nothing_else() -> None:
    bare = without_batteries(elm_street())

    assert sum(len(house.batteries) for house, _ in bare.every_house()) == 0
    kept = grid_to_document(elm_street())
    assert bare.house_names == elm_street().house_names
    assert {key: value for key, value in grid_to_document(bare).items() if key != "transformers"} == {
        key: value for key, value in kept.items() if key != "transformers"
    }
    assert without_batteries(two_houses()) == two_houses()


def test_the_loading_duration_falls_and_keeps_every_hour() -> None:
    run = elm_week()

    durations = loading_duration(run)

    assert [one.transformer for one in durations] == sorted(
        (one.transformer for one in durations),
        key=lambda name: -next(one.peak_fraction for one in durations if one.transformer == name),
    )
    for one in durations:
        place = run.tree.node_names.index(one.transformer) - 1
        assert (np.diff(one.loading_fraction) <= 0.0).all()
        assert np.sort(one.loading_fraction).tolist() == np.sort(loading_fraction(run)[:, place]).tolist()
        assert one.hours[-1] == 8 * 24 - 1
        assert one.hours_above(0.0) <= one.hours[-1]
        assert one.hours_above() == transformer_kpis(run)["overload_h"][place]
        assert one.hours_above(0.99 * one.peak_fraction) >= 0.25


def test_loading_needs_a_known_transformer_with_a_rating() -> None:
    with pytest.raises(NotFoundError, match=r"'T-9' is not in this run"):
        loading_duration(two_house_run(), ["T-9"])


def test_the_change_of_imports_is_against_the_run_without_sharing_or_without_batteries() -> None:
    run = two_house_run()

    alone, bare = import_change(run), import_change(run, run_without_batteries(run, two_house_library()))

    assert alone.before_kwh == pytest.approx([0.0, 36.0])
    assert alone.after_kwh == pytest.approx([0.0, 0.0])
    assert alone.compared_with == "without sharing"
    assert bare.before_kwh == pytest.approx(alone.before_kwh)
    assert bare.compared_with == "without batteries and sharing"
    # One of two saves all: half of what one of many would show.
    assert alone.gini_saved == pytest.approx(0.5)
    assert alone.gini_after == 0.0
