"""Files that are defective or mean harm: refused with every reason, bounded before they are read."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from server_projects import PROFILES, As, Server, running
from sqlalchemy.orm import Session, sessionmaker


def _csv(values: Any, start: str = "2024-01-01 00:00", minutes: int = 60, name: str = "load_mw") -> bytes:
    times = pd.date_range(start, periods=len(values), freq=f"{minutes}min")
    return pd.DataFrame({"time": times, name: values}).to_csv(index=False).encode()


def _bring(who: As, content: bytes, expected: int = 201, file: str = "load.csv", **form: Any) -> Any:
    data = {"profile_type": "load", **form}
    return who.post(PROFILES, None, expected, files={"file": (file, io.BytesIO(content))}, data=data)


def _waves(count: int = 8760) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(seed=5).uniform(1.0, 9.0, size=count)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"time,load_mw\n", "a header and no rows"),
        (_csv([1.0] * 23), "23 rows"),
        (_csv([1.0] * 30 + [-1.0]), "negative"),
        (_csv([1.0] * 30 + [float("nan")]), "missing"),
        (_csv([1.0] * 30).replace(b"1.0", b"one", 3), "text cells"),
        (b"PK\x03\x04" + b"\x00" * 100, "zip archive"),
        (b"%PDF-1.7 something", "PDF"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "binary"),
        (b"\x1f\x8b\x08\x00broken", "damaged gzip"),
        (b"PAR1broken", "damaged Parquet"),
        (_csv([1e9] * 30), "up to 1,000,000 MW"),
        (_csv([1.0] * 30, name="wind_m_per_s"), "a power"),
    ],
)
def test_a_file_that_cannot_be_used_leaves_nothing_behind_and_says_why(
    server: Server, content: bytes, words: str
) -> None:
    unit = {"unit": "MW"} if b"1000000000" in content else {}

    refused = _bring(server.alice, content, 422, **unit).json()

    assert any(words in f"{one['detail']} {one['hint']}" for one in refused["errors"]), refused
    assert all(one["pointer"] in ("/file", "/column") for one in refused["errors"])
    assert "/tmp" not in json.dumps(refused), "where it lay on the server is nobody's business"
    assert server.alice.get(PROFILES).json()["items"] == []
    assert list(server.storage.list()) == []


def test_every_defect_of_a_file_is_told_at_once_with_the_option_that_mends_it(server: Server) -> None:
    lines = _csv(_waves(60)).decode().splitlines()
    broken = [
        *lines[:10],
        lines[10],
        *lines[13:20],
        lines[22],
        lines[21],
        *lines[23:40],
        lines[40] + "",
        "2024-01-03 00:00,-4",
    ]

    refused = _bring(server.alice, "\n".join(broken).encode(), 422).json()["errors"]
    hints = " ".join(one["hint"] for one in refused)

    assert len(refused) >= 3
    assert "unsorted=sort" in hints
    assert '"' not in hints, "options as the form has them, not as Python does"


def test_repairs_that_were_asked_for_are_in_the_report(server: Server) -> None:
    lines = _csv([5.0] * 60).decode().splitlines()
    del lines[10]

    _bring(server.alice, "\n".join(lines).encode(), 422)
    made = _bring(server.alice, "\n".join(lines).encode(), gaps="fill").json()

    assert made["steps"] == 60
    assert len(made["import_report"]["changed"]) == 1


def test_a_bomb_is_refused_before_it_is_unpacked(sessions: sessionmaker[Session], tmp_path: Path) -> None:
    with running(sessions, tmp_path, max_file_size_mb=1) as server:
        packed = gzip.compress(b"load_mw\n" + b"1\n" * 110_000_000, compresslevel=6)
        assert len(packed) < 1_000_000
        zipped = _bring(server.alice, packed, 413, file="load.csv.gz").json()
        large = _bring(server.alice, b"load_mw\n" + b"1\n" * 600_000, 413).json()
        wide = _bring(server.alice, b"," * 900_000, 413).json()
        table = pa.table({"load_mw": np.zeros(1_200_000)})
        many = io.BytesIO()
        pq.write_table(table, many, compression="zstd")
        rows = _bring(server.alice, many.getvalue(), 413, file="load.parquet").json()
        texts = io.BytesIO()
        pq.write_table(pa.table({"load_mw": np.ones(30_000), "note": ["x" * 100_000] * 30_000}), texts)
        long = _bring(server.alice, texts.getvalue(), 413, file="load.parquet").json()
        nested = io.BytesIO()
        pq.write_table(pa.table({"load_mw": [[1.0]] * 30}), nested)
        odd = _bring(server.alice, nested.getvalue(), 422, file="load.parquet").json()
        left = list(server.storage.list())

    assert "unpacks to more" in zipped["detail"] or "rows" in zipped["detail"]
    assert "max_file_size_mb" in large["detail"]
    assert "rows" in rows["detail"]
    assert "cells" in wide["detail"]
    assert "cells" in long["detail"]
    assert "neither numbers" in odd["detail"]
    assert left == []


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\Users\\me\\load.csv", "load.csv"),
        ("=cmd|' calc'!A0.csv", "cmd|' calc'!A0.csv"),
        ("+1.csv", "1.csv"),
        ("..", "profile"),
        (".hidden.csv", "hidden.csv"),
        ("\N{GREEK SMALL LETTER ALPHA}" * 300, "\N{GREEK SMALL LETTER ALPHA}" * 100),
    ],
)
def test_the_name_of_a_file_is_no_path_and_no_formula(server: Server, file: str, expected: str) -> None:
    content = _csv([1.0] * 30)

    made = _bring(server.alice, content, file=file).json()

    assert made["name"] == expected
    assert made["import_report"]["path"] == expected


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@sum", "", "a\x00b"])
def test_a_name_that_a_spreadsheet_would_run_is_refused(server: Server, name: str) -> None:
    body = {"kind": "load", "name": name, "mode": "constant", "mw": 3.0}

    server.alice.post(f"{PROFILES}/build", body, 422)
    profile = _bring(server.alice, _csv([1.0] * 30)).json()["id"]
    server.alice.ask("PATCH", f"{PROFILES}/{profile}", 422, json={"name": name})
    if name:
        _bring(server.alice, _csv([1.0] * 30), 422, name=name)


def test_a_sign_that_no_database_takes_does_not_stop_a_file(server: Server) -> None:
    content = _csv([1.0] * 30).decode().replace("load_mw", "load_mw,no\x00te").replace("1.0\n", "1.0,3\n")

    made = _bring(server.alice, content.encode("utf-16")).json()

    assert made["import_report"]["columns"] == ["time", "load_mw", "note"]
