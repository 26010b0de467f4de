"""Bad rows are set apart and their users simulated once more, with the numbers they should have had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from community_cycle import MOMENT, random_users

from afterbay.community.cycle import (
    ConstantWeather,
    CycleState,
    quarantine_name,
    recompute,
    results_frame,
    run_ticks,
    validate_results,
    write_quarantine,
)
from afterbay.community.cycle.contract import STEP, read_moment
from afterbay.core.errors import InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path

SUN = ConstantWeather()
MOMENTS = [read_moment(MOMENT) + STEP * index for index in range(3)]


def test_recomputed_users_get_the_numbers_of_a_run_that_went_well(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    users = random_users(tmp_path, 12)
    state, _ = run_ticks(CycleState(), users, SUN, [MOMENTS[0] - STEP], 9)
    right = results_frame(run_ticks(state, users, SUN, MOMENTS, 9)[1])
    wrong = right.drop(index=[17]).astype({"user_id": object})
    wrong.loc[2, "generation_kwh"] = 99.0
    wrong.loc[4, "user_id"] = "not-an-id"
    report = validate_results(wrong, users, state, expected=MOMENTS)

    mended = recompute(report, users, state, SUN, MOMENTS, 9)

    pd.testing.assert_frame_equal(mended.frame, right)
    assert mended.second.ok
    assert mended.users.tolist() == [2, 4, 5]
    assert len(mended.first.bad) > 0
    assert [len(rows) for rows in mended.rows] == [3, 3, 3]
    assert "3 users are simulated once more" in caplog.text
    assert not any(user.decode() in caplog.text for user in users.user_id.tolist())


def test_good_results_are_left_as_they_are(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    users = random_users(tmp_path, 4)
    right = results_frame(run_ticks(CycleState(), users, SUN, MOMENTS, 9)[1])

    mended = recompute(
        validate_results(right, users, CycleState(), expected=MOMENTS), users, CycleState(), SUN, MOMENTS, 9
    )

    assert mended.rows == ()
    assert mended.frame.equals(right)
    assert caplog.text == ""


def test_what_is_still_wrong_after_one_more_simulation_is_left_out_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = random_users(tmp_path, 4)
    right = results_frame(run_ticks(CycleState(), users, SUN, MOMENTS, 9)[1])
    report = validate_results(right.drop(index=[1]), users, CycleState(), expected=MOMENTS)
    calls = []

    def wrong_again(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        state, ticks = run_ticks(*arguments, **options)
        ticks[0].micro[:, 5] += 1_000
        return state, ticks

    monkeypatch.setattr("afterbay.community.cycle.quarantine.run_ticks", wrong_again)
    mended = recompute(report, users, CycleState(), SUN, MOMENTS, 9)

    assert len(calls) == 1
    assert mended.second.counts == {"balance": 1}
    assert len(mended.frame) == 11
    assert "still wrong after one more simulation" in caplog.text


def test_the_quarantine_holds_the_rows_as_they_came_with_line_and_rules(tmp_path: Path) -> None:
    users = random_users(tmp_path, 3)
    frame = results_frame(run_ticks(CycleState(), users, SUN, MOMENTS[:1], 9)[1]).astype({"grid_import_kwh": object})
    frame.loc[1, "grid_import_kwh"] = "n/a"
    report = validate_results(frame, users, CycleState(), expected=MOMENT)
    path = tmp_path / quarantine_name("results_20240911_1415.csv")

    count = write_quarantine(report, path)

    assert (count, path.name) == (1, "quarantine_20240911_1415.csv")
    written = pd.read_csv(path, keep_default_na=False)
    assert written[["line", "rules", "grid_import_kwh"]].to_numpy().tolist() == [[3, "number", "n/a"]]
    with pytest.raises(InvalidInputError, match=r"ends in \.csv"):
        write_quarantine(report, tmp_path / "q.txt")
