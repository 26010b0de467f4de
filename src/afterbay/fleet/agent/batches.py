"""Samples of a tick as batches for the wire, numbered."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from afterbay.fleet.commands.lease_book import Setpoint
    from afterbay.fleet.messages import Telemetry

__all__ = ["BatchWriter"]

_MOST_SAMPLES = 2_000
"""Per message; a sample has some 200 bytes, and a message at most 4 MB."""


class BatchWriter:
    """Turns samples into payloads, and leaves out a sample that a device only repeats."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[object, ...]] = {}

    def write(
        self,
        samples: Sequence[Telemetry],
        setpoints: Mapping[str, Setpoint],
        numbering: Mapping[str, int],
        now: datetime,
    ) -> tuple[list[tuple[int, bytes]], dict[str, int]]:
        """Return the batches (samples, payload) and the numbers that were used.

        Args:
            samples: What was read, in order.
            setpoints: What is in force at each asset; shown where the device does not say it itself.
            numbering: Last number of each asset. One that has none begins at the microseconds since 1970, above
                every number that another spool gave it before.
            now: Time of the tick.
        """
        from afterbay.fleet.wire import agent_pb2 as pb
        from afterbay.fleet.wire.telemetry import fill_telemetry
        from afterbay.fleet.wire.times import to_micros

        first = to_micros(now)
        used: dict[str, int] = {}
        batches: list[tuple[int, bytes]] = []
        batch, count = pb.TelemetryBatch(), 0
        for sample in samples:
            asset_id = sample.asset_id
            mark = (sample.timestamp, sample.quality, sample.status, sample.online)
            if self._last.get(asset_id) == mark:
                continue
            self._last[asset_id] = mark
            message = fill_telemetry(batch.samples.add(), sample, compact=True)
            message.seq = used[asset_id] = used.get(asset_id, numbering.get(asset_id, first)) + 1
            setpoint = setpoints.get(asset_id)
            if setpoint is not None and setpoint.lease_id is not None:
                message.lease_id = setpoint.lease_id
                if sample.setpoint_mw is None:
                    message.setpoint_mw = setpoint.mw
            count += 1
            if count == _MOST_SAMPLES:
                batches.append((count, batch.SerializeToString()))
                batch, count = pb.TelemetryBatch(), 0
        if count:
            batches.append((count, batch.SerializeToString()))
        return batches, used
