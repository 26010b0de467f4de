"""Published and independently executed cases that the physics core must meet."""

from __future__ import annotations

import json
from typing import Any

import pytest

from afterbay.core.battery import Battery, step_battery
from afterbay.core.generator import Generator
from afterbay.core.units import one_way_efficiency
from shared_data import shared_path


def _case(name: str) -> dict[str, Any]:
    cases = json.loads(shared_path("golden/sizing_oracles.json").read_text())["cases"]
    (found,) = [case for case in cases if case["id"] == name]
    return dict(found)


def test_a_round_trip_efficiency_is_split_evenly() -> None:
    case = _case("soc-split-87")

    found = one_way_efficiency(case["inputs"]["round_trip_efficiency"])

    assert found == pytest.approx(case["expected"]["one_way"], abs=case["tolerance"]["abs"])


def test_an_empty_battery_stores_and_returns_what_the_published_example_says() -> None:
    case = _case("homer-rte")
    offered = case["inputs"]["charge_kwh_into_empty"]
    battery = Battery.from_round_trip(
        round_trip_efficiency=case["inputs"]["round_trip_efficiency"],
        capacity=1000.0,
        charge_power=1000.0,
        discharge_power=1000.0,
    )

    charged = step_battery(battery, 0.0, -offered, dt_h=1.0)
    emptied = step_battery(battery, charged.energy, 1000.0, dt_h=1.0)

    assert charged.energy == pytest.approx(case["expected"]["stored_kwh"], abs=1e-9)
    assert emptied.power == pytest.approx(case["expected"]["recovered_kwh"], abs=1e-9)


def test_a_generator_at_rest_burns_nothing() -> None:
    case = _case("fuel-zero-when-off")
    inputs = case["inputs"]
    generator = Generator(rating=inputs["rated_kw"], fuel_per_rating_h=inputs["F0"], fuel_per_energy=inputs["F1"])

    assert generator.fuel(inputs["output_kw"]) == case["expected"]["l_per_h"]


@pytest.mark.parametrize("rated_kw", [500, 1000, 2000])
def test_a_willans_line_through_half_and_full_load_meets_the_published_chart_between(rated_kw: int) -> None:
    case = _case(f"fuel-chart-{rated_kw}kW")
    shares, litres = case["inputs"]["load_fraction"], case["expected"]["l_per_h"]
    half, full = litres[shares.index(0.5)], litres[shares.index(1.0)]
    slope = (full - half) / (0.5 * rated_kw)
    generator = Generator(
        rating=rated_kw, fuel_per_rating_h=(full - slope * rated_kw) / rated_kw, fuel_per_energy=slope
    )

    found = generator.fuel(0.75 * rated_kw)

    # The chart bends a little: a straight line meets its three-quarter point within 3.5 %.
    assert found == pytest.approx(litres[shares.index(0.75)], rel=0.035)
