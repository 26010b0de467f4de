"""Commands from a desk: what they would do, and what becomes of them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from afterbay.client.records import items_of
from afterbay.client.times import read_span, shown_span, when
from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem, Problems, UnavailableError
from afterbay.fleet.commands.states import FINAL

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from afterbay.client.connection import Connection

__all__ = ["Command", "Part", "Preview", "Until", "order_body", "read_parts"]

Until = Literal["delivered", "reached", "finished"]
_DELIVERED = frozenset({"active", "limited", "completed", "superseded", "cancelled"})
_POLL_S = 0.5
_NOTE_LETTERS = 500


@dataclass(frozen=True, slots=True)
class Part:
    """What one asset does, or would do, of a command."""

    asset_id: str
    raw_mw: float | None = None
    """Share by capacity, before any limit [MW]."""
    mw: float | None = None
    clamped: bool = False
    reason: str = ""
    state: str = ""
    applied_mw: float | None = None
    delivered_mw: float | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a command would do; nothing was sent."""

    mw: float
    requested_mw: float
    clamped: bool
    sentence: str
    ramp_s: float | None
    shortfall_mw: float
    split: tuple[Part, ...]
    document: Mapping[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return self.sentence


def order_body(
    target: tuple[str, str],
    mw: float,
    *,
    for_: str | float | timedelta | None = None,
    note: str = "",
    strict: bool = False,
    deliver_within: str | float | timedelta | None = None,
    hold_offline: str | float | timedelta | None = None,
    fallback_mw: float = 0.0,
) -> dict[str, Any]:
    """Return the body of `POST /dispatch`, checked before it travels.

    Args:
        target: `asset`, `site` or `group`, and its id.
        mw: + leaves the asset (discharge), - enters it [MW]; 0 stops it.
        for_: How long, such as `1h` or seconds; None: until it is replaced.
        note: For the log.
        strict: Refuse instead of clamping to what can be done.
        deliver_within: Wait so long for an asset that is offline; None: refuse then.
        hold_offline: Longest hold while the headend is out of reach; None: to its end.
        fallback_mw: What follows the end [MW].

    Raises:
        InvalidInputError: With every problem found.
    """
    problems = Problems()
    for name, value in (("mw", mw), ("fallback_mw", fallback_mw)):
        if not is_number(value):
            problems.add(name, value, "a finite number [MW], + leaves the asset", "give a number")
    if len(note) > _NOTE_LETTERS:
        problems.add("note", f"{note[:40]}...", f"text of at most {_NOTE_LETTERS} letters", "shorten it")
    spans: dict[str, float] = {}
    for key, name, span in (
        ("duration_s", "for", for_),
        ("deliver_within_s", "deliver_within", deliver_within),
        ("hold_offline_s", "hold_offline", hold_offline),
    ):
        if span is not None:
            try:
                spans[key] = read_span(span, name)
            except InvalidInputError as error:
                problems.extend(error.problems)
    problems.raise_if_any()
    body: dict[str, Any] = {f"{target[0]}_id": target[1], "mw": float(mw), **spans}
    # What has its default stays out, so that a headend of the original understands every plain command.
    extras = {"note": note or None, "strict": strict or None, "fallback_mw": float(fallback_mw) or None}
    return body | {name: value for name, value in extras.items() if value is not None}


def read_parts(document: Mapping[str, Any]) -> tuple[Part, ...]:
    """Return the parts of a preview, an answer or a command, whichever of their lists is there."""
    rows = items_of(document.get("parts")) or items_of(document.get("allocations"))
    if not rows and isinstance(document.get("split"), dict):
        rows = items_of(document["split"].get("allocations"))
    return tuple(
        Part(
            asset_id=str(row.get("asset_id") or ""),
            raw_mw=_number(row, "mw_raw", "raw_mw"),
            mw=_number(row, "mw"),
            clamped=bool(row.get("clamped")),
            reason=str(row.get("reason") or ""),
            state=str(row.get("state") or ""),
            applied_mw=_number(row, "applied_mw"),
            delivered_mw=_number(row, "delivered_mw"),
        )
        for row in rows
    )


def read_preview(document: Mapping[str, Any], mw: float) -> Preview:
    """Return what `POST /dispatch/preview` answered to a power [MW]."""
    split = document.get("split")
    shortfall = _number(document, "shortfall_mw")
    if shortfall is None and isinstance(split, dict):
        shortfall = _number(split, "shortfall_mw")
    applied = _number(document, "mw")
    asked = _number(document, "requested_mw")
    return Preview(
        mw=mw if applied is None else applied,
        requested_mw=mw if asked is None else asked,
        clamped=bool(document.get("clamped")),
        sentence=str(document.get("sentence") or f"{mw:+.1f} MW"),
        ramp_s=_number(document, "ramp_s"),
        shortfall_mw=shortfall or 0.0,
        split=read_parts(document),
        document=document,
    )


class Command:
    """A command that was accepted, and its life as far as it is known; `refresh` asks again."""

    def __init__(
        self,
        connection: Connection,
        document: Mapping[str, Any],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._sleep = sleep
        self.document: Mapping[str, Any] = document
        """As the headend told it."""

    def __repr__(self) -> str:
        return f"Command({self.id[:8]}, {self.mw:+.1f} MW, {self.outcome})"

    @property
    def id(self) -> str:
        """Id; also the id of its lease at the agent."""
        return str(self.document.get("id") or "")

    @property
    def state(self) -> str:
        """submitted, queued, sent, received, active, limited, or how it ended."""
        return str(self.document.get("state") or self.document.get("status") or "submitted")

    @property
    def is_final(self) -> bool:
        """Is its life over?"""
        return self.state in FINAL

    @property
    def mw(self) -> float:
        """Power that it asks for, after clamping [MW]."""
        value = _number(self.document, "mw")
        return math.nan if value is None else value

    @property
    def requested_mw(self) -> float:
        """Power that was asked for [MW]."""
        value = _number(self.document, "requested_mw")
        return self.mw if value is None else value

    @property
    def clamped(self) -> bool:
        """Was less accepted than was asked for?"""
        return bool(self.document.get("clamped"))

    @property
    def reason(self) -> str:
        """Why it is not, or not wholly, as asked; empty when nothing stands in the way."""
        whole = str(self.document.get("reason") or "")
        said = [whole, *(part.reason for part in self.parts)]
        # An agent gives "reached" as the reason of what is well.
        return next((reason for reason in said if reason and reason != "reached"), "")

    @property
    def parts(self) -> tuple[Part, ...]:
        """What became of it at each asset."""
        return read_parts(self.document)

    @property
    def reached_at(self) -> datetime | None:
        """When what was read back first agreed with the order."""
        return when(self.document.get("reached_at"))

    @property
    def valid_until(self) -> datetime | None:
        """Its end; None: it holds until it is replaced."""
        return when(self.document.get("valid_until"))

    @property
    def shortfall_mwh(self) -> float:
        """Energy that is foreseen to be missing at its end [MWh]."""
        return _number(self.document, "shortfall_mwh") or 0.0

    @property
    def outcome(self) -> str:
        """In one word or two: reached, or the state."""
        if self.reached_at is not None and self.state in ("active", "completed"):
            return "reached" if self.state == "active" else "completed"
        return self.state

    def refresh(self) -> Command:
        """Ask the headend how it stands; returns itself."""
        self.document = self._connection.get(f"/dispatch/{self.id}")
        return self

    def wait(
        self,
        until: Until = "reached",
        timeout: str | float | timedelta = "5min",
        *,
        progress: Callable[[Command], None] | None = None,
    ) -> Command:
        """Wait until it is there, or over before that; returns itself, so look at `outcome`.

        Args:
            until: `delivered` (the device has it), `reached` (what is read back agrees, or it is limited) or
                `finished`.
            timeout: Longest wait.
            progress: Hears of the command with every look at it, also with the last one.

        Raises:
            UnavailableError: If it did not come so far in time.
        """
        if until not in ("delivered", "reached", "finished"):
            raise InvalidInputError(Problem("until", str(until), "delivered, reached or finished", "choose one"))
        seconds = read_span(timeout, "timeout")
        ends = self._clock() + seconds
        while True:
            if progress is not None:
                progress(self)
            if self._is_at(until):
                return self
            if self._clock() >= ends:
                raise UnavailableError(
                    f"command {self.id[:8]} is {self.state} after {shown_span(seconds)} and not {until} yet"
                    f"{f' ({self.reason})' if self.reason else ''} -> it goes on; afterbay fleet log shows it"
                )
            self._sleep(min(_POLL_S, max(ends - self._clock(), 0.01)))
            self.refresh()

    def stop(self, reason: str = "") -> Command:
        """End it now: its assets go to the fallback, by ramp; returns itself."""
        document, _ = self._connection.ask("POST", f"/dispatch/{self.id}/cancel", body={"reason": reason})
        if isinstance(document, dict):
            self.document = document
        return self

    def _is_at(self, until: Until) -> bool:
        if self.is_final:
            return True
        if until == "delivered":
            return self.state in _DELIVERED
        return until == "reached" and (self.reached_at is not None or self.state == "limited")


def _number(document: Mapping[str, Any], *names: str) -> float | None:
    return next((float(document[name]) for name in names if is_number(document.get(name))), None)
