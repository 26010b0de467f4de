"""The OPC UA adapter beside a real asyncua server."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from asyncua.crypto import cert_gen
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from fleet_plant import NOON, SITE, battery
from fleet_servers import OpcuaServer, ua

from afterbay.core.errors import InvalidInputError, UnavailableError
from afterbay.fleet.devices import DeviceOrder, NodeUse, OpcuaDevice, OpcuaMapping, open_simulated
from afterbay.fleet.devices.opcua_security import OpcuaSecurity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from afterbay.fleet.inventory import Asset

MEASURED = datetime(2026, 6, 21, 11, 59, 58, tzinfo=UTC)
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[OpcuaServer]:
    running = OpcuaServer()
    yield running
    running.end()


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Plant:
    """One battery with nodes of its own on the shared server."""

    def __init__(self, server: OpcuaServer, **power: Any) -> None:
        tag = f"{next(_NUMBERS)}"
        self.server = server
        self.asset: Asset = battery(f"B-{tag}")
        self.power = server.add(f"{tag}/mw", 12.5, **power)
        self.soc = server.add(f"{tag}/soc_pct", 40.0, "Float")
        self.setpoint = server.add(f"{tag}/setpoint", 0.0, "Float", writable=True)
        self.clock = Clock()
        server.put(self.power, 12.5, at=MEASURED)
        server.put(self.soc, 40.0, at=MEASURED)

    def mapping(self, **changed: Any) -> OpcuaMapping:
        usual: dict[str, Any] = {
            "endpoint": self.server.endpoint,
            "source": "map.yaml",
            "setpoints": {self.asset.id: NodeUse(self.setpoint)},
            "default_telemetry": {"current_mw": NodeUse(self.power), "soc_pct": NodeUse(self.soc)},
            "timeout_s": 2.0,
        }
        return OpcuaMapping(**{**usual, **changed})

    def device(self, **changed: Any) -> OpcuaDevice:
        return OpcuaDevice(
            self.mapping(**changed), [self.asset], site_names={SITE.id: SITE.name}, monotonic=self.clock,
            simulated=lambda assets: open_simulated("sim:", assets, start=NOON, sites=[SITE]),
        )  # fmt: skip

    def order(self, mw: float, **changed: Any) -> DeviceOrder:
        usual: dict[str, Any] = {"valid_until": NOON + timedelta(minutes=5), "fallback_mw": 0.0, "lease_id": "L-1"}
        return DeviceOrder(asset_id=self.asset.id, mw=mw, **{**usual, **changed})


def test_nodes_become_telemetry_with_the_time_and_quality_of_their_source(server: OpcuaServer) -> None:
    plant = Plant(server)
    server.put(plant.power, -7.5, at=MEASURED)
    server.put(plant.soc, 41.0, status=ua.StatusCodes.UncertainLastUsableValue, at=MEASURED - timedelta(seconds=3))

    async def run() -> None:
        device = plant.device()
        await device.open()
        (sample,) = await device.read(NOON)
        await device.close()

        assert (sample.mw, sample.soc_pct, sample.status) == (-7.5, 41.0, "charging")
        assert (sample.quality, sample.origin, sample.timestamp) == ("uncertain", "device", MEASURED)
        assert (sample.site_name, sample.online, sample.capacity_mwh) == ("North Quay", True, None)

    asyncio.run(run())


@pytest.mark.parametrize("mw", [1.0, -1.0])
def test_plus_leaves_the_asset_in_both_directions_also_through_a_scale(server: OpcuaServer, mw: float) -> None:
    plant = Plant(server)
    kilowatts = NodeUse(plant.setpoint, 0.001)

    async def run() -> None:
        device = plant.device(
            setpoints={plant.asset.id: kilowatts}, default_telemetry={"current_mw": kilowatts}
        )  # fmt: skip
        await device.open()
        (result,) = await device.write([plant.order(mw)], NOON)
        (sample,) = await device.read(NOON)
        await device.close()

        assert (result.accepted, result.reason) == (True, "")
        assert result.read_back_mw == pytest.approx(mw)
        assert server.get(plant.setpoint) == pytest.approx(1000.0 * mw)
        assert sample.mw == pytest.approx(mw)
        assert sample.lease_id == "L-1"

    asyncio.run(run())


def test_a_bad_power_keeps_the_old_value_and_time_and_a_bad_field_is_left_out(server: OpcuaServer) -> None:
    plant = Plant(server)
    server.put(plant.power, 9.0, at=MEASURED)

    async def run() -> None:
        device = plant.device()
        await device.open()
        await device.read(NOON)
        server.put(plant.power, 0.0, status=ua.StatusCodes.BadSensorFailure, at=NOON)
        (broken,) = await device.read(NOON)
        trouble = dict(device.troubles)
        server.put(plant.power, 3.0, at=NOON)
        server.put(plant.soc, 0.0, status=ua.StatusCodes.BadNotConnected)
        (partly,) = await device.read(NOON)
        await device.close()

        assert (broken.mw, broken.timestamp, broken.quality, broken.online) == (9.0, MEASURED, "bad", False)
        assert "BadSensorFailure" in trouble[plant.asset.id]
        assert (partly.mw, partly.soc_pct, partly.quality, partly.timestamp) == (3.0, None, "uncertain", NOON)

    asyncio.run(run())


def test_a_server_that_dies_and_comes_back_is_read_again_with_a_new_session(server: OpcuaServer) -> None:
    plant = Plant(server)
    server.put(plant.power, 6.0, at=MEASURED)

    async def run() -> None:
        device = plant.device()
        await device.open()
        await device.read(NOON)
        await asyncio.to_thread(server.stop)
        try:
            (lost,) = await device.read(NOON)
            (refused,) = await device.write([plant.order(5.0)], NOON)
        finally:
            await asyncio.to_thread(server.start)
        plant.clock.now_s += 100.0
        (back,) = await device.read(NOON)
        (taken,) = await device.write([plant.order(5.0)], NOON)
        await device.close()

        assert (lost.mw, lost.timestamp, lost.quality, lost.origin) == (6.0, MEASURED, "bad", "device")
        assert not refused.accepted
        assert "no session" in refused.reason
        assert (back.mw, back.quality, device.troubles) == (6.0, "good", {})
        assert taken.read_back_mw == 5.0

    asyncio.run(run())


def test_a_device_that_was_never_there_gives_no_sample_and_no_invented_one() -> None:
    asset = battery()
    mapping = OpcuaMapping(
        "opc.tcp://127.0.0.1:1/none", "map.yaml", default_telemetry={"current_mw": NodeUse("ns=2;s=mw")}
    )

    async def run() -> None:
        device = OpcuaDevice(mapping, [asset])
        with pytest.raises(UnavailableError, match="no session with"):
            await device.open()
        assert list(await device.read(NOON)) == []
        await device.close()

    asyncio.run(run())


def test_a_refused_write_is_told_in_the_servers_words(server: OpcuaServer) -> None:
    plant = Plant(server)
    locked = server.add(f"{plant.asset.name}/locked", 0.0)
    small = server.add(f"{plant.asset.name}/small", 0, "SByte", writable=True)

    async def write(node: str, mw: float, scale: float = 1.0, **changed: Any) -> Any:
        device = plant.device(setpoints={plant.asset.id: NodeUse(node, scale)})
        await device.open()
        (result,) = await device.write([plant.order(mw, **changed)], NOON)
        await device.close()
        return result

    result = asyncio.run(write(locked, 5.0))
    assert not result.accepted
    assert "BadUserAccessDenied" in result.reason or "BadNotWritable" in result.reason
    assert server.get(locked) == 0.0
    assert asyncio.run(write(small, 50.0, scale=0.1)).reason == "500.0 is no SByte"
    assert not asyncio.run(write(plant.setpoint, float("nan"))).accepted
    assert asyncio.run(write(plant.setpoint, -61.0)).reason == "-61 MW is outside -60 to 60 MW"
    ended = asyncio.run(write(plant.setpoint, 5.0, valid_until=NOON))
    assert (ended.accepted, ended.reason) == (False, "the order had ended already")
    assert server.get(plant.setpoint) == 0.0


def test_a_node_in_another_unit_or_range_stops_the_start_and_names_the_scale(server: OpcuaServer) -> None:
    plant = Plant(server, unit="kW")
    wide = server.add(f"{plant.asset.name}/wide", 0.0, writable=True, reach=(-60_000.0, 60_000.0))

    async def open_with(**changed: Any) -> None:
        device = plant.device(**changed)
        try:
            await device.open()
        finally:
            await device.close()

    with pytest.raises(InvalidInputError, match=r"a node in kW with scale 1, allowed: scale: 0\.001"):
        asyncio.run(open_with())
    scaled = {"current_mw": NodeUse(plant.power, 0.001)}
    asyncio.run(open_with(default_telemetry=scaled))
    with pytest.raises(InvalidInputError, match="a share in %"):
        asyncio.run(open_with(default_telemetry={"soc_pct": NodeUse(plant.power), "current_mw": NodeUse(plant.soc)}))
    with pytest.raises(InvalidInputError, match="a range of -60000 to 60000 with scale 1"):
        asyncio.run(open_with(default_telemetry=scaled, setpoints={plant.asset.id: NodeUse(wide)}))
    with pytest.raises(InvalidInputError, match="BadNodeIdUnknown"):
        asyncio.run(open_with(default_telemetry={"current_mw": NodeUse("ns=2;s=nowhere")}))


def test_a_simulation_is_written_into_nodes_in_their_own_types(server: OpcuaServer) -> None:
    plant = Plant(server)
    power = server.add(f"{plant.asset.name}/sim_mw", 0.0, "Float", writable=True)
    text = server.add(f"{plant.asset.name}/sim_soc", "", "String", writable=True)
    status = server.add(f"{plant.asset.name}/sim_status", "", "String", writable=True)
    nodes = {"current_mw": NodeUse(power, 0.001), "soc_pct": NodeUse(text), "status": NodeUse(status)}

    async def run() -> None:
        device = plant.device(default_telemetry=nodes, write_sim=True)
        await device.open()
        (taken,) = await device.write([plant.order(8.0)], NOON)
        (sample,) = await device.read(NOON + timedelta(seconds=4))
        trouble = dict(device.troubles)
        await device.close()

        assert taken.accepted
        assert server.get(plant.setpoint) == 8.0
        assert (sample.origin, sample.mw, sample.quality) == ("simulated", 8.0, "good")
        assert server.get(power) == pytest.approx(8000.0)
        assert float(server.get(text)) == sample.soc_pct
        assert server.get(status) == "discharging"
        assert trouble == {}

    asyncio.run(run())


def test_a_simulation_goes_on_without_the_server_but_takes_no_order_alone(server: OpcuaServer) -> None:
    plant = Plant(server)
    mapping = plant.mapping(write_sim=True, endpoint="opc.tcp://127.0.0.1:1/none")

    async def run() -> None:
        device = OpcuaDevice(
            mapping, [plant.asset], simulated=lambda assets: open_simulated("sim:", assets, start=NOON)
        )
        with pytest.raises(UnavailableError):
            await device.open()
        (refused,) = await device.write([plant.order(8.0)], NOON)
        (sample,) = await device.read(NOON + timedelta(seconds=4))
        await device.close()

        assert not refused.accepted
        assert (sample.mw, sample.setpoint_mw, sample.quality) == (0.0, 0.0, "good")
        assert device.troubles

    asyncio.run(run())


def test_a_server_that_takes_few_nodes_at_once_is_asked_in_parts_and_remembered(server: OpcuaServer) -> None:
    plant = Plant(server)
    extras = {
        f"cell_{number}": NodeUse(server.add(f"{plant.asset.name}/{number}", float(number))) for number in range(9)
    }
    server.largest_read = 4

    async def run() -> None:
        device = plant.device(default_telemetry={"current_mw": NodeUse(plant.power), **extras})
        await device.open()
        await device.read(NOON)
        before = server.requests
        (sample,) = await device.read(NOON)
        used = server.requests - before
        await device.close()

        assert [sample.details[f"cell_{number}"] for number in range(9)] == [float(number) for number in range(9)]
        assert used == 5

    try:
        asyncio.run(run())
    finally:
        server.largest_read = 1_000_000


def test_nodes_are_read_in_one_request_and_not_before_the_interval_has_passed(server: OpcuaServer) -> None:
    plant = Plant(server)

    async def run() -> None:
        device = plant.device(interval_s=10.0)
        await device.open()
        first = server.requests
        await device.read(NOON)
        server.put(plant.power, 1.0, at=NOON)
        (early,) = await device.read(NOON)
        plant.clock.now_s = 10.0
        (late,) = await device.read(NOON)
        requests = server.requests - first
        await device.close()

        assert (early.mw, late.mw) == (12.5, 1.0)
        assert requests == 2

    asyncio.run(run())


def test_a_session_is_encrypted_and_trusts_the_named_server_certificate_only(
    server: OpcuaServer, tmp_path: Path
) -> None:
    for name in ("server", "client", "other"):
        certificate(tmp_path, name)
    plant = Plant(server)
    server.protect(str(tmp_path / "server.der"), str(tmp_path / "server-key.pem"))

    async def read(trusted: str) -> Any:
        security = OpcuaSecurity(
            "Basic256Sha256", "SignAndEncrypt", tmp_path / "client.der", tmp_path / "client-key.pem",
            tmp_path / f"{trusted}.der",
        )  # fmt: skip
        device = plant.device(security=security)
        try:
            await device.open()
            return await device.read(NOON)
        finally:
            await device.close()

    (sample,) = asyncio.run(read("server"))
    assert (sample.mw, sample.quality) == (12.5, "good")
    with pytest.raises(UnavailableError, match="no session with"):
        asyncio.run(read("other"))


def certificate(folder: Path, name: str) -> None:
    """Write a certificate and its key."""
    uri = f"urn:afterbay:test:{name}"
    key = cert_gen.generate_private_key()
    (folder / f"{name}-key.pem").write_bytes(cert_gen.dump_private_key_as_pem(key))
    made = cert_gen.generate_self_signed_app_certificate(
        key, f"{name}@localhost", {"commonName": name}, [x509.UniformResourceIdentifier(uri)],
        [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH],
    )  # fmt: skip
    (folder / f"{name}.der").write_bytes(made.public_bytes(Encoding.DER))
