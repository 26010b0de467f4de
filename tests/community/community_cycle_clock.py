"""A cycle on a clock of its own: days pass in milliseconds, and any step can fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from afterbay.community.cycle.runner import Clocks
from afterbay.community.cycle.runner_service import CycleService
from afterbay.community.cycle.runner_settings import read_settings

__all__ = ["NOON", "USERS", "FakeTime", "cycle_folder", "service_on"]

NOON = datetime(2024, 9, 11, 12, 0, tzinfo=UTC)
USERS = """\
user_id,panel_wattage,panel_count,battery_capacity_kwh,inverter_capacity_kw,household_size
a1b2c3d4-e5f6-4890-9234-567890abcdef,400.0,12,13.5,5.0,4
b2c3d4e5-f6a7-4901-a345-678901bcdefa,350.0,8,10.0,3.5,2
c3d4e5f6-a7b8-4012-b456-789012cdefab,450.0,16,20.0,7.0,5
d3d4e5f6-a7b8-4012-b456-789012cdefab,450.0,0,0.0,5.0,3
"""


@dataclass
class FakeTime:
    """A clock that moves when somebody sleeps."""

    now: datetime = NOON
    naps: list[float] = field(default_factory=list)
    ends: datetime | None = None
    """When a watch is to stop."""

    def clocks(self) -> Clocks:
        return Clocks(lambda: self.now, lambda: self.now.timestamp(), self.sleep)

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0.0
        self.naps.append(seconds)
        # The least that a clock shows, so that a nap of nothing cannot stop the world.
        self.now += timedelta(seconds=max(seconds, 0.001))

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)

    def stopped(self) -> bool:
        return self.ends is not None and self.now >= self.ends


def cycle_folder(folder: Path, **settings: Any) -> Path:
    """Write a configuration and three users with panels (and one without); return the configuration."""
    import json

    (folder / "users.csv").write_text(USERS)
    config = folder / "cycle.yaml"
    given = {"run": "home", "users": "users.csv", "seed": 7, "patience": {"attempts": 1}, **settings}
    config.write_text(json.dumps(given))
    return config


def service_on(config: Path, time: FakeTime) -> CycleService:
    """Return the cycle of a configuration on a clock of its own."""
    settings = read_settings(config)
    clocks = time.clocks()
    return CycleService.open(settings, clocks, lambda: 0.0)
