from __future__ import annotations

import sys
import warnings
from datetime import date
from typing import Any

import numpy as np
import pytest

from afterbay.core.errors import InvalidInputError, MissingExtraError
from afterbay.profiles import STANDARD_LOADS, standard_load_profile


@pytest.mark.parametrize("kind", STANDARD_LOADS)
@pytest.mark.parametrize(("year", "dt_h", "rows"), [(2023, 0.25, 35_040), (2024, 1.0, 8784)])
def test_the_energy_of_the_year_is_what_was_asked(kind: str, year: int, dt_h: float, rows: int) -> None:
    load = standard_load_profile(kind, 4_321.0, year, dt_h=dt_h)

    assert load.values.shape == (rows,)
    assert load.values.sum() * dt_h == pytest.approx(4_321.0, rel=1e-12)
    assert load.values.min() >= 0.0
    assert load.start.isoformat() == f"{year}-01-01T00:00:00+01:00"


def test_people_get_up_by_the_clock_and_rows_stay_in_standard_time() -> None:
    load = standard_load_profile("h0", 1_000.0, 2024)
    days = np.asarray(load.values).reshape(366, 96)
    # 24 and 31 March 2024 are Sundays of one season; on the second the clock goes forward at 02:00.
    before, after = days[83], days[90]

    np.testing.assert_allclose(after[12:80], before[16:84], rtol=1e-12)
    assert not np.allclose(after[12:80], before[12:80], rtol=1e-3)


def test_a_holiday_is_a_sunday() -> None:
    plain = np.asarray(standard_load_profile("g1", 1_000.0, 2023).values).reshape(365, 96)
    free = np.asarray(standard_load_profile("g1", 1_000.0, 2023, holidays=[date(2023, 1, 6)]).values).reshape(365, 96)

    # 6 January 2023 is a Friday, 8 January a Sunday.
    np.testing.assert_allclose(free[5], free[7])
    assert plain[5].sum() > 2 * free[5].sum()


def test_hours_are_the_means_of_their_quarters() -> None:
    quarters = standard_load_profile("g0", 500.0, 2024)
    hours = standard_load_profile("G0", 500.0, 2024, dt_h=1.0)

    np.testing.assert_allclose(hours.values, quarters.values.reshape(-1, 4).mean(axis=1), rtol=1e-12)
    assert hours.kind == "g0"


def test_the_warnings_of_the_process_are_left_alone() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        before = list(warnings.filters)
        standard_load_profile("h0_dyn", 1.0, 2023)
        assert list(warnings.filters) == before


def test_an_unknown_kind_lists_the_kinds() -> None:
    with pytest.raises(InvalidInputError) as caught:
        standard_load_profile("h1", 1.0, 2023)

    assert caught.value.problems[0].allowed == ", ".join(STANDARD_LOADS)


def test_all_problems_are_named() -> None:
    wrong: Any = ["1 May"]

    with pytest.raises(InvalidInputError) as caught:
        standard_load_profile("x", float("nan"), 1900, holidays=wrong, dt_h=0.5)

    assert [p.where for p in caught.value.problems] == ["kind", "annual_mwh", "year", "dt_h", "holidays"]


def test_without_demandlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "demandlib", None)

    with pytest.raises(MissingExtraError, match=r"afterbay\[bdew\]"):
        standard_load_profile("h0", 1.0, 2023)
