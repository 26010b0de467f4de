"""Users of the server's benchmark, and the bare ways beside it; processes of their own.

`users` reads one order as JSON from its input and prints what it measured; `route` serves a bare FastAPI route;
`query` runs one SQL statement from threads.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

WARM = 3
"""Requests of each user before the clock runs."""


def users(order: dict[str, Any]) -> dict[str, Any]:
    """Let users ask without a pause; each has a connection and a token of its own.

    Args:
        order: url, tokens, method, path, body, seconds, count.

    Returns:
        Milliseconds of every request, how many failed, and the seconds it took.
    """
    parts = urlsplit(order["url"])
    body = json.dumps(order["body"]) if order["body"] is not None else None
    count: int = order["count"]

    def user(number: int) -> tuple[Callable[[], int], Callable[[], None]]:
        headers = {"Authorization": f"Bearer {order['tokens'][number % len(order['tokens'])]}",
                   "Content-Type": "application/json", "Connection": "keep-alive"}  # fmt: skip
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60.0)
        connection.connect()
        # As every browser and client does; without it the kernel waits for more to send.
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def ask() -> int:
            connection.request(order["method"], order["path"], body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status

        return ask, connection.close

    return _in_threads([user(number) for number in range(count)], order["seconds"])


def query(order: dict[str, Any]) -> dict[str, Any]:
    """Run a statement from threads, each with a connection of its own.

    Args:
        order: url, statement, seconds, count.
    """
    import psycopg

    def user() -> tuple[Callable[[], int], Callable[[], None]]:
        connection = psycopg.connect(order["url"], autocommit=True)

        def ask() -> int:
            connection.execute(order["statement"]).fetchall()
            return 200

        return ask, connection.close

    return _in_threads([user() for _ in range(order["count"])], order["seconds"])


def _in_threads(asking: list[tuple[Callable[[], int], Callable[[], None]]], seconds: float) -> dict[str, Any]:
    times_ms: list[float] = []
    failed: list[int] = []
    gate = threading.Barrier(len(asking) + 1)
    ends = [float("inf")]

    def one(ask: Callable[[], int], close: Callable[[], None]) -> None:
        for _ in range(WARM):
            ask()
        gate.wait()
        while time.perf_counter() < ends[0]:
            began = time.perf_counter()
            status = ask()
            times_ms.append((time.perf_counter() - began) * 1e3)
            if status >= 400:
                failed.append(status)
        close()

    threads = [threading.Thread(target=one, args=pair) for pair in asking]
    for thread in threads:
        thread.start()
    ends[0] = time.perf_counter() + seconds + 60.0
    gate.wait()
    began = time.perf_counter()
    ends[0] = began + seconds
    for thread in threads:
        thread.join()
    return {"times_ms": times_ms, "failed": failed[:5], "seconds": time.perf_counter() - began}


def route() -> None:
    """Serve one route that does nothing, as the platform's are served: a function in a thread."""
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI()
    app.add_api_route("/bare", _bare)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
        uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")).run([listener])


def _bare() -> dict[str, str]:
    return {"status": "ok"}


def main() -> None:
    """Do what the words and the input say."""
    if sys.argv[1] == "route":
        route()
        return
    order = json.loads(sys.stdin.read())
    print(json.dumps({"users": users, "query": query}[sys.argv[1]](order)))


if __name__ == "__main__":
    main()
