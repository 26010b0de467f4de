"""What a client says when TLS fails, against real servers."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fleet_certificates import Authority, Pair

from afterbay.client.connection import Connection
from afterbay.client.stream import updates
from afterbay.core.errors import InvalidInputError, UnavailableError


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"fine": true}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A handshake that fails is what is wanted."""


@contextmanager
def _serving(pair: Pair | None) -> Iterator[int]:
    with _Quiet(("127.0.0.1", 0), _Answers) as server:
        if pair is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair.certificate, pair.key)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Pair | None], int]]:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    with ExitStack() as stack:
        yield lambda pair: stack.enter_context(_serving(pair))


def _refusal(url: str) -> str:
    with Connection(url) as connection, pytest.raises(UnavailableError) as caught:
        connection.get("/")
    return str(caught.value)


def test_an_authority_of_ones_own_is_named_by_a_variable_also_on_this_machine(
    serve: Callable[[Pair | None], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    url = f"https://127.0.0.1:{serve(authority.issue('server', host='127.0.0.1'))}"

    told = _refusal(url)
    assert told.startswith(f"the certificate of {url} is not trusted (")
    assert told.endswith("-> name the authority that signed it: SSL_CERT_FILE=ca.pem")
    with Connection(url) as connection, pytest.raises(UnavailableError, match="is not trusted"):
        next(updates(connection, "/", {}))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    with Connection(url) as connection:
        assert connection.get("/") == {"fine": True}


@pytest.mark.parametrize(
    ("host", "expired", "move"),
    [("127.0.0.9", False, "use the name that stands in the certificate"), ("127.0.0.1", True, "has to renew it")],
)
def test_a_certificate_of_another_name_or_time_is_told(
    serve: Callable[[Pair | None], int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    expired: bool,
    move: str,
) -> None:
    authority = Authority(tmp_path)
    port = serve(authority.issue("server", host=host, expired=expired))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))

    assert _refusal(f"https://127.0.0.1:{port}").endswith(move)


def test_a_server_without_tls_is_told(serve: Callable[[Pair | None], int]) -> None:
    url = f"https://127.0.0.1:{serve(None)}"

    assert _refusal(url) == f"{url} answers, but not with TLS -> try it with http://"


def test_nobody_there_is_nobody_there(serve: Callable[[Pair | None], int]) -> None:
    assert _refusal("https://127.0.0.1:9").startswith("nobody answers at https://127.0.0.1:9 ->")


@pytest.mark.parametrize("content", [None, "nonsense"])
def test_a_file_without_authorities_is_a_problem_of_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    with pytest.raises(InvalidInputError, match="SSL_CERT_FILE"):
        Connection("https://127.0.0.1:9")
