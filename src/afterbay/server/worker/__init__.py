"""The worker: a process that does what takes longer than a request, and what is due by the clock."""

from afterbay.server.worker.running import MODULES, WorkerSettings, run_worker

__all__ = ["MODULES", "WorkerSettings", "run_worker"]
