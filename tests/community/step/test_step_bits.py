"""The same neighbourhood gives the same bits: compiled or not, in any block, on any number of threads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from community_neighbourhoods import Neighbourhood, neighbourhoods, run_whole, walk
from hypothesis import given, settings
from hypothesis import strategies as st

import plain_python
from afterbay.community.step import FLOWS, Block, engine
from afterbay.core.compiled import Floats

_COLUMNS = ("net_kwh", "daily_kwh", "series_kwh", "nodes_kwh")


def _bits(column: Floats) -> bytes:
    return np.ascontiguousarray(column).tobytes()


def _joined(blocks: Sequence[Block], name: str) -> Floats:
    axis = 0 if name in ("net_kwh", "daily_kwh") else 1
    return np.concatenate([getattr(block, name) for block in blocks], axis=axis)


@settings(max_examples=12, deadline=None)
@given(neighbourhoods(most_houses=9, days=1, most_depth=3))
def test_compiled_code_and_plain_python_give_the_same_bits(case: Neighbourhood) -> None:
    (compiled,) = run_whole(case)

    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        for module, name in (("mix", "mix"), ("house", "run_houses"), ("tree", "run_steps")):
            plain = plain_python.plain_copy(f"afterbay.community.step.{module}_kernels")
            patch.setattr(engine, name, getattr(plain, name))
        (plain_block,) = run_whole(case)
    for name in _COLUMNS:
        assert _bits(getattr(plain_block, name)) == _bits(getattr(compiled, name)), name


@settings(max_examples=20, deadline=None)
@given(neighbourhoods(days=3), st.integers(2, 5))
def test_any_number_of_threads_gives_the_same_bits(case: Neighbourhood, threads: int) -> None:
    (one,), (many,) = run_whole(case), run_whole(case, threads=threads)

    for name in _COLUMNS:
        assert _bits(getattr(many, name)) == _bits(getattr(one, name)), name


@settings(max_examples=20, deadline=None)
@given(neighbourhoods(days=3), st.integers(1, 2))
def test_any_block_of_whole_days_gives_the_same_bits(case: Neighbourhood, days: int) -> None:
    whole, blocks = run_whole(case), run_whole(case, days=days)

    for name in _COLUMNS:
        assert _bits(_joined(blocks, name)) == _bits(_joined(whole, name)), name


@settings(max_examples=20, deadline=None)
@given(neighbourhoods(days=2))
def test_one_step_at_a_time_gives_the_same_bits_as_the_whole(case: Neighbourhood) -> None:
    (whole,), steps = run_whole(case), walk(case)

    assert _bits(steps.net_kwh) == _bits(whole.net_kwh)
    assert _bits(steps.nodes_kwh) == _bits(whole.nodes_kwh)
    assert _bits(np.array(list(steps.series.values()))) == _bits(whole.series_kwh)


@settings(max_examples=20, deadline=None)
@given(neighbourhoods(days=2))
def test_the_sums_of_a_day_are_the_steps_of_that_day(case: Neighbourhood) -> None:
    (whole,) = run_whole(case)

    scale = max(1.0, float(whole.daily_kwh.max()))
    for day in range(2):
        steps = whole.series_kwh[:, day * case.steps_per_day : (day + 1) * case.steps_per_day]
        expected = steps.sum(axis=1)
        expected[-1] = steps[-1, -1]  # stored energy is that of the last step
        assert np.abs(whole.daily_kwh[day] - expected).max() <= 1e-9 * scale


@settings(max_examples=10, deadline=None)
@given(neighbourhoods(most_houses=20))
def test_a_chosen_house_has_the_same_series_whoever_else_is_chosen(case: Neighbourhood) -> None:
    step, state = case.step(chosen=[0]), case.start()

    block = case.block(step, state, 0, case.n_steps)

    assert block.series_kwh.shape == (len(FLOWS), case.n_steps, 1)
    assert _bits(block.series_kwh[:, :, 0]) == _bits(run_whole(case)[0].series_kwh[:, :, 0])
