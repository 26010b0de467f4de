"""What is simulated behind the nodes of an OPC UA server outlives its agent, as the plain simulator does."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet_agent import Clock, agent, lease
from fleet_plant import SITE, battery
from fleet_servers import OpcuaServer

from afterbay.fleet.agent import Runtime
from afterbay.fleet.devices import NodeUse, OpcuaDevice, OpcuaMapping, open_simulated
from afterbay.fleet.inventory import Inventory
from afterbay.fleet.messages import Telemetry

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[OpcuaServer]:
    running = OpcuaServer()
    yield running
    running.end()


class Plant:
    """One battery with nodes of its own on the shared server."""

    def __init__(self, server: OpcuaServer) -> None:
        tag = f"{next(_NUMBERS)}"
        self.server = server
        self.asset = battery(f"B-{tag}")
        self.power = server.add(f"{tag}/mw", 0.0, writable=True)
        self.setpoint = server.add(f"{tag}/setpoint", 0.0, "Float", writable=True)

    def device(self, clock: Clock, *, write_sim: bool) -> OpcuaDevice:
        mapping = OpcuaMapping(
            endpoint=self.server.endpoint,
            source="map.yaml",
            setpoints={self.asset.id: NodeUse(self.setpoint)},
            default_telemetry={"current_mw": NodeUse(self.power)},
            timeout_s=2.0,
            write_sim=write_sim,
        )
        monotonic = clock.clocks.monotonic
        return OpcuaDevice(
            mapping, [self.asset], monotonic=monotonic,
            simulated=lambda assets: open_simulated(
                "sim:", assets, start=clock.utc, sites=[SITE], monotonic=monotonic
            ),
        )  # fmt: skip


@pytest.mark.parametrize("closes", [True, False], ids=["stopped", "killed"])
def test_what_is_simulated_behind_nodes_goes_on_where_it_was_when_its_agent_starts_again(
    server: OpcuaServer, tmp_path: Path, closes: bool
) -> None:
    plant, clock = Plant(server), Clock()
    inventory = Inventory((SITE,), (plant.asset,))

    def newest(runtime: Runtime) -> Telemetry:
        sample = runtime.control.latest(plant.asset.id)
        assert sample is not None
        return sample

    async def run() -> None:
        first = plant.device(clock, write_sim=True)
        async with agent(tmp_path, clock, inventory=inventory, devices=[first], closes=closes) as before_it:
            await before_it.tick()
            before_it.take(lease(30.0, 1, clock, asset_id=plant.asset.id, lasts_s=3600.0))
            for _ in range(50):
                clock.pass_s(4.0)
                await before_it.tick()
            before = newest(before_it)
        if not closes:
            await first.close()  # the system closes the sockets of a process that was killed
        async with agent(tmp_path, clock, inventory=inventory, devices=[plant.device(clock, write_sim=True)]) as again:
            assert not again.is_new
            clock.pass_s(4.0)
            await again.tick()
            after = newest(again)

        assert before.soc_mwh is not None
        assert before.soc_mwh < 59.0, "it has left the middle, where a new battery begins"
        moved_mwh = after.mw * 4.0 / 3600.0
        assert after.mw == before.mw == 30.0
        assert after.soc_mwh == pytest.approx(before.soc_mwh - moved_mwh / plant.asset.efficiency)
        assert after.energy_out_mwh == pytest.approx(before.energy_out_mwh + moved_mwh)  # type: ignore[operator]

    asyncio.run(run())


def test_only_what_is_simulated_is_kept_over_a_restart(server: OpcuaServer) -> None:
    plant, clock = Plant(server), Clock()

    assert plant.device(clock, write_sim=False).fleet is None
    simulated = plant.device(clock, write_sim=True)
    assert simulated.fleet is not None
    assert simulated.fleet.asset_ids == (plant.asset.id,)
    assert not simulated.ramps_itself, "what reads the nodes beside us may not ramp"
