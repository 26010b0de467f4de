"""An asset, a site or a group of a headend, to be looked at and told a power."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from afterbay.client.commands import Command, Preview, order_body, read_preview
from afterbay.client.schedules import schedule_body
from afterbay.client.times import read_moment, read_span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from afterbay.client.fleet import Fleet
    from afterbay.client.records import AssetState
    from afterbay.client.schedules import Schedule
    from afterbay.fleet.messages import Telemetry

__all__ = ["Asset", "Target"]


class Target:
    """Somebody who can be told a power; the words of `dispatch` are those of `afterbay.client.order_body`."""

    def __init__(self, fleet: Fleet, kind: str, id: str, name: str) -> None:  # noqa: A002 - what the API calls it
        self._fleet = fleet
        self.kind = kind
        """asset, site or group."""
        self.id = id
        self.name = name

    def __repr__(self) -> str:
        return f"{self.kind} {self.name} ({self.id})"

    def preview(self, mw: float, **order: Any) -> Preview:
        """Foresee a command: ramp, state of charge, split; nothing is sent.

        Raises:
            InvalidInputError: If it would be refused.
        """
        body = order_body((self.kind, self.id), mw, **order)
        document, _ = self._fleet.connection.ask("POST", "/dispatch/preview", body=body)
        return read_preview(document, mw)

    def dispatch(self, mw: float, *, key: str | None = None, **order: Any) -> Command:
        """Send a command; + discharges, - charges, 0 stops [MW].

        Args:
            mw: Power [MW].
            key: Idempotency key; the same key with the same order does nothing again, with another order it is
                refused. None: a new one.
            order: As `afterbay.client.order_body`: for_, note, strict, deliver_within, hold_offline, fallback_mw.

        Raises:
            InvalidInputError: If it is refused.
            ConflictError: If it is offline and `deliver_within` does not ask to wait.
        """
        body = order_body((self.kind, self.id), mw, **order)
        return self._fleet.submit(body, key or str(uuid4()))

    def schedule(
        self,
        intervals: Sequence[Mapping[str, Any]],
        *,
        key: str | None = None,
        strict: bool = False,
        allow_gaps: bool = False,
    ) -> Schedule:
        """Send a list of intervals, all or none; each has `start`, `end` and `mw` [MW].

        Args:
            intervals: As `afterbay.client.schedules.schedule_body`.
            key: Id of the schedule, by which a repetition is known; None: a new one.
            strict: Refuse instead of clamping to what can be done.
            allow_gaps: 0 MW holds between intervals that do not touch.

        Raises:
            InvalidInputError: If they overlap, leave a gap, are over, or the key belongs to another schedule.
        """
        body = schedule_body((self.kind, self.id), intervals, strict=strict, allow_gaps=allow_gaps)
        return self._fleet.submit_schedule(body, key or str(uuid4()))

    def stop(self, **order: Any) -> Command:
        """Send 0 MW, to be held until something else is sent."""
        return self.dispatch(0.0, **order)


class Asset(Target):
    """One asset."""

    def __init__(self, fleet: Fleet, state: AssetState) -> None:
        super().__init__(fleet, "asset", state.id, state.name)
        self.state = state
        """As it was when it was asked for; `telemetry()` asks again."""

    @property
    def document(self) -> Mapping[str, Any]:
        """As the headend told it."""
        return self.state.document

    def telemetry(self) -> Telemetry | None:
        """Return the newest sample; None: there was none yet."""
        return self._fleet.telemetry(self.id)

    def history(
        self,
        start: str | datetime = "1h",
        end: str | datetime = "now",
        *,
        step: str | float | None = None,
        limit: int | None = None,
    ) -> list[Telemetry]:
        """Return samples, oldest first.

        Args:
            start: First moment, or a span before now such as `6h`.
            end: Moment after the last one.
            step: Means over steps so long, such as `1min`; None: every sample.
            limit: At most so many, the newest ones; None: all.

        Raises:
            UnavailableError: If the headend has no database.
        """
        now = self._fleet.connection.now()
        first = read_moment(start, now, "start") if isinstance(start, str) else start
        last = read_moment(end, now, "end") if isinstance(end, str) else end
        step_s = None if step is None else read_span(step, "step")
        return self._fleet.history(self.id, first, last, step_s=step_s, limit=limit)
