"""A headend and agents as processes of their own, on free ports of this machine; whatever happens, they are ended."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

__all__ = ["CAMPUS", "SITE", "TICK_S", "A", "Agent", "Answer", "B", "C", "D", "Headend", "Process", "until",
           "write_assets"]  # fmt: skip

SITE = "00000000-0000-4000-8000-000000000001"
CAMPUS = "00000000-0000-4000-8000-000000000002"
A, B, C, D = (f"00000000-0000-4000-8000-0000000000a{number}" for number in range(1, 5))
_OURS = ("ASSET", "SITE", "GATEWAY_", "HEADEND_", "OPCUA_", "DATABASE_URL", "RESET_DB", "AFTERBAY_", "RUST_LOG")
_START_S = 180.0
_PATIENCE_S = 60.0
"""Far beyond what anything takes: on a machine that has other work a wait may be long, and ends with its claim."""
TICK_S = 0.1
_AFTERBAY = ("-m", "afterbay")


def write_assets(folder: Path, *, device_of_a: str = "sim:", ramp: float = 1000.0) -> Path:
    """Write the fleet of the test plan: A, B, C (120, 40, 40 MWh) at one site and D at another."""
    rows = ((A, SITE, "A", 120, 60, 0.92), (B, SITE, "B", 40, 20, 0.91), (C, SITE, "C", 40, 20, 0.90),
            (D, CAMPUS, "D", 100, 60, 0.92))  # fmt: skip
    assets = [
        {"id": key, "site_id": site, "name": name, "capacity_mwhr": capacity, "max_mw": most, "min_mw": -most,
         "efficiency": efficiency, "ramp_rate_mw_per_min": ramp, "min_soc_pct": 10.0, "max_soc_pct": 90.0,
         "device": device_of_a if key == A else "sim:"}
        for key, site, name, capacity, most, efficiency in rows
    ]  # fmt: skip
    sites = [{"id": SITE, "name": "Gateway-Test", "location": "here"},
             {"id": CAMPUS, "name": "Campus-Test", "location": "there"}]  # fmt: skip
    path = folder / "assets.yaml"
    path.write_text(json.dumps({"sites": sites, "assets": assets}), encoding="utf-8")  # JSON is YAML
    return path


def until(claim: Callable[[], Any], *, within_s: float = _PATIENCE_S, what: str = "") -> Any:
    """Wait until something is so, and return it."""
    ends = time.monotonic() + within_s
    while True:
        found = claim()
        if found:
            return found
        if time.monotonic() > ends:
            raise AssertionError(f"not within {within_s:g} s: {what or 'what was waited for'}")
        time.sleep(0.03)


class Answer:
    """What REST said."""

    def __init__(self, status: int, headers: Mapping[str, str], text: str) -> None:
        self.status = status
        self.headers = headers
        self.text = text

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)


class Process:
    """One child; its words lie in two files."""

    def __init__(self, folder: Path, label: str, words: Sequence[str], environ: Mapping[str, str], *,
                 before: Callable[[], None] | None = None, program: Sequence[str] = _AFTERBAY) -> None:  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        self.out, self.err = folder / f"{label}.out", folder / f"{label}.err"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        with self.out.open("wb") as stdout, self.err.open("ab") as stderr:
            self.child = subprocess.Popen(
                [sys.executable, *program, *words], stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                env={**clean, **environ}, cwd=folder, preexec_fn=before,
            )  # fmt: skip

    @property
    def said(self) -> str:
        """Everything that it said so far, over all starts."""
        return self.err.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """Pull the plug."""
        self.child.kill()
        self.child.wait()

    def stop(self) -> int:
        """Ask it to end; kill it if it does not."""
        self.child.send_signal(signal.SIGTERM)
        try:
            return self.child.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end when asked to:\n{self.said[-2000:]}") from None

    def end(self) -> None:
        """End it, whatever its state."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.kill()


class Headend:
    """A headend that can be killed and started again at the same ports."""

    def __init__(self, folder: Path, assets: Path, environ: Mapping[str, str] | None = None) -> None:
        self.folder, self.assets, self.environ = folder, assets, dict(environ or {})
        self.http = self.grpc = "127.0.0.1:0"
        self.scheme = "http"
        self.process: Process | None = None

    @classmethod
    @contextmanager
    def running(
        cls, folder: Path, assets: Path, environ: Mapping[str, str] | None = None, *words: str
    ) -> Iterator[Headend]:
        """Run one while the block lasts."""
        headend = cls(folder, assets, environ)
        try:
            headend.start(*words)
            yield headend
        finally:
            if headend.process is not None:
                headend.process.end()

    def start(self, *words: str) -> None:
        """Start, and wait until everything listens."""
        process = self._launch(*words)

        def ready() -> dict[str, Any] | None:
            if process.child.poll() is not None:
                raise AssertionError(f"the headend ended:\n{process.said[-3000:]}")
            with suppress(ValueError):
                places: dict[str, Any] = json.loads(process.out.read_text(encoding="utf-8"))
                return places
            return None

        places = until(ready, within_s=_START_S, what="the headend listens")
        self.scheme, _, self.http = places["http"].partition("://")
        self.grpc = places["grpc"]

    def fails_to_start(self, *words: str) -> tuple[int, str]:
        """Start where it cannot; return its exit code and what it said of it."""
        before = len(self.said)
        process = self._launch(*words)
        code = process.child.wait(_START_S)
        return code, process.out.read_text(encoding="utf-8") + self.said[before:]

    def _launch(self, *words: str) -> Process:
        told = ["headend", "--assets", str(self.assets), "--http", self.http, "--grpc", self.grpc, "--json", *words]
        environ = {"AFTERBAY_DATA_DIR": str(self.folder / "data"), **self.environ}
        self.process = Process(self.folder, "headend", told, environ)
        return self.process

    @property
    def pid(self) -> int:
        """Process id."""
        assert self.process is not None
        return self.process.child.pid

    @property
    def said(self) -> str:
        """Its log."""
        assert self.process is not None
        return self.process.said

    def kill(self) -> None:
        """Pull the plug."""
        assert self.process is not None
        self.process.kill()

    def stop(self) -> int:
        """Ask it to end."""
        assert self.process is not None
        return self.process.stop()

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask REST; bytes go out as they are."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://{self.http}{path}", data=data, method=method,
            headers={"Content-Type": "application/json", **(headers or {})},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_S) as found:
                return Answer(found.status, dict(found.headers), found.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read().decode())

    def get(self, path: str) -> Any:
        """Return what a path answers; it must answer."""
        answer = self.ask("GET", path)
        assert answer.status == 200, (path, answer.status, answer.text)
        return answer.json

    def dispatch(self, **body: Any) -> Any:
        """Send a command that is accepted."""
        answer = self.ask("POST", "/dispatch", body)
        assert answer.status == 202, (body, answer.text)
        return answer.json

    def command(self, command_id: str) -> Any:
        """Return a command as it stands."""
        return self.get(f"/dispatch/{command_id}")

    def reaches(self, command_id: str, *states: str, within_s: float = _PATIENCE_S) -> Any:
        """Wait until a command is in one of these states."""

        ends = time.monotonic() + within_s
        while (command := self.command(command_id))["state"] not in states:
            if time.monotonic() > ends:
                raise AssertionError(
                    f"not {' or '.join(states)} within {within_s:g} s: {json.dumps(command, indent=1)}"
                )
            time.sleep(0.03)
        return command

    def telemetry(self, asset_id: str) -> Any:
        """Return the newest sample of an asset."""
        return self.get(f"/telemetry/{asset_id}")

    def rows(self) -> dict[str, Any]:
        """Return the rows of /agents by asset."""
        return {row["asset_id"]: row for row in self.get("/agents")}

    def connected(self, *asset_ids: str, within_s: float = _PATIENCE_S) -> dict[str, Any]:
        """Wait until these assets are connected and have spoken."""

        def there() -> dict[str, Any] | None:
            rows = self.rows()
            if not all(rows[key]["connected"] for key in asset_ids):
                return None
            return rows if all(self.ask("GET", f"/telemetry/{key}").status == 200 for key in asset_ids) else None

        found: dict[str, Any] = until(there, within_s=within_s, what="agents are connected")
        return found

    def events(self, event_type: str) -> list[Any]:
        """Return the events of a kind, newest first."""
        return [event for event in self.get("/events") if event["event_type"].lower() == event_type.lower()]


class Agent:
    """An agent that can be killed and started again on its own folder."""

    def __init__(
        self, folder: Path, assets: Path, headend: str, whom: Sequence[str], environ: Mapping[str, str] | None = None,
        *, tick_s: float = TICK_S, before: Callable[[], None] | None = None, program: Sequence[str] = _AFTERBAY,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.program = program
        self.words = ["--headend", headend, "--assets", str(assets), *whom]
        self.before = before
        self.environ = {
            "AFTERBAY_AGENT_TICK_S": str(tick_s), "AFTERBAY_AGENT_HEARTBEAT_S": "0.5",
            "AFTERBAY_AGENT_DATA": str(folder / "data"), **(environ or {}),
        }  # fmt: skip
        self.process: Process | None = None

    @classmethod
    @contextmanager
    def running(
        cls, folder: Path, assets: Path, headend: str, whom: Sequence[str] = ("--site", "Gateway-Test"),
        environ: Mapping[str, str] | None = None, *, tick_s: float = TICK_S,
        before: Callable[[], None] | None = None, program: Sequence[str] = _AFTERBAY,
    ) -> Iterator[Agent]:  # fmt: skip
        """Run one while the block lasts."""
        agent = cls(folder, assets, headend, whom, environ, tick_s=tick_s, before=before, program=program)
        try:
            agent.start()
            yield agent
        finally:
            if agent.process is not None:
                agent.process.end()

    def start(self) -> None:
        """Start; it may take seconds until it ticks."""
        words = ["agent", "run", *self.words, "--log-json"]
        self.process = Process(self.folder, "agent", words, self.environ, before=self.before, program=self.program)

    @property
    def pid(self) -> int:
        """Process id."""
        assert self.process is not None
        return self.process.child.pid

    @property
    def said(self) -> str:
        """Its log."""
        assert self.process is not None
        return self.process.said

    def kill(self) -> None:
        """Pull the plug."""
        assert self.process is not None
        self.process.kill()

    def stop(self) -> int:
        """Ask it to end."""
        assert self.process is not None
        return self.process.stop()

    def log(self, event: str) -> list[dict[str, Any]]:
        """Return what it logged of a kind, over all starts, oldest first; the line that a kill tore is left out."""
        found = []
        for line in self.said.splitlines():
            if f'"event": "{event}"' in line:
                with suppress(ValueError):
                    found.append(json.loads(line))
        return found

    def stop_when_delivered(self) -> int:
        """End it with nothing left to deliver; return the ticks of all its runs that ended kindly.

        An agent that stops gives itself two seconds for what waits: on a machine that has other work these may
        pass, and it is started once more.
        """
        while True:
            assert self.stop() == 0
            ended = self.log("agent_stopped")
            if not ended[-1]["waiting_samples"]:
                return sum(int(run["ticks"]) for run in ended)
            assert len(ended) < 6, f"it never delivers everything:\n{self.said[-3000:]}"
            connected = len(self.log("headend_connected"))
            self.start()
            until(partial(self._has_connected_since, connected), what="it is back to deliver")

    def _has_connected_since(self, times: int) -> bool:
        return len(self.log("headend_connected")) > times

    def check(self) -> tuple[int, Any]:
        """Run `afterbay agent check` as this agent; return its exit code and its steps by name."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        done = subprocess.run(
            [sys.executable, "-m", "afterbay", "agent", "check", *self.words, "--timeout", "3", "--json"],
            capture_output=True, text=True, timeout=60, check=False, env={**clean, **self.environ}, cwd=self.folder,
        )  # fmt: skip
        return done.returncode, {step["name"]: step for step in json.loads(done.stdout)["steps"]}

    def port_of(self, peer: str) -> int:
        """Return the port of a peer as the headend shows it."""
        found = re.search(r":(\d+)$", peer)
        assert found is not None
        return int(found[1])
