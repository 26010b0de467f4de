"""What is no number, no series and no step is refused in our own words, wherever it is given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from afterbay.core import kernels
from afterbay.core.battery import Battery, run_battery, step_battery
from afterbay.core.checks import is_number, read_series
from afterbay.core.errors import InvalidInputError
from afterbay.core.generator import Generator, run_generator
from afterbay.core.pv import PvArray, pv_power
from afterbay.core.timeline import Timeline, steps_per_day
from afterbay.core.units import one_way_efficiency

_START = datetime(2026, 1, 1, tzinfo=UTC)
_BATTERY = Battery(capacity=10.0, charge_power=5.0, discharge_power=5.0)
_GENERATOR = Generator(rating=5.0)
_ARRAY = PvArray(dc_rating=5.0, ac_rating=4.0)


@pytest.mark.parametrize("value", [0, 1.5, -2, np.float64(3.0), np.int8(4)])
def test_a_finite_real_number_is_a_number(value: object) -> None:
    assert is_number(value)


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), float("inf"), 10**400, 1j, np.bool_(1), [1.0]])
def test_everything_else_is_none(value: object) -> None:
    assert not is_number(value)


def test_a_series_comes_back_ready_for_a_kernel() -> None:
    assert read_series("load", [1, 2.5], move="mend it").tolist() == [1.0, 2.5]


_WRONG: dict[str, Callable[[], Any]] = {
    "a battery of any size": lambda: Battery(capacity=10**400, charge_power=1.0, discharge_power=1.0),
    "a text for an efficiency": lambda: one_way_efficiency("0.9"),  # type: ignore[arg-type]
    "a text among requests": lambda: run_battery(_BATTERY, ["x"], start_energy=0.0, dt_h=1.0),
    "a table of requests": lambda: run_battery(_BATTERY, [[1.0]], start_energy=0.0, dt_h=1.0),
    "a step back": lambda: step_battery(_BATTERY, 5.0, 1.0, dt_h=-1.0),
    "a generator of any size": lambda: Generator(rating=10**400),
    "fuel of no number": lambda: _GENERATOR.fuel(float("nan")),
    "fuel of a text": lambda: _GENERATOR.fuel("5"),  # type: ignore[arg-type]
    "fuel of a step back": lambda: _GENERATOR.fuel(5.0, dt_h=-1.0),
    "a run of a step back": lambda: run_generator(_GENERATOR, [1.0], dt_h=-1.0),
    "a run of no step": lambda: run_generator(_GENERATOR, [1.0], dt_h="1"),  # type: ignore[arg-type]
    "a run of a table": lambda: run_generator(_GENERATOR, [[1.0, 2.0]], dt_h=1.0),
    "a negative request": lambda: run_generator(_GENERATOR, [-1.0], dt_h=1.0),
    "weather as a table": lambda: pv_power(_ARRAY, [[1.0, 2.0]]),
    "weather as text": lambda: pv_power(_ARRAY, ["x"]),
    "a step too small to count": lambda: steps_per_day(5e-324),
    "a truth for a step": lambda: steps_per_day(True),
    "half a step more": lambda: Timeline(_START, timedelta(hours=1), 1.5),  # type: ignore[arg-type]
    "a timeline past all years": lambda: Timeline(_START, timedelta(hours=1), 10**9),
    "a timeline of no step": lambda: Timeline.containing(_START, timedelta(0)),
}


@pytest.mark.parametrize("wrong", _WRONG.values(), ids=list(_WRONG))
def test_it_is_refused_with_what_is_allowed_and_what_to_do(wrong: Callable[[], Any]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        wrong()

    assert all(problem.allowed and problem.next_move for problem in caught.value.problems)


def test_a_leak_never_crosses_the_floor_by_a_bit() -> None:
    floor = 0.1734719975756374

    energy, lost = kernels.stand(1.0, floor, 1.0, 1.0)

    assert energy >= floor
    assert lost > 0.8
