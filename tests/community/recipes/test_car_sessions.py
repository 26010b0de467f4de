from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.community.recipes import (
    ProfileLibrary,
    Recipe,
    SessionSet,
    car_pattern,
    cars_from_file,
    check_sessions,
    session_steps,
)
from afterbay.core.errors import InvalidInputError, ProfileError
from afterbay.core.timeline import Timeline

QUARTER = timedelta(minutes=15)
START = datetime(2024, 3, 4, tzinfo=UTC)  # a Monday
WEEK = Timeline(START, QUARTER, 672)


def sessions(*rows: tuple[str, str, float, float]) -> SessionSet:
    arrive, depart, energy, flexible = zip(*rows, strict=True)
    return SessionSet(
        "ev",
        np.array(arrive, "M8[s]"),
        np.array(depart, "M8[s]"),
        np.array(energy),
        np.array(flexible),
        Recipe("t", {}),
    )


@settings(max_examples=60, deadline=None)
@given(
    arrival=st.floats(0, 24),
    departure=st.floats(0, 24),
    spread=st.floats(0, 6),
    seed=st.integers(0, 2**20),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
)
def test_drawn_sessions_never_overlap_and_always_depart_after_they_arrive(
    arrival: float, departure: float, spread: float, seed: int, zone: str
) -> None:
    if abs(arrival - departure) < 1.0:
        return
    car = car_pattern(
        "ev",
        arrival_h=arrival,
        departure_h=departure,
        arrival_spread_h=spread,
        departure_spread_h=spread,
        seed=seed,
    )

    steps = ProfileLibrary([car]).sessions("ev", Timeline(START, QUARTER, 96 * 40), zone)

    assert len(steps.arrive_step) >= 38
    assert (steps.depart_step > steps.arrive_step).all()
    assert (steps.arrive_step[1:] >= steps.depart_step[:-1]).all()
    assert (steps.flexible_kwh <= steps.energy_kwh).all()
    assert steps.arrive_step[0] >= 0
    assert steps.depart_step[-1] <= 96 * 40


def test_the_habits_of_a_car_come_out_on_average() -> None:
    car = car_pattern("ev", daily_kwh=9.0, arrival_h=18.0, departure_h=7.0, flexible_share=0.6, seed=3)
    found, cut = car.drawn(Timeline(START, QUARTER, 96 * 700), "UTC")

    hour = (found.arrive - found.arrive.astype("M8[D]")).astype(int) / 3600.0
    leave = (found.depart - found.depart.astype("M8[D]")).astype(int) / 3600.0
    assert cut == 0
    assert hour.mean() == pytest.approx(18.0, abs=0.2)
    assert hour.std() == pytest.approx(1.5, abs=0.2)
    assert leave.mean() == pytest.approx(7.0, abs=0.1)
    assert found.energy_kwh.mean() == pytest.approx(9.0, rel=0.03)
    assert found.flexible_kwh == pytest.approx(0.6 * found.energy_kwh)


def test_a_car_at_work_comes_on_weekdays_and_leaves_the_same_day() -> None:
    car = car_pattern("ev", arrival_h=8.0, departure_h=17.0, weekdays=range(5), seed=1)

    found, _ = car.drawn(WEEK, "UTC")

    assert len(found) == 5
    assert (found.arrive.astype("M8[D]") == found.depart.astype("M8[D]")).all()


def test_the_same_day_has_the_same_session_in_any_horizon() -> None:
    car = car_pattern("ev", seed=7)
    long, _ = car.drawn(Timeline(START - timedelta(days=90), QUARTER, 96 * 200), "Europe/Berlin")
    short, _ = car.drawn(WEEK, "Europe/Berlin")

    for arrive, energy in zip(short.arrive, short.energy_kwh, strict=True):
        assert energy in long.energy_kwh[long.arrive == arrive]


def test_no_session_gets_more_than_its_charger_gives_and_that_is_told() -> None:
    car = car_pattern("ev", daily_kwh=90.0, energy_spread=0.0, charger_kw=3.7, seed=1)

    found, cut = car.drawn(WEEK, "UTC")

    assert cut == len(found)
    assert not check_sessions(found, 3.7)
    assert check_sessions(found, 3.0)


def test_an_energy_out_of_reach_is_told_with_what_is_in_reach() -> None:
    found = check_sessions(sessions(("2024-03-04T18:00", "2024-03-04T20:00", 20.0, 5.0)), 7.4)

    assert "20 kWh in 2 h" in found[0].got
    assert "14.8 kWh at 7.4 kW" in found[0].allowed


def test_a_library_tells_what_a_charger_cannot_deliver_within_the_horizon() -> None:
    stored = sessions(
        ("2024-03-04T18:00", "2024-03-04T20:00", 20.0, 5.0), ("2025-03-04T18:00", "2025-03-04T20:00", 20.0, 5.0)
    )
    library = ProfileLibrary([stored, car_pattern("strong", daily_kwh=200.0, energy_spread=0.0)])

    assert len(library.check_charging("ev", 7.4, WEEK, "UTC")) == 1
    assert not library.check_charging("ev", 11.0, WEEK, "UTC")
    assert len(library.check_charging("strong", 3.7, WEEK, "UTC")) >= 7


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("2024-03-05T08:00", "2024-03-05T08:00", 5.0, 1.0), "a departure after the arrival"),
        (("2024-03-04T19:00", "2024-03-05T06:00", 5.0, 1.0), "one session at a time"),
        (("2024-03-06T19:00", "2024-03-07T06:00", float("nan"), 1.0), "a finite energy"),
        (("2024-03-06T19:00", "2024-03-07T06:00", -2.0, 0.0), "a finite energy"),
        (("2024-03-06T19:00", "2024-03-07T06:00", 5.0, 6.0), "0 up to the energy"),
    ],
)
def test_a_session_that_no_car_can_have_is_refused(row: tuple[str, str, float, float], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        sessions(("2024-03-04T18:00", "2024-03-04T20:00", 5.0, 1.0), row)


def test_a_car_charges_in_whole_steps_while_it_is_there() -> None:
    found = session_steps(sessions(("2024-03-04T18:05", "2024-03-04T19:55", 6.0, 2.0)), WEEK)

    assert (found.arrive_step.tolist(), found.depart_step.tolist()) == ([73], [79])
    assert (found.energy_kwh.tolist(), found.flexible_kwh.tolist()) == ([6.0], [2.0])
    assert found.arrive_step.dtype == found.depart_step.dtype == np.int64


def test_sessions_over_the_ends_keep_the_share_inside() -> None:
    found = session_steps(
        sessions(
            ("2024-03-03T10:00", "2024-03-03T12:00", 9.0, 0.0),
            ("2024-03-03T22:00", "2024-03-04T02:00", 8.0, 4.0),
            ("2024-03-10T21:00", "2024-03-11T03:00", 6.0, 6.0),
        ),
        WEEK,
    )

    assert found.arrive_step.tolist() == [0, 84 + 6 * 96]
    assert found.depart_step.tolist() == [8, 672]
    assert found.energy_kwh.tolist() == pytest.approx([4.0, 3.0])
    assert found.flexible_kwh.tolist() == pytest.approx([2.0, 3.0])


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 90), st.integers(1, 90), st.floats(0, 9)), min_size=1, max_size=40))
def test_steps_never_overlap_and_no_energy_is_lost(gaps: list[tuple[int, int, float]]) -> None:
    moment, rows = datetime(2024, 3, 4), []
    for wait, stay, energy in gaps:
        arrive = moment + timedelta(minutes=wait)
        moment = arrive + timedelta(minutes=stay)
        rows.append((arrive.isoformat(), moment.isoformat(), energy, energy / 2))

    found = session_steps(sessions(*rows), WEEK)

    assert (found.depart_step > found.arrive_step).all()
    assert (found.arrive_step[1:] >= found.depart_step[:-1]).all()
    assert found.energy_kwh.sum() == pytest.approx(sum(row[2] for row in rows))


def test_a_horizon_without_sessions_gives_empty_columns() -> None:
    found = session_steps(sessions(("2020-03-04T18:05", "2020-03-04T19:55", 6.0, 2.0)), WEEK)

    assert [len(column) for column in found] == [0, 0, 0, 0]


def test_sessions_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "car.csv"
    path.write_text(
        "arrival,departure,energy_kwh,flexible_kwh\n"
        "2024-03-05T18:00,2024-03-06T07:00,10,8\n"
        "2024-03-04T18:00+00:00,2024-03-05T06:30,7.5,0\n"
    )

    found = cars_from_file("ev", path, zone="Europe/Berlin")

    assert found.arrive.tolist() == [datetime(2024, 3, 4, 18), datetime(2024, 3, 5, 17)]
    assert found.energy_kwh.tolist() == [7.5, 10.0]
    again = ProfileLibrary.from_recipes(ProfileLibrary([found]).to_json())
    assert again.digest("ev") == found.digest


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("arrival,departure\n", "arrival, departure, energy_kwh, flexible_kwh"),
        ("", "no header"),
        ("arrival,departure,energy_kwh,flexible_kwh\n2024-03-05T18:00,later,1,1\n", "line 2"),
        ("arrival,departure,energy_kwh,flexible_kwh\n2024-03-05T18:00,2024-03-05T19:00,1,1\n", "zone="),
        ("arrival,departure,energy_kwh,flexible_kwh\n2024-03-05T18:00Z\n", "line 2"),
    ],
)
def test_a_file_that_holds_no_sessions_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "car.csv"
    path.write_text(content)

    with pytest.raises(ProfileError, match=said):
        cars_from_file("ev", path)


@pytest.mark.parametrize(
    "options",
    [
        {"daily_kwh": -1.0},
        {"arrival_h": 25.0},
        {"flexible_share": 1.5},
        {"weekdays": ()},
        {"weekdays": (7,)},
        {"charger_kw": 0.0},
        {"departure_h": 18.2},
    ],
)
def test_habits_that_no_car_has_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(options))):
        car_pattern("ev", **options)
