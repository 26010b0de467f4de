"""Users and input files of the solar cycle for tests."""

from __future__ import annotations

import uuid
import zlib
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.cycle import Users, read_users

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["HEADER", "MOMENT", "an_id", "make_users", "random_users", "write_lines"]

HEADER = "user_id,panel_wattage,panel_count,battery_capacity_kwh,inverter_capacity_kw,household_size"
MOMENT = "2024-09-11T14:15:00"


def an_id(number: int) -> str:
    """A UUID of version 4 that belongs to a number."""
    return str(uuid.UUID(bytes=np.random.default_rng(number).bytes(16), version=4))


def write_lines(path: Path, lines: Iterable[str]) -> Path:
    """Write lines as a text file."""
    path.write_bytes(("\n".join(lines) + "\n").encode("utf-8"))
    return path


def make_users(folder: Path, rows: Iterable[str], header: str = HEADER) -> Users:
    """Read users from rows without an id; user i gets id i."""
    lines = [header, *(f"{an_id(number)},{row}" for number, row in enumerate(rows))]
    return read_users(write_lines(folder / f"users_{zlib.crc32(repr(lines).encode()):08x}.csv", lines)).users


def random_users(folder: Path, count: int, seed: int = 7) -> Users:
    """Households of every kind, also without panels and without a battery (version 2)."""
    rng = np.random.default_rng(seed)
    rows = [
        f"{rng.uniform(250, 500):.1f},{rng.integers(0, 25)},{rng.choice([0.0, 5.0, 13.5, rng.uniform(1, 30)]):.4f},"
        f"{rng.uniform(1, 8):.2f},{rng.integers(0, 7)},{rng.choice(['', '0.10', '0.20'])},{rng.choice(['', '0.9'])}"
        for _ in range(count)
    ]
    return make_users(folder, rows, f"{HEADER},min_soc,charge_efficiency")
