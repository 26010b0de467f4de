"""The URI of an asset chooses its adapter."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fleet_plant import NOON, SITE, battery

from afterbay.core.errors import InvalidInputError, MissingExtraError
from afterbay.fleet.devices import (
    Device,
    DeviceSurroundings,
    OpcuaDevice,
    SimulatedDevice,
    SunspecDevice,
    open_device,
    open_devices,
    read_sunspec_uri,
)

if TYPE_CHECKING:
    from pathlib import Path

HERE = DeviceSurroundings(start=NOON, sites=(SITE,))
OPCUA = replace(HERE, environment={"OPCUA_NODE_CURRENT_MW": "ns=2;s=mw"})


@pytest.mark.parametrize(
    ("uri", "adapter"),
    [
        ("sim:", SimulatedDevice),
        ("sim:?seed=7", SimulatedDevice),
        ("sunspec+tcp://192.0.2.7:1502/3", SunspecDevice),
        ("opc.tcp://127.0.0.1:4840/plant", OpcuaDevice),
    ],
)
def test_each_scheme_has_its_adapter_and_each_adapter_is_a_device(uri: str, adapter: type) -> None:
    device = open_device(uri, [battery()], OPCUA)

    assert isinstance(device, adapter)
    assert isinstance(device, Device)
    assert device.asset_ids == (battery().id,)


def test_assets_behind_one_connection_share_one_device(tmp_path: Path) -> None:
    mapping = tmp_path / "map.yaml"
    mapping.write_text("endpoint: opc.tcp://127.0.0.1:4840")
    uris = [
        "sim:",
        "sunspec+tcp://h:502/1",
        "sim:",
        "sunspec+tcp://h/2",
        "sunspec+tcp://h:503/1",
        *[f"opcua:{mapping}"] * 2,
    ]
    assets = [battery(f"B-{number}", device=uri) for number, uri in enumerate(uris)]

    devices = open_devices(assets, HERE)

    places = {asset.id: number for number, asset in enumerate(assets)}
    assert [[places[asset_id] for asset_id in device.asset_ids] for device in devices] == [[0, 2], [1, 3], [4], [5, 6]]


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("", "sim: | opcua:mapping.yaml"),
        ("modbus://h/1", "sunspec+tcp"),
        ("sunspec+tpc://h/1", "did you mean sunspec+tcp?"),
        ("sunspec+tcp://h", "unit id: got none"),
        ("sunspec+tcp://h/256", "0 to 255"),
        ("sunspec+tcp:///1", "sunspec+tcp://192.0.2.7:502/1"),
        ("sunspec+tcp://h:99999/1", "a port from 1 to 65535"),
        ("sunspec+tcp://h/1?hold=5", "did you mean hold_s?"),
        ("sunspec+tcp://h/1?hold_s=nan", "more than 0"),
        ("sunspec+tcp://h/1?hold_s=0.5", "1 or more"),
        ("sunspec+tcp://h/1?word_order=middle", "big | little"),
        ("opcua:", "OPCUA_ENDPOINT"),
        ("sim:?seed=x", "a whole number"),
    ],
)
def test_a_uri_that_cannot_be_used_is_told_in_words(uri: str, words: str) -> None:
    with pytest.raises(InvalidInputError) as told:
        open_device(uri, [battery()], HERE)

    assert words in str(told.value)


def test_every_asset_with_a_bad_uri_is_told_at_once() -> None:
    assets = [battery("X", device="ftp://a"), battery("Y", device="sunspec+tcp://h"), battery("Z")]

    with pytest.raises(InvalidInputError) as told:
        open_devices(assets, HERE)

    assert ["device of X" in str(told.value), "device of Y" in str(told.value), "device of Z" in str(told.value)] == [
        True, True, False,
    ]  # fmt: skip


def test_two_assets_never_share_a_unit_or_a_setpoint_node(tmp_path: Path) -> None:
    same_unit = [battery("X", device="sunspec+tcp://h:502/1"), battery("Y", device="sunspec+tcp://h/1")]
    options = [battery("X", device="sunspec+tcp://h/1?hold_s=60"), battery("Y", device="sunspec+tcp://h/2")]
    maps = []
    for name in ("X", "Y"):
        path = tmp_path / f"{name}.yaml"
        path.write_text("endpoint: opc.tcp://127.0.0.1:4840\ndefault_setpoint: ns=2;s=power")
        maps.append(battery(name, device=f"opcua:{path}"))

    with pytest.raises(InvalidInputError, match="a unit of its own"):
        open_devices(same_unit, HERE)
    with pytest.raises(InvalidInputError, match="is one connection"):
        open_devices(options, HERE)
    with pytest.raises(InvalidInputError, match="the node ns=2;s=power of X"):
        open_devices(maps, HERE)


def test_options_of_a_sunspec_uri_are_read() -> None:
    address = read_sunspec_uri("sunspec+tcp://[::1]:1502/7?hold_s=60&timeout_s=1.5&word_order=little")

    assert (address.host, address.port, address.unit) == ("::1", 1502, 7)
    assert (address.options.hold_s, address.options.timeout_s, address.options.word_order) == (60.0, 1.5, "little")
    assert read_sunspec_uri("sunspec+tcp://h/1").port == 502


@pytest.mark.parametrize(
    ("uri", "package"), [("opc.tcp://127.0.0.1:1", "asyncua"), ("sunspec+tcp://127.0.0.1:1/1", "pymodbus")]
)
def test_a_missing_package_names_the_extra(uri: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    device = open_device(uri, [battery()], OPCUA)

    with pytest.raises(MissingExtraError, match=rf"{package}.*afterbay\[fleet\]"):
        asyncio.run(device.open())


def test_a_simulated_asset_moves_behind_the_common_doors() -> None:
    device = open_device("sim:", [battery()], HERE)

    async def run() -> None:
        await device.open()
        (sample,) = await device.read(NOON)
        assert (sample.origin, sample.mw) == ("simulated", 0.0)
        await device.close()

    asyncio.run(run())
