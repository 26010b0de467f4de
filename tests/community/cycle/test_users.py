"""The input file: what is taken, what is filled in and said, what is refused and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from community_cycle import HEADER, an_id, make_users, random_users, write_lines

from afterbay.community.cycle import export_users, read_users
from afterbay.community.cycle.users import locate, parse_ids
from afterbay.core.errors import InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "400.0,12,13.5,5.0,4"


def refused(path: Path, *words: str) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read_users(path)
    message = str(caught.value)
    for word in words:
        assert word in message
    return message


def test_a_file_of_version_one_is_read_with_all_six_columns(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "users_input_20240911_141500.csv", [HEADER, f"{an_id(1)},{GOOD}"])

    users, report = (got := read_users(path)).users, got.report

    assert users.user_id.tolist() == [an_id(1).encode()]
    assert users.nameplate_kw.tolist() == [4.8]
    assert users.battery_capacity_kwh.tolist() == [13.5]
    assert users.inverter_capacity_kw.tolist() == [5.0]
    assert users.household_size.tolist() == [4.0]
    assert users.max_charge_kw.tolist() == users.max_discharge_kw.tolist() == [6.75]
    assert (report.version, report.rows, report.kept, report.defaulted, report.notices) == (1, 1, 1, {}, ())


def test_empty_cells_get_the_documents_defaults_and_each_is_reported_by_row(tmp_path: Path) -> None:
    rows = [f"{an_id(1)},{GOOD}", f"{an_id(2)},,8,,,", f"{an_id(3)},350.0,,10.0,3.5,2"]
    got = read_users(write_lines(tmp_path / "u.csv", [HEADER, *rows]))

    assert got.users.panel_wattage.tolist() == [400.0, 350.0]
    assert got.users.battery_capacity_kwh.tolist() == [13.5, 0.0]
    assert got.users.inverter_capacity_kw.tolist() == [5.0, 5.0]
    assert got.users.household_size.tolist() == [4.0, 3.0]
    assert got.report.defaults_of(3) == (
        "panel_wattage", "battery_capacity_kwh", "inverter_capacity_kw", "household_size",
    )  # fmt: skip
    assert got.report.defaults_of(4) == ("panel_count",)
    assert got.report.filtered.tolist() == [4]
    assert any("panel_wattage was empty, taken as 350.0 W: line 3" in line for line in got.report.lines())
    assert any("left out, panel_count is not above 0: line 4" in line for line in got.report.lines())


def test_version_one_leaves_consumers_out_and_version_two_keeps_them(tmp_path: Path) -> None:
    rows = [f"{an_id(1)},{GOOD}", f"{an_id(2)},350.0,0,0.0,5.0,2"]
    first = read_users(write_lines(tmp_path / "v1.csv", [HEADER, *rows]))
    second = read_users(write_lines(tmp_path / "v2.csv", [f"{HEADER},cluster", *(f"{row},north" for row in rows)]))

    assert (len(first.users), first.report.version) == (1, 1)
    assert (len(second.users), second.report.version) == (2, 2)
    assert second.users.cluster.tolist() == ["north", "north"]


def test_version_two_carries_state_limits_efficiencies_and_place(tmp_path: Path) -> None:
    header = (
        f"{HEADER},soc_start_kwh,min_soc,max_soc,max_charge_kw,max_discharge_kw,charge_efficiency,"
        "discharge_efficiency,latitude,longitude,tilt_deg,azimuth_deg,cluster,weather_id"
    )
    users = make_users(
        tmp_path, [f"{GOOD},6.5,0.1,0.9,3,4,0.97,0.96,48.5,7.9,20,90,c1,w1", f"{GOOD}" + "," * 13], header
    )

    assert users.soc_start_kwh[0] == 6.5
    assert np.isnan(users.soc_start_kwh[1])
    assert (users.min_soc.tolist(), users.max_soc.tolist()) == ([0.1, 0.2], [0.9, 0.95])
    assert (users.max_charge_kw.tolist(), users.max_discharge_kw.tolist()) == ([3.0, 6.75], [4.0, 6.75])
    assert (users.charge_efficiency.tolist(), users.discharge_efficiency.tolist()) == ([0.97, 0.95], [0.96, 0.95])
    assert (users.latitude[0], users.longitude[0], users.tilt_deg[0], users.azimuth_deg[0]) == (48.5, 7.9, 20.0, 90.0)
    assert (users.cluster.tolist(), users.weather_id.tolist()) == (["c1", ""], ["w1", ""])


def test_soc_start_is_also_taken_under_its_short_name(tmp_path: Path) -> None:
    users = make_users(tmp_path, [f"{GOOD},6.5"], f"{HEADER},soc_start")

    assert users.soc_start_kwh.tolist() == [6.5]


def test_columns_in_another_order_are_read_by_name_and_the_report_says_so(tmp_path: Path) -> None:
    header = "household_size,user_id,panel_count,panel_wattage,inverter_capacity_kw,battery_capacity_kwh"
    got = read_users(write_lines(tmp_path / "u.csv", [header, f"4,{an_id(1)},12,400.0,5.0,13.5"]))

    assert got.users.nameplate_kw.tolist() == [4.8]
    assert got.users.battery_capacity_kwh.tolist() == [13.5]
    assert any("another order" in notice for notice in got.report.notices)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (HEADER.replace(",panel_count", ""), "Missing column: panel_count"),
        (f"{HEADER},soc_strat", "Unknown column: soc_strat"),
        (f"{HEADER},panel_count", "Duplicated column: panel_count"),
        (HEADER.replace(",", ";"), "columns separated by another sign"),
        (f"{HEADER},soc_start,soc_start_kwh", "soc_start and soc_start_kwh"),
    ],
)
def test_missing_extra_and_duplicated_columns_are_named(tmp_path: Path, header: str, words: str) -> None:
    refused(write_lines(tmp_path / "u.csv", [header]), words)


def test_a_mistyped_column_gets_a_suggestion(tmp_path: Path) -> None:
    refused(write_lines(tmp_path / "u.csv", [f"{HEADER},soc_strat_kwh"]), "did you mean soc_start_kwh?")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("-400.0,12,13.5,5.0,4", "line 3 panel_wattage: got '-400.0'"),
        ("400.0,12.5,13.5,5.0,4", "line 3 panel_count: got '12.5', allowed: a whole number"),
        ("400.0,twelve,13.5,5.0,4", "line 3 panel_count: got 'twelve'"),
        ("NaN,12,13.5,5.0,4", "line 3 panel_wattage: got 'NaN'"),
        ("400.0,12,inf,5.0,4", "line 3 battery_capacity_kwh: got 'inf'"),
        ("400.0,12,13.5,5_0,4", "line 3 inverter_capacity_kw: got '5_0'"),
        ("400.0,12,13.5,5.0,-1", "line 3 household_size: got '-1'"),
        ("400.0,1,2,13,5.0,4", "line 3: got rows with too many cells"),
        ("400.0,12", "line 3: got the last row cut short"),
    ],
)
def test_a_bad_cell_is_named_by_line_and_column(tmp_path: Path, row: str, words: str) -> None:
    lines = [HEADER, f"{an_id(1)},{GOOD}", f"{an_id(2)},{row}"]

    refused(write_lines(tmp_path / "u.csv", lines), words)


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ("b2c3d4e5-f6g7-8901-2345-678901bcdefg", "'g' as character 12"),
        ("a1b2c3d4e5f6-7890-1234-567890abcdef", "35 characters"),
        ("a1b2c3d4-e5f6-7890-1234-567890abcdeff", "37 characters"),
        ("a1b2c3d4e-5f6-7890-1234-567890abcdef", "'e' as character 9"),
        ("", "0 characters"),
        ("a1b2c3d4-e5f6-7890-1234-567890abcdé", "35 characters"),
    ],
)
def test_an_id_that_is_no_uuid_is_refused_without_being_repeated(tmp_path: Path, identity: str, words: str) -> None:
    path = write_lines(tmp_path / "u.csv", [HEADER, f"{identity},{GOOD}"])

    message = refused(path, words, "line 2 user_id")

    assert not identity or identity not in message


def test_a_user_that_stands_twice_is_refused_also_in_capitals(tmp_path: Path) -> None:
    lines = [HEADER, f"{an_id(1)},{GOOD}", f"{an_id(2)},{GOOD}", f"{an_id(1).upper()},{GOOD}"]

    message = refused(write_lines(tmp_path / "u.csv", lines), "line 4 user_id", "stands further up")

    assert an_id(1) not in message.lower()


def test_all_problems_of_a_file_come_together(tmp_path: Path) -> None:
    lines = [HEADER, "no-id,-1,1.5,x,5.0,4", f"{an_id(1)},{GOOD}", *(f"{an_id(9 + n)},-5,1,0,5,3" for n in range(9))]

    message = refused(write_lines(tmp_path / "u.csv", lines), "user_id", "panel_count", "battery_capacity_kwh")

    assert "lines 2, 4, 5, 6, 7 and 5 more panel_wattage" in message
    assert len(message.splitlines()) == 4


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"\n \n", "an empty file"),
        (f"{HEADER}\n{an_id(1)},{GOOD}\n".encode("utf-16"), "UTF-16"),
        (f"{HEADER}\n{an_id(1)},{GOOD}\n".encode("utf-16-le"), "UTF-16"),
        (f"{HEADER},cluster\n{an_id(1)},{GOOD},Köln\n".encode("latin-1"), "line 2: got byte 0xf6"),
        (f'{HEADER}\n"{an_id(1)},{GOOD}\n'.encode(), "quotes that do not close"),
    ],
)
def test_an_empty_file_and_a_wrong_encoding_are_refused_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "u.csv"
    path.write_bytes(content)

    refused(path, words)


def test_a_file_that_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    refused(tmp_path / "none.csv", "No such file")


def test_a_byte_order_mark_and_a_missing_line_end_are_read_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "u.csv"
    path.write_bytes(f"{HEADER}\r\n{an_id(1)},{GOOD}".encode("utf-8-sig"))

    got = read_users(path)

    assert len(got.users) == 1
    assert [notice.split(";")[0] for notice in got.report.notices[:1]] == ["the file begins with a byte order mark"]
    assert "may have been cut" in got.report.notices[1]


def test_blank_lines_are_passed_over_and_lines_keep_their_numbers(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "u.csv", [HEADER, "", f"{an_id(1)},{GOOD}", "", f"{an_id(2)},-1,1,1,1,1"])

    refused(path, "line 5 panel_wattage")


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        ("soc_start_kwh", "14.0", "more than the battery holds"),
        ("min_soc,max_soc", "0.9,0.5", "a lower bound above the upper"),
        ("latitude,longitude", "51.5,", "one without the other"),
        ("charge_efficiency", "0", "above 0"),
        ("max_soc", "95", "from 0 to 1"),
    ],
)
def test_columns_that_contradict_each_other_are_refused(tmp_path: Path, header: str, row: str, words: str) -> None:
    refused(write_lines(tmp_path / "u.csv", [f"{HEADER},{header}", f"{an_id(1)},{GOOD},{row}"]), words)


def test_what_is_exported_reads_back_the_same(tmp_path: Path) -> None:
    users = random_users(tmp_path, 50)

    count = export_users(users, tmp_path / "back.csv")
    again = read_users(tmp_path / "back.csv").users

    assert count == len(again) == 50
    for name in ("user_id", "keys", "panel_wattage", "battery_capacity_kwh", "min_soc", "max_charge_kw", "cluster"):
        assert getattr(again, name).tolist() == getattr(users, name).tolist()
    assert np.array_equal(again.soc_start_kwh, users.soc_start_kwh, equal_nan=True)


def test_version_one_is_exported_with_the_six_columns_and_without_consumers(tmp_path: Path) -> None:
    users = make_users(tmp_path, [GOOD, "350.0,8,10.0,3.5,2"])
    path = tmp_path / "out.csv"

    export_users(users, path)

    assert path.read_text().splitlines() == [HEADER, f"{an_id(0)},{GOOD}", f"{an_id(1)},350.0,8,10.0,3.5,2"]


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    users = make_users(tmp_path, [GOOD])

    with pytest.raises(InvalidInputError, match="folder that exists"):
        export_users(users, tmp_path / "nowhere" / "out.csv")

    assert not (tmp_path / "nowhere").exists()


def test_keys_are_found_among_others_and_marked_when_not() -> None:
    keys, good = parse_ids(np.array([an_id(n).encode() for n in range(5)], dtype="S36"))

    assert good.all()
    assert locate(keys[[4, 0]], keys).tolist() == [4, 0]
    assert locate(keys, keys[1:3]).tolist() == [-1, 0, 1, -1, -1]
    assert locate(keys, keys[:0]).tolist() == [-1] * 5
