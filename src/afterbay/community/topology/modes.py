"""What a battery may be told to do."""

from __future__ import annotations

from typing import Literal

__all__ = ["BATTERY_MODES", "BatteryMode"]

BatteryMode = Literal["self_consumption", "time_of_use", "solar_only", "community", "reserve"]
BATTERY_MODES: tuple[BatteryMode, ...] = ("self_consumption", "time_of_use", "solar_only", "community", "reserve")
