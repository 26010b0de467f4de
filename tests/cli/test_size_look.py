"""`afterbay size check|results|show|compare|why`: what is shown is what was recorded."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Command

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
