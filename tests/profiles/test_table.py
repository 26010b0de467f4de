from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from afterbay.profiles import ProfileFileError, read_profile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"  \n\n", "an empty file"),
        (b"timestamp,load_mw\n", "a header and no rows"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "a binary file"),
        (bytes(range(1, 256)) * 4, "a binary file"),
        (b"PK\x03\x04rest", "a zip archive or an Excel workbook"),
        (b"\x1f\x8b\x08\x00broken", "a damaged gzip file"),
        (b"PAR1 not really", "a damaged Parquet file"),
    ],
)
def test_a_file_that_holds_no_table_is_named_for_what_it_is(
    write: Callable[..., Path], content: bytes, found: str
) -> None:
    path = write(content)

    with pytest.raises(ProfileFileError) as caught:
        read_profile(path)

    assert caught.value.problems[0].got == found
    assert caught.value.problems[0].next_move
    assert caught.value.report.path == str(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileFileError, match=r"nowhere.csv: got no such file"):
        read_profile(tmp_path / "nowhere.csv")


def test_a_folder_is_no_profile(tmp_path: Path) -> None:
    with pytest.raises(ProfileFileError, match="a readable file"):
        read_profile(tmp_path)


def test_gzip_and_parquet_give_the_same_values_as_plain_text(
    write: Callable[..., Path], table: Callable[..., str], tmp_path: Path
) -> None:
    text = table()
    plain = read_profile(write(text))
    packed = read_profile(write(gzip.compress(text.encode()), "load.csv.gz"))
    frame = plain.frame.copy()
    frame.to_parquet(tmp_path / "load.parquet")

    parquet = read_profile(tmp_path / "load.parquet")

    assert packed.report.compression == "gzip"
    assert plain.report.compression == "none"
    np.testing.assert_array_equal(packed.values, plain.values)
    np.testing.assert_array_equal(parquet.values, plain.values)
    assert parquet.start == packed.start == plain.start
    assert parquet.report.encoding is None


def test_semicolons_with_a_decimal_comma_are_read_as_numbers(write: Callable[..., Path]) -> None:
    rows = "\n".join(f"{d:02d}.01.2023 00:00;{d},25" for d in range(1, 29))

    profile = read_profile(write(f"Zeit;Last_MW\n{rows}\n"), column="Last_MW")

    assert profile.report.delimiter == ";"
    assert profile.report.decimal == ","
    assert profile.values[:3].tolist() == [1.25, 2.25, 3.25]


def test_a_comma_before_three_digits_everywhere_is_questioned(write: Callable[..., Path]) -> None:
    profile = read_profile(write("a;load_mw\nx;1,500\ny;2,250\n"))

    assert profile.values.tolist() == [1.5, 2.25]
    assert any("three digits" in warning for warning in profile.report.warnings)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_delimiter_is_found(write: Callable[..., Path], table: Callable[..., str], delimiter: str) -> None:
    profile = read_profile(write(table().replace(",", delimiter)))

    assert profile.report.delimiter == delimiter
    assert len(profile) == 48


def test_an_encoding_is_found_and_stated(write: Callable[..., Path], table: Callable[..., str]) -> None:
    text = table(name="Verbrauch für Büro_MW")

    found = {
        read_profile(write(text.encode(code), f"{code}.csv")).report.encoding
        for code in ("utf-8", "utf-8-sig", "latin-1", "utf-16")
    }

    assert found == {"utf-8", "utf-8 with byte-order mark", "latin-1", "utf-16 with byte-order mark"}


def test_a_table_without_header_gets_numbered_names(write: Callable[..., Path], table: Callable[..., str]) -> None:
    profile = read_profile(write(table().split("\n", 1)[1]))

    assert not profile.report.header
    assert profile.report.columns == ("column_1", "column_2")
    assert len(profile) == 48


def test_rows_of_another_width_are_refused_with_their_lines(write: Callable[..., Path]) -> None:
    with pytest.raises(ProfileFileError, match=r"1 rows with another number of cells \(line 4\)"):
        read_profile(write("a,load_mw\nx,1\ny,2\nz,3,4\nz,5\n"))


def test_a_name_that_stands_twice_is_renamed_and_said(write: Callable[..., Path]) -> None:
    profile = read_profile(write("mw,mw\n1,5\n2,6\n"))

    assert profile.report.columns == ("mw", "mw_2")
    assert "stands twice" in profile.report.warnings[0]


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "load.parquet"
    pd.DataFrame({"load_mw": [1.0]}).to_parquet(path)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)

    with pytest.raises(ImportError, match=r"afterbay\[parquet\]"):
        read_profile(path)
