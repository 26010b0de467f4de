"""SunSpec devices over Modbus TCP: models 701, 713 and 802 are read, 704 is commanded."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from afterbay.core.errors import UnavailableError
from afterbay.fleet.devices.device import WriteResult
from afterbay.fleet.devices.order_checks import find_refusal
from afterbay.fleet.devices.retrying import Retry
from afterbay.fleet.devices.sample_words import unanswered
from afterbay.fleet.devices.sunspec_address import SunspecOptions
from afterbay.fleet.devices.sunspec_link import ModbusRefusedError, SunspecLink
from afterbay.fleet.devices.sunspec_models import MODELS
from afterbay.fleet.devices.sunspec_orders import reversion_s, wind_up, write_order
from afterbay.fleet.devices.sunspec_samples import Points, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from afterbay.fleet.devices.device import DeviceOrder
    from afterbay.fleet.inventory.records import Asset
    from afterbay.fleet.messages import Telemetry

__all__ = ["SunspecDevice"]

_HEARTBEAT_STILL_S: Final = 10.0
_RENEWALS_PER_HOLD: Final = 3.0
_LOCAL: Final = 1


@dataclass(slots=True)
class _Unit:
    """What is known of one unit behind the connection."""

    asset: Asset
    unit: int
    retry: Retry
    models: dict[int, int] = field(default_factory=dict)
    """Address of each model; empty: to be found."""
    last: Telemetry | None = None
    order: DeviceOrder | None = None
    told_mw: float | None = None
    """What the unit made of the order."""
    wound_up_s: float = 0.0
    """When its timer was last set, by the monotonic clock."""
    heartbeat: float | None = None
    heartbeat_s: float = 0.0
    heartbeat_at: datetime | None = None
    takes_heartbeat: bool = True


class SunspecDevice:
    """One or more SunSpec units behind one Modbus TCP connection.

    Every order carries its own end into the device (`WSetRvrtTms`), so that it falls back even when nobody is left
    to tell it. With `hold_s` the timer is shorter than the order and `read` winds it up again.

    Args:
        host: Name or address.
        port: TCP port.
        units: Unit id of each asset.
        options: Of the URI.
        site_names: Name of each site id, for the telemetry.
        monotonic: Seconds of a clock that never steps.
        draw: Draws from 0 to 1, for the pauses between tries.
    """

    def __init__(
        self,
        host: str,
        port: int,
        units: Sequence[tuple[Asset, int]],
        *,
        options: SunspecOptions | None = None,
        site_names: Mapping[str, str] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._options = options or SunspecOptions()
        self._site_names = dict(site_names or {})
        self._monotonic = monotonic
        self._link = SunspecLink(host, port, timeout_s=self._options.timeout_s, word_order=self._options.word_order)
        self._units = {asset.id: _Unit(asset, unit, Retry(monotonic, draw)) for asset, unit in units}
        # One request at a time: answers on a connection come back in the order of the requests.
        self._lock = asyncio.Lock()
        self.troubles: dict[str, str] = {}
        """Why an asset does not answer, by its id; empty while all is well."""

    @property
    def asset_ids(self) -> tuple[str, ...]:
        """Assets behind this connection."""
        return tuple(self._units)

    async def open(self) -> None:
        """Connect and learn the models of every unit.

        Raises:
            UnavailableError: Some unit does not answer, or is no SunSpec unit; the others can be used.
            MissingExtraError: pymodbus is not installed.
        """
        async with self._lock:
            await self._try_each(list(self._units.values()), None)
        if self.troubles:
            raise UnavailableError("; ".join(dict.fromkeys(self.troubles.values())))

    async def read(self, now: datetime) -> Sequence[Telemetry]:
        """Return one sample of every asset that ever answered; the old one, marked bad, of one that does not now."""
        async with self._lock:
            await self._try_each([unit for unit in self._units.values() if unit.retry.due], now)
            return [
                unanswered(unit.last, "no_answer") if unit.asset.id in self.troubles else unit.last
                for unit in self._units.values()
                if unit.last is not None
            ]

    async def write(self, orders: Sequence[DeviceOrder], now: datetime) -> Sequence[WriteResult]:
        """Write each order with its end into its unit, and read back what the unit made of it."""
        async with self._lock:
            try:
                await self._link.connect()
            except UnavailableError as error:
                return [WriteResult(order.asset_id, accepted=False, reason=str(error)) for order in orders]
            return [await self._write(order, now) for order in orders]

    async def close(self) -> None:
        """Leave the device; its own timer ends what it was told."""
        async with self._lock:
            self._link.close()
            for unit in self._units.values():
                unit.models.clear()

    async def _try_each(self, units: Sequence[_Unit], now: datetime | None) -> None:
        """Learn the models where they are not known, and read at `now`, if given; failures become troubles."""
        for unit in units:
            try:
                await self._link.connect()
            except UnavailableError as error:
                # Nobody is there at all: waiting once is enough for all of them.
                for each in units:
                    self._note_failure(each, error)
                return
            try:
                await self._learn(unit)
                if now is not None:
                    await self._read(unit, now)
            except (UnavailableError, ModbusRefusedError) as error:
                self._note_failure(unit, error)
            else:
                self.troubles.pop(unit.asset.id, None)
                unit.retry.succeeded()

    def _note_failure(self, unit: _Unit, error: Exception) -> None:
        self.troubles[unit.asset.id] = str(error)
        unit.retry.failed()
        # What answers next at this address may be another device.
        unit.models = {}
        # Nobody watched its heartbeat meanwhile.
        unit.heartbeat_at = None

    async def _learn(self, unit: _Unit) -> None:
        if unit.models:
            return
        models = await self._link.find_models(unit.unit)
        if 701 not in models:
            raise UnavailableError(
                f"unit {unit.unit} at {self._link.host}:{self._link.port} has no model 701 (AC power)"
            )
        unit.models = models

    async def _read(self, unit: _Unit, now: datetime) -> None:
        points: Points = {
            model_id: await self._link.read_model(unit.unit, model_id, address)
            for model_id, address in unit.models.items()
        }
        if unit.order is not None and unit.order.valid_until is not None and unit.order.valid_until <= now:
            unit.order = None
        lease_id = unit.order.lease_id if unit.order is not None else None
        site_name = self._site_names.get(unit.asset.site_id, "")
        new = sample(unit.asset, site_name, points, lease_id, now)
        if new is None:
            raise UnavailableError(
                f"unit {unit.unit} at {self._link.host}:{self._link.port} does not say its power (701.W)"
            )
        unit.last = self._judge_heartbeat(unit, points, new)
        await self._beat(unit, points)
        await self._wind_up(unit, new.setpoint_mw, now)

    def _judge_heartbeat(self, unit: _Unit, points: Points, new: Telemetry) -> Telemetry:
        """Return the sample as stale when the battery's own heartbeat stands still: its numbers are old."""
        beat = points.get(802, {}).get("Hb")
        if beat is None:
            return new
        if beat != unit.heartbeat or unit.heartbeat_at is None:
            unit.heartbeat, unit.heartbeat_s, unit.heartbeat_at = beat, self._monotonic(), new.timestamp
            return new
        if self._monotonic() - unit.heartbeat_s < _HEARTBEAT_STILL_S:
            return new
        return replace(new, quality="stale", timestamp=unit.heartbeat_at)

    async def _beat(self, unit: _Unit, points: Points) -> None:
        """Show the battery that its controller lives (802.CtrlHb, a count of seconds)."""
        if not unit.takes_heartbeat or points.get(802, {}).get("CtrlHb") is None:
            return
        address = unit.models[802] + MODELS[802].points["CtrlHb"].offset
        try:
            await self._link.write(unit.unit, address, [int(self._monotonic()) % 0xFFFF], "heartbeat (802.CtrlHb)")
        except ModbusRefusedError:
            unit.takes_heartbeat = False

    async def _wind_up(self, unit: _Unit, setpoint_mw: float | None, now: datetime) -> None:
        """Set the device's timer anew while the order goes on, unless the device left the order by itself."""
        hold_s, order = self._options.hold_s, unit.order
        if hold_s is None or order is None or setpoint_mw is None or setpoint_mw != unit.told_mw:
            return
        if self._monotonic() - unit.wound_up_s >= hold_s / _RENEWALS_PER_HOLD:
            seconds = reversion_s(order.valid_until, now, hold_s)
            await wind_up(self._link, unit.unit, unit.models[704], seconds)
            unit.wound_up_s = self._monotonic()

    async def _write(self, order: DeviceOrder, now: datetime) -> WriteResult:
        unit = self._units.get(order.asset_id)
        refusal = find_refusal(None if unit is None else unit.asset, order, now)
        if unit is None or refusal:
            return WriteResult(order.asset_id, accepted=False, reason=refusal)
        try:
            await self._link.connect()
            await self._learn(unit)
            if 704 not in unit.models:
                return WriteResult(
                    order.asset_id, accepted=False, reason="the device has no model 704 to command it by"
                )
            if 802 in unit.models and await self._is_local(unit):
                return WriteResult(order.asset_id, accepted=False, reason="the battery is in local control (802)")
            seconds = reversion_s(order.valid_until, now, self._options.hold_s)
            result = await write_order(self._link, unit.unit, unit.models[704], unit.asset, order, seconds)
        except ModbusRefusedError as error:
            return WriteResult(order.asset_id, accepted=False, reason=str(error))
        except UnavailableError as error:
            self._note_failure(unit, error)
            return WriteResult(order.asset_id, accepted=False, reason=str(error))
        if result.accepted:
            unit.order, unit.told_mw, unit.wound_up_s = order, result.read_back_mw, self._monotonic()
        return result

    async def _is_local(self, unit: _Unit) -> bool:
        address = unit.models[802] + MODELS[802].points["LocRemCtl"].offset
        return await self._link.read(unit.unit, address, 1) == [_LOCAL]
