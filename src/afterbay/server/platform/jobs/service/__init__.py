"""Starts, finds and cancels jobs; what a worker does with them is in `leases`."""

from afterbay.server.platform.jobs.repository import Wanted
from afterbay.server.platform.jobs.service.jobs import (
    cancel,
    changed_since,
    enqueue,
    find,
    find_page,
    open_jobs,
    retry,
)
from afterbay.server.platform.jobs.view import JobView

__all__ = ["JobView", "Wanted", "cancel", "changed_since", "enqueue", "find", "find_page", "open_jobs", "retry"]
