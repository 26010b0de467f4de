from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.profiles import read_profile, resample

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("dt_h", [0.25 / 3, 0.25, 0.5, 1.0, 2.0, 24.0])
def test_a_change_of_step_keeps_the_energy(write: Callable[..., Path], table: Callable[..., str], dt_h: float) -> None:
    values = np.random.default_rng(7).uniform(0, 9, 192).tolist()
    profile = read_profile(write(table(values=values, minutes=15)))

    changed = resample(profile, dt_h)

    assert changed.values.sum() * dt_h == pytest.approx(profile.values.sum() * 0.25, rel=1e-12)
    assert len(changed) == round(192 * 0.25 / dt_h) == len(changed.frame) == changed.report.rows_expected
    np.testing.assert_allclose(changed.frame["load_mw"], changed.values)
    assert changed.dt_h == dt_h
    assert changed.start == profile.start
    steps = np.unique(np.diff(changed.frame.index.to_numpy()))
    assert steps.tolist() in ([], [pd.Timedelta(hours=dt_h).value])


def test_a_change_of_step_is_stated_and_the_same_step_is_not(
    write: Callable[..., Path], table: Callable[..., str]
) -> None:
    profile = read_profile(write(table(minutes=15)))

    assert resample(profile, 1.0).report.changed == ("step changed from 15 to 60 min: mean of 4 rows",)
    assert resample(profile, 0.125).report.changed == ("step changed from 15 to 7.5 min: each row held for 2 steps",)
    assert resample(profile, 0.25) is profile


def test_rows_without_stamps_resample_too(write: Callable[..., Path]) -> None:
    profile = read_profile(write("load_mw\n" + "".join(f"{i}\n" for i in range(48))), dt_h=0.5)

    assert resample(profile, 1.0).values[:3].tolist() == [0.5, 2.5, 4.5]
    assert resample(profile, 0.25).values[:4].tolist() == [0, 0, 1, 1]


def test_a_step_with_a_missing_part_stays_missing(write: Callable[..., Path], table: Callable[..., str]) -> None:
    hourly = resample(read_profile(write(table(minutes=15, drop=[5])), gaps="keep"), 1.0)

    assert np.isnan(hourly.values).nonzero()[0].tolist() == [1]


@pytest.mark.parametrize("dt_h", [0.4, 0.0, -1.0, float("nan"), 7.0])
def test_a_step_that_does_not_fit_is_refused(
    write: Callable[..., Path], table: Callable[..., str], dt_h: float
) -> None:
    with pytest.raises(InvalidInputError):
        resample(read_profile(write(table())), dt_h)


def test_rows_across_a_left_out_day_are_not_averaged(write: Callable[..., Path], table: Callable[..., str]) -> None:
    from datetime import datetime

    path = write(table(rows=72, start=datetime(2024, 2, 28, 1), drop=range(23, 47)))

    with pytest.raises(InvalidInputError, match="a jump in time"):
        resample(read_profile(path), 2.0)


def test_irregular_rows_have_no_step_to_change(write: Callable[..., Path]) -> None:
    with pytest.raises(InvalidInputError, match="no known step"):
        resample(read_profile(write("load_mw\n1\n2\n")), 1.0)
