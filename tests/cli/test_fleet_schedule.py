"""`afterbay fleet schedule` before anything travels: what a file of intervals may hold, and what is said of others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from afterbay.cli import app
from afterbay.cli.fleet_scheduling import read_schedule_file
from afterbay.core.errors import InvalidInputError
from fleet_stub import NQ1, Stub, running_stub

ROW = {"start": "2026-11-22T18:00Z", "end": "2026-11-22T19:00Z", "mw": 5.0}


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running_stub() as found:
        yield found


def call(stub: Stub, *words: object, answer: str | None = None) -> Any:
    named = [str(word) for word in words]
    return CliRunner().invoke(app, ["fleet", "schedule", *named, "--url", stub.url], input=answer)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plan.csv", "start,end,mw\n2026-11-22T18:00Z,2026-11-22T19:00Z,5\n"),
        ("plan.csv", "\ufeffMW, Note, End, Start\n5.0, peak, 2026-11-22T19:00Z, 2026-11-22T18:00Z\n"),
        ("plan.json", json.dumps([ROW])),
        ("plan.json", json.dumps({"intervals": [ROW]})),
    ],
)
def test_a_file_is_read_by_its_column_names(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")

    assert read_schedule_file(str(tmp_path / name)) == [ROW]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("plan.csv", "begin,end,mw\n", "no column start"),
        ("plan.csv", "", "no column start, end, mw"),
        ("plan.csv", "start,end,mw\n", "no rows"),
        ("plan.csv", "start,end,mw\n2026-11-22T18:00Z,2026-11-22T19:00Z\n", "line 2.*number of cells"),
        ("plan.csv", "start,end,mw\n2026-11-22T18:00Z,soon,5\n", "line 2: end"),
        ("plan.csv", "start,end,mw\n2026-11-22T18:00Z,2026-11-22T19:00Z,nan\n", "line 2: mw"),
        ("plan.json", "{", "JSON"),
        ("plan.json", '"5"', "a list of objects"),
        ("plan.json", "[5]", "a list of objects"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")

    with pytest.raises(InvalidInputError, match=said):
        read_schedule_file(str(tmp_path / name))


def test_all_rows_that_cannot_be_used_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "plan.csv"
    file.write_text("start,end,mw\nnow,2026-11-22T19:00Z,5\n2026-11-22T19:00Z,2026-11-22T20:00Z,much\n")

    with pytest.raises(InvalidInputError) as caught:
        read_schedule_file(str(file))

    assert [problem.where.partition(", ")[2] for problem in caught.value.problems] == ["line 2: start", "line 3: mw"]


def test_a_file_that_is_not_there_or_no_text_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_bytes(b"\xff\xfe\x00")

    for name in ("plan.csv", "nothing.csv"):
        with pytest.raises(InvalidInputError, match="a CSV or JSON file"):
            read_schedule_file(str(tmp_path / name))


def test_a_plan_is_sent_from_stdin_with_its_target_and_a_key(stub: Stub) -> None:
    stub.answers["POST", "/dispatch/schedule"] = (202, {"schedule_id": "s-1", "commands": []})

    result = call(stub, "submit", "-", "--asset", "NQ-1", "--allow-gaps",
                  answer="start,end,mw\n2026-11-22T18:00+01:00,2026-11-22T19:00,-5\n")  # fmt: skip

    assert result.exit_code == 0, result.stderr
    ((body, headers),) = [(body, headers) for method, _, body, headers in stub.asked if method == "POST"]
    assert body == {
        "asset_id": NQ1, "allow_gaps": True,
        "intervals": [{"start": "2026-11-22T17:00:00Z", "end": "2026-11-22T19:00:00Z", "mw": -5.0}],
    }  # fmt: skip
    assert len({name.lower(): value for name, value in headers.items()}["idempotency-key"]) == 36


@pytest.mark.parametrize("target", [(), ("--asset", "NQ-1", "--site", "North Quay")])
def test_a_plan_without_one_target_or_a_row_that_is_wrong_is_not_sent(
    stub: Stub, tmp_path: Path, target: tuple[str, ...]
) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.json"
    good.write_text("start,end,mw\n2026-11-22T18:00Z,2026-11-22T19:00Z,5\n")
    bad.write_text(json.dumps([{**ROW, "mw": True}]))

    assert call(stub, "submit", good, *target).exit_code == 3
    assert call(stub, "submit", bad, "--asset", "NQ-1").exit_code == 3
    assert [method for method, *_ in stub.asked if method == "POST"] == []


def test_a_schedule_that_is_not_there_is_said_so(stub: Stub) -> None:
    assert call(stub, "cancel", "nothing-1").exit_code == 4
    assert "no schedules" in call(stub, "list").stdout
