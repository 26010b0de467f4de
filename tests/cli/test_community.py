"""`afterbay community`: what a planner types, what comes back, and with which exit code."""

from __future__ import annotations

import errno
import json
import os
import shlex
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Command
from shared_data import shared_path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def pair(here: Path, afterbay: Command) -> Path:
    """The two houses of journey J9 in a folder."""
    assert afterbay("community", "create", "pair", "--example", "two-houses").exit_code == 0
    return here / "pair"


def document(afterbay: Command, *words: object) -> Any:
    result = afterbay("community", *words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def figures(told: Any) -> dict[str, float]:
    return {row["kpi"]: row["value"] for row in told["kpis"]}


def test_two_houses_from_nothing_to_bills(afterbay: Command, pair: Path) -> None:
    shared = figures(document(afterbay, "run", "pair", "--from", "2023-06-01", "--days", "1", "--out", "shared"))
    alone = figures(
        document(afterbay, "run", "pair", "--from", "2023-06-01", "--days", "1", "--rule", "none", "--out", "alone")
    )
    settled = document(afterbay, "settle", "shared", "--rule", "mid_market_rate", "--rule", "net_billing")

    assert shared["solar_kwh"] == pytest.approx(72.0)
    assert shared["own_use_kwh"] == pytest.approx(24.0)
    assert shared["shared_kwh"] == pytest.approx(36.0)
    assert shared["utility_sold_kwh"] == pytest.approx(12.0)
    assert shared["utility_bought_kwh"] == pytest.approx(0.0, abs=1e-9)
    assert shared["self_sufficiency_fraction"] == pytest.approx(1.0)
    assert round(shared["self_consumption_fraction"] * 100, 1) == 83.3
    assert alone["utility_bought_kwh"] == pytest.approx(36.0)
    assert alone["utility_sold_kwh"] == pytest.approx(48.0)
    assert set(settled["rules"]) == {"utility_only", "mid_market_rate", "net_billing"}
    assert all(balance["holds"] for balance in settled["balances"])
    accounts = settled["rules"]["mid_market_rate"]["accounts"]
    assert sum(accounts.values()) == pytest.approx(0.0, abs=1e-9)


def test_a_run_tells_its_figures_and_its_physics_check(afterbay: Command, pair: Path) -> None:
    result = afterbay("community", "run", "pair", "--from", "2023-06-01", "--days", "2", "--out", "run")

    assert result.exit_code == 0, result.stderr
    assert "Self-sufficiency" in result.stdout
    assert "physics 12/12" in result.stdout
    for words in (("--houses",), ("--transformers",), ("--csv",), ("--houses", "--csv"), ()):
        again = afterbay("community", "results", "run", *words)
        assert again.exit_code == 0, again.stderr
        assert again.stdout.strip()
    tables = afterbay("community", "results", "run", "--tables", "tables")
    assert tables.exit_code == 0, tables.stderr
    assert any(Path("tables").glob("*.parquet"))


def test_runs_on_other_inputs_are_not_compared(afterbay: Command, pair: Path) -> None:
    afterbay("community", "run", "pair", "--from", "2023-06-01", "--days", "1", "--out", "one")
    afterbay("community", "run", "pair", "--from", "2023-06-01", "--days", "1", "--rule", "equal", "--out", "two")
    afterbay("community", "run", "pair", "--from", "2023-06-02", "--days", "1", "--out", "three")

    same = afterbay("community", "compare", "one", "two")
    other = afterbay("community", "compare", "one", "three")

    assert same.exit_code == 0, same.stderr
    assert "Energy shared" in same.stdout
    assert other.exit_code == 3
    assert "Traceback" not in other.stderr


def test_a_street_is_built_node_by_node(afterbay: Command, here: Path) -> None:
    say = ["community", "node", "add", "village"]
    assert afterbay("community", "create", "village", "--place", "50.1,8.7").exit_code == 0
    assert "T-1.1" in afterbay(*say, "transformer", "--display-name", "Mill", "--set", "rated_kw=100").stdout
    added = afterbay(*say, "house", "--parent", "T-1.1", "--set", 'loads=[{"profile": "load-1"}]')
    assert "H-1.1.1" in added.stdout, added.stderr
    assert "H-1.1.4" in afterbay(*say, "house", "--like", "H-1.1.1", "--count", "3").stdout
    assert afterbay("community", "node", "rm", "village", "H-1.1.4").exit_code == 6
    assert afterbay("community", "node", "rm", "village", "H-1.1.4", "--yes").exit_code == 0
    assert "H-1.1.5" in afterbay(*say, "house", "--like", "H-1.1.1").stdout
    changed = afterbay("community", "node", "set", "village", "T-1.1", "forward_efficiency=0.98", "--dry-run")
    assert "nothing was written" in changed.stdout
    assert afterbay("community", "node", "rename", "village", "T-1.1", "Mill Lane").exit_code == 0
    assert afterbay("community", "check", "village").exit_code == 3
    assert "added load-1" in afterbay("community", "profile", "fill", "village").stdout
    assert afterbay("community", "check", "village").exit_code == 0
    tree = afterbay("community", "show", "village").stdout
    assert "T-1.1 Mill Lane" in tree
    assert "kWh a year" in afterbay("community", "profile", "preview", "village", "load-1").stdout
    assert "household" in afterbay("community", "profile", "list", "village").stdout
    assert "solar_clear_sky" in afterbay("community", "profile", "sources").stdout


def test_a_grid_goes_out_and_comes_back_the_same(afterbay: Command, pair: Path) -> None:
    assert afterbay("community", "export", "pair", "--out", "pair.json").exit_code == 0
    looked = afterbay("community", "import", "pair.json", "--to", "copy", "--dry-run")
    assert "nothing was written" in looked.stdout
    assert not Path("copy").exists()
    assert afterbay("community", "import", "pair.json", "--to", "copy").exit_code == 0
    assert document(afterbay, "show", "copy") == document(afterbay, "show", "pair")
    afterbay("community", "node", "rename", "pair", "T-1.1", "Other")
    afterbay("community", "export", "pair", "--out", "other.json")
    refused = afterbay("community", "import", "other.json", "--to", "copy")
    assert refused.exit_code == 6
    assert "--yes" in refused.stderr
    assert afterbay("community", "import", "other.json", "--to", "copy", "--yes").exit_code == 0
    assert document(afterbay, "show", "copy") == document(afterbay, "show", "pair")


def test_profiles_of_all_houses_go_out_as_one_archive(afterbay: Command, pair: Path) -> None:
    words = ("--from", "2023-06-01", "--days", "1")
    assert afterbay("community", "export", "pair", "--out", "one.zip", *words).exit_code == 0
    assert afterbay("community", "export", "pair", "--out", "two.zip", *words).exit_code == 0

    assert Path("one.zip").read_bytes() == Path("two.zip").read_bytes()
    with zipfile.ZipFile("one.zip") as archive:
        lines = archive.read("H-1.1.1.csv").decode().splitlines()
    assert lines[0] == "timestamp_utc,load_kw,solar_kw"
    assert lines[1] == "2023-06-01T00:00:00Z,1.000000,3.000000"
    assert len(lines) == 97


def test_a_file_is_named_as_seen_from_the_community(afterbay: Command, pair: Path) -> None:
    rows = [f"2023-06-01T{step // 4:02d}:{step % 4 * 15:02d}:00Z,{step % 3 + 0.5}" for step in range(96)]
    (pair / "load.csv").write_text("timestamp,load_kw\n" + "\n".join(rows) + "\n", encoding="utf-8")

    added = afterbay("community", "profile", "add", "pair", "load-H-1.1.2", "file", "--set", "path=load.csv")
    assert added.exit_code == 0, added.stderr
    told = figures(document(afterbay, "run", "pair", "--from", "2023-06-01", "--days", "1", "--out", "deep/run"))
    settled = document(afterbay, "settle", "deep/run", "--rule", "net_billing")

    assert told["load_kwh"] == pytest.approx(24.0 + sum(step % 3 + 0.5 for step in range(96)) / 4.0)
    assert settled["rules"]["net_billing"]["accounts"]


def test_the_schutterwald_network_becomes_a_community(afterbay: Command, here: Path) -> None:
    network = shared_path("data/topology_schutterwald_sub.json")

    told = afterbay("community", "import", network, "--to", "feeder")

    assert told.exit_code == 0, told.stderr
    assert "123 loads" in told.stdout
    assert "missing" in afterbay("community", "show", "feeder").stdout or "load" in told.stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("show", "nowhere"), 4, "no such community"),
        (("create", "pair", "--example", "two-houses"), 6, "holds a community already"),
        (("create", "new", "--example", "elm"), 3, "elm-street"),
        (("create", "new", "--time-zone", "Mars/Base"), 3, "Mars/Base"),
        (("create", "new", "--place", "here"), 3, "latitude,longitude"),
        (("show", "pair", "H-9"), 4, "H-9"),
        (("run", "pair", "--from", "2023-06-01"), 3, "--days"),
        (("run", "pair", "--from", "June", "--days", "1"), 3, "a date such as"),
        (("run", "pair", "--from", "2023-06-01", "--days", "1", "--rule", "fair"), 3, "proportional"),
        (("run", "pair", "--from", "2023-06-01", "--days", "1", "--scope", "moon"), 3, "grid or transformer"),
        (("run", "pair", "--from", "2023-06-01", "--days", "1", "--series", "H-7"), 3, "H-7"),
        (("results", "nothing"), 4, "no community run"),
        (("settle", "pair"), 4, "no community run"),
        (("import", "lost.json", "--to", "x"), 4, "no such file"),
        (("export", "pair", "--out", "pair.xlsx"), 3, ".json or .zip"),
        (("create", "new", "--example", "elm-street", "--retail", "0.5"), 3, "--retail"),
        (("create", "new", "--feed-in", "0.08"), 3, "--retail"),
        (("node", "add", "pair", "tree"), 3, "transformer or house"),
        (("node", "set", "pair", "H-1.1.1", "import_kw"), 3, "field=value"),
        (("node", "set", "pair", "H-1.1.1", "import_kv=3"), 3, "import_kw"),
        (("node", "move", "pair", "T-1.1", "H-1.1.1"), 3, "H-1.1.1"),
        (("profile", "add", "pair", "x", "magic"), 3, "household"),
        (("profile", "add", "pair", "x", "flat", "--set", "kw=-3"), 3, "-3 kW"),
        (("profile", "preview", "pair", "x"), 4, "load-H-1.1.1"),
    ],
)
def test_a_mistake_gets_a_sentence_and_a_code(
    afterbay: Command, pair: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    before = {path: path.read_bytes() for path in pair.rglob("*") if path.is_file()}

    result = afterbay("community", *words)

    assert result.exit_code == code, result.stderr
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert {path: path.read_bytes() for path in pair.rglob("*") if path.is_file()} == before


def test_a_broken_grid_file_is_told_with_its_place(afterbay: Command, pair: Path) -> None:
    (pair / "grid.json").write_text('{"version": 1, "name": "S-1", "transformers": [{"name": 3}]}', encoding="utf-8")

    result = afterbay("community", "check", "pair")

    assert result.exit_code == 3
    assert "transformers[0].name" in result.stderr


def test_the_next_step_that_create_names_works(afterbay: Command, here: Path) -> None:
    made = afterbay("community", "create", "Neue Straße")
    words = shlex.split(made.stdout.splitlines()[-1].removeprefix("next: afterbay "))

    assert afterbay(*words).exit_code == 0


def test_each_house_gets_a_load_of_its_own_and_shared_ones_are_told(afterbay: Command, here: Path) -> None:
    afterbay("community", "create", "new", "--retail", "0.3")
    load = 'loads=[{"profile": "load-1"}]'
    assert afterbay("community", "node", "add", "new", "house", "--count", "2", "--set", load).exit_code == 0
    assert afterbay("community", "node", "add", "new", "house", "--display-name", "Ash").exit_code == 0

    filled = afterbay("community", "profile", "fill", "new", "--each", "--seed", "1")

    assert filled.exit_code == 0, filled.stderr
    assert filled.stdout.split() == ["added", "load-H-1.1", "added", "load-H-1.2", "added", "load-H-1.3"]
    assert document(afterbay, "check", "new")["errors"] == 0
    again = afterbay("community", "profile", "fill", "new", "--each")
    assert "nothing was written" in again.stdout
    afterbay("community", "node", "add", "new", "house", "--count", "2", "--set", load)
    shared = afterbay("community", "profile", "fill", "new")
    assert "load-1: one load for many houses" in shared.stdout


def test_houses_are_added_many_at_once_each_with_its_name(afterbay: Command, here: Path) -> None:
    afterbay("community", "create", "new")

    added = afterbay("community", "node", "add", "new", "house", "--count", "3", "--display-name", "Ash")

    assert added.exit_code == 0, added.stderr
    shown = [house["display_name"] for house in document(afterbay, "show", "new")["houses"]]
    assert shown == ["Ash 1", "Ash 2", "Ash 3"]


def test_a_stopped_run_says_what_is_kept_and_how_to_go_on(
    afterbay: Command, pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def at_once() -> Iterator[Callable[[], bool]]:
        yield lambda: True

    words = ("community", "run", "pair", "--from", "2023-01-01", "--days", "300", "--out", "run")
    with monkeypatch.context() as patch:
        patch.setattr("afterbay.cli.community_running.stop_on_interrupt", at_once)
        stopped = afterbay(*words)

    assert stopped.exit_code == 130
    assert "of 28,800 steps" in stopped.stderr
    assert "--out run --resume" in stopped.stderr
    assert "nothing was written" not in stopped.stderr
    assert "--resume" in afterbay("community", "settle", "run").stderr
    assert afterbay(*words, "--resume").exit_code == 0


def test_an_import_that_would_change_a_grid_says_line_by_line_what(afterbay: Command, pair: Path) -> None:
    afterbay("community", "create", "elm", "--example", "elm-street")

    refused = afterbay("community", "import", "elm/grid.json", "--to", "pair")

    assert refused.exit_code == 6
    assert "+ H-1.1.3 below T-1.1" in refused.stderr.splitlines()
    assert refused.stderr.splitlines()[-1].endswith("say --yes to replace its grid")


def test_figures_without_a_meaning_are_empty_cells(afterbay: Command, pair: Path) -> None:
    afterbay("community", "run", "pair", "--from", "2023-06-01", "--days", "1", "--out", "run")

    whole = afterbay("community", "results", "run", "--csv").stdout.splitlines()
    houses = afterbay("community", "results", "run", "--houses", "--csv").stdout

    assert "peak_import_reduction_fraction,-," in whole
    assert "None" not in "".join(whole)
    assert "nan" not in houses


def test_a_settlement_says_that_keys_are_missing_and_refuses_before_it_begins(afterbay: Command, pair: Path) -> None:
    afterbay("community", "run", "pair", "--from", "2023-06-01", "--days", "1", "--out", "run")
    (pair / "taken").write_text("", encoding="utf-8")

    settled = afterbay("community", "settle", "run", "--rule", "static_keys")
    lost = afterbay("community", "settle", "run", "--house", "H-9", "--out", "bills")
    taken = afterbay("community", "settle", "run", "--out", "pair/taken")

    assert "static_keys: no house has a key" in settled.stdout
    assert lost.exit_code == 4
    assert not Path("bills").exists()
    assert taken.exit_code == 3


def test_a_lost_file_keeps_no_profile_from_being_replaced_or_taken_out(afterbay: Command, pair: Path) -> None:
    rows = "".join(f"2023-01-01T{hour:02}:00Z,1.0\n" for hour in range(24))
    (pair / "load.csv").write_text("timestamp,load_kwh\n" + rows, encoding="utf-8")
    for name in ("load-H-1.1.1", "spare"):
        added = afterbay("community", "profile", "add", "pair", name, "file", "--set", "path=load.csv")
        assert added.exit_code == 0, added.stderr
    (pair / "load.csv").unlink()
    assert "load.csv" in afterbay("community", "profile", "list", "pair").stderr

    replaced = afterbay("community", "profile", "add", "pair", "load-H-1.1.1", "flat", "--set", "kw=1")
    removed = afterbay("community", "profile", "rm", "pair", "spare")

    assert replaced.stdout.startswith("replaced load-H-1.1.1")
    assert removed.stdout == "removed spare\n"
    assert document(afterbay, "check", "pair")["errors"] == 0
    assert afterbay("community", "profile", "rm", "pair", "load-H-1.1.1").exit_code == 6
    assert afterbay("community", "profile", "rm", "pair", "spare").exit_code == 4


def test_a_gap_is_refused_with_the_rules_that_the_recipe_knows(afterbay: Command, pair: Path) -> None:
    rows = "".join(
        f"2023-01-0{day}T{hour:02}:00Z,1.0\n" for day in (1, 2) for hour in range(24) if (day, hour) != (2, 3)
    )
    (pair / "load.csv").write_text("timestamp,load_kwh\n" + rows, encoding="utf-8")
    words = ("community", "profile", "add", "pair", "load", "file", "--set", "path=load.csv")

    refused = afterbay(*words)

    assert refused.exit_code == 3
    assert "choose a fill rule: linear" in refused.stderr
    assert "gaps=" not in refused.stderr
    assert afterbay(*words, "--set", "fill=linear").exit_code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there")
def test_two_runs_do_not_write_into_one_folder_at_once(afterbay: Command, pair: Path) -> None:
    import fcntl

    words = ("community", "run", "pair", "--from", "2023-06-01", "--days", "1", "--out", "run")
    assert afterbay(*words).exit_code == 0
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    held = os.open("run", os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = afterbay(*words, "--rule", "equal")
    finally:
        os.close(held)

    assert refused.exit_code == 6
    assert "another run writes there" in refused.stderr
    assert {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()} == before
    assert afterbay(*words, "--rule", "equal").exit_code == 0


def test_a_full_disk_is_told_as_such(afterbay: Command, pair: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "run/part")

    monkeypatch.setattr("afterbay.community.simulation.run_community", full)

    result = afterbay("community", "run", "pair", "--from", "2023-06-01", "--days", "1", "--out", "run")

    assert result.exit_code == 7
    assert "No space left on device" in result.stderr


def test_a_disk_that_cannot_be_written_is_told_with_its_file(
    afterbay: Command, pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(self: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", read_only)
        patch.setattr(Path, "unlink", read_only)
        result = afterbay("community", "node", "set", "pair", "H-1.1.1", "import_kw=20")

    assert result.exit_code == 3
    assert "grid.json (Read-only file system)" in result.stderr


def test_what_a_command_did_is_a_document_too(afterbay: Command, here: Path) -> None:
    made = document(afterbay, "create", "pair", "--example", "two-houses")
    added = document(afterbay, "node", "add", "pair", "house", "--parent", "T-1.1")

    assert made["told"][0].startswith("pair: 2 houses")
    assert any("H-1.1.3" in line for line in added["told"])
    assert any("household" in line for line in document(afterbay, "profile", "sources")["told"])
