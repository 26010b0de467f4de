"""Everything that headend and agents say, between records and protobuf.

`agent_message` and `headend_message` write, `read_agent` and `read_headend` read. What is unknown is skipped, what
is absent has its default, and what cannot be understood raises `InvalidInputError`: a stream is never ended for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil, inf, isfinite
from typing import cast

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.fleet.commands.states import TRANSITIONS
from afterbay.fleet.inventory.records import ASSET_TYPES, AssetType
from afterbay.fleet.messages import (
    Acknowledgement,
    AssetDescriptor,
    Event,
    Heartbeat,
    Hello,
    Lease,
    Notice,
    Receipt,
    Register,
    Restoration,
    Severity,
    Telemetry,
    TelemetryBatch,
    Welcome,
)
from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire.telemetry import fill_telemetry, telemetry_message, telemetry_record
from afterbay.fleet.wire.times import from_micros, from_text, to_micros, to_text

__all__ = [
    "AgentRecord",
    "HeadendRecord",
    "agent_message",
    "bootstrap_answer",
    "bootstrap_request",
    "headend_message",
    "read_agent",
    "read_bootstrap",
    "read_headend",
]

AgentRecord = Register | Telemetry | Heartbeat | Acknowledgement | Event | TelemetryBatch
HeadendRecord = Lease | Welcome | Receipt | Notice

_SEVERITIES = frozenset({"info", "warning", "alarm", "critical"})
_STATES_OF_THE_ORIGINAL = {"applied": "active", "accepted": "received", "error": "failed"}
_LONGEST_S = 1e9


def agent_message(record: AgentRecord) -> pb.AgentToHeadend:
    """Return what an agent says, for the wire."""
    match record:
        case TelemetryBatch():
            message = pb.AgentToHeadend()
            batch = message.telemetry_batch
            batch.batch_seq = record.batch_seq
            batch.replay = record.replay
            for sample in record.samples:
                fill_telemetry(batch.samples.add(), sample, compact=True)
            return message
        case Telemetry():
            return pb.AgentToHeadend(telemetry=telemetry_message(record))
        case Heartbeat():
            beat = pb.Heartbeat(
                asset_id=record.asset_id, timestamp=to_text(record.timestamp), clock_skew_s=record.clock_skew_s
            )
            return pb.AgentToHeadend(heartbeat=beat)
        case Acknowledgement():
            return pb.AgentToHeadend(dispatch_ack=_ack_message(record))
        case Event():
            return pb.AgentToHeadend(event=_event_message(record))
        case Register():
            return pb.AgentToHeadend(register=_register_message(record))


def read_agent(message: pb.AgentToHeadend) -> AgentRecord | None:
    """Return what an agent said, or None for something that this version does not know.

    Raises:
        InvalidInputError: A moment or a state cannot be read.
    """
    match message.WhichOneof("message"):
        case "telemetry_batch":
            batch = message.telemetry_batch
            samples = tuple(telemetry_record(sample, replay=batch.replay) for sample in batch.samples)
            return TelemetryBatch(samples, batch.batch_seq, batch.replay)
        case "telemetry":
            return telemetry_record(message.telemetry)
        case "heartbeat":
            beat = message.heartbeat
            return Heartbeat(beat.asset_id, from_text(beat.timestamp), _number(beat, "clock_skew_s"))
        case "dispatch_ack":
            return _read_ack(message.dispatch_ack)
        case "event":
            return _read_event(message.event)
        case "register":
            return _read_register(message.register)
        case _:
            return None


def headend_message(record: HeadendRecord, now: datetime) -> pb.HeadendToAgent:
    """Return what the headend says, for the wire; `now` is when: a welcome tells it, a lease says what is left."""
    match record:
        case Lease():
            return pb.HeadendToAgent(setpoint=_setpoint(record, now))
        case Receipt():
            return pb.HeadendToAgent(receipt=pb.Receipt(batch_seq=record.batch_seq, refused=record.refused))
        case Notice():
            return pb.HeadendToAgent(
                notice=pb.Notice(
                    code=record.code, message=record.message, severity=record.severity, asset_ids=record.asset_ids
                )
            )
        case Welcome():
            return pb.HeadendToAgent(
                welcome=pb.Welcome(
                    protocol=record.protocol,
                    software=record.software,
                    accepted=record.accepted,
                    refused=dict(record.refused),
                    window=record.window,
                    headend_time_us=to_micros(now),
                )
            )


def read_headend(message: pb.HeadendToAgent, now: datetime) -> HeadendRecord | None:
    """Return what the headend said, or None for something that this version does not know.

    A setpoint of an original headend has no times: it is issued `now`, and its duration runs from there.

    Raises:
        InvalidInputError: A number is not finite, or a moment or duration out of range.
    """
    match message.WhichOneof("message"):
        case "setpoint":
            return _read_setpoint(message.setpoint, now)
        case "receipt":
            return Receipt(message.receipt.batch_seq, tuple(message.receipt.refused))
        case "notice":
            told = message.notice
            return Notice(told.code, told.message, _severity(told.severity), tuple(told.asset_ids))
        case "welcome":
            said = message.welcome
            return Welcome(
                said.protocol,
                said.software,
                tuple(said.accepted),
                dict(said.refused),
                said.window or Welcome(0).window,
                from_micros(said.headend_time_us) if said.headend_time_us else None,
            )
        case _:
            return None


def bootstrap_request(asset_ids: Iterable[str]) -> pb.BootstrapRequest:
    """Return the question of an agent that starts."""
    return pb.BootstrapRequest(asset_ids=asset_ids)


def bootstrap_answer(restorations: Iterable[Restoration], now: datetime) -> pb.BootstrapResponse:
    """Return what the headend remembers, for the wire."""
    answer = pb.BootstrapResponse(headend_time_us=to_micros(now))
    for known in restorations:
        asset = answer.assets.add(asset_id=known.asset_id)
        if known.telemetry is not None:
            fill_telemetry(asset.telemetry, known.telemetry, compact=False)
        if known.lease is not None:
            asset.setpoint.CopyFrom(_setpoint(known.lease, now))
    return answer


def read_bootstrap(answer: pb.BootstrapResponse, now: datetime) -> tuple[Restoration, ...]:
    """Return what the headend remembers.

    Raises:
        InvalidInputError: Something of it cannot be read.
    """
    return tuple(
        Restoration(
            asset.asset_id,
            telemetry_record(asset.telemetry) if asset.HasField("telemetry") else None,
            _read_setpoint(asset.setpoint, now) if asset.HasField("setpoint") else None,
        )
        for asset in answer.assets
    )


def _register_message(record: Register) -> pb.Register:
    message = pb.Register(gateway_id=record.gateway_id)
    for asset in record.assets:
        message.assets.add(
            asset_id=asset.asset_id,
            site_id=asset.site_id,
            asset_name=asset.asset_name,
            site_name=asset.site_name,
            location=asset.location,
            asset_type="" if asset.asset_type == "storage" else asset.asset_type,
            tick_s=asset.tick_s or 0.0,
        )
    if record.assets:
        primary = min(record.assets, key=lambda asset: asset.asset_id)
        message.asset_id, message.site_id = primary.asset_id, primary.site_id
        message.asset_name, message.site_name = primary.asset_name, primary.site_name
    if record.hello is not None:
        said = record.hello
        message.hello.CopyFrom(
            pb.Hello(
                protocol=said.protocol,
                software=said.software,
                boot_id=said.boot_id,
                spool_id=said.spool_id,
                last_command_seq=said.last_command_seq,
                tick_s=said.tick_s or 0.0,
            )
        )
    return message


def _read_register(message: pb.Register) -> Register:
    # An agent older than gateways names its one asset in the first four fields only.
    described = list(message.assets) or ([message] if message.asset_id else [])
    assets = {
        asset.asset_id: AssetDescriptor(
            asset_id=asset.asset_id,
            site_id=asset.site_id,
            asset_name=asset.asset_name,
            site_name=asset.site_name,
            location=getattr(asset, "location", ""),
            asset_type=_asset_type(getattr(asset, "asset_type", "")),
            tick_s=_tick(getattr(asset, "tick_s", 0.0)),
        )
        for asset in described
        if asset.asset_id
    }
    hello = None
    if message.HasField("hello"):
        said = message.hello
        hello = Hello(
            message.gateway_id,
            said.protocol,
            said.software,
            said.boot_id,
            said.spool_id,
            said.last_command_seq,
            _tick(said.tick_s),
        )
    return Register(message.gateway_id, tuple(assets[asset_id] for asset_id in sorted(assets)), hello)


def _ack_message(record: Acknowledgement) -> pb.DispatchAck:
    return pb.DispatchAck(
        dispatch_id=record.lease_id,
        asset_id=record.asset_id,
        status=record.state,
        timestamp=to_text(record.timestamp),
        reason=record.reason,
        applied_mw=record.applied_mw,
        delivered_mw=record.delivered_mw,
    )


def _read_ack(message: pb.DispatchAck) -> Acknowledgement:
    state = _STATES_OF_THE_ORIGINAL.get(message.status, message.status)
    if state not in TRANSITIONS:
        raise InvalidInputError(Problem("dispatch_ack.status", message.status[:40], ", ".join(TRANSITIONS)))
    return Acknowledgement(
        lease_id=message.dispatch_id,
        asset_id=message.asset_id,
        state=state,
        timestamp=from_text(message.timestamp),
        reason=message.reason.replace("\x00", ""),
        applied_mw=_number(message, "applied_mw"),
        delivered_mw=_number(message, "delivered_mw"),
    )


def _event_message(record: Event) -> pb.Event:
    return pb.Event(
        id=record.id,
        asset_id=record.asset_id,
        site_id=record.site_id,
        timestamp=to_text(record.timestamp),
        event_type=record.event_type,
        severity=record.severity,
        message=record.message,
    )


def _read_event(message: pb.Event) -> Event:
    return Event(
        id=message.id.replace("\x00", ""),
        asset_id=message.asset_id,
        site_id=message.site_id,
        timestamp=from_text(message.timestamp),
        event_type=message.event_type.replace("\x00", ""),
        severity=_severity(message.severity),
        message=message.message.replace("\x00", ""),
    )


def _setpoint(lease: Lease, now: datetime) -> pb.Setpoint:
    message = pb.Setpoint(
        asset_id=lease.asset_id or "",
        mw=lease.mw,
        site_id=lease.site_id,
        group_id=lease.group_id,
        dispatch_id=lease.id,
        seq=lease.seq,
        issued_at_us=to_micros(lease.issued_at),
        deliver_by_us=_micros(lease.deliver_by),
        valid_until_us=_micros(lease.valid_until),
        not_before_us=_micros(lease.not_before),
        fallback_mw=lease.fallback_mw,
        hold_offline_s=lease.hold_offline_s,
        exact_duration_s=lease.duration_s,
        cancel=lease.cancel,
        members=lease.members,
    )
    if lease.valid_until is not None and not lease.cancel:
        # The original counts from the moment it reads this, so it gets what is left, never the whole again.
        message.duration_s = max(ceil((lease.valid_until - now).total_seconds()), 0)
    return message


def _read_setpoint(message: pb.Setpoint, now: datetime) -> Lease:
    if not isfinite(message.mw) or not isfinite(message.fallback_mw):
        raise InvalidInputError(Problem("setpoint.mw", str(message.mw), "a finite number of MW"))
    of_original = message.seq == 0
    if of_original:
        duration_s = float(message.duration_s) if message.HasField("duration_s") else None
    else:
        duration_s = _number(message, "exact_duration_s")
    if duration_s is not None and not 0.0 <= duration_s <= _LONGEST_S:
        raise InvalidInputError(Problem("setpoint.duration_s", str(duration_s), f"0..{_LONGEST_S:.0f} s"))
    valid_until = _moment(message, "valid_until_us")
    if of_original and duration_s is not None:
        valid_until = now + timedelta(seconds=duration_s)
    return Lease(
        id=message.dispatch_id,
        mw=message.mw,
        seq=message.seq,
        issued_at=now if of_original else from_micros(message.issued_at_us),
        asset_id=message.asset_id or None,
        site_id=message.site_id or None,
        group_id=message.group_id or None,
        deliver_by=_moment(message, "deliver_by_us"),
        valid_until=valid_until,
        duration_s=duration_s,
        fallback_mw=message.fallback_mw,
        hold_offline_s=_number(message, "hold_offline_s"),
        cancel=message.cancel,
        members=tuple(message.members),
        not_before=_moment(message, "not_before_us"),
    )


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def _moment(message: pb.Setpoint, name: str) -> datetime | None:
    return from_micros(getattr(message, name)) if message.HasField(name) else None


def _tick(seconds: float) -> float | None:
    return seconds if 0.0 < seconds <= _LONGEST_S else None


def _number(message: pb.DispatchAck | pb.Setpoint | pb.Heartbeat, name: str) -> float | None:
    if not message.HasField(name):
        return None
    value = cast(float, getattr(message, name))
    return value if -inf < value < inf else None


def _severity(text: str) -> Severity:
    return cast(Severity, text) if text in _SEVERITIES else "warning"


def _asset_type(text: str) -> AssetType:
    return text if text in ASSET_TYPES else "storage"
