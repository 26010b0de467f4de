"""A webhook of our own on this machine that misbehaves as it is told, for the tests of transfers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from afterbay.community.cycle.transfer import digest_of

__all__ = ["RESULTS", "Endpoint", "Post", "received_digest", "serve"]

RESULTS = b"user_id,timestamp\na,2024-09-11T14:15:00\n"


@dataclass
class Post:
    """What was posted once."""

    fields: dict[str, str]
    file_name: str
    content: bytes
    headers: dict[str, str]


@dataclass
class Endpoint:
    """What the webhook does, and what it saw."""

    url: str = ""
    fail: list[int] = field(default_factory=list)
    """Status codes of the first requests, in order; then all goes well."""
    headers: dict[str, str] = field(default_factory=dict)
    """Sent along with failures."""
    answer: dict[str, Any] = field(default_factory=dict)
    """Put over the notification."""
    results: bytes = RESULTS
    result_headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    """Bytes of the results that are kept back in the first downloads."""
    cuts: int = 0
    hang: threading.Event | None = None
    posts: list[Post] = field(default_factory=list)
    gets: list[dict[str, str]] = field(default_factory=list)
    raw_answer: bytes | None = None
    code: int = 200
    """Of an answer that goes well."""

    @property
    def root(self) -> str:
        return self.url.rpartition("/")[0]


def _parts(headers: Message, body: bytes) -> tuple[dict[str, str], str, bytes]:
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + body)
    fields: dict[str, str] = {}
    name, content = "", b""
    for part in cast("list[Message]", message.get_payload()):
        key = str(part.get_param("name", header="content-disposition"))
        payload = cast("bytes", part.get_payload(decode=True))
        if key == "file":
            name, content = str(part.get_filename()), payload
        else:
            fields[key] = payload.decode()
    return fields, name, content


@contextmanager
def serve() -> Iterator[Endpoint]:
    """Run the webhook on a free port of this machine."""
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Stay silent."""

        def _send(self, code: int, body: bytes, headers: dict[str, str], keep_back: int = 0) -> None:
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) - keep_back])
            if keep_back:
                self.close_connection = True

        def _failed(self) -> bool:
            if endpoint.hang is not None:
                endpoint.hang.wait(10)
            if not endpoint.fail:
                return False
            self._send(endpoint.fail.pop(0), b"no", endpoint.headers)
            return True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if headers["content-type"].startswith("application/json"):
                endpoint.posts.append(Post(json.loads(body), "", body, headers))
            else:
                endpoint.posts.append(Post(*_parts(self.headers, body), headers))
            if self._failed():
                return
            notification = {
                "status": "completed",
                "result_file": "results_20240911_1415.csv",
                "timestamp": "2024-09-11T14:15:04",
                "record_count": 1,
            }
            raw = endpoint.raw_answer
            answer = {name: value for name, value in {**notification, **endpoint.answer}.items() if value is not None}
            self._send(endpoint.code, json.dumps(answer).encode() if raw is None else raw, {})

        def do_GET(self) -> None:
            endpoint.gets.append({name.lower(): value for name, value in self.headers.items()})
            if self._failed():
                return
            keep_back = endpoint.cut if endpoint.cuts > 0 else 0
            endpoint.cuts -= 1
            self._send(200, endpoint.results, endpoint.result_headers, keep_back)

        def do_HEAD(self) -> None:
            if self._failed():
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(endpoint.results)))
            self.end_headers()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Stay silent about clients that leave early."""

    server = Server(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_port}/simulate"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield endpoint
    finally:
        if endpoint.hang is not None:
            endpoint.hang.set()
        server.shutdown()
        thread.join()
        server.server_close()


def received_digest(content: bytes) -> dict[str, str]:
    """Return what an endpoint may say of what it received."""
    return {"received_sha256": digest_of(content)}
