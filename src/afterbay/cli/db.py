"""`afterbay db`: the platform's database: bring it up to date, back it up, restore it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afterbay.cli import output
from afterbay.cli.surroundings import server_settings

if TYPE_CHECKING:
    from afterbay.server.database import Database
    from afterbay.server.platform.storage import Storage

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Bring the database up to date; back up, restore.")
_DATABASE = typer.Option(help="Database (DATABASE_URL); default: the one in the data folder.")
_DATA_DIR = typer.Option(help="Folder of everything kept (AFTERBAY_DATA_DIR).")
_STORAGE = typer.Option(help="Folder or s3:// or gs:// of files (AFTERBAY_STORAGE_URL).")


@app.command(**output.told("Bring the tables up to date; as often as you like.", "afterbay db upgrade"))
def upgrade(
    database: Annotated[str | None, _DATABASE] = None,
    data_dir: Annotated[Path | None, _DATA_DIR] = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Bring the tables up to date."""
    from afterbay.server.database import head_revision

    with _opened(database, data_dir, None, upgrade=True) as (opened, _):
        if as_json:
            output.json_document({"database": opened.shown, "revision": head_revision()})
        else:
            output.lines([f"{opened.shown}: tables are at revision {head_revision()}"])


@app.command(
    **output.told(
        "Write database and files as one archive; the server may run meanwhile.",
        "afterbay db backup afterbay.tar",
        "afterbay db backup --energy-data",
    )
)
def backup(
    file: Annotated[
        Path | None, typer.Argument(help="The archive; with --energy-data a folder, default: here.")
    ] = None,
    energy_data: Annotated[
        bool, typer.Option("--energy-data", help="Only the solar cycle's tables, as backup_energy_data_YYYYMMDD.sql.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing archive.")] = False,
    database: Annotated[str | None, _DATABASE] = None,
    data_dir: Annotated[Path | None, _DATA_DIR] = None,
    storage: Annotated[str | None, _STORAGE] = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Write a backup."""
    if file is None and not energy_data:
        raise typer.BadParameter("name the archive, such as afterbay.tar")
    from afterbay.server.backup import back_up, back_up_energy_data

    now = datetime.now(UTC)
    with _opened(database, data_dir, storage, upgrade=False) as (opened, store):
        if energy_data:
            path = back_up_energy_data(opened, file or Path(), now=now)
            document, told = {"file": str(path)}, f"{path}: the tables of the cycle"
        else:
            report = back_up(opened, store, file or Path(), now=now, replace=force)
            document = {"file": str(report.path), "revision": report.revision, "files": str(report.files),
                        "bytes": str(report.size)}  # fmt: skip
            told = f"{report.path}: database at {report.revision}, {report.files} files, {report.size / 1e6:.1f} MB"
            for key in report.skipped:
                output.warn(f"{key} went away meanwhile and is not in the backup")
    if as_json:
        output.json_document(document)
    else:
        output.lines([told])


@app.command(
    **output.told(
        "Bring a backup back into an empty system; stop the server first.",
        "afterbay db restore afterbay.tar",
        "afterbay db restore afterbay.tar --replace",
    )
)
def restore(
    file: Annotated[Path, typer.Argument(help="The archive.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Lose what the database holds; it stays if the restore fails.")
    ] = False,
    database: Annotated[str | None, _DATABASE] = None,
    data_dir: Annotated[Path | None, _DATA_DIR] = None,
    storage: Annotated[str | None, _STORAGE] = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Bring a backup back."""
    from afterbay.server.backup import restore as bring_back

    with _opened(database, data_dir, storage, upgrade=False) as (opened, store):
        report = bring_back(opened, store, file, replace=replace)
    if as_json:
        output.json_document({"file": str(report.path), "revision": report.revision, "files": report.files})
    else:
        output.lines([f"{report.path}: restored, database at {report.revision}, {report.files} files"])


@contextmanager
def _opened(
    database: str | None, data_dir: Path | None, storage: str | None, *, upgrade: bool
) -> Iterator[tuple[Database, Storage]]:
    from afterbay.server.database import open_database
    from afterbay.server.logs import set_up_logs
    from afterbay.server.platform.storage import open_storage

    settings = server_settings(database_url=database, data_dir=data_dir, storage_url=storage)
    set_up_logs("warning", settings.log_format)
    with open_database(settings, upgrade=upgrade) as opened:
        yield opened, open_storage(settings.storage)
