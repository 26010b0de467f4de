from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Command


def test_the_years_of_an_option_fade_as_asked_and_carry_their_money(
    afterbay: Command, block_run: tuple[Path, Path, Any]
) -> None:
    _, folder, _ = block_run

    result = afterbay("size", "years", folder, "--option", 4, "--years", 3, "--loss", 10, "--solar-loss", 0, "--json")

    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found["years"]["start_mwh"] == pytest.approx([160.0, 144.0, 129.6])
    assert found["years"]["delivery_pct"][0] == 100.0
    assert found["years"]["delivery_pct"][1] < 100.0
    flows = found["finance"]["lines"]["net_cash_flow_usd"]
    assert found["finance"]["npv_usd"] == pytest.approx(sum(flow / 1.08**year for year, flow in enumerate(flows)))


def test_the_table_of_years_says_what_it_assumed(afterbay: Command, block_run: tuple[Path, Path, Any]) -> None:
    result = afterbay("size", "years", block_run[1], "--years", 2)

    assert result.exit_code == 0
    assert "Net present value" in result.stdout
    assert "Rate of return" in result.stdout
    assert "discount_rate_fraction: 0.08" in result.stdout


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--years", 0), "project_life_years"),
        (("--loss", 200), "fixed_loss_fraction_per_year"),
        (("--discount", 500), "discount_rate_fraction"),
        (("--fuel-price", -1), "fuel_price_usd_per_l"),
    ],
)
def test_a_slip_in_the_years_is_named(
    afterbay: Command, block_run: tuple[Path, Path, Any], words: tuple[str, int], named: str
) -> None:
    result = afterbay("size", "years", block_run[1], *words)

    assert result.exit_code == 3
    assert named in result.stderr
    assert result.stdout == ""


def test_the_gap_to_the_optimum_is_never_negative(afterbay: Command, block_run: tuple[Path, Path, Any]) -> None:
    pytest.importorskip("highspy")

    result = afterbay("size", "optimum", block_run[1], "--option", 2, "--price", 100, "--json")

    found = json.loads(result.stdout)["gap"]
    assert result.exit_code == 0
    assert found["limit_mwh"] + 1e-6 >= found["possible_mwh"] >= found["rule"]["energy_served_mwh"] - 1e-6
    assert found["missed_usd"] == pytest.approx(found["missed_mwh"] * 100.0)


def test_the_optimum_is_told_in_words(afterbay: Command, block_run: tuple[Path, Path, Any]) -> None:
    pytest.importorskip("highspy")

    result = afterbay("size", "optimum", block_run[1], "--option", 2)

    assert "With perfect foresight" in result.stdout
    assert "comes nearest" in result.stdout


def test_the_tornado_names_the_driver_that_matters_most(
    afterbay: Command, block_run: tuple[Path, Path, Any], tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    result = afterbay("size", "tornado", block_run[1], "--option", 2, "--png", tmp_path / "t.png", "--json")

    found = json.loads(result.stdout)["tornado"]
    spans = [row["span"] for row in found["rows"]]
    assert result.exit_code == 0
    assert found["base"] == pytest.approx(66.712, abs=1e-3)
    assert spans == sorted(spans, reverse=True)
    assert (tmp_path / "t.png").read_bytes()[:4] == b"\x89PNG"


def test_a_measure_that_does_not_exist_is_named(afterbay: Command, block_run: tuple[Path, Path, Any]) -> None:
    result = afterbay("size", "tornado", block_run[1], "--measure", "luck")

    assert result.exit_code == 3
    assert "luck" in result.stderr


def test_the_tornado_of_money_moves_prices_too(afterbay: Command, block_run: tuple[Path, Path, Any]) -> None:
    result = afterbay("size", "tornado", block_run[1], "--option", 2, "--measure", "npv_usd", "--json")

    found = json.loads(result.stdout)["tornado"]
    assert result.exit_code == 0
    assert "discount" in json.dumps(found)
    assert found["rows"][0]["span"] > 0.0
