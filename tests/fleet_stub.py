"""A small stand-in for a headend's REST, over a real socket, with the faults that a client must bear."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

NQ1 = "176e59bb-00b4-5034-b0b3-3de833540634"
NQ2 = "eea10d85-f762-5a1a-b162-9f6cbe46e504"
ML1 = "3142df90-fd78-520e-8330-d33664b127bf"
NORTH_QUAY = "4c1feab9-a58f-507c-8676-9b98ffd67e7f"
MILL_LANE = "2660bd43-90ed-5f97-b72f-3e7e21ab09dc"
GROUP = "3fd7362f-caf3-5df4-bc57-08dfa641611a"
COMMAND = "5f0c2a1b-0000-4000-8000-000000000001"


def sample(asset_id: str, at: datetime, mw: float, soc_pct: float = 50.0, **more: Any) -> dict[str, Any]:
    """A sample as `GET /telemetry/{id}` answers it."""
    return {
        "asset_id": asset_id, "site_id": NORTH_QUAY, "site_name": "North Quay", "timestamp": at.isoformat(),
        "soc_mwhr": 1.2 * soc_pct, "soc_pct": soc_pct, "capacity_mwhr": 120.0, "current_mw": mw, "setpoint_mw": mw,
        "max_mw": 60.0, "min_mw": -60.0, "status": "idle", "asset_type": "storage", "mw": mw, "mw_setpoint": mw,
        "online": True, "fault_code": None, "limited_by": None, "quality": "good", "origin": "simulated", "seq": 1,
        "energy_in_mwh": 0.0, "energy_out_mwh": 0.0, "details": {}, **more,
    }  # fmt: skip


class Stub:
    """What the stand-in knows; tests change it and look at what was asked."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)
        self.url = ""
        self.asked: list[tuple[str, str, Any, dict[str, str]]] = []
        self.drop = 0
        """So many requests are cut off without an answer."""
        self.answers: dict[tuple[str, str], tuple[int, Any]] = {}
        """Answers in place of the usual ones, by method and path."""
        self.stream: list[list[str]] = []
        """Lines of the event stream, one list per connection; it is cut off after them."""
        self.offline: set[str] = set()
        self.silent: set[str] = set()
        self.ages: dict[str, float] = {}
        self.mw: dict[str, float] = {NQ1: 0.0, NQ2: 0.0, ML1: 0.0}
        self.samples: list[dict[str, Any]] = []
        self.command: dict[str, Any] | None = None
        self.states: list[dict[str, Any]] = []
        """What the command becomes with every look at it."""

    def asset(self, asset_id: str) -> dict[str, Any]:
        """An asset as `GET /assets` answers it."""
        name, site = {NQ1: ("NQ-1", NORTH_QUAY), NQ2: ("NQ-2", NORTH_QUAY), ML1: ("ML-1", MILL_LANE)}[asset_id]
        at = datetime.now(UTC) - timedelta(seconds=self.ages.get(asset_id, 1.0))
        known = sample(asset_id, at, self.mw[asset_id]) if asset_id not in self.silent else {"timestamp": None}
        return {
            **known, "id": asset_id, "site_id": site, "name": name, "location": "",
            "site_name": "North Quay" if site == NORTH_QUAY else "Mill Lane", "asset_type": "storage",
            "capacity_mwhr": 120.0, "max_mw": 60.0, "min_mw": -60.0, "efficiency": 0.92,
            "ramp_rate_mw_per_min": 10.0, "min_soc_pct": 0.0, "max_soc_pct": 100.0, "reserve_soc_pct": None,
            "device": "sim:", "online": asset_id not in self.offline,
        }  # fmt: skip

    def agent(self, asset_id: str) -> dict[str, Any]:
        """A row of `GET /agents`."""
        asset, away = self.asset(asset_id), asset_id in self.offline
        ended = (self.now - timedelta(seconds=40)).isoformat() if away else None
        session = {"peer": "127.0.0.1:40000", "gateway_id": asset["site_id"], "connected_at": self.now.isoformat(),
                   "disconnected_at": ended, "reason": "lost" if away else ""}  # fmt: skip
        return {
            "asset_id": asset_id, "asset_name": asset["name"], "site_id": asset["site_id"],
            "site_name": asset["site_name"], "peer": None if away else "127.0.0.1:40000", "connected": not away,
            "gateway_id": asset["site_id"], "connected_at": None if away else self.now.isoformat(),
            "last_heartbeat": self.now.isoformat(), "reconnects": 1 if away else 0, "sessions": [session],
            "tick_s": None if away else 0.5, "clock_skew_s": None if away else 75.0,
        }  # fmt: skip

    def preview(self, body: dict[str, Any]) -> dict[str, Any]:
        """Clamp to the limit, split a site evenly."""
        target = next(kind for kind in ("asset", "site", "group") if body.get(f"{kind}_id"))
        ids = [body["asset_id"]] if target == "asset" else [NQ1, NQ2]
        limit = 60.0 * len(ids)
        mw = max(min(body["mw"], limit), -limit)
        parts = [{"asset_id": one, "mw_raw": body["mw"] / len(ids), "mw": mw / len(ids), "clamped": mw != body["mw"],
                  "reason": "p_limit" if mw != body["mw"] else "", "online": True} for one in ids]  # fmt: skip
        return {
            "target": target, "target_id": body[f"{target}_id"], "requested_mw": body["mw"], "mw": mw,
            "clamped": mw != body["mw"], "reason": "beyond max_mw" if mw != body["mw"] else "",
            "sentence": f"{mw:+.1f} MW, reached in 3 min", "ramp_s": 180.0, "until_s": 3600.0,
            "shortfall_mw": body["mw"] - mw, "shortfall_mwh": 0.0, "allocations": parts, "assets": [],
        }  # fmt: skip

    def submit(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        """Make a command, or return the one that this key made before."""
        if self.command is not None and self.command["key"] == key:
            return {**self.command, "duplicate": True}
        seen = self.preview(body)
        parts = [{"asset_id": one["asset_id"], "state": "sent", "reason": "", "mw": one["mw"], "applied_mw": None,
                  "delivered_mw": None, "reached": False} for one in seen["allocations"]]  # fmt: skip
        self.command = {
            "id": COMMAND, "key": key, "target": seen["target"], "asset_id": body.get("asset_id"),
            "site_id": body.get("site_id"), "group_id": body.get("group_id"), "asset_name": "NQ-1",
            "site_name": "North Quay", "mw": seen["mw"], "requested_mw": body["mw"], "clamped": seen["clamped"],
            "duration_s": body.get("duration_s"), "status": "accepted", "state": "sent", "reason": seen["reason"],
            "submitted_at": self.now.isoformat(), "reached_at": None, "valid_until": None, "fallback_mw": 0.0,
            "delivered_mw": None, "actor": "desk", "note": body.get("note", ""), "parts": parts,
            "allocations": seen["allocations"],
        }  # fmt: skip
        return self.command

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any, key: str) -> tuple[int, Any]:
        """Return status and document."""
        if (method, path) in self.answers:
            return self.answers[method, path]
        if method == "GET" and path == "/assets":
            return 200, [self.asset(one) for one in self.mw]
        if method == "GET" and path == "/agents":
            return 200, [self.agent(one) for one in self.mw]
        if method == "GET" and path == "/sites":
            return 200, [{"site_id": NORTH_QUAY, "site_name": "North Quay", "time_zone": "UTC"},
                         {"site_id": MILL_LANE, "site_name": "Mill Lane", "time_zone": "UTC"}]  # fmt: skip
        if method == "GET" and path == "/groups":
            return 200, [{"id": GROUP, "name": "All batteries", "asset_ids": [NQ1, NQ2]}]
        if method == "POST" and path == "/dispatch/preview":
            return 200, self.preview(body)
        if method == "POST" and path == "/dispatch":
            return 202, self.submit(body, key)
        if method == "GET" and path == "/dispatch/history":
            return 200, [self.command] if self.command else []
        if method == "GET" and path == f"/dispatch/{COMMAND}" and self.command:
            self.command |= self.states.pop(0) if self.states else {}
            return 200, self.command
        if method == "POST" and path == f"/dispatch/{COMMAND}/cancel" and self.command:
            self.command |= {"state": "cancelled", "reason": body["reason"]}
            return 202, self.command
        found = re.fullmatch(r"/telemetry/([^/]+)(/history)?", path)
        if found and found[1] in self.mw and not found[2] and found[1] not in self.silent:
            return 200, self.asset(found[1]) | {"asset_id": found[1], "mw": self.mw[found[1]]}
        if found and found[2]:
            return 200, self._history(query)
        if path.removeprefix("/assets/") in self.mw and method == "GET":
            return 200, self.asset(path.removeprefix("/assets/"))
        if method in ("PUT", "DELETE") or (method == "POST" and path in ("/sites", "/assets", "/groups")):
            return {"POST": 201, "PUT": 200}.get(method, 204), None if method == "DELETE" else body
        return 404, {"title": "Not Found", "status": 404, "detail": f"there is no {path}", "code": "not-found"}

    def _history(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        start, end = query["start"][0], query["end"][0]
        low, high = datetime.fromisoformat(start), datetime.fromisoformat(end)
        chosen = [one for one in self.samples if low <= datetime.fromisoformat(one["timestamp"]) < high]
        return sorted(chosen, key=lambda one: str(one["timestamp"]), reverse=True)[: int(query["limit"][0])]


class _Handler(BaseHTTPRequestHandler):
    stub: Stub
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        body = json.loads(raw) if raw else None
        self.stub.asked.append((self.command, parts.path, body, dict(self.headers.items())))
        if self.stub.drop > 0:
            self.stub.drop -= 1
            self.close_connection = True
            self.connection.close()
            return
        if parts.path == "/stream" and ("GET", "/stream") not in self.stub.answers:
            self._stream()
            return
        key = self.headers.get("Idempotency-Key", "")
        status, document = self.stub.answer(self.command, parts.path, parse_qs(parts.query), body, key)
        content = b"" if document is None else (document.encode() if isinstance(document, str)
                                                else json.dumps(document).encode())  # fmt: skip
        self.send_response(status)
        self.send_header("Content-Type", "application/problem+json" if status >= 400 else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self) -> None:
        lines = self.stub.stream.pop(0) if self.stub.stream else []
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for line in [": here", *lines]:
            self.wfile.write(f"{line}\n".encode())
            self.wfile.flush()
        # What is left of the time is silence, and then the connection is gone.
        if not self.stub.stream:
            time.sleep(0.2)
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - named by the library

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def running_stub() -> Iterator[Stub]:
    """A stand-in that listens on a free port of this machine."""
    stub = Stub()
    handler = type("Handler", (_Handler,), {"stub": stub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
