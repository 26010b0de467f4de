"""Run a community: every quarter hour of a year in seconds, streamed, resumable, the same to the bit."""

from afterbay.community.simulation.columns import DAILY_COLUMNS, HOUSE_COLUMNS, NODE_COLUMNS
from afterbay.community.simulation.horizon import LocalDays, horizon, local_days
from afterbay.community.simulation.result import CommunityRun
from afterbay.community.simulation.run import open_run, run_community
from afterbay.community.simulation.scenario import Scenario

__all__ = [
    "DAILY_COLUMNS",
    "HOUSE_COLUMNS",
    "NODE_COLUMNS",
    "CommunityRun",
    "LocalDays",
    "Scenario",
    "horizon",
    "local_days",
    "open_run",
    "run_community",
]
