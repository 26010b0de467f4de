"""Answers and events on their way to the headend, until it is proven that it has them."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from afterbay.fleet.messages import Acknowledgement, Event

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Outgoing"]

_MOST = 10_000


class Outgoing:
    """Acknowledgements and events in order.

    The wire confirms batches of samples only. A stream keeps its order, so the receipt of a batch proves all that was
    sent before it; what is not proven when a stream is lost is sent again on the next one.
    """

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self._waiting: deque[Acknowledgement | Event] = deque(maxlen=_MOST)
        self._unproven: deque[tuple[int, Acknowledgement | Event]] = deque(maxlen=_MOST)
        self._wake = wake
        self.revision = 0
        """Moves with every change worth saving."""

    def __len__(self) -> int:
        return len(self._waiting) + len(self._unproven)

    @property
    def waiting(self) -> int:
        """Number of those that were not sent on this stream."""
        return len(self._waiting)

    def put(self, *records: Acknowledgement | Event) -> None:
        """Add what the headend is to know."""
        if records:
            self._waiting.extend(records)
            self.revision += 1
            self._wake()

    def take(self, before_batch: int) -> Acknowledgement | Event | None:
        """Return the next one to send; it goes out before the batch with this number."""
        if not self._waiting:
            return None
        record = self._waiting.popleft()
        self._unproven.append((before_batch, record))
        return record

    def proven(self, batch: int) -> None:
        """The headend has everything that was sent before this batch."""
        while self._unproven and self._unproven[0][0] <= batch:
            self._unproven.popleft()
            self.revision += 1

    def rewind(self) -> None:
        """Send again what is not proven: the stream is gone."""
        self._waiting.extendleft(record for _, record in reversed(self._unproven))
        self._unproven.clear()

    def to_json(self) -> bytes:
        """Return all that is not proven, for the disk."""
        records = [*(record for _, record in self._unproven), *self._waiting]
        return json.dumps([{"kind": type(record).__name__, **_plain(record)} for record in records]).encode()

    def restore(self, saved: bytes) -> None:
        """Take up what `to_json` wrote; what cannot be read is left out."""
        for values in json.loads(saved):
            kind = {"Acknowledgement": Acknowledgement, "Event": Event}[values.pop("kind")]
            values["timestamp"] = datetime.fromisoformat(values["timestamp"])
            self._waiting.append(kind(**values))


def _plain(record: Acknowledgement | Event) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in asdict(record).items()}
