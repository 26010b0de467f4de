"""`afterbay serve` as one process with children: database, web and API here, jobs in a worker."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Final

import afterbay
from afterbay.server.database import Database, embedded_of, is_embedded, open_database
from afterbay.server.guard import shield_rules
from afterbay.server.listening import (
    OurServer,
    check_certificate,
    listening_on,
    make_server,
    told_where,
    with_port,
)
from afterbay.server.warming import start_warm_up

if TYPE_CHECKING:
    from fastapi import FastAPI

    from afterbay.server.fleet.service import FleetService
    from afterbay.server.platform.storage import Storage
    from afterbay.server.settings import Address, Settings

__all__ = ["Places", "run_serve", "worker_environment"]

_log = logging.getLogger("afterbay.serve")
_GRACE_S: Final = 10
"""So long may a request that runs take to end."""
_WORKER_GRACE_S: Final = 45.0
_STORAGE_S: Final = 3.0
"""So long is waited for a storage to say whether it works."""
_BACK_OFF_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
_LIVED_S: Final = 60.0
"""A worker that ran so long did not die of how it was started."""
# The worker ends with us, whatever ends us: Linux tells it. Then it is the command `afterbay worker`.
_WORKER: Final = """\
import os, runpy, signal, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if os.getppid() != int(sys.argv[1]):
        sys.exit(0)
sys.argv[:] = ["afterbay", "worker"]
runpy.run_module("afterbay", run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a running server is reached, and what runs."""

    url: str
    public_url: str
    """What links begin with."""
    database: str
    """Without its password; one of its own by its folder."""
    storage: str
    storage_trouble: str
    """Why files cannot be kept now; empty: they can."""
    worker: bool
    first_link: str
    """Opens the first administrator's account, once; empty when there is one."""
    agents: str
    """Where the fleet's agents dial in; empty without a fleet."""
    seconds: float
    """From the start to here [s]."""


def run_serve(
    settings: Settings,
    *,
    ready: Callable[[Places], None],
    worker: Sequence[str] | None = None,
    warm: bool = True,
) -> None:
    """Run the platform until SIGTERM or SIGINT.

    Args:
        settings: Everything.
        ready: Told when everything listens.
        worker: Command line of the worker; None: `afterbay worker`.
        warm: Load the compiled kernels in the background when everything listens: the first quick analysis and the
            first report need not wait for them.

    Raises:
        InvalidInputError: For settings that cannot be used.
        UnavailableError: When the port is taken or the database does not answer.
    """
    began = time.monotonic()
    shield_rules(settings)
    check_certificate(settings)

    def listening(places: Places) -> None:
        ready(places)
        if warm:
            start_warm_up()

    with ExitStack() as stack:
        listener = stack.enter_context(listening_on(settings.listen, "the server", _taken(settings.listen)))
        database = stack.enter_context(_database(settings))
        from afterbay.server.platform_app import create_platform_app, make_parts

        parts = make_parts(settings, database.engine, database.sessions)
        app = create_platform_app(parts)
        parts.feed.start()
        stack.callback(parts.feed.stop)
        command = list(worker or (sys.executable, "-c", _WORKER, str(os.getpid()))) if settings.worker else None
        server = make_server(app, settings, grace_s=_GRACE_S)
        asyncio.run(_run(app, server, listener, settings, database, command, began, listening))


def worker_environment(settings: Settings, database_url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the worker, so that it sees the settings that are in force here."""
    given = {
        "AFTERBAY_DATABASE_URL": database_url,
        "AFTERBAY_DATA_DIR": str(settings.data_dir),
        "AFTERBAY_STORAGE_URL": settings.storage,
        "AFTERBAY_DASK": settings.dask,
        "AFTERBAY_COMPUTE_PROCESSES": str(settings.compute_processes or ""),
        "AFTERBAY_LOG_LEVEL": settings.log_level,
        "AFTERBAY_LOG_FORMAT": settings.log_format,
    }
    return {**environment, **given}


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    """Give the database; our modules are loaded while an embedded server starts."""
    embedded = embedded_of(settings) if is_embedded(settings) else None
    try:
        with ThreadPoolExecutor(1) as pool:
            # Only programs of PostgreSQL run in this thread: two threads that import could wait for each other.
            starting = pool.submit(embedded.start) if embedded else None
            import_module("afterbay.server.platform_app").load_routers()
            if starting is not None:
                starting.result()
        with open_database(settings, embedded=embedded) as database:
            yield database
    finally:
        if embedded is not None:
            embedded.stop()


async def _run(
    app: FastAPI,
    server: OurServer,
    listener: socket.socket,
    settings: Settings,
    database: Database,
    command: list[str] | None,
    began: float,
    ready: Callable[[Places], None],
) -> None:
    stop = asyncio.Event()
    _on_signals(stop, server)
    async with AsyncExitStack() as stack:
        agents = ""
        fleet: FleetService | None = None
        if settings.fleet:
            fleet, agents = await stack.enter_async_context(_fleet(settings, database))
            app.state.fleet = fleet
        environment = worker_environment(settings, database.url, os.environ)
        working = asyncio.create_task(_keep_worker(command, environment, stop)) if command else None
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        stopping = asyncio.create_task(stop.wait())
        try:
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            if server.started:
                # What is loaded by now stays: to look through it for garbage stops everybody for a quarter of a second.
                gc.freeze()
                scheme = "https" if settings.tls_cert else "http"
                url = f"{scheme}://{_shown(settings.listen.host)}:{listener.getsockname()[1]}"
                base = (settings.public_url or url).rstrip("/")
                stack.enter_context(told_where(settings.data_dir, base, listener.getsockname()[:2]))
                link = await asyncio.to_thread(_first_link, app)
                trouble = await _storage_trouble(app.state.storage)
                ready(
                    Places(
                        url, base, database.shown, app.state.storage.label, trouble, command is not None,
                        f"{base}{link}" if link else "", agents, time.monotonic() - began,
                    )
                )  # fmt: skip
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.set()
            app.state.stopping.set()
            if fleet is not None:
                fleet.end_live()
            server.should_exit = True
            await serving
            stopping.cancel()
            if working is not None:
                await working


def _first_link(app: FastAPI) -> str | None:
    from afterbay.server.db import session_scope
    from afterbay.server.platform.identity.service import ensure_first_link

    with session_scope(app.state.sessions) as session:
        return ensure_first_link(session, app.state.identity)


async def _storage_trouble(storage: Storage) -> str:
    """Return why files cannot be kept, without waiting long for a store that is silent."""
    found: list[str] = []

    def look() -> None:
        health = storage.healthy()
        found.append("" if health.ok else health.detail)

    # A daemon: the end of the server does not wait for it.
    thread = Thread(target=look, daemon=True)
    thread.start()
    ends = time.monotonic() + _STORAGE_S
    while thread.is_alive() and time.monotonic() < ends:
        await asyncio.sleep(0.01)
    return found[0] if found else f"{storage.label} does not answer within {_STORAGE_S:.0f} s"


def _on_signals(stop: asyncio.Event, server: OurServer) -> None:
    def asked() -> None:
        # Who asks twice does not want to wait for requests that run.
        server.force_exit = stop.is_set()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl-C comes as KeyboardInterrupt
            loop.add_signal_handler(number, asked)


async def _keep_worker(command: Sequence[str], environment: Mapping[str, str], stop: asyncio.Event) -> None:
    """Run the worker, again when it died; at the end it finishes or gives back what it works on."""
    deaths = 0
    while not stop.is_set():
        started = time.monotonic()
        # A session of its own: Ctrl-C in a terminal is for us, and we tell the worker in our order.
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=sys.stderr.fileno(),
            start_new_session=True,
        )  # fmt: skip
        ended = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ended.done():
            await _end(process, ended)
            return
        deaths = 0 if time.monotonic() - started > _LIVED_S else deaths + 1
        pause_s = _BACK_OFF_S[min(max(deaths - 1, 0), len(_BACK_OFF_S) - 1)]
        if not stop.is_set():
            _log.error("the worker ended (exit %s); started again in %.0f s, no job is lost", ended.result(), pause_s)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause_s)


async def _end(process: asyncio.subprocess.Process, ended: asyncio.Task[int]) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    await asyncio.wait((ended,), timeout=_WORKER_GRACE_S)
    if not ended.done():
        _log.warning("the worker did not end in %.0f s and is killed; its jobs are run again", _WORKER_GRACE_S)
        with suppress(ProcessLookupError):
            process.kill()
    await ended


@asynccontextmanager
async def _fleet(settings: Settings, database: Database) -> AsyncIterator[tuple[FleetService, str]]:
    """Give the fleet's service with a headend of its own in this process, and where its agents dial in."""
    from afterbay.fleet.headend import Headend
    from afterbay.fleet.headend.server import HeadendServer
    from afterbay.fleet.inventory import find_inventory, read_inventory
    from afterbay.server.fleet.recorder import open_recorder
    from afterbay.server.headend import fleet_service, link_security

    path = find_inventory(os.environ, Path.cwd())
    inventory = read_inventory(path)
    tls, allow = link_security(settings)
    async with AsyncExitStack() as stack:
        recorder = open_recorder(
            database.engine, settings.data_dir / "headend" / "buffer", buffer_mb=settings.buffer_mb,
            keep_days=settings.telemetry_keep_days or None,
        )  # fmt: skip
        restored = await recorder.prepare(inventory, reset=False, prune=False)
        await stack.enter_async_context(recorder)
        headend = Headend(inventory, recorder=recorder, software=f"afterbay {afterbay.__version__}")
        headend.restore(restored)
        await stack.enter_async_context(headend)
        link = HeadendServer(headend, str(settings.grpc), tls=tls, allow=allow, proxy=settings.grpc_proxy)
        await stack.enter_async_context(link)
        service = fleet_service(headend, path, database.engine, recorder, None)
        yield service, with_port(settings.grpc, link.port)


def _taken(address: Address) -> str:
    return (
        f"is another afterbay running? Stop it, or choose another port: `afterbay serve --port {_next(address.port)}`"
    )


def _next(port: int) -> int:
    return port + 1 if 0 < port < 65_535 else 8001


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
