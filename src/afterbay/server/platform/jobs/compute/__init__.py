"""Runs functions over chunks: here, in processes of this machine, or on a Dask cluster; the same results."""

from afterbay.server.platform.jobs.compute.interface import Compute
from afterbay.server.platform.jobs.compute.opening import open_compute

__all__ = ["Compute", "open_compute"]
