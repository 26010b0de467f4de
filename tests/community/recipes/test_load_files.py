from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from afterbay.community.recipes import FILL_RULES, ProfileLibrary, fill_gaps, from_file
from afterbay.core.errors import InvalidInputError, ProfileError
from afterbay.core.timeline import Timeline

START = datetime(2024, 1, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def write(
    folder: Path,
    values: Sequence[float | None],
    *,
    minutes: int = 60,
    column: str = "load_kwh",
    zone: str = "Z",
    start: datetime = START,
) -> Path:
    path = folder / "load.csv"
    lines = [f"timestamp,{column}"]
    for row, value in enumerate(values):
        moment = start + timedelta(minutes=minutes * row)
        lines.append(f"{moment:%Y-%m-%dT%H:%M}{zone},{'' if value is None else value}")
    path.write_text("\n".join(lines) + "\n")
    return path


def read_quarters(profile_path: Path, count: int, **options: object) -> np.ndarray:
    profile = from_file("load", profile_path, **options)  # type: ignore[arg-type]
    reader = ProfileLibrary([profile]).reader(["load"], Timeline(START, QUARTER, count), "UTC")
    return reader.read(0, count).reshape(-1)


def test_hourly_energy_is_split_so_that_energy_is_kept(tmp_path: Path) -> None:
    # Defect 1 of the original: hourly kWh were interpolated onto quarter hours and made four times the energy.
    hourly_kwh = list(np.random.default_rng(3).uniform(0.1, 2.0, 48))

    kw = read_quarters(write(tmp_path, [float(value) for value in hourly_kwh]), 192)

    assert kw.sum() * 0.25 == pytest.approx(sum(hourly_kwh), rel=1e-12)
    assert (kw.reshape(-1, 4).sum(axis=1) * 0.25) == pytest.approx(hourly_kwh, rel=1e-12)


def test_hourly_power_is_held(tmp_path: Path) -> None:
    # The example file of the original is hourly kW.
    kw = read_quarters(write(tmp_path, [float(row % 5) for row in range(24)], column="load_kw"), 96)

    assert kw.tolist() == [float(row % 5) for row in range(24) for _ in range(4)]


def test_finer_energy_is_added_up(tmp_path: Path) -> None:
    five_minutes = [0.1] * (24 * 12)

    kw = read_quarters(write(tmp_path, list(five_minutes), minutes=5), 96)

    assert kw == pytest.approx(1.2)


def test_a_column_without_a_unit_is_a_house_in_kilowatts(tmp_path: Path) -> None:
    profile = from_file("a", write(tmp_path, [3.0] * 24, column="value"))

    assert profile.values.tolist() == [3.0] * 24
    assert any("taken as kW" in note for note in profile.notes)


def test_the_import_report_comes_along(tmp_path: Path) -> None:
    profile = from_file("a", write(tmp_path, [1.0] * 24))

    assert profile.report is not None
    assert profile.report.rows_found == 24
    assert profile.start == START


@pytest.mark.parametrize("rule", [rule for rule in FILL_RULES if rule not in ("reject", "previous_week")])
def test_a_gap_is_filled_by_the_chosen_rule_and_reported(tmp_path: Path, rule: str) -> None:
    values: list[float | None] = [1.0 + (row % 24) / 10.0 for row in range(72)]
    values[40:43] = [None] * 3

    profile = from_file("a", write(tmp_path, values), fill=rule)  # type: ignore[arg-type]

    assert np.isfinite(profile.values).all()
    assert any(f"3 steps in 1 gaps filled by the rule {rule}" in note for note in profile.notes)
    known = np.array([value is not None for value in values])
    assert profile.values[known] == pytest.approx([value for value in values if value is not None])


def test_without_a_rule_a_gap_is_refused_with_its_place(tmp_path: Path) -> None:
    values: list[float | None] = [1.0] * 48
    values[10] = None

    with pytest.raises(ProfileError, match="10:00"):
        from_file("a", write(tmp_path, values))


def test_a_gap_longer_than_allowed_is_refused(tmp_path: Path) -> None:
    values: list[float | None] = [1.0] * 96
    values[30:60] = [None] * 30

    with pytest.raises(ProfileError, match="at most 24 h"):
        from_file("a", write(tmp_path, values), fill="linear")
    assert len(from_file("a", write(tmp_path, values), fill="linear", longest_fill_h=30)) == 96


def test_fill_rules_do_what_their_names_say() -> None:
    day = np.arange(24.0)
    values = np.tile(day, 15)
    gap = slice(24 * 8 + 5, 24 * 8 + 8)
    holed = values.copy()
    holed[gap] = np.nan

    def filled(rule: str) -> list[float]:
        result, _ = fill_gaps(holed, rule, dt_h=1.0, longest_h=24.0, where="x")  # type: ignore[arg-type]
        return [round(value, 9) for value in result[gap].tolist()]

    assert filled("linear") == filled("previous_day") == filled("previous_week") == [5.0, 6.0, 7.0]
    assert filled("pchip") == filled("akima") == [5.0, 6.0, 7.0]
    assert filled("hold") == [4.0, 4.0, 4.0]
    assert filled("zero") == [0.0, 0.0, 0.0]


def test_a_curve_that_swings_below_zero_is_cut_and_told() -> None:
    values = np.array([9.0, 9.0, 0.0, np.nan, np.nan, 0.0, 9.0, 9.0])

    filled, said = fill_gaps(values, "spline", dt_h=1.0, longest_h=24.0, where="x")

    assert filled.min() == 0.0
    assert "below zero" in said[1]


@pytest.mark.parametrize("rule", ["linear", "hold", "previous_day"])
def test_a_gap_that_a_rule_cannot_reach_is_refused(rule: str) -> None:
    values = np.array([np.nan, *np.ones(47)])

    with pytest.raises(ProfileError, match="at an end"):
        fill_gaps(values, rule, dt_h=1.0, longest_h=24.0, where="x")  # type: ignore[arg-type]


def test_a_left_out_29_february_is_a_gap_and_not_a_joint(tmp_path: Path) -> None:
    # Defect 5 of the original: rows were joined by position, so that a missing day shifted the rest of the year.
    start = datetime(2024, 2, 27, tzinfo=UTC)
    rows = [start + timedelta(hours=hour) for hour in range(24 * 5)]
    kept = [moment for moment in rows if (moment.month, moment.day) != (2, 29)]
    path = tmp_path / "load.csv"
    path.write_text("time,load_kw\n" + "".join(f"{moment:%Y-%m-%dT%H:%MZ},{moment.day}\n" for moment in kept))

    with pytest.raises(ProfileError, match="1 gaps, 24 steps"):
        from_file("a", path)
    profile = from_file("a", path, fill="previous_day")

    assert profile.values.reshape(-1, 24).mean(axis=1).tolist() == [27.0, 28.0, 28.0, 1.0, 2.0]


def test_ninety_six_rows_without_stamps_are_a_typical_day(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text("load_kw\n" + "1.5\n" * 96)

    profile = from_file("a", path, calendar="day", dt_h=0.25)

    assert profile.calendar == "day"
    assert profile.values.tolist() == [1.5] * 96


def test_stamps_without_a_zone_need_one(tmp_path: Path) -> None:
    path = write(tmp_path, [1.0] * 24, zone="")

    with pytest.raises(ProfileError, match="zone="):
        from_file("a", path)

    assert from_file("a", path, zone="Europe/Berlin").start == START - timedelta(hours=1)


def test_a_typical_year_must_begin_at_new_year(tmp_path: Path) -> None:
    path = write(tmp_path, [1.0] * 8760, column="load_kw", start=datetime(2023, 2, 1, tzinfo=UTC))

    with pytest.raises(ProfileError, match="1 January"):
        from_file("a", path, calendar="year")


def test_a_leap_year_becomes_a_typical_year_without_its_29_february(tmp_path: Path) -> None:
    path = write(tmp_path, [1.0] * 8784, column="load_kw")

    profile = from_file("a", path, calendar="year")

    assert len(profile) == 8760
    assert any("29 February dropped" in note for note in profile.notes)


def test_a_negative_load_is_refused_or_set_to_zero_as_asked(tmp_path: Path) -> None:
    path = write(tmp_path, [1.0] * 23 + [-1.0], column="load_kw")

    with pytest.raises(ProfileError, match="negative"):
        from_file("a", path)

    assert from_file("a", path, negatives="zero").values[-1] == 0.0


def test_solar_of_a_known_size_becomes_yield_per_kilowatt(tmp_path: Path) -> None:
    path = write(tmp_path, [4.0] * 24, column="solar_kw")

    profile = from_file("a", path, quantity="solar", per_kw=8.0)

    assert profile.unit == "kW/kW"
    assert profile.values.tolist() == [0.5] * 24


def test_another_file_under_the_same_name_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path, [1.0] * 24)
    text = ProfileLibrary([from_file("a", path)]).to_json()
    assert ProfileLibrary.from_recipes(text).digest("a") == from_file("a", path).digest

    write(tmp_path, [2.0] * 24)

    with pytest.raises(InvalidInputError, match="the file that the recipe was made with"):
        ProfileLibrary.from_recipes(text)


@pytest.mark.parametrize(
    "options", [{"fill": "guess"}, {"calendar": "month"}, {"scale": 0.0}, {"per_kw": -1}, {"longest_fill_h": 0}]
)
def test_an_unknown_option_is_refused_with_what_is_allowed(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(options))):
        from_file("a", write(tmp_path, [1.0] * 24), **options)  # type: ignore[arg-type]


def test_a_missing_file_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="No such file"):
        from_file("a", tmp_path / "none.csv")
