"""Small profile files, written for one test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes text or bytes to a file and returns its path."""

    def to_file(content: str | bytes, name: str = "load.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to_file


@pytest.fixture
def table() -> Callable[..., str]:
    """Return a function that makes CSV text: one stamp and one value a row."""

    def text(
        rows: int = 48,
        *,
        start: datetime = datetime(2023, 1, 20),
        minutes: int = 60,
        values: Iterable[object] | None = None,
        stamp: str = "%Y-%m-%d %H:%M",
        name: str = "load_mw",
        drop: Iterable[int] = (),
    ) -> str:
        cells = list(values) if values is not None else [10 + i % 24 for i in range(rows)]
        gone = set(drop)
        lines = [f"timestamp,{name}"]
        for i, cell in enumerate(cells):
            if i not in gone:
                lines.append(f"{(start + timedelta(minutes=minutes * i)).strftime(stamp)},{cell}")
        return "\n".join(lines) + "\n"

    return text
