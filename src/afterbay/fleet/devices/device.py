"""What every device can do for its agent: be read, be told a power, and be left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from afterbay.fleet.messages import Telemetry

__all__ = ["Device", "DeviceOrder", "WriteResult"]


@dataclass(frozen=True, slots=True)
class DeviceOrder:
    """A power for one asset, with its end, so that a device with a timer of its own can keep it."""

    asset_id: str
    mw: float
    valid_until: datetime | None
    """When the device should fall back by itself, if it can; None: it holds."""
    fallback_mw: float
    lease_id: str | None


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of an order."""

    asset_id: str
    accepted: bool
    reason: str = ""
    read_back_mw: float | None = None
    """What the device says it will do; None where it cannot say."""


@runtime_checkable
class Device(Protocol):
    """One or more assets behind one connection. All methods may be slow; the agent never waits for them in its tick.

    `read` never raises for a device that does not answer: it returns the last known values with their old
    timestamp and quality `bad` or `stale`, or nothing when nothing was ever read.
    """

    @property
    def asset_ids(self) -> tuple[str, ...]:
        """Assets behind this connection."""

    async def open(self) -> None:
        """Connect; raises `UnavailableError` when it cannot."""

    async def read(self, now: datetime) -> Sequence[Telemetry]:
        """Return one sample of every asset; a simulated device moves on to `now` first."""

    async def write(self, orders: Sequence[DeviceOrder], now: datetime) -> Sequence[WriteResult]:
        """Tell assets their power; returns one result per order, in order."""

    async def close(self) -> None:
        """Leave the device; what it was told stays in force until its own timer ends it."""
