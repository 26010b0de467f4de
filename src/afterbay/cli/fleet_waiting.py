"""`afterbay fleet dispatch --wait`: how far a command has come, while it is on its way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from afterbay.cli import output
from afterbay.cli.fleet_words import signed_mw
from afterbay.client.times import shown_span
from afterbay.core.errors import AfterbayError

if TYPE_CHECKING:
    from afterbay.client import Command, Fleet

__all__ = ["wait_for"]

_LOOK_S: Final = 1.0
"""Between two looks at the power [s]."""
_LINE_S: Final = 5.0
"""Between two lines that say the same but for the power [s]."""


def wait_for(
    fleet: Fleet,
    command: Command,
    *,
    ramp_s: float | None,
    limit_s: float,
    quiet: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Wait until a command is reached or over, and say how far it is: a line that moves on a terminal, else lines.

    Args:
        fleet: Whose command it is.
        command: To be waited for.
        ramp_s: Foreseen time to its power [s]; None: not known.
        limit_s: Longest wait [s].
        quiet: Say nothing, for a document.
        clock: Seconds that only grow.

    Raises:
        UnavailableError: If it did not come so far in time.
    """
    if quiet:
        command.wait("reached", timeout=limit_s)
        return
    progress = _Progress(fleet, ramp_s, clock)
    with _drawn() if output.is_terminal() else _lines(clock) as say:
        command.wait("reached", timeout=limit_s, progress=lambda one: say(one.outcome, progress.line(one)))


class _Progress:
    """What is said of a command on its way."""

    def __init__(self, fleet: Fleet, ramp_s: float | None, clock: Callable[[], float]) -> None:
        self._fleet = fleet
        self._ramp_s = ramp_s
        self._clock = clock
        self._began_s = clock()
        self._looked_s = -math.inf
        self._now_mw: float | None = None

    def line(self, command: Command) -> str:
        """Return `active     +12.0 of +30.0 MW now, 1 min 48 s left`."""
        said = f"{command.outcome:<10} {signed_mw(self._power(command))} now of {signed_mw(command.mw)}"
        if command.outcome == "reached" or command.is_final:
            return said
        if command.reason:
            said += f" ({command.reason})"
        return f"{said}{self._left()}"

    def _left(self) -> str:
        if self._ramp_s is None or math.isinf(self._ramp_s):
            return ""
        left_s = self._ramp_s - (self._clock() - self._began_s)
        return f", {shown_span(left_s)} left" if left_s >= 1.0 else ", about to be there"

    def _power(self, command: Command) -> float | None:
        """Return what the command's assets do together, as last heard [MW]; None: one of them says nothing."""
        if self._clock() - self._looked_s >= _LOOK_S:
            self._looked_s = self._clock()
            wanted = {part.asset_id for part in command.parts}
            try:
                if len(wanted) == 1:
                    samples = [self._fleet.telemetry(one) for one in wanted]
                else:
                    samples = [asset.sample for asset in self._fleet.assets() if asset.id in wanted]
            except AfterbayError:
                samples = [None]  # the wait itself finds out whether the headend is gone
            known = [sample.mw for sample in samples if sample is not None]
            self._now_mw = math.fsum(known) if known and len(known) == len(samples) else None
        return self._now_mw


@contextmanager
def _drawn() -> Iterator[Callable[[str, str], None]]:
    """Redraw one line on the terminal; it goes when the wait is over, for the outcome says the rest."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(Text("..."), console=Console(stderr=True, highlight=False), auto_refresh=False, transient=True) as live:
        yield lambda _, line: live.update(Text(line), refresh=True)


@contextmanager
def _lines(clock: Callable[[], float]) -> Iterator[Callable[[str, str], None]]:
    """Write a line with every new state, and now and then where only the power has changed."""
    last = ["", ""]
    said_s = -math.inf

    def say(state: str, line: str) -> None:
        nonlocal said_s
        if state != last[0] or (line != last[1] and clock() - said_s >= _LINE_S):
            last[:] = [state, line]
            said_s = clock()
            output.note(line)

    yield say
