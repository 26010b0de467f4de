"""Ends of setpoints: the lease that a device keeps by itself, whoever else is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["Timers", "Told"]


@dataclass(frozen=True, slots=True)
class Told:
    """What an asset was told, beside its power."""

    until: datetime | None
    fallback_mw: float | None
    lease_id: str | None


class Timers:
    """The setpoint in force of each asset that was told one."""

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}

    def set(self, asset_id: str, until: datetime | None, fallback_mw: float | None, lease_id: str | None) -> None:
        """Replace what an asset was told."""
        self._told[asset_id] = Told(until, fallback_mw, lease_id)

    def due(self, now: datetime) -> list[tuple[datetime, str]]:
        """Return the ends up to `now`, earliest first."""
        return sorted(
            (told.until, asset_id)
            for asset_id, told in self._told.items()
            if told.until is not None and told.until <= now
        )

    def end(self, asset_id: str) -> float | None:
        """Forget what an asset was told and return its fallback."""
        return self._told.pop(asset_id).fallback_mw

    def forget(self, asset_id: str) -> None:
        """Forget what an asset was told, if it was."""
        self._told.pop(asset_id, None)

    def lease_of(self, asset_id: str) -> str | None:
        """Return the lease in force."""
        told = self._told.get(asset_id)
        return None if told is None else told.lease_id

    @property
    def told(self) -> Mapping[str, Told]:
        """All that is in force, by asset."""
        return self._told
