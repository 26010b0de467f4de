"""What goes over the wire about profiles: power in MW, energy in MWh, shares in percent."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from afterbay.profiles import STANDARD_LOADS
from afterbay.server.profiles.service.library import Recipe
from afterbay.server.profiles.service.looking import Preview
from afterbay.server.profiles.service.profiles import ProfileView
from afterbay.server.units import Line

__all__ = [
    "Build", "BuildClearSky", "BuildLoad", "BuildStandardLoad", "BuildTypicalYear", "LibraryOut", "PreviewOut",
    "ProfileChange", "ProfileName", "ProfileOut", "ProfileType",
]  # fmt: skip

ProfileType = Literal["load", "solar"]
# A name that begins like a formula would be run by the spreadsheet that a list is opened in.
ProfileName = Annotated[
    str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x20=+\-@'|%\"][^\x00-\x1f]*$", examples=["Mine load"])
]
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Mw = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0.0, le=1e6, json_schema_extra={"unit": "MW"})]
_Hour = Annotated[int, Field(strict=True, ge=0, le=24, json_schema_extra={"unit": "h"})]
_Month = Annotated[int, Field(strict=True, ge=1, le=12)]
_Year = Annotated[int, Field(strict=True, ge=1980, le=2100)]
_IN = ConfigDict(extra="forbid", strict=True)


class ProfileOut(BaseModel):
    """A profile without its values."""

    id: UUID
    owner_id: UUID
    profile_type: ProfileType
    name: str
    description: str
    source: Literal["upload", "generated", "system"]
    steps: int
    dt_h: float | None = Field(description="Step; null: the file did not tell, its rows count as hours",
                               json_schema_extra={"unit": "h"})  # fmt: skip
    starts_at: str | None = Field(description="Start of the first step; without a zone when none is known")
    capacity_mw: float | None = Field(description="Panels that a modelled sun stands for",
                                      json_schema_extra={"unit": "MW"})  # fmt: skip
    size_bytes: int
    values_hash: str = Field(description="SHA-256 over the values as little-endian doubles")
    created_at: datetime | None
    stats: dict[str, Any] | None
    import_report: dict[str, Any] | None
    assumptions: dict[str, Any] | None
    version: int

    @classmethod
    def of(cls, view: ProfileView) -> ProfileOut:
        """Return a profile for the wire."""
        return cls.model_validate(view, from_attributes=True)


class LibraryOut(BaseModel):
    """A series that the program makes for everybody; its id works wherever a profile's does."""

    id: UUID
    key: str
    profile_type: ProfileType
    name: str
    description: str

    @classmethod
    def of(cls, recipe: Recipe) -> LibraryOut:
        """Return an entry of the library for the wire."""
        return cls.model_validate(recipe, from_attributes=True)


class PreviewOut(BaseModel):
    """Aggregates of a profile, to be drawn."""

    kind: Literal["day", "week", "month", "carpet"]
    labels: list[str]
    mean_mw: list[float] | None = Field(json_schema_extra={"unit": "MW"})
    p10_mw: list[float] | None = Field(json_schema_extra={"unit": "MW"})
    p90_mw: list[float] | None = Field(json_schema_extra={"unit": "MW"})
    energy_mwh: list[float] | None = Field(json_schema_extra={"unit": "MWh"})
    rows_mw: list[list[float | None]] | None = Field(description="One row a day, one value an hour",
                                                     json_schema_extra={"unit": "MW"})  # fmt: skip

    @classmethod
    def of(cls, preview: Preview) -> PreviewOut:
        """Return a preview for the wire."""
        return cls.model_validate(preview, from_attributes=True)


class ProfileChange(BaseModel):
    """New words for a profile."""

    model_config = ConfigDict(**_IN, json_schema_extra={"examples": [{"name": "Quarry, measured 2025"}]})

    name: ProfileName | None = None
    description: Line | None = None


class _Named(BaseModel):
    model_config = _IN

    name: ProfileName
    description: Line = ""


class LoadWindowIn(BaseModel):
    """Hours of the day with a load of their own; later windows win."""

    model_config = _IN

    start: _Hour = 0
    end: _Hour = 24
    mw: _Mw = 0.0


class BuildLoad(_Named):
    """A load from a few numbers; which of them act depends on the mode."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "load", "mode": "constant", "mw": 10.0, "name": "10 MW all day"}]}
    )

    kind: Literal["load"]
    mode: Literal["constant", "day_only", "night_only", "seasonal", "custom"]
    mw: _Mw | None = None
    start: _Hour | None = None
    end: _Hour | None = None
    start_month: _Month | None = None
    end_month: _Month | None = None
    day_start: _Hour | None = None
    day_end: _Hour | None = None
    windows: Annotated[list[LoadWindowIn], Field(max_length=100)] | None = None
    hours: int = Field(8760, strict=True, ge=24, le=87_840, json_schema_extra={"unit": "h"})
    year: _Year | None = Field(None, description="Calendar year that it begins with, for dates")

    def params(self) -> dict[str, Any]:
        """Return what was given for the mode."""
        given = self.model_dump(exclude_none=True)
        return {name: one for name, one in given.items() if name not in _NO_PARAMS}


_NO_PARAMS = ("name", "description", "kind", "mode", "hours", "year")


class BuildStandardLoad(_Named):
    """A standard load profile of the German energy association (BDEW), scaled to an energy a year."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"kind": "standard_load", "profile": "h0", "annual_mwh": 4.0, "year": 2025, "name": "One household"}
            ]
        }
    )

    kind: Literal["standard_load"]
    profile: str = Field(description=", ".join(f"{key}: {words}" for key, words in STANDARD_LOADS.items()),
                         json_schema_extra={"enum": list(STANDARD_LOADS)}, max_length=20)  # fmt: skip
    annual_mwh: Annotated[
        float, Field(strict=True, allow_inf_nan=False, gt=0.0, le=1e9, json_schema_extra={"unit": "MWh"})
    ]
    year: _Year
    holidays: Annotated[list[Annotated[date, Field(strict=False)]], Field(max_length=100)] = Field(default_factory=list)
    dt_h: Annotated[_Number, Field(json_schema_extra={"unit": "h", "enum": [0.25, 1.0]})] = 0.25


class _Panels(_Named):
    capacity_mw: Annotated[
        float, Field(strict=True, allow_inf_nan=False, gt=0.0, le=1e6, json_schema_extra={"unit": "MW"})
    ]
    """Direct-current nameplate of the panels."""
    tilt: Annotated[_Number, Field(ge=0.0, le=90.0, json_schema_extra={"unit": "degrees"})] = 35.0
    azimuth: Annotated[_Number, Field(ge=0.0, le=360.0, json_schema_extra={"unit": "degrees"})] | None = None
    """From north over east; default: towards the equator."""
    dc_ac_ratio: Annotated[_Number, Field(gt=0.0, le=100.0)] = 1.2
    solar_loss_pct: Annotated[_Number, Field(ge=0.0, le=100.0, json_schema_extra={"unit": "%"})] = 14.0

    def panels(self) -> dict[str, Any]:
        """Return the options of every model of the sun."""
        return {"capacity_mw": self.capacity_mw, "tilt": self.tilt, "azimuth": self.azimuth,
                "dc_ac_ratio": self.dc_ac_ratio}  # fmt: skip


class BuildTypicalYear(_Panels):
    """A fixed array in the typical year that the weather model carries."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "typical_year", "capacity_mw": 67.0, "name": "67 MWp, typical year"}]}
    )

    kind: Literal["typical_year"]
    year: int = Field(2019, strict=True, ge=1900, le=2100, description="No leap year")

    def options(self) -> dict[str, Any]:
        """Return the options of the model."""
        return {**self.panels(), "year": self.year}


class BuildClearSky(_Panels):
    """A fixed array under a sky without clouds: the most that the sun can give."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"kind": "clear_sky", "capacity_mw": 10.0, "latitude": 52.5, "longitude": 13.4, "name": "Clear sky"}
            ]
        }
    )

    kind: Literal["clear_sky"]
    latitude: Annotated[_Number, Field(ge=-90.0, le=90.0, json_schema_extra={"unit": "degrees"})]
    longitude: Annotated[_Number, Field(ge=-180.0, le=180.0, json_schema_extra={"unit": "degrees"})]
    altitude: Annotated[_Number, Field(ge=-500.0, le=9000.0, json_schema_extra={"unit": "m"})] = 0.0
    utc_offset_h: Annotated[_Number, Field(ge=-12.0, le=14.0, json_schema_extra={"unit": "h"})] | None = None
    year: int = Field(2019, strict=True, ge=1900, le=2100)

    def options(self) -> dict[str, Any]:
        """Return the options of the model."""
        place = {name: getattr(self, name) for name in ("latitude", "longitude", "altitude", "utc_offset_h", "year")}
        return {**self.panels(), **place}


Build = Annotated[
    BuildLoad | BuildStandardLoad | BuildTypicalYear | BuildClearSky, Field(discriminator="kind")
]  # fmt: skip
"""What is to be built, by its `kind`."""
