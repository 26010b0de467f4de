"""A headend with its REST in one process, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
from server_database import INVENTORY

from afterbay.fleet.headend import Headend
from afterbay.fleet.inventory import Inventory
from afterbay.server.app import create_headend_app
from afterbay.server.fleet.recorder import DatabaseRecorder, open_recorder
from afterbay.server.fleet.service import Editor, FleetService
from afterbay.server.fleet.simulation import LocalGateway

Work = Callable[[httpx2.AsyncClient, Headend, LocalGateway | None], Awaitable[None]]


def with_rest(
    work: Work,
    folder: Path,
    *,
    url: str | None = None,
    simulate: bool = True,
    inventory: Inventory = INVENTORY,
    tick_s: float = 3600.0,
) -> None:
    """Run `work` beside a headend; it ticks when it is told to, not by itself."""

    async def run() -> None:
        if url is None:
            await _run(work, folder, None, None, simulate, inventory, tick_s)
            return
        from afterbay.server.db import make_engine, read_url
        from afterbay.server.fleet.service.history import Database

        engine = make_engine(read_url(url))
        try:
            async with open_recorder(engine, folder / "buffer") as recorder:
                await _run(work, folder, recorder, Database(engine), simulate, inventory, tick_s)
        finally:
            engine.dispose()

    asyncio.run(run())


async def _run(
    work: Work,
    folder: Path,
    recorder: DatabaseRecorder | None,
    database: object,
    simulate: bool,
    inventory: Inventory,
    tick_s: float,
) -> None:
    restored = await recorder.prepare(inventory) if recorder is not None else None
    headend = Headend(inventory, recorder=recorder)
    if restored is not None:
        headend.restore(restored)
    async with headend:
        if simulate:
            async with LocalGateway(headend, tick_s=tick_s) as gateway:
                await gateway.tick()
                await _ask(work, folder, headend, gateway, recorder, database)
        else:
            await _ask(work, folder, headend, None, recorder, database)


async def _ask(
    work: Work,
    folder: Path,
    headend: Headend,
    gateway: LocalGateway | None,
    recorder: DatabaseRecorder | None,
    database: object,
) -> None:
    async def told(inventory: Inventory) -> None:
        if recorder is not None:
            await recorder.reconcile(inventory)
        if gateway is not None:
            await gateway.replace_inventory(inventory)

    fleet = FleetService(
        headend,
        Editor(headend, folder / "assets.yaml", told=(told,)),
        database=database,  # type: ignore[arg-type]
        keeper=recorder.status if recorder is not None else None,
    )
    transport = httpx2.ASGITransport(create_headend_app(fleet))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:3001") as client:
        await work(client, headend, gateway)
