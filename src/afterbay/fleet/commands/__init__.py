"""Commands, from a request to its end: limits, split, preview, schedules, the headend's record, the agent's book.

All of it is pure: no socket, no file and no clock of its own; every moment is an argument.
"""

from afterbay.fleet.commands.arrival import has_reached, reach_tolerance_mw
from afterbay.fleet.commands.asset_book import resting_mw
from afterbay.fleet.commands.command import Change, Command, Part, command_from_dict
from afterbay.fleet.commands.foresight import Foresight, foresee
from afterbay.fleet.commands.lease_book import LeaseBook, Setpoint
from afterbay.fleet.commands.limits import CheckedRequest, check_request
from afterbay.fleet.commands.making import key_taken, request_digest
from afterbay.fleet.commands.moment import Moment
from afterbay.fleet.commands.path import PathPoint, SocPath, soc_path
from afterbay.fleet.commands.present import (
    AssetNow,
    PowerRange,
    SiteNow,
    asset_now,
    ceiling_mwh,
    efficiency_at,
    floor_mwh,
    power_range,
    site_now,
)
from afterbay.fleet.commands.preview import AssetPreview, Preview, preview_request
from afterbay.fleet.commands.ramp import ramp_step, ramp_time_s
from afterbay.fleet.commands.record import CommandRecord, Submission
from afterbay.fleet.commands.request import CommandRequest, check_form, read_request
from afterbay.fleet.commands.schedule import (
    Interval,
    ScheduledRequest,
    interval_key,
    read_intervals,
    schedule_of,
    schedule_requests,
)
from afterbay.fleet.commands.split import Allocation, Redistribution, Split, part_leases, split_power
from afterbay.fleet.commands.states import FINAL, IN_FORCE, TRANSITIONS, CommandState, may_follow
from afterbay.fleet.commands.target import Target, TargetKind, find_target

__all__ = [
    "FINAL",
    "IN_FORCE",
    "TRANSITIONS",
    "Allocation",
    "AssetNow",
    "AssetPreview",
    "Change",
    "CheckedRequest",
    "Command",
    "CommandRecord",
    "CommandRequest",
    "CommandState",
    "Foresight",
    "Interval",
    "LeaseBook",
    "Moment",
    "Part",
    "PathPoint",
    "PowerRange",
    "Preview",
    "Redistribution",
    "ScheduledRequest",
    "Setpoint",
    "SiteNow",
    "SocPath",
    "Split",
    "Submission",
    "Target",
    "TargetKind",
    "asset_now",
    "ceiling_mwh",
    "check_form",
    "check_request",
    "command_from_dict",
    "efficiency_at",
    "find_target",
    "floor_mwh",
    "foresee",
    "has_reached",
    "interval_key",
    "key_taken",
    "may_follow",
    "part_leases",
    "power_range",
    "preview_request",
    "ramp_step",
    "ramp_time_s",
    "reach_tolerance_mw",
    "read_intervals",
    "read_request",
    "request_digest",
    "resting_mw",
    "schedule_of",
    "schedule_requests",
    "site_now",
    "soc_path",
    "split_power",
]
