"""A web server in a process of ours: its socket, its TLS, its end."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvicorn

from afterbay.core.errors import InvalidInputError, Problem, Problems, UnavailableError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from afterbay.server.settings import Address, Settings

__all__ = ["OurServer", "check_certificate", "listening_on", "make_server", "reached_at", "told_where", "with_port"]

_TLS: Final = "AFTERBAY_TLS_CERT, AFTERBAY_TLS_KEY"
_NOTE: Final = "serve.json"
_PROBE_S: Final = 1.0


class OurServer(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none of them."""
        yield


def make_server(app: FastAPI, settings: Settings, *, grace_s: int) -> OurServer:
    """Return a server of an application.

    Args:
        app: The application.
        settings: Say which certificate, if any.
        grace_s: How long a request that runs may take to end [s].

    Raises:
        InvalidInputError: If the certificate or its key cannot be used.
    """
    check_certificate(settings)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the guard checks who the proxy is
        server_header=False,
        timeout_graceful_shutdown=grace_s,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        lifespan="off",
    )
    config.load()
    return OurServer(config)


def check_certificate(settings: Settings) -> None:
    """Try the certificate and its key, if there are any; for before anything is started.

    Raises:
        InvalidInputError: If one of them is missing or cannot be read, or they are no pair.
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return
    problems = Problems()
    for variable, path in (("AFTERBAY_TLS_CERT", settings.tls_cert), ("AFTERBAY_TLS_KEY", settings.tls_key)):
        try:
            path.read_bytes()
        except OSError as error:
            got = f"{path} ({error.strerror or error})"
            problems.add(variable, got, "a file in PEM that can be read", "check path and permissions")
    problems.raise_if_any()
    try:
        # No question for a pass phrase: nobody may be there to answer it.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    except (OSError, ValueError) as error:
        mismatch = getattr(error, "reason", "") == "KEY_VALUES_MISMATCH"
        got = f"{settings.tls_cert} and {settings.tls_key}, " + (
            "which are no pair" if mismatch else "not usable as PEM"
        )
        move = "name the key that the certificate was made for" if mismatch else "a key must have no pass phrase"
        raise InvalidInputError(Problem(_TLS, got, "a certificate and its key in PEM", move)) from None


@contextmanager
def told_where(folder: Path, url: str, address: tuple[str, int]) -> Iterator[None]:
    """Note in the data folder where a server is reached, while the block runs, for commands that make links.

    Args:
        folder: The data folder; one that cannot be written is no reason not to serve.
        url: What links begin with.
        address: Host and port that really listen.
    """
    note = folder / _NOTE
    document = {"url": url, "host": address[0], "port": address[1], "pid": os.getpid()}
    part = note.with_suffix(f".{os.getpid()}.part")
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(document), encoding="utf-8")
        part.replace(note)
    try:
        yield
    finally:
        # The note of another server that started meanwhile stays.
        with contextlib.suppress(OSError, ValueError):
            if json.loads(note.read_bytes()) == document:
                note.unlink()


def reached_at(folder: Path) -> str | None:
    """Return what links to the server of a data folder begin with; None: no server answers where the last one did."""
    try:
        document = json.loads((folder / _NOTE).read_bytes())
        url, host, port = str(document["url"]), str(document["host"]), int(document["port"])
        # One that was killed left its note behind.
        socket.create_connection((host, port), _PROBE_S).close()
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    return url


@contextmanager
def listening_on(address: Address, what: str, move: str) -> Iterator[socket.socket]:
    """Give a socket that listens; made before all else, so that a port that is taken costs nobody ten seconds.

    Args:
        address: Where.
        what: Who listens, for the message when the port is taken.
        move: What to do then.

    Raises:
        UnavailableError: If it cannot listen there.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # The protocol is named because asyncio sends at once (TCP_NODELAY) only where it is; else the body of an answer
    # waits 40 ms until its header is acknowledged.
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address.host, address.port))
            listener.listen(1024)
        except OSError as error:
            raise UnavailableError(f"{what} cannot listen on {address} ({error.strerror or error}) -> {move}") from None
        listener.setblocking(False)
        yield listener


def with_port(address: Address, port: int) -> str:
    """Return an address with the port that was really taken."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{host}:{port}"
