"""Every assumption is an input with a default, a unit and a source, and refuses what it cannot be."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from typing import Any

import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.cost import CapitalCosts
from afterbay.sizing.finance.config import FinancialConfig


def test_the_defaults_are_those_of_the_sizing_application() -> None:
    config = FinancialConfig()

    assert (config.project_life_years, config.discount_rate_fraction, config.tax_fraction) == (20, 0.08, 0.25)
    assert config.battery_om_usd_per_mwh_year == 5_000
    assert config.generator_om_usd_per_mw_year == 10_000
    assert config.augmentation_usd_per_mwh == 250_000
    assert config.fuel_escalation_fraction == 0.025
    assert config.costs.installation_fraction == 0.15
    assert config.depreciation_years == 10


def test_every_assumption_is_listed_with_unit_and_source() -> None:
    listed = FinancialConfig().assumptions()
    own = [one.name for one in fields(FinancialConfig) if one.name not in ("costs", "sources")]
    prices = [f"costs.{one.name}" for one in fields(CapitalCosts)]

    assert sorted(assumption.name for assumption in listed) == sorted(own + prices)
    for assumption in listed:
        assert assumption.source
        assert assumption.unit or isinstance(assumption.value, bool)


def test_a_changed_assumption_says_that_it_was_given_or_where_from() -> None:
    config = FinancialConfig(
        fuel_price_usd_per_l=0.9,
        tax_fraction=0.3,
        costs=CapitalCosts(bess_usd_per_mwh=180_000.0),
        currency="EUR",
        sources={"fuel_price_usd_per_l": "supply contract"},
    )
    listed = {assumption.name: assumption for assumption in config.assumptions()}

    assert listed["fuel_price_usd_per_l"][1:] == (0.9, "EUR/L", "supply contract")
    assert listed["tax_fraction"].source == listed["costs.bess_usd_per_mwh"].source == "given with this study"
    assert listed["discount_rate_fraction"].source != "given with this study"


def test_a_config_survives_storage() -> None:
    config = FinancialConfig(battery_life_years=12, costs=CapitalCosts(0.0), sources={"tax_fraction": "law"})

    assert FinancialConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert FinancialConfig.from_dict({}) == FinancialConfig()
    assert hash(config) == hash(replace(config))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("discount_rate_fraction", 8, r"for 8 % give 0\.08"),
        ("discount_rate_fraction", -1.0, "above -1"),
        ("fuel_escalation_fraction", 2.5, r"for 2\.5 % give 0\.025"),
        ("inflation_fraction", math.nan, "inflation_fraction"),
        ("energy_price_escalation_fraction", "2", "energy_price_escalation_fraction"),
        ("tax_fraction", 25, r"did you mean 0\.25"),
        ("residual_value_fraction", 1.5, "residual_value_fraction"),
        ("project_life_years", 0, r"1\.\.100"),
        ("project_life_years", None, r"1\.\.100"),
        ("project_life_years", 20.5, "whole number"),
        ("battery_life_years", -15, "or None"),
        ("depreciation_years", None, r"1\.\.100"),
        ("generator_life_hours", 0.0, "> 0"),
        ("fuel_price_usd_per_l", -0.1, ">= 0"),
        ("penalty_usd_per_unserved_hour", math.inf, "finite"),
        ("augmentation_usd_per_mwh", 1e16, "1e\\+15"),
        ("currency", "usd", "three capital letters"),
        ("currency", "USD\n", "three capital letters"),
        ("currency", None, "three capital letters"),
        ("loss_carry_forward", 1, "True or False"),
        ("renewals_capitalised", "no", "True or False"),
        ("costs", {"bess_usd_per_mwh": 1}, "CapitalCosts"),
        ("sources", {"tax": "law"}, "sources.tax"),
        ("sources", {"tax_fraction": ""}, "a text"),
        ("sources", "law", "texts by name"),
    ],
)
def test_an_assumption_that_cannot_be_is_refused_by_name(name: str, value: Any, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        FinancialConfig(**{name: value})


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        FinancialConfig(tax_fraction=25, project_life_years=-1, fuel_price_usd_per_l=math.nan)

    found = {problem.where for problem in caught.value.problems}
    assert found == {"tax_fraction", "project_life_years", "fuel_price_usd_per_l"}


def test_a_horizon_shorter_than_a_life_needs_a_stated_residual_value() -> None:
    with pytest.raises(InvalidInputError) as caught:
        FinancialConfig(project_life_years=5, battery_life_years=12)
    assert [problem.where for problem in caught.value.problems] == ["battery_life_years", "depreciation_years"]
    assert "residual_value_fraction=0.0" in str(caught.value)

    stated = FinancialConfig(project_life_years=5, battery_life_years=12, residual_value_fraction=0.0)
    assert stated.residual_value_fraction == 0.0


def test_unknown_keys_of_a_stored_config_are_named() -> None:
    with pytest.raises(InvalidInputError) as caught:
        FinancialConfig.from_dict({"tax": 0.3, "costs": {"bess": 1.0}})
    assert [one.where for one in caught.value.problems] == ["financial_config.tax", "financial_config.costs.bess"]

    with pytest.raises(InvalidInputError) as caught:
        FinancialConfig.from_dict({"tax_fraction": 25, "costs": {"bess_usd_per_mwh": -1.0}})
    assert [one.where for one in caught.value.problems] == ["costs.bess_usd_per_mwh", "tax_fraction"]

    unusable: tuple[object, ...] = (None, [], {"costs": 5})
    for nothing in unusable:
        with pytest.raises(InvalidInputError, match="an object of named values"):
            FinancialConfig.from_dict(nothing)


def test_the_sources_of_a_config_do_not_change_with_the_callers() -> None:
    given = {"tax_fraction": "law"}
    config = FinancialConfig(sources=given)

    given["tax_fraction"] = "hearsay"

    assert config.sources == {"tax_fraction": "law"}
