"""One device of the agent, kept at arm's length: whatever it does, the tick goes on."""

from __future__ import annotations

import asyncio
import logging
from math import isfinite
from typing import TYPE_CHECKING

from afterbay.core.errors import AfterbayError
from afterbay.fleet.agent.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from datetime import datetime
    from typing import Any

    from afterbay.fleet.devices.device import Device, DeviceOrder, WriteResult
    from afterbay.fleet.messages import Telemetry

__all__ = ["DevicePort"]

_log = logging.getLogger("afterbay.agent")


class DevicePort:
    """A device, one call at a time, with a limit on how long each may take.

    Args:
        device: What is behind it; the port opens and closes it.
        monotonic: Seconds of a clock that never steps.
        random: For the pauses between attempts to open it.
        timeout_s: Longest time for one call [s].
    """

    def __init__(
        self, device: Device, *, monotonic: Callable[[], float], random: Callable[[], float], timeout_s: float = 15.0
    ) -> None:
        self.device = device
        self.asset_ids = device.asset_ids
        self.trouble = ""
        """Why it does not answer; empty: it does."""
        self.unusable = 0
        """Samples that were no numbers."""
        self._monotonic = monotonic
        self._timeout_s = timeout_s
        self._backoff = Backoff(random, first_s=1.0, longest_s=30.0)
        self._open_at_s = -float("inf")
        self._is_open = False
        self._turn = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None
        self._fresh: list[Telemetry] = []
        self._started_s = 0.0
        self._last_took_s = 0.0

    @property
    def is_slow(self) -> bool:
        """Is a read under way, or did the last one take long? Then nobody waits for it."""
        return self._last_took_s > 0.2 or (self._reading is not None and not self._reading.done())

    def start_reading(self, now: datetime) -> asyncio.Task[None] | None:
        """Begin to read, unless the last read is not done; return the task."""
        if self._reading is not None and not self._reading.done():
            return None
        self._reading = asyncio.create_task(self._read(now))
        return self._reading

    def take_samples(self) -> list[Telemetry]:
        """Return what was read since the last call."""
        fresh, self._fresh = self._fresh, []
        return fresh

    async def write(self, orders: Sequence[DeviceOrder], now: datetime) -> Sequence[WriteResult] | None:
        """Tell the device its orders; None: it does not answer."""
        if not self._is_open:
            return None
        results = await self._call(lambda: self.device.write(orders, now))
        return results if isinstance(results, (list, tuple)) else None

    async def close(self) -> None:
        """Leave the device."""
        if self._reading is not None and not self._reading.done():
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._is_open:
            await self._call(self.device.close)
            self._is_open = False

    async def _read(self, now: datetime) -> None:
        self._started_s = self._monotonic()
        await self._open()
        if not self._is_open:
            return
        samples = await self._call(lambda: self.device.read(now))
        for sample in samples or ():
            if isfinite(sample.mw):
                self._fresh.append(sample)
            else:
                self.unusable += 1
        self._last_took_s = self._monotonic() - self._started_s

    async def _open(self) -> None:
        if self._is_open or self._monotonic() < self._open_at_s:
            return
        await self._call(self.device.open)
        # Some of the assets may answer also when others do not; then reading says which.
        self._is_open = not self.trouble or bool(getattr(self.device, "troubles", None))
        if self._is_open:
            self._backoff.reset()
        else:
            self._open_at_s = self._monotonic() + self._backoff.next_s()

    async def _call(self, ask: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Ask the device something; whatever goes wrong becomes `trouble`."""
        try:
            async with self._turn, asyncio.timeout(self._timeout_s):
                answer = await ask()
        except TimeoutError:
            self._fail(f"no answer within {self._timeout_s:g} s")
        except AfterbayError as error:
            self._fail(str(error))
        except Exception as error:  # a defect of one adapter is no reason to leave all the others alone
            self._fail(f"{type(error).__name__}: {error}")
            _log.exception("device failed")
        else:
            self.trouble = ""
            return answer
        return None

    def _fail(self, trouble: str) -> None:
        self.trouble = trouble
