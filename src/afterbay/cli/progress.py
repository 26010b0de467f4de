"""Progress of long work: a bar with time left on a terminal, a few plain lines elsewhere; Ctrl-C stops kindly."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from afterbay.cli import output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["show_progress", "stop_on_interrupt"]

_FIRST_LINE_S = 2.0
_LINE_EVERY_S = 5.0


@contextmanager
def show_progress(total: int, what: str = "sizes") -> Iterator[Callable[[int, int], None]]:
    """Yield a function to call with (finished, all) of `what`."""
    if output.is_terminal():
        with _bar(total, what) as update:
            yield update
        return
    due = time.monotonic() + _FIRST_LINE_S
    # What comes before the first report is preparation: it says nothing about the pace.
    first: tuple[float, int] | None = None

    def line(finished: int, count: int) -> None:
        nonlocal due, first
        now = time.monotonic()
        if first is None:
            first = (now, finished)
        if now < due or not 0 < finished < count:
            return
        due = now + _LINE_EVERY_S
        done = finished - first[1]
        left = f", about {(now - first[0]) / done * (count - finished):,.0f} s left" if done > 0 else ""
        output.note(f"{finished:,} of {count:,} {what}{left}")

    yield line


@contextmanager
def _bar(total: int, what: str) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (MofNCompleteColumn(), TextColumn(what), BarColumn(), TimeRemainingColumn(elapsed_when_finished=True))
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=total)
        yield lambda finished, count: progress.update(task, completed=finished, total=count)


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether the user pressed Ctrl-C; pressed twice, it stops at once."""
    asked = threading.Event()

    def ask(*_: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        output.note("stopping; what is finished is kept (Ctrl-C again to quit at once)")

    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may set a handler.
        yield asked.is_set
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
