"""`afterbay serve`: the whole platform with one command."""

from __future__ import annotations

import signal
from dataclasses import asdict
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from urllib.parse import urlsplit

import typer

from afterbay.cli import output
from afterbay.cli.surroundings import end_whatever_runs, server_settings

if TYPE_CHECKING:
    from afterbay.server.serve import Places

__all__ = ["app"]

app = typer.Typer(
    invoke_without_command=True,
    subcommand_metavar="",
    rich_markup_mode=None,
    **output.told(
        "Run the platform: web and API on 127.0.0.1:8000, a worker, and PostgreSQL if none is named. Ctrl-C ends it.",
        "afterbay serve",
        "afterbay serve --port 9000 --no-worker",
        "DATABASE_URL=postgres://bess:besspassword@localhost:5432/bess afterbay serve --fleet",
    ),
)


@app.callback()
def serve(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port on this machine; 0: any.")] = None,
    listen: Annotated[str | None, typer.Option(help="Address and port (AFTERBAY_LISTEN).")] = None,
    database: Annotated[
        str | None, typer.Option(help="Database (DATABASE_URL); default: one of its own in the data folder.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of everything kept (AFTERBAY_DATA_DIR).")] = None,
    storage: Annotated[
        str | None, typer.Option(help="Folder or s3:// or gs:// of files (AFTERBAY_STORAGE_URL).")
    ] = None,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Jobs are done by a worker elsewhere.")] = False,
    fleet: Annotated[bool, typer.Option("--fleet", help="Be a headend too: agents dial in (AFTERBAY_FLEET).")] = False,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Run the platform."""
    if port is not None and listen is not None:
        raise typer.BadParameter("name --port or --listen, not both")
    # Until the server takes signals over: what was started is stopped again.
    signal.signal(signal.SIGTERM, _interrupted)
    from afterbay.server.logs import set_up_logs

    settings = server_settings(
        listen=listen if port is None else f"127.0.0.1:{port}", database_url=database, data_dir=data_dir,
        storage_url=storage, worker=False if no_worker else None, fleet=True if fleet else None,
    )  # fmt: skip
    set_up_logs(settings.log_level, settings.log_format)
    if output.is_terminal():
        output.note(f"afterbay: starting in {settings.data_dir}; the first start takes some seconds more")
    from afterbay.server.serve import run_serve

    def ready(places: Places) -> None:
        if as_json:
            output.json_document(asdict(places))
        else:
            output.note(_told(places))
        if _is_everywhere(places.public_url):
            output.warn(f"links begin with {places.public_url}, which nobody can open -> set AFTERBAY_PUBLIC_URL")
        if places.storage_trouble:
            output.warn(f"files cannot be kept, /readyz says 503: {places.storage_trouble}")

    run_serve(settings, ready=ready)
    output.note("afterbay: stopped; everything is kept")
    end_whatever_runs()


def _told(places: Places) -> str:
    lines = [
        f"afterbay: {places.url}",
        f"  database {places.database}",
        f"  files    {places.storage}",
        f"  worker   {'runs' if places.worker else 'none here: start one with `afterbay worker`'}",
    ]
    if places.agents:
        lines.append(f"  agents   {places.agents}")
    if places.public_url != places.url:
        lines.append(f"  links    begin with {places.public_url}")
    if places.first_link:
        lines += ["Make the first administrator's account: open this link, which works once", f"  {places.first_link}"]
    return "\n".join([*lines, f"Ready in {places.seconds:.1f} s. Ctrl-C ends it."])


def _is_everywhere(url: str) -> bool:
    """Does an address name every interface of this machine, and so no place that a browser can go to?"""
    try:
        return ip_address(urlsplit(url).hostname or "").is_unspecified
    except ValueError:
        return False


def _interrupted(*_given: Any) -> NoReturn:
    raise KeyboardInterrupt
