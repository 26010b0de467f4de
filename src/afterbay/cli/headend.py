"""`afterbay headend`: the control plane of a fleet, in one process."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afterbay.cli import output

if TYPE_CHECKING:
    from afterbay.server.headend import HeadendOptions, HeadendPlaces
    from afterbay.server.settings import Settings

__all__ = ["app"]

app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    **output.told(
        "Run the headend: REST on 127.0.0.1:3001, agents dial in on 127.0.0.1:50051. Ctrl-C ends it.",
        "afterbay headend --simulate",
        "DATABASE_URL=postgres://bess:besspassword@localhost:5432/bess afterbay headend --assets examples/fleet.yaml",
    ),
)


@app.callback()
def headend(
    simulate: Annotated[bool, typer.Option("--simulate", help="Tick every asset in this process; no agent.")] = False,
    assets: Annotated[
        Path | None, typer.Option(help="Assets file; default: ASSETS_PATH, assets.yaml here or one folder up.")
    ] = None,
    reset_db: Annotated[bool, typer.Option("--reset-db", help="Empty the fleet's tables first (RESET_DB).")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete the history of assets that the file does not name.")
    ] = False,
    http: Annotated[str | None, typer.Option(help="Address of REST (HEADEND_HTTP_ADDR); port 0: any.")] = None,
    grpc: Annotated[str | None, typer.Option(help="Address for agents (HEADEND_GRPC_ADDR); port 0: any.")] = None,
    database: Annotated[
        str | None, typer.Option(help="Database (DATABASE_URL), or `embedded` for one of its own.")
    ] = None,
    tick: Annotated[float, typer.Option(min=0.05, max=3600.0, help="Seconds between ticks of --simulate.")] = 4.0,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Run the headend."""
    from afterbay.server.headend import HeadendOptions
    from afterbay.server.settings import read_settings

    settings = read_settings(
        http=http, grpc=grpc, database_url=database, reset_db=True if reset_db else None
    )  # fmt: skip
    options = HeadendOptions(assets, simulate, tick, prune)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("alembic.runtime.plugins", "alembic.runtime.migration", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    asyncio.run(_run(settings, options, as_json=as_json))


async def _run(settings: Settings, options: HeadendOptions, *, as_json: bool) -> None:
    from afterbay.server.headend import run_headend

    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl-C comes as KeyboardInterrupt
            loop.add_signal_handler(number, stop.set)

    def ready(places: HeadendPlaces) -> None:
        if as_json:
            output.json_document(asdict(places))
            return
        shown = " (simulated in this process)" if places.simulated else ""
        output.note(
            f"headend: page and REST {places.http}, agents {places.grpc}\n"
            f"{places.assets} assets on {places.sites} sites of {places.inventory}{shown}, "
            f"database: {places.database}\nCtrl-C ends it."
        )

    await run_headend(settings, options, stop, ready=ready)
    output.note("headend: stopped; everything that was received is kept" if settings.database else "headend: stopped")
