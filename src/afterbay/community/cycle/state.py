"""What a cycle remembers between ticks: the energy in every battery."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.cycle.rows import MICRO
from afterbay.community.cycle.users import Ids, Keys, locate
from afterbay.core.compiled import Floats, Indices

if TYPE_CHECKING:
    from afterbay.community.cycle.rows import Rows
    from afterbay.community.cycle.users import Users

__all__ = ["FIRST_SOC", "CycleState", "bounds_micro", "start_micro"]

FIRST_SOC = 0.5
"""State of charge at the very first tick of a user, when nobody says otherwise [fraction]."""


def _no_ids(width: int) -> Ids:
    return np.empty(0, dtype=f"S{width}")


@dataclass(frozen=True, slots=True, eq=False)
class CycleState:
    """Stored energy by user, also of users who took no part lately. `CycleState()` knows nobody."""

    user_id: Ids = field(default_factory=lambda: _no_ids(36))
    keys: Keys = field(default_factory=lambda: _no_ids(16))
    stored_micro: Indices = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """Energy in the cells in millionths of a kWh, shape (n,)."""

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def stored_kwh(self) -> Floats:
        """Energy in the cells [kWh], shape (n,)."""
        values: Floats = self.stored_micro / MICRO
        return values

    def micro_of(self, keys: Keys) -> Indices:
        """Return the stored energy of some users, -1 where the state does not know them; shape (n,)."""
        rows = locate(keys, self.keys)
        known = rows >= 0
        stored = np.full(len(keys), -1, dtype=np.int64)
        stored[known] = self.stored_micro[rows[known]]
        return stored

    def without(self, keys: Keys) -> CycleState:
        """Return the state without some users."""
        kept = locate(self.keys, keys) < 0
        return CycleState(self.user_id[kept], self.keys[kept], self.stored_micro[kept])

    def after(self, rows: Rows) -> CycleState:
        """Return the state after the rows of a tick; users without a row keep theirs."""
        stored = rows.micro[:, 2].copy()
        if not len(self):
            return CycleState(rows.user_id, rows.keys, stored)
        others = locate(self.keys, rows.keys) < 0
        if not others.any():
            return CycleState(rows.user_id, rows.keys, stored)
        return CycleState(
            np.concatenate([rows.user_id, self.user_id[others]]),
            np.concatenate([rows.keys, self.keys[others]]),
            np.concatenate([stored, self.stored_micro[others]]),
        )


def start_micro(users: Users, state: CycleState) -> Indices:
    """Return the stored energy at the start of a tick, in millionths of a kWh, shape (n,).

    What the state remembers comes first: a figure of the input is from before the first tick. Then that figure,
    then half the capacity, held inside the window. A battery that became smaller holds at most its capacity.
    """
    capacity = _nearest(users.battery_capacity_kwh)
    floor, ceiling = bounds_micro(users)
    half = np.clip(_nearest(FIRST_SOC * users.battery_capacity_kwh), floor, ceiling)
    said = ~np.isnan(users.soc_start_kwh)
    first = np.where(said, _nearest(np.where(said, users.soc_start_kwh, 0.0)), half)
    remembered = state.micro_of(users.keys)
    return np.minimum(np.where(remembered >= 0, remembered, first), capacity)


def bounds_micro(users: Users) -> tuple[Indices, Indices]:
    """Return the window of the stored energy in millionths of a kWh, rounded to the inside; shape (n,) each."""
    # The grain keeps a bound that floats show a hair beside the whole number that it is.
    floor = np.ceil(users.min_soc * users.battery_capacity_kwh * MICRO - 1e-3).astype(np.int64)
    ceiling = np.floor(users.max_soc * users.battery_capacity_kwh * MICRO + 1e-3).astype(np.int64)
    return floor, np.maximum(ceiling, floor)


def _nearest(kwh: Floats) -> Indices:
    return np.floor(kwh * MICRO + 0.5).astype(np.int64)
