"""A fuel line is straight, agrees with the simulation, and refuses what is no number."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError
from afterbay.sizing import SimulationParams, run_simulation
from afterbay.sizing.fuel import (
    FLAT_FUEL,
    WILLANS_FUEL,
    FuelLine,
    annual_fuel,
    compare_fuel,
    cycle_charging_saving,
    fuel_consumption_l,
    fuel_efficiency,
    fuel_rate_lph,
    fuel_table,
)

# The first call of a kernel compiles it: no deadline.
_LAW = settings(deadline=None)
RATINGS = st.floats(0.1, 500.0)
LOADS_PCT = st.floats(0.1, 100.0)
LINES = st.builds(FuelLine, no_load_lph_per_kw=st.floats(0.001, 0.2), energy_l_per_kwh=st.floats(0.05, 0.5))


@_LAW
@given(RATINGS, LOADS_PCT, LOADS_PCT, LINES)
def test_a_higher_load_never_burns_more_per_energy(rated: float, one: float, other: float, line: FuelLine) -> None:
    low, high = sorted((one, other))

    specific_low = fuel_efficiency(rated, low, line=line).specific_l_per_kwh
    specific_high = fuel_efficiency(rated, high, line=line).specific_l_per_kwh

    assert specific_high <= specific_low * (1 + 1e-12)


@_LAW
@given(RATINGS, LOADS_PCT, LINES)
def test_yield_is_the_inverse_of_the_specific_fuel(rated: float, load_pct: float, line: FuelLine) -> None:
    found = fuel_efficiency(rated, load_pct, line=line)

    assert found.specific_l_per_kwh * found.yield_kwh_per_l == pytest.approx(1.0)


@_LAW
@given(RATINGS, st.lists(st.floats(0.0, 600.0), min_size=1, max_size=60), LINES, st.sampled_from([1.0, 0.25, 1 / 900]))
def test_a_year_burns_the_sum_of_its_steps(rated: float, output: list[float], line: FuelLine, dt_h: float) -> None:
    steps = [fuel_consumption_l(rated, power, dt_h, line=line) for power in output]

    assert annual_fuel(output, rated, line=line, dt_h=dt_h).fuel_l == pytest.approx(math.fsum(steps))


@_LAW
@given(RATINGS, st.floats(-5.0, 0.0))
def test_a_generator_that_gives_nothing_burns_nothing(rated: float, output: float) -> None:
    assert fuel_rate_lph(rated, output) == 0.0
    assert compare_fuel(rated, output).difference_pct == 0.0


@_LAW
@given(RATINGS)
def test_line_and_flat_rate_agree_at_full_load(rated: float) -> None:
    assert compare_fuel(rated, rated).difference_l == pytest.approx(0.0, abs=1e-9 * rated * 1000)


@pytest.mark.parametrize("curve", [True, False])
def test_the_fuel_of_a_simulation_is_that_of_its_gross_output(curve: bool) -> None:
    rng = np.random.default_rng(3)
    params = SimulationParams(
        load_profile=rng.uniform(0, 20, 240),
        solar_profile=rng.uniform(0, 10, 240),
        dg_capacity=12.0,
        dg_operating_mode="variable",
        dg_fuel_curve_enabled=curve,
        bess_capacity=10.0,
    )

    run = run_simulation(params, 1)
    found = annual_fuel(run.dg_output_mw, 12.0, line=WILLANS_FUEL if curve else FLAT_FUEL)

    assert run.dg_running.sum() > 50
    assert found.fuel_l == pytest.approx(run.dg_fuel_consumed.sum())
    assert found.running_hours == run.dg_running.sum()


def test_half_a_day_at_half_load_is_half_the_hours_and_a_quarter_of_the_capacity() -> None:
    found = annual_fuel([5.0] * 12 + [0.0] * 12, 10.0)

    assert found.running_hours_pct == pytest.approx(50.0)
    assert found.capacity_factor_pct == pytest.approx(25.0)
    assert found.mean_load_pct == pytest.approx(50.0)


def test_quarter_hours_count_as_quarter_hours() -> None:
    found = annual_fuel([5.0] * 8, 10.0, dt_h=0.25)

    assert found.running_hours == pytest.approx(2.0)
    assert found.energy_mwh == pytest.approx(10.0)
    assert found.running_hours_pct == pytest.approx(100.0)


def test_shares_refer_to_the_period_that_is_named() -> None:
    season = annual_fuel([10.0] * 876, 10.0, period_h=8760.0)

    assert season.running_hours_pct == pytest.approx(10.0)
    assert season.capacity_factor_pct == pytest.approx(10.0)


def test_a_generator_at_rest_all_year_has_no_means() -> None:
    found = annual_fuel([0.0] * 24, 10.0)

    assert set(found) == {0.0}


def test_a_generator_without_rating_has_no_load_share() -> None:
    assert annual_fuel([5.0], 0.0).mean_load_pct == 0.0
    assert compare_fuel(0.0, 5.0).load_pct == 0.0


def test_the_price_only_scales_the_cost() -> None:
    cheap = annual_fuel([5.0] * 24, 10.0, price_usd_per_l=1.0)
    dear = annual_fuel([5.0] * 24, 10.0, price_usd_per_l=2.0)

    assert dear == cheap._replace(fuel_cost_usd=2.0 * cheap.fuel_cost_usd)
    assert cheap.fuel_cost_usd == cheap.fuel_l


def test_a_table_has_a_row_per_load() -> None:
    rows = fuel_table(25.0, (30.0, 60.0))

    assert [row.load_pct for row in rows] == [30.0, 60.0]
    assert rows[0] == fuel_efficiency(25.0, 30.0)


@_LAW
@given(st.floats(0.0, 1e7), LOADS_PCT)
def test_the_same_load_saves_nothing(fuel: float, load_pct: float) -> None:
    assert cycle_charging_saving(fuel, load_pct, load_pct).saving_l == 0.0


def test_a_lower_load_costs_fuel_and_says_so() -> None:
    assert cycle_charging_saving(100.0, 80.0, 40.0).saving_l < 0.0


def test_a_flat_rate_saves_nothing_at_any_load() -> None:
    assert cycle_charging_saving(100.0, 25.0, 90.0, line=FLAT_FUEL).saving_l == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("bad", [math.nan, math.inf, True, "10", None, 10**400, 1j])
def test_what_is_no_number_is_refused_by_name(bad: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        fuel_consumption_l(bad, bad, bad)  # type: ignore[arg-type]

    assert [problem.where for problem in caught.value.problems] == ["rated_mw", "output_mw", "duration_h"]


def test_all_wrong_coefficients_are_named_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        FuelLine(no_load_lph_per_kw=-1.0, energy_l_per_kwh=math.nan)

    assert [problem.where for problem in caught.value.problems] == ["no_load_lph_per_kw", "energy_l_per_kwh"]
    with pytest.raises(InvalidInputError, match="energy_l_per_kwh"):
        replace(FLAT_FUEL, energy_l_per_kwh=-0.1)


@pytest.mark.parametrize("bad", [[], [[1.0]], ["much"], 5.0, None, [1.0, math.nan], [10**400]])
def test_a_series_is_one_finite_number_per_step(bad: object) -> None:
    with pytest.raises(InvalidInputError, match="output_mw"):
        annual_fuel(bad, 10.0)  # type: ignore[arg-type]


def test_everything_wrong_with_a_year_is_named_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        annual_fuel([1.0, math.inf], -1.0, price_usd_per_l=-1.0, dt_h=0.0)

    found = [problem.where for problem in caught.value.problems]
    assert found == ["output_mw", "rated_mw", "price_usd_per_l", "dt_h"]
    assert "inf at step 1" in str(caught.value)


def test_a_period_shorter_than_the_series_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="period_h: got 12"):
        annual_fuel([1.0] * 24, 10.0, period_h=12.0)


@pytest.mark.parametrize(("where", "numbers"), [("load_pct", (10.0, -1.0)), ("rated_mw", (-1.0, 10.0))])
def test_an_efficiency_needs_a_rating_and_a_load(where: str, numbers: tuple[float, float]) -> None:
    with pytest.raises(InvalidInputError, match=where):
        fuel_efficiency(*numbers)


def test_a_saving_needs_a_load_to_charge_at() -> None:
    with pytest.raises(InvalidInputError) as caught:
        cycle_charging_saving(-1.0, -1.0, 0.0)

    assert len(caught.value.problems) == 3
