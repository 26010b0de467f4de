"""An agent of the original control plane, its messages written byte by byte from the field numbers."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from fleet_link import ASSETS, NOON, SITE

from afterbay.fleet.messages import (
    Acknowledgement,
    AssetDescriptor,
    Event,
    Heartbeat,
    Hello,
    Lease,
    Register,
    Restoration,
    Telemetry,
    Welcome,
)
from afterbay.fleet.wire import (
    agent_message,
    bootstrap_answer,
    headend_message,
    read_agent,
    read_headend,
)
from afterbay.fleet.wire import agent_pb2 as pb


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(number: int, value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def double(number: int, value: float) -> bytes:
    return varint(number << 3 | 1) + struct.pack("<d", value)


def unsigned(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)


def fields(raw: bytes) -> dict[int, bytes | int | float]:
    """Read a message as somebody does who knows nothing but the encoding."""
    found: dict[int, bytes | int | float] = {}
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = raw[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(raw):
        key = number()
        match key & 7:
            case 0:
                found[key >> 3] = number()
            case 1:
                found[key >> 3] = struct.unpack("<d", raw[at : at + 8])[0]
                at += 8
            case 2:
                size = number()
                found[key >> 3] = raw[at : at + size]
                at += size
    return found


def heard(member: int, body: bytes) -> object:
    return read_agent(pb.AgentToHeadend.FromString(text(member, body)))


DESCRIBED = text(1, ASSETS[0]) + text(2, SITE) + text(3, "A") + text(4, "North") + text(5, "Leeds")


def test_its_gateway_registers_with_its_assets() -> None:
    other = text(1, ASSETS[1]) + text(2, SITE)
    body = text(1, ASSETS[0]) + text(2, SITE) + text(5, "gw-north") + text(6, other) + text(6, DESCRIBED)

    assert heard(1, body) == Register(
        "gw-north",
        (AssetDescriptor(ASSETS[0], SITE, "A", "North", "Leeds"), AssetDescriptor(ASSETS[1], SITE)),
        None,
    )


def test_its_single_asset_agent_registers_without_a_list() -> None:
    body = text(1, ASSETS[0]) + text(2, SITE) + text(3, "A") + text(4, "North")

    assert heard(1, body) == Register("", (AssetDescriptor(ASSETS[0], SITE, "A", "North"),), None)


def test_its_telemetry_is_understood() -> None:
    numbers = [(5, 60.5), (6, 50.4), (7, 120.0), (8, -4.25), (9, -5.0), (10, 60.0), (11, -60.0)]
    body = text(1, ASSETS[0]) + text(2, SITE) + text(3, "North") + text(4, "2026-11-21T12:00:00.250Z")
    body += b"".join(double(number, value) for number, value in numbers) + text(12, "charging")

    assert heard(2, body) == Telemetry(
        ASSETS[0], SITE, NOON + timedelta(milliseconds=250), -4.25, -5.0, 60.0, -60.0, "charging",
        soc_mwh=60.5, soc_pct=50.4, capacity_mwh=120.0, site_name="North", origin="unknown",
    )  # fmt: skip


def test_zeros_that_it_does_not_write_are_zeros() -> None:
    body = text(1, ASSETS[0]) + text(4, "2026-11-21T12:00:00.000Z") + double(10, 60.0) + text(12, "idle")

    sample = heard(2, body)

    assert isinstance(sample, Telemetry)
    assert (sample.mw, sample.setpoint_mw, sample.soc_mwh, sample.soc_pct) == (0.0, 0.0, 0.0, 0.0)
    assert (sample.soh_pct, sample.temperature_c, sample.energy_in_mwh) == (None, None, None)


def test_its_newer_fields_are_understood() -> None:
    extra = text(1, "fans") + text(2, unsigned(2, 3))
    flag = text(1, "door_open") + text(2, unsigned(4, 1))
    body = text(1, ASSETS[0]) + text(4, "2026-11-21T12:00:00.000Z") + text(12, "idle") + double(13, 690.0)
    body += double(17, 77.0) + double(18, 86.0) + double(20, 98.5) + unsigned(21, 412) + double(22, 1.5)
    body += double(24, 250.0) + text(26, extra) + text(26, flag)

    sample = heard(2, body)

    assert isinstance(sample, Telemetry)
    assert sample.temperature_c == 25.0
    assert (sample.soh_pct, sample.cycle_count, sample.energy_in_mwh) == (98.5, 412.0, 1.5)
    assert sample.available_charge_mw == 0.25
    assert sample.details == {"voltage_v": 690.0, "temperature_module_c": 30.0, "door_open": True, "fans": 3}


def test_its_heartbeat_event_and_acknowledgement_are_understood() -> None:
    when = "2026-11-21T12:00:00.000Z"
    event = text(1, "e1") + text(2, ASSETS[0]) + text(3, SITE) + text(4, when) + text(5, "RACK_FAULT")
    event += text(6, "warning") + text(7, "rack 3")
    ack = text(1, "d1") + text(2, ASSETS[0]) + text(3, "applied") + text(4, when)

    assert heard(3, text(1, ASSETS[0]) + text(2, when)) == Heartbeat(ASSETS[0], NOON)
    assert heard(5, event) == Event("e1", ASSETS[0], SITE, NOON, "RACK_FAULT", "warning", "rack 3")
    assert heard(4, ack) == Acknowledgement("d1", ASSETS[0], "active", NOON)


def test_what_nobody_knows_is_passed_over() -> None:
    assert heard(77, b"anything") is None
    assert heard(3, text(1, ASSETS[0]) + text(2, "2026-11-21T12:00:00Z") + text(900, "?")) == Heartbeat(ASSETS[0], NOON)


def test_it_reads_our_setpoint_with_its_own_numbers_only() -> None:
    lease = Lease(
        "d1", -12.5, 7, NOON, site_id=SITE, valid_until=NOON + timedelta(hours=1), duration_s=3600.0, fallback_mw=1.0
    )

    message = headend_message(lease, NOON + timedelta(minutes=10, milliseconds=300)).SerializeToString()

    setpoint = fields(fields(message)[1])  # type: ignore[arg-type]
    assert 1 not in setpoint, "an empty asset id is not written: the site is meant"
    assert setpoint[2] == -12.5
    assert setpoint[3] == 3000, "what is left of the hour, in whole seconds"
    assert (setpoint[4], setpoint[6]) == (SITE.encode(), b"d1")


def test_it_reads_a_cancel_as_the_power_that_follows() -> None:
    lease = Lease("d1", 0.0, 8, NOON, asset_id=ASSETS[0], valid_until=NOON + timedelta(hours=1), cancel=True)

    setpoint = fields(fields(headend_message(lease, NOON).SerializeToString())[1])  # type: ignore[arg-type]

    assert setpoint.get(2, 0.0) == 0.0
    assert 3 not in setpoint, "no timer: it stays there"


def test_it_reads_our_telemetry_and_registration_with_its_own_numbers_only() -> None:
    ours = Telemetry(
        ASSETS[0], SITE, NOON, 3.0, 4.0, 60.0, -60.0, "discharging", soc_mwh=60.0, soc_pct=50.0, capacity_mwh=120.0,
        seq=9, temperature_c=25.0, available_charge_mw=0.5, cycle_count=2.75, limited_by="ramp",
    )  # fmt: skip
    registration = Register("gw", (AssetDescriptor(ASSETS[1], SITE), AssetDescriptor(ASSETS[0], SITE)), Hello("gw"))

    sample = fields(fields(agent_message(ours).SerializeToString())[2])  # type: ignore[arg-type]
    claim = fields(fields(agent_message(registration).SerializeToString())[1])  # type: ignore[arg-type]

    assert sample[4] == b"2026-11-21T12:00:00.000Z"
    assert [sample[number] for number in range(5, 13)] == [60.0, 50.0, 120.0, 3.0, 4.0, 60.0, -60.0, b"discharging"]
    assert (sample[17], sample[21], sample[24]) == (77.0, 2, 500.0)
    assert claim[1] == ASSETS[0].encode(), "the primary asset is the smallest id"
    assert claim[5] == b"gw"


def test_all_our_own_numbers_are_at_100_and_above() -> None:
    original = {
        "AssetDescriptor": 5, "Register": 6, "Telemetry": 26, "TelemetryValue": 5, "Heartbeat": 2, "Setpoint": 6,
        "DispatchAck": 5, "Event": 7, "BootstrapRequest": 1, "AssetBootstrap": 3, "BootstrapResponse": 1,
        "AgentToHeadend": 5, "HeadendToAgent": 1,
    }  # fmt: skip

    for name, last in original.items():
        numbers = sorted(pb.DESCRIPTOR.message_types_by_name[name].fields_by_number)
        theirs = [number for number in numbers if number < 100]
        assert theirs == list(range(1, last + 1)), name
        assert all(later > earlier for earlier, later in pairwise(numbers))
    assert pb.DESCRIPTOR.package == "agent"
    assert {method.name for method in pb.DESCRIPTOR.services_by_name["AgentLink"].methods} == {"Stream", "Bootstrap"}


def test_it_reads_a_bootstrap_answer() -> None:
    lease = Lease("d1", 5.0, 3, NOON, asset_id=ASSETS[0], valid_until=NOON + timedelta(minutes=1))
    known = Telemetry(ASSETS[0], SITE, NOON, 5.0, 5.0, 60.0, -60.0, "discharging", seq=4)

    raw = bootstrap_answer([Restoration(ASSETS[0], known, lease)], NOON + timedelta(seconds=20)).SerializeToString()

    asset = fields(fields(raw)[1])  # type: ignore[arg-type]
    assert asset[1] == ASSETS[0].encode()
    assert fields(asset[2])[8] == 5.0  # type: ignore[arg-type]
    assert fields(asset[3])[3] == 40, "a command is handed out with what is left of it"  # type: ignore[arg-type]


def test_what_an_older_headend_does_not_say_of_its_time_is_not_known() -> None:
    welcome = unsigned(1, 1) + text(2, "afterbay 0.1") + text(3, ASSETS[0]) + unsigned(5, 16)

    heard = read_headend(pb.HeadendToAgent.FromString(text(100, welcome)), NOON)

    assert heard == Welcome(1, "afterbay 0.1", (ASSETS[0],), {}, 16)


def test_an_older_agent_reads_our_welcome_and_passes_over_the_time() -> None:
    message = headend_message(Welcome(1, "afterbay", (ASSETS[0],), {}, 16), NOON).SerializeToString()

    welcome = fields(fields(message)[100])  # type: ignore[arg-type]

    assert (welcome[1], welcome[3], welcome[5]) == (1, ASSETS[0].encode(), 16)
    assert welcome.keys() - {1, 2, 3, 4, 5} == {6}


def test_a_setpoint_of_an_original_headend_runs_from_when_it_is_read() -> None:
    raw = text(1, text(1, ASSETS[0]) + double(2, 5.0) + unsigned(3, 600))
    now = datetime(2026, 1, 1, tzinfo=UTC)

    lease = read_headend(pb.HeadendToAgent.FromString(raw), now)

    assert isinstance(lease, Lease)
    assert (lease.asset_id, lease.mw, lease.seq) == (ASSETS[0], 5.0, 0)
    assert lease.valid_until == now + timedelta(minutes=10)
