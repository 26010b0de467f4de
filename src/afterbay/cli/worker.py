"""`afterbay worker`: does the jobs of a server, beside it or on another machine."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afterbay.cli import output
from afterbay.cli.surroundings import end_whatever_runs, server_settings

if TYPE_CHECKING:
    from afterbay.server.settings import Settings

__all__ = ["app"]

app = typer.Typer(
    invoke_without_command=True,
    subcommand_metavar="",
    rich_markup_mode=None,
    **output.told(
        "Do jobs of the platform until Ctrl-C; what runs then is finished or given back. Start as many as you like.",
        "afterbay worker",
        "DATABASE_URL=postgres://bess:besspassword@localhost:5432/bess afterbay worker --jobs 4",
        "AFTERBAY_DASK=tls://scheduler:8786 afterbay worker",
    ),
)


@app.callback()
def worker(
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Jobs at once.")] = 2,
    processes: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Processes for heavy work (AFTERBAY_COMPUTE_PROCESSES).")
    ] = None,
    dask: Annotated[str | None, typer.Option(help="Scheduler of a Dask cluster for it (AFTERBAY_DASK).")] = None,
    database: Annotated[
        str | None, typer.Option(help="Database (DATABASE_URL); default: the one in the data folder.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of everything kept (AFTERBAY_DATA_DIR).")] = None,
    storage: Annotated[
        str | None, typer.Option(help="Folder or s3:// or gs:// of files (AFTERBAY_STORAGE_URL).")
    ] = None,
) -> None:
    """Run a worker."""
    from afterbay.server.logs import set_up_logs

    settings = server_settings(
        database_url=database, data_dir=data_dir, storage_url=storage, dask=dask, compute_processes=processes
    )
    set_up_logs(settings.log_level, settings.log_format)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_given: stop.set())
    _run(settings, jobs, stop)
    output.note("afterbay worker: stopped; no job is lost")
    end_whatever_runs()


def _run(settings: Settings, jobs: int, stop: threading.Event) -> None:
    from afterbay.server.database import open_database
    from afterbay.server.worker import WorkerSettings, run_worker

    with open_database(settings) as database:
        wanted = WorkerSettings(
            database.url, settings.storage, settings.dask or None, settings.compute_processes, concurrency=jobs
        )
        run_worker(
            wanted, stop=stop, ready=lambda: output.note(f"afterbay worker: {jobs} at once, jobs of {database.shown}")
        )
