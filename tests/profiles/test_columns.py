from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from afterbay.profiles import ProfileFileError, read_profile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WIDE = "time,ghi_w_per_m2,solar_mw,load_kw,Demand_MW\n" + "".join(
    f"2023-01-{d:02d} 00:00,{d},{d + 1},{d + 2},{d + 3}\n" for d in range(1, 29)
)


@pytest.mark.parametrize(("quantity", "expected"), [("load", "Demand_MW"), ("solar", "solar_mw"), (None, "Demand_MW")])
def test_the_preferred_column_depends_on_what_is_asked_for(
    write: Callable[..., Path], quantity: str | None, expected: str
) -> None:
    profile = read_profile(write(WIDE), quantity=quantity)  # type: ignore[arg-type]

    assert profile.report.column == expected
    assert profile.report.column_reason.startswith("the first column")
    assert "ghi_w_per_m2" in profile.report.column_reason


def test_another_column_can_be_picked(write: Callable[..., Path]) -> None:
    profile = read_profile(write(WIDE), column="load_kw")

    assert profile.values[0] == 0.003
    assert profile.frame["load_kw"].iloc[0] == 3
    assert list(profile.frame.columns) == ["ghi_w_per_m2", "solar_mw", "load_kw", "Demand_MW"]


def test_a_column_that_is_not_there_is_answered_with_those_that_are(write: Callable[..., Path]) -> None:
    with pytest.raises(ProfileFileError, match="allowed: ghi_w_per_m2, solar_mw, load_kw, Demand_MW"):
        read_profile(write(WIDE), column="wind")


def test_a_file_without_numbers_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(ProfileFileError, match="no number column"):
        read_profile(write("label\nx\ny\n"))


def test_text_in_a_number_column_is_listed_by_row(write: Callable[..., Path]) -> None:
    path = write("load\n1\nx\n2\n3\nn.v.\n4\n5\n")

    with pytest.raises(ProfileFileError) as caught:
        read_profile(path)

    assert "2 text cells (row 3: 'x', row 6: 'n.v.')" in str(caught.value)
    assert [(cell.row, cell.text) for cell in caught.value.report.text_cells] == [(3, "x"), (6, "n.v.")]
    assert caught.value.report.gaps.count == 0


def test_text_in_another_column_is_a_warning(write: Callable[..., Path]) -> None:
    profile = read_profile(write("load_mw,other_mw\n1,1\n2,bad\n3,3\n4,4\n"))

    assert profile.frame["other_mw"].isna().sum() == 1
    assert any("text cells in other_mw" in warning for warning in profile.report.warnings)


def test_infinity_is_no_number(write: Callable[..., Path]) -> None:
    with pytest.raises(ProfileFileError, match="1 text cells"):
        read_profile(write("load_mw\n1\ninf\n3\n"))


@pytest.mark.parametrize(
    ("name", "unit", "first_mw"),
    [("load_mw", "MW", 500.0), ("load_kw", "kW", 0.5), ("Load [W]", "W", 0.0005), ("load_kwh", "kWh", 1.0)],
)
def test_the_unit_in_the_name_is_taken(
    write: Callable[..., Path], table: Callable[..., str], name: str, unit: str, first_mw: float
) -> None:
    profile = read_profile(write(table(minutes=30, values=[500] * 48, name=name)))

    assert profile.report.unit == unit
    assert profile.report.unit_reason == "from the column name"
    assert profile.values[0] == first_mw
    assert profile.report.values_unit == "MW"


@pytest.mark.parametrize(("value", "unit"), [(900, "MW"), (90_000, "kW"), (9_000_000, "W")])
def test_without_a_unit_in_the_name_the_size_is_a_guess_that_warns(
    write: Callable[..., Path], table: Callable[..., str], value: int, unit: str
) -> None:
    profile = read_profile(write(table(values=[value] * 48, name="load")))

    assert profile.report.unit == unit
    assert any("a guess" in warning and "unit=" in warning for warning in profile.report.warnings)


def test_a_stated_unit_wins_over_the_name(write: Callable[..., Path], table: Callable[..., str]) -> None:
    profile = read_profile(write(table(values=[8] * 48, minutes=15, name="load_mw")), unit="kWh")

    assert profile.values[0] == 0.032
    assert profile.report.unit_reason == "as given"


def test_a_price_keeps_its_unit_and_may_be_negative(write: Callable[..., Path], table: Callable[..., str]) -> None:
    profile = read_profile(write(table(values=[-5.0, 5.0] * 24, name="price_eur_per_mwh")))

    assert profile.values[0] == -5.0
    assert profile.report.values_unit == "as in the file (price_eur_per_mwh)"
    assert any("allowed" in warning for warning in profile.report.warnings)
