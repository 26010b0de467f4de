"""The laws of the spread between weather years, and what it says about unusable input."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from weather_by_hand import plant, record

from afterbay.core.errors import InvalidInputError
from afterbay.sizing import calculate_metrics, run_simulation
from afterbay.sizing.finance import FinancialConfig
from afterbay.sizing.projection import ProjectionConfig, project_years
from afterbay.sizing.uncertainty import (
    Quantity,
    npv_of,
    resample_months,
    weather_spread,
)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.booleans(), st.integers(1, 100))
def test_so_many_samples_reach_what_is_promised_and_no_better_sample_does(
    values: list[float], more_is_better: bool, percent: int
) -> None:
    samples = np.array(values)
    one = Quantity(name="x", unit="", more_is_better=more_is_better, values=samples, per="year")
    found = one.reached_by(percent)
    reach = samples >= found if more_is_better else samples <= found
    better = samples[samples > found] if more_is_better else samples[samples < found]

    assert samples.min() <= one.p50 <= samples.max()
    assert one.p90 <= one.p50 if more_is_better else one.p90 >= one.p50
    assert 100 * reach.sum() >= percent * len(samples)
    for sample in better:
        others = samples >= sample if more_is_better else samples <= sample
        assert 100 * others.sum() < percent * len(samples)


def test_p90_of_ten_years_leaves_one_worse_year() -> None:
    good = Quantity(name="x", unit="%", more_is_better=True, values=np.arange(10.0), per="year")
    bad = replace(good, more_is_better=False)

    assert (good.p50, good.p90) == (5.0, 1.0)
    assert (bad.p50, bad.p90) == (4.0, 8.0)


def test_each_year_of_the_spread_is_the_plain_run_of_that_year() -> None:
    params = plant()
    years = resample_months(*record(3 * 365, seed=8), years=4, seed=1)

    found = weather_spread(params, 1, years)

    for number, (load, solar) in enumerate(years):
        one = replace(params, load_profile=load, solar_profile=solar)
        plain = calculate_metrics(run_simulation(one, 1), one)
        assert found.delivery_pct.values[number] == plain.delivery_pct
        assert found.fuel_l.values[number] == plain.total_fuel_consumed
        assert found.unserved_mwh.values[number] == plain.total_unserved
    assert found.value is None
    assert len(found.quantities) == 3
    assert any("worst of them" in line for line in found.lines())
    assert years.notes[0] in found.lines()
    assert json.loads(json.dumps(found.to_dict()))["quantities"][0]["p90"] == found.delivery_pct.p90


def test_lives_are_drawn_by_seed_and_a_single_year_has_no_spread() -> None:
    finance = FinancialConfig(project_life_years=2, depreciation_years=2)
    npv = partial(npv_of, finance=finance)
    years = resample_months(*record(2 * 365, seed=8), years=6, seed=1)
    ask: Callable[..., Any] = partial(weather_spread, plant(), 1, value=npv, config=ProjectionConfig(years=2), lives=9)

    one, again, other = ask(years, seed=4, jobs=1), ask(years, seed=4, jobs=2), ask(years, seed=5)
    alone = ask(years[:1])

    assert one.to_dict() == again.to_dict()
    assert one.value.values.tolist() != other.value.values.tolist()
    assert one.value.p90 <= one.value.p50
    assert len(one.value.values) == 9
    assert np.ptp(alone.value.values) == 0.0
    expected = npv(plant(), project_years(plant(), 1, ProjectionConfig(years=2), weather_years=years[:1]))
    assert alone.value.p50 == expected


def _broken() -> list[tuple[Callable[[], object], list[str]]]:
    params, year = plant(), record(365)
    mixed: Any = [year, record(9), 5, ([-1.0], [1.0])]
    return [
        (lambda: weather_spread(params, 0, [], lives=0, seed=-1, jobs=0), ["lives", "seed", "jobs", "years"]),
        (lambda: weather_spread(params, 0, mixed), ["years[1]", "years[2]", "years[3].load"]),
        (lambda: weather_spread(params, 0, [year], config=ProjectionConfig()), ["config"]),
        (lambda: weather_spread(params, 0, [year], value=lambda params, projection: float("inf")), ["value"]),
        (lambda: weather_spread(params, 0, [year]).fuel_l.reached_by(0), ["percent"]),
    ]


@pytest.mark.parametrize("number", range(5))
def test_unusable_input_is_refused_with_every_problem_named(number: int) -> None:
    cases = _broken()
    assert len(cases) == 5
    ask, named = cases[number]

    with pytest.raises(InvalidInputError) as caught:
        ask()

    for word in named:
        assert word in str(caught.value)
