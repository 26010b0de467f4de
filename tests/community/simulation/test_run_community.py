"""A run is the same to the bit however it is cut, stopped, threaded or stored; and its books balance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afterbay.community.recipes import ProfileLibrary, elm_street_profiles, flat
from afterbay.community.sharing import Sharing
from afterbay.community.simulation import (
    DAILY_COLUMNS,
    HOUSE_COLUMNS,
    NODE_COLUMNS,
    CommunityRun,
    horizon,
    open_run,
    run_community,
)
from afterbay.community.topology import Grid, elm_street, two_houses
from afterbay.core.errors import CancelledError, InvalidInputError, NotFoundError

DAYS = 5
START = "2023-03-24"  # the clock changes on the 26th in Berlin


@pytest.fixture(scope="module")
def street() -> tuple[Grid, ProfileLibrary]:
    grid = replace(elm_street(), time_zone="Europe/Berlin")
    return grid, elm_street_profiles(seed=3)


def run(street: tuple[Grid, ProfileLibrary], **options: object) -> CommunityRun:
    grid, profiles = street
    steps = horizon(START, DAYS, time_zone=grid.time_zone)
    return run_community(grid, profiles, horizon=steps, **{"series": "all", **options})  # type: ignore[arg-type]


def assert_same(one: CommunityRun, two: CommunityRun) -> None:
    for column in DAILY_COLUMNS:
        assert np.array_equal(one.daily(column), two.daily(column)), column
    for column in NODE_COLUMNS:
        assert np.array_equal(one.nodes(column), two.nodes(column)), column
    for side in ("bought", "sold"):
        assert np.array_equal(one.levels(side), two.levels(side)), side
    assert one.chosen == two.chosen
    for house in one.chosen:
        for column in HOUSE_COLUMNS:
            assert np.array_equal(one.series(house, column), two.series(house, column)), (house, column)


def test_two_houses_share_as_the_journey_says() -> None:
    grid = two_houses()
    profiles = ProfileLibrary(
        [flat("load-H-1.1.1", 1.0), flat("load-H-1.1.2", 1.5), flat("solar-1", 1.0, unit="kW/kW")]
    )
    result = run_community(grid, profiles, "proportional", horizon("2023-06-01", 1))

    assert result.daily("solar_kwh").sum() == pytest.approx(72.0, abs=1e-9)
    assert result.daily("own_use_kwh").sum() == pytest.approx(24.0, abs=1e-9)
    assert result.daily("bought_kwh").tolist() == [[0.0, 36.0]]
    assert (result.daily("export_kwh") - result.daily("sold_kwh")).sum() == pytest.approx(12.0, abs=1e-9)
    assert (result.daily("import_kwh") - result.daily("bought_kwh")).sum() == pytest.approx(0.0, abs=1e-12)
    assert np.allclose(result.nodes("up_kwh")[:, 1], 0.125, atol=1e-15)
    alone = run_community(grid, profiles, "none", horizon("2023-06-01", 1))
    assert alone.daily("import_kwh").tolist() == [[0.0, 36.0]]
    assert alone.daily("export_kwh").tolist() == [[48.0, 0.0]]
    assert not alone.daily("bought_kwh").any()


@pytest.mark.parametrize("options", [{"block_days": 1}, {"block_days": 2}, {"threads": 1}, {"threads": 3}])
def test_blocks_and_threads_change_no_bit(street: tuple[Grid, ProfileLibrary], options: dict[str, int]) -> None:
    assert_same(run(street), run(street, **options))


def test_a_stored_run_reads_back_as_it_was(street: tuple[Grid, ProfileLibrary], tmp_path: Path) -> None:
    kept = run(street, folder=tmp_path / "run", keep_meters=True)
    opened = open_run(tmp_path / "run")

    assert_same(kept, run(street))
    assert_same(kept, opened)
    assert opened.scenario == kept.scenario
    assert opened.sharing == kept.sharing
    fresh = [block.net_kwh for block in run(street).blocks()]
    assert np.array_equal(np.concatenate([block.net_kwh for block in opened.blocks()]), np.concatenate(fresh))


def test_a_stopped_run_goes_on_to_the_identical_files(street: tuple[Grid, ProfileLibrary], tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(street, folder=whole, block_days=1)
    seen: list[int] = []
    with pytest.raises(CancelledError, match="of 476 steps"):
        run(street, folder=parts, block_days=1, progress=lambda done, _: seen.append(done),
            cancelled=lambda: len(seen) == 2)  # fmt: skip
    with pytest.raises(InvalidInputError, match="stopped before its end"):
        open_run(parts)
    (parts / "daily" / "part-00002.parquet").write_bytes(b"cut off")

    resumed = run(street, folder=parts, block_days=1, resume=True)

    assert_same(resumed, open_run(whole))
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(parts) for path in parts.rglob("*") if path.is_file())
    assert all((whole / name).read_bytes() == (parts / name).read_bytes() for name in files)


def test_a_run_is_not_taken_up_with_other_inputs(street: tuple[Grid, ProfileLibrary], tmp_path: Path) -> None:
    seen: list[int] = []
    with pytest.raises(CancelledError):
        run(street, folder=tmp_path, block_days=1, progress=lambda done, _: seen.append(done), cancelled=lambda: True)
    grid, profiles = street

    with pytest.raises(InvalidInputError, match="another digest"):
        run((replace(grid, import_limit_kw=10.0), profiles), folder=tmp_path, resume=True)
    with pytest.raises(InvalidInputError, match="another digest"):
        run(street, folder=tmp_path, resume=True, rules=Sharing(buyers="equal"))


def test_a_run_begun_anew_leaves_nothing_of_the_old_one(street: tuple[Grid, ProfileLibrary], tmp_path: Path) -> None:
    run(street, folder=tmp_path, block_days=1)
    again = run(street, folder=tmp_path, block_days=4)

    assert_same(again, open_run(tmp_path))
    with pytest.raises(InvalidInputError, match="a complete run"):
        run(street, folder=tmp_path, resume=True)


def test_what_cannot_be_run_is_said_all_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    grid = two_houses()
    folder = tmp_path / "run"

    with pytest.raises(InvalidInputError) as caught:
        run_community(
            grid, ProfileLibrary([flat("load-H-1.1.1", 1.0)]), horizon=horizon("2023-06-01", 1), folder=folder
        )

    told = str(caught.value)
    assert "load-H-1.1.2" in told
    assert "solar-1" in told
    assert not folder.exists()
    with pytest.raises(InvalidInputError, match="one of none, proportional"):
        run_community(grid, ProfileLibrary(), "proportinal", horizon("2023-06-01", 1))


def test_a_series_that_was_not_kept_is_told_as_such(street: tuple[Grid, ProfileLibrary]) -> None:
    result = run(street, series=("H-1.1.1",))

    assert result.chosen == ("H-1.1.1",)
    with pytest.raises(NotFoundError, match="not kept"):
        result.series("H-1.1.2", "load_kwh")
    with pytest.raises(NotFoundError, match="unknown"):
        result.series("H-9", "load_kwh")
    with pytest.raises(InvalidInputError, match="one of load_kwh"):
        result.series("H-1.1.1", "lod_kwh")


def test_every_house_and_node_balances_every_step(street: tuple[Grid, ProfileLibrary]) -> None:
    result = run(street)
    tree = result.tree

    for house in result.chosen:
        flow = {column: result.series(house, column) for column in HOUSE_COLUMNS}
        made = flow["solar_kwh"] + flow["wind_kwh"] - flow["curtailed_connection_kwh"] - flow["curtailed_network_kwh"]
        brought = made + flow["discharge_kwh"] + flow["import_kwh"]
        used = flow["load_kwh"] + flow["car_kwh"] - flow["unserved_connection_kwh"] - flow["unserved_network_kwh"]
        assert np.allclose(brought, used + flow["charge_kwh"] + flow["export_kwh"], rtol=1e-9, atol=1e-12)
    supply, demand = result.nodes("supply_kwh"), result.nodes("demand_kwh")
    assert np.allclose(supply - demand, result.nodes("up_kwh") - result.nodes("down_kwh"), rtol=1e-9, atol=1e-12)
    exported = sum(result.series(house, "export_kwh") - result.series(house, "import_kwh") for house in result.chosen)
    at_grid = result.nodes("up_kwh")[:, 0] - result.nodes("down_kwh")[:, 0]
    assert np.allclose(exported - result.nodes("loss_kwh").sum(axis=1), at_grid, rtol=1e-9, atol=1e-9)
    assert tree.n_nodes == result.nodes("up_kwh").shape[1]
