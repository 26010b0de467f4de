"""`afterbay community`: what a planner types, what comes back, and with which exit code."""

from __future__ import annotations

import json
import zipfile
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
