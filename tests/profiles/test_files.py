from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError, ProfileError
from afterbay.profiles import ProfileFileError, read_profile
from shared_data import shared_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERIES = (
    "bess_ageing_nasa_capacity.csv.gz",
    "bess_telemetry_leaf_cycling_10_24_40c.csv.gz",
    "bess_telemetry_leaf_discharge_1c.csv.gz",
    "bess_telemetry_leaf_discharge_2c.csv.gz",
    "bess_telemetry_leaf_hppc_25c.csv.gz",
    "bess_telemetry_leaf_hppc_40c.csv.gz",
    "bess_telemetry_nasa_discharge.csv.gz",
    "carbon_marginal_us_2023_1h.csv.gz",
    "houses_citylearn2022_1h.parquet",
    "load_doe_reference_buildings_1h.csv.gz",
    "load_industrial_1h.csv.gz",
    "load_steel_kr_2018_15min.csv.gz",
    "loads_houses_15min.parquet",
    "loads_houses_london_30min.parquet",
    "loads_ieee_european_lv_1day_1min.parquet",
    "price_dayahead_1h.csv.gz",
    "price_realtime_nsw_2025q1_5min.csv.gz",
    "solar_colorado_2023_1h.csv.gz",
    "solar_colorado_2023_30min.csv.gz",
    "solar_duesseldorf_2024_15min.csv.gz",
    "solar_greensboro_tmy3_1h.csv.gz",
    "solar_piedmont_pvgis_tmy_1h.csv.gz",
    "solar_sites/Burton Solar Profile.csv",
    "solar_sites/Solar Profile.csv",
)


@pytest.mark.parametrize("name", SERIES)
def test_every_series_of_the_data_folder_loads_untouched(name: str) -> None:
    profile = read_profile(shared_path(f"data/{name}"))

    report = profile.report
    assert report.changed == ()
    assert report.lines()[-1] == "changed: nothing"
    assert len(profile) == len(profile.frame) == report.rows_found
    assert report.rows_expected in (None, report.rows_found)
    assert np.isfinite(profile.values).all()
    assert report.column in report.numeric_columns
    json.dumps(report.to_dict())


def test_the_list_of_series_is_the_whole_data_folder() -> None:
    folder = shared_path("data")
    there = {
        str(path.relative_to(folder))
        for ending in ("*.csv", "*.csv.gz", "*.parquet")
        for path in folder.rglob(ending)
        if not path.name.endswith("_meta.csv")
    }

    assert there == set(SERIES)


@pytest.mark.parametrize(
    ("name", "step_min", "mwh"),
    [
        ("load_steel_kr_2018_15min.csv.gz", 15.0, 959.6),
        ("load_industrial_1h.csv.gz", 60.0, 959.6),
        ("solar_sites/Solar Profile.csv", 60.0, 87362.16),
        ("solar_sites/Burton Solar Profile.csv", 60.0, 10858.81),
    ],
)
def test_the_energy_of_a_file_is_what_its_description_says(name: str, step_min: float, mwh: float) -> None:
    profile = read_profile(shared_path(f"data/{name}"))

    assert profile.report.step_min == step_min
    assert profile.values.sum() * profile.dt_h == pytest.approx(mwh, rel=1e-4)


def test_a_wide_parquet_file_takes_seconds() -> None:
    path = shared_path("data/loads_houses_15min.parquet")
    begun = time.perf_counter()

    profile = read_profile(path)

    assert profile.frame.shape == (35_040, 85)
    assert time.perf_counter() - begun < 10.0


def test_negative_prices_are_legitimate() -> None:
    profile = read_profile(shared_path("data/price_dayahead_1h.csv.gz"), column="price_eur_per_mwh")

    assert profile.values.min() == -130.09
    assert profile.report.negatives == 126 + 97 + 146
    assert profile.report.quantity == "other"


def test_reading_twice_gives_the_same(write: Callable[..., Path], table: Callable[..., str]) -> None:
    path = write(table())

    one, two = read_profile(path), read_profile(path)

    assert one.report == two.report
    np.testing.assert_array_equal(one.values, two.values)


def test_values_cannot_be_written(write: Callable[..., Path], table: Callable[..., str]) -> None:
    with pytest.raises(ValueError, match="read-only"):
        read_profile(write(table())).values[0] = 1.0


def test_wrong_options_are_named_together(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_profile(tmp_path / "x.csv", gaps="guess", unit="GW", leap_day="no")  # type: ignore[arg-type]

    assert [problem.where for problem in caught.value.problems] == ["unit", "gaps", "leap_day"]


@pytest.mark.parametrize(
    ("name", "values", "outcome"),
    [
        ("label", ["x"] * 48, "no number column"),
        ("power", [1.0] * 30 + [""], "gaps"),
        ("load", [1.0] * 10, "10 rows"),
        ("load", ["x"] * 24 + [1] * 24, "no number column|text cells"),
        ("load", ["x"] * 3 + [1] * 24, "3 text cells"),
        ("mw", [1.0] * 30 + [-1.0], "1 negative values"),
    ],
)
def test_tables_the_original_refused_or_crashed_on_are_refused_cleanly(
    write: Callable[..., Path], name: str, values: list[object], outcome: str
) -> None:
    # The kinds of the golden file: no_numeric, nan, too_short, a TypeError (BUG-33), negative.
    text = f"n,{name}\n" + "".join(f"a,{value}\n" for value in values)

    with pytest.raises(ProfileError, match=outcome) as caught:
        read_profile(write(text), quantity="load")

    assert isinstance(caught.value, ProfileFileError)


def test_golden_tables_that_the_original_cut_or_repeated_are_read_whole(write: Callable[..., Path]) -> None:
    cases = json.loads(shared_path("golden/sizing/other/load_builder.json").read_text())["csv"]
    valid = [case for case in cases if case["result"].get("valid")]

    for case in valid:
        text = f"{case['column']}\n" + f"{case['first']}\n" * case["rows"]
        profile = read_profile(write(text), unit="MW", quantity="load")

        # Kinds truncate and repeat: nothing is cut or repeated silently here (F10).
        assert len(profile) == case["rows"]
        assert profile.values[0] == case["first"]
        assert profile.report.column == case["column"]
    assert {case["result"]["kind"] for case in valid} == {"ok", "repeat", "truncate"}


@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.text('0123456789,;.-: T\n\tabZ"+/', max_size=300).map(str.encode),
        st.lists(
            st.tuples(
                st.datetimes().map(lambda moment: moment.strftime("%d/%m/%Y %H:%M")),
                st.one_of(st.floats().map(str), st.sampled_from(["", "x", "1,5"])),
            ),
            max_size=12,
        ).map(lambda rows: ("time;load\n" + "".join(f"{a};{b}\n" for a, b in rows)).encode()),
    ),
    zone=st.sampled_from([None, "Europe/Berlin"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
def test_no_file_ends_in_the_error_of_another_library(tmp_path: Path, content: bytes, zone: str | None) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(content)

    try:
        values = read_profile(
            path, zone=zone, date_order="day_first", gaps="fill", unsorted="sort", negatives="keep"
        ).values
    except ProfileFileError:
        return
    assert np.isfinite(values).all()


def test_typed_files_with_holes_in_time_or_value_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "load.parquet"
    times = pd.DatetimeIndex(["2023-01-01", None, "2023-01-03"])
    pd.DataFrame({"time": times, "load_mw": [1.0, 2.0, 3.0]}).to_parquet(path)

    with pytest.raises(ProfileFileError, match=r"1 rows without a stamp \(row 2\)"):
        read_profile(path)

    pd.DataFrame({"load_mw": pd.array([1, None, 3], dtype="Int64")}).to_parquet(path)
    with pytest.raises(ProfileFileError, match="1 empty cells"):
        read_profile(path)

    pd.DataFrame({"load_mw": [1.0, float("inf"), 3.0]}).to_parquet(path)
    with pytest.raises(ProfileFileError, match="row 2: 'inf'"):
        read_profile(path)


def test_a_stray_stamp_far_away_makes_the_file_irregular(write: Callable[..., Path]) -> None:
    rows = "".join(f"2023-01-01 00:00:{second:02d},1\n" for second in range(30))

    profile = read_profile(write(f"time,load_mw\n{rows}2200-01-01 00:00:00,1\n"))

    assert profile.report.step_min == "irregular"
