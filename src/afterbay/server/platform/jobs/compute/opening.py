"""Chooses where heavy work is done."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from afterbay.server.platform.jobs.compute.cluster import ClusterCompute
from afterbay.server.platform.jobs.compute.inline import SmallFirst
from afterbay.server.platform.jobs.compute.processes import ProcessCompute

if TYPE_CHECKING:
    from afterbay.server.platform.jobs.compute.interface import Compute

__all__ = ["open_compute"]


def open_compute(*, processes: int | None = None, dask: str | None = None, small_s: float = 0.5) -> Compute:
    """Return where heavy work is done; nothing starts before there is some.

    Args:
        processes: Processes of this machine; None: one for each core.
        dask: Address of a Dask scheduler; None: this machine.
        small_s: What takes less than this in all [s] is done in the calling thread.

    Raises:
        InvalidInputError: If the address is none.
    """
    heavy: Compute = ClusterCompute(dask) if dask else ProcessCompute(processes or os.cpu_count() or 1)
    return SmallFirst(heavy, budget_s=small_s)
