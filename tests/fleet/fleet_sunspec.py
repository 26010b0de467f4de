"""A SunSpec device beside its server, for tests."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from fleet_plant import NOON, SITE, battery
from fleet_servers import SunspecServer, SunspecUnit

from afterbay.fleet.devices import DeviceOrder, SunspecDevice, SunspecOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["B1", "B2", "FAST", "Clock", "beside", "device_at", "order"]

B1, B2 = battery("B-1"), battery("B-2")
FAST = SunspecOptions(timeout_s=0.5)


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def device_at(port: int, clock: Callable[[], float] | None = None, options: SunspecOptions = FAST) -> SunspecDevice:
    return SunspecDevice(
        "127.0.0.1", port, [(B1, 1)], options=options, site_names={SITE.id: SITE.name}, monotonic=clock or Clock(),
        draw=lambda: 1.0,
    )  # fmt: skip


def order(mw: float, *, until: datetime | None = NOON + timedelta(minutes=5), fallback_mw: float = 0.0) -> DeviceOrder:
    return DeviceOrder(B1.id, mw, until, fallback_mw, "L-1")


def beside(unit: SunspecUnit, work: Callable[[SunspecServer, SunspecDevice], Coroutine[Any, Any, None]]) -> None:
    """Run a test beside a server with this unit and an open device."""

    async def run() -> None:
        async with SunspecServer({1: unit}) as server:
            device = device_at(server.port)
            await device.open()
            try:
                await work(server, device)
            finally:
                await device.close()

    asyncio.run(run())
