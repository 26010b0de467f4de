"""Two published cell models: what their reference implementation gives, and the laws that they keep."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.capacity_path import capacity_path
from afterbay.sizing.cells import LFP_250AH, NMC_75AH, CellModel, cell_life
from shared_data import shared_path

_MODELS = {"Lfp_Gr_250AhPrismatic": LFP_250AH, "Nmc111_Gr_Kokam75Ah_Battery": NMC_75AH}
_DAY = [0.1] * 8 + [0.3, 0.5, 0.7, 0.9] + [0.9] * 4 + [0.7, 0.5, 0.3] + [0.1] * 5
_BOTH = pytest.mark.parametrize("model", [LFP_250AH, NMC_75AH], ids=lambda model: model.chemistry)


@cache
def _cases() -> list[dict[str, Any]]:
    cases = json.loads(shared_path("golden/sizing_oracles.json").read_text())["cases"]
    return [case for case in cases if case["id"].startswith("blast-")]


@pytest.mark.parametrize("number", range(17))
def test_capacity_is_that_of_the_reference_implementation(number: int) -> None:
    case = _cases()[number]
    inputs, expected = case["inputs"], case["expected"]

    found = cell_life(
        _MODELS[inputs["model"]],
        inputs["soc_24h"],
        years=inputs["years"],
        temperature_c=inputs["T_C"],
        dt_h=inputs["dt_h"],
    )

    assert found.relative_capacity[-1] == pytest.approx(
        expected["relative_capacity_q"], abs=case["tolerance"]["abs"]
    ), case["id"]
    # The reference stops at the end of a block, up to a day after the year.
    assert found.equivalent_full_cycles[-1] == pytest.approx(expected["efc"], abs=1.0)


def test_all_cases_of_the_reference_implementation_take_part() -> None:
    assert len(_cases()) == 17


@_BOTH
@pytest.mark.parametrize("soc", [0.1, 0.5, 0.9])
def test_a_cell_at_rest_follows_its_curve_of_time_exactly(model: CellModel, soc: float) -> None:
    found = cell_life(model, [soc, soc], years=10)

    curve = found.time_loss[1] * found.years**model.time_power
    assert found.time_loss == pytest.approx(curve, rel=1e-4)
    assert found.relative_capacity == pytest.approx(1.0 - curve, rel=1e-4)
    assert not np.any(found.cycle_loss)
    assert not np.any(found.equivalent_full_cycles)


@_BOTH
def test_capacity_starts_at_one_and_never_rises(model: CellModel) -> None:
    rng = np.random.default_rng(seed=11)
    soc = np.clip(0.5 + rng.normal(0.0, 0.1, 8_760).cumsum() % 0.8 - 0.4, 0.0, 1.0)
    found = cell_life(model, soc, years=15, temperature_c=25.0 + 15.0 * np.sin(np.arange(8_760) / 1_394.0))

    assert found.relative_capacity[0] == 1.0
    assert np.all(np.diff(found.relative_capacity) <= 0.0)
    assert found.relative_capacity[1] < 1.0
    assert np.all(found.relative_capacity >= 0.0)


@_BOTH
def test_heat_costs_capacity_at_rest(model: CellModel) -> None:
    cool, warm = (cell_life(model, [0.5, 0.5], years=5, temperature_c=degrees) for degrees in (20.0, 35.0))

    assert warm.relative_capacity[-1] < cool.relative_capacity[-1]


@_BOTH
def test_a_fuller_cell_at_rest_ages_faster(model: CellModel) -> None:
    low, high = (cell_life(model, [soc, soc], years=5) for soc in (0.3, 0.9))

    assert high.relative_capacity[-1] < low.relative_capacity[-1]


@_BOTH
@pytest.mark.parametrize("parts", [2, 4])
def test_the_length_of_a_step_hardly_matters(model: CellModel, parts: int) -> None:
    hours = np.arange(25.0)
    fine = np.interp(np.arange(24 * parts) / parts, hours, [*_DAY, _DAY[0]])

    hourly, finer = cell_life(model, _DAY, years=5), cell_life(model, fine, years=5, dt_h=1.0 / parts)

    assert finer.relative_capacity == pytest.approx(hourly.relative_capacity, abs=6e-4)


@_BOTH
def test_a_day_many_times_over_is_the_same_load_as_the_day(model: CellModel) -> None:
    once, often = cell_life(model, _DAY, years=3), cell_life(model, _DAY * 365, years=3)

    assert often.relative_capacity == pytest.approx(once.relative_capacity, abs=1e-12)


@_BOTH
def test_the_same_energy_from_a_faded_cell_keeps_its_throughput_and_ages_it_more(model: CellModel) -> None:
    day = [0.1 + 0.5 * (soc - 0.1) for soc in _DAY]
    kept, shrinking = (cell_life(model, day, years=10, keeps_energy=keeps) for keeps in (True, False))

    assert kept.equivalent_full_cycles[-1] == pytest.approx(3650 * 0.4, rel=0.01)
    assert shrinking.equivalent_full_cycles[-1] < kept.equivalent_full_cycles[-1]
    assert kept.relative_capacity[-1] < shrinking.relative_capacity[-1]


def test_a_rest_at_empty_before_the_sun_comes_back_costs_no_jump() -> None:
    # The reference takes one straight step from a loss near zero here and loses 42 % in a day.
    winter = np.concatenate((np.full(24 * 30, 0.05), np.tile(_DAY, 335)))

    found = cell_life(NMC_75AH, winter, years=1, temperature_c=20.0)
    always = cell_life(NMC_75AH, _DAY, years=1, temperature_c=20.0)

    assert 0.0 < found.time_loss[-1] <= always.time_loss[-1]


def test_active_material_runs_out_in_the_end() -> None:
    deep = np.tile([0.05, 0.95], 12)

    found = cell_life(NMC_75AH, deep, years=5, temperature_c=25.0)

    lithium_left = 1.0 - found.time_loss - found.cycle_loss
    assert found.relative_capacity[1] == pytest.approx(lithium_left[1])
    assert found.relative_capacity[-1] < 0.1 < lithium_left[-1]


@_BOTH
def test_a_cell_gives_the_retention_of_a_capacity_path(model: CellModel) -> None:
    life = cell_life(model, _DAY, years=10)

    path = capacity_path(100.0, life.relative_capacity, years=10)

    assert path.years[-1].effective_mwh == pytest.approx(100.0 * life.relative_capacity[-1])


@pytest.mark.parametrize(
    ("model", "soc", "degrees", "words"),
    [
        (LFP_250AH, _DAY, 25.0, []),
        (NMC_75AH, _DAY, 25.0, []),
        (LFP_250AH, [0.5] * 24, 25.0, []),
        (LFP_250AH, _DAY, 5.0, ["temperature"]),
        (LFP_250AH, _DAY, 50.0, ["temperature"]),
        (NMC_75AH, _DAY, -5.0, ["temperature"]),
        (LFP_250AH, [0.2, 0.7], 25.0, ["swings of 50%"]),
        (LFP_250AH, [0.1, 0.9], 25.0, ["charging at 0.80"]),
    ],
)
def test_a_load_outside_the_tests_of_the_cell_is_told(
    model: CellModel, soc: list[float], degrees: float, words: list[str]
) -> None:
    found = cell_life(model, soc, years=1, temperature_c=degrees).warnings

    assert len(found) == len(words)
    for told, word in zip(found, words, strict=True):
        assert word in told


def test_a_model_names_its_source() -> None:
    assert "doi:10.1016/j.est.2023.109042" in LFP_250AH.source
    assert "doi:10.23919/ACC.2017.7963578" in NMC_75AH.source


@pytest.mark.parametrize(
    ("soc", "options", "named"),
    [
        ([50.0, 90.0], {}, "a share 0..1, not percent"),
        ([0.5], {}, "two or more"),
        ([0.5, float("nan")], {}, "nan at step 1"),
        ([[0.5, 0.5]], {}, "one dimension"),
        ("full", {}, "soc"),
        (_DAY, {"years": 0}, "years"),
        (_DAY, {"years": 2.5}, "years"),
        (_DAY, {"dt_h": 0.0}, "dt_h"),
        (_DAY, {"dt_h": 48.0}, "dt_h"),
        (_DAY, {"temperature_c": 298.15}, "temperature_c"),
        (_DAY, {"temperature_c": [25.0] * 3}, "temperature_c"),
        (_DAY, {"temperature_c": "warm"}, "temperature_c"),
    ],
)
def test_a_load_that_cannot_be_used_is_refused_by_name(soc: Any, options: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInputError, match=named):
        cell_life(LFP_250AH, soc, **options)
