"""A generator runs between its least load and its rating, and every start, hour and litre is counted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError, OutOfRangeError
from afterbay.core.generator import Generator, run_generator

# The first call of a kernel compiles it: no deadline.
_LAW = settings(deadline=None)
GENERATORS = st.builds(
    Generator,
    rating=st.floats(0.1, 500.0),
    min_load=st.floats(0.0, 1.0),
    fuel_per_rating_h=st.floats(0.0, 0.1),
    fuel_per_energy=st.floats(0.01, 0.5),
)
REQUESTS = st.lists(st.one_of(st.just(0.0), st.floats(0.001, 600.0)), min_size=1, max_size=60)
STEPS_H = st.sampled_from([4 / 3600, 0.25, 1.0])


@_LAW
@given(GENERATORS, REQUESTS, STEPS_H)
def test_output_is_zero_or_between_least_load_and_rating(
    generator: Generator, requests: list[float], dt_h: float
) -> None:
    run = run_generator(generator, requests, dt_h=dt_h)

    asked = np.array(requests)
    on = asked > 0.0
    assert not run.output[~on].any()
    assert np.all(run.output[on] >= generator.min_load * generator.rating)
    assert np.all(run.output[on] <= generator.rating)
    reachable = on & (asked <= generator.rating) & (asked >= generator.min_load * generator.rating)
    assert run.output[reachable].tolist() == asked[reachable].tolist()


@_LAW
@given(GENERATORS, REQUESTS, STEPS_H, st.booleans())
def test_starts_are_the_rising_edges_and_hours_the_steps_that_run(
    generator: Generator, requests: list[float], dt_h: float, running: bool
) -> None:
    run = run_generator(generator, requests, dt_h=dt_h, running=running)

    on = np.array([running, *(request > 0.0 for request in requests)])
    assert run.starts == int(np.sum(on[1:] & ~on[:-1]))
    assert run.run_hours == pytest.approx(on[1:].sum() * dt_h)
    assert run.running == on[-1]


@_LAW
@given(GENERATORS, REQUESTS, STEPS_H)
def test_fuel_is_the_line_over_the_output_of_running_steps(
    generator: Generator, requests: list[float], dt_h: float
) -> None:
    run = run_generator(generator, requests, dt_h=dt_h)

    line = generator.fuel_per_rating_h * generator.rating * run.run_hours
    line += generator.fuel_per_energy * run.output.sum() * dt_h
    assert run.fuel.sum() == pytest.approx(line)
    assert np.all((run.fuel > 0.0) == (run.output > 0.0))
    assert run.fuel.tolist() == [generator.fuel(output, dt_h=dt_h) for output in run.output.tolist()]


@_LAW
@given(GENERATORS, REQUESTS, st.data())
def test_a_run_in_two_parts_is_one_run(generator: Generator, requests: list[float], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(requests)))
    whole = run_generator(generator, requests, dt_h=0.25)

    first = run_generator(generator, requests[:cut], dt_h=0.25)
    second = run_generator(generator, requests[cut:], dt_h=0.25, running=first.running)

    assert [*first.output, *second.output] == whole.output.tolist()
    assert [*first.fuel, *second.fuel] == whole.fuel.tolist()
    assert first.starts + second.starts == whole.starts
    assert first.run_hours + second.run_hours == whole.run_hours
    assert second.running == whole.running


@_LAW
@given(GENERATORS, st.floats(0.001, 1.0))
def test_half_the_time_burns_half_the_fuel(generator: Generator, share: float) -> None:
    output = share * generator.rating

    assert generator.fuel(output, dt_h=0.5) == pytest.approx(generator.fuel(output) / 2.0)


def test_a_day_by_hand() -> None:
    generator = Generator(rating=10.0, min_load=0.3, fuel_per_rating_h=0.03, fuel_per_energy=0.22)

    run = run_generator(generator, [0.0, 1.0, 5.0, 0.0, 20.0], dt_h=1.0)

    assert run.output.tolist() == [0.0, 3.0, 5.0, 0.0, 10.0]
    assert run.fuel == pytest.approx([0.0, 0.96, 1.4, 0.0, 2.5])
    assert (run.starts, run.run_hours, run.running) == (2, 3.0, True)


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_a_request_that_is_none_is_refused_with_its_step(bad: float) -> None:
    with pytest.raises(OutOfRangeError, match="at step 1"):
        run_generator(Generator(rating=10.0), [1.0, bad], dt_h=1.0)


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf, True, "9", None])
def test_every_wrong_field_is_named_at_once(bad: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Generator(rating=bad, min_load=bad, fuel_per_rating_h=bad, fuel_per_energy=bad)  # type: ignore[arg-type]

    found = [problem.where for problem in caught.value.problems]
    assert found == ["rating", "min_load", "fuel_per_rating_h", "fuel_per_energy"]


def test_a_least_load_in_percent_is_recognised() -> None:
    with pytest.raises(InvalidInputError, match=r"did you mean 0\.3\?"):
        Generator(rating=10.0, min_load=30.0)
