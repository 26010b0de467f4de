"""What headend and agents say to each other, as plain records; `wire` turns them into protobuf and back.

Times are UTC. Power is in MW, + leaves the asset. The names of the wire (`soc_mwhr`) live in `wire` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from afterbay.fleet.inventory.records import AssetType

__all__ = [
    "CLOCK_SKEW_S",
    "CURRENT_PROTOCOL",
    "Acknowledgement",
    "AssetDescriptor",
    "Event",
    "Heartbeat",
    "Hello",
    "Lease",
    "LimitedBy",
    "Notice",
    "Origin",
    "Quality",
    "Receipt",
    "Register",
    "Restoration",
    "Severity",
    "Telemetry",
    "TelemetryBatch",
    "Welcome",
]

CURRENT_PROTOCOL = 1
"""Version of our additions; an agent of the original says nothing and counts as 0."""

CLOCK_SKEW_S = 2.0
"""Difference between the clocks of an agent and its headend that deadlines of commands notice [s]; below it is the way
of a message."""

Quality = Literal["good", "uncertain", "bad", "stale"]
Origin = Literal["device", "simulated", "replay", "unknown"]
"""unknown: an agent of the original does not say."""
Severity = Literal["info", "warning", "alarm", "critical"]
LimitedBy = Literal[
    "ramp", "p_limit", "soc_min", "soc_max", "reserve", "site_limit", "temperature", "fault", "resource", "device"
]


@dataclass(frozen=True, slots=True)
class AssetDescriptor:
    """An asset that a gateway claims to serve."""

    asset_id: str
    site_id: str
    asset_name: str = ""
    site_name: str = ""
    location: str = ""
    asset_type: AssetType = "storage"
    tick_s: float | None = None
    """Time between two of its samples [s]; None: as the hello says."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who is calling, before anything else."""

    gateway_id: str
    protocol: int = CURRENT_PROTOCOL
    software: str = ""
    boot_id: str = ""
    """Changes with every start of the agent; sequence numbers go on across boots."""
    spool_id: str = ""
    """Identity of the numbering of samples: changes when the spool was lost and `seq` starts anew."""
    last_command_seq: int = 0
    """Highest `Lease.seq` that this agent has seen; the headend goes on above it, also after it lost its memory."""
    tick_s: float | None = None
    """Time between two samples of an asset [s]; None: not said."""


@dataclass(frozen=True, slots=True)
class Register:
    """The assets that a stream serves."""

    gateway_id: str
    assets: tuple[AssetDescriptor, ...]
    """Sorted by id; the first one is the primary asset of the original's wire."""
    hello: Hello | None = None


@dataclass(frozen=True, slots=True)
class Telemetry:
    """One asset at one moment. None means not known or not modelled, never a made-up number."""

    asset_id: str
    site_id: str
    timestamp: datetime
    """Of the source: when the device or the simulator had these values."""
    mw: float
    """Power at the terminals; `current_mw` on the wire."""
    setpoint_mw: float | None
    """The intent that is in force; it may differ from `mw`, and `limited_by` says why."""
    max_mw: float
    min_mw: float
    status: str
    """discharging, charging, idle, fault or offline."""
    soc_mwh: float | None = None
    soc_pct: float | None = None
    capacity_mwh: float | None = None
    site_name: str = ""
    asset_type: AssetType = "storage"
    online: bool = True
    fault_code: str | None = None
    limited_by: LimitedBy | None = None
    quality: Quality = "good"
    origin: Origin = "simulated"
    seq: int = 0
    """Counts up by one with every sample of an asset, across restarts of the agent; 0: an agent of the original."""
    lease_id: str | None = None
    """Command that is in force."""
    energy_in_mwh: float | None = None
    """Counted at the terminals since the asset was made; never falls."""
    energy_out_mwh: float | None = None
    available_charge_mw: float | None = None
    available_discharge_mw: float | None = None
    temperature_c: float | None = None
    soh_pct: float | None = None
    cycle_count: float | None = None
    details: Mapping[str, float | int | bool | str] = field(default_factory=dict)
    """Fields of the asset's type: irradiance_wm2, wind_speed_ms, active_sessions, dc_voltage_v, ..."""
    received_at: datetime | None = None
    """When the headend got it; set there."""


@dataclass(frozen=True, slots=True)
class TelemetryBatch:
    """All samples of a gateway's tick, or a part of its spool."""

    samples: tuple[Telemetry, ...]
    batch_seq: int
    replay: bool = False


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """An asset's agent is alive."""

    asset_id: str
    """Empty: every asset of the stream (one message for a gateway instead of one per asset)."""
    timestamp: datetime
    clock_skew_s: float | None = None
    """How far the agent's clock is ahead of the headend's, as it knows from the welcome [s]."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """First answer of a headend that speaks our protocol; one of the original sends none."""

    protocol: int
    software: str = ""
    accepted: tuple[str, ...] = ()
    """Assets that the headend now reaches through this stream."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Why each other asset of the registration is not (unknown_asset, not_allowed)."""
    window: int = 64
    """Batches that may be on their way without a receipt."""
    headend_time: datetime | None = None
    """When it was written, by the headend's clock; set on the wire."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The headend has this batch of samples for good; the agent may forget it."""

    batch_seq: int
    refused: tuple[str, ...] = ()
    """Assets of the batch whose samples were not taken (the gateway does not serve them); sending again is no use."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a gateway should know about its registration: an asset was taken over, refused, given back."""

    code: str
    """taken_over, given_back, not_allowed, unknown_asset, removed or unreadable."""
    message: str
    severity: Severity = "warning"
    asset_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Restoration:
    """What a headend remembers of an asset, for an agent that starts (`Bootstrap`)."""

    asset_id: str
    telemetry: Telemetry | None = None
    lease: Lease | None = None
    """The command that is in force, if it is; never one that has ended."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A command on its way to an asset or a site: a power for a time, and what follows.

    With an asset id it moves that asset alone, whatever the site id says.
    """

    id: str
    """Idempotency key: the same id is applied once."""
    mw: float
    """Power that the command asks for, after the headend's clamping [MW]."""
    seq: int
    """Counts up for every target; an older one never replaces a newer."""
    issued_at: datetime
    asset_id: str | None = None
    site_id: str | None = None
    group_id: str | None = None
    deliver_by: datetime | None = None
    """Not to be begun after this; None: no deadline."""
    valid_until: datetime | None = None
    """End of the command; None: it holds until it is replaced."""
    duration_s: float | None = None
    """As the user gave it."""
    fallback_mw: float = 0.0
    """What follows the end, by ramp [MW]."""
    hold_offline_s: float | None = None
    """Longest time for which the command holds while the headend is out of reach; None: until its end."""
    cancel: bool = False
    """Ends the command with this id now; `mw` then is the power that follows."""
    not_before: datetime | None = None
    """Not to be begun before this; None: at once."""
    members: tuple[str, ...] = ()
    """Assets that a group command means on this gateway."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What became of a command at an asset."""

    lease_id: str
    asset_id: str
    state: str
    """A state of `afterbay.fleet.commands`."""
    timestamp: datetime
    reason: str = ""
    applied_mw: float | None = None
    """Power that was written after the split and the limits."""
    delivered_mw: float | None = None
    """Power read back from the device."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an asset."""

    id: str
    asset_id: str
    site_id: str
    timestamp: datetime
    event_type: str
    severity: Severity
    message: str
