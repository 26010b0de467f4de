"""Capacity over the years: nothing grows unless something is bought, and every cohort has its own age."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.capacity_path import CapacityEvent, CapacityPath, PartLife, capacity_path, compound_retention
from afterbay.sizing.degradation import DegradationConfig

# A curve that is steep first and flat later: here it matters how old each module is.
_BENT = 1.0 - 0.06 * np.sqrt(np.arange(31))
_AUGMENT = DegradationConfig(strategy="augmentation", augmentation_year=8)


def _random_path(seed: int) -> CapacityPath:
    rng = np.random.default_rng(seed=seed)
    retention = np.concatenate(([1.0], 1.0 - np.sort(rng.uniform(0.0, 0.9, 25))))
    config = DegradationConfig(
        strategy=("standard", "overbuild", "augmentation")[seed % 3], augmentation_year=int(rng.integers(1, 30))
    )
    battery = PartLife(part="battery", life_years=int(rng.integers(1, 30)))
    return capacity_path(100.0, retention, config, years=25, parts=[battery] if seed % 2 else [])


@pytest.mark.parametrize("seed", range(60))
def test_capacity_never_rises_without_a_purchase(seed: int) -> None:
    path = _random_path(seed)

    bought = {event.year for event in path.events if event.mwh > 0.0}
    for year in path.years:
        assert year.effective_mwh <= year.start_mwh + 1e-9 or year.year in bought


@pytest.mark.parametrize("seed", range(60))
def test_a_year_starts_where_the_last_one_ended_and_is_the_sum_of_its_cohorts(seed: int) -> None:
    path = _random_path(seed)

    for before, year in zip(path.years, path.years[1:], strict=False):
        assert year.start_mwh == before.effective_mwh
    for year in path.years:
        assert year.effective_mwh == pytest.approx(sum(cohort.effective_mwh for cohort in year.cohorts))
        assert year.installed_mwh == pytest.approx(sum(cohort.installed_mwh for cohort in year.cohorts))


def test_a_top_up_leaves_the_rest_as_old_as_it_is() -> None:
    path = capacity_path(100.0, _BENT, _AUGMENT, years=12)

    after = path.years[11]

    old, new = after.cohorts
    assert (old.age_years, new.age_years) == (12, 4)
    assert old.effective_mwh == pytest.approx(100.0 * _BENT[12])
    assert new.effective_mwh == pytest.approx(100.0 * (1.0 - _BENT[8]) * _BENT[4])
    assert path.events == (CapacityEvent(year=8, kind="augmentation", mwh=100.0 - 100.0 * float(_BENT[8])),)


def test_a_small_top_up_does_not_make_the_plant_young() -> None:
    barely_faded = np.concatenate((np.linspace(1.0, 0.99, 9), np.linspace(0.9, 0.5, 22)))

    path = capacity_path(100.0, barely_faded, _AUGMENT, years=9)

    assert path.events[0].mwh == pytest.approx(1.0)
    assert path.years[8].effective_mwh < 91.0


def test_an_overbuild_is_installed_at_first_and_fades_from_there() -> None:
    path = capacity_path(100.0, compound_retention(2.0, 10), DegradationConfig(strategy="overbuild"), years=10)

    assert path.years[0].start_mwh == pytest.approx(120.0)
    assert path.years[0].retention_pct == pytest.approx(117.6)
    assert path.events == ()


def test_a_battery_at_full_capacity_is_not_topped_up() -> None:
    path = capacity_path(100.0, compound_retention(0.0, 10), _AUGMENT, years=10)

    assert path.events == ()
    assert path.years[-1].effective_mwh == 100.0


def test_each_cohort_is_renewed_at_its_own_age() -> None:
    path = capacity_path(100.0, _BENT, _AUGMENT, years=25, parts=[PartLife(part="battery", life_years=12)])

    top_up = 100.0 * (1.0 - _BENT[8])
    assert [(event.year, event.kind) for event in path.events] == [
        (8, "augmentation"), (12, "battery"), (20, "battery"), (24, "battery"),
    ]  # fmt: skip
    assert [event.mwh for event in path.events] == pytest.approx([top_up, 100.0, top_up, 100.0])
    assert [cohort.age_years for cohort in path.years[24].cohorts] == [1, 5]


def test_nothing_is_renewed_when_the_years_are_over() -> None:
    parts = [PartLife(part=part, life_years=10, rating_mw=5.0) for part in ("battery", "inverter", "generator")]

    path = capacity_path(100.0, _BENT, years=20, parts=parts)

    assert [(event.year, event.kind) for event in path.events] == [(10, "battery"), (10, "generator"), (10, "inverter")]


def test_running_hours_end_a_life_and_the_rest_counts_towards_the_next() -> None:
    generator = PartLife(part="generator", life_hours=10_000.0, running_hours_per_year=4_000.0, rating_mw=10.0)

    path = capacity_path(100.0, _BENT, years=20, parts=[generator])

    assert [event.year for event in path.events] == [3, 5, 8, 10, 13, 15, 18]
    assert all(event.mw == 10.0 and event.mwh == 0.0 for event in path.events)


def test_what_ends_first_ends_a_life() -> None:
    generator = PartLife(part="generator", life_years=2, life_hours=10_000.0, running_hours_per_year=4_000.0)

    assert [event.year for event in capacity_path(100.0, _BENT, years=8, parts=[generator]).events] == [2, 4, 6]


def test_a_path_is_plain_data() -> None:
    path = capacity_path(100.0, _BENT, _AUGMENT, years=9)

    assert json.loads(json.dumps(path.to_dict())) == path.to_dict()


def test_more_than_everything_cannot_be_lost() -> None:
    assert compound_retention(159.0, 3).tolist() == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"initial_mwh": 0.0}, "initial_mwh"),
        ({"initial_mwh": "100"}, "initial_mwh"),
        ({"retention": [1.0, 0.9]}, "ages 0..1 for 20 years"),
        ({"retention": [0.99] * 30}, "0.99 at age 0"),
        ({"retention": [1.0, 0.8, 0.9] + [0.5] * 20}, "never rising"),
        ({"retention": [1.0] + [-0.1] * 20}, "never below 0"),
        ({"retention": [1.0, float("nan")]}, "retention"),
        ({"retention": "flat"}, "retention"),
        ({"years": 0}, "years"),
        ({"years": 20.0}, "years"),
        ({"parts": [PartLife(part="battery", life_years=5)] * 2}, "two lives of a battery"),
    ],
)
def test_a_path_that_cannot_be_followed_is_refused_by_name(changes: dict[str, Any], named: str) -> None:
    options: dict[str, Any] = {"initial_mwh": 100.0, "retention": _BENT, **changes}

    with pytest.raises(InvalidInputError, match=named):
        capacity_path(**options)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"part": "roof"}, "part"),
        ({"life_years": None}, "None, and life_hours None"),
        ({"life_years": 0}, "life_years"),
        ({"life_years": 7.5}, "life_years"),
        ({"life_hours": 0.0}, "life_hours"),
        ({"life_hours": 1_000.0, "running_hours_per_year": 4_000.0}, "yearly maintenance"),
        ({"part": "battery", "life_hours": 1_000.0}, "None for a battery"),
        ({"running_hours_per_year": 9_000.0}, "running_hours_per_year"),
        ({"rating_mw": -1.0}, "rating_mw"),
    ],
)
def test_a_life_that_means_nothing_is_refused_by_name(changes: dict[str, Any], named: str) -> None:
    options: dict[str, Any] = {"part": "generator", "life_years": 10, **changes}

    with pytest.raises(InvalidInputError, match=named):
        PartLife(**options)


@pytest.mark.parametrize("loss", [-1.0, float("nan"), "2"])
def test_a_yearly_loss_that_is_none_is_refused(loss: Any) -> None:
    with pytest.raises(InvalidInputError, match="loss_pct_per_year"):
        compound_retention(loss, 10)
