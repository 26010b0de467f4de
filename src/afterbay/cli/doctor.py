"""`afterbay doctor`: looks at everything that the platform needs, and says what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from afterbay.cli import output
from afterbay.cli.failures import GOAL_NOT_REACHED
from afterbay.cli.surroundings import check_data_dir, misspelt
from afterbay.core.errors import AfterbayError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from afterbay.server.settings import Address, Settings

__all__ = ["Finding", "app", "examine"]

State = Literal["ok", "warn", "fail"]
_PACKAGES = ("fastapi", "sqlalchemy", "psycopg", "alembic", "procrastinate", "pwdlib", "joserfc", "uvicorn", "obstore")
_OLDEST = (3, 11)
_DISK_FAIL_MB, _DISK_WARN_MB = 200, 2_000
_CLOCK_WARN_S, _CLOCK_FAIL_S = 2.0, 30.0
_WORKER_SILENT_S = 60
_LOOK = "does it run, and are host, user, password and name in DATABASE_URL right?"
app = typer.Typer(
    invoke_without_command=True,
    subcommand_metavar="",
    rich_markup_mode=None,
    **output.told(
        "Check Python, ports, database, storage, disk, clock, worker and tables. Exit code 8 if one fails.",
        "afterbay doctor",
        "afterbay doctor --json",
    ),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    state: State
    found: str
    next_move: str = ""


@app.callback()
def doctor(as_json: Annotated[bool, output.JSON_OPTION] = False) -> None:
    """Look at everything."""
    findings = list(examine())
    if as_json:
        output.json_document([asdict(one) for one in findings])
    else:
        for one in findings:
            move = f" -> {one.next_move}" if one.next_move else ""
            output.lines([f"{one.state:<4}  {one.check:<9}  {one.found}{move}"])
    if any(one.state == "fail" for one in findings):
        raise typer.Exit(GOAL_NOT_REACHED)


def examine(read: Callable[[], Settings] | None = None) -> Iterator[Finding]:
    """Yield what every check found, in the order in which to mend it.

    Args:
        read: Gives the settings; None: those of the environment.
    """
    yield _python()
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        yield Finding("packages", "fail", f"missing: {', '.join(missing)}", 'pip install "afterbay[server]"')
        return
    yield Finding("packages", "ok", "the server's packages are installed")
    from afterbay.server.settings import read_settings

    for sentence in misspelt(os.environ):
        unknown, _, move = sentence.partition(" -> ")
        yield Finding("variable", "warn", unknown, move)
    try:
        settings = (read or read_settings)()
    except AfterbayError as error:
        yield Finding("settings", "fail", " | ".join(str(error).splitlines()), "see `afterbay config`")
        return
    yield _exposure(settings)
    yield _port("port", settings.listen, "`afterbay serve --port PORT`")
    if settings.fleet:
        yield _port("agents", settings.grpc, "AFTERBAY_GRPC_ADDR")
    yield _disk(settings.data_dir)
    yield from _folder(settings)
    yield _storage(settings)
    yield from _database(settings)


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info >= _OLDEST:
        return Finding("python", "ok", version)
    return Finding("python", "fail", version, "use Python 3.11 or newer")


def _exposure(settings: Settings) -> Finding:
    from afterbay.server.guard import shield_rules
    from afterbay.server.listening import check_certificate
    from afterbay.server.platform.identity.service.settings import read_role_mapping
    from afterbay.server.platform.modules.service import read_overrides
    from afterbay.server.rest.limits import RateLimiter, RateRules

    try:
        rules = shield_rules(settings)
        check_certificate(settings)
        # What else would stop a server at its start.
        RateLimiter(RateRules(settings.rate_limit, settings.rate_limit_address, settings.rate_limit_sign_in))
        read_overrides(settings.quotas)
        read_role_mapping(settings.oidc_roles)
    except AfterbayError as error:
        return Finding("settings", "fail", " | ".join(str(error).splitlines()), "see `afterbay config`")
    return Finding("settings", "ok", "clients use TLS" if rules.secure else "plain HTTP on this machine only")


def _port(check: str, address: Address, option: str) -> Finding:
    if address.port == 0:
        return Finding(check, "ok", f"{address}: any free port")
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            if check == "port" and _answers(address):
                return Finding(check, "ok", f"{address}: afterbay runs there")
            return Finding(
                check, "fail", f"{address}: {error.strerror or error}", f"stop what runs there, or choose with {option}"
            )
    return Finding(check, "ok", f"{address} is free")


def _answers(address: Address) -> bool:
    """Does an afterbay answer there, with TLS or without?"""
    import http.client
    import ssl

    # Only whether it is ours is asked; nothing secret is sent, so nobody has to be trusted.
    plain = http.client.HTTPConnection(address.host, address.port, timeout=3)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    secure = http.client.HTTPSConnection(address.host, address.port, timeout=3, context=context)
    for connection in (plain, secure):
        try:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            if answer.status == 200 and b'"status"' in answer.read(1_000):
                return True
        except (OSError, http.client.HTTPException):
            continue
        finally:
            connection.close()
    return False


def _disk(folder: Path) -> Finding:
    there = next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))
    free_mb = shutil.disk_usage(there).free / 1e6
    found = f"{free_mb / 1000:,.1f} GB free for {folder}"
    if free_mb < _DISK_FAIL_MB:
        return Finding("disk", "fail", found, "free some space, or set AFTERBAY_DATA_DIR")
    if free_mb < _DISK_WARN_MB:
        return Finding("disk", "warn", found, "free some space soon")
    return Finding("disk", "ok", found)


def _folder(settings: Settings) -> Iterator[Finding]:
    from afterbay.server.database import is_embedded

    if is_embedded(settings):
        try:
            check_data_dir(settings.data_dir)
        except AfterbayError as error:
            yield Finding("folder", "fail", str(error))


def _storage(settings: Settings) -> Finding:
    from afterbay.server.platform.storage import open_storage

    try:
        health = open_storage(settings.storage).healthy()
    except AfterbayError as error:
        return Finding("storage", "fail", " ".join(str(error).split()), "check AFTERBAY_STORAGE_URL")
    return Finding("storage", "ok" if health.ok else "fail", health.detail, "" if health.ok else "check permissions")


def _database(settings: Settings) -> Iterator[Finding]:
    from afterbay.server.database import embedded_of, is_embedded, shown_database
    from afterbay.server.db import make_engine, read_url
    from afterbay.server.postgres import find_binaries

    try:
        address = settings.database or ""
        if is_embedded(settings):
            find_binaries()
            embedded = embedded_of(settings)
            if not embedded.running():
                known = (embedded.data / "PG_VERSION").exists()
                found = "does not run" if known else "will be made"
                yield Finding("database", "ok", f"embedded, {found}: `afterbay serve` starts it")
                return
            address = embedded.url("afterbay")
        url = read_url(address)
    except AfterbayError as error:
        yield Finding("database", "fail", " ".join(str(error).split()), "check DATABASE_URL")
        return
    engine = make_engine(url)
    try:
        yield from _asked(engine, shown_database(settings, url))
    finally:
        engine.dispose()


def _asked(engine: Engine, shown: str) -> Iterator[Finding]:
    from sqlalchemy import text

    from afterbay.server.database import OLDEST, head_revision
    from afterbay.server.db import database_errors

    try:
        with database_errors(), engine.connect() as connection:
            version = int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
            now = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
            ours = datetime.now(UTC)
            revision = _optional(connection, "alembic_version", "SELECT version_num FROM alembic_version")
            silent = _optional(
                connection, "procrastinate_workers",
                "SELECT extract(epoch FROM clock_timestamp() - max(last_heartbeat)) FROM procrastinate_workers",
            )  # fmt: skip
    except AfterbayError as error:
        found = " ".join(str(error).partition(" -> ")[0].split())
        yield Finding(
            "database", "fail", found, "does it run, and are host, user, password and name in DATABASE_URL right?"
        )
        return
    old = version < OLDEST
    yield Finding("database", "fail" if old else "ok", f"{shown}, PostgreSQL {version}",
                  f"use {OLDEST} or newer" if old else "")  # fmt: skip
    yield _clock(abs((now - ours).total_seconds()))
    yield _tables(revision, head_revision())
    yield _worker(silent)


def _optional(connection: Any, table: str, query: str) -> Any:
    from sqlalchemy import text

    there = connection.execute(text("SELECT to_regclass(:name)"), {"name": table}).scalar()
    return connection.execute(text(query)).scalar() if there else None


def _clock(apart_s: float) -> Finding:
    found = f"{apart_s:.1f} s from the database's"
    state: State = "fail" if apart_s > _CLOCK_FAIL_S else "warn" if apart_s > _CLOCK_WARN_S else "ok"
    return Finding("clock", state, found, "" if state == "ok" else "set both clocks by NTP")


def _tables(revision: str | None, head: str) -> Finding:
    if revision == head:
        return Finding("tables", "ok", f"at revision {head}")
    found = f"at revision {revision}, today's is {head}" if revision else "none yet"
    return Finding("tables", "warn", found, "`afterbay db upgrade`, or start the server")


def _worker(silent_s: float | None) -> Finding:
    if silent_s is None:
        return Finding("worker", "warn", "none runs: jobs wait", "`afterbay worker`, or `afterbay serve`")
    if silent_s > _WORKER_SILENT_S:
        return Finding("worker", "warn", f"silent for {silent_s:.0f} s: jobs wait", "`afterbay worker`")
    return Finding("worker", "ok", f"seen {max(silent_s, 0):.0f} s ago")
