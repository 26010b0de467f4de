"""Every kernel gives the same bits compiled and as plain Python."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plain_python
from afterbay.core import kernels

# Any size that a plant can have, with the ends where branches meet. Not below 1e-100, where an energy times
# a step of seconds has no digits left.
AMOUNTS = st.one_of(st.sampled_from([0.0, 1.0, 25.0]), st.floats(1e-100, 1e9))
SIGNED = st.one_of(AMOUNTS, AMOUNTS.map(lambda amount: -amount))
ETAS = st.floats(0.1, 1.0)
LOSSES = st.sampled_from([0.0, 1e-4, 0.05, 1.0])
STEPS_H = st.sampled_from([4 / 3600, 0.25, 1 / 3, 1.0])
LISTS = st.lists(SIGNED, max_size=60)

_LIMITS = (AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, ETAS, ETAS, LOSSES)
SCALAR_KERNELS: dict[str, tuple[st.SearchStrategy[float], ...]] = {
    "charge": (AMOUNTS, SIGNED, SIGNED, AMOUNTS, ETAS, STEPS_H),
    "discharge": (AMOUNTS, SIGNED, SIGNED, AMOUNTS, ETAS, STEPS_H),
    "stand": (AMOUNTS, AMOUNTS, LOSSES, STEPS_H),
    "battery_step": (AMOUNTS, SIGNED, *_LIMITS, STEPS_H),
    "pv_power": (SIGNED, AMOUNTS, AMOUNTS),
    "generator_output": (AMOUNTS, AMOUNTS, AMOUNTS),
    "generator_fuel": (SIGNED, AMOUNTS, AMOUNTS, AMOUNTS, STEPS_H),
}
LOOP_KERNELS = {"run_battery", "run_generator", "run_pv"}
# The first call compiles.
_LAW = settings(deadline=None)


def _bits(result: Any) -> bytes:
    numbers = result if isinstance(result, tuple) else (result,)
    return struct.pack(f"<{len(numbers)}d", *numbers)


def _both(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return getattr(kernels, name), getattr(plain_python.core_kernels(), name)


def test_every_kernel_is_compared() -> None:
    assert set(SCALAR_KERNELS) | LOOP_KERNELS == set(kernels.__all__)


@pytest.mark.parametrize("name", kernels.__all__)
def test_the_plain_copy_is_plain_and_the_kernel_is_compiled(name: str) -> None:
    compiled, plain = _both(name)

    assert hasattr(compiled, "py_func")
    assert not hasattr(plain, "py_func")
    assert plain.__globals__ is not compiled.py_func.__globals__


@pytest.mark.parametrize("name", SCALAR_KERNELS)
@_LAW
@given(data=st.data())
def test_one_step_has_the_same_bits(name: str, data: st.DataObject) -> None:
    arguments = data.draw(st.tuples(*SCALAR_KERNELS[name]))
    compiled, plain = _both(name)

    assert _bits(compiled(*arguments)) == _bits(plain(*arguments))


@_LAW
@given(LISTS, AMOUNTS, st.tuples(*_LIMITS), STEPS_H)
def test_a_battery_run_has_the_same_bits(
    requests: list[float], energy: float, limits: tuple[float, ...], dt_h: float
) -> None:
    columns = []
    for run in _both("run_battery"):
        out = np.full((3, len(requests)), math.nan)
        run(np.array(requests), energy, np.array(limits), dt_h, *out)
        columns.append(out.tobytes())
        assert not np.isnan(out).any()

    assert columns[0] == columns[1]


@_LAW
@given(LISTS, AMOUNTS, AMOUNTS)
def test_a_solar_run_has_the_same_bits(weather: list[float], dc_rating: float, ac_rating: float) -> None:
    columns = []
    for run in _both("run_pv"):
        out = np.full(len(weather), math.nan)
        run(np.array(weather), dc_rating, ac_rating, out)
        columns.append(out.tobytes())

    assert columns[0] == columns[1]


@_LAW
@given(LISTS, st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS), STEPS_H, st.booleans())
def test_a_generator_run_has_the_same_bits_and_counts(
    requests: list[float], numbers: tuple[float, ...], dt_h: float, running: bool
) -> None:
    columns = []
    for run in _both("run_generator"):
        out = np.full((2, len(requests)), math.nan)
        counts = run(np.array(requests), *numbers, dt_h, running, *out)
        columns.append((tuple(counts), out.tobytes()))

    assert columns[0] == columns[1]


def test_a_sizing_copy_calls_only_plain_kernels() -> None:
    copy = plain_python.sizing_kernels()

    assert copy is plain_python.sizing_kernels()
    assert copy.charge is plain_python.core_kernels().charge
    assert not hasattr(copy.dispatch, "py_func")
    assert not hasattr(copy.total_day, "py_func")


def test_full_stays_full_to_the_bit_when_rounding_would_pass_the_ceiling() -> None:
    rng = np.random.default_rng(5)
    for energy, eta in zip(rng.uniform(0.0, 100.0, 2_000), rng.uniform(0.5, 1.0, 2_000), strict=True):
        after, accepted = kernels.charge(energy, 1e6, 1e6, 100.0, eta, 0.25)

        assert after <= 100.0
        assert after == pytest.approx(100.0, rel=1e-15)
        assert accepted == pytest.approx((100.0 - energy) / eta / 0.25)


def test_empty_stays_at_the_floor_to_the_bit_when_rounding_would_pass_it() -> None:
    rng = np.random.default_rng(6)
    for energy, eta in zip(rng.uniform(5.0, 100.0, 2_000), rng.uniform(0.5, 1.0, 2_000), strict=True):
        after, delivered = kernels.discharge(energy, 1e6, 1e6, 5.0, eta, 0.25)

        assert after >= 5.0
        assert after == pytest.approx(5.0, rel=1e-14)
        assert delivered == pytest.approx((energy - 5.0) * eta / 0.25)
