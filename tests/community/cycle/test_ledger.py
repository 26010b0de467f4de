"""The record of cycles: nothing is changed, a crash costs one line at most."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from community_cycle_clock import NOON
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.community.cycle.ledger import DONE, CycleRecord, Ledger, StepRecord
from afterbay.core.errors import NotFoundError

STEP = StepRecord("export", True, NOON, 0.5, 2, 24, "well")
QUARTER = timedelta(minutes=15)


def _done(ledger: Ledger, at: datetime, state: str = "ok") -> None:
    ledger.begin(at, at, seed=7)
    ledger.step(at, STEP)
    ledger.end(at, at, state, seconds=1.5, facts={"rows": 24})  # type: ignore[arg-type]


def test_a_cycle_is_read_as_it_was_written(tmp_path: Path) -> None:
    _done(Ledger(tmp_path), NOON)

    record = Ledger(tmp_path).find(NOON)

    assert record == CycleRecord("20240911_1200", NOON, "ok", 1, NOON, NOON, 1.5, "", (STEP,), {"seed": 7, "rows": 24})
    assert record.to_dict()["steps"][0]["attempts"] == 2


def test_a_second_try_replaces_the_steps_of_the_first(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.begin(NOON, NOON)
    ledger.step(NOON, STEP)
    ledger.end(NOON, NOON, "failed", seconds=1, error="why", facts={})
    _done(ledger, NOON, "backfilled")

    record = ledger.get("20240911_1200")

    assert (record.state, record.tries, record.error, len(record.steps)) == ("backfilled", 2, "", 1)


def test_a_cycle_that_went_well_stays_what_it_was_when_it_is_done_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    _done(ledger, NOON, "ok")
    _done(ledger, NOON, "backfilled")
    assert ledger.get("20240911").state == "ok"

    ledger.begin(NOON, NOON)
    assert ledger.get("20240911").state == "running"
    ledger.end(NOON, NOON, "failed", seconds=1, error="why", facts={})
    assert ledger.get("20240911").state == "ok"


def test_missed_is_what_nobody_ran_and_no_more_once_somebody_did(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.miss(NOON, NOON + QUARTER, "nobody")
    assert (ledger.get("20240911").state, ledger.get("20240911").error) == ("missed", "nobody")

    _done(ledger, NOON, "backfilled")
    assert ledger.get("20240911").state == "backfilled"


@settings(max_examples=40)
@given(cut=st.integers(1, 400))
def test_a_line_that_a_crash_cut_off_spoils_no_other(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    ledger = Ledger(folder)
    _done(ledger, NOON)
    ledger.begin(NOON + QUARTER, NOON + QUARTER)
    file = next(folder.iterdir())
    whole = file.read_bytes()
    last = whole.rindex(b"\n", 0, len(whole) - 1) + 1
    file.write_bytes(whole[: max(len(whole) - cut, last)])

    before = ledger.records()
    _done(ledger, NOON + 2 * QUARTER)

    assert before[0].state == "ok"
    assert [record.id for record in ledger.records() if record.state == "ok"] == ["20240911_1200", "20240911_1230"]
    assert ledger.get("20240911_1230").tries == 1


def test_days_are_separate_files_and_read_in_order(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for hours in (30, 0, 13):
        _done(ledger, NOON + timedelta(hours=hours))

    assert [record.id for record in ledger.records()] == ["20240911_1200", "20240912_0100", "20240912_1800"]
    assert [r.id for r in ledger.records(NOON, NOON + timedelta(hours=13))] == ["20240911_1200"]
    assert len(list(tmp_path.iterdir())) == 2
    last = ledger.last(DONE)
    assert last is not None
    assert last.id == "20240912_1800"
    assert ledger.last({"failed"}) is None


def test_a_name_may_be_short_as_long_as_it_is_the_only_one(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    _done(ledger, NOON)
    _done(ledger, NOON + timedelta(days=1))

    assert ledger.get("20240912").id == "20240912_1200"
    with pytest.raises(NotFoundError, match="2 cycles begin with '2024'"):
        ledger.get("2024")
    with pytest.raises(NotFoundError, match="no cycle"):
        ledger.get("20250911_1200")
    assert Ledger(tmp_path / "nowhere").records() == []
