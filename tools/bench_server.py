"""Measure the platform's server beside a bare FastAPI route and a bare SQL query, in one run; part of `make bench`.

Server, worker, PostgreSQL and users are processes of their own, as in operation, and share this machine. Time depends
on what else runs, so that the load average stands beside each figure, and the server's own CPU per request.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from afterbay.server.database import EMBEDDED_DATABASE
from afterbay.server.postgres import EmbeddedPostgres

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests" / "fleet")]
from server_faults import SIZING, Caller, Served, first_administrator, wait_until  # noqa: E402

PROJECTS = 200
SECONDS = 4.0
"""Of each measurement under load."""
CASES = {
    "capacity_min": 40,
    "capacity_max": 160,
    "capacity_step": 20,
    "durations": [2, 4],
    "dg_values": [0, 4, 6, 8, 10],
}
"""7 x 2 x 5 = 70 sizes."""
BARE_SQL = "SELECT id, name, status, tags, updated_at FROM bess_projects ORDER BY updated_at DESC, id DESC LIMIT 50"


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def _start(folder: Path) -> tuple[Served, float]:
    began = time.perf_counter()
    served = Served(folder, None)
    return served, time.perf_counter() - began


def _row(name: str, value: str, target: str) -> None:
    print(f"  {name:<46} {value:>22}   {target:<16} {_load()}", flush=True)


# What is measured.


def _starts(folder: Path) -> Served:
    print(f"\nStart of `afterbay serve` until it answers, {psutil.cpu_count()} cores")
    served, cold_s = _start(folder)
    _row("from nothing: database made, tables, keys", f"{cold_s:.1f} s", "target 10 s")
    served.close()
    served, warm_s = _start(folder)
    _row("warm", f"{warm_s:.1f} s", "target 4 s")
    return served


def _memory(served: Served) -> None:
    """Tell the memory of server and worker, each page counted once."""
    worker = served.worker()
    wait_until(lambda: _ready(served))
    time.sleep(5.0)  # the worker loads its kernels
    server = psutil.Process(served.process.pid)
    found = {"server": server, "worker": worker}
    pss = {name: process.memory_full_info().pss / 1e6 for name, process in found.items()}
    rss = {name: process.memory_info().rss / 1e6 for name, process in found.items()}
    print("\nIdle memory")
    for name in found:
        _row(name, f"PSS {pss[name]:.0f} MB, RSS {rss[name]:.0f} MB", "")
    _row("server and worker", f"PSS {sum(pss.values()):.0f} MB", "target 500 MB")


def _ready(served: Served) -> bool:
    ada = served.caller("")
    return ada.ask("GET", "/readyz").status_code == 200


def _prepare(ada: Caller) -> dict[str, Any]:
    """Make a project with 70 sizes and its run, and many projects beside it."""
    project = ada.project("Bench", **CASES)
    setup = {**project["setup_config"], "dg_enabled": True}
    ada.done("PUT", f"/projects/{project['id']}/setup", json=setup)
    for number in range(PROJECTS):
        ada.done("POST", "/projects", json={"name": f"Project {number}", "tags": ["bench"]})
    scopes = [f"sizing:{action}" for action in ("create", "read", "update", "export")]
    tokens = [
        ada.done("POST", "/api/v1/auth/tokens", json={"name": f"user {number}", "scopes": scopes, "days": 1})["token"]
        for number in range(10)
    ]
    return {"project": project["id"], "tokens": tokens}


def _runs(ada: Caller, project: str) -> str:
    """Measure an optimisation from POST to result."""
    times = []
    for _ in range(6):
        began = time.perf_counter()
        run = ada.run(project)
        while ada.status(run)["status"] in ("pending", "running"):
            time.sleep(0.02)
        results = ada.done("GET", f"/simulations/{run}/results")
        times.append(time.perf_counter() - began)
        if len(results["optimization_results"]) != 70:
            raise SystemExit(f"{len(results['results'])} of 70 sizes came back")
    print("\nAn optimisation of 70 sizes x 8,760 h, from POST to its results, looked at every 20 ms")
    _row("first", f"{times[0]:.2f} s", "target 3 s")
    _row("median of five more", f"{median(times[1:]):.2f} s", "target 3 s")
    return run


def _exports(ada: Caller, run: str) -> None:
    print("\nFiles of a full year")
    for kind in ("excel", "pdf", "csv"):
        times, size = [], 0
        for _ in range(3):
            began = time.perf_counter()
            answer = ada.ask("GET", f"/exports/{run}/{kind}")
            times.append(time.perf_counter() - began)
            if not answer.is_success:
                raise SystemExit(f"{kind}: {answer.status_code} {answer.text[:300]}")
            size = len(answer.content)
        shown = f"{times[0]:.2f} s, then {min(times[1:]):.2f} s"
        _row(f"{kind}, {size / 1e6:.1f} MB", shown, "" if kind == "csv" else "target 3 s")


def _under_load(folder: Path, served: Served, made: dict[str, Any], run: str) -> None:
    calls: dict[str, tuple[str, str, Any]] = {
        "list, 50 of 201 projects": ("GET", f"{SIZING}/projects?limit=50", None),
        "get a project": ("GET", f"{SIZING}/projects/{made['project']}", None),
        "hourly page, 168 h": ("GET", f"{SIZING}/simulations/{run}/hourly?limit=168", None),
        "quick-analysis of a year": (
            "POST", f"{SIZING}/projects/{made['project']}/quick-analysis",
            {"options": {"capacity": 100.0, "duration": 4.0, "dg_capacity": 6.0}},
        ),
    }  # fmt: skip
    server = psutil.Process(served.process.pid)
    for count in (10, 50):
        print(f"\n{count} users who never pause")
        print(f"  {'':<38} {'requests/s':>10} {'p50':>8} {'p95':>8} {'p99':>8} {'CPU/request':>12}")
        with _bare_route() as (url, process):
            bare = {"url": url, "tokens": [""], "method": "GET", "path": "/bare", "body": None}
            _measured("bare FastAPI route", "users", {**bare, "count": count}, process)
        database = EmbeddedPostgres(folder / "data" / "postgres").url(EMBEDDED_DATABASE)
        # The embedded PostgreSQL lets 60 in, of which the server keeps 20.
        query = {"url": database, "statement": BARE_SQL, "count": min(count, 30)}
        _measured(f"bare SQL, 50 projects, {query['count']} threads", "query", query, None)
        for name, (method, path, body) in calls.items():
            order = {"url": served.url, "tokens": made["tokens"], "method": method, "path": path, "body": body}
            _measured(name, "users", {**order, "count": count}, server)


def _measured(name: str, kind: str, order: dict[str, Any], process: psutil.Process | None) -> None:
    busy = _cpu_s(process)
    done = subprocess.run(
        [sys.executable, str(HERE / "bench_server_load.py"), kind], input=json.dumps({**order, "seconds": SECONDS}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    found = json.loads(done.stdout)
    if found["failed"]:
        raise SystemExit(f"{name}: answers with {found['failed']}")
    times = sorted(found["times_ms"])
    asked = len(times) + 3 * order["count"]  # with those that warmed it
    at = [times[min(int(len(times) * share), len(times) - 1)] for share in (0.5, 0.95, 0.99)]
    cpu = f"{(_cpu_s(process) - busy) / asked * 1e3:.1f} ms" if process else ""
    shown = " ".join(f"{one:>6.0f}ms" for one in at)
    print(f"  {name:<38} {len(times) / found['seconds']:>10.0f} {shown} {cpu:>12}   {_load()}", flush=True)


def _cpu_s(process: psutil.Process | None) -> float:
    if process is None:
        return 0.0
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def _bare_route() -> Iterator[tuple[str, psutil.Process]]:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "bench_server_load.py"), "route"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"], psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20.0)


def main() -> None:
    """Print every measurement."""
    # A short path: that of PostgreSQL's socket is part of it.
    with tempfile.TemporaryDirectory(prefix="afterbay-bench-") as name:
        served = _starts(Path(name))
        try:
            _memory(served)
            ada = first_administrator(served)
            made = _prepare(ada)
            run = _runs(ada, made["project"])
            _exports(ada, run)
            _under_load(Path(name), served, made, run)
        finally:
            served.close()


if __name__ == "__main__":
    main()
