"""One agent process per asset of a file, for tests and demonstrations: those that die come again, all end together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afterbay.fleet.agent.backoff import Backoff
from afterbay.fleet.agent.logs import say
from afterbay.fleet.inventory import read_inventory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from afterbay.fleet.inventory.records import Asset

__all__ = ["DEFAULT_HEADEND", "Launcher", "end_with_parent"]

DEFAULT_HEADEND = "127.0.0.1:50051"
_PARENT = "AFTERBAY_AGENT_PARENT_PIPE"
_STEADY_S = 30.0
_GRACE_S = 10.0


@dataclass(slots=True)
class _Child:
    asset: Asset
    backoff: Backoff
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    again_s: float = 0.0
    starts: int = field(default=0)


class Launcher:
    """Starts and watches the agents.

    Every child reads a pipe whose other end only the launcher holds: when the launcher is gone, however it went, the
    pipe ends and the children with it.

    Args:
        assets: The assets file.
        data: Folder for the children's folders.
        environ: Of the children; `HEADEND_GRPC` is set when it is not there.
        random: For the pauses between starts.
        monotonic: Seconds of a clock that never steps.
        only: Ids or names of the assets to start; none: all.
        command: What a child runs; None: `afterbay agent run`.

    Raises:
        NotFoundError: If the file does not exist.
        InvalidInputError: If it cannot be used.
    """

    def __init__(
        self,
        assets: Path,
        data: Path,
        environ: Mapping[str, str],
        *,
        random: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
        only: Sequence[str] = (),
        command: Sequence[str] | None = None,
    ) -> None:
        self._file = assets.resolve()
        self._data = data.resolve()
        self._environ = {key: value for key, value in environ.items() if key not in ("GATEWAY_SITE_ID", "GATEWAY_ID")}
        self._environ.setdefault("HEADEND_GRPC", DEFAULT_HEADEND)
        self._monotonic = monotonic
        self._command = list(command or [sys.executable, "-m", "afterbay", "agent", "run"])
        wanted = {word.lower() for word in only}
        inventory = read_inventory(self._file)
        self._children = [
            _Child(asset, Backoff(random, first_s=1.0, longest_s=60.0))
            for asset in inventory.assets
            if not wanted or {asset.id, asset.name.lower()} & wanted
        ]

    @property
    def pids(self) -> dict[str, int]:
        """Processes that run, by asset id."""
        return {
            child.asset.id: child.process.pid
            for child in self._children
            if child.process is not None and child.process.poll() is None
        }

    def run(self, stop: threading.Event, *, look_every_s: float = 0.2) -> None:
        """Start all, start again those that die, until told to stop; then end all and wait for them."""
        read_end, write_end = os.pipe()
        try:
            while not stop.is_set():
                self._look(read_end)
                stop.wait(look_every_s)
        finally:
            os.close(write_end)
            os.close(read_end)
            self._end_all()

    def _look(self, pipe: int) -> None:
        now_s = self._monotonic()
        for child in self._children:
            if child.process is not None and (code := child.process.poll()) is not None:
                if now_s - child.started_s >= _STEADY_S:
                    child.backoff.reset()
                wait_s = child.backoff.next_s()
                say("agent_died", severity="warning", asset=child.asset.id, name=child.asset.name, exit_code=code,
                    again_in_s=round(wait_s, 2))  # fmt: skip
                child.process, child.again_s = None, now_s + wait_s
            if child.process is None and now_s >= child.again_s:
                self._start(child, pipe, now_s)

    def _start(self, child: _Child, pipe: int, now_s: float) -> None:
        environ = {
            **self._environ,
            "ASSETS_PATH": str(self._file),
            "ASSET_ID": child.asset.id,
            "AFTERBAY_AGENT_DATA": str(self._data / child.asset.id),
            _PARENT: "1",
        }
        # Its standard input is the pipe, and its group its own: Ctrl-C reaches the launcher alone, which ends all.
        own: dict[str, Any] = {"creationflags": 0x00000200} if sys.platform == "win32" else {"start_new_session": True}
        child.process = subprocess.Popen(self._command, env=environ, stdin=pipe, **own)  # noqa: S603 - this program
        child.started_s = now_s
        child.starts += 1
        say("agent_launched", asset=child.asset.id, name=child.asset.name, pid=child.process.pid, starts=child.starts)

    def _end_all(self) -> None:
        processes = [child.process for child in self._children if child.process is not None]
        for process in processes:
            with suppress(OSError):
                process.send_signal(signal.SIGTERM)
        ends_s = time.monotonic() + _GRACE_S
        for process in processes:
            try:
                process.wait(max(ends_s - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def end_with_parent(environ: Mapping[str, str], end: Callable[[], None]) -> None:
    """Call `end` when the launcher that started this process is gone; nothing where none did."""
    if environ.get(_PARENT) != "1":
        return

    def watch() -> None:
        with suppress(OSError, ValueError):
            while sys.stdin.buffer.read(1):
                pass
        end()

    threading.Thread(target=watch, name="afterbay-parent", daemon=True).start()
