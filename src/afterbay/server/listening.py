"""A web server in a process of ours: its socket, its TLS, its end."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from afterbay.core.errors import InvalidInputError, Problem, UnavailableError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from afterbay.server.settings import Address, Settings

__all__ = ["OurServer", "listening_on", "make_server", "with_port"]


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
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        problem = Problem("AFTERBAY_TLS_CERT, AFTERBAY_TLS_KEY", str(error)[:200], "a certificate and its key in PEM")
        raise InvalidInputError(problem) from None
    return OurServer(config)


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
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as listener:
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
