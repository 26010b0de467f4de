"""Telemetry as a file: what is written is read again, and a broken row is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.fleet.messages import Telemetry
from afterbay.plant import read_telemetry_file, telemetry_csv, telemetry_parquet

_START = datetime(2026, 6, 21, 5, tzinfo=UTC)


def _sample(at: datetime, mw: float, **more: Any) -> Telemetry:
    return Telemetry("asset", "site", at, mw, mw, 20.0, -20.0, "idle", capacity_mwh=100.0, **more)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_of_telemetry_is_read_as_it_was_written(tmp_path: Path, form: str) -> None:
    samples = [
        _sample(_START + timedelta(seconds=4 * place), 0.1 * place, soc_pct=None if place % 2 else 50.0 + place / 3,
                online=place != 2, fault_code="RACK" if place == 2 else None, seq=place + 1, origin="device")
        for place in range(4)
    ]  # fmt: skip
    file = tmp_path / f"day.{form}"
    file.write_bytes(telemetry_csv(samples).encode() if form == "csv" else telemetry_parquet(samples))

    assert read_telemetry_file(file) == samples


def test_a_broken_file_is_named_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "day.csv"
    file.write_text("timestamp,mw,online\n2026-06-21T00:00:00,1,true\n2026-06-21T00:00:00Z,nan,maybe\n,1,true\n")

    with pytest.raises(InvalidInputError) as caught:
        read_telemetry_file(file)

    assert [problem.where for problem in caught.value.problems] == [
        "day.csv:2: timestamp", "day.csv:3: mw", "day.csv:3: online", "day.csv:4: timestamp",
    ]  # fmt: skip


def test_a_file_without_the_columns_says_which(tmp_path: Path) -> None:
    file = tmp_path / "day.csv"
    file.write_text("when,power\n1,2\n")

    with pytest.raises(InvalidInputError, match="timestamp and mw at least"):
        read_telemetry_file(file)
