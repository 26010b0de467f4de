"""Samples on the wire: the original's flat names, the common core of all assets, and `details` of the type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.fleet.messages import Telemetry
from afterbay.server.units import Identity, Line, Moment, Mw, Mwh, Percent

if TYPE_CHECKING:
    from afterbay.fleet.messages import Heartbeat

__all__ = ["TELEMETRY_EXAMPLE", "HeartbeatOut", "TelemetryIn", "TelemetryOut"]

TELEMETRY_EXAMPLE: dict[str, Any] = {
    "asset_id": "176e59bb-00b4-5034-b0b3-3de833540634", "timestamp": "2026-11-21T08:00:00Z", "current_mw": 30.0,
    "setpoint_mw": 30.0, "soc_mwhr": 60.0, "soc_pct": 50.0, "status": "discharging",
}  # fmt: skip
_MOST_DETAILS = 64
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
"""So far a clock may be ahead of ours; what is later was not measured."""


class TelemetryOut(BaseModel):
    """One asset at one moment; null is not known or not modelled, never a made-up number."""

    asset_id: str
    site_id: str
    site_name: str
    timestamp: datetime = Field(description="Of the source")
    soc_mwhr: Mwh | None
    soc_pct: Percent | None
    capacity_mwhr: Mwh | None
    current_mw: Mw
    setpoint_mw: Mw | None
    max_mw: Mw
    min_mw: Mw
    status: str
    asset_type: str
    mw: Mw = Field(description="The same as current_mw: the common core of all types")
    mw_setpoint: Mw | None
    online: bool
    fault_code: str | None
    limited_by: str | None = Field(description="Why current_mw is not setpoint_mw")
    quality: str
    origin: str
    seq: int
    lease_id: str | None = Field(description="Command that is in force")
    energy_in_mwh: Mwh | None
    energy_out_mwh: Mwh | None
    available_charge_mw: Mw | None
    available_discharge_mw: Mw | None
    temperature_c: float | None
    soh_pct: Percent | None
    cycle_count: float | None
    received_at: datetime | None
    details: dict[str, float | int | bool | str]

    @classmethod
    def of(cls, sample: Telemetry) -> TelemetryOut:
        """Return a sample for the wire."""
        # Samples were checked where they came in; this is the hot path of the live stream.
        return cls.model_construct(
            asset_id=sample.asset_id,
            site_id=sample.site_id,
            site_name=sample.site_name,
            timestamp=sample.timestamp,
            soc_mwhr=sample.soc_mwh,
            soc_pct=sample.soc_pct,
            capacity_mwhr=sample.capacity_mwh,
            current_mw=sample.mw,
            setpoint_mw=sample.setpoint_mw,
            max_mw=sample.max_mw,
            min_mw=sample.min_mw,
            status=sample.status,
            asset_type=sample.asset_type,
            mw=sample.mw,
            mw_setpoint=sample.setpoint_mw,
            online=sample.online,
            fault_code=sample.fault_code,
            limited_by=sample.limited_by,
            quality=sample.quality,
            origin=sample.origin,
            seq=sample.seq,
            lease_id=sample.lease_id,
            energy_in_mwh=sample.energy_in_mwh,
            energy_out_mwh=sample.energy_out_mwh,
            available_charge_mw=sample.available_charge_mw,
            available_discharge_mw=sample.available_discharge_mw,
            temperature_c=sample.temperature_c,
            soh_pct=sample.soh_pct,
            cycle_count=sample.cycle_count,
            received_at=sample.received_at,
            details=dict(sample.details),
        )


class TelemetryIn(BaseModel):
    """A sample that a client measured itself; for assets that no agent serves."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [TELEMETRY_EXAMPLE]})

    asset_id: Identity
    current_mw: Annotated[Mw, Field(validation_alias=AliasChoices("current_mw", "mw"))]
    timestamp: Moment | None = Field(None, description="Absent: now")
    setpoint_mw: Mw | None = None
    soc_mwhr: Annotated[Mwh, Field(ge=0)] | None = None
    soc_pct: Annotated[Percent, Field(ge=0, le=100)] | None = None
    max_mw: Mw | None = None
    min_mw: Mw | None = None
    status: Line | None = None
    fault_code: Line | None = None
    temperature_c: Annotated[float, Field(strict=True, allow_inf_nan=False)] | None = None
    soh_pct: Annotated[Percent, Field(ge=0, le=100)] | None = None
    details: dict[Line, bool | int | float | Line] = Field(default_factory=dict, max_length=_MOST_DETAILS)

    @field_validator("details")
    @classmethod
    def _finite(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        if any(isinstance(one, float) and not isfinite(one) for one in value.values()):
            raise ValueError("numbers must be finite")
        return value

    def to_record(self, now: datetime, limits: tuple[float, float]) -> Telemetry:
        """Return the record; `limits` are the asset's, for what is not given.

        Raises:
            InvalidInputError: For a time at which nothing was measured.
        """
        measured = self.timestamp or now
        if not _FIRST < measured < now + _AHEAD:
            allowed = "a moment since 1970, not in the future"
            raise InvalidInputError(Problem("timestamp", measured.isoformat(), allowed, "leave it out for now"))
        status = "discharging" if self.current_mw > 0.1 else "charging" if self.current_mw < -0.1 else "idle"
        return Telemetry(
            asset_id=self.asset_id,
            site_id="",
            timestamp=measured.astimezone(UTC),
            mw=self.current_mw,
            setpoint_mw=self.setpoint_mw,
            max_mw=limits[1] if self.max_mw is None else self.max_mw,
            min_mw=limits[0] if self.min_mw is None else self.min_mw,
            status=self.status or status,
            soc_mwh=self.soc_mwhr,
            soc_pct=self.soc_pct,
            fault_code=self.fault_code,
            temperature_c=self.temperature_c,
            soh_pct=self.soh_pct,
            origin="unknown",
            details=self.details,
        )


class HeartbeatOut(BaseModel):
    """An asset's agent was alive."""

    asset_id: str
    timestamp: datetime

    @classmethod
    def of(cls, beat: Heartbeat) -> HeartbeatOut:
        """Return a heartbeat for the wire."""
        return cls(asset_id=beat.asset_id, timestamp=beat.timestamp)
