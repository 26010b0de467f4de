"""Stored answers become the very project that `afterbay size run` would run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError
from afterbay.server.sizing.schemas.configs import RulesConfig, SetupConfig, SizingConfig, stored
from afterbay.server.sizing.service.projects_study import document_of, inferred_template, pointer, study_of
from afterbay.sizing.project import Project, load_project
from afterbay.sizing.project.keys import SECTIONS

EXAMPLES = Path(__file__).parents[4] / "examples"


def _from_file(values: dict[str, Any], folder: Path) -> Project:
    path = folder / "project.json"
    path.write_text(json.dumps(values))
    return load_project(path)


def _assert_same(one: Project, other: Project) -> None:
    assert one.input_hash == other.input_hash
    for name in ("name", "description", "customer_reference", "config", "template", "grid", "goal", "costs",
                 "assumptions", "warnings", "start"):  # fmt: skip
        assert getattr(one, name) == getattr(other, name), name
    for mine, theirs in ((one.params(), other.params()),):
        assert np.array_equal(mine.load_mw, theirs.load_mw)
        assert np.array_equal(mine.solar_mw, theirs.solar_mw)
        assert repr(mine) == repr(theirs)


@pytest.mark.parametrize("name", ["red_rock_quarry", "seventy_cases"])
def test_an_example_project_gives_the_same_through_the_api_models_and_through_its_file(
    name: str, tmp_path: Path
) -> None:
    given = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    models = {"setup_config": SetupConfig, "rules_config": RulesConfig, "sizing_config": SizingConfig}
    answers: dict[str, Any] = {
        section: stored(model.model_validate(given[section]))  # type: ignore[attr-defined]
        for section, model in models.items()
    }
    answers["financial_config"] = {"costs": given["costs"]} if given.get("costs") else None
    facts = {key: given.get(key) for key in ("description", "customer_reference")}

    study = study_of(answers, name=given["name"], **facts)

    _assert_same(study, _from_file(document_of(answers, name=given["name"], **facts).values, tmp_path))
    original = load_project(EXAMPLES / f"{name}.yaml")
    assert np.array_equal(study.params().solar_mw, original.params().solar_mw)
    assert repr(study.params()) == repr(original.params())
    assert (study.grid, study.goal, study.costs) == (original.grid, original.goal, original.costs)


def _value(rule: Any) -> st.SearchStrategy[Any]:
    """Draw what may stand under a key by itself."""
    if rule.kind in ("number", "percent"):
        least = rule.least if rule.least is not None else (rule.above or 0.0) + 1.0
        return st.floats(max(least, rule.looks_like_fraction * 2), rule.most or 300.0)
    if rule.kind == "whole":
        return st.integers(int(rule.least or 0), int(rule.most or 100))
    if rule.kind == "flag":
        return st.booleans()
    if rule.kind == "choice":
        return st.sampled_from(rule.choices)
    return st.just(rule.default)


_LEFT_OUT = {"load_file", "load_import", "solar_file", "solar_import", "weather_file", "load_windows", "durations",
             "solar_source", "bess_daily_cycle_limit", "inferred_template", "optimization_goal", "capacity_step",
             "dg_step", "solar_min", "solar_max", "solar_step"}  # fmt: skip


def _section(name: str) -> st.SearchStrategy[dict[str, Any]]:
    known = {key: _value(rule) for key, rule in SECTIONS[name].items() if key not in _LEFT_OUT}
    return st.fixed_dictionaries({}, optional=known)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(setup=_section("setup_config"), rules=_section("rules_config"), sizing=_section("sizing_config"))
def test_any_answers_give_the_same_project_or_the_same_problems_as_their_file(
    tmp_path: Path, setup: dict[str, Any], rules: dict[str, Any], sizing: dict[str, Any]
) -> None:
    # The model of the sun is slow and not what this is about: a plain one.
    setup = {key: one for key, one in setup.items() if key not in ("year", "tilt", "azimuth", "dc_ac_ratio",
             "solar_loss_pct", "solar_capacity_mw")}  # fmt: skip
    if setup.get("load_mode") == "csv":
        del setup["load_mode"]
    answers = {"setup_config": setup, "rules_config": rules, "sizing_config": sizing, "financial_config": None}
    values = document_of(answers, name="any").values

    try:
        expected: Project | InvalidInputError = _from_file(values, tmp_path)
    except InvalidInputError as error:
        expected = error
    try:
        found: Project | InvalidInputError = study_of(answers, name="any")
    except InvalidInputError as error:
        found = error

    if isinstance(expected, Project):
        assert isinstance(found, Project), found
        _assert_same(found, expected)
    else:
        assert isinstance(found, InvalidInputError)
        places = [pointer(problem.where.partition(", line ")[0]) for problem in expected.problems]
        assert [problem.where for problem in found.problems] == places
        assert [problem.got for problem in found.problems] == [problem.got for problem in expected.problems]


def test_a_project_that_was_never_answered_says_which_steps_are_missing() -> None:
    with pytest.raises(InvalidInputError) as caught:
        study_of({}, name="new")

    assert [problem.where for problem in caught.value.problems] == ["/setup", "/rules", "/sizing"]
    assert "PUT" in caught.value.problems[0].next_move


def test_every_problem_of_a_project_is_named_at_once_by_its_pointer() -> None:
    answers = {
        "setup_config": {
            "bess_min_soc": 96.0,
            "load_mode": "custom",
            "load_windows": [{"start": 8, "end": 8, "mw": 1.0}],
        },
        "rules_config": {"dg_timing": "night_only", "dg_trigger": "reactive"},
        "sizing_config": {
            "durations": [2.0, 2.0],
            "capacity_min": 300.0,
            "optimization_goal": {"delivery_mode": "exactly"},
        },
    }

    with pytest.raises(InvalidInputError) as caught:
        study_of(answers, name="wrong")

    places = {problem.where for problem in caught.value.problems}
    assert {"/setup/bess_min_soc", "/rules/dg_trigger", "/sizing/capacity_min"} <= places
    assert "/sizing/optimization_goal/delivery_target_pct" in places


def test_a_load_profile_that_is_missing_is_named_by_the_key_that_would_name_it() -> None:
    with pytest.raises(InvalidInputError) as caught:
        study_of({"setup_config": {"load_mode": "csv", "solar_source": "csv"}, "rules_config": {}, "sizing_config": {}},
                 name="no files")  # fmt: skip

    places = [problem.where for problem in caught.value.problems]
    assert places == ["/setup/solar_profile_id"], "without a sun nothing is said of the load's length"


@pytest.mark.parametrize(
    ("setup", "rules", "number"),
    [
        (None, None, 1),
        ({"dg_enabled": False}, {"dg_timing": "day_only"}, 0),
        ({}, {"dg_timing": "night_only", "dg_trigger": "proactive"}, 2),
        ({}, {"dg_timing": "custom_blackout"}, 3),
        ({}, {"dg_trigger": "soc_based"}, 4),
        ({}, {"dg_timing": "day_only", "dg_trigger": "soc_based"}, 5),
        ({}, {"dg_timing": "night_only", "dg_trigger": "soc_based"}, 6),
    ],
)
def test_the_template_follows_from_answers_that_may_be_incomplete(
    setup: dict[str, Any] | None, rules: dict[str, Any] | None, number: int
) -> None:
    assert inferred_template(setup, rules).number == number


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("setup_config.bess_min_soc", "/setup/bess_min_soc"),
        ("setup_config.load_windows[0].mw", "/setup/load_windows/0/mw"),
        ("sizing_config.durations [1]", "/sizing/durations/1"),
        ("setup_config.load_file", "/setup/load_profile_id"),
        ("costs.installation_pct", "/financial/costs/installation_pct"),
        ("bess_min_soc", "/setup/bess_min_soc"),
        ("sizing_config", "/sizing"),
    ],
)
def test_places_of_a_project_file_become_pointers(place: str, expected: str) -> None:
    assert pointer(place) == expected
