"""What is written is read back the same, whole, and with the comments that stand above it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fleet_plant import SITE, battery, identity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError
from afterbay.fleet.inventory import (
    Asset,
    Group,
    Inventory,
    ThermalModel,
    default_inventory,
    inventory_text,
    read_inventory,
    to_entry,
    write_inventory,
)

_names = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12)
_mw = st.floats(0.0, 1e4)
_batteries = st.builds(
    lambda name, capacity, high, low, efficiency, window, curve, thermal, reserve: battery(
        name,
        capacity_mwh=capacity,
        max_mw=high,
        min_mw=0.0 - low,
        efficiency=efficiency,
        min_soc_pct=window[0],
        max_soc_pct=window[1],
        reserve_soc_pct=reserve,
        efficiency_curve=curve,
        thermal=thermal,
    ),
    _names,
    _mw,
    _mw,
    _mw,
    st.floats(0.01, 1.0),
    st.sampled_from([(0.0, 100.0), (12.5, 87.5)]),
    st.sampled_from([(), ((0.1, 0.88), (1.0, 0.93))]),
    st.none() | st.builds(ThermalModel, ambient_c=st.floats(-20, 40)),
    st.none() | st.floats(12.5, 87.5),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_batteries, max_size=4, unique_by=lambda asset: asset.id))
def test_what_is_written_is_read_back_the_same(tmp_path: Path, assets: list[Asset]) -> None:
    groups = (Group(identity("group"), "All: of them", tuple(asset.id for asset in assets)),) if assets else ()
    inventory = Inventory((SITE,), tuple(assets), groups)
    path = tmp_path / "assets.yaml"

    write_inventory(path, inventory)

    assert read_inventory(path) == inventory


def test_details_of_every_type_survive(tmp_path: Path) -> None:
    common: dict[str, Any] = {"site_id": SITE.id}
    assets = (
        Asset(id=identity("pv"), name="PV", asset_type="pv", max_mw=30.0,
              details={"irradiance_wm2": [0.0, 900.0]}, **common),
        Asset(id=identity("wind"), name="W", asset_type="wind", max_mw=5.0, details={"mean_wind_ms": 7.5}, **common),
        Asset(id=identity("ev"), name="EV", asset_type="ev", min_mw=-1.0,
              details={"sessions": [{"arrive": "17:30", "depart": "07:15", "energy_mwh": 0.04}]}, **common),
    )  # fmt: skip
    inventory = Inventory((SITE,), assets)

    write_inventory(tmp_path / "a.yaml", inventory)

    assert read_inventory(tmp_path / "a.yaml") == inventory


def test_comments_above_the_first_key_stay_and_order_stays(tmp_path: Path) -> None:
    path = tmp_path / "assets.yaml"
    inventory = default_inventory()
    path.write_text("# Ours, since 2026.\n\n# Ask before you touch it.\n" + inventory_text(inventory, ""))

    write_inventory(path, replace(inventory, assets=inventory.assets[::-1]))

    assert path.read_text().startswith("# Ours, since 2026.\n\n# Ask before you touch it.\nsites:\n")
    assert read_inventory(path).assets == inventory.assets[::-1]


def test_the_text_uses_the_keys_of_the_documents() -> None:
    entry = to_entry(default_inventory().assets[0])

    assert list(entry) == [
        "id", "site_id", "name", "capacity_mwhr", "max_mw", "min_mw", "efficiency", "ramp_rate_mw_per_min",
    ]  # fmt: skip


def test_a_wrong_inventory_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "assets.yaml"
    inventory = default_inventory()
    write_inventory(path, inventory)
    before = path.read_bytes()
    wrong = replace(inventory, assets=(replace(inventory.assets[0], efficiency=92.0), *inventory.assets[1:]))

    with pytest.raises(InvalidInputError, match=r"asset NQ-1: efficiency.*did you mean 0\.92"):
        write_inventory(path, wrong)

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        write_inventory(tmp_path / "nowhere" / "assets.yaml", default_inventory())


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "real.yaml", tmp_path / "assets.yaml"
    target.write_text("sites: []\nassets: []\n")
    link.symlink_to(target)

    write_inventory(link, default_inventory())

    assert link.is_symlink()
    assert read_inventory(target) == default_inventory()
