"""One agent as a whole: devices, memory, heart and link, from its start to its end."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import afterbay
from afterbay.core.errors import AfterbayError
from afterbay.fleet.agent.folder import held_folder
from afterbay.fleet.agent.link import Link
from afterbay.fleet.agent.logs import say
from afterbay.fleet.agent.port import DevicePort
from afterbay.fleet.agent.runtime import AgentClocks, Runtime
from afterbay.fleet.agent.spool import Spool
from afterbay.fleet.agent.transport import GrpcTransport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from afterbay.fleet.agent.settings import AgentSettings, TlsFiles
    from afterbay.fleet.agent.transport import Transport
    from afterbay.fleet.devices.device import Device

__all__ = ["client_tls", "machine_clocks", "open_transport", "run_agent"]

_BOOTSTRAP_S = 3.0
_DRAIN_S = 2.0


async def run_agent(
    settings: AgentSettings,
    stop: asyncio.Event,
    *,
    transport: Transport | None = None,
    devices: Sequence[Device] | None = None,
    clocks: AgentClocks | None = None,
) -> None:
    """Run an agent until told to stop.

    Args:
        settings: How it runs.
        stop: Ends it, after the tick that is under way; what is left is sent for two seconds at most.
        transport: How the headend is reached; None: gRPC, as the settings say.
        devices: What it drives; None: those of the assets' URIs.
        clocks: Clocks and chance; None: those of this machine.

    Raises:
        ConflictError: If another agent holds the data folder.
        InvalidInputError: If a device, a certificate or the folder cannot be used.
        UnavailableError: If the spool cannot be opened.
    """
    clocks = clocks or machine_clocks()
    transport = transport or open_transport(settings)
    with held_folder(settings.data):
        devices = devices if devices is not None else _open_devices(settings, clocks)
        ports = [DevicePort(device, monotonic=clocks.monotonic, random=clocks.random) for device in devices]
        spool = Spool(settings.data, settings.spool, clocks.utc())
        runtime = Runtime(
            settings.inventory,
            settings.gateway_id,
            ports,
            spool,
            clocks,
            tick_s=settings.tick_s,
            hold_offline_s=settings.hold_offline_s,
            software=f"afterbay {afterbay.__version__}",
        )
        say("agent_started", gateway=settings.gateway_id, mode=settings.mode, headend=settings.headend,
            num_assets=len(settings.inventory.assets), data=str(settings.data))  # fmt: skip
        if runtime.is_new:
            await _ask_headend(runtime, transport)
        link = Link(runtime, transport, heartbeat_s=settings.heartbeat_s, silence_s=settings.silence_s)
        await _run_both(runtime, link, stop)
        say("agent_stopped", ticks=runtime.counters.ticks, waiting_samples=spool.waiting[0])


def machine_clocks() -> AgentClocks:
    """Return the clocks of this machine."""
    boot_id = ""
    with suppress(OSError):
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return AgentClocks(lambda: datetime.now(UTC), time.monotonic, random.random, boot_id)


def client_tls(files: TlsFiles | None) -> Any:
    """Return the files of an encrypted link as the wire takes them."""
    from afterbay.fleet.wire.tls import ClientTls

    return None if files is None else ClientTls(files.ca, files.certificate, files.key, files.server_name)


def open_transport(settings: AgentSettings) -> GrpcTransport:
    """Return how the headend is reached."""
    return GrpcTransport(settings.headend, tls=client_tls(settings.tls), token=settings.token, proxy=settings.proxy)


def _open_devices(settings: AgentSettings, clocks: AgentClocks) -> Sequence[Device]:
    from afterbay.fleet.devices.open_device import DeviceSurroundings, open_devices

    surroundings = DeviceSurroundings(
        start=clocks.utc(),
        sites=settings.inventory.sites,
        known_ids=settings.known_ids,
        environment=settings.environ,
        monotonic=clocks.monotonic,
        draw=clocks.random,
    )
    return open_devices(settings.inventory.assets, surroundings)


async def _ask_headend(runtime: Runtime, transport: Transport) -> None:
    """Ask what the headend remembers of batteries that are new here; without an answer they start afresh.

    Only before the first tick: later the agent's own state is the newer one, and energy must not jump.
    """
    from afterbay.fleet.agent.memory import adopt
    from afterbay.fleet.wire import read_bootstrap

    now = runtime.clocks.utc()
    try:
        answer = await transport.bootstrap([asset.id for asset in runtime.inventory.assets], _BOOTSTRAP_S)
        restorations = read_bootstrap(answer, now)
    except AfterbayError as error:
        say("bootstrap_unanswered", reason=str(error))
        return
    adopted = adopt(runtime.ports, [known.telemetry for known in restorations if known.telemetry is not None])
    for known in restorations:
        # A headend of the original does not say when its setpoint ends, nor whether it has: it is left alone.
        if known.lease is not None and known.lease.seq > 0:
            runtime.take(replace(known.lease, asset_id=known.lease.asset_id or known.asset_id))
    say("bootstrap", adopted=adopted)


async def _run_both(runtime: Runtime, link: Link, stop: asyncio.Event) -> None:
    link_stop = asyncio.Event()
    talking = asyncio.create_task(link.run(link_stop))
    ticking = asyncio.create_task(runtime.run(stop))
    try:
        done, _ = await asyncio.wait((talking, ticking), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        await link.drain(_DRAIN_S)
    finally:
        link_stop.set()
        ticking.cancel()
        try:
            async with asyncio.timeout(5.0):
                await asyncio.gather(talking, ticking, return_exceptions=True)
        except TimeoutError:
            talking.cancel()
        await runtime.close()
