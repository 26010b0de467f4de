"""Numbers in registers: they survive the way there and back, and gaps are seen."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.fleet.devices.registers import fits, read_number, register_count, scaled, unscaled, write_number
from afterbay.fleet.devices.retrying import Retry
from afterbay.fleet.devices.sunspec_models import MODELS

if TYPE_CHECKING:
    from afterbay.fleet.devices.registers import PointType

Whole = Literal["int16", "uint16", "int32", "uint32", "uint64"]


@given(
    st.sampled_from(["int16", "uint16", "int32", "uint32", "uint64"]), st.integers(-(1 << 31), 1 << 64), st.booleans()
)
def test_a_number_that_fits_comes_back_from_its_registers(kind: Whole, value: int, swapped: bool) -> None:
    if not fits(value, kind):
        return
    order: Literal["big", "little"] = "little" if swapped else "big"

    registers = write_number(value, kind, order)

    assert len(registers) == register_count(kind)
    assert read_number(registers, kind, order) == value


@pytest.mark.parametrize(
    ("kind", "registers"),
    [
        ("int16", [0x8000]), ("uint16", [0xFFFF]), ("enum16", [0xFFFF]), ("sunssf", [0x8000]),
        ("int32", [0x8000, 0]), ("uint32", [0xFFFF, 0xFFFF]), ("uint64", [0xFFFF] * 4),
        ("bitfield32", [0xFFFF, 0xFFFF]), ("bitfield32", [0x8000, 0]),
        ("float32", [0x7FC0, 0]), ("float32", [0x7F80, 0]),
    ],
)  # fmt: skip
def test_what_is_not_implemented_or_no_number_is_none(kind: PointType, registers: list[int]) -> None:
    assert read_number(registers, kind) is None


def test_a_float_is_read_from_two_registers() -> None:
    registers = list(struct.unpack(">2H", struct.pack(">f", -1.5)))

    assert read_number(registers, "float32") == -1.5
    assert read_number(registers[::-1], "float32", "little") == -1.5


@given(st.integers(-(1 << 31) + 1, (1 << 31) - 1), st.integers(-10, 10))
def test_scaling_there_and_back_gives_the_same_registers(value: int, exponent: int) -> None:
    number = scaled(value, exponent)

    assert number is not None
    assert unscaled(number, exponent) == value


@pytest.mark.parametrize("exponent", [None, 11, -11])
def test_a_scale_factor_that_sunspec_does_not_allow_gives_no_number(exponent: float | None) -> None:
    assert scaled(5.0, exponent) is None


def test_every_point_and_its_scale_lie_inside_the_registers_that_are_read() -> None:
    for model in MODELS.values():
        read = {place for offset, count in model.spans for place in range(offset, offset + count)}
        for point in model.points.values():
            places = range(point.offset, point.offset + register_count(point.kind))
            assert set(places) <= read
            assert max(places) < model.length + 2
            assert point.scale is None or model.points[point.scale].kind == "sunssf"
        assert all(count <= 125 for _, count in model.spans)


def test_the_waits_between_tries_double_up_to_a_bound_and_are_spread() -> None:
    now, draws = [0.0], iter([1.0, 1.0, 1.0, 0.5])
    retry = Retry(lambda: now[0], lambda: next(draws), first_s=1.0, longest_s=3.0)
    waits = []
    for _ in range(4):
        retry.failed()
        began = now[0]
        while not retry.due:
            now[0] += 0.25
        waits.append(now[0] - began)

    retry.succeeded()

    assert waits == [1.0, 2.0, 3.0, 1.5]
    assert retry.due
