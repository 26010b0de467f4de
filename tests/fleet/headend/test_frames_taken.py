"""Samples in frames are taken as single ones are: same answers, same state."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from fleet_link import ASSETS, NOON
from fleet_wild_samples import frame_of, wild_samples
from hypothesis import given
from hypothesis import strategies as st

from afterbay.fleet.headend.arrival_layout import FRESH, LONGEST, REFUSED, SERVER
from afterbay.fleet.headend.latest import Block, LatestMap
from afterbay.fleet.headend.newest import NewestRows
from afterbay.fleet.headend.stream import Stream
from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire.identity import OPEN

A, B, C, D = ASSETS
UNKNOWN = "00000000-0000-4000-8000-00000000dead"


def _sample(asset_id: str, seq: int, **more: object) -> pb.Telemetry:
    values = {"timestamp_us": 1_763_723_000_000_000 + seq % 1000, "current_mw": float(seq % 7), **more}
    return pb.Telemetry(asset_id=asset_id, seq=seq, **values)  # type: ignore[arg-type]


def _map(stream: Stream) -> LatestMap:
    """D belongs to another stream, and nobody serves the unknown one."""
    latest = LatestMap(ASSETS)
    for asset_id in (A, B, C):
        latest.hand_over(asset_id, stream)
    return latest


def _state(latest: LatestMap) -> list[object]:
    return [
        (repr(latest.newest(asset_id)), repr(latest.brief(asset_id)), latest.seen(asset_id))
        for asset_id in ASSETS
    ]  # fmt: skip


@given(
    st.lists(
        st.tuples(
            st.lists(wild_samples((A, B, C, D, UNKNOWN), st.integers(0, 12) | st.just(2**63)), max_size=30),
            st.booleans(),
        ),
        max_size=6,
    )
)
def test_frames_end_as_single_messages_do(sent: list[tuple[list[pb.Telemetry], bool]]) -> None:
    stream = Stream("peer", OPEN, NOON, 0.0)
    by_frame, by_one = _map(stream), _map(stream)

    for number, (samples, replay) in enumerate(sent):
        at = NOON + timedelta(seconds=number)
        one = by_one.take(stream, samples, at, replay=replay)
        frame = by_frame.take(stream, frame_of(samples), at, replay=replay)

        assert [sample.SerializeToString(deterministic=True) for sample in frame.fresh] == [
            sample.SerializeToString(deterministic=True) for sample in one.fresh
        ]
        assert (frame.duplicates, frame.unreadable, frame.refused) == (one.duplicates, one.unreadable, one.refused)
        assert _state(by_frame) == _state(by_one)


def test_numbers_in_order_are_decided_without_asking() -> None:
    rows, stream = NewestRows(ASSETS), 77
    rows.numbers[:, SERVER] = stream
    frame = frame_of([_sample(asset_id, seq) for seq in range(1, 50) for asset_id in reversed(ASSETS)])
    codes = np.full(len(frame), 9, np.int8)

    assert rows.take(stream, frame, 0, 5, codes, replay=False) == len(frame)
    assert (codes == FRESH).all()
    assert rows.take(78, frame, 0, 5, codes, replay=False) == len(frame)
    assert (codes == REFUSED).all()


def test_a_sample_that_is_longer_than_its_row_is_kept_whole() -> None:
    stream = Stream("peer", OPEN, NOON, 0.0)
    latest = _map(stream)

    latest.take(stream, frame_of([_sample(A, 1, status="s" * LONGEST), _sample(B, 1)]), NOON, replay=False)
    newest = latest.newest(A)
    assert newest is not None
    assert newest.status == "s" * LONGEST
    latest.take(stream, frame_of([_sample(A, 2, status="short")]), NOON, replay=False)
    newest = latest.newest(A)
    assert newest is not None
    assert newest.status == "short"


def test_what_stays_in_the_inventory_keeps_its_samples_and_its_numbers() -> None:
    stream = Stream("peer", OPEN, NOON, 0.0)
    latest = _map(stream)
    latest.take(stream, frame_of([_sample(A, 1), _sample(B, 1, status="s" * 600), _sample(B, 2)]), NOON, replay=True)
    before = latest.newest(B), latest.seen(B)

    latest.replace_assets((C, B, UNKNOWN))

    assert (latest.newest(B), latest.seen(B)) == before
    assert latest.newest(C) is None
    assert list(latest.with_samples()) == [B]
    again = latest.take(stream, frame_of([_sample(B, 2), _sample(B, 3), _sample(A, 3)]), NOON, replay=False)
    assert (len(again.fresh), again.duplicates, again.refused) == (1, 1, {A})


def test_a_number_that_no_database_can_keep_is_not_taken() -> None:
    stream = Stream("peer", OPEN, NOON, 0.0)

    for samples in ([_sample(A, 2**63)], frame_of([_sample(A, 2**64 - 1)])):
        arrival = _map(stream).take(stream, samples, NOON, replay=False)
        assert (len(arrival.fresh), arrival.unreadable) == (0, 1)


@pytest.mark.parametrize("replay", [True, False])
def test_a_block_of_a_frame_has_the_rows_of_its_messages(replay: bool) -> None:
    samples = [_sample(A, 1), _sample(B, 4, status="ü")]

    block = Block(frame_of(samples), NOON, replay=replay)

    assert list(block.rows()) == list(Block(samples, NOON, replay=replay).rows())
    assert len(block) == 2
    assert [record.quality for record in block.records()] == ["good", "good"]
