"""How far the values of an asset are trusted, by their age and its agent's tick."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from afterbay.client.records import read_asset
from fleet_stub import NQ1


@pytest.mark.parametrize(
    ("tick_s", "ages"),
    [
        (1.0, {1.9: "live", 2.1: "late", 4.9: "late", 5.1: "stale"}),
        (60.0, {119.0: "live", 121.0: "late", 299.0: "late", 301.0: "stale"}),
        (0.1, {1.9: "live", 2.1: "late", 5.1: "stale"}),
        (None, {7.9: "live", 8.1: "late", 20.1: "stale"}),
        (0.0, {7.9: "live", 20.1: "stale"}),
    ],
)
def test_how_old_is_stale_depends_on_how_often_the_agent_ticks(tick_s: float | None, ages: dict[float, str]) -> None:
    now = datetime.now(UTC)
    for age, said in ages.items():
        at = (now - timedelta(seconds=age)).isoformat()
        asset = read_asset({"id": NQ1, "timestamp": at, "mw": 1.0, "tick_s": tick_s, "online": True})

        assert asset.freshness(now) == said, age
