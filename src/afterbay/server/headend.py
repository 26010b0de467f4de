"""The stand-alone headend as one process: REST, the link to the agents, and the database if one is named."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import afterbay
from afterbay.core.errors import InvalidInputError, Problem
from afterbay.fleet.headend import Headend
from afterbay.fleet.headend.server import HeadendServer
from afterbay.fleet.inventory import find_inventory, read_inventory
from afterbay.fleet.wire.identity import AllowList, read_allow_list
from afterbay.fleet.wire.tls import ServerTls
from afterbay.server.app import create_headend_app
from afterbay.server.fleet.service import Editor, FleetService
from afterbay.server.fleet.simulation import LocalGateway
from afterbay.server.guard import check_exposure
from afterbay.server.listening import listening_on, make_server, with_port

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from afterbay.fleet.inventory import Inventory
    from afterbay.server.fleet.recorder import DatabaseRecorder
    from afterbay.server.settings import Settings

__all__ = ["HeadendOptions", "HeadendPlaces", "fleet_service", "link_security", "run_headend"]

_log = logging.getLogger("afterbay.headend")
_TICK_S = 4.0
_GRACE_S = 3
_TAKEN = "is another headend running? Stop it, or name another address with HEADEND_HTTP_ADDR or --http"


@dataclass(frozen=True, slots=True)
class HeadendOptions:
    """What the command line adds to the environment."""

    assets: Path | None = None
    """None: as `find_inventory` finds it."""
    simulate: bool = False
    tick_s: float = _TICK_S
    prune: bool = False
    """Delete what the database holds of assets that the YAML does not name."""


@dataclass(frozen=True, slots=True)
class HeadendPlaces:
    """Where a running headend is reached, and what it operates."""

    http: str
    grpc: str
    assets: int
    sites: int
    inventory: str
    """Path of the YAML, or `default set`."""
    database: str
    """Address without its password, or `none`."""
    simulated: bool


async def run_headend(
    settings: Settings, options: HeadendOptions, stop: asyncio.Event, *, ready: Callable[[HeadendPlaces], None]
) -> None:
    """Run until `stop` is set; `ready` is told when everything listens.

    Raises:
        InvalidInputError: For settings or a YAML that cannot be used.
        UnavailableError: When a port is taken or the database does not answer.
    """
    rules = check_exposure(settings)
    path = options.assets or find_inventory(os.environ, Path.cwd())
    inventory = read_inventory(path)
    tls, allow = link_security(settings)
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(listening_on(settings.http, "REST", _TAKEN))
        database, engine, recorder = await stack.enter_async_context(_database(settings))
        restored = None
        if recorder is not None:
            restored = await recorder.prepare(inventory, reset=settings.reset_db, prune=options.prune)
            await stack.enter_async_context(recorder)
        elif settings.reset_db or options.prune:
            _log.warning("no database is named: RESET_DB and --prune have nothing to do")
        headend = Headend(inventory, recorder=recorder, software=f"afterbay {afterbay.__version__}")
        if restored is not None:
            headend.restore(restored)
        await stack.enter_async_context(headend)
        link = HeadendServer(headend, str(settings.grpc), tls=tls, allow=allow, proxy=settings.grpc_proxy)
        await stack.enter_async_context(link)
        gateway = None
        if options.simulate:
            gateway = await stack.enter_async_context(LocalGateway(headend, tick_s=options.tick_s))
        fleet = fleet_service(headend, path, engine, recorder, gateway)
        server = make_server(create_headend_app(fleet, rules), settings, grace_s=_GRACE_S)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        stopping = asyncio.create_task(stop.wait())
        try:
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            if server.started:
                gc.freeze()  # what is loaded by now stays; nobody has to wait while it is looked through
                scheme = "https" if settings.tls_cert else "http"
                http = f"{scheme}://{with_port(settings.http, listener.getsockname()[1])}"
                ready(
                    HeadendPlaces(
                        http, with_port(settings.grpc, link.port), len(inventory.assets), len(inventory.sites),
                        str(path) if path else "default set", database, options.simulate,
                    )
                )  # fmt: skip
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            fleet.end_live()
            server.should_exit = True
            stopping.cancel()
            await serving


def fleet_service(
    headend: Headend,
    path: Path | None,
    engine: Engine | None,
    recorder: DatabaseRecorder | None,
    gateway: LocalGateway | None,
) -> FleetService:
    """Return the service behind the REST of a headend.

    Args:
        headend: The headend.
        path: The assets file that changes are written to; None: `assets.yaml` in this folder.
        engine: The database, if there is one.
        recorder: What writes into it.
        gateway: The simulator in this process, if there is one.
    """

    async def told(inventory: Inventory) -> None:
        if recorder is not None:
            await recorder.reconcile(inventory)
        if gateway is not None:
            await gateway.replace_inventory(inventory)

    editor = Editor(headend, path or Path.cwd() / "assets.yaml", told=(told,))
    if engine is None or recorder is None:
        return FleetService(headend, editor)
    from afterbay.server.fleet.service.history import Database

    return FleetService(headend, editor, database=Database(engine), keeper=recorder.status)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[tuple[str, Engine | None, DatabaseRecorder | None]]:
    """Give the database that is named, started first if it is the embedded one."""
    if settings.database is None:
        yield "none", None, None
        return
    from afterbay.server.db import make_engine, read_url, shown_url
    from afterbay.server.fleet.recorder import open_recorder

    with contextlib.ExitStack() as stack:
        address = settings.database
        if address.lower().rstrip(":") == "embedded":
            from afterbay.server.postgres import EmbeddedPostgres

            postgres = EmbeddedPostgres(settings.data_dir / "postgres")
            await asyncio.to_thread(postgres.start)
            stack.callback(postgres.stop)
            address = await asyncio.to_thread(postgres.ensure_database, "afterbay")
        url = read_url(address)
        engine = make_engine(url)
        stack.callback(engine.dispose)
        folder = settings.data_dir / "headend" / "buffer"
        yield (
            shown_url(url),
            engine,
            open_recorder(engine, folder, buffer_mb=settings.buffer_mb, keep_days=settings.telemetry_keep_days or None),
        )


def link_security(settings: Settings) -> tuple[ServerTls | None, AllowList | None]:
    """Return how the link to the agents is encrypted, and who may call."""
    cert, key = settings.grpc_cert, settings.grpc_key
    if cert is None or key is None:
        if cert is not None or key is not None or settings.grpc_client_ca is not None:
            problem = Problem(
                "AFTERBAY_GRPC_CERT, AFTERBAY_GRPC_KEY", "not both", "both, or neither", "name both files"
            )
            raise InvalidInputError(problem)
        tls = None
    else:
        tls = ServerTls(cert, key, settings.grpc_client_ca)
    if settings.grpc_allow is not None:
        return tls, read_allow_list(settings.grpc_allow)
    token = settings.grpc_token.get_secret_value() if settings.grpc_token else ""
    return tls, AllowList.of_one_token(token) if token else None
