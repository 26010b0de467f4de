"""Energy goes where it should at 4 s, 15 min and 1 h, and nothing leaves its bounds."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from afterbay.core.battery import Battery, run_battery, step_battery
from afterbay.core.errors import InvalidInputError, OutOfRangeError

# The first call of a kernel compiles it: no deadline.
_LAW = settings(deadline=None)
STEPS_H = st.sampled_from([4 / 3600, 0.25, 1.0])
# Zero or a number that means something: the smallest floats have no digits left to compare.
SHARES = st.one_of(st.just(0.0), st.floats(1e-6, 1.0))
REQUESTS = st.one_of(st.just(0.0), st.floats(1e-6, 300.0), st.floats(-300.0, -1e-6))
POWERS = st.one_of(st.just(0.0), st.floats(0.01, 200.0))


@st.composite
def batteries(draw: st.DrawFn, /, *, leaks: bool = True) -> Battery:
    """Draw a battery of any kind, the empty one included."""
    low, high = sorted((draw(SHARES), draw(SHARES)))
    return Battery(
        capacity=draw(st.one_of(st.just(0.0), st.floats(0.01, 500.0))),
        charge_power=draw(POWERS),
        discharge_power=draw(POWERS),
        charge_efficiency=draw(st.floats(0.3, 1.0)),
        discharge_efficiency=draw(st.floats(0.3, 1.0)),
        min_soc=low,
        max_soc=high,
        standing_loss_per_h=draw(st.sampled_from([0.0, 1e-4, 0.05, 1.0])) if leaks else 0.0,
    )


def _start(battery: Battery, share: float) -> float:
    return min(battery.floor + share * battery.usable, battery.ceiling)


def _close(battery: Battery) -> float:
    return 1e-12 * max(1.0, battery.capacity, battery.charge_power, battery.discharge_power)


@_LAW
@given(batteries(), SHARES, st.lists(REQUESTS, min_size=1, max_size=80), STEPS_H)
def test_no_energy_appears_or_vanishes_at_any_step_length(
    battery: Battery, share: float, requests: list[float], dt_h: float
) -> None:
    start = _start(battery, share)

    run = run_battery(battery, requests, start_energy=start, dt_h=dt_h)

    into_cells = np.where(run.power < 0.0, -run.power * battery.charge_efficiency, 0.0) * dt_h
    out_of_cells = np.where(run.power > 0.0, run.power / battery.discharge_efficiency, 0.0) * dt_h
    before = np.concatenate([[start], run.energy[:-1]])
    change = into_cells - out_of_cells - run.standing_loss
    assert np.abs(run.energy - before - change).max() <= 4 * _close(battery)


@_LAW
@given(batteries(leaks=False), SHARES, st.lists(REQUESTS, min_size=1, max_size=80), STEPS_H)
def test_requests_never_cross_floor_or_ceiling_not_even_by_a_bit(
    battery: Battery, share: float, requests: list[float], dt_h: float
) -> None:
    run = run_battery(battery, requests, start_energy=_start(battery, share), dt_h=dt_h)

    assert run.energy.min() >= battery.floor
    assert run.energy.max() <= battery.ceiling


@_LAW
@given(batteries(), SHARES, st.lists(REQUESTS, min_size=1, max_size=80), STEPS_H)
def test_requests_and_leaks_never_cross_floor_or_ceiling(
    battery: Battery, share: float, requests: list[float], dt_h: float
) -> None:
    run = run_battery(battery, requests, start_energy=_start(battery, share), dt_h=dt_h)

    # What leaks is a difference to the floor, so the last bit may be lost.
    assert run.energy.min() >= battery.floor - 1e-15 * battery.capacity
    assert run.energy.max() <= battery.ceiling


@_LAW
@given(batteries(), SHARES, REQUESTS, STEPS_H)
def test_power_is_what_was_asked_or_what_rating_and_cells_can_give(
    battery: Battery, share: float, request: float, dt_h: float
) -> None:
    start = _start(battery, share)

    power = step_battery(battery, start, request, dt_h=dt_h).power

    cells_give = (start - battery.floor) * battery.discharge_efficiency / dt_h
    cells_take = (battery.ceiling - start) / battery.charge_efficiency / dt_h
    if request >= 0.0:
        expected = min(request, battery.discharge_power, cells_give)
        rating = battery.discharge_power
    else:
        expected = -min(-request, battery.charge_power, cells_take)
        rating = battery.charge_power
    assert power == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert abs(power) <= min(rating, abs(request)) * (1.0 + 1e-15)
    assert power == 0.0 or (power > 0.0) == (request > 0.0)


@_LAW
@given(batteries(), SHARES, STEPS_H)
def test_at_rest_only_the_standing_loss_acts_and_it_stops_at_the_floor(
    battery: Battery, share: float, dt_h: float
) -> None:
    start = _start(battery, share)

    after = step_battery(battery, start, 0.0, dt_h=dt_h)

    expected = max(start * (1.0 - battery.standing_loss_per_h * dt_h), battery.floor)
    assert after.power == 0.0
    assert after.energy == pytest.approx(expected, abs=_close(battery))
    assert start - after.energy == pytest.approx(after.standing_loss, abs=_close(battery))


def test_a_leak_of_one_percent_an_hour_is_that_at_every_step_length() -> None:
    leaking = Battery(capacity=100.0, charge_power=1.0, discharge_power=1.0, standing_loss_per_h=0.01)

    by_hour = run_battery(leaking, np.zeros(10), start_energy=80.0, dt_h=1.0)
    by_quarter = run_battery(leaking, np.zeros(40), start_energy=80.0, dt_h=0.25)

    assert by_hour.energy == pytest.approx(80.0 * 0.99 ** np.arange(1, 11))
    assert by_quarter.energy[-1] == pytest.approx(80.0 * 0.9975**40)
    assert by_hour.standing_loss.sum() == pytest.approx(80.0 - by_hour.energy[-1])


@_LAW
@given(batteries(leaks=False), SHARES, REQUESTS, STEPS_H)
def test_two_half_steps_are_one_step_even_where_a_bound_acts(
    battery: Battery, share: float, request: float, dt_h: float
) -> None:
    start = _start(battery, share)

    whole = step_battery(battery, start, request, dt_h=dt_h)
    halves = run_battery(battery, [request, request], start_energy=start, dt_h=dt_h / 2.0)

    assert halves.energy[-1] == pytest.approx(whole.energy, abs=_close(battery))
    assert halves.power.mean() == pytest.approx(whole.power, rel=1e-9, abs=_close(battery) / dt_h)


@_LAW
@given(batteries(leaks=False), st.floats(0.01, 100.0), STEPS_H)
def test_what_is_stored_comes_back_less_the_round_trip_loss(battery: Battery, power: float, dt_h: float) -> None:
    assume(battery.charge_power > 0.0 and battery.discharge_power > 0.0)
    strong = replace(battery, discharge_power=1e6)

    charged = step_battery(strong, strong.floor, -power, dt_h=dt_h)
    emptied = step_battery(strong, charged.energy, 1e6, dt_h=dt_h)

    round_trip = strong.charge_efficiency * strong.discharge_efficiency
    assert emptied.energy == pytest.approx(strong.floor, abs=_close(battery))
    assert emptied.power == pytest.approx(-charged.power * round_trip, abs=1e-9)


@_LAW
@given(batteries(), SHARES, st.lists(REQUESTS, min_size=1, max_size=20), STEPS_H)
def test_the_scale_does_not_matter_to_the_bit(
    battery: Battery, share: float, requests: list[float], dt_h: float
) -> None:
    """Megawatts or units of 1024 times that: powers of two move no digit."""
    large = replace(
        battery,
        capacity=battery.capacity * 1024.0,
        charge_power=battery.charge_power * 1024.0,
        discharge_power=battery.discharge_power * 1024.0,
    )
    asked = np.array(requests)
    start = _start(battery, share)

    one = run_battery(battery, asked, start_energy=start, dt_h=dt_h)
    other = run_battery(large, asked * 1024.0, start_energy=start * 1024.0, dt_h=dt_h)

    for small_column, large_column in zip(one, other, strict=True):
        assert (small_column * 1024.0).tobytes() == large_column.tobytes()


@_LAW
@given(batteries(), SHARES, st.lists(REQUESTS, min_size=1, max_size=20), STEPS_H)
def test_a_run_is_its_steps_one_after_another(
    battery: Battery, share: float, requests: list[float], dt_h: float
) -> None:
    energy = _start(battery, share)

    run = run_battery(battery, requests, start_energy=energy, dt_h=dt_h)

    for index, request in enumerate(requests):
        state = step_battery(battery, energy, request, dt_h=dt_h)
        energy = state.energy
        assert state == (run.energy[index], run.power[index], run.standing_loss[index])


def test_an_empty_series_is_an_empty_run() -> None:
    run = run_battery(Battery(capacity=1.0, charge_power=1.0, discharge_power=1.0), [], start_energy=0.5, dt_h=1.0)

    assert [column.size for column in run] == [0, 0, 0]


def test_a_round_trip_efficiency_is_split_evenly() -> None:
    battery = Battery.from_round_trip(
        round_trip_efficiency=0.87, capacity=100.0, charge_power=50.0, discharge_power=50.0, min_soc=0.05, max_soc=0.95
    )

    assert battery.charge_efficiency == battery.discharge_efficiency == pytest.approx(0.93274, abs=1e-5)
    assert (battery.floor, battery.ceiling, battery.usable) == (5.0, 95.0, 90.0)


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf, True, "9", None])
def test_every_wrong_field_is_named_at_once(bad: object) -> None:
    fields = [
        "capacity", "charge_power", "discharge_power", "charge_efficiency", "discharge_efficiency", "min_soc",
        "max_soc", "standing_loss_per_h",
    ]  # fmt: skip

    with pytest.raises(InvalidInputError) as caught:
        Battery(**dict.fromkeys(fields, bad))  # type: ignore[arg-type]

    assert [problem.where for problem in caught.value.problems] == fields


def test_a_band_upside_down_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="swap the two"):
        Battery(capacity=1.0, charge_power=1.0, discharge_power=1.0, min_soc=0.9, max_soc=0.1)


@pytest.mark.parametrize("energy", [4.0, 96.0, math.nan, None])
def test_a_battery_never_starts_outside_its_band(energy: float) -> None:
    battery = Battery(capacity=100.0, charge_power=1.0, discharge_power=1.0, min_soc=0.05, max_soc=0.95)

    with pytest.raises(OutOfRangeError, match=r"5\.\.95"):
        step_battery(battery, energy, 0.0, dt_h=1.0)
    with pytest.raises(OutOfRangeError, match="start inside the band"):
        run_battery(battery, [0.0], start_energy=energy, dt_h=1.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, None, True])
def test_a_request_or_a_step_that_is_no_number_is_refused(bad: float) -> None:
    battery = Battery(capacity=100.0, charge_power=1.0, discharge_power=1.0)

    with pytest.raises(OutOfRangeError, match="request"):
        step_battery(battery, 50.0, bad, dt_h=1.0)
    with pytest.raises(OutOfRangeError, match="dt_h"):
        step_battery(battery, 50.0, 0.0, dt_h=bad)
    with pytest.raises(OutOfRangeError, match="dt_h"):
        run_battery(battery, [0.0], start_energy=50.0, dt_h=bad)


@pytest.mark.parametrize(("bad", "got"), [([0.0, math.nan], "nan at step 1"), ([[0.0]], r"shape \(1, 1\)")])
def test_a_series_is_one_finite_number_per_step(bad: list[float], got: str) -> None:
    battery = Battery(capacity=100.0, charge_power=1.0, discharge_power=1.0)

    with pytest.raises(OutOfRangeError, match=got):
        run_battery(battery, bad, start_energy=50.0, dt_h=1.0)
