"""`run_simulation` as the document calls it: files in and out, whole or not at all, and a memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from community_cycle import HEADER, MOMENT, an_id, write_lines

from afterbay.community.cycle import (
    RESULT_COLUMNS,
    ConstantWeather,
    CycleState,
    read_memory,
    read_users,
    results_name,
    run_simulation,
    run_ticks,
    state_before,
    validate_results,
)
from afterbay.community.cycle.contract import STEP, read_moment
from afterbay.core.errors import AfterbayError, InvalidInputError, OutOfRangeError, PhysicsError, Problem
from afterbay.core.output_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path

HOMES = ["400.0,12,13.5,5.0,4", "350.0,8,10.0,3.5,2", "450.0,16,20.0,7.0,5", "350.0,0,0.0,5.0,3"]
LATER = "2024-09-11T14:30:00"


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    lines = [HEADER, *(f"{an_id(row)},{home}" for row, home in enumerate(HOMES))]
    return write_lines(tmp_path / "users_input_latest.csv", lines)


def run(users_file: Path, name: str = "results_20240911_1415.csv", **changes: Any) -> bool:
    given: dict[str, Any] = {
        "input_file": users_file, "output_file": users_file.parent / name, "steps": 1, "start_time": MOMENT,
        "weather": 0.9, "seed": None,
    }  # fmt: skip
    return run_simulation(**{**given, **changes})


def test_journey_eleven_a_good_cycle(users_file: Path) -> None:
    assert run(users_file) is True

    path = users_file.parent / results_name(datetime(2024, 9, 11, 14, 15, tzinfo=UTC))
    frame = pd.read_csv(path)
    assert tuple(frame.columns) == RESULT_COLUMNS
    # Three users with panels; the one without is not in it.
    assert frame["user_id"].tolist() == [an_id(0), an_id(1), an_id(2)]
    assert set(frame["timestamp"]) == {MOMENT}
    assert ((frame["generation_kwh"] - frame["consumption_kwh"] - frame["surplus_kwh"]).abs() < 0.001).all()
    assert (frame.drop(columns=["user_id", "timestamp", "surplus_kwh"]) >= 0).all(axis=None)
    assert (frame["generation_kwh"] <= pd.Series([5.0, 3.5, 7.0]) * 0.25).all()
    assert (frame["generation_kwh"] > 0.2).all()
    assert validate_results(path, read_users(users_file).users, CycleState(), expected=MOMENT).ok


def test_every_number_has_six_decimals_and_the_time_is_written_as_in_the_document(users_file: Path) -> None:
    run(users_file)

    lines = (users_file.parent / "results_20240911_1415.csv").read_text().splitlines()
    for line in lines[1:]:
        cells = line.split(",")
        assert cells[1] == "2024-09-11T14:15:00"
        assert all(len(cell.split(".")[1]) == 6 for cell in cells[2:])


def test_the_same_interval_again_gives_the_same_file_and_other_seeds_others(users_file: Path) -> None:
    out = users_file.parent / "results_20240911_1415.csv"
    run(users_file)
    first = out.read_bytes()

    run(users_file)
    assert out.read_bytes() == first
    run(users_file, seed=4)
    assert out.read_bytes() != first
    run(users_file, run_id="study")
    assert out.read_bytes() != first
    run(users_file, seed=int(datetime(2024, 9, 11, 14, 15, tzinfo=UTC).timestamp()) // 900)
    assert out.read_bytes() == first


def test_ticks_one_by_one_are_the_steps_of_one_run(users_file: Path) -> None:
    folder = users_file.parent
    run(users_file, "results_20240911_1415.csv", seed=1)
    run(users_file, "results_20240911_1430.csv", start_time=LATER, seed=1)
    run(users_file, "both.csv", steps=2, seed=1, state_file=None)

    one, two, both = (
        (folder / name).read_text().splitlines()
        for name in ("results_20240911_1415.csv", "results_20240911_1430.csv", "both.csv")
    )
    assert [*one, *two[1:]] == both


def test_the_memory_stays_beside_the_results_and_holds_before_and_after(users_file: Path) -> None:
    run(users_file)
    run(users_file, "results_20240911_1430.csv", start_time=LATER)

    path = users_file.parent / "cycle_state.csv"
    memory = read_memory(path)
    first = pd.read_csv(users_file.parent / "results_20240911_1415.csv")
    second = pd.read_csv(users_file.parent / "results_20240911_1430.csv")
    assert (memory.first, memory.last) == (read_moment(LATER), read_moment(LATER))
    assert memory.before.stored_kwh.tolist() == first["battery_soc_kwh"].tolist()
    assert memory.after.stored_kwh.tolist() == second["battery_soc_kwh"].tolist()
    assert state_before(path, read_moment(LATER)).stored_kwh.tolist() == memory.before.stored_kwh.tolist()
    assert len(state_before(path.with_name("none.csv"), read_moment(LATER))) == 0


def test_a_user_who_joins_later_begins_at_half_and_leaves_the_others_alone(users_file: Path) -> None:
    few = write_lines(users_file.parent / "few.csv", users_file.read_text().splitlines()[:2])
    run(few)
    run(users_file, "results_20240911_1430.csv", start_time=LATER)
    again = (users_file.parent / "results_20240911_1430.csv").read_bytes()

    memory = read_memory(users_file.parent / "cycle_state.csv")
    assert (len(memory.before), len(memory.after)) == (1, 3)
    run(users_file, "results_20240911_1430.csv", start_time=LATER)
    assert (users_file.parent / "results_20240911_1430.csv").read_bytes() == again


def test_a_stored_energy_in_the_input_is_followed_and_a_difference_is_told(
    users_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(users_file)
    left = read_memory(users_file.parent / "cycle_state.csv").after.stored_kwh
    lines = [f"{HEADER},soc_start_kwh", f"{an_id(0)},{HOMES[0]},{left[0]:.6f}", f"{an_id(1)},{HOMES[1]},3.5"]
    carried = write_lines(users_file.parent / "v2.csv", [*lines, f"{an_id(2)},{HOMES[2]},"])

    run(carried, "results_20240911_1430.csv", start_time=LATER, seed=1)
    run(carried, "alone.csv", start_time=LATER, seed=1, state_file=None)

    assert "soc_start_kwh of 1 users is not what the last run left" in caplog.text
    with_memory, alone = (
        (users_file.parent / name).read_text().splitlines() for name in ("results_20240911_1430.csv", "alone.csv")
    )
    assert with_memory[1:3] == alone[1:3]
    assert with_memory[3] != alone[3]


def test_a_start_before_what_the_memory_holds_is_refused_with_the_way_out(users_file: Path) -> None:
    run(users_file, "results_20240911_1430.csv", start_time=LATER)

    with pytest.raises(InvalidInputError, match=r"start at 2024-09-11T14:45:00, or give another state file"):
        run(users_file, raise_errors=True)
    assert run(users_file, state_file=None)
    assert run(users_file, state_file="backfill_state.csv")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "user_id,timestamp\n",
        "user_id,first_timestamp,timestamp,soc_before_kwh,"
        "battery_soc_kwh\nx,2024-09-11T14:15:00,2024-09-11T14:15:00,,1.0\n",
    ],
)
def test_a_broken_memory_is_an_error_never_a_silent_restart(users_file: Path, content: str) -> None:
    state = users_file.parent / "cycle_state.csv"
    state.write_text(content)

    assert run(users_file) is False
    assert state.read_text() == content
    assert not (users_file.parent / "results_20240911_1415.csv").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": 0}, "steps: got 0"),
        ({"steps": 1.5}, "steps: got 1.5, allowed: a whole number"),
        ({"steps": True}, "steps: got True"),
        ({"steps": float("nan")}, "steps: got nan"),
        ({"start_time": "2024-09-11T14:20:00"}, "round it down to 2024-09-11T14:15:00"),
        ({"start_time": "soon"}, "start_time: got 'soon'"),
        ({"weather": 90.0}, "weather: got 90.0"),
        ({"weather": float("nan")}, "weather: got nan"),
        ({"weather": "sunny"}, "weather: got 'sunny'"),
        ({"seed": 1.5}, "seed: got 1.5"),
        ({"state_file": "users_input_latest.csv"}, "files of their own"),
        ({"state_file": "none/state.csv"}, "a place that can be written"),
    ],
)
def test_a_call_that_cannot_be_run_returns_false_explains_and_writes_nothing(
    users_file: Path, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], words: str
) -> None:
    before = sorted(users_file.parent.iterdir())

    assert run(users_file, **changes) is False

    assert words in caplog.text
    assert sorted(users_file.parent.iterdir()) == before
    with pytest.raises(AfterbayError):
        run(users_file, raise_errors=True, **changes)


def test_a_bad_input_file_leaves_results_and_memory_of_before(
    users_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(users_file)
    files = {path: path.read_bytes() for path in users_file.parent.iterdir()}
    bad = write_lines(users_file.parent / "bad.csv", [HEADER, f"{an_id(0)},-400.0,12,13.5,5.0,4"])

    assert run(bad, start_time=LATER) is False

    assert "line 2 panel_wattage" in caplog.text
    assert an_id(0) not in caplog.text
    assert {path: path.read_bytes() for path in files} == files


def test_when_the_results_cannot_be_written_the_memory_is_as_before(
    users_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(users_file)
    kept = (users_file.parent / "cycle_state.csv").read_bytes()

    def no_room(path: Path, content: bytes) -> None:
        if path.name.startswith("results"):
            raise InvalidInputError(Problem("path", "no space left", "room", "make some"))
        write_whole(path, content)

    monkeypatch.setattr("afterbay.community.cycle.run.write_whole", no_room)

    assert run(users_file, "results_20240911_1430.csv", start_time=LATER) is False
    assert (users_file.parent / "cycle_state.csv").read_bytes() == kept
    assert not (users_file.parent / "results_20240911_1430.csv").exists()


def test_rows_that_break_a_law_are_never_written(users_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **options: Any) -> Any:
        state, ticks = run_ticks(*arguments, **options)
        ticks[0].micro[1, 0] += 500
        return state, ticks

    monkeypatch.setattr("afterbay.community.cycle.run.run_ticks", broken)

    with pytest.raises(PhysicsError, match=r"balance \(line 3\)"):
        run(users_file, raise_errors=True)
    assert [path.name for path in users_file.parent.iterdir()] == ["users_input_latest.csv"]


def test_the_weather_may_be_a_provider_and_the_start_a_time(users_file: Path) -> None:
    folder = users_file.parent
    run(users_file, "a.csv", state_file=None)
    begin = datetime(2024, 9, 11, 16, 15, tzinfo=timezone(timedelta(hours=2)))
    run(users_file, "b.csv", state_file=None, weather=ConstantWeather(0.9), start_time=begin)

    run(users_file, "c.csv", state_file=None, weather=np.float32(0.5))

    assert (folder / "a.csv").read_bytes() == (folder / "b.csv").read_bytes()
    assert (folder / "c.csv").read_bytes() != (folder / "b.csv").read_bytes()


def test_a_file_of_consumers_alone_gives_a_header_in_version_one_and_rows_in_version_two(tmp_path: Path) -> None:
    one = write_lines(tmp_path / "one.csv", [HEADER, f"{an_id(0)},350.0,0,0.0,5.0,3"])
    two = write_lines(tmp_path / "two.csv", [f"{HEADER},cluster", f"{an_id(0)},350.0,0,0.0,5.0,3,"])

    assert run(one, "one_out.csv", state_file=None)
    assert run(two, "two_out.csv", state_file=None)

    assert (tmp_path / "one_out.csv").read_text().count("\n") == 1
    row = pd.read_csv(tmp_path / "two_out.csv").iloc[0]
    assert row["generation_kwh"] == 0.0
    assert row["grid_import_kwh"] == row["consumption_kwh"] == -row["surplus_kwh"] > 0.0


def test_nothing_of_the_state_is_lost_over_a_day_of_single_ticks(users_file: Path) -> None:
    moments = [read_moment("2024-09-11T00:00:00") + STEP * index for index in range(24)]
    for moment in moments:
        assert run(users_file, results_name(moment), start_time=moment, seed=2)

    _, ticks = run_ticks(CycleState(), read_users(users_file).users, ConstantWeather(), moments, 2)

    for moment, rows in zip(moments, ticks, strict=True):
        stored = pd.read_csv(users_file.parent / results_name(moment))["battery_soc_kwh"]
        assert stored.tolist() == rows.kwh("battery_soc_kwh").tolist()


def test_steps_may_be_a_whole_float_and_errors_keep_their_kind(users_file: Path) -> None:
    assert run(users_file, steps=4.0)
    with pytest.raises(OutOfRangeError):
        run(users_file, steps=4.5, raise_errors=True)

    assert len(pd.read_csv(users_file.parent / "results_20240911_1415.csv")) == 12
