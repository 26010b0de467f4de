from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError, NotFoundError
from afterbay.profiles import (
    LOAD_MODES,
    LOAD_PRESETS,
    LoadStatistics,
    ProfileFileError,
    build_load_profile,
    load_statistics,
    preset,
)
from shared_data import shared_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOURS = st.integers(0, 24)
MW = st.floats(0, 500)


def assert_same(found: LoadStatistics, golden: dict[str, Any]) -> None:
    figures = found.to_dict()
    assert figures.keys() == golden.keys()
    for key, value in golden.items():
        assert figures[key] == pytest.approx(value, rel=1e-12, abs=0), key


def test_golden_loads_are_matched_to_the_bit() -> None:
    cases = json.loads(shared_path("golden/sizing/other/load_builder.json").read_text())["profiles"]
    arrays = np.load(shared_path("golden/sizing/other/load_arrays.npz"))
    compared = 0

    for case in cases:
        if case["mode"] not in LOAD_MODES or case["mode"] == "csv":
            # The original answered an unknown mode, and csv without data, with a load of zero:
            # a year without load looks like a result. Ours says what is missing.
            assert not arrays[case["key"]].any()
            with pytest.raises(InvalidInputError):
                build_load_profile(case["mode"], case["params"], case["num_hours"])
            continue
        load = build_load_profile(case["mode"], case["params"], case["num_hours"])
        assert load.tobytes() == arrays[case["key"]].tobytes(), case["key"]
        compared += 1
    assert compared == 22


def test_golden_analysis_is_matched() -> None:
    golden = json.loads(shared_path("golden/sizing/other/load_builder.json").read_text())
    cases = [c for c in golden["profiles"] if c["mode"] in LOAD_MODES and c["mode"] != "csv"]
    presets = {name: result for name, result in golden["presets"].items() if name in LOAD_PRESETS}

    for case in cases:
        found = load_statistics(build_load_profile(case["mode"], case["params"], case["num_hours"]))
        assert_same(found, case["analysis"])
    for name, result in presets.items():
        assert_same(load_statistics(preset(name)), result)
    assert presets.keys() == LOAD_PRESETS.keys()


def test_an_unknown_mode_lists_the_modes() -> None:
    with pytest.raises(InvalidInputError, match="constant, day_only, night_only, seasonal, custom, csv"):
        build_load_profile("weekend", {})


def test_an_unknown_preset_lists_the_presets() -> None:
    # The original gave a constant 25 MW instead.
    with pytest.raises(NotFoundError, match="two_shift"):
        preset("nope")


def test_night_only_uses_its_own_window_and_refuses_the_day_window() -> None:
    # BUG-16: the original passed the day window on, and simulated it.
    night = build_load_profile("night_only", {"mw": 10.0}, 24)

    assert night.nonzero()[0].tolist() == [*range(6), *range(18, 24)]
    with pytest.raises(InvalidInputError, match=r"params.day_start.*for night_only: mw, start, end"):
        build_load_profile("night_only", {"mw": 10.0, "day_start": 6})


def test_equal_hours_are_an_empty_window_everywhere() -> None:
    # BUG-32: builder and statistics disagreed.
    assert not build_load_profile("day_only", {"start": 8, "end": 8}, 48).any()
    assert not build_load_profile("seasonal", {"day_start": 8, "day_end": 8}).any()


@pytest.mark.parametrize(
    ("mode", "params", "where"),
    [
        ("constant", {"mw": -1.0}, ["mw"]),
        ("constant", {"mw": float("nan")}, ["mw"]),
        ("constant", {"mw": float("inf")}, ["mw"]),
        ("constant", {"mw": "25"}, ["mw"]),
        ("constant", {"mw": True}, ["mw"]),
        ("day_only", {"mw": -1, "start": 25, "end": 6.5}, ["mw", "start", "end"]),
        (
            "seasonal",
            {"start_month": 0, "end_month": 13, "day_end": -1},
            ["start_month", "end_month", "day_end"],
        ),
        ("custom", {"windows": "6-18"}, ["windows"]),
        ("custom", {"windows": [{"mw": 1}, {"mw": -1, "until": 3}]}, ["windows[1].until", "windows[1].mw"]),
        ("csv", {}, ["params"]),
        ("csv", {"data": [1, -2, float("nan")]}, ["data"]),
        ("csv", {"data": ["x", 1]}, ["data"]),
        ("csv", {"data": []}, ["data"]),
        ("csv", {"data": [1], "path": "x.csv"}, ["params"]),
        ("csv", {"data": [1], "zone": "UTC", "fit": "stretch"}, ["fit", "params.zone"]),
    ],
)
def test_all_problems_of_the_parameters_are_named(mode: str, params: dict[str, Any], where: list[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        build_load_profile(mode, params)

    assert [problem.where for problem in caught.value.problems] == where


@pytest.mark.parametrize("num_hours", [0, -5, 1.5, True])
def test_a_length_that_is_no_number_of_hours_is_refused(num_hours: Any) -> None:
    with pytest.raises(InvalidInputError, match="num_hours"):
        build_load_profile("constant", {}, num_hours)


@settings(deadline=None)
@given(mw=MW, start=HOURS, end=HOURS, first=st.integers(1, 12), last=st.integers(1, 12))
def test_a_built_load_is_never_negative_never_above_its_power_and_always_the_same(
    mw: float, start: int, end: int, first: int, last: int
) -> None:
    season = {"mw": mw, "start_month": first, "end_month": last, "day_start": start, "day_end": end}

    for mode, params in (
        ("constant", {"mw": mw}),
        ("day_only", {"mw": mw, "start": start, "end": end}),
        ("seasonal", season),
        ("custom", {"windows": [{"mw": mw, "start": start, "end": end}]}),
    ):
        load = build_load_profile(mode, params)
        assert load.shape == (8760,)
        assert set(np.unique(load)) <= {0.0, mw}
        np.testing.assert_array_equal(load, build_load_profile(mode, params))


@settings(deadline=None)
@given(start=HOURS, end=HOURS)
def test_a_window_and_its_opposite_make_the_whole_day(start: int, end: int) -> None:
    one = build_load_profile("day_only", {"mw": 1.0, "start": start, "end": end}, 24)
    other = build_load_profile("night_only", {"mw": 1.0, "start": end, "end": start}, 24)

    assert (one + other).tolist() == [0.0 if start == end else 1.0] * 24


def test_a_series_fits_or_is_cut_or_repeated_only_when_asked() -> None:
    day = list(range(24))

    assert build_load_profile("csv", {"data": day}, 24).tolist() == day
    assert build_load_profile("csv", {"data": day, "fit": "repeat"}, 50)[24:].tolist() == [*day, 0, 1]
    assert build_load_profile("csv", {"data": day, "fit": "cut"}, 5).tolist() == day[:5]
    with pytest.raises(InvalidInputError, match='24 h, allowed: 50 h -> say fit="repeat"'):
        build_load_profile("csv", {"data": day}, 50)
    with pytest.raises(InvalidInputError, match='say fit="cut"'):
        build_load_profile("csv", {"data": day}, 5)
    with pytest.raises(InvalidInputError, match="'cut' for 24 h"):
        build_load_profile("csv", {"data": day, "fit": "cut"}, 50)
    with pytest.raises(InvalidInputError, match="'repeat' for 24 h"):
        build_load_profile("csv", {"data": day, "fit": "repeat"}, 5)


def test_a_file_of_quarter_hours_becomes_hours_of_the_same_energy(
    write: Callable[..., Path], table: Callable[..., str]
) -> None:
    path = write(table(rows=96, minutes=15, values=range(96), name="load_kw"))

    load = build_load_profile("csv", {"path": path}, 24)

    assert load.sum() == pytest.approx(sum(range(96)) * 0.25 / 1000)


def test_a_defective_file_is_refused_with_its_report(write: Callable[..., Path], table: Callable[..., str]) -> None:
    path = write(table(drop=[5]))

    with pytest.raises(ProfileFileError, match="1 missing rows"):
        build_load_profile("csv", {"path": path}, 48)
    assert build_load_profile("csv", {"path": path, "gaps": "fill"}, 48)[5] == 15.0
    with pytest.raises(InvalidInputError, match="hours without a value"):
        build_load_profile("csv", {"path": path, "gaps": "keep"}, 48)


def test_a_file_of_prices_is_no_load(write: Callable[..., Path], table: Callable[..., str]) -> None:
    path = write(table(name="price_eur_per_mwh"))

    with pytest.raises(InvalidInputError, match="a power"):
        build_load_profile("csv", {"path": path}, 48)


def test_rows_without_stamps_are_hours(write: Callable[..., Path]) -> None:
    assert build_load_profile("csv", {"path": write("load_mw\n" + "3\n" * 30)}, 30).tolist() == [3.0] * 30
