"""Step 2 of a project on the wire: when the generator may run and what starts it."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from afterbay.server.sizing.schemas.configs_kinds import Hour, Percent, Section

__all__ = ["RulesConfig"]


class RulesConfig(Section):
    """`rules_config` of the sizing plan, and what the library offers beyond it."""

    example: ClassVar[dict[str, Any]] = {"dg_timing": "anytime", "dg_trigger": "reactive", "dg_takeover_mode": False}

    section: ClassVar[str] = "rules_config"

    dg_timing: Literal["anytime", "day_only", "night_only", "custom_blackout"] = "anytime"
    dg_trigger: Literal["reactive", "soc_based", "proactive"] = "reactive"
    dg_charges_bess: bool = False
    dg_load_priority: Literal["bess_first", "dg_first"] = "bess_first"
    dg_takeover_mode: bool = True
    soc_on_threshold: Percent = 20.0
    soc_off_threshold: Percent = 80.0
    emergency_soc_threshold: Percent = 15.0
    allow_emergency_dg_day: bool = False
    allow_emergency_dg_night: bool = False
    night_start_hour: Hour = 18
    night_end_hour: Hour = 6
    day_start_hour: Hour = 6
    day_end_hour: Hour = 18
    blackout_start_hour: Hour | None = None
    blackout_end_hour: Hour | None = None
    cycle_charging_enabled: bool = False
    cycle_charging_min_load_pct: Percent = 70.0
    cycle_charging_off_soc: Percent = 80.0
    dg_off_trigger: Literal["soc_band", "window_end"] = "soc_band"
    inferred_template: int | None = None
    """Which of the templates T0 to T6 the answers imply; what is sent is replaced."""
