"""Step 1 of a project on the wire: load, sun, battery and generator, in percent, MW and hours."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field

from afterbay.server.sizing.schemas.configs_kinds import (
    CHECKED,
    Degrees,
    Fuel,
    Hour,
    Hours,
    Mw,
    Percent,
    Plain,
    Section,
    measured,
)

__all__ = ["LoadWindow", "SetupConfig"]

_HourOfWindow = Annotated[int, Field(strict=True, ge=0, le=24, json_schema_extra={"unit": "h"})]


class LoadWindow(BaseModel):
    """Hours of the day with a load of their own; later windows win."""

    model_config = CHECKED

    start: _HourOfWindow = 0
    end: _HourOfWindow = 24
    """The window ends where this hour begins; before `start`, it runs over midnight."""
    mw: Annotated[float, measured("MW", ge=0.0, le=1e15)] = 0.0


class SetupConfig(Section):
    """`setup_config` of the sizing plan, and what the library offers beyond it."""

    section: ClassVar[str] = "setup_config"

    load_mode: Literal["constant", "day_only", "night_only", "seasonal", "custom", "csv"] = "constant"
    """`csv`: the load profile of the project."""
    load_mw: Mw = 25.0
    load_day_start: Hour = 6
    load_day_end: Hour = 18
    load_night_start: Hour = 18
    load_night_end: Hour = 6
    load_season_start_month: int = 4
    load_season_end_month: int = 10
    load_season_day_start: Hour = 8
    load_season_day_end: Hour = 0
    load_windows: list[LoadWindow] = Field(default_factory=list, max_length=100)

    solar_source: Literal["csv", "typical_year", "clear_sky"] | None = None
    """`csv`: the solar profile of the project. Default: that profile, or a typical year without one."""
    solar_capacity_mw: Mw | None = None
    """Size to which the sun is scaled; default: a profile as it is, a model at 67 MWp."""
    latitude: Degrees | None = None
    longitude: Degrees | None = None
    altitude: Annotated[float, measured("m")] = 0.0
    utc_offset_h: Hours | None = None
    year: int = 2019
    tilt: Degrees = 35.0
    azimuth: Degrees | None = None
    dc_ac_ratio: Plain = 1.2
    solar_loss_pct: Percent = 14.0

    bess_efficiency: Percent = 87.0
    """Round trip; one way is its square root."""
    bess_min_soc: Percent = 5.0
    bess_max_soc: Percent = 95.0
    bess_initial_soc: Percent = 50.0
    bess_daily_cycle_limit: Annotated[float, measured("cycles/day", gt=0.0, le=2.0)] | None = None
    """Delivered discharge per calendar day over usable energy; nothing: no limit."""
    bess_enforce_cycle_limit: bool | None = None

    dg_enabled: bool = True
    dg_operating_mode: Literal["binary", "variable"] = "binary"
    dg_min_load_pct: Percent = 30.0
    dg_fuel_curve_enabled: bool = False
    dg_fuel_f0: Annotated[float, measured("L/h per kW of rating")] = 0.03
    dg_fuel_f1: Fuel = 0.22
    dg_fuel_flat_rate: Fuel = 0.25
    binary_delivery: bool = False
    """All or nothing: an hour whose load cannot be served whole is not served."""
