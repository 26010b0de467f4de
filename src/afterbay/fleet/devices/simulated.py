"""The `sim:` device: assets that are simulated in this process, behind the same doors as real ones."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from afterbay.core.errors import InvalidInputError, NotFoundError, Problems
from afterbay.fleet.devices.device import WriteResult
from afterbay.fleet.inventory.words import suggest
from afterbay.fleet.physics import FaultPlan, RampEnergy, SimulatedFleet
from afterbay.fleet.physics.draws import asset_keys, normals, uniforms

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from datetime import datetime

    from afterbay.fleet.devices.device import DeviceOrder
    from afterbay.fleet.inventory.records import Asset, Site
    from afterbay.fleet.messages import Telemetry

__all__ = ["SimulatedDevice", "open_simulated"]

_OPTIONS: Final = ("seed", "faults", "fixed_dt_s", "ramp_energy")
_RAMP_ENERGIES: Final[dict[str, RampEnergy]] = {"end": "end", "mean": "mean"}
_LOSS: Final = 60
_LATENCY: Final = 62


class SimulatedDevice:
    """A simulated fleet as a device.

    It keeps the end of every order by itself, as a real device with a reversion timer does: when `valid_until` has
    passed, the asset ramps to the fallback with the next `read`, in simulated time at that very moment. While an
    asset's communication is disturbed its answers come late, and some not at all: then `read` returns what was
    known before, with its old time, as stale.

    Args:
        fleet: What is behind the device.
        sleep: Waits for an answer that is late [s]; tests pass one that does not.
    """

    def __init__(self, fleet: SimulatedFleet, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.fleet = fleet
        self._sleep = sleep
        self._open = False
        self._known: dict[str, Telemetry] = {}
        self._exchanges = 0
        self._assets = {asset.id: asset for asset in fleet.assets}
        self._keys = asset_keys(fleet.seed, fleet.asset_ids)

    @property
    def asset_ids(self) -> tuple[str, ...]:
        """Assets behind this connection."""
        return self.fleet.asset_ids

    async def open(self) -> None:
        """Connect; a simulated device is always there."""
        self._open = True

    async def read(self, now: datetime) -> Sequence[Telemetry]:
        """Move the assets on to `now` and return one sample of each that ever answered."""
        if not self._open:
            return [replace(sample, quality="stale") for sample in self._known.values()]
        self.fleet.advance(now)
        samples = self.fleet.telemetry()
        lost = await self._disturb()
        answers = []
        for sample in samples:
            if sample.asset_id not in lost:
                self._known[sample.asset_id] = sample
                answers.append(sample)
            elif sample.asset_id in self._known:
                answers.append(replace(self._known[sample.asset_id], quality="stale"))
        return answers

    async def write(self, orders: Sequence[DeviceOrder], now: datetime) -> Sequence[WriteResult]:
        """Tell assets their power, from `now` on; returns one result per order, in order."""
        if not self._open:
            return [WriteResult(order.asset_id, accepted=False, reason="the device is closed") for order in orders]
        if now > self.fleet.now and self.fleet.fixed_dt_s is None:
            # What the assets were told before holds up to this moment.
            self.fleet.advance(now)
        lost = await self._disturb()
        return [self._write_one(order, now, lost) for order in orders]

    async def close(self) -> None:
        """Leave the device; what it was told stays in force until its own timer ends it."""
        self._open = False

    def _write_one(self, order: DeviceOrder, now: datetime, lost: set[str]) -> WriteResult:
        if order.asset_id in lost:
            return WriteResult(order.asset_id, accepted=False, reason="no answer (COMMS_DEGRADED)")
        if order.valid_until is not None and order.valid_until <= now:
            return WriteResult(order.asset_id, accepted=False, reason="the order had ended already")
        try:
            self.fleet.set_setpoint(
                order.asset_id,
                order.mw,
                until=order.valid_until,
                fallback_mw=order.fallback_mw,
                lease_id=order.lease_id,
            )
        except (NotFoundError, InvalidInputError) as error:
            return WriteResult(order.asset_id, accepted=False, reason=str(error))
        asset = self._assets[order.asset_id]
        return WriteResult(order.asset_id, accepted=True, read_back_mw=min(max(order.mw, asset.min_mw), asset.max_mw))

    async def _disturb(self) -> set[str]:
        """Wait for the slowest answer and return the assets that gave none."""
        if not self.fleet.faults.any:
            return set()
        self._exchanges += 1
        slowest, lost = 0.0, set()
        for place, asset_id in enumerate(self.fleet.asset_ids):
            link = self.fleet.link_quality(asset_id)
            if link is None:
                continue
            key = self._keys[place : place + 1]
            if uniforms(key, self._exchanges, _LOSS)[0] < link.loss_fraction:
                lost.add(asset_id)
            late = link.latency_s + link.jitter_s * float(normals(key, self._exchanges, _LATENCY)[0])
            slowest = max(slowest, late)
        if slowest > 0.0:
            await self._sleep(slowest)
        return lost


def open_simulated(
    uri: str,
    assets: Sequence[Asset],
    *,
    start: datetime,
    sites: Iterable[Site] = (),
    monotonic: Callable[[], float] | None = None,
) -> SimulatedDevice:
    """Return the device of a URI such as `sim:` or `sim:?seed=7&faults=on`.

    Args:
        uri: Options are `seed` (a whole number), `faults` (on, off), `fixed_dt_s` (seconds of every tick) and
            `ramp_energy` (end, mean).
        assets: All assets with this URI.
        start: Where the simulated time begins, UTC.
        sites: Places of the assets.
        monotonic: Seconds of a clock that never steps.

    Raises:
        InvalidInputError: If it is no such URI, or the assets cannot be simulated.
    """
    parts = urlsplit(uri)
    problems = Problems()
    if parts.scheme != "sim" or parts.netloc or parts.path.strip("/") or parts.fragment:
        problems.add("device", uri, "sim: or sim:?seed=7&faults=on", "write sim: for the plain simulator")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in given:
        if name not in _OPTIONS:
            problems.add(f"device {uri}: {name}", "an unknown option", ", ".join(_OPTIONS), suggest(name, _OPTIONS))
    seed, fixed_dt_s = 0, None
    try:
        seed = int(given.get("seed", "0"))
    except ValueError:
        problems.add(f"device {uri}: seed", given["seed"], "a whole number", "7, for example")
    try:
        fixed_dt_s = float(given["fixed_dt_s"]) if "fixed_dt_s" in given else None
    except ValueError:
        problems.add(f"device {uri}: fixed_dt_s", given["fixed_dt_s"], "a number of seconds", "4, for example")
    if given.get("faults", "off") not in ("on", "off"):
        problems.add(f"device {uri}: faults", given["faults"], "on | off", "leave it out for no faults")
    if given.get("ramp_energy", "end") not in _RAMP_ENERGIES:
        problems.add(f"device {uri}: ramp_energy", given["ramp_energy"], "end | mean", "leave it out for end")
    problems.raise_if_any()
    faults = FaultPlan() if given.get("faults") == "on" else None
    fleet = SimulatedFleet(
        assets,
        start=start,
        seed=seed,
        ramp_energy=_RAMP_ENERGIES[given.get("ramp_energy", "end")],
        fixed_dt_s=fixed_dt_s,
        faults=faults,
        sites=sites,
        monotonic=monotonic,
    )
    return SimulatedDevice(fleet)
