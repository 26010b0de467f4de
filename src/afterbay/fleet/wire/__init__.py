"""The wire between headend and agents: `agent.proto`, its generated code, and records to and from it.

Names of the wire (`soc_mwhr`, `current_mw`, `available_charge_kw`) live here only. Certificates and tokens are in
`afterbay.fleet.wire.tls`, which needs grpc.
"""

from afterbay.core.errors import MissingExtraError

try:
    import google.protobuf  # noqa: F401
    import grpc  # noqa: F401
except ImportError as missing:
    raise MissingExtraError(missing.name or "grpcio", "fleet", "The link between headend and agents") from missing

from afterbay.fleet.wire.convert import (
    AgentRecord,
    HeadendRecord,
    agent_message,
    bootstrap_answer,
    bootstrap_request,
    headend_message,
    read_agent,
    read_bootstrap,
    read_headend,
)
from afterbay.fleet.wire.telemetry import COLUMNS, telemetry_message, telemetry_record, telemetry_values

__all__ = [
    "COLUMNS",
    "AgentRecord",
    "HeadendRecord",
    "agent_message",
    "bootstrap_answer",
    "bootstrap_request",
    "headend_message",
    "read_agent",
    "read_bootstrap",
    "read_headend",
    "telemetry_message",
    "telemetry_record",
    "telemetry_values",
]
