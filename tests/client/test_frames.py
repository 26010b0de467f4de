"""Answers as frames: names say their unit, once; times are UTC where a zone is known."""

from __future__ import annotations

import pytest

from afterbay.client.frames import comparison_frame, named, options_frame, steps_frame, years_frame


@pytest.mark.parametrize(
    ("name", "unit", "expected"),
    [
        ("total_unserved", "MWh", "total_unserved_mwh"),
        ("delivery_pct", "%", "delivery_pct"),
        ("pct_solar_curtailed", "%", "pct_solar_curtailed"),
        ("dg_runtime_hours", "h", "dg_runtime_hours"),
        ("hour_of_day", "h", "hour_of_day"),
        ("duration", "h", "duration_h"),
        ("days_at_cycle_limit", "d", "days_at_cycle_limit"),
        ("avg_fuel_rate_lph", "L/h", "avg_fuel_rate_lph"),
        ("specific_fuel_consumption", "L/MWh", "specific_fuel_consumption_l_per_mwh"),
        ("dg_starts", "", "dg_starts"),
    ],
)
def test_a_name_says_its_unit_once(name: str, unit: str, expected: str) -> None:
    assert named(name, unit) == expected


def test_options_come_in_the_order_of_the_units_and_without_a_solar_size_that_nobody_asked_for() -> None:
    row = {"index": 0, "capacity": 80.0, "duration": 4.0, "power": 20.0, "dg_capacity": 0.0, "solar_capacity": None,
           "capital_cost_usd": 1.0, "metrics": {"total_load": 5.0, "delivery_pct": 50.0}}  # fmt: skip

    frame = options_frame([row], {"delivery_pct": "%", "total_load": "MWh"})

    assert frame.index.tolist() == [0]
    assert frame.columns.tolist() == ["capacity_mwh", "duration_h", "power_mw", "dg_capacity_mw", "capital_cost_usd",
                                      "delivery_pct", "total_load_mwh"]  # fmt: skip


@pytest.mark.parametrize(
    ("times", "name", "first"),
    [
        (["2023-01-01T00:00:00-05:00", "2023-01-01T01:00:00-05:00"], "time_utc", "2023-01-01 05:00:00+00:00"),
        (["2023-01-01T00:00:00", "2023-01-01T01:00:00"], "time", "2023-01-01 00:00:00"),
        (None, "step", "1"),
    ],
)
def test_steps_are_named_by_utc_where_a_zone_is_known(times: list[str] | None, name: str, first: str) -> None:
    columns = {**({"time": times} if times else {}), "load": [1.0, 2.0], "soc": [3.0, 4.0]}

    frame = steps_frame(columns, {"load": "MW", "soc": "MWh"})

    assert (frame.index.name, str(frame.index[0])) == (name, first)
    assert frame.columns.tolist() == ["load_mw", "soc_mwh"]


def test_years_are_named_by_their_number() -> None:
    frame = years_frame({"year": [1, 2], "start_mwh": [160.0, 157.0], "total_unserved": [0.0, 3.0]})

    assert frame.loc[2].to_dict() == {"start_mwh": 157.0, "total_unserved_mwh": 3.0}


def test_two_options_of_one_label_stay_apart_in_a_comparison() -> None:
    metric = {"metric": "total_unserved", "unit": "MWh", "values": [1.0, 2.0], "best": [True, False]}
    document = {"options": [{"label": "80 MWh"}, {"label": "80 MWh"}], "metrics": [metric]}

    frame = comparison_frame(document)

    assert frame.loc["total_unserved_mwh"].to_dict() == {
        "unit": "MWh", "1: 80 MWh": 1.0, "2: 80 MWh": 2.0, "best": "1: 80 MWh",
    }  # fmt: skip
