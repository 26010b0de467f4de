"""From plan to plant by command: an option becomes an entry once, and a day is laid beside its plan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import fleet_stub
from afterbay.cli import app
from afterbay.fleet.inventory import read_inventory
from afterbay.fleet.messages import Telemetry
from afterbay.plant import telemetry_csv
from fleet_stub import running_stub

_DAY = datetime(2026, 6, 21, tzinfo=UTC)


def _call(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """10 MW of load, 30 MW of sun from 08:00 to 16:00, 160 MWh and 40 MW without losses."""
    folder = tmp_path_factory.mktemp("study")
    load = "\n".join(["hour,load_mw", *(f"{hour},10" for hour in range(8760))])
    sun = "\n".join(["hour,solar_mw", *(f"{hour},{30 if 8 <= hour % 24 < 16 else 0}" for hour in range(8760))])
    (folder / "load.csv").write_text(load + "\n")
    (folder / "solar.csv").write_text(sun + "\n")
    (folder / "block.yaml").write_text(
        "name: Block sun\n"
        "setup_config: {load_mode: csv, load_file: load.csv, solar_source: csv, solar_file: solar.csv, "
        "bess_efficiency: 100, bess_min_soc: 0, bess_max_soc: 100, dg_enabled: false}\n"
        "rules_config: {}\n"
        "sizing_config: {capacity_min: 120, capacity_max: 160, capacity_step: 40, durations: [4], "
        "optimization_goal: {delivery_mode: at_least, delivery_target_pct: 99}}\n"
    )
    assert _call("size", "run", folder / "block.yaml", "--out", folder / "run").exit_code == 0
    return folder / "run"


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    return tmp_path / "assets.yaml"


def _from_study(study: Path, assets: Path, *words: object) -> Any:
    return _call("fleet", "from-study", study, "best", "--site", "Red Rock", "--assets", assets, *words)


def test_an_option_becomes_an_entry_once_and_again_changes_nothing(study: Path, assets: Path) -> None:
    first = _from_study(study, assets, "--new-site", "--ramp", 10)
    before = assets.read_bytes()
    again = _from_study(study, assets)

    (asset,) = read_inventory(assets).assets
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "added" in first.stdout
    assert "unchanged" in again.stdout
    assert assets.read_bytes() == before
    assert (asset.capacity_mwh, asset.max_mw, asset.efficiency, asset.ramp_rate_mw_per_min) == (160.0, 40.0, 1.0, 10.0)


def test_a_dry_run_shows_the_entry_and_writes_nothing(study: Path, assets: Path) -> None:
    result = _from_study(study, assets, "--new-site", "--dry-run")

    assert "would be added" in result.stdout
    assert "capacity_mwhr: 160.0" in result.stdout
    assert not assets.exists()


def test_a_site_is_not_made_by_accident(study: Path, assets: Path) -> None:
    result = _from_study(study, assets)

    assert result.exit_code == 4
    assert "--new-site" in result.stderr
    assert not assets.exists()


def _telemetry(asset_id: str, site_id: str, mw_of_hour: Any) -> list[Telemetry]:
    samples = []
    for minute in range(1, 1441):
        told = -20.0 if 480 < minute <= 960 else 10.0
        mw, limit = mw_of_hour((minute - 1) // 60, told)
        at = _DAY + timedelta(minutes=minute)
        samples.append(Telemetry(asset_id, site_id, at, mw, told, 40.0, -40.0, "idle", limited_by=limit, seq=minute))
    return samples


def _made(study: Path, assets: Path) -> Any:
    _from_study(study, assets, "--new-site")
    return read_inventory(assets).assets[0]


def test_a_day_from_a_file_is_laid_beside_the_option_that_the_asset_was_made_of(
    study: Path, assets: Path, tmp_path: Path
) -> None:
    asset = _made(study, assets)
    file = tmp_path / "day.csv"
    samples = _telemetry(asset.id, asset.site_id, lambda hour, told: (4.0, "soc_min") if hour == 5 else (told, None))
    file.write_text(telemetry_csv(samples))
    words = ("fleet", "compare", asset.id, "--study", study, "--date", "2026-06-21", "--plan-day", 3, "--file", file)

    document = json.loads(_call(*words, "--json").stdout)
    text = _call(*words).stdout

    assert document["option"] == 2
    assert [(one["code"], round(one["net_mwh"], 6), round(one["hours"], 6)) for one in document["reasons"]] == [
        ("soc_min", -6.0, 1.0)
    ]
    assert (document["planned_hours"], document["delivered_hours"]) == (16.0, 15.0)
    assert "limited: empty" in text
    assert "data for 24 h of 24 h" in text


def test_a_day_from_a_headend_with_a_gap_says_so(study: Path, assets: Path, stub: fleet_stub.Stub) -> None:
    asset = _made(study, assets)
    stub.mw = {fleet_stub.NQ1: 0.0}
    stub.samples = [
        fleet_stub.sample(asset.id, one.timestamp, one.mw, seq=one.seq)
        for one in _telemetry(asset.id, asset.site_id, lambda _, told: (told, None))
        if not 12 <= one.timestamp.hour < 14
    ]

    result = _call("fleet", "compare", "NQ-1", "--study", study, "--date", "2026-06-21", "--plan-day", 3,
                   "--option", "best", "--url", stub.url)  # fmt: skip

    assert result.exit_code == 0
    assert "the plant did what was planned, where there are data" in result.stdout
    assert "no data for 2 h in 1 gap," in result.stdout


@pytest.fixture
def stub() -> Iterator[fleet_stub.Stub]:
    with running_stub() as found:
        yield found


@pytest.mark.parametrize(
    ("words", "code"),
    [(("--date", "someday"), 3), (("--date", "2026-06-21", "--file", "none.csv"), 4)],
)  # fmt: skip
def test_a_comparison_that_cannot_be_made_says_why(study: Path, words: tuple[str, ...], code: int) -> None:
    assert _call("fleet", "compare", "x", "--study", study, *words).exit_code == code
