"""`afterbay cycle watch, start, stop`: a cycle on every quarter hour, here or in the background."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from afterbay.cli import output
from afterbay.cli.failures import INTERRUPTED
from afterbay.community.cycle.runner_service import hook_of
from afterbay.core.errors import ConflictError, NotFoundError, UnavailableError
from afterbay.core.folder_lock import holder_of, locked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from afterbay.community.cycle.runner_service import CycleService

__all__ = ["start_watch", "stop_watch", "watch_command", "watch_here"]

_BEGIN_S = 30.0
_END_S = 330.0
"""A cycle has five minutes; the watch ends after it."""
_SLICE_S = 0.25


def watch_here(service: CycleService) -> None:
    """Watch until Ctrl-C, `afterbay cycle stop` or the end of the session."""
    wish = _stop_file(service)
    wish.unlink(missing_ok=True)
    ended, interrupted = threading.Event(), threading.Event()

    def stopped() -> bool:
        return ended.is_set() or wish.exists()

    def sleep(seconds: float) -> None:
        # In slices, so that a wish to stop is heard soon.
        ends = time.monotonic() + seconds
        while not stopped() and (left := ends - time.monotonic()) > 0.0:
            ended.wait(min(left, _SLICE_S))

    clocks = replace(service.clocks, sleep=sleep)
    with _signals(ended, interrupted):
        count = replace(service, clocks=clocks).watch(stopped, hook_of(service.settings))
    wish.unlink(missing_ok=True)
    output.note(f"watch ended, {count:,} cycles; what was missed is made up for at the next start")
    if interrupted.is_set():
        raise typer.Exit(INTERRUPTED)


def start_watch(service: CycleService, *, dry_run: bool, as_json: bool) -> None:
    """Begin a watch in a process of its own and see that it is there.

    Raises:
        ConflictError: If there is one.
        UnavailableError: If it did not begin.
    """
    lock = service.watch_lock
    if locked(lock):
        raise ConflictError(f"this cycle is watched already{_by(lock)} -> afterbay cycle status")
    command = watch_command(service.settings.path)
    told = service.settings.folder / "logs" / "watch.out"
    if dry_run:
        _say({"started": False, "would_run": command}, f"would run {' '.join(command)}", as_json=as_json)
        return
    told.parent.mkdir(parents=True, exist_ok=True)
    own: dict[str, Any] = (
        {"creationflags": 0x00000208} if sys.platform == "win32" else {"start_new_session": True}  # detached, own group
    )
    with told.open("wb") as stream:
        process = subprocess.Popen(  # noqa: S603 - this very program
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, **own
        )
    ends = time.monotonic() + _BEGIN_S
    while not (locked(lock) and (holder_of(lock) or {}).get("pid") == process.pid):
        if process.poll() is not None or time.monotonic() > ends:
            lines = told.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise UnavailableError(f"the watch did not begin: {lines[-1] if lines else 'no word from it'}")
        time.sleep(0.05)
    # It is to outlive us; Python would complain of a child that nobody waited for.
    process.returncode = 0
    _say({"started": True, "pid": process.pid}, f"watching in process {process.pid}", as_json=as_json)
    output.note("how it is: afterbay cycle status; end it: afterbay cycle stop")


def stop_watch(service: CycleService, *, dry_run: bool, as_json: bool) -> None:
    """Ask the watch to end, and wait until it has.

    Raises:
        NotFoundError: If nobody watches.
        UnavailableError: If it does not end.
    """
    lock = service.watch_lock
    holder = holder_of(lock) if locked(lock) else None
    if holder is None:
        raise NotFoundError("nobody watches this cycle -> afterbay cycle start")
    if dry_run:
        _say({"stopped": False, "pid": holder["pid"]}, f"would end process {holder['pid']}", as_json=as_json)
        return
    wish = _stop_file(service)
    wish.touch()
    ends = time.monotonic() + _END_S
    while locked(lock):
        if time.monotonic() > ends:
            wish.unlink(missing_ok=True)
            raise UnavailableError(f"process {holder['pid']} does not end; its cycle may hang")
        time.sleep(0.05)
    wish.unlink(missing_ok=True)
    _say({"stopped": True, "pid": holder["pid"]}, f"ended: process {holder['pid']}", as_json=as_json)


def watch_command(config: Path) -> list[str]:
    """Return the command of a watch in a process of its own."""
    return [sys.executable, "-m", "afterbay", "cycle", "watch", "--config", str(config.resolve())]


@contextmanager
def _signals(ended: threading.Event, interrupted: threading.Event) -> Iterator[None]:
    """End after the cycle that is under way on Ctrl-C or SIGTERM; on the second one at once."""

    def ask(number: int, _: Any) -> None:
        if ended.is_set():
            raise KeyboardInterrupt
        if number == signal.SIGINT:
            interrupted.set()
            output.note("ending after the cycle that is under way (Ctrl-C again to quit at once)")
        ended.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop_file(service: CycleService) -> Path:
    return service.settings.folder / "watch.stop"


def _by(lock: Path) -> str:
    holder = holder_of(lock)
    return f" by process {holder['pid']}" if holder else ""


def _say(document: dict[str, Any], line: str, *, as_json: bool) -> None:
    if as_json:
        output.json_document(document)
    else:
        output.lines([line])
