"""The sections on the wire have the plan's keys, the library's bounds and defaults, and refuse all that is wrong."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from server_projects import PLAN

from afterbay.core.units import fraction_to_percent
from afterbay.server.sizing.schemas.configs import (
    Configs,
    FinancialConfigIn,
    GoalConfig,
    RulesConfig,
    SetupConfig,
    SizingConfig,
    stored,
)
from afterbay.server.sizing.service.projects_money import finance_of, finance_problems, projection_of
from afterbay.sizing.cost import CapitalCosts
from afterbay.sizing.degradation import DegradationConfig
from afterbay.sizing.finance import FinancialConfig
from afterbay.sizing.goal import Goal
from afterbay.sizing.project.keys import SECTIONS
from afterbay.sizing.projection import ProjectionConfig

ONLY_IN_FILES = {"load_file", "load_import", "solar_file", "solar_import", "weather_file"}


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    return {name: field.get_default(call_default_factory=True) for name, field in model.model_fields.items()}


def _found(model: type[BaseModel], given: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(json.dumps(given))
    return {
        "/".join(map(str, one["loc"])): f"{one['msg']} -> {one.get('ctx', {}).get('hint', '')}"
        for one in caught.value.errors()
    }


def test_the_plans_example_is_taken_and_stored_as_it_is() -> None:
    configs = Configs.model_validate(PLAN)

    assert stored(configs) == PLAN


@pytest.mark.parametrize("model", [SetupConfig, RulesConfig, SizingConfig])
def test_keys_and_defaults_are_those_of_a_project_file(model: Any) -> None:
    known = {key: rule.default for key, rule in SECTIONS[model.section].items() if key not in ONLY_IN_FILES}
    found = _defaults(model)

    assert found.keys() == known.keys()
    for key, default in known.items():
        plain = list(default) if isinstance(default, tuple) else default
        value = found[key].model_dump(exclude_unset=True) if isinstance(found[key], BaseModel) else found[key]
        assert value == plain, key


def test_the_goal_has_the_keys_and_defaults_of_the_library() -> None:
    assert _defaults(GoalConfig) == Goal().to_dict()


def test_without_a_word_about_money_the_numbers_are_those_of_the_report_command() -> None:
    assert finance_of(None) == FinancialConfig(residual_value_fraction=0.0)
    assert finance_of(FinancialConfigIn().model_dump()) == FinancialConfig(residual_value_fraction=0.0)
    assert projection_of(None) == ProjectionConfig()
    assert projection_of(FinancialConfigIn().model_dump()) == ProjectionConfig()


def test_every_assumption_of_the_library_can_be_given() -> None:
    def wire(record: type[Any]) -> set[str]:
        names = {one.name.replace("_fraction_per_", "_pct_per_") for one in fields(record)}
        return {name.removesuffix("_fraction") + "_pct" if name.endswith("_fraction") else name for name in names}

    money = set(FinancialConfigIn.model_fields)
    assert wire(FinancialConfig) <= money
    assert money - wire(FinancialConfig) == {"projection", "degradation"}
    assert wire(CapitalCosts) == set(FinancialConfigIn.model_fields["costs"].annotation.model_fields)  # type: ignore[union-attr]
    given = set(FinancialConfigIn.model_fields["degradation"].annotation.model_fields)  # type: ignore[union-attr]
    assert wire(DegradationConfig) == given
    yearly = set(FinancialConfigIn.model_fields["projection"].annotation.model_fields)  # type: ignore[union-attr]
    # Years and lives are asked once, beside the prices.
    assert wire(ProjectionConfig) - {"years", "degradation", "battery_life_years"} == yearly


def test_percent_becomes_fractions_exactly() -> None:
    given = {"discount_rate_pct": 7.0, "tax_pct": 29.9, "costs": {"installation_pct": 12.3},
             "projection": {"fixed_loss_pct_per_year": None, "solar_loss_pct_per_year": 0.7},
             "degradation": {"calendar_pct_per_year": 1.1, "stress_by_depth_pct": {"50": 1.0}},
             "battery_life_years": 12}  # fmt: skip

    money, years = finance_of(given), projection_of(given)

    assert (money.discount_rate_fraction, money.tax_fraction) == (0.07, 0.299)
    assert fraction_to_percent(money.costs.installation_fraction) == 12.3
    assert years.fixed_loss_fraction_per_year is None
    assert years.solar_loss_fraction_per_year == 0.007
    assert years.degradation.calendar_fraction_per_year == 0.011
    assert dict(years.degradation.stress_by_depth_pct) == {50.0: 1.0}
    assert (years.battery_life_years, money.battery_life_years) == (12, None), "renewals are paid when they happen"


def test_types_and_bounds_are_refused_all_at_once() -> None:
    found = _found(
        SetupConfig,
        {"load_mw": "25", "bess_efficiency": 0.87, "bess_min_soc": 101, "lode_mw": 1, "dg_enabled": "yes",
         "load_day_start": 6.5, "bess_daily_cycle_limit": 2.5, "load_windows": [{"start": 25}]},
    )  # fmt: skip

    assert found.keys() == {"load_mw", "bess_efficiency", "bess_min_soc", "lode_mw", "dg_enabled", "load_day_start",
                            "bess_daily_cycle_limit", "load_windows/0/start"}  # fmt: skip
    assert "did you mean 87 %?" in found["bess_efficiency"]


@pytest.mark.parametrize(
    ("model", "given", "place", "words"),
    [
        (SetupConfig, {"bess_daily_cycle_limit": 0.0}, "bess_daily_cycle_limit", "greater than 0"),
        (SetupConfig, {"bess_max_soc": 0.95}, "bess_max_soc", "did you mean 95 %?"),
        (SetupConfig, {"load_mw": None}, "load_mw", "valid number"),
        (SetupConfig, {"latitude": 91.0}, "latitude", "-90..90"),
        (SetupConfig, {"weather_file": "/etc/passwd"}, "weather_file", "not permitted"),
        (SetupConfig, {"solar_file": "../../secret.csv"}, "solar_file", "not permitted"),
        (RulesConfig, {"dg_timing": "sometimes"}, "dg_timing", "anytime"),
        (RulesConfig, {"soc_on_threshold": 0.2}, "soc_on_threshold", "did you mean 20 %?"),
        (RulesConfig, {"night_start_hour": 24}, "night_start_hour", "0..23"),
        (SizingConfig, {"durations": []}, "durations", "at least 1"),
        (SizingConfig, {"durations": [2.0, -1.0]}, "durations", "above 0"),
        (SizingConfig, {"optimization_goal": {"delivery_target_pct": 0.99}}, "optimization_goal/delivery_target_pct",
         "did you mean 99 %?"),
        (FinancialConfigIn, {"tax_pct": 120.0}, "tax_pct", "120 %"),
        (FinancialConfigIn, {"costs": {"bess_usd_per_mwh": -1.0}}, "costs/bess_usd_per_mwh", ">= 0"),
        (FinancialConfigIn, {"currency": "usd"}, "currency", "pattern"),
        (FinancialConfigIn, {"sources": {"no_such": "a paper"}}, "sources", "unknown name"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_where_it_stands(
    model: type[BaseModel], given: dict[str, Any], place: str, words: str
) -> None:
    found = _found(model, given)

    assert list(found) == [place]
    assert words in found[place]


def test_what_a_draft_still_lacks_is_no_reason_to_refuse_it() -> None:
    SizingConfig.model_validate({"optimization_goal": {"delivery_mode": "at_least"}})
    SetupConfig.model_validate({"load_mode": "csv", "bess_min_soc": 60.0})
    RulesConfig.model_validate({"dg_timing": "custom_blackout"})
    FinancialConfigIn.model_validate({"battery_life_years": 30})


def test_money_is_refused_in_the_unit_of_the_wire() -> None:
    found = finance_problems({"discount_rate_pct": -300.0, "degradation": {"overbuild_pct": 900.0},
                              "project_life_years": 0, "projection": {"temperature_c": 99.0}})  # fmt: skip

    places = {problem.where: problem for problem in found}
    assert {"/financial/discount_rate_pct", "/financial/degradation/overbuild_pct", "/financial/project_life_years",
            "/financial/projection/temperature_c"} == places.keys()  # fmt: skip
    assert places["/financial/discount_rate_pct"].got == "-300 %"
    assert "500 %" in places["/financial/degradation/overbuild_pct"].allowed


@pytest.mark.parametrize("model", [SetupConfig, RulesConfig, SizingConfig])
def test_the_schema_states_units_and_the_bounds_that_are_enforced(model: Any) -> None:
    properties = model.model_json_schema()["properties"]

    for key, rule in SECTIONS[model.section].items():
        if key in ONLY_IN_FILES or rule.kind not in ("number", "percent"):
            continue
        shown = json.dumps(properties[key])
        assert '"unit"' in shown or not rule.unit, key
        if rule.most is not None:
            assert properties[key]["maximum"] == rule.most or '"maximum"' in shown, key
