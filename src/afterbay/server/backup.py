"""Backup and restore: the whole database and every stored file, as one archive.

```
afterbay-backup.tar
├── manifest.json     format, versions, revision of the tables, hash of every file
├── database.dump     pg_dump's custom format
└── storage/...       the files by their keys
```

Secrets of the data folder (the keys that sign sign-ins) are not in it: whoever restores it signs in anew.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text
from sqlalchemy.engine import make_url

import afterbay
from afterbay.core.errors import (
    ConflictError,
    InvalidInputError,
    MissingExtraError,
    NotFoundError,
    Problem,
    UnavailableError,
)
from afterbay.server.database import head_revision, known_revisions
from afterbay.server.db import database_errors
from afterbay.server.migrations import migrate
from afterbay.server.postgres import find_binaries

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from afterbay.server.database import Database
    from afterbay.server.platform.storage import Storage

__all__ = ["BackupReport", "back_up", "back_up_energy_data", "find_programs", "restore"]

_FORMAT: Final = "afterbay-backup/1"
_CYCLE_TABLES: Final = ("user_systems", "energy_data")
_SCHEMAS: Final = ("public", "afterbay_parts")
_TIMEOUT_S: Final = 6 * 3_600


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What was written or read."""

    path: Path
    revision: str
    """Of the tables."""
    files: int
    size: int
    """Of the archive [bytes]."""
    skipped: tuple[str, ...] = ()
    """Files that went away while the backup was made: nothing in the database needs them."""


def back_up(database: Database, storage: Storage, path: Path, *, now: datetime, replace: bool = False) -> BackupReport:
    """Write a backup; the file appears when it is complete.

    Args:
        database: To dump, while others go on working with it.
        storage: To copy.
        path: Of the archive.
        now: The time, written into it.
        replace: Write over an existing file.

    Raises:
        ConflictError: If the file exists.
        UnavailableError: If the programs of PostgreSQL, the database, the storage or the disk fail.
    """
    if path.exists() and not replace:
        raise ConflictError(f"{path} exists -> choose another name, or say --force")
    revision = _revision(database)
    with _workspace(path) as folder:
        dump = folder / "database.dump"
        # First the database: files that it names are stored before it names them.
        _run(database, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={dump}")
        archive, files, skipped = folder / "archive.tar", {}, []
        with tarfile.open(archive, "w") as tar:
            tar.add(dump, "database.dump")
            dump.unlink()
            for found in sorted(storage.list(), key=lambda one: one.key):
                copy = folder / "object"
                try:
                    pieces = storage.open(found.key)
                except NotFoundError:
                    skipped.append(found.key)
                    continue
                size, digest = _written(copy, pieces)
                files[found.key] = {"size": size, "sha256": digest}
                tar.add(copy, f"storage/{found.key}")
            manifest = {
                "format": _FORMAT, "afterbay": afterbay.__version__, "made_at": now.isoformat(),
                "postgres": database.version, "revision": revision, "files": files,
            }  # fmt: skip
            _add_text(tar, "manifest.json", json.dumps(manifest, indent=1, sort_keys=True), now)
        size = archive.stat().st_size
        with archive.open("rb") as stream:
            os.fsync(stream.fileno())
        # It holds the hashes of passwords: for whoever made it, and for nobody else.
        archive.chmod(0o600)
        archive.replace(path)
    return BackupReport(path, revision, len(files), size, tuple(skipped))


def restore(database: Database, storage: Storage, path: Path, *, replace: bool = False) -> BackupReport:
    """Bring back a backup into an empty system, then bring its tables up to date.

    Args:
        database: Without tables, unless `replace` is said.
        storage: Gets the files; others that are there stay, and are collected as orphans.
        path: Of the archive.
        replace: What is in the database goes; it stays if the restore fails.

    Raises:
        ConflictError: If the database holds tables, or a server uses it.
        InvalidInputError: If the file is no backup, is damaged, or is of a newer afterbay.
        UnavailableError: If the programs of PostgreSQL, the database or the storage fail.
    """
    with _workspace(path) as folder, _opened(path) as tar:
        manifest = _read_manifest(tar, path)
        _check_free(database, replace=replace)
        files: Mapping[str, Mapping[str, Any]] = manifest["files"]
        dump, copy = folder / "database.dump", folder / "object"
        _extract(tar, "database.dump", dump, path)
        for key, facts in files.items():
            digest = _extract(tar, f"storage/{key}", copy, path)
            if digest != facts["sha256"]:
                raise _damaged(path, f"{key} is not what was stored")
            storage.put(key, copy)
        with _set_aside(database):
            _run(
                database, "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges",
                f"--dbname={_place(database)}", str(dump),
            )  # fmt: skip
        migrate(database.engine)
    return BackupReport(path, _revision(database), len(files), path.stat().st_size)


def back_up_energy_data(database: Database, folder: Path, *, now: datetime) -> Path:
    """Write the solar cycle's tables as `backup_energy_data_YYYYMMDD.sql`; returns its path.

    Raises:
        NotFoundError: If there are no such tables yet.
        UnavailableError: If the programs of PostgreSQL or the database fail.
    """
    with database_errors(), database.engine.connect() as connection:
        there = [name for name in _CYCLE_TABLES if _exists(connection, name)]
    if not there:
        raise NotFoundError(f"this database has no tables of the cycle yet ({', '.join(_CYCLE_TABLES)})")
    path = folder / f"backup_energy_data_{now:%Y%m%d}.sql"
    with _workspace(path) as scratch:
        tables = [f"--table=public.{name}" for name in there]
        _run(database, "pg_dump", "--format=plain", "--no-owner", "--no-privileges", *tables,
             f"--file={scratch / 'energy.sql'}")  # fmt: skip
        (scratch / "energy.sql").replace(path)
    return path


def find_programs(version: int, *, encrypted: bool = False) -> Path:
    """Return a folder with a `pg_dump` and `pg_restore` that suit a server.

    Args:
        version: Major version of the server; older programs refuse a newer server.
        encrypted: The connection needs TLS, which the programs of the Python package cannot.

    Raises:
        UnavailableError: If there are none.
    """
    found: list[tuple[int, Path]] = []
    for folder in (*_system_folders(version), *_packaged(encrypted=encrypted)):
        major = _major(folder / "pg_dump")
        if major is not None and major >= version and (folder / "pg_restore").exists():
            found.append((major, folder))
    if not found:
        raise UnavailableError(
            f"no pg_dump of PostgreSQL {version} or newer is here -> install PostgreSQL's client programs "
            f"(postgresql-client-{version}) and try again"
        )
    # The nearest version: what it writes, the server and its neighbours read.
    return min(found, key=lambda one: one[0])[1]


def _system_folders(version: int) -> Iterator[Path]:
    on_path = shutil.which("pg_dump")
    if on_path:
        yield Path(on_path).parent
    # Debian keeps a folder for each version beside a chooser on the path.
    yield Path(f"/usr/lib/postgresql/{version}/bin")


def _packaged(*, encrypted: bool) -> Iterator[Path]:
    if not encrypted:
        try:
            yield find_binaries()
        except MissingExtraError:
            return


def _major(program: Path) -> int | None:
    try:
        done = subprocess.run((program, "--version"), check=False, capture_output=True, text=True, timeout=30)  # noqa: S603 - a program that was looked for by its path
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\) (\d+)", done.stdout)
    return int(match[1]) if done.returncode == 0 and match else None


def _run(database: Database, program: str, *words: str) -> None:
    url = make_url(database.url)
    mode = url.query.get("sslmode", "prefer")
    folder = find_programs(database.version, encrypted=mode in ("require", "verify-ca", "verify-full"))
    kept = {name: value for name, value in os.environ.items() if name not in ("PGOPTIONS", "PGDATABASE")}
    # Not among the words: those are shown to everybody on this machine.
    password = {"PGPASSWORD": url.password} if url.password else {}
    place = () if program == "pg_restore" else (f"--dbname={_place(database)}",)
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            (folder / program, *words, *place), check=False, capture_output=True, text=True, timeout=_TIMEOUT_S,
            env={**kept, **password, "PGCONNECT_TIMEOUT": "10"}, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{program} cannot be run ({error}) -> try again") from None
    if done.returncode:
        said = " | ".join(line for line in done.stderr.strip().splitlines()[-3:])
        raise UnavailableError(f"{program} failed: {said or f'exit {done.returncode}'} -> mend that and try again")


def _place(database: Database) -> str:
    url = make_url(database.url)
    bare = url.set(drivername="postgresql", password=None)
    return bare.render_as_string(hide_password=False)


def _revision(database: Database) -> str:
    with database_errors(), database.engine.connect() as connection:
        if not _exists(connection, "alembic_version"):
            return ""
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def _exists(connection: Connection, table: str) -> bool:
    return connection.execute(text("SELECT to_regclass(:name)"), {"name": f"public.{table}"}).scalar() is not None


def _check_free(database: Database, *, replace: bool) -> None:
    """Refuse a database that somebody uses, or that holds something unless it is to be replaced."""
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    tables = text("SELECT count(*) FROM pg_tables WHERE schemaname = ANY(:schemas)")
    with database_errors(), database.engine.connect() as connection:
        if connection.execute(others).scalar_one():
            raise ConflictError(f"others work with {database.shown} -> stop the server and its workers first")
        count = connection.execute(tables, {"schemas": list(_SCHEMAS)}).scalar_one()
    if count and not replace:
        raise ConflictError(
            f"{database.shown} holds {count} tables -> restore into an empty database, or say --replace to lose them"
        )
    database.engine.dispose()


@contextmanager
def _set_aside(database: Database) -> Iterator[None]:
    """Give an empty place; what was there comes back on an error and goes at the end."""
    with database_errors(), database.engine.begin() as connection:
        there = [name for name in _SCHEMAS if _schema_exists(connection, name)]
        for name in there:
            connection.execute(text(f"ALTER SCHEMA {name} RENAME TO {name}_before_restore"))
        connection.execute(text("CREATE SCHEMA public"))
    database.engine.dispose()
    try:
        yield
    except BaseException:
        with database_errors(), database.engine.begin() as connection:
            for name in _SCHEMAS:
                connection.execute(text(f"DROP SCHEMA IF EXISTS {name} CASCADE"))
            for name in there:
                connection.execute(text(f"ALTER SCHEMA {name}_before_restore RENAME TO {name}"))
        raise
    with database_errors(), database.engine.begin() as connection:
        for name in there:
            connection.execute(text(f"DROP SCHEMA {name}_before_restore CASCADE"))


def _schema_exists(connection: Connection, name: str) -> bool:
    return connection.execute(text("SELECT to_regnamespace(:name)"), {"name": name}).scalar() is not None


@contextmanager
def _workspace(path: Path) -> Iterator[Path]:
    """Give a folder beside a file, so that a finished file can be moved to its place at once."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            yield Path(folder)
    except OSError as error:
        raise UnavailableError(
            f"{path.parent} cannot be used ({error.strerror or error}) -> free some space"
        ) from error


def _written(path: Path, pieces: Iterator[bytes]) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as stream:
        for piece in pieces:
            stream.write(piece)
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


def _add_text(tar: tarfile.TarFile, name: str, content: str, now: datetime) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(content.encode()), int(now.timestamp())
    tar.addfile(info, io.BytesIO(content.encode()))


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    if not path.is_file():
        raise NotFoundError(f"there is no backup {path}")
    try:
        with tarfile.open(path, "r:") as tar:
            yield tar
    except tarfile.TarError as error:
        raise _damaged(path, str(error)) from None


def _read_manifest(tar: tarfile.TarFile, path: Path) -> dict[str, Any]:
    try:
        stream = tar.extractfile("manifest.json")
        manifest = json.loads(stream.read()) if stream else None
    except (KeyError, ValueError):
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise _damaged(path, "no complete backup of afterbay")
    if manifest["revision"] not in known_revisions():
        move = f"use afterbay {manifest.get('afterbay')} or newer"
        raise InvalidInputError(
            Problem(str(path), f"tables of revision {manifest['revision']}", f"up to {head_revision()}", move)
        )
    return manifest


def _extract(tar: tarfile.TarFile, name: str, target: Path, path: Path) -> str:
    """Copy one member to a file of ours, whatever it is called in there; returns its hash."""
    try:
        stream = tar.extractfile(name)
    except KeyError:
        stream = None
    if stream is None:
        raise _damaged(path, f"{name} is missing")
    return _written(target, iter(lambda: stream.read(1 << 20), b""))[1]


def _damaged(path: Path, why: str) -> InvalidInputError:
    return InvalidInputError(Problem(str(path), why, "a backup made by `afterbay db backup`", "use another copy"))
