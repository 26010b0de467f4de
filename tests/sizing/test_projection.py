from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plants_by_hand import plain
from strategies import plants, template_numbers

from afterbay.core.errors import InvalidInputError
from afterbay.sizing import (
    FinancialConfig,
    FinancialProjection,
    SimulationParams,
    SizeGrid,
    calculate_npv,
    run_simulation,
    sweep,
)
from afterbay.sizing.degradation import DegradationConfig, calculate_degradation
from afterbay.sizing.finance import PlantSize
from afterbay.sizing.projection import ProjectionConfig, project_cases, project_plants, project_years, year_energies


def _config(**changes: Any) -> ProjectionConfig:
    fields: dict[str, Any] = {"years": 4, "solar_loss_fraction_per_year": 0.0}
    return ProjectionConfig(**{**fields, **changes})


def _ageing(**changes: Any) -> DegradationConfig:
    return DegradationConfig(**{"cycle_fraction_per_cycle": 0.0002, **changes})


@settings(max_examples=40)
@given(plants(), template_numbers, st.floats(0.0, 0.3))
def test_capacity_never_rises_without_a_purchase(params: SimulationParams, number: int, loss: float) -> None:
    years = project_years(params, number, _config(fixed_loss_fraction_per_year=loss))

    assert np.all(np.diff(years.states["start_mwh"]) <= 0.0)
    assert np.all(years.states["loss_fraction"] >= 0.0)
    assert years.states["start_mwh"].tolist() == pytest.approx(params.bess_capacity * (1.0 - loss) ** np.arange(4))


@settings(max_examples=20)
@given(plants(), template_numbers)
def test_every_year_is_the_run_of_the_battery_as_it_then_is(params: SimulationParams, number: int) -> None:
    years = project_years(params, number, _config(fixed_loss_fraction_per_year=None, degradation=_ageing()))

    for year in (1, 2, 4):
        again = years.simulate(year)
        assert again.totals == pytest.approx(years.totals[year - 1], rel=1e-6, abs=1e-6)


def test_the_loss_of_a_year_is_what_its_swings_and_its_time_cost() -> None:
    hours = np.arange(8760)
    solar = np.clip(-np.cos(hours % 24 / 24 * 2 * np.pi), 0.0, None) * 20.0
    params = plain([4.0] * 8760, solar.tolist(), bess_initial_soc=0.5)
    ageing = _ageing()

    years = project_years(params, 0, _config(fixed_loss_fraction_per_year=None, degradation=ageing))
    first = calculate_degradation(run_simulation(params, 0).soc_pct, ageing)

    assert years.states["loss_fraction"][0] * 100.0 == pytest.approx(first.total_degradation_pct, rel=1e-9)
    assert years.states["equivalent_cycles"][0] == pytest.approx(first.equivalent_full_cycles, rel=1e-9)


def test_the_state_of_charge_is_carried_over_the_new_year() -> None:
    params = plain([0.0] * 24, [3.0] * 24)

    years = project_years(params, 0, _config(years=2, fixed_loss_fraction_per_year=0.1))

    # Full at the end of the first year; the smaller battery of the second starts full and cannot hold more.
    assert years.states["initial_soc_pct"].tolist() == pytest.approx([0.0, 100.0])
    assert years.metrics["final_soc"].tolist() == pytest.approx([10.0, 9.0])


def test_augmentation_tops_up_in_its_year_and_leaves_the_age_of_the_rest() -> None:
    ageing = DegradationConfig(strategy="augmentation", augmentation_year=2)

    years = project_years(plain([1.0] * 24), 0, _config(fixed_loss_fraction_per_year=0.1, degradation=ageing))

    assert years.states["start_mwh"].tolist() == pytest.approx([10.0, 9.0, 10.0, 9.0])
    assert years.states["augmentation_mwh"].tolist() == pytest.approx([0.0, 1.9, 0.0, 0.0])


def test_a_battery_is_renewed_by_its_life_but_not_in_the_last_year() -> None:
    years = project_years(plain([1.0] * 24), 0, _config(fixed_loss_fraction_per_year=0.2, battery_life_years=2))

    assert years.states["start_mwh"].tolist() == pytest.approx([10.0, 8.0, 10.0, 8.0])
    assert years.states["replacement_mwh"].tolist() == pytest.approx([0.0, 10.0, 0.0, 0.0])


def test_an_overbuild_lasts_longer_and_does_not_enlarge_the_inverter() -> None:
    ageing = DegradationConfig(strategy="overbuild", overbuild_fraction=0.2)

    years = project_years(plain([1.0] * 24), 0, _config(fixed_loss_fraction_per_year=0.1, degradation=ageing))

    assert years.states["start_mwh"][0] == pytest.approx(12.0)
    assert years.states["discharge_power_mw"].max() == 10.0


def test_sun_and_efficiency_fade_by_their_own_rates() -> None:
    years = project_years(
        plain([1.0] * 24, [2.0] * 24, bess_efficiency=0.9),
        0,
        _config(solar_loss_fraction_per_year=0.1, efficiency_loss_fraction_per_year=0.05),
    )

    assert years.metrics["total_solar_generation"].tolist() == pytest.approx(48.0 * 0.9 ** np.arange(4))
    assert years.states["round_trip_efficiency_pct"].tolist() == pytest.approx(90.0 * 0.95 ** np.arange(4))


def test_plants_in_weather_that_was_checked_live_as_long_as_by_years() -> None:
    params = plain([3.0] * 8760, [8.0, 0.0] * 4380)
    duller = replace(params, solar_profile=params.solar_mw * 0.6)

    lived = project_plants([params, duller], 0, _config(years=3))
    by_years = project_years(
        params, 0, _config(years=3), weather_years=[(one.load_mw, one.solar_mw) for one in (params, duller)]
    )

    assert {name: column.tolist() for name, column in lived.metrics.items()} == {
        name: column.tolist() for name, column in by_years.metrics.items()
    }
    assert lived.params is params


def test_weather_years_take_turns_and_may_be_longer() -> None:
    params = plain([1.0] * 24)
    common, leap = ([1.0] * 48, [0.0] * 48), ([2.0] * 72, [0.0] * 72)

    years = project_years(params, 0, _config(years=3), weather_years=[common, leap])

    assert years.metrics["total_load"].tolist() == [48.0, 144.0, 48.0]


def test_many_cases_are_one_case_many_times_on_any_number_of_threads() -> None:
    rng = np.random.default_rng(5)
    params = SimulationParams(load_profile=rng.uniform(0, 9, 240), solar_profile=rng.uniform(0, 20, 240))
    found = sweep(params, 1, SizeGrid((10.0, 20.0, 30.0), (2.0, 4.0), (0.0, 5.0)))
    config = _config()
    weather = [(params.load_mw, params.solar_mw)]

    one, states = project_cases(found.cases, weather, config, jobs=1)
    three, again = project_cases(found.cases, weather, config, jobs=3)

    assert one.tobytes() == three.tobytes()
    assert states.tobytes() == again.tobytes()
    single = project_years(found.params_of(7), 1, config)
    assert single.totals.tobytes() == one[7].tobytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"years": 0}, {"years": 2.5}, {"fixed_loss_fraction_per_year": 2.0}, {"temperature_c": 500.0},
        {"solar_loss_fraction_per_year": -0.1}, {"battery_life_years": 0}, {"power_fades": 1},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        ProjectionConfig(**changes)

    assert caught.value.problems[0].where == next(iter(changes))


def test_no_weather_year_is_no_projection() -> None:
    with pytest.raises(InvalidInputError, match="at least one pair"):
        project_years(plain([1.0]), 0, weather_years=[])


def test_the_frame_has_a_row_per_year() -> None:
    frame = project_years(plain([1.0] * 24), 0, _config()).to_frame()

    assert frame["year"].tolist() == [1, 2, 3, 4]
    assert {"retention_pct", "delivery_pct", "start_mwh"} <= set(frame.columns)


def test_a_plant_without_a_battery_has_no_swings() -> None:
    years = project_years(replace(plain([1.0] * 24), bess_capacity=0.0), 0, _config(fixed_loss_fraction_per_year=None))

    assert not years.states["equivalent_cycles"].any()
    assert not years.retention_pct.any()


def test_the_years_carry_what_money_needs() -> None:
    ageing = DegradationConfig(strategy="augmentation", augmentation_year=2)
    params = plain([4.0] * 24, dg_capacity=3.0)
    years = project_years(params, 1, _config(fixed_loss_fraction_per_year=0.1, degradation=ageing))

    energies = year_energies(years)
    money = FinancialProjection(
        FinancialConfig(project_life_years=4, residual_value_fraction=0.0),
        PlantSize(bess_mwh=10.0, bess_mw=10.0, dg_mw=3.0),
        energies,
    )

    assert [year.augmentation_mwh for year in energies] == pytest.approx([0.0, 1.9, 0.0, 0.0])
    assert [year.unserved_hours for year in energies] == [24.0] * 4
    assert [year.delivered_mwh for year in energies] == [72.0] * 4
    assert money.npv_usd == pytest.approx(calculate_npv(0.08, money.net_cash_flow_usd))
