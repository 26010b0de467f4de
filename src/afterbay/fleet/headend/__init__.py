"""The headend: sessions of agents, the newest sample of every asset, and commands on their way to the field.

`Headend` knows neither database nor web nor network; `afterbay.fleet.headend.server` puts it on the network by gRPC,
a `Recorder` keeps what happens, and whoever serves people asks it for rows.
"""

from afterbay.fleet.headend.api import (
    AgentRow,
    Change,
    ChangeKind,
    HeadendHealth,
    Outcome,
    RecordBatch,
    Recorder,
    Restored,
    SessionRow,
    TelemetryBlock,
)
from afterbay.fleet.headend.headend import Headend
from afterbay.fleet.headend.stream import Stream
from afterbay.fleet.headend.watching import Subscription

__all__ = [
    "AgentRow",
    "Change",
    "ChangeKind",
    "Headend",
    "HeadendHealth",
    "Outcome",
    "RecordBatch",
    "Recorder",
    "Restored",
    "SessionRow",
    "Stream",
    "Subscription",
    "TelemetryBlock",
]
