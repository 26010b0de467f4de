"""The users of a cycle: one household per row, as columns."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from afterbay.core.compiled import Floats

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Ids", "Keys", "Users", "locate", "parse_ids", "repeated"]

Ids = NDArray[np.bytes_]
"""User ids as text, 36 bytes each."""
Keys = NDArray[np.bytes_]
"""The same as 16 bytes each, as in a UUID: capital and small letters give the same key."""

_DASHES = (8, 13, 18, 23)
_HEX_PLACES = np.array([place for place in range(36) if place not in _DASHES])
_NO_DIGIT = 255


def _digit_values() -> NDArray[np.uint8]:
    values = np.full(256, _NO_DIGIT, dtype=np.uint8)
    for value, letter in enumerate("0123456789abcdef"):
        values[ord(letter)] = values[ord(letter.upper())] = value
    return values


_DIGITS = _digit_values()


@dataclass(frozen=True, slots=True, eq=False)
class Users:
    """Users with every default filled in; each column has shape (n,)."""

    user_id: Ids
    keys: Keys
    panel_wattage: Floats
    """Nameplate of a panel [W]."""
    panel_count: Floats
    battery_capacity_kwh: Floats
    inverter_capacity_kw: Floats
    household_size: Floats
    """People."""
    soc_start_kwh: Floats
    """Stored energy before the first tick as the file gives it [kWh]; nan: not given."""
    min_soc: Floats
    """Lowest state of charge [fraction of capacity]."""
    max_soc: Floats
    max_charge_kw: Floats
    max_discharge_kw: Floats
    charge_efficiency: Floats
    """One way, terminals to cells [fraction]."""
    discharge_efficiency: Floats
    latitude: Floats
    """Degrees north; nan: the place of the run."""
    longitude: Floats
    tilt_deg: Floats
    azimuth_deg: Floats
    """Degrees from north over east; nan: towards the equator."""
    cluster: NDArray[np.str_]
    """Users of one cluster are under the same clouds."""
    weather_id: NDArray[np.str_]
    """Series of a weather file; empty: the common one."""
    version: int = 1
    """Of the contract: 2 as soon as one optional column is there."""

    def __len__(self) -> int:
        return len(self.user_id)

    @property
    def nameplate_kw(self) -> Floats:
        """Power of all panels [kW], shape (n,)."""
        return self.panel_wattage * self.panel_count / 1000.0

    def take(self, rows: Iterable[int] | NDArray[np.int64]) -> Users:
        """Return the users of some rows, in that order."""
        chosen = np.asarray(list(rows) if not isinstance(rows, np.ndarray) else rows, dtype=np.int64)
        columns = {field.name: getattr(self, field.name)[chosen] for field in fields(self) if field.name != "version"}
        return replace(self, **columns)


def parse_ids(texts: Ids) -> tuple[Keys, NDArray[np.bool_]]:
    """Return the 16-byte key of each id, and which ids are UUIDs of 36 characters with dashes.

    Args:
        texts: Ids, shape (n,), dtype S36; longer ones must have been marked by the caller.
    """
    count = len(texts)
    letters = np.frombuffer(np.ascontiguousarray(texts, dtype="S36").tobytes(), dtype=np.uint8).reshape(count, 36)
    digits = _DIGITS[letters[:, _HEX_PLACES]]
    good = (digits != _NO_DIGIT).all(axis=1) & (letters[:, _DASHES] == ord("-")).all(axis=1)
    packed = (digits[:, 0::2] << 4) | (digits[:, 1::2] & 15)
    return np.frombuffer(packed.tobytes(), dtype="S16"), good


def locate(keys: Keys, among: Keys) -> NDArray[np.int64]:
    """Return the row of each key in `among`, -1 where it is not there; shape (len(keys),)."""
    if not len(among):
        return np.full(len(keys), -1, dtype=np.int64)
    if len(keys) == len(among) and (keys == among).all():
        return np.arange(len(keys), dtype=np.int64)
    order = np.argsort(among, kind="stable")
    place = np.minimum(np.searchsorted(among, keys, sorter=order), len(among) - 1)
    rows: NDArray[np.int64] = order[place].astype(np.int64)
    return np.where(among[rows] == keys, rows, -1)


def repeated(keys: Keys) -> NDArray[np.bool_]:
    """Return which keys stand further up already, shape (n,)."""
    order = np.argsort(keys, kind="stable")
    again = np.zeros(len(keys), dtype=np.bool_)
    again[order[1:]] = keys[order[1:]] == keys[order[:-1]]
    return again
