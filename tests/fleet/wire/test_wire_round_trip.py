"""What one end says is what the other end understands."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from fleet_link import ASSETS, NOON, SITE, sample
from hypothesis import given
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError
from afterbay.fleet.commands.states import TRANSITIONS
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
    Telemetry,
    TelemetryBatch,
    Welcome,
)
from afterbay.fleet.wire import (
    COLUMNS,
    agent_message,
    bootstrap_answer,
    bootstrap_request,
    headend_message,
    read_agent,
    read_bootstrap,
    read_headend,
    telemetry_message,
    telemetry_record,
    telemetry_values,
)
from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire.telemetry import brief_record
from afterbay.fleet.wire.times import from_micros, from_text, to_micros, to_text

moments = st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1), timezones=st.just(UTC))
seconds = moments.map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
numbers = st.floats(-1e6, 1e6)
words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
maybe = st.none() | numbers
whole = st.integers(0, 2**64 - 1)
details = st.dictionaries(
    st.sampled_from(
        ["irradiance_wm2", "wind_speed_ms", "station_state", "active_sessions", "dc_voltage_v", "voltage_v", "note", ""]
    ),
    st.booleans() | st.integers(-(2**63), 2**64 - 1) | numbers | words,
)
samples = st.builds(
    Telemetry,
    asset_id=words,
    site_id=words,
    timestamp=moments,
    mw=numbers,
    setpoint_mw=maybe,
    max_mw=numbers,
    min_mw=numbers,
    status=words,
    soc_mwh=maybe,
    soc_pct=maybe,
    capacity_mwh=maybe,
    site_name=words,
    asset_type=st.sampled_from(["storage", "pv", "wind", "ev"]),
    online=st.booleans(),
    fault_code=st.none() | words.filter(bool),
    limited_by=st.none() | st.sampled_from(["ramp", "soc_min"]),
    quality=st.sampled_from(["good", "uncertain", "bad", "stale"]),
    origin=st.sampled_from(["device", "simulated", "replay"]),
    seq=st.integers(1, 2**64 - 1),
    lease_id=st.none() | words.filter(bool),
    energy_in_mwh=maybe,
    energy_out_mwh=maybe,
    temperature_c=maybe,
    soh_pct=maybe,
    cycle_count=st.none() | st.floats(0, 1e6),
    details=details,
)
leases = st.builds(
    Lease,
    id=words.filter(bool),
    mw=numbers,
    seq=st.integers(1, 2**63),
    issued_at=moments,
    asset_id=st.none() | words.filter(bool),
    site_id=st.none() | words.filter(bool),
    group_id=st.none() | words.filter(bool),
    deliver_by=st.none() | moments,
    valid_until=st.none() | moments,
    duration_s=st.none() | st.floats(0.0, 1e9),
    fallback_mw=numbers,
    hold_offline_s=st.none() | st.floats(0.0, 1e9),
    cancel=st.booleans(),
    members=st.lists(words).map(tuple),
    not_before=st.none() | moments,
)


def heard_by_headend(record: object) -> object:
    raw = agent_message(record).SerializeToString()  # type: ignore[arg-type]
    return read_agent(pb.AgentToHeadend.FromString(raw))


def heard_by_agent(record: object, now: datetime = NOON) -> object:
    raw = headend_message(record, now).SerializeToString()  # type: ignore[arg-type]
    return read_headend(pb.HeadendToAgent.FromString(raw), now)


@given(samples)
def test_a_sample_of_ours_arrives_as_it_was(said: Telemetry) -> None:
    heard = heard_by_headend(TelemetryBatch((said,), 5))

    assert heard == TelemetryBatch((said,), 5)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_available_power_keeps_its_value_over_the_kilowatts_of_the_wire(charge: float, discharge: float) -> None:
    heard = telemetry_record(telemetry_message(sample(available_charge_mw=charge, available_discharge_mw=discharge)))

    assert heard.available_charge_mw == pytest.approx(charge, rel=1e-15)
    assert heard.available_discharge_mw == pytest.approx(discharge, rel=1e-15)


@given(leases)
def test_a_lease_arrives_as_it_was(said: Lease) -> None:
    assert heard_by_agent(said, datetime(1970, 1, 1, tzinfo=UTC)) == said


@given(seconds, st.sampled_from(sorted(TRANSITIONS)), words, maybe, maybe)
def test_an_acknowledgement_arrives_as_it_was(
    at: datetime, state: str, reason: str, applied: float | None, delivered: float | None
) -> None:
    said = Acknowledgement("d1", ASSETS[0], state, at, reason, applied, delivered)

    assert heard_by_headend(said) == said


@pytest.mark.parametrize(
    "said",
    [
        Heartbeat("", NOON),
        Heartbeat(ASSETS[0], NOON, -12.5),
        Heartbeat("", NOON, 0.0),
        Event("e", ASSETS[0], SITE, NOON, "rack_fault", "critical", "rack 3"),
        Register(
            "gw",
            (AssetDescriptor("a", SITE, "A", "North", "Leeds", "pv"), AssetDescriptor("b", SITE, tick_s=60.0)),
            Hello("gw", 1, "afterbay 1", "boot", "spool", 77, 0.5),
        ),
    ],
)
def test_what_agents_say_arrives_as_it_was(said: object) -> None:
    assert heard_by_headend(said) == said


@pytest.mark.parametrize(
    "said",
    [
        Receipt(9, ("a",)),
        Notice("taken_over", "by gw-2", "info", ("a", "b")),
        Welcome(1, "afterbay", ("a",), {"b": "not_allowed"}, 16, NOON),
    ],
)
def test_what_the_headend_says_arrives_as_it_was(said: object) -> None:
    assert heard_by_agent(said) == said


@given(seconds)
def test_a_welcome_tells_when_it_was_written_and_not_when_it_was_decided(now: datetime) -> None:
    heard = heard_by_agent(Welcome(1, headend_time=NOON), now)

    assert heard == Welcome(1, headend_time=now)


@pytest.mark.parametrize("tick_s", [float("nan"), float("inf"), -1.0, 1e12])
def test_a_tick_that_cannot_be_is_not_said(tick_s: float) -> None:
    said = Register("gw", (AssetDescriptor("a", SITE, tick_s=tick_s),), Hello("gw", tick_s=tick_s))

    heard = heard_by_headend(said)

    assert isinstance(heard, Register)
    assert heard.hello is not None
    assert (heard.hello.tick_s, heard.assets[0].tick_s) == (None, None)


def test_a_skew_that_is_no_number_is_not_said() -> None:
    assert heard_by_headend(Heartbeat("", NOON, float("nan"))) == Heartbeat("", NOON)


@pytest.mark.parametrize(
    ("asset_type", "member"), [("storage", "storage"), ("pv", "pv"), ("wind", "wind"), ("ev", "ev")]
)
def test_fields_of_a_type_have_a_place_of_their_own(asset_type: str, member: str) -> None:
    told = {
        "storage": {"dc_voltage_v": 800.0, "inverter_temp_c": 40.0},
        "pv": {"irradiance_wm2": 900.0, "curtailment_reason": "site limit"},
        "wind": {"wind_speed_ms": 9.5, "turbine_state": "running"},
        "ev": {"station_state": "charging", "active_sessions": 4},
    }[asset_type]

    message = telemetry_message(sample(asset_type=asset_type, details=told))

    assert message.HasField(member)
    assert not message.extras
    assert telemetry_record(message).details == told


def test_a_field_with_a_strange_value_is_kept_beside_the_typed_ones() -> None:
    told = {"irradiance_wm2": "dark", "active_sessions": -1}

    heard = telemetry_record(telemetry_message(sample(asset_type="pv", details=told)))

    assert heard.details == told


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_finite_number_is_not_known(bad: float) -> None:
    said = sample(soc_pct=bad, setpoint_mw=bad, temperature_c=bad, cycle_count=None, details={"irradiance_wm2": bad})
    message = telemetry_message(said)
    message.extras["wild"].f64 = bad

    heard = telemetry_record(message)

    assert (heard.soc_pct, heard.setpoint_mw, heard.temperature_c) == (None, None, None)
    assert heard.details == {}


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_setpoint_without_a_finite_power_is_refused(bad: float) -> None:
    message = pb.HeadendToAgent(setpoint=pb.Setpoint(asset_id="a", mw=bad))

    with pytest.raises(InvalidInputError, match="finite"):
        read_headend(message, NOON)


def test_words_of_a_later_version_are_read_with_caution() -> None:
    message = telemetry_message(sample())
    raw = message.SerializeToString() + b"\xb0\x06\x09" + b"\xb8\x06\x09"  # quality 9, origin 9

    heard = telemetry_record(pb.Telemetry.FromString(raw))

    assert (heard.quality, heard.origin) == ("uncertain", "unknown")


def test_a_state_that_nobody_knows_is_refused_with_what_is_allowed() -> None:
    message = pb.AgentToHeadend(dispatch_ack=pb.DispatchAck(status="dunno", timestamp="2026-11-21T12:00:00Z"))

    with pytest.raises(InvalidInputError, match=r"dunno.*active"):
        read_agent(message)


def test_text_with_a_nul_is_cleaned_for_the_database() -> None:
    message = telemetry_message(sample(status="id\x00le", details={"no\x00te": "a\x00b"}))

    heard = telemetry_record(message)

    assert heard.status == "idle"
    assert heard.details == {"note": "ab"}


def test_a_row_has_the_values_of_the_record_in_the_order_of_the_columns() -> None:
    message = telemetry_message(sample(details={"note": "x"}))

    row = telemetry_values(message, replay=True, received_at=NOON)

    assert Telemetry(*row) == telemetry_record(message, replay=True, received_at=NOON)
    assert row[COLUMNS.index("origin")] == "replay"
    assert tuple(field.name for field in fields(Telemetry)) == COLUMNS


@given(samples)
def test_the_brief_record_agrees_with_the_whole_one(said: Telemetry) -> None:
    message = telemetry_message(said)

    whole_record, brief = telemetry_record(message), brief_record(message)

    for name in ("asset_id", "timestamp", "mw", "setpoint_mw", "soc_mwh", "soc_pct", "online", "status",
                 "available_charge_mw", "available_discharge_mw", "max_mw", "min_mw"):  # fmt: skip
        assert getattr(brief, name) == getattr(whole_record, name)


def test_a_restoration_arrives_as_it_was() -> None:
    lease = Lease("d1", 5.0, 3, NOON, asset_id="a", valid_until=NOON + timedelta(hours=1), duration_s=3600.0)
    said = [Restoration("a", sample("a"), lease), Restoration("b")]

    answer = pb.BootstrapResponse.FromString(bootstrap_answer(said, NOON).SerializeToString())

    assert read_bootstrap(answer, NOON) == tuple(said)
    assert list(bootstrap_request(["a", "b"]).asset_ids) == ["a", "b"]


@given(moments)
def test_moments_keep_their_microsecond(moment: datetime) -> None:
    assert from_micros(to_micros(moment)) == moment


@given(seconds)
def test_moments_as_text_keep_their_millisecond(moment: datetime) -> None:
    assert from_text(to_text(moment)) == moment
    assert to_text(moment).endswith("Z")


@pytest.mark.parametrize("broken", ["", "yesterday", "2026-13-01T00:00:00Z"])
def test_text_that_is_no_moment_is_refused(broken: str) -> None:
    with pytest.raises(InvalidInputError, match="such as 2026"):
        from_text(broken)


@pytest.mark.parametrize("broken", [-1, 2**63 - 1])
def test_microseconds_beyond_the_calendar_are_refused(broken: int) -> None:
    with pytest.raises(InvalidInputError, match="year 10000"):
        from_micros(broken)


def test_the_same_asset_described_twice_is_one_asset() -> None:
    message = pb.AgentToHeadend()
    message.register.assets.add(asset_id="a", site_id="1")
    message.register.assets.add(asset_id="a", site_id="2")
    message.register.assets.add(asset_id="")

    heard = read_agent(message)

    assert isinstance(heard, Register)
    assert heard.assets == (replace(AssetDescriptor("a", "2")),)
