"""Helpers of tests that use a database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import psycopg

from afterbay.fleet.headend import RecordBatch
from afterbay.fleet.inventory import default_inventory
from afterbay.fleet.messages import Telemetry

TEMPLATE = "afterbay_template"
INVENTORY = default_inventory()
ASSET = INVENTORY.assets[0]
OTHER = INVENTORY.assets[1]
START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)

_numbers = count(1)
_NAMES = [field.name for field in fields(Telemetry)]


def fresh_name() -> str:
    """Return a name that no other test of this process uses."""
    return f"t{next(_numbers)}"


def sample(seq: int, **changes: Any) -> Telemetry:
    """Return the sample of `ASSET` with this number, 4 s after the one before."""
    made = Telemetry(
        asset_id=ASSET.id, site_id=ASSET.site_id, timestamp=START + timedelta(seconds=4 * seq), mw=1.5,
        setpoint_mw=2.0, max_mw=60.0, min_mw=-60.0, status="discharging", soc_mwh=60.0 - seq / 600, soc_pct=50.0,
        capacity_mwh=120.0, seq=seq, received_at=START,
    )  # fmt: skip
    return replace(made, **changes)


class Block:
    """Samples as the headend hands them to a recorder."""

    def __init__(self, samples: Sequence[Telemetry]) -> None:
        self._samples = samples
        self.received_at = START

    def __len__(self) -> int:
        return len(self._samples)

    def rows(self) -> Iterator[tuple[object, ...]]:
        return (tuple(getattr(one, name) for name in _NAMES) for one in self._samples)

    def records(self) -> Iterator[Telemetry]:
        return iter(self._samples)


def batch(*samples: Telemetry) -> RecordBatch:
    """Return a batch of one block of samples."""
    return RecordBatch(telemetry=(Block(samples),))


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()
