"""Shapes of the fleet's REST. Power in MW, + leaves the asset; energy in MWh; `efficiency` is one way."""

from afterbay.server.fleet.schemas.commands import (
    DISPATCH_EXAMPLES,
    CommandOut,
    DispatchIn,
    DispatchOut,
    PreviewOut,
    ScheduleIn,
    ScheduleOut,
)
from afterbay.server.fleet.schemas.inventory import (
    ASSET_EXAMPLE,
    GROUP_EXAMPLE,
    SITE_EXAMPLE,
    AssetOut,
    GroupOut,
    SiteOut,
)
from afterbay.server.fleet.schemas.telemetry import HeartbeatOut, TelemetryIn, TelemetryOut
from afterbay.server.fleet.schemas.watching import AgentOut, EventIn, EventOut, HealthOut

__all__ = [
    "ASSET_EXAMPLE",
    "DISPATCH_EXAMPLES",
    "GROUP_EXAMPLE",
    "SITE_EXAMPLE",
    "AgentOut",
    "AssetOut",
    "CommandOut",
    "DispatchIn",
    "DispatchOut",
    "EventIn",
    "EventOut",
    "GroupOut",
    "HealthOut",
    "HeartbeatOut",
    "PreviewOut",
    "ScheduleIn",
    "ScheduleOut",
    "SiteOut",
    "TelemetryIn",
    "TelemetryOut",
]
