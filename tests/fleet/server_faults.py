"""The platform as processes that are killed: `afterbay serve`, who talks to it, and what may be left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import psutil
from server_identity import PASSWORD

SIZING = "/api/v1/bess-sizing"
HOURS = 8_760
SECTIONS: dict[str, dict[str, Any]] = {
    "setup_config": {
        "load_mode": "csv", "solar_source": "csv", "bess_efficiency": 100, "bess_min_soc": 0, "bess_max_soc": 100,
        "bess_initial_soc": 50, "dg_enabled": False,
    },
    "rules_config": {},
    "sizing_config": {
        "capacity_min": 40, "capacity_max": 160, "capacity_step": 40, "durations": [4],
        "optimization_goal": {"delivery_mode": "at_least", "delivery_target_pct": 99},
    },
    "financial_config": {"costs": {"installation_pct": 0}},
}  # fmt: skip
QUOTAS = "bess-sizing.max_projects_per_user=10000,bess-sizing.max_simulations_per_day=100000"
PATIENCE_S = 90.0
"""A slow machine is no defect; what never comes is."""

_Found = TypeVar("_Found")
_Answer = TypeVar("_Answer")
# The same server, with a worker that is sooner taken for dead.
_HASTY = """\
import json, os, sys
from dataclasses import asdict
from afterbay.server.logs import set_up_logs
from afterbay.server.serve import run_serve
from afterbay.server.settings import read_settings

settings = read_settings(listen="127.0.0.1:0")
set_up_logs(settings.log_level, "console")
worker = [sys.executable, sys.argv[1], str(os.getpid())]
run_serve(settings, worker=worker, warm=False, ready=lambda places: print(json.dumps(asdict(places)), flush=True))
"""
_HASTY_WORKER = """\
import ctypes, os, signal, sys, threading

if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
        if os.getppid() != int(sys.argv[1]):
            sys.exit(0)
    from afterbay.server.logs import set_up_logs
    from afterbay.server.platform.jobs.service.leases import RetryRule
    from afterbay.server.platform.jobs.tasks.timing import Timing
    from afterbay.server.settings import read_settings
    from afterbay.server.worker import WorkerSettings, run_worker

    settings = read_settings()
    set_up_logs(settings.log_level, "console")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    timing = Timing(beat_s=0.3, stalled_s=2.0, stop_grace_s=0.5, stop_force_s=1.0)
    wanted = WorkerSettings(settings.database, settings.storage, compute_processes=2, concurrency=2, timing=timing,
                            retries=RetryRule(most_failures=4, first_s=0.2))
    run_worker(wanted, stop=stop, warm=False)
    if threading.active_count() > 1:
        os._exit(0)
"""


class Served:
    """A server as a child process, with everything it wrote in a file."""

    def __init__(
        self,
        folder: Path,
        database: str | None,
        *,
        storage: str | None = None,
        hasty: bool = False,
        worker: bool = True,
        wrapper: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AFTERBAY_", "DATABASE_"))}
        given = {"AFTERBAY_DATA_DIR": str(folder / "data"), "AFTERBAY_WORKER": "yes" if worker else "no",
                 "AFTERBAY_RATE_LIMIT": "off", "AFTERBAY_RATE_LIMIT_ADDRESS": "off",
                 "AFTERBAY_QUOTAS": QUOTAS, "AFTERBAY_LISTEN": "127.0.0.1:0",
                 "AFTERBAY_LOG_LEVEL": "warning"}  # fmt: skip
        given |= {"DATABASE_URL": database} if database else {}
        given |= {"AFTERBAY_STORAGE_URL": storage} if storage else {}
        words = [sys.executable, "-m", "afterbay", "serve", "--json"]
        if hasty:
            server, its_worker = folder / "hasty.py", folder / "hasty_worker.py"
            server.write_text(_HASTY)
            its_worker.write_text(_HASTY_WORKER)
            words = [sys.executable, str(server), str(its_worker)]
        self.log = folder / "log.txt"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*wrapper, *words], stdout=subprocess.PIPE, stderr=log,
                env={**kept, **given, **(environment or {})}, start_new_session=True,
            )  # fmt: skip
        self.places = self._read()
        self.url = str(self.places["url"])
        self._callers: list[Caller] = []

    def caller(self, token: str) -> Caller:
        """Return somebody who has signed in, here or on a server before."""
        self._callers.append(Caller(self.url, token))
        return self._callers[-1]

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        text = ""
        for line in self.process.stdout:
            text += line.decode()
            with suppress(ValueError):
                found: dict[str, Any] = json.loads(text)
                return found
        raise AssertionError(f"it ended ({self.process.wait()}): {self.log.read_text()}")

    def worker(self) -> psutil.Process:
        """Return the worker, as soon as it runs."""

        def found() -> psutil.Process | None:
            return next(iter(psutil.Process(self.process.pid).children()), None)

        return wait_until(found)

    def kill(self) -> None:
        """End the server as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask the server to end, and wait for it."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        """End it, whatever a test did to it, and let its worker end."""
        for caller in self._callers:
            caller.client.close()
        children: list[psutil.Process] = []
        if self.process.poll() is None:
            children = psutil.Process(self.process.pid).children(recursive=True)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30.0)
            except subprocess.TimeoutExpired:
                self.kill()
        for child in psutil.wait_procs(children, timeout=10.0)[1]:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()


def wait_until(find: Callable[[], _Found | None], *, seconds: float = PATIENCE_S, every_s: float = 0.05) -> _Found:
    """Return what is found as soon as it is something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = find()
        if found:
            return found
        time.sleep(every_s)
    raise AssertionError(f"nothing within {seconds} s")


class Caller:
    """Somebody with a session of a server; threads may share it."""

    def __init__(self, url: str, token: str) -> None:
        self.token = token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = httpx2.Client(base_url=url, headers=headers, timeout=60.0, trust_env=False)

    def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Send a request; paths that begin with `/projects` and the like are those of the sizing module."""
        place = path if path.startswith(("/api", "/healthz", "/readyz")) else f"{SIZING}{path}"
        return self.client.request(method, place, **more)

    def done(self, method: str, path: str, **more: Any) -> Any:
        """Send a request that must succeed; returns its JSON."""
        answer = self.ask(method, path, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
        return answer.json() if answer.content else None

    def upload(self, kind: str, content: bytes, key: str | None = None) -> httpx2.Response:
        """Send a profile."""
        return self.ask(
            "POST", "/api/v1/profiles", data={"profile_type": kind},
            files={"file": (f"{kind}.csv", content, "text/csv")}, headers={"Idempotency-Key": key} if key else {},
        )  # fmt: skip

    def project(self, name: str = "Block sun", **sizing: Any) -> dict[str, Any]:
        """Make the block sun: 10 MW all day, 30 MW of sun for eight hours; further sizes as asked."""
        profiles = {f"{kind}_profile_id": self.upload(kind, series(kind)).json()["id"] for kind in ("load", "solar")}
        sections = {**SECTIONS, "sizing_config": {**SECTIONS["sizing_config"], **sizing}}
        made: dict[str, Any] = self.done("POST", "/projects", json={"name": name, **sections, **profiles})
        return made

    def run(self, project_id: str, **more: Any) -> str:
        """Start an optimisation; returns its id."""
        found = self.done("POST", f"/projects/{project_id}/simulate", json={"simulation_type": "optimization"}, **more)
        return str(found["id"])

    def status(self, run_id: str) -> dict[str, Any]:
        """Return how far a run is."""
        found: dict[str, Any] = self.done("GET", f"/simulations/{run_id}/status")
        return found

    def finished(self, run_id: str) -> dict[str, Any]:
        """Return the status of a run that has ended."""

        def over() -> dict[str, Any] | None:
            found = self.status(run_id)
            return found if found["status"] in ("completed", "failed", "cancelled") else None

        return wait_until(over)

    def audited(self, action: str, resource_id: str) -> list[dict[str, Any]]:
        """Return what the audit trail says of a thing."""
        asked = {"action": action, "resource_id": resource_id}
        found: list[dict[str, Any]] = self.done("GET", "/api/v1/admin/audit", params=asked)["items"]
        return found


def series(kind: str, rows: int = HOURS) -> bytes:
    """Return a profile of the block sun as CSV."""
    values = (10.0 if kind == "load" else 30.0 * (hour % 24 // 8 == 1) for hour in range(rows))
    return "\n".join([f"hour,{kind}_mw", *(f"{hour},{value:g}" for hour, value in enumerate(values))]).encode()


def first_administrator(served: Served) -> Caller:
    """Use the link that the server printed."""
    secret = served.places["first_link"].partition("#token=")[2]
    given = {"token": secret, "password": PASSWORD, "name": "Ada", "email": "ada@example.org", "mode": "token"}
    with httpx2.Client(base_url=served.url, trust_env=False, timeout=60.0) as client:
        answer = client.post("/api/v1/auth/links/accept", json=given)
    assert answer.is_success, answer.text
    return served.caller(answer.json()["access_token"])


def stored(folder: Path) -> list[Path]:
    """Return what is whole in the store's folder; what is being written, hashes and the lock are in hidden places."""
    place = folder / "data" / "storage"
    found = (one for one in place.rglob("*") if one.is_file())
    return [one for one in found if not any(part.startswith(".") for part in one.relative_to(place).parts)]


def at_once(*calls: Callable[[], _Answer]) -> list[_Answer]:
    """Return the answers of calls that begin at the same moment."""
    gate = threading.Barrier(len(calls))
    found: dict[int, _Answer] = {}

    def one(place: int, call: Callable[[], _Answer]) -> None:
        gate.wait()
        found[place] = call()

    threads = [threading.Thread(target=one, args=(place, call)) for place, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[place] for place in range(len(calls))]


@contextmanager
def serving(folder: Path, database: str | None, **more: Any) -> Iterator[Served]:
    """Give a server; it is ended at the end, with its worker."""
    served = Served(folder, database, **more)
    try:
        yield served
    finally:
        served.close()
