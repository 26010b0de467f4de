from __future__ import annotations

import json

import numpy as np
import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.profiles import (
    build_load_profile,
    load_statistics,
    read_profile,
    seasonal_statistics,
    solar_statistics,
)
from shared_data import shared_path


def test_golden_seasons_are_matched_except_where_equal_hours_counted_a_day() -> None:
    cases = json.loads(shared_path("golden/sizing/other/load_builder.json").read_text())["seasonal_stats"]
    corrected = 0

    for case in cases:
        asked = {key: case[key] for key in ("start_month", "end_month", "day_start", "day_end")}
        found = seasonal_statistics(**asked).to_dict()
        if case["day_start"] == case["day_end"] != 0:
            corrected += 1
            assert (found["hours_per_day"], found["total_active_hours"]) == (0, 0)
        else:
            assert found == case["result"]
    assert len(cases) == 86
    assert corrected > 0


@pytest.mark.parametrize(("start", "end"), [(8, 8), (0, 0), (0, 24), (22, 6), (8, 0), (24, 6)])
@pytest.mark.parametrize(("first", "last"), [(4, 10), (11, 2), (1, 12), (5, 5), (5, 4)])
def test_seasonal_statistics_count_what_the_builder_builds(start: int, end: int, first: int, last: int) -> None:
    # BUG-32: the two disagreed for equal hours.
    load = build_load_profile(
        "seasonal", {"mw": 2.0, "start_month": first, "end_month": last, "day_start": start, "day_end": end}
    )

    assert seasonal_statistics(first, last, start, end).total_active_hours == int((load > 0).sum())


def test_months_and_hours_that_do_not_exist_are_refused_together() -> None:
    with pytest.raises(InvalidInputError) as caught:
        seasonal_statistics(0, 13, -1, 25)

    assert len(caught.value.problems) == 4


def test_golden_solar_figures_are_matched() -> None:
    cases = json.loads(shared_path("golden/sizing/other/solar_stats.json").read_text())["cases"]
    compared = 0

    for name, case in cases.items():
        if name == "zeros":
            values = np.zeros(24)
        else:
            values = np.asarray(read_profile(shared_path(f"data/solar_sites/{name}")).values)
        assert solar_statistics(values).to_dict() == pytest.approx(case["stats"], rel=1e-12, abs=0)
        compared += 1
    assert compared == 3


def test_a_short_load_has_a_short_daily_pattern() -> None:
    assert load_statistics([1.0, 3.0]).daily_pattern == (1.0, 3.0)


@pytest.mark.parametrize("values", [[], [[1.0]], ["x"], [1.0, float("nan")], None])
def test_a_series_that_is_none_is_refused(values: object) -> None:
    for function in (load_statistics, solar_statistics):
        with pytest.raises(InvalidInputError, match="a flat series"):
            function(values)  # type: ignore[arg-type]
