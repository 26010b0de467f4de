"""The agent's heart: it ticks, reads, obeys and remembers, whether or not a headend is in reach."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from afterbay.fleet.agent.batches import BatchWriter
from afterbay.fleet.agent.control import Control
from afterbay.fleet.agent.logs import say
from afterbay.fleet.agent.memory import device_state, restore_devices, take_up_control
from afterbay.fleet.agent.outgoing import Outgoing
from afterbay.fleet.agent.records import Counters
from afterbay.fleet.agent.saying import registration_of, status_of
from afterbay.fleet.agent.skew import ClockSkew, skew_in_words
from afterbay.fleet.commands.moment import Moment
from afterbay.fleet.messages import Acknowledgement, Event, Hello

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from afterbay.fleet.agent.port import DevicePort
    from afterbay.fleet.agent.records import Gap, StoredBatch
    from afterbay.fleet.agent.spool import Spool
    from afterbay.fleet.devices.device import DeviceOrder
    from afterbay.fleet.inventory.records import Inventory
    from afterbay.fleet.messages import Lease, Register, Severity

__all__ = ["AgentClocks", "Counters", "Runtime"]

_CLOCK_STEP_S = 2.0
_STATE_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class AgentClocks:
    """Both clocks, and chance."""

    utc: Callable[[], datetime]
    monotonic: Callable[[], float]
    random: Callable[[], float]
    machine_boot_id: str = ""
    """Of the run of the machine in which `monotonic` counts."""

    def now(self) -> Moment:
        """Return the moment on both clocks."""
        return Moment(self.utc(), self.monotonic(), self.machine_boot_id)


class Runtime:
    """Devices, commands and memory of one agent. One event loop owns it; the disk has a thread of its own.

    Args:
        inventory: What it serves.
        gateway_id: Its name.
        ports: Its devices.
        spool: Its memory.
        clocks: Clocks and chance.
        tick_s: Time between two ticks [s].
        hold_offline_s: Longest hold of a command without end while the headend is out of reach [s].
        software: Name and version, for the headend.
    """

    def __init__(
        self,
        inventory: Inventory,
        gateway_id: str,
        ports: Sequence[DevicePort],
        spool: Spool,
        clocks: AgentClocks,
        *,
        tick_s: float = 4.0,
        hold_offline_s: float | None = None,
        software: str = "afterbay",
    ) -> None:
        self.inventory = inventory
        self.gateway_id = gateway_id
        self.ports = tuple(ports)
        self.spool = spool
        self.clocks = clocks
        self.tick_s = tick_s
        self.counters = Counters()
        self.link_state: dict[str, Any] = {"connected": False}
        self.outgoing = Outgoing(self._stir)
        self.batches = asyncio.Event()
        """Set when there is something new for the link to send."""
        self._software = software
        self._boot_id = uuid4().hex
        self._writer = BatchWriter()
        self._wake = asyncio.Event()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="afterbay-spool")
        self._inbox: list[Lease] = []
        self._writes: dict[DevicePort, asyncio.Task[None]] = {}
        self._device_of = {asset_id: port for port in self.ports for asset_id in port.asset_ids}
        self._answering: dict[str, bool] = {}
        self._before: Moment | None = None
        self._skew = ClockSkew()
        self._saved: tuple[int, int] = (-1, -1)
        self._saved_at_s = -float("inf")
        self._disk_failed = False
        now = clocks.now()
        self.is_new = restore_devices(spool, self.ports)
        """No state of the devices was found: a headend may remember them (`Bootstrap`)."""
        self.control: Control = take_up_control(
            spool, inventory, self.ports, now, tick_s=tick_s, hold_offline_s=hold_offline_s, outgoing=self.outgoing
        )
        self.control.book.link(False, now)
        if spool.set_aside is not None:
            self.event("SPOOL_SET_ASIDE", "alarm", f"the spool was broken and lies now in {spool.set_aside.name}")

    # What the link asks for.

    def registration(self) -> Register:
        """Return what this agent says of itself on every new stream."""
        hello = Hello(
            self.gateway_id,
            software=self._software,
            boot_id=self._boot_id,
            spool_id=self.spool.spool_id,
            last_command_seq=self.control.book.last_seq,
            tick_s=self.tick_s,
        )
        return registration_of(self.inventory, hello, self.ports)

    def take(self, lease: Lease) -> None:
        """Take a command; it is written down, answered, and told to the devices at once, without waiting for a tick."""
        self._inbox.append(lease)
        self._wake.set()

    def connected(self, is_connected: bool) -> None:
        """Note that the headend is in reach, or is not."""
        self.control.book.link(is_connected, self.clocks.now())
        self.link_state["connected"] = is_connected
        self._wake.set()

    @property
    def clock_skew_s(self) -> float | None:
        """How far this machine's clock is ahead of the headend's [s]; None: no headend has said."""
        return self._skew.seconds(self.clocks.now())

    def hear_time(self, headend_time: datetime) -> None:
        """Note the headend's time, which has just arrived."""
        self._skew.hear(headend_time, self.clocks.now())
        self._note_skew()

    async def read_spool(self, after_row: int, *, until_row: int | None = None, most: int = 16) -> list[StoredBatch]:
        """Return the next batches that the headend does not have."""
        found: list[StoredBatch] = await self._on_disk(
            lambda: self.spool.read(after_row, until_row=until_row, most=most)
        )
        return found

    def event(self, event_type: str, severity: Severity, message: str, asset_id: str | None = None) -> None:
        """Tell the headend, and the log, that something happened; without an asset to the first one."""
        assets = {asset.id: asset for asset in self.inventory.assets}
        asset = assets[asset_id if asset_id is not None else min(assets)]
        say(event_type.lower(), severity=severity, message=message, asset=asset.id)
        now = self.clocks.utc()
        self.outgoing.put(Event(uuid4().hex, asset.id, asset.site_id, now, event_type, severity, message))

    # The loop.

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until told to stop; `close` comes after that."""
        await self.tick()
        # The grid begins after the first tick, in which physics is compiled and devices are opened.
        next_s = self.clocks.monotonic() + self.tick_s
        while not stop.is_set():
            while not stop.is_set() and (left_s := next_s - self.clocks.monotonic()) > 0.0:
                await self._rest(left_s, stop)
            if not stop.is_set():
                await self.tick()
                next_s = self._next_tick(next_s)

    async def tick(self) -> None:
        """Read all devices, end and begin what is due, tell the devices, and remember all of it."""
        started_s = self.clocks.monotonic()
        self._note_clock_step()
        now = self.clocks.now()
        await self._read(now.utc)
        now = self.clocks.now()
        samples = [sample for port in self.ports for sample in port.take_samples()]
        self._note_reach()
        self._tell(self.control.observe(samples, now))
        self._take_device_events()
        batches, numbering = self._writer.write(samples, self.control.setpoints, self.spool.numbering, now.utc)
        await self.obey()
        self.counters.samples += sum(count for count, _ in batches)
        await self._save(batches, numbering, now)
        self.counters.ticks += 1
        took_ms = (self.clocks.monotonic() - started_s) * 1000.0
        self.counters.last_tick_ms = took_ms
        self.counters.slowest_tick_ms = max(self.counters.slowest_tick_ms, took_ms)

    async def obey(self) -> None:
        """End and begin what is due, and tell the devices what they do not know yet."""
        now = self.clocks.now()
        inbox, self._inbox = self._inbox, []
        answers = [answer for lease in inbox for answer in self.control.take(lease, now)]
        told = [*answers, *self.control.due(now)]
        if inbox:
            # Written down before it is answered: what the headend believes to be in force survives a crash.
            await self._save([], {}, now)
        self._tell(told)
        for lease, split in self.control.splits:
            say("split", id=lease.id, site=lease.site_id, group=lease.group_id, requested_mw=lease.mw,
                allocated_mw=split.allocated_mw, shortfall_mw=split.shortfall_mw, num_assets=len(split.allocations),
                parts={part.asset_id: part.mw for part in split.allocations})  # fmt: skip
        self.control.splits.clear()
        by_port: dict[DevicePort, list[DeviceOrder]] = {}
        for order in self.control.orders(now):
            by_port.setdefault(self._device_of[order.asset_id], []).append(order)
        for port, orders in by_port.items():
            if port not in self._writes:
                task = asyncio.create_task(self._write(port, orders, now))
                self._writes[port] = task
                task.add_done_callback(lambda _, port=port: self._writes.pop(port, None))  # type: ignore[misc]
        waited = [task for port, task in self._writes.items() if not port.is_slow]
        if waited:
            await asyncio.wait(waited, timeout=min(self.tick_s / 4.0, 1.0))

    async def close(self) -> None:
        """Save, leave the devices and the disk."""
        for task in tuple(self._writes.values()):
            task.cancel()
        await asyncio.gather(*self._writes.values(), return_exceptions=True)
        self._saved_at_s = -float("inf")
        self.spool.keep_newest = False
        await self._save([], {}, self.clocks.now())
        await asyncio.gather(*(port.close() for port in self.ports))
        await self._on_disk(self.spool.close)
        self._disk.shutdown()

    def _next_tick(self, planned_s: float) -> float:
        """Return when the next tick is due: on the grid of the first one, leaving out what is missed."""
        now_s = self.clocks.monotonic()
        next_s = planned_s + self.tick_s
        if now_s < next_s:
            return next_s
        missed = int((now_s - next_s) // self.tick_s) + 1
        self.counters.overruns += missed
        say("tick_overrun", missed=missed, took_ms=round(self.counters.last_tick_ms, 1))
        return next_s + missed * self.tick_s

    async def _rest(self, left_s: float, stop: asyncio.Event) -> None:
        """Sleep until the next tick, or until a command has to begin or to end."""
        change_s = self.control.book.next_change(self.clocks.now())
        wait_s = left_s if change_s is None else min(left_s, max(change_s, 0.0))
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            woken = False
        else:
            woken = True
            self._wake.clear()
        if not stop.is_set() and (woken or wait_s < left_s):
            await self.obey()

    async def _read(self, now: datetime) -> None:
        """Read the devices; nobody waits for one that is known to be slow."""
        quick = [port for port in self.ports if not port.is_slow]
        tasks = [task for port in self.ports if (task := port.start_reading(now)) is not None and port in quick]
        if tasks:
            await asyncio.wait(tasks, timeout=min(self.tick_s / 4.0, 1.0))

    async def _write(self, port: DevicePort, orders: Sequence[DeviceOrder], now: Moment) -> None:
        results = await port.write(orders, now.utc)
        self._tell(self.control.wrote(orders, results, self.clocks.now(), port.trouble))

    def _tell(self, answers: Sequence[Acknowledgement]) -> None:
        for answer in answers:
            say("command", id=answer.lease_id, asset=answer.asset_id, state=answer.state, reason=answer.reason)
        self.outgoing.put(*answers)

    def _note_clock_step(self) -> None:
        """The wall clock jumped: say so, and give the devices the ends of their orders anew."""
        now, before = self.clocks.now(), self._before
        self._before = now
        if before is None:
            return
        step_s = (now.utc - before.utc).total_seconds() - (now.monotonic_s - before.monotonic_s)
        if abs(step_s) > _CLOCK_STEP_S:
            self.counters.clock_steps += 1
            self.event("CLOCK_STEP", "warning", f"the wall clock jumped by {step_s:+.1f} s")
            self.control.forget_told(asset.id for asset in self.inventory.assets)
            self._note_skew()

    def _note_skew(self) -> None:
        """Say once when the clock is too far off the headend's for its deadlines, and once when it no longer is."""
        skew_s = self._skew.changed(self.clocks.now())
        if skew_s is None:
            return
        if self._skew.is_off:
            self.event("CLOCK_SKEW", "warning", f"{skew_in_words(skew_s)}: set the wrong one, or commands are late")
        else:
            self.event("CLOCK_SKEW_OVER", "info", "this clock agrees with the headend's again")

    def _note_reach(self) -> None:
        for port in self.ports:
            # A connection that is away takes all its assets with it; a device may also miss some of them.
            all_away = dict.fromkeys(port.asset_ids, port.trouble) if port.trouble else {}
            troubles: dict[str, str] = all_away or dict(getattr(port.device, "troubles", None) or {})
            self.control.reach([asset_id for asset_id in port.asset_ids if asset_id not in troubles], True)
            self.control.reach(troubles, False)
            for asset_id in port.asset_ids:
                trouble = troubles.get(asset_id)
                before = self._answering.get(asset_id)
                self._answering[asset_id] = trouble is None
                if trouble is not None and before is not False:
                    self.event("DEVICE_OFFLINE", "alarm", trouble, asset_id)
                elif trouble is None and before is False:
                    self.control.forget_told((asset_id,))
                    self.event("DEVICE_ONLINE", "info", "the device answers again", asset_id)

    def _take_device_events(self) -> None:
        for port in self.ports:
            take = getattr(getattr(port.device, "fleet", port.device), "take_events", None)
            if take is not None:
                self.outgoing.put(*take())

    async def _save(self, batches: list[tuple[int, bytes]], numbering: dict[str, int], now: Moment) -> None:
        state = self._state_to_save(now)
        gaps = await self._on_disk(lambda: self.spool.save(batches, numbering, state, now.utc))
        for gap in gaps:
            self._tell_gap(gap)
        if bool(self.spool.failing) != self._disk_failed:
            self._disk_failed = bool(self.spool.failing)
            if self._disk_failed:
                self.event("SPOOL_FAILING", "alarm", f"the disk takes nothing ({self.spool.failing}): in memory only")
            else:
                self.event("SPOOL_RECOVERED", "info", "the disk takes samples again")
        if batches:
            self._stir()

    def _state_to_save(self, now: Moment) -> dict[str, bytes]:
        state = {"status": json.dumps(self.status(now.utc)).encode()}
        revision = (self.control.book.revision, self.outgoing.revision)
        if revision != self._saved or now.monotonic_s - self._saved_at_s >= _STATE_EVERY_S:
            self._saved, self._saved_at_s = revision, now.monotonic_s
            # Between two of these the samples themselves say where the devices are.
            state["devices"] = device_state(self.ports)
            state["control"] = json.dumps(self.control.to_dict(now)).encode()
            state["outgoing"] = self.outgoing.to_json()
        return state

    def status(self, now: datetime) -> dict[str, Any]:
        """Return how the agent is, in values that JSON knows."""
        return status_of(
            now,
            gateway_id=self.gateway_id,
            tick_s=self.tick_s,
            link=self.link_state,
            clock_skew_s=self.clock_skew_s,
            counters=self.counters,
            spool=self.spool,
            ports=self.ports,
            leases=self.control.book.leases(),
            inventory=self.inventory,
        )

    def _tell_gap(self, gap: Gap) -> None:
        self.counters.samples_dropped += gap.samples
        why = {"too_old": "older than the spool keeps", "no_room": "the spool is full", "disk": "the disk is full",
               "spoilt": "the disk gave them back changed"}  # fmt: skip
        self.event(
            "TELEMETRY_GAP",
            "alarm",
            f"{gap.samples} samples from {gap.since.isoformat()} to {gap.until.isoformat()} dropped: {why[gap.reason]}",
        )

    def _stir(self) -> None:
        self.batches.set()

    async def _on_disk(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)
