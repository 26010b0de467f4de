"""The laws of the tornado, and what it says about unusable input."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import plants, template_numbers
from weather_by_hand import plant

from afterbay.core.errors import InvalidInputError
from afterbay.sizing import CapitalCosts, SimulationParams, calculate_metrics, run_simulation
from afterbay.sizing.finance import FinancialConfig
from afterbay.sizing.projection import Projection, ProjectionConfig, project_years
from afterbay.sizing.uncertainty import (
    Driver,
    drivers_of,
    tornado,
)


@settings(max_examples=40, deadline=None)
@given(plants(), template_numbers)
def test_the_base_of_a_tornado_is_the_plain_run_to_the_bit(params: SimulationParams, template: int) -> None:
    plain = calculate_metrics(run_simulation(params, template), params)

    for measure in ("delivery_pct", "total_fuel_consumed", "bess_equivalent_cycles"):
        assert tornado(params, template, measure=measure, jobs=1).base == getattr(plain, measure)


@settings(max_examples=20, deadline=None)
@given(plants(), template_numbers)
def test_each_end_of_a_bar_is_a_run_with_that_one_value(params: SimulationParams, template: int) -> None:
    found = {row.driver.name: row for row in tornado(params, template, measure="total_unserved").rows}

    for name, field in (("battery_energy", "bess_capacity"), ("round_trip_efficiency", "bess_efficiency")):
        row = found[name]
        changed: Any = {field: row.driver.low}
        one = replace(params, **changed)
        assert row.low_value == calculate_metrics(run_simulation(one, template), one).total_unserved


def test_rows_are_sorted_by_span_and_bars_are_those_that_move() -> None:
    found = tornado(plant(), 1, measure="total_fuel_consumed")
    spans = [row.span for row in found.rows]
    moving = [row for row in found.rows if not row.note]

    assert spans == sorted(spans, reverse=True)
    assert spans[0] > 0.0
    assert list(found.bars()) == [(row.driver.name, row.low_value, row.high_value) for row in moving]
    assert len(found.lines()) == 1 + len(found.rows)
    assert json.loads(json.dumps(found.to_dict()))["base"] == found.base


def test_large_results_are_written_out() -> None:
    found = tornado(plant(), 1, measure="total_fuel_consumed")

    assert found.base > 1e5
    assert f"{found.base:,.0f} L" in found.lines()[0]
    assert not any("e+" in line for line in found.lines())


def test_more_load_burns_more_fuel_and_more_sun_less() -> None:
    whole = tornado(plant(), 1, measure="total_fuel_consumed")
    found = {bar.name: bar for bar in whole.bars()}

    assert found["load"].low_value < whole.base < found["load"].high_value
    assert found["solar_size"].high_value < whole.base < found["solar_size"].low_value


def test_the_picture_takes_the_bars_as_they_are() -> None:
    pytest.importorskip("matplotlib", reason="the extra with the pictures is not installed")
    from afterbay.sizing.charts.tornado import tornado_chart

    found = tornado(plant(), 1, measure="total_fuel_consumed")

    chart = tornado_chart(found.bars(), found.base, quantity="fuel", unit="L")

    assert found.rows[0].driver.name in str(chart.get_label())


def test_a_driver_that_cannot_move_says_so() -> None:
    found = tornado(plant(dg_capacity=0.0, dg_enabled=False), 0)
    row = next(row for row in found.rows if row.driver.name == "generator_rating")

    assert not row.driver.can_move
    assert row.low_value == row.high_value == found.base
    assert "cannot move" in row.note
    assert row == found.rows[-1]
    assert any("generator_rating" in line and "cannot move" in line for line in found.lines())
    assert "generator_rating" not in [bar.name for bar in found.bars()]


def test_a_measure_that_stays_is_told_from_a_driver_that_cannot_move() -> None:
    found = {row.driver.name: row for row in tornado(plant(), 0, measure="total_load").rows}

    assert found["battery_energy"].note == "moves, and the measure does not"
    assert found["load"].span == pytest.approx(0.4 * found["load"].base_value)


@given(st.floats(0.3, 1.0), st.floats(0.0, 1.0))
def test_default_ranges_hold_the_base_and_an_efficiency_ends_at_one(efficiency: float, swing: float) -> None:
    for one in drivers_of(plant(2, bess_efficiency=efficiency), ProjectionConfig(), swing_fraction=swing):
        assert one.low <= one.base <= one.high
        if one.name == "round_trip_efficiency":
            assert one.low > 0.0
            assert one.high <= 1.0


def test_every_range_is_an_input() -> None:
    params = plant(30)
    every = drivers_of(params, ProjectionConfig(), finance=FinancialConfig())
    ranges = {one.name: (one.base * 0.5, one.base) for one in every}

    found = drivers_of(params, ProjectionConfig(), finance=FinancialConfig(), ranges=ranges)

    assert {one.name: (one.low, one.high) for one in found} == ranges
    assert {"solar_ageing", "battery_loss", "fuel_price", "capital_prices", "discount_rate"} <= set(ranges)


def test_ageing_moves_the_mean_of_the_years() -> None:
    found = tornado(plant(), 0, config=ProjectionConfig(years=4), measure="total_solar_generation")
    years = project_years(plant(), 0, ProjectionConfig(years=4)).metrics["total_solar_generation"]
    ageing = next(bar for bar in found.bars() if bar.name == "solar_ageing")

    assert found.base == np.mean(years)
    assert ageing.high_value < found.base < ageing.low_value
    assert "mean of 4 years" in found.lines()[0]


def test_the_ageing_model_brings_its_own_drivers() -> None:
    names = [one.name for one in drivers_of(plant(), ProjectionConfig(fixed_loss_fraction_per_year=None))]

    assert "battery_loss" not in names
    assert {"battery_calendar_loss", "battery_cycle_loss"} <= set(names)


def test_a_measure_may_be_a_function_of_the_projection() -> None:
    def last_year(params: SimulationParams, projection: Projection) -> float:
        return float(projection.metrics["total_unserved"][-1]) + params.bess_capacity * 0.0

    found = tornado(plant(), 0, config=ProjectionConfig(years=3), measure=last_year)

    assert found.measure == "last_year"
    assert found.base == project_years(plant(), 0, ProjectionConfig(years=3)).metrics["total_unserved"][-1]


def test_money_moves_as_arithmetic_says() -> None:
    finance = FinancialConfig(project_life_years=3, depreciation_years=3, tax_fraction=0.0)
    whole = tornado(plant(), 1, measure="npv_usd", finance=finance)
    found = {bar.name: bar for bar in whole.bars()}
    capital = 1.15 * (60.0 * 300_000.0 + 15.0 * 50_000.0 + 12.0 * 200_000.0)

    assert found["capital_prices"].high_value - whole.base == pytest.approx(-0.2 * capital)
    assert found["capital_prices"].low_value - whole.base == pytest.approx(0.2 * capital)
    assert found["fuel_price"].high_value < whole.base < found["energy_price"].high_value


def test_a_solar_plant_that_costs_something_is_paid_when_it_grows() -> None:
    finance = FinancialConfig(
        project_life_years=1, depreciation_years=1, tax_fraction=0.0, costs=CapitalCosts(solar_usd_per_mw=1e9)
    )
    found = {
        row.driver.name: row for row in tornado(plant(), 0, measure="npv_usd", finance=finance, solar_mw=50.0).rows
    }

    assert found["solar_size"].driver.base == 50.0
    assert found["solar_size"].high_value - found["solar_size"].base_value == pytest.approx(-1.15e10, rel=0.01)


def test_the_number_of_threads_does_not_matter() -> None:
    assert tornado(plant(), 2, jobs=1).to_dict() == tornado(plant(), 2, jobs=3).to_dict()


def _broken() -> list[tuple[Callable[[], object], list[str]]]:
    params = plant()

    def same(study: Any, value: float) -> Any:
        return study

    far = Driver(name="far", unit="", low=0.5, base=0.87, high=1.2, apply=drivers_of(params)[2].apply)
    ranges: Any = {"sun": (1, 2), "load": 3, "battery_energy": (70.0, 80.0), "battery_power": ("x", 20.0)}
    return [
        (lambda: tornado(params, 0, measure="delivery"), ["measure"]),
        (lambda: tornado(params, 0, measure="npv_usd"), ["measure"]),
        (lambda: tornado(params, 0, finance=FinancialConfig(), jobs=0), ["jobs", "finance"]),
        (lambda: tornado(params, 0, measure=lambda params, projection: float("nan")), ["measure"]),
        (lambda: tornado(params, 0, drivers=[far, far, 3]), ["far at 1.2", "drivers[1]", "drivers[2]"]),  # type: ignore[list-item]
        (lambda: tornado(params, 0, drivers=drivers_of(params, finance=FinancialConfig())), ["finance"]),
        (lambda: tornado(plant(7), 0, measure="npv_usd", finance=FinancialConfig()), ["load_profile"]),
        (
            lambda: tornado(params, 0, measure="npv_usd", finance=FinancialConfig(), config=ProjectionConfig(years=3)),
            ["config.years"],
        ),
        (
            lambda: drivers_of(params, ranges={k: ranges[k] for k in ("sun", "load")}, swing_fraction=20),
            ["swing", "sun"],
        ),
        (
            lambda: drivers_of(params, ranges={k: ranges[k] for k in ("battery_energy", "battery_power")}),
            ["energy", "low"],
        ),
        (
            lambda: drivers_of(replace(params, solar_profile=[0.0] * 8760), ranges={"solar_size": (0.0, 9.0)}),
            ["solar_size"],
        ),
        (lambda: drivers_of(3, 4, finance=5, solar_mw=-1.0), ["params", "config", "finance", "solar_mw"]),  # type: ignore[arg-type]
        (lambda: Driver(name="", unit="", low=2.0, base=1.0, high=float("nan"), apply=same), ["name", "high"]),
        (lambda: Driver(name="x", unit="", low=2.0, base=1.0, high=3.0, apply=None), ["range", "apply"]),  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize("number", range(14))
def test_unusable_input_is_refused_with_every_problem_named(number: int) -> None:
    cases = _broken()
    assert len(cases) == 14
    ask, named = cases[number]

    with pytest.raises(InvalidInputError) as caught:
        ask()

    for word in named:
        assert word in str(caught.value)
