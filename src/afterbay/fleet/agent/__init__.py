"""The edge agent: drives devices, obeys leases, and keeps telemetry until the headend has it.

It calls out and is never called. What it does goes on without a headend: ticks, ends of commands, and the spool.
"""

from afterbay.fleet.agent.check import CheckStep, check_link
from afterbay.fleet.agent.launcher import DEFAULT_HEADEND, Launcher, end_with_parent
from afterbay.fleet.agent.link import Link
from afterbay.fleet.agent.logs import log_to_stderr
from afterbay.fleet.agent.looking import agent_status
from afterbay.fleet.agent.port import DevicePort
from afterbay.fleet.agent.records import SpoolLimits
from afterbay.fleet.agent.running import machine_clocks, open_transport, run_agent
from afterbay.fleet.agent.runtime import AgentClocks, Runtime
from afterbay.fleet.agent.settings import AgentSettings, TlsFiles, read_agent_settings
from afterbay.fleet.agent.spool import Spool
from afterbay.fleet.agent.transport import GrpcTransport

__all__ = [
    "DEFAULT_HEADEND",
    "AgentClocks",
    "AgentSettings",
    "CheckStep",
    "DevicePort",
    "GrpcTransport",
    "Launcher",
    "Link",
    "Runtime",
    "Spool",
    "SpoolLimits",
    "TlsFiles",
    "agent_status",
    "check_link",
    "end_with_parent",
    "log_to_stderr",
    "machine_clocks",
    "open_transport",
    "read_agent_settings",
    "run_agent",
]
