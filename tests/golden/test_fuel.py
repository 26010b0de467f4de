"""The fuel model of the original application, number by number."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from afterbay.sizing.fuel import (
    FuelEfficiency,
    FuelLine,
    annual_fuel,
    compare_fuel,
    cycle_charging_saving,
    fuel_consumption_l,
    fuel_efficiency,
    fuel_rate_lph,
    fuel_table,
)
from shared_data import shared_path


@cache
def _rows(part: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(shared_path("golden/sizing/other/fuel.json").read_text())[part]
    return rows


def _line(row: dict[str, Any]) -> FuelLine:
    return FuelLine(no_load_lph_per_kw=row["f0"], energy_l_per_kwh=row["f1"])


def _flat(litres_per_kwh: float) -> FuelLine:
    return FuelLine(no_load_lph_per_kw=0.0, energy_l_per_kwh=litres_per_kwh)


def _near(expected: float) -> Any:
    return pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_every_point_burns_what_the_reference_burns() -> None:
    rows = _rows("point")

    assert len(rows) > 170
    for row in rows:
        rated, output, hours = row["p_rated_mw"], row["p_actual_mw"], row["hours"]
        flat = _flat(row["flat_rate"])
        expected = row["compare"]

        found = compare_fuel(rated, output, hours, line=_line(row), flat=flat)

        assert fuel_rate_lph(rated, output, line=_line(row)) == _near(row["rate_lph"])
        assert fuel_consumption_l(rated, output, hours, line=_line(row)) == _near(row["consumption_l"])
        assert fuel_consumption_l(rated, output, hours, line=flat) == _near(row["flat_l"])
        assert found.load_pct == _near(expected["load_pct"])
        assert found.curve_l == _near(expected["fuel_advanced_liters"]) == _near(row["fuel_curve_l"])
        assert found.flat_l == _near(expected["fuel_flat_liters"]) == _near(row["fuel_flat_l"])
        assert found.difference_l == _near(expected["difference_liters"])
        assert found.difference_pct == _near(expected["difference_pct"])


def _assert_same(found: FuelEfficiency, expected: dict[str, float]) -> None:
    assert found.load_pct == expected["load_pct"]
    assert found.output_mw == _near(expected["output_mw"])
    assert found.output_mw * 1000.0 == _near(expected["output_kw"])
    assert found.fuel_rate_lph == _near(expected["fuel_rate_lph"])
    assert found.specific_l_per_kwh == _near(expected["specific_consumption_lpkwh"])
    assert found.yield_kwh_per_l == _near(expected["energy_efficiency_kwhpl"])


def test_every_efficiency_is_that_of_the_reference() -> None:
    rows = _rows("efficiency")

    assert len(rows) == 17
    for row in rows:
        _assert_same(fuel_efficiency(row["p_rated_mw"], row["load_pct"], line=_line(row)), row["result"])


def test_the_table_is_that_of_the_reference() -> None:
    expected = _rows("table_default")

    found = fuel_table(25.0)

    for ours, theirs in zip(found, expected, strict=True):
        _assert_same(ours, theirs)


@pytest.mark.parametrize("number", range(7))
def test_every_year_burns_what_the_reference_burns(number: int) -> None:
    row = _rows("annual")[number]
    expected = row["result"]
    line = FuelLine() if row["enabled"] else _flat(0.25)

    # The reference takes its 400 hours for a whole year.
    found = annual_fuel(row["outputs"], row["p_rated_mw"], line=line, period_h=8760.0)

    assert found.fuel_l == _near(expected["total_fuel_liters"])
    assert found.energy_mwh == _near(expected["total_energy_mwh"])
    assert found.running_hours == expected["running_hours"]
    assert found.mean_load_pct == _near(expected["avg_load_pct"])
    assert found.mean_rate_lph == _near(expected["avg_fuel_rate_lph"])
    assert found.specific_l_per_kwh == _near(expected["specific_consumption_lpkwh"])
    assert found.fuel_cost_usd == _near(expected["fuel_cost"])
    # What the original calls a capacity factor is the share of running hours.
    assert found.running_hours_pct == _near(expected["capacity_factor_pct"])


def test_every_cycle_charging_saving_is_that_of_the_reference() -> None:
    rows = _rows("savings")

    assert len(rows) == 7
    for row in rows:
        expected = row["result"]

        found = cycle_charging_saving(row["baseline_fuel"], row["baseline_load"], row["cycle_load"])

        assert found.baseline_specific_l_per_kwh == _near(expected["baseline_specific_lpkwh"])
        assert found.cycle_specific_l_per_kwh == _near(expected["cycle_charging_specific_lpkwh"])
        assert found.saving_l == _near(expected["estimated_fuel_savings_liters"])
        assert found.saving_pct == _near(expected["estimated_fuel_savings_pct"])
        assert found.saving_pct == _near(expected["efficiency_improvement_pct"])
