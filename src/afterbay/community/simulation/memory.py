"""Results of a run in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.simulation.columns import DAILY_COLUMNS, HOUSE_COLUMNS, NODE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from afterbay.community.simulation.shares import SharedDays
    from afterbay.community.step import MeterBlock
    from afterbay.core.compiled import Floats

__all__ = ["MemoryResults"]


class MemoryResults:
    """Keeps what every block left; small runs only."""

    def __init__(self, *, keep_meters: bool) -> None:
        """Begin without anything."""
        self._daily: list[Floats] = []
        self._levels: list[Floats] = []
        self._nodes: list[Floats] = []
        self._series: list[Floats] = []
        self._meters: list[MeterBlock] | None = [] if keep_meters else None

    def keep(self, days: SharedDays) -> None:
        """Take in a block."""
        self._daily.append(days.daily)
        self._levels.append(days.levels)
        self._nodes.append(days.nodes)
        self._series.append(days.series)
        if self._meters is not None:
            self._meters.append(days.meters)

    def daily(self, column: str) -> Floats:
        """Return a daily sum of every house, shape (days, H)."""
        place = DAILY_COLUMNS.index(column)
        return np.concatenate([part[:, place] for part in self._daily])

    def levels(self, side: str) -> Floats:
        """Return `bought` or `sold` by transformers crossed, shape (days, L, H)."""
        place = ("bought", "sold").index(side)
        return np.concatenate([part[:, place] for part in self._levels])

    def nodes(self, column: str) -> Floats:
        """Return the series of every node, shape (n_steps, N)."""
        return np.concatenate([part[NODE_COLUMNS.index(column)] for part in self._nodes])

    def series(self, column: str) -> Floats:
        """Return the series of the chosen houses, shape (n_steps, chosen)."""
        return np.concatenate([part[HOUSE_COLUMNS.index(column)] for part in self._series])

    def meters(self) -> Iterator[MeterBlock] | None:
        """Return the stored meter readings, or None when they were not kept."""
        return None if self._meters is None else iter(self._meters)
