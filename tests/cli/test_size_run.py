"""`afterbay size run`: numbers that follow by hand, files that are whole, exits that mean something."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from afterbay.cli import running
from afterbay.cli.running import run_project
from afterbay.core.errors import CancelledError
from afterbay.sizing.project import load_project
from cli.conftest import Command

RED_ROCK = Path(__file__).resolve().parents[2] / "examples" / "red_rock_quarry.yaml"


def test_the_block_sun_gives_the_numbers_worked_out_by_hand(block_run: tuple[Path, Path, Any]) -> None:
    _, _, result = block_run
    facts = json.loads(result.stdout)

    assert result.exit_code == 0
    assert facts["results"]["delivery_pct"] == pytest.approx([50.02, 66.71, 83.36, 100.0], abs=0.005)
    assert facts["results"]["hours_full_delivery"] == [4382.0, 5844.0, 7302.0, 8760.0]
    assert facts["results"]["pct_solar_curtailed"] == pytest.approx([50.0, 33.3, 16.7, 0.0], abs=0.05)
    assert facts["results"]["capital_cost_usd"] == [12.5e6, 25e6, 37.5e6, 50e6]
    assert facts["recommendation"]["recommended"]["capacity"] == 160.0
    assert sorted(facts["recommendation"]["pareto"]) == [0, 1, 2, 3]
    assert facts["physics"]["passed"]
    assert facts["complete"]


def test_the_run_folder_holds_cases_and_hours_that_agree(block_run: tuple[Path, Path, Any]) -> None:
    _, out, _ = block_run
    with (out / "cases.csv").open() as stream:
        cases = list(csv.DictReader(stream))
    with (out / "hourly.csv").open() as stream:
        hourly = list(csv.DictReader(stream))

    assert [case["option"] for case in cases] == ["1", "2", "3", "4"]
    assert [case["recommended"] for case in cases] == ["False", "False", "False", "True"]
    assert len(hourly) == 8760
    assert sum(float(hour["unserved"]) < 0.001 for hour in hourly) == 8760
    assert not list(out.glob("*.tmp"))


def test_a_goal_out_of_reach_exits_8_with_the_best_and_what_would_reach_it(
    afterbay: Command, block_sun: Path, tmp_path: Path
) -> None:
    result = afterbay("size", "run", block_sun, "--grid", "bess=40:120:40", "--no-charts", "--out", tmp_path / "run")

    assert result.exit_code == 8
    assert "83.4 %" in result.stdout
    assert "120.0 -> 160.0 MWh" in result.stdout
    assert "nearest to the goal" in result.stdout
    assert "▸" in result.stdout


def test_only_data_reaches_stdout_and_the_table_marks_the_best(
    afterbay: Command, block_sun: Path, tmp_path: Path
) -> None:
    result = afterbay("size", "run", block_sun, "--no-charts", "--out", tmp_path / "run")

    assert result.exit_code == 0
    assert "sizes in" in result.stderr
    assert "sizes in" not in result.stdout
    marked = [line for line in result.stdout.splitlines() if line.startswith("▸")]
    assert len(marked) == 1
    assert "160 MWh / 40 MW" in marked[0]
    assert "$50.0 M" in marked[0]
    assert "physics 12/12" in result.stdout
    assert "\x1b" not in result.stdout + result.stderr


def test_pictures_are_drawn_where_matplotlib_is_there(block_run: tuple[Path, Path, Any]) -> None:
    pytest.importorskip("matplotlib")
    _, out, _ = block_run

    assert all((out / f"{name}.png").read_bytes()[:4] == b"\x89PNG" for name in ("pareto", "carpet", "worst_day"))


def test_without_matplotlib_the_run_is_whole_and_names_the_extra(
    afterbay: Command, block_sun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    result = afterbay("size", "run", block_sun, "--charts", "--out", tmp_path / "run")

    assert result.exit_code == 0
    assert "afterbay[report]" in result.stderr
    assert not list((tmp_path / "run").glob("*.png"))


def test_pictures_of_an_earlier_run_do_not_stand_beside_new_numbers(
    afterbay: Command, block_sun: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert afterbay("size", "run", block_sun, "--out", out).exit_code == 0
    (out / "pareto.png").write_bytes(b"old")
    (out / "notes.txt").write_text("mine")

    afterbay("size", "run", block_sun, "--no-charts", "--out", out)

    assert not (out / "pareto.png").exists()
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["run.json", "cases.csv", "hourly.csv", "inputs.npz", "pareto.png"])
def test_files_that_are_not_of_a_run_are_never_overwritten(
    afterbay: Command, block_sun: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    (out / name).write_text('{"mine": true}')

    result = afterbay("size", "run", block_sun, "--out", out)

    assert result.exit_code == 3
    assert name in result.stderr
    assert "choose another --out, or move these files away" in result.stderr
    assert [(file.name, file.read_text()) for file in out.iterdir()] == [(name, '{"mine": true}')]


def test_a_run_of_ours_may_be_made_again_in_its_folder(afterbay: Command, block_sun: Path, tmp_path: Path) -> None:
    exits = [afterbay("size", "run", block_sun, "--out", tmp_path / "run").exit_code for _ in range(2)]

    assert exits == [0, 0]


def test_nothing_is_written_when_the_input_is_invalid(afterbay: Command, block_sun: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"

    result = afterbay("size", "run", block_sun, "--set", "setup_config.bess_efficiency=0.87", "--out", out)

    assert result.exit_code == 3
    assert "did you mean 87 %?" in result.stderr
    assert result.stdout == ""
    assert not out.exists()


def test_an_output_folder_that_is_a_file_is_refused_before_anything_runs(
    afterbay: Command, block_sun: Path, tmp_path: Path
) -> None:
    out = tmp_path / "taken"
    out.write_text("mine")

    result = afterbay("size", "run", block_sun, "--out", out)

    assert result.exit_code == 3
    assert "--out" in result.stderr
    assert out.read_text() == "mine"


def test_settings_grid_and_goal_replace_those_of_the_file(afterbay: Command, block_sun: Path, tmp_path: Path) -> None:
    result = afterbay(
        "size", "run", block_sun, "--json", "--no-charts", "--out", tmp_path / "run",
        "--set", "setup_config.load_mode=constant", "--set", "setup_config.load_mw=5",
        "--grid", "bess=40,100,hours=2:4:2", "--goal", "delivery>=50,min=cost",
    )  # fmt: skip

    facts = json.loads(result.stdout)
    assert facts["grid"]["bess_mwh"] == [40.0, 100.0]
    assert facts["grid"]["durations_h"] == [2.0, 4.0]
    assert facts["config"]["setup_config"]["load_mw"] == 5
    assert facts["recommendation"]["goal"]["optimize_for"] == "min_cost"
    assert facts["recommendation"]["goal"]["delivery_target_pct"] == 50.0
    assert facts["overrides"]["setup_config.load_mode"] == "constant"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--set", "load_mw=3"), "section.key=value"),
        (("--grid", "bess=50:250"), "from:to:step"),
        (("--grid", "wind=1"), "choose one of these"),
        (("--goal", "delivery>99"), "--goal"),
        (("--goal", "min=luck"), "min=size"),
        (("--goal", "delivery>=0.99"), "did you mean 99 %?"),
        (("--grid", "bess=1:60000:1"), "50,000"),
    ],
)
def test_requests_that_cannot_be_read_exit_3_and_say_what_may_stand_there(
    afterbay: Command, block_sun: Path, words: tuple[str, str], named: str
) -> None:
    result = afterbay("size", "check", block_sun, *words)

    assert result.exit_code == 3
    assert named in result.stderr


@contextlib.contextmanager
def _stop_at_once() -> Iterator[Callable[[], bool]]:
    yield lambda: True


def test_an_interrupted_run_keeps_what_is_finished_says_so_and_exits_130(
    afterbay: Command, block_sun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "stop_on_interrupt", _stop_at_once)
    out = tmp_path / "run"

    result = afterbay("size", "run", block_sun, "--grid", "bess=1:400:1", "--jobs", 1, "--no-charts", "--out", out)

    assert result.exit_code == 130
    facts = json.loads((out / "run.json").read_text())
    assert not facts["complete"]
    assert 0 < facts["cases_finished"] < facts["cases"] == 400
    assert "PARTIAL" in result.stdout
    assert str(out) in result.stderr
    # Reading it later cannot be mistaken for a whole run either.
    listed = afterbay("size", "results", out, "--json")
    assert listed.exit_code == 9
    assert len(json.loads(listed.stdout)["rows"]) == facts["cases_finished"]


def test_a_run_stopped_before_its_first_size_writes_nothing(block_sun: Path, tmp_path: Path) -> None:
    project = load_project(block_sun)

    def nothing_ran(*_: Any, **__: Any) -> Any:
        from afterbay.sizing.sweep import sweep

        whole = sweep(project.params(), project.template, project.grid)
        return type(whole)(
            whole.params, whole.template, whole.grid, whole.cases[:0], whole.totals[:0], whole.index[:0], whole.costs
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "sweep", nothing_ran)
        with pytest.raises(CancelledError):
            run_project(project, tmp_path / "run")

    assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals of a terminal are sent in another way on Windows")
def test_ctrl_c_in_a_real_process_keeps_what_is_finished(block_sun: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["size", "run", str(block_sun), "--grid", "bess=1:40000:1", "--no-charts", "--jobs", "1", "--out", str(out)]
    with subprocess.Popen(
        [sys.executable, "-m", "afterbay", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "s left" in line:
                break
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=120)

    assert process.returncode == 130
    assert "Traceback" not in stderr
    facts = json.loads((out / "run.json").read_text())
    assert 0 < facts["cases_finished"] < facts["cases"]


def test_the_example_tells_the_story_of_the_quarry(
    afterbay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pvlib")
    monkeypatch.chdir(tmp_path)

    result = afterbay("size", "run", RED_ROCK, "--no-charts", "--json")

    assert result.exit_code == 0
    facts = json.loads(result.stdout)
    results = facts["results"]
    plants = dict(zip(zip(results["capacity"], results["dg_capacity"], strict=True), range(15), strict=True))
    assert facts["folder"] == str(Path("out") / "Red_Rock_Quarry")
    assert len(plants) == 15
    # $300k/MWh + $50k/MW + $200k/MW of generator, nothing for installation.
    assert results["capital_cost_usd"][plants[150.0, 10.0]] == 150 * 300e3 + 37.5 * 50e3 + 10 * 200e3
    assert facts["recommendation"]["recommended"]["capacity"] == 50.0
    assert facts["recommendation"]["recommended"]["dg_capacity"] == 10.0
    # More battery, fewer generator hours; a generator as large as the load leaves nothing unserved.
    hours = [results["dg_runtime_hours"][plants[size, 10.0]] for size in (50.0, 100.0, 150.0, 200.0, 250.0)]
    assert hours == sorted(hours, reverse=True)
    assert all(results["delivery_pct"][plants[size, 10.0]] == 100.0 for size in (50.0, 150.0, 250.0))
    assert all(results["delivery_pct"][plants[size, 0.0]] < 90.0 for size in (50.0, 150.0, 250.0))
