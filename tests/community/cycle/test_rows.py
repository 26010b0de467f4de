"""Rows as text: six decimals, exact, and read back as the same numbers."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from community_cycle import MOMENT, an_id
from hypothesis import given
from hypothesis import strategies as st

import plain_python
from afterbay.community.cycle import RESULT_COLUMNS, Rows, results_csv, results_frame
from afterbay.community.cycle import rows_kernels as compiled
from afterbay.community.cycle.contract import STEP, read_moment
from afterbay.community.cycle.users import parse_ids

if TYPE_CHECKING:
    from afterbay.core.compiled import Indices

WHOLE = st.one_of(
    st.sampled_from([0, 1, -1, 999_999, 1_000_000, -1_000_000, 10**13, -(10**13)]), st.integers(-9, 10**9)
)


def rows_of(micro: Indices, moment: str = MOMENT) -> Rows:
    ids = np.array([an_id(row).encode() for row in range(len(micro))], dtype="S36")
    return Rows(ids, parse_ids(ids)[0], read_moment(moment), micro)


def as_python_writes(micro: Indices) -> bytes:
    lines = [",".join(RESULT_COLUMNS)]
    for row, values in enumerate(micro.tolist()):
        numbers = [f"{'-' if value < 0 else ''}{abs(value) // 10**6}.{abs(value) % 10**6:06d}" for value in values]
        lines.append(",".join([an_id(row), MOMENT, *numbers]))
    return ("\n".join(lines) + "\n").encode()


@given(st.lists(st.lists(WHOLE, min_size=8, max_size=8), min_size=1, max_size=4))
def test_rows_are_written_as_python_writes_whole_numbers_with_six_decimals(values: list[list[int]]) -> None:
    micro = np.array(values, dtype=np.int64)

    assert results_csv([rows_of(micro)]) == as_python_writes(micro)


def test_the_compiled_writer_gives_the_bytes_of_plain_python() -> None:
    micro = np.random.default_rng(3).integers(-(10**9), 10**12, (5, 8))
    plain = plain_python.plain_copy("afterbay.community.cycle.rows_kernels")
    rows = rows_of(micro)
    ids = np.frombuffer(rows.user_id.tobytes(), dtype=np.uint8).reshape(5, 36)
    stamp = np.frombuffer(MOMENT.encode(), dtype=np.uint8)

    texts = []
    for kernels in (compiled, plain):
        text = np.zeros(5 * 260, dtype=np.uint8)
        texts.append(text[: kernels.write_rows(ids, stamp, micro, text, 3)].tobytes())

    assert texts[0] == texts[1]


@given(st.lists(st.lists(WHOLE, min_size=8, max_size=8), min_size=1, max_size=4))
def test_what_is_written_reads_back_as_the_numbers_of_the_frame(values: list[list[int]]) -> None:
    rows = rows_of(np.array(values, dtype=np.int64))

    read = pd.read_csv(io.BytesIO(results_csv([rows])), float_precision="round_trip")

    frame = rows.frame()
    assert read.columns.tolist() == frame.columns.tolist() == list(RESULT_COLUMNS)
    for column in RESULT_COLUMNS[2:]:
        assert (read[column] == frame[column]).all()
    assert read["user_id"].tolist() == frame["user_id"].tolist()


def test_ticks_follow_each_other_in_one_file_and_one_frame() -> None:
    first, second = rows_of(np.zeros((2, 8), dtype=np.int64)), rows_of(np.ones((2, 8), dtype=np.int64))
    later = Rows(second.user_id, second.keys, second.moment + STEP, second.micro)

    lines = results_csv([first, later]).decode().splitlines()
    frame = results_frame([first, later])

    assert [line.split(",")[1] for line in lines[1:]] == [MOMENT] * 2 + ["2024-09-11T14:30:00"] * 2
    assert str(frame["timestamp"].dtype) == "datetime64[us, UTC]"
    assert later.total_kwh("surplus_kwh") == 0.000002
    assert later.kwh("surplus_kwh").tolist() == [1e-6, 1e-6]


def test_nobody_gives_a_header_alone() -> None:
    assert results_csv([rows_of(np.empty((0, 8), dtype=np.int64))]).decode() == ",".join(RESULT_COLUMNS) + "\n"
