"""Batches as they came: a frame says what protobuf says."""

from __future__ import annotations

import time
from threading import Event

import pytest
from fleet_wild_samples import raw_batch, wild_samples
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire.frame import FrameReader, TelemetryFrame, read_frame
from afterbay.fleet.wire.frame_kernels import read_varint, scan_batch
from afterbay.fleet.wire.frame_layout import COLUMNS

IDS = tuple(f"00000000-0000-4000-8000-0000000000a{number}" for number in range(1, 4))
LARGE = raw_batch([pb.Telemetry(asset_id=IDS[0], seq=number, timestamp_us=number) for number in range(1, 60)])


@given(st.lists(wild_samples(IDS), max_size=6), st.integers(0, 2**64 - 1), st.booleans())
def test_a_frame_says_what_protobuf_says(samples: list[pb.Telemetry], batch_seq: int, replay: bool) -> None:
    raw = raw_batch(samples, batch_seq, replay=replay)
    batch = pb.AgentToHeadend.FromString(raw).telemetry_batch

    frame = read_frame(raw)

    assert frame is not None
    assert frame.WhichOneof("message") == "telemetry_batch"
    assert (frame.telemetry_batch.batch_seq, frame.telemetry_batch.replay) == (batch.batch_seq, batch.replay)
    # Not the messages themselves: NaN is not equal to itself.
    assert [one.SerializeToString(deterministic=True) for one in frame.samples] == [
        one.SerializeToString(deterministic=True) for one in batch.samples
    ]


@given(st.data())
def test_broken_bytes_are_read_as_protobuf_reads_them_or_left_to_it(data: st.DataObject) -> None:
    raw = bytearray(raw_batch([pb.Telemetry(asset_id=IDS[0], seq=7, current_mw=1.5, status="ü")] * 2, 3))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        message = pb.AgentToHeadend.FromString(bytes(raw))
    except DecodeError:
        message = None

    try:
        frame = read_frame(bytes(raw))
    except DecodeError:
        frame = None
        assert message is None

    if frame is not None:
        assert message is not None, "nothing is a frame that protobuf refuses"
        assert [one.SerializeToString() for one in frame.samples] == [
            one.SerializeToString() for one in message.telemetry_batch.samples
        ]
        assert frame.batch_seq == message.telemetry_batch.batch_seq


@pytest.mark.parametrize(
    "raw",
    [
        pb.AgentToHeadend(heartbeat=pb.Heartbeat(asset_id="x" * 2000)).SerializeToString(),
        LARGE + pb.AgentToHeadend(heartbeat=pb.Heartbeat(asset_id="x")).SerializeToString(),
        LARGE + LARGE,
    ],
)
def test_what_is_not_just_one_batch_is_left_to_protobuf(raw: bytes) -> None:
    assert read_frame(raw) is None


def test_the_plain_functions_do_as_the_compiled_ones() -> None:
    import numpy as np

    octets = np.frombuffer(LARGE, np.uint8)
    found = []
    for read, scan in ((read_varint, scan_batch), (read_varint.py_func, scan_batch.py_func)):  # type: ignore[attr-defined]
        _, begin = read(octets, 2, len(LARGE))
        table = np.zeros((len(LARGE), COLUMNS), np.int64)
        found.append((tuple(scan(octets, begin, len(LARGE), table)), table.tolist()))

    assert found[0] == found[1]
    assert found[0][0] == (59, 1, 0, True)


def test_until_the_compiled_code_is_there_protobuf_reads_alone() -> None:
    loaded, begun = Event(), Event()

    def prepare() -> None:
        begun.set()
        loaded.wait(10.0)

    reader = FrameReader(prepare)
    early = [reader.read(LARGE), reader.read(LARGE)]
    assert begun.wait(10.0)
    loaded.set()
    until = time.monotonic() + 10.0
    while not isinstance(late := reader.read(LARGE), TelemetryFrame) and time.monotonic() < until:
        time.sleep(0.01)

    assert all(isinstance(one, pb.AgentToHeadend) for one in early)
    assert isinstance(late, TelemetryFrame)
    assert list(late.samples) == list(early[0].telemetry_batch.samples)


def test_where_the_compiled_code_cannot_be_loaded_protobuf_goes_on() -> None:
    begun = Event()

    def prepare() -> None:
        begun.set()
        raise OSError("no compiler here")

    reader = FrameReader(prepare)
    reader.read(LARGE)
    assert begun.wait(10.0)
    time.sleep(0.05)

    assert isinstance(reader.read(LARGE), pb.AgentToHeadend)


def test_small_messages_and_broken_ones_are_protobufs() -> None:
    reader = FrameReader(lambda: None)

    assert isinstance(reader.read(raw_batch([pb.Telemetry(asset_id=IDS[0])])), pb.AgentToHeadend)
    with pytest.raises(DecodeError):
        reader.read(LARGE[:-1])
