"""Rows that compiled code packs are those that Python packs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import numpy as np
from fleet_wild_samples import frame_of, wild_samples
from hypothesis import given
from hypothesis import strategies as st

from afterbay.fleet.headend.latest import Block
from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.server.fleet.recorder.copy_kernels import pack_samples
from afterbay.server.fleet.recorder.encoding import load_packing, pack_block, pack_rows, split_rows

IDS = ("00000000-0000-4000-8000-0000000000a1", "ABCDEF00-0000-4000-8000-0000000000a2", "not an id",
       "00000000-0000-4000-8000-0000000000a", "000000000000400080000000000000a3")  # fmt: skip
AT = datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC)


@given(st.lists(wild_samples(IDS), max_size=8), st.booleans())
def test_compiled_code_packs_what_python_packs(samples: list[pb.Telemetry], replay: bool) -> None:
    load_packing()
    block = Block(frame_of(samples), AT, replay=replay)

    packed = pack_block(block)

    assert Counter(split_rows(packed)) == Counter(pack_rows(Block(samples, AT, replay=replay).rows()))


@given(wild_samples(IDS))
def test_a_row_fits_in_its_room_and_the_plain_function_agrees(sample: pb.Telemetry) -> None:
    from afterbay.server.fleet.recorder.copy_layout import ROOM

    frame = frame_of([sample])
    found = []
    for pack in (pack_samples, pack_samples.py_func):  # type: ignore[attr-defined]
        out, left = np.zeros(2 * ROOM + 2 * len(frame.raw), np.uint8), np.zeros(1, np.int8)
        size, count = pack(frame.octets, frame.table, 10**15, False, out, left, details := np.zeros((8, 4), np.int64))
        assert not out[ROOM + len(frame.raw) :].any()
        found.append((out[:size].tobytes(), left.tolist(), details[:count].tolist()))

    assert found[0] == found[1]


def test_a_usual_sample_is_packed_by_compiled_code() -> None:
    usual = pb.Telemetry(
        asset_id=IDS[0],
        site_id=IDS[1],
        seq=7,
        timestamp_us=10**15,
        current_mw=-1.5,
        status="charging",
        temperature_c=25.0,
        lease_id=IDS[0],
        limited_by="ramp",
        origin="ORIGIN_SIMULATED",
        extras={"loss_mwh": pb.TelemetryValue(f64=0.1), "energy_error_mwh": pb.TelemetryValue(f64=1e-17)},
    )
    frame = frame_of([usual] * 3)
    left = np.zeros(3, np.int8)

    size, count = pack_samples(
        frame.octets, frame.table, 10**15, False, np.zeros(5000, np.uint8), left, np.zeros((24, 4), np.int64)
    )

    assert size > 0
    assert count == 6
    assert not left.any()
