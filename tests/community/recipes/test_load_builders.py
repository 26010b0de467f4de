from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.community.recipes import OCCUPANTS, Appliance, appliance_load, engine_load, occupant_load, standard_load
from afterbay.core.errors import InvalidInputError

PERSONS = st.lists(st.sampled_from(sorted(OCCUPANTS)), max_size=5)


@given(st.floats(0.0, 200.0), PERSONS)
def test_a_template_day_keeps_its_energy_whoever_lives_there(daily_kwh: float, persons: list[str]) -> None:
    profile = occupant_load("a", daily_kwh, persons)

    assert profile.values.sum() / 4.0 == pytest.approx(daily_kwh, rel=1e-12)


def test_the_template_has_the_multipliers_of_the_night_the_morning_and_the_evening() -> None:
    day = occupant_load("a", 24.0).values

    noon = day[12 * 4]
    assert day[[0, 23, 24, 31, 32, 75, 76, 87, 88, 91, 92]] / noon == pytest.approx(
        [0.5, 0.5, 1.2, 1.2, 1.0, 1.0, 1.3, 1.3, 1.0, 1.0, 0.5]
    )


@pytest.mark.parametrize(
    ("person", "factors"),
    [
        ("day_worker", {10: 0.6, 16: 0.6, 17: 1.0, 8: 1.0}),
        ("home_worker", {10: 1.15, 16: 1.15, 17: 1.0, 8: 1.0}),
        ("night_worker", {23: 0.3, 5: 0.3, 6: 1.0, 9: 1.25, 12: 1.0, 15: 1.25, 18: 1.0}),
        ("unspecified", {10: 1.0, 23: 1.0}),
    ],
)
def test_each_kind_of_person_multiplies_its_hours(person: str, factors: dict[int, float]) -> None:
    plain, with_person = occupant_load("a", 24.0).values, occupant_load("a", 24.0, [person]).values

    ratio = with_person / plain
    base = ratio[20 * 4]  # no person changes 20 h
    for hour, factor in factors.items():
        assert ratio[hour * 4] / base == pytest.approx(factor), hour


def test_two_persons_multiply_twice() -> None:
    plain, both = occupant_load("a", 24.0).values, occupant_load("a", 24.0, ["day_worker"] * 2).values

    assert (both[40] / plain[40]) / (both[80] / plain[80]) == pytest.approx(0.36)


def test_an_unknown_occupant_is_refused_and_not_taken_for_a_day_worker() -> None:
    # Defect 7 of the original.
    with pytest.raises(InvalidInputError, match="day_worker, home_worker, night_worker"):
        occupant_load("a", 10.0, ["student"])


def test_one_house_never_changes_another_house_of_the_same_template() -> None:
    # Defect 2 of the original: each house rewrote the master template that all shared.
    first = occupant_load("a", 10.0, ["day_worker"])
    before = first.values.copy()

    occupant_load("b", 90.0, ["night_worker", "night_worker"])

    assert first.values.tobytes() == before.tobytes()
    assert first.digest == occupant_load("a", 10.0, ["day_worker"]).digest


def test_an_appliance_runs_in_its_hours_with_rating_times_quantity() -> None:
    profile = appliance_load("a", [Appliance("lamp", 60.0, ((18.0, 23.0),), quantity=5)])

    week = profile.values.reshape(7, 96)
    assert week[:, 72:92].tolist() == [[0.3] * 20] * 7
    assert week.sum() / 4.0 == pytest.approx(7 * 5 * 0.3)


def test_a_window_goes_over_midnight_and_ends_inside_a_quarter_hour() -> None:
    day = appliance_load("a", [Appliance("heater", 1000.0, ((23.5, 0.1),))]).values[:96]

    assert day[94:].tolist() == [1.0, 1.0]
    assert day[0] == pytest.approx(0.4)
    assert day.sum() / 4.0 == pytest.approx(0.6)


def test_the_weekend_has_hours_of_its_own() -> None:
    week = appliance_load("a", [Appliance("iron", 1000.0, ((9, 10),), weekend_hours=((15, 17),))]).values.reshape(7, 96)

    assert (week[:5].sum(axis=1) / 4.0).tolist() == [1.0] * 5
    assert (week[5:, 60:68].sum(axis=1) / 4.0).tolist() == [2.0, 2.0]


@given(st.integers(0, 2**31), st.floats(0.1, 12.0))
def test_the_spread_moves_energy_and_makes_none(seed: int, spread_h: float) -> None:
    unit = Appliance("kettle", 2000.0, ((7.0, 7.5),), quantity=3, spread_h=spread_h)

    profile = appliance_load("a", [unit], seed=seed)

    assert profile.values.reshape(7, 96).sum(axis=1) / 4.0 == pytest.approx([unit.weekday_kwh] * 7)
    assert profile.digest == appliance_load("b", [unit], seed=seed).digest


def test_a_spread_without_a_seed_and_a_seed_without_a_spread_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="seed"):
        appliance_load("a", [Appliance("kettle", 2000.0, ((7, 8),), spread_h=1.0)])
    with pytest.raises(InvalidInputError, match="nothing is spread"):
        appliance_load("a", [Appliance("kettle", 2000.0, ((7, 8),))], seed=1)


def test_all_defects_of_appliances_are_told_at_once() -> None:
    broken = [{"name": "a", "rating_w": -1, "hours": [[3, 3]], "quantity": 0, "spread_h": 99}]

    with pytest.raises(InvalidInputError) as caught:
        appliance_load("x", broken, seed=1)

    assert {problem.where.split(".")[1] for problem in caught.value.problems} == {
        "rating_w", "hours", "quantity", "spread_h",
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    energy=st.floats(1.0, 60.0),
    ratio=st.floats(1.0, 300.0),
    shape=st.sampled_from(["household", "business"]),
)
def test_the_engine_meets_energy_and_maximum_demand_exactly(energy: float, ratio: float, shape: str) -> None:
    peak = energy / 24.0 * ratio

    profile = engine_load("a", daily_kwh=energy, max_demand_kw=peak, shape=shape)

    assert profile.values.sum() / 4.0 == pytest.approx(energy * 365, rel=1e-9)
    assert profile.values.max() == peak


def test_twelve_months_keep_their_energies_and_the_strongest_has_the_peak() -> None:
    months = [300.0, 270.0, 250.0, 200.0, 150.0, 120.0, 110.0, 0.0, 140.0, 200.0, 260.0, 310.0]

    profile = engine_load("a", monthly_kwh=months, max_demand_kw=6.0)

    days = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) * 96
    energies = [profile.values[a:b].sum() / 4.0 for a, b in pairwise(days)]
    assert energies == pytest.approx(months, rel=1e-9)
    assert profile.values[days[11] :].max() == 6.0
    assert profile.values[: days[11]].max() < 6.0


def test_a_bill_becomes_energy_by_its_tariff() -> None:
    # 119 with 19 % tax is 100; less 10 fixed is 90; at 0.30 that is 300 kWh.
    profile = engine_load("a", average_bill=119.0, price_per_kwh=0.30, fixed_per_month=10.0, tax_fraction=0.19)

    assert profile.values.sum() / 4.0 == pytest.approx(12 * 300.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"daily_kwh": 24.0, "max_demand_kw": 0.5}, "lower the energy or raise the demand"),
        ({"daily_kwh": 0.001, "max_demand_kw": 500.0}, "raise the energy or lower the demand"),
        ({"daily_kwh": 24.0, "max_demand_kw": 2.0, "shape": "flat"}, "raise the energy or lower the demand"),
        ({"daily_kwh": 0.0, "max_demand_kw": 2.0}, "no energy"),
        ({"daily_kwh": 5.0, "monthly_kwh": 150.0}, "2 statements"),
        ({}, "0 statements"),
        ({"average_bill": 50.0}, "the bill alone does not tell the energy"),
        ({"average_bill": 5.0, "price_per_kwh": 0.3, "fixed_per_month": 10.0}, "fixed"),
        ({"monthly_kwh": [1.0] * 11}, "one or twelve"),
        ({"daily_kwh": 5.0, "shape": "castle"}, "household, business, flat"),
        ({"daily_kwh": float("nan")}, "finite"),
    ],
)
def test_a_year_that_cannot_be_is_refused_with_the_reason(options: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        engine_load("a", **options)  # type: ignore[arg-type]


def test_a_builder_and_an_engine_are_real_series() -> None:
    # Defect 3 of the original: only template loads were ever turned into series.
    for profile in (
        appliance_load("a", [Appliance("lamp", 60.0, ((18.0, 23.0),))]),
        engine_load("b", monthly_kwh=300.0),
    ):
        assert profile.values.max() > 0.0


def test_a_standard_load_keeps_its_year_on_the_clock_on_the_wall() -> None:
    pytest.importorskip("demandlib")
    profile = standard_load("a", "h25", 3500.0, 2023)

    assert len(profile) == 365 * 96
    assert profile.values.sum() / 4.0 == pytest.approx(3500.0, rel=2e-4)
    assert profile.repeats
    sunday, monday = profile.values[:96], profile.values[96:192]  # 1 January 2023 was a Sunday
    assert not np.allclose(sunday, monday)
