"""The ageing of the original application, where it was right, and the correct rainflow where it was not."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from afterbay.core.errors import OutOfRangeError
from afterbay.sizing.capacity_path import capacity_path, compound_retention
from afterbay.sizing.degradation import (
    DegradationConfig,
    calculate_degradation,
    calendar_loss_pct,
    stress_factor,
    total_loss_pct,
)
from shared_data import shared_path

_NAMES = {
    "use_rainflow_counting": "use_rainflow",
    "include_calendar_aging": "include_calendar",
    "calendar_degradation_rate": "calendar_fraction_per_year",
    "cycle_base_degradation": "cycle_fraction_per_cycle",
}


@cache
def _rows(part: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(shared_path("golden/sizing/other/degradation.json").read_text())[part]
    return rows


def _near(expected: float) -> Any:
    return pytest.approx(expected, rel=1e-9, abs=1e-9)


def _soc(row: dict[str, Any]) -> NDArray[np.float64]:
    if "soc" in row:
        return np.array(row["soc"], dtype=np.float64)
    with np.load(shared_path(f"golden/sizing/dispatch_hourly/{row['soc_from_vector']}.npz")) as hourly:
        return np.asarray(hourly["soc_pct"], dtype=np.float64)


@pytest.mark.parametrize("number", range(52))
def test_every_history_ages_as_the_reference_or_as_correct_rainflow_says(number: int) -> None:
    row = _rows("history")[number]
    expected, correct = row["result"], row["reference_correct_rainflow"]
    config = DegradationConfig(**{_NAMES[name]: value for name, value in row["config"].items()})

    found = calculate_degradation(_soc(row), config, period_h=float(row["hours"]))

    assert found.calendar_degradation_pct == _near(expected["calendar_degradation_pct"])
    assert found.throughput_cycles == _near(correct["sum_range_x_count"] / 100.0)
    assert found.total_degradation_pct == _near(found.cycle_degradation_pct + found.calendar_degradation_pct)
    if not config.use_rainflow:
        # BUG-20: throughput, where the original counts the hours that move. `two/no_rainflow` is not marked,
        # but its half cycle for a single hour is the same defect.
        assert found.equivalent_full_cycles == found.total_cycles_simple == found.throughput_cycles
        return
    assert found.equivalent_full_cycles == _near(correct["equivalent_full_cycles_residual_gt_0p5"])
    assert found.cycle_degradation_pct == _near(correct["cycle_degradation_pct_residual_gt_0p5"])
    if row["known_bug"] is None:
        assert found.equivalent_full_cycles == _near(expected["equivalent_full_cycles"])
        assert found.total_cycles_simple == _near(expected["total_cycles_simple"])
        assert found.total_degradation_pct == _near(expected["total_degradation_pct"])
        bins = {name: count for name, count in found.dod_distribution.items() if count}
        assert bins == {name: count for name, count in expected["dod_distribution"].items() if count}
    else:
        assert found.total_cycles_simple == correct["total_count"]


def test_every_stress_factor_is_that_of_the_reference() -> None:
    for row in _rows("stress"):
        assert stress_factor(row["dod"]) == _near(row["factor"])


def test_every_calendar_loss_is_that_of_the_reference() -> None:
    for row in _rows("calendar"):
        assert calendar_loss_pct(row["years"], row["avg_soc"]) == _near(row["result"])


def test_every_total_is_that_of_the_reference_and_an_unknown_word_is_refused() -> None:
    words: dict[str, Any] = {"additive": "sum", "max": "max"}
    for row in _rows("total"):
        if row["method"] in words:
            assert total_loss_pct(row["cycle"], row["calendar"], words[row["method"]]) == row["result"]
        else:
            with pytest.raises(OutOfRangeError, match=r"sum \| max"):
                total_loss_pct(row["cycle"], row["calendar"], row["method"])


@pytest.mark.parametrize("number", range(58))
def test_every_projection_is_that_of_the_reference(number: int) -> None:
    row = _rows("projection")[number]
    config = DegradationConfig(
        strategy=row["strategy"], overbuild_fraction=row["overbuild_factor"], augmentation_year=row["augmentation_year"]
    )
    expected = row["result"]

    found = capacity_path(
        row["initial"], compound_retention(row["annual_pct"], row["years"]), config, years=row["years"]
    )

    # BUG-31: the original forgets in the next year what it has installed; the sum is kept.
    installed = np.maximum.accumulate([year["installed_capacity_mwh"] for year in expected])
    for ours, theirs, sum_mwh in zip(found.years, expected, installed, strict=True):
        assert ours.year == theirs["year"]
        assert ours.effective_mwh == _near(theirs["effective_capacity_mwh"])
        assert ours.retention_pct == _near(theirs["capacity_retention_pct"])
        assert ours.augmented == theirs["augmented"]
        assert ours.installed_mwh == _near(sum_mwh)
