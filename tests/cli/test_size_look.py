"""`afterbay size check|results|show|compare|why`: what is shown is what was recorded."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Command, assert_ends_well_without_a_reader

Run = tuple[Path, Path, Any]


def test_check_says_what_was_read_assumed_and_would_be_run_and_writes_nothing(
    afterbay: Command, block_sun: Path
) -> None:
    before = sorted(block_sun.parent.iterdir())

    result = afterbay("size", "check", block_sun)

    assert result.exit_code == 0
    for sentence in ("rows: 8,760 found", "T0 Solar + BESS only", "4 cases to run", "1.00 x the energy you need"):
        assert sentence in result.stdout
    assert sorted(block_sun.parent.iterdir()) == before


def test_check_as_json_is_one_document_with_hash_and_reports(afterbay: Command, block_sun: Path) -> None:
    document = json.loads(afterbay("size", "check", block_sun, "--json").stdout)

    assert document["cases"] == 4
    assert document["template"]["number"] == 0
    assert len(document["input_hash"]) == 64
    assert document["reports"]["solar"]["rows_found"] == 8760


def test_results_sort_cut_and_keep_the_numbers_of_the_options(afterbay: Command, block_run: Run) -> None:
    _, out, _ = block_run

    result = afterbay("size", "results", out, "--sort", "delivery", "--top", 2, "--json")

    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [row["option"] for row in document["rows"]] == [4, 3]
    assert document["recommended_option"] == 4
    assert document["stale"] == []


def test_results_as_csv_have_every_metric_and_nothing_else_on_stdout(afterbay: Command, block_run: Run) -> None:
    _, out, _ = block_run

    rows = list(csv.DictReader(io.StringIO(afterbay("size", "results", out, "--pareto", "--csv").stdout)))

    assert len(rows) == 4
    assert float(rows[1]["hours_full_delivery"]) == 5844


def test_an_unknown_sort_key_is_refused_with_the_nearest(afterbay: Command, block_run: Run) -> None:
    result = afterbay("size", "results", block_run[1], "--sort", "delivry")

    assert result.exit_code == 3
    assert "did you mean delivery?" in result.stderr


def test_an_option_is_run_again_to_the_same_numbers(afterbay: Command, block_run: Run) -> None:
    _, out, _ = block_run

    text = afterbay("size", "show", out, "--option", 2, "--csv").stdout

    hours = list(csv.DictReader(io.StringIO(text)))
    assert len(hours) == 8760
    assert sum(float(hour["unserved"]) < 0.001 for hour in hours) == 5844


def test_a_day_of_80_mwh_leaves_the_hours_before_sunrise_unserved(afterbay: Command, block_run: Run) -> None:
    _, out, _ = block_run

    document = json.loads(afterbay("size", "show", out, "--option", 2, "--day", 200, "--json").stdout)

    assert [hour for hour in range(24) if document["hours"]["unserved"][hour] > 0.001] == list(range(8))
    assert document["physics"]["passed"]


def test_show_prints_the_day_with_words_for_the_direction(afterbay: Command, block_run: Run) -> None:
    text = afterbay("size", "show", block_run[1], "--option", 2, "--day", "worst").stdout

    assert "▼ charging −20.0" in text
    assert "▲ discharging  10.0" in text
    assert "100.0 % (80.0 MWh)" in text
    assert len(text.splitlines()) == 26


def test_why_gives_the_sentence_of_the_engine_for_the_hour(afterbay: Command, block_run: Run) -> None:
    _, out, _ = block_run

    one = afterbay("size", "why", out, "--option", 2, "--day", 2, "--hour", "03:00").stdout
    shown = afterbay("size", "show", out, "--option", 2, "--day", 2, "--hour", "03:00", "--why").stdout
    whole_day = afterbay("size", "why", out, "--option", 2, "--day", 2).stdout

    assert one.startswith("Day 2, 03:00: load 10.0 MW; no sun; battery is at its floor")
    assert shown == one
    assert len(whole_day.splitlines()) == 24
    assert one in whole_day


def test_compare_marks_80_mwh_best_for_cost_and_160_best_for_delivery(afterbay: Command, block_run: Run) -> None:
    _, out, _ = block_run

    lines = afterbay("size", "compare", out, 2, 4).stdout.splitlines()
    document = json.loads(afterbay("size", "compare", out, 2, 4, "--json").stdout)

    delivery = next(line for line in lines if line.startswith("Delivery"))
    cost = next(line for line in lines if line.startswith("Capital cost"))
    assert "✓ best 100.0 %" in delivery
    assert "✓ best $25,000,000" in cost
    assert "+$25,000,000" in cost
    by_name = {metric["metric"]: metric for metric in document["metrics"]}
    assert by_name["delivery_pct"]["best"] == [False, True]
    assert by_name["capital_cost_usd"]["best"] == [True, False]


def test_a_project_file_stands_for_its_run(
    afterbay: Command, block_sun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert afterbay("size", "results", block_sun).exit_code == 4

    afterbay("size", "run", block_sun, "--no-charts")

    assert afterbay("size", "results", block_sun).exit_code == 0
    assert (tmp_path / "out" / "Block_sun" / "run.json").is_file()


def test_changed_inputs_are_said_and_the_recorded_ones_are_used(
    afterbay: Command, block_sun: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    afterbay("size", "run", block_sun, "--no-charts", "--out", out)
    before = afterbay("size", "show", out, "--option", 2)
    (block_sun.parent / "solar.csv").write_text("hour,solar_mw\n" + "".join(f"{hour},1\n" for hour in range(8760)))

    after = afterbay("size", "show", out, "--option", 2)

    assert "solar.csv changed since this run" in after.stderr
    assert "changed" not in before.stderr
    assert after.stdout == before.stdout


def test_a_tampered_run_is_refused(afterbay: Command, block_sun: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    afterbay("size", "run", block_sun, "--no-charts", "--out", out)
    facts = json.loads((out / "run.json").read_text())
    facts["config"]["setup_config"]["bess_efficiency"] = 99
    (out / "run.json").write_text(json.dumps(facts))

    result = afterbay("size", "show", out)

    assert result.exit_code == 3
    assert "do not match their hash" in result.stderr


@pytest.mark.parametrize("content", ["{", "[]", '{"format": "other"}'])
def test_a_file_that_is_no_run_is_refused(afterbay: Command, tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)

    result = afterbay("size", "results", tmp_path)

    assert result.exit_code == 3
    assert "run the project again" in result.stderr


DAMAGED = [
    ("versions",), ("versions", "afterbay"), ("complete",), ("sources",), ("sources", 0), ("sources", 0, "path"),
    ("grid",), ("grid", "solar_base_mw"), ("template",), ("template", "number"), ("dt_h",), ("start",), ("results",),
    ("results", "option"), ("results", "capacity"), ("results", "delivery_pct"), ("config", "setup_config"),
    ("recommendation",), ("recommendation", "recommended"), ("recommendation", "goal"), ("recommendation", "pareto"),
    ("nearest",),
]  # fmt: skip
_GONE = object()


@pytest.mark.parametrize("value", [_GONE, 7, "text", [], {}], ids=["gone", "a number", "text", "a list", "a mapping"])
@pytest.mark.parametrize("place", DAMAGED, ids=lambda place: ".".join(map(str, place)))
def test_a_run_damaged_anywhere_is_never_an_unexpected_error(
    afterbay: Command, block_run: Run, tmp_path: Path, place: tuple[str | int, ...], value: Any
) -> None:
    facts = json.loads((block_run[1] / "run.json").read_text())
    holder = facts
    for key in place[:-1]:
        holder = holder[key]
    if value is _GONE:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    (tmp_path / "run.json").write_text(json.dumps(facts))
    shutil.copy(block_run[1] / "inputs.npz", tmp_path)

    for words in (("results",), ("results", "--json"), ("results", "--csv"), ("show",), ("compare", 1, 2)):
        result = afterbay("size", words[0], tmp_path, *words[1:])

        # Some damage does not concern a command, and what is not there at all is not found.
        assert result.exit_code in (0, 3, 4), (words, result.stderr)
        assert "unexpected" not in result.stderr + result.stdout


@pytest.mark.parametrize("place", ["versions", "complete", "sources", "grid", "template", "results", "recommendation"])
def test_a_run_without_a_part_is_called_damaged(afterbay: Command, block_run: Run, tmp_path: Path, place: str) -> None:
    facts = json.loads((block_run[1] / "run.json").read_text())
    facts[place] = None
    (tmp_path / "run.json").write_text(json.dumps(facts))
    shutil.copy(block_run[1] / "inputs.npz", tmp_path)

    result = afterbay("size", "show", tmp_path)

    assert result.exit_code == 3
    assert "a damaged run" in result.stderr
    assert "run the project again" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_trace_behind_a_damaged_run_is_there_for_those_who_ask(
    afterbay: Command, block_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = json.loads((block_run[1] / "run.json").read_text())
    del facts["versions"]
    (tmp_path / "run.json").write_text(json.dumps(facts))
    monkeypatch.setenv("AFTERBAY_DEBUG", "1")

    assert "KeyError: 'versions'" in afterbay("size", "results", tmp_path).stderr


@pytest.mark.skipif(os.name == "nt", reason="a pipe without a reader fails in another way on Windows")
@pytest.mark.parametrize("words", [("results",), ("results", "--csv"), ("show",), ("show", "--csv")], ids=" ".join)
def test_a_reader_that_left_is_no_error(block_run: Run, words: tuple[str, ...]) -> None:
    assert_ends_well_without_a_reader("size", words[0], block_run[1], *words[1:])


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (("--option", "9"), 4, "1..4"),
        (("--option", "none"), 4, "best"),
        (("--day", "400"), 4, "1..365"),
        (("--day", "soon"), 3, "worst, best, typical"),
        (("--day", "2024-01-01"), 4, "no calendar"),
        (("--day", "1", "--hour", "25"), 3, "00:00 to 23:59"),
        (("--why",), 2, "--day worst"),
    ],
)
def test_what_a_run_does_not_have_is_named_with_what_it_has(
    afterbay: Command, block_run: Run, words: tuple[str, ...], code: int, named: str
) -> None:
    result = afterbay("size", "show", block_run[1], *words)

    assert result.exit_code == code
    assert named in result.stderr


def test_show_draws_a_picture_where_asked(afterbay: Command, block_run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")

    result = afterbay("size", "show", block_run[1], "--day", "worst", "--png", tmp_path / "day.png")

    assert result.exit_code == 0
    assert (tmp_path / "day.png").read_bytes()[:4] == b"\x89PNG"
