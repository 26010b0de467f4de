"""Commands on the wire: what is asked, what became of it, and what is foreseen."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from afterbay.fleet.commands import schedule_of
from afterbay.server.units import Identity, Line, Moment, Mw, Mwh, Positive

if TYPE_CHECKING:
    from afterbay.fleet.commands import CheckedRequest, Command, Preview
    from afterbay.fleet.headend import Outcome
    from afterbay.fleet.inventory import Inventory

__all__ = [
    "DISPATCH_EXAMPLES",
    "AllocationOut",
    "CommandOut",
    "DispatchIn",
    "DispatchOut",
    "IntervalIn",
    "PreviewOut",
    "ScheduleIn",
    "ScheduleOut",
]

DISPATCH_EXAMPLES: dict[str, Any] = {
    "asset": {
        "summary": "One asset discharges for an hour",
        "value": {"asset_id": "176e59bb-00b4-5034-b0b3-3de833540634", "mw": 30.0, "duration_s": 3600},
    },
    "site": {
        "summary": "A site charges until told otherwise",
        "value": {"site_id": "4c1feab9-a58f-507c-8676-9b98ffd67e7f", "mw": -12.0, "note": "cheap hours"},
    },
    "queued": {
        "summary": "Delivered within ten minutes, also to an asset that is offline now",
        "value": {"asset_id": "176e59bb-00b4-5034-b0b3-3de833540634", "mw": 10.0, "deliver_within_s": 600},
    },
}
_APPLIED = frozenset({"active", "limited", "completed"})


class _TargetIn(BaseModel):
    """Whom it is for: the narrowest id that is given."""

    # Unknown keys are the business of older clients.
    model_config = ConfigDict(extra="ignore")

    asset_id: Identity | None = None
    site_id: Identity | None = None
    group_id: Identity | None = None
    strict: bool = Field(False, strict=True, description="Refuse (422) instead of clamping")


class DispatchIn(_TargetIn):
    """A power for an asset, a site or a group."""

    mw: Mw = Field(description="+ leaves the asset (discharge), - enters it (charge)")
    duration_s: Positive | None = Field(None, description="Absent: until it is replaced")
    mode: Any = Field(None, description="A word of older clients; refused when it contradicts the sign")
    deliver_within_s: Positive | None = Field(None, description="Wait so long for an asset that is offline")
    hold_offline_s: Positive | None = Field(None, description="Longest hold without the headend")
    fallback_mw: Mw = Field(0.0, description="What follows the end, by ramp")
    not_before: Moment | None = Field(None, description="Begin later")
    note: Line = ""

    def body(self) -> dict[str, object]:
        """Return the fields by name."""
        return self.model_dump(exclude={"not_before"})


class IntervalIn(BaseModel):
    """A power from a start to an end."""

    start: Moment
    end: Moment
    mw: Mw


class ScheduleIn(_TargetIn):
    """A list of intervals for one target."""

    intervals: list[IntervalIn] = Field(min_length=1, max_length=1000)
    allow_gaps: bool = Field(False, strict=True, description="0 MW holds between intervals that do not touch")


class AllocationOut(BaseModel):
    """One asset's part, as foreseen."""

    asset_id: str
    mw_raw: Mw
    mw: Mw
    clamped: bool
    reason: str
    online: bool


class PartOut(BaseModel):
    """What became of a command at one asset."""

    asset_id: str
    state: str
    reason: str
    mw: Mw | None = Field(description="Foreseen")
    applied_mw: Mw | None = Field(description="Written to the device")
    delivered_mw: Mw | None = Field(description="Read back from it")
    reached: bool
    updated_at: datetime | None


class ChangeOut(BaseModel):
    """One step in the life of a command."""

    at: datetime
    state: str
    actor: str
    reason: str
    asset_id: str | None


class CommandOut(BaseModel):
    """A command as it stands; `status` is the original's word, `state` is ours."""

    id: str
    target: str
    asset_id: str | None
    site_id: str | None
    group_id: str | None
    asset_name: str | None
    site_name: str | None
    mw: Mw
    requested_mw: Mw
    clamped: bool
    duration_s: float | None
    status: str
    state: str
    reason: str = Field(description="Why it is limited, waits or ended early; else what was foreseen against it")
    submitted_at: datetime
    ack_status: str | None
    acked_at: datetime | None
    reached_at: datetime | None
    finished_at: datetime | None
    deliver_by: datetime | None
    not_before: datetime | None
    valid_until: datetime | None
    fallback_mw: Mw
    applied_mw: Mw | None
    delivered_mw: Mw | None
    actor: str
    note: str
    schedule_id: str | None = Field(description="Of the schedule that it is an interval of")
    parts: list[PartOut]
    history: list[ChangeOut]

    @classmethod
    def of(cls, command: Command, inventory: Inventory) -> CommandOut:
        """Return a command for the wire."""
        return cls(**_command_fields(command, inventory))


class DispatchOut(CommandOut):
    """Answer to a command that was accepted."""

    allocations: list[AllocationOut]
    shortfall_mw: Mw = Field(description="Part of the request that nobody can take now")
    shortfall_mwh: Mwh = Field(description="Energy that will be missing at the end")
    predicted_end: datetime | None = Field(description="When stored energy will end it, if it will")
    limited_by: str | None
    duplicate: bool = Field(description="The key was used before for the same request; nothing was sent again")
    superseded: list[str]

    @classmethod
    def of_outcome(cls, outcome: Outcome, inventory: Inventory, now: datetime) -> DispatchOut:
        """Return an answer for the wire."""
        checked = outcome.checked
        ends_in = checked.ends_in_s if checked is not None else None
        begin = outcome.command.not_before or now
        return cls(
            **_command_fields(outcome.command, inventory),
            allocations=_allocations(checked),
            shortfall_mw=checked.split.shortfall_mw if checked is not None else 0.0,
            shortfall_mwh=checked.shortfall_mwh if checked is not None else 0.0,
            predicted_end=_later(begin, ends_in),
            limited_by=checked.limited_by if checked is not None else None,
            duplicate=outcome.duplicate,
            superseded=[command.id for command in outcome.superseded],
        )


class ScheduleOut(BaseModel):
    """Answer to a schedule: a command per interval, in order."""

    schedule_id: str = Field(description="On each of its commands too, by which it is listed and ended")
    commands: list[DispatchOut]


class PointOut(BaseModel):
    """One moment of a path."""

    after_s: float
    mw: Mw
    soc_mwhr: Mwh
    soc_pct: float


class AssetPreviewOut(BaseModel):
    """What one asset would do; null is never, or not known."""

    asset_id: str
    start_mw: Mw
    mw: Mw
    ramp_s: float | None
    start_soc_mwhr: Mwh | None
    end_soc_mwhr: Mwh | None
    end_soc_pct: float | None
    empty_in_s: float | None
    full_in_s: float | None
    limited: bool
    energy_mwh: Mwh
    shortfall_mwh: Mwh
    path: list[PointOut]


class PreviewOut(BaseModel):
    """What a command would do; nothing was sent."""

    target: str
    target_id: str
    requested_mw: Mw
    mw: Mw
    clamped: bool
    reason: str
    sentence: str
    ramp_s: float | None
    until_s: float
    predicted_end: datetime | None
    limited_by: str | None
    shortfall_mw: Mw
    shortfall_mwh: Mwh
    offline: list[str]
    allocations: list[AllocationOut]
    assets: list[AssetPreviewOut]

    @classmethod
    def of(cls, preview: Preview, now: datetime) -> PreviewOut:
        """Return a preview for the wire."""
        checked = preview.checked
        return cls(
            target=checked.target.kind,
            target_id=checked.target.id,
            requested_mw=checked.requested_mw,
            mw=checked.mw,
            clamped=checked.clamped,
            reason=checked.reason,
            sentence=preview.sentence,
            ramp_s=_finite(preview.ramp_s),
            until_s=preview.until_s,
            predicted_end=_later(now, checked.ends_in_s),
            limited_by=checked.limited_by,
            shortfall_mw=checked.split.shortfall_mw,
            shortfall_mwh=checked.shortfall_mwh,
            offline=list(checked.offline),
            allocations=_allocations(checked),
            assets=[
                AssetPreviewOut(
                    asset_id=asset.asset_id,
                    start_mw=asset.start_mw,
                    mw=asset.mw,
                    ramp_s=_finite(asset.ramp_s),
                    start_soc_mwhr=asset.start_soc_mwh,
                    end_soc_mwhr=asset.end_soc_mwh,
                    end_soc_pct=asset.end_soc_pct,
                    empty_in_s=_finite(asset.empty_in_s),
                    full_in_s=_finite(asset.full_in_s),
                    limited=asset.limited,
                    energy_mwh=asset.energy_mwh,
                    shortfall_mwh=asset.shortfall_mwh,
                    path=[
                        PointOut(after_s=point.after_s, mw=point.mw, soc_mwhr=point.soc_mwh, soc_pct=point.soc_pct)
                        for point in asset.path
                    ],
                )
                for asset in preview.assets
            ],
        )


def _command_fields(command: Command, inventory: Inventory) -> dict[str, Any]:
    kind, target_id = command.target, command.target_id
    asset = inventory.asset(target_id) if kind == "asset" else None
    site = inventory.site(target_id if kind == "site" else asset.site_id if asset else "")
    schedule = schedule_of(command)
    acked = min(
        (change.at for change in command.history if change.actor.startswith(("gateway:", "agent:"))), default=None
    )
    return {
        "id": command.id,
        "target": kind,
        "asset_id": target_id if kind == "asset" else None,
        "site_id": target_id if kind == "site" else asset.site_id if asset else None,
        "group_id": target_id if kind == "group" else None,
        "asset_name": asset.name if asset else None,
        "site_name": site.name if site else None,
        "mw": command.mw,
        "requested_mw": command.requested_mw,
        "clamped": command.clamped,
        "duration_s": command.duration_s,
        "status": "accepted",
        "state": command.state,
        "reason": command.why,
        "submitted_at": command.submitted_at,
        "ack_status": None if acked is None else "applied" if command.state in _APPLIED else command.state,
        "acked_at": acked,
        "reached_at": command.reached_at,
        "finished_at": command.finished_at,
        "deliver_by": command.deliver_by,
        "not_before": command.not_before,
        "valid_until": command.valid_until,
        "fallback_mw": command.fallback_mw,
        "applied_mw": command.applied_mw,
        "delivered_mw": command.delivered_mw,
        "actor": command.actor,
        "note": command.note,
        "schedule_id": None if schedule is None else schedule[0],
        "parts": [
            PartOut(
                asset_id=part.asset_id,
                state=part.state,
                reason=part.reason,
                mw=part.mw,
                applied_mw=part.applied_mw,
                delivered_mw=part.delivered_mw,
                reached=part.reached,
                updated_at=part.updated_at,
            )
            for part in command.parts
        ],
        "history": [
            ChangeOut(
                at=change.at,
                state=change.state,
                actor=change.actor,
                reason=change.reason,
                asset_id=change.asset_id,
            )
            for change in command.history
        ],
    }


def _allocations(checked: CheckedRequest | None) -> list[AllocationOut]:
    if checked is None:
        return []
    return [
        AllocationOut(
            asset_id=part.asset_id,
            mw_raw=part.raw_mw,
            mw=part.mw,
            clamped=part.clamped,
            reason=part.reason,
            online=part.online,
        )
        for part in checked.split.allocations
    ]


def _later(begin: datetime, seconds: float | None) -> datetime | None:
    finite = _finite(seconds)
    # Beyond ten years it is no prediction.
    return begin + timedelta(seconds=finite) if finite is not None and finite < 3.2e8 else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
