"""The log of a day: one line each, and nobody's id, key or signature in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.community.cycle.log import CycleLog, log_name, redact

AT = datetime(2024, 9, 11, 23, 59, 59, tzinfo=UTC)


def test_a_line_has_time_level_text_and_facts_and_each_day_its_file(tmp_path: Path) -> None:
    moments = [AT, AT + timedelta(seconds=2)]
    log = CycleLog(tmp_path / "logs", lambda: moments.pop(0))

    log.write("begins", rows=24, seconds=0.25, note=None)
    log.write("failed", "ERROR")

    first, second = sorted((tmp_path / "logs").iterdir())
    assert (first.name, second.name) == ("simulation_log_20240911.log", "simulation_log_20240912.log")
    assert first.read_text() == "2024-09-11T23:59:59.000Z INFO begins rows=24 seconds=0.25\n"
    assert second.read_text() == "2024-09-12T00:00:01.000Z ERROR failed\n"
    assert log_name(AT) == first.name


@given(st.uuids(), st.text(max_size=30), st.text(max_size=30))
def test_no_user_id_and_no_line_break_is_ever_written(user: object, before: str, after: str) -> None:
    for shown in (str(user), str(user).upper()):
        line = redact(f"{before} {shown} {after}")

        assert shown not in line
        assert "\n" not in line
        assert "[user]" in line


def test_the_broken_ids_of_the_workflow_document_are_hidden_too() -> None:
    assert redact("row 2: b2c3d4e5-f6g7-8901-2345-678901bcdefg") == "row 2: [user]"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET https://s3.example.org/a.csv?X-Amz-Signature=abc&b=1 failed", "abc"),
        ("s3://user:abc@host/b", "abc"),
        ("Authorization: Bearer abc", "abc"),
    ],
)
def test_no_key_is_written(text: str, secret: str) -> None:
    assert secret not in redact(text)


def test_every_line_is_echoed_to_who_listens(tmp_path: Path) -> None:
    heard: list[str] = []

    CycleLog(tmp_path, lambda: AT, heard.append).write("begins")

    assert heard == ["2024-09-11T23:59:59.000Z INFO begins"]


def test_a_line_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    heard: list[str] = []

    CycleLog(tmp_path / "logs", lambda: AT, heard.append).write("begins")

    assert "begins (not in simulation_log_20240911.log" in heard[0]
