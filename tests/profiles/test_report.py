from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from afterbay.core.errors import InvalidInputError, ProfileError
from afterbay.profiles import ProfileFileError, read_profile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_report_reads_as_lines_and_as_json(write: Callable[..., Path], table: Callable[..., str]) -> None:
    report = read_profile(write(table()), zone="UTC").report

    lines = "\n".join(report.lines())
    for fact in ("delimiter ','", "utf-8", "step: 60 min", "zone: UTC, as given", "48 found, 48 expected"):
        assert fact in lines
    assert json.loads(json.dumps(report.to_dict()))["gaps"]["count"] == 0


def test_every_change_is_in_the_report(write: Callable[..., Path], table: Callable[..., str]) -> None:
    path = write(table(values=[-1.0, *range(47)], drop=[5]))

    report = read_profile(path, negatives="zero", gaps="fill").report

    assert len(report.changed) == 2
    assert report.lines()[-1].startswith("changed: 1 values of load_mw filled")


def test_the_error_is_in_the_family_and_carries_the_report(write: Callable[..., Path]) -> None:
    with pytest.raises(ProfileFileError) as caught:
        read_profile(write("load_mw\n1\nx\n2\n"))

    assert isinstance(caught.value, ProfileError)
    assert isinstance(caught.value, InvalidInputError)
    assert any("row 3" in line and "'x'" in line for line in caught.value.report.lines())


def test_a_table_without_rows_tells_its_format_and_no_made_up_counts(write: Callable[..., Path]) -> None:
    with pytest.raises(ProfileFileError) as caught:
        read_profile(write("time,load_mw\n"))

    lines = caught.value.report.lines()
    assert lines[1].startswith("format: text, utf-8")
    assert lines[2:] == ["columns: time, load_mw", "not examined: no rows could be read"]
