"""What an agent takes up when it starts: its commands, its devices, and what it still has to tell."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from afterbay.core.errors import AfterbayError
from afterbay.fleet.agent.control import Control
from afterbay.fleet.agent.logs import say
from afterbay.fleet.commands.lease_book import LeaseBook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from afterbay.fleet.agent.outgoing import Outgoing
    from afterbay.fleet.agent.port import DevicePort
    from afterbay.fleet.agent.spool import Spool
    from afterbay.fleet.commands.moment import Moment
    from afterbay.fleet.inventory.records import Inventory
    from afterbay.fleet.messages import Telemetry

__all__ = ["adopt", "device_state", "restore_devices", "take_up_control"]


def device_state(ports: Sequence[DevicePort]) -> bytes:
    """Return the state of the devices that live in this process."""
    return json.dumps([fleet.state() for fleet in _fleets(ports)]).encode()


def restore_devices(spool: Spool, ports: Sequence[DevicePort]) -> bool:
    """Give devices that live in this process their state back; True if none was saved: they are new here."""
    saved = spool.state("devices")
    if saved is None:
        return True
    states = json.loads(saved)
    for fleet in _fleets(ports):
        # By asset, not by place: devices may have come or gone since.
        for state in states:
            if set(fleet.asset_ids) & set(state.get("assets", ())):
                try:
                    fleet.restore(state)
                except AfterbayError as error:
                    say("device_state_refused", severity="warning", reason=str(error))
    _go_on_from_samples(spool, ports, states)
    return False


def _go_on_from_samples(spool: Spool, ports: Sequence[DevicePort], states: Sequence[Mapping[str, Any]]) -> None:
    """Take energy and power from the last tick that was kept, when it is younger than the saved state."""
    from afterbay.fleet.wire import agent_pb2 as pb
    from afterbay.fleet.wire import telemetry_record

    saved_at = max((datetime.fromisoformat(state["now"]) for state in states), default=None)
    samples = [
        telemetry_record(sample)
        for batch in spool.newest()
        for sample in pb.TelemetryBatch.FromString(batch.payload).samples
    ]
    adopt(ports, [sample for sample in samples if saved_at is None or sample.timestamp >= saved_at])


def take_up_control(
    spool: Spool,
    inventory: Inventory,
    ports: Sequence[DevicePort],
    now: Moment,
    *,
    tick_s: float,
    hold_offline_s: float | None,
    outgoing: Outgoing,
) -> Control:
    """Return the commands as they stand now: what ended meanwhile is over, what is in force goes on."""
    saved = spool.state("control")
    values: dict[str, Any] = json.loads(saved) if saved is not None else {}
    # Every end is written down with each change: the more assets, the fewer each remembers.
    remember = max(8, min(256, 8192 // max(len(inventory.assets), 1)))
    book = None
    if "book" in values:
        try:
            book = LeaseBook.from_dict(values["book"], inventory.assets, now, remember=remember)
        except AfterbayError as error:
            say("commands_refused", severity="alarm", reason=str(error))
    ramps_itself = {asset_id for port in ports if _ramps_itself(port) for asset_id in port.asset_ids}
    control = Control(
        inventory,
        book if book is not None else LeaseBook(inventory.assets, remember=remember),
        ramps_itself=ramps_itself,
        tick_s=tick_s,
        hold_offline_s=hold_offline_s,
    )
    if book is not None:
        control.restore_shared(values.get("shared", ()), now)
    still_to_tell = spool.state("outgoing")
    if still_to_tell is not None:
        with suppress(ValueError, KeyError, TypeError):
            outgoing.restore(still_to_tell)
    return control


def _ramps_itself(port: DevicePort) -> bool:
    """Does the device move no faster than its asset may? The simulator does; of others nobody knows."""
    return bool(getattr(port.device, "ramps_itself", hasattr(port.device, "fleet")))


def _fleets(ports: Sequence[DevicePort]) -> list[Any]:
    fleets = (getattr(port.device, "fleet", None) for port in ports)
    return [fleet for fleet in fleets if hasattr(fleet, "state") and hasattr(fleet, "restore")]


def adopt(ports: Sequence[DevicePort], samples: Sequence[Telemetry]) -> int:
    """Put simulated assets where these samples saw them; return how many."""
    known = {sample.asset_id: sample for sample in samples}
    adopted = 0
    for fleet in _fleets(ports) if known else ():
        state = fleet.state()
        for asset_id, saved in state["assets"].items():
            sample = known.get(asset_id)
            plant = saved["plant"]
            if sample is None:
                continue
            saved["current_mw"] = sample.mw
            plant.pop("end_mw", None)
            loss_mwh = sample.details.get("loss_mwh")
            for key, value in (
                ("soc_mwh", sample.soc_mwh),
                ("energy_in_mwh", sample.energy_in_mwh),
                ("energy_out_mwh", sample.energy_out_mwh),
                ("loss_mwh", loss_mwh),
                ("temperature_c", sample.temperature_c),
            ):
                if value is not None and key in plant:
                    plant[key] = value
            adopted += 1
        fleet.restore(state)
    return adopted
