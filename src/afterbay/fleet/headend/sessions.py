"""Which stream serves which asset, and the sessions that follow from it.

The rule, where several streams claim one asset: the allow-list decides who may; among those the newest registration
serves it. The others keep their claim and get the asset back, newest first, when the one that serves it goes. So a
second gateway can stand by, a late clean-up of an old stream changes nothing, and two gateways that are set up alike
by mistake do not throw each other out in turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from afterbay.fleet.headend.api import SessionRow
from afterbay.fleet.headend.stream import Stream
from afterbay.fleet.inventory.records import Inventory

__all__ = ["Handover", "SessionBook", "is_same_gateway"]

_KEPT = 5
"""Sessions remembered per asset."""


def is_same_gateway(one: Stream, other: Stream) -> bool:
    """Are these two connections of one gateway? By its own name, and by its spool where both have told theirs.

    The usual name is that of the site, which two machines share that were set up alike by mistake.
    """
    other_spool = bool(one.spool_id and other.spool_id) and one.spool_id != other.spool_id
    return bool(one.gateway_id) and one.gateway_id == other.gateway_id and not other_spool


@dataclass(frozen=True, slots=True)
class Handover:
    """An asset that changed hands: from a stream (or nobody) to a stream (or nobody)."""

    asset_id: str
    before: Stream | None
    after: Stream | None


class SessionBook:
    """Claims, and the sessions of every asset of the inventory."""

    def __init__(self, inventory: Inventory, *, told: Callable[[SessionRow], None]) -> None:
        """Start without streams; `told` hears of every session that opens or closes."""
        self._sites = {asset.id: asset.site_id for asset in inventory.assets}
        self._claims: dict[str, list[Stream]] = {}
        self._serving: dict[str, Stream] = {}
        self._sessions: dict[str, tuple[SessionRow, ...]] = {}  # newest first
        self._counts: dict[str, int] = {}
        self._told = told

    def server_of(self, asset_id: str) -> Stream | None:
        """Return the stream that serves an asset now."""
        return self._serving.get(asset_id)

    def served_by(self, stream: Stream) -> tuple[str, ...]:
        """Return the assets that a stream serves now, in the order of its claims."""
        return tuple(asset_id for asset_id in stream.claims if self._serving.get(asset_id) is stream)

    def sessions_of(self, asset_id: str) -> tuple[SessionRow, ...]:
        """Return the last sessions of an asset, newest first; at most one is open."""
        return self._sessions.get(asset_id, ())

    def count_of(self, asset_id: str) -> int:
        """Return how many sessions an asset ever had."""
        return self._counts.get(asset_id, 0)

    @property
    def connected(self) -> int:
        """Number of assets that are served."""
        return len(self._serving)

    def refusal(self, stream: Stream, asset_id: str) -> str | None:
        """Return why a stream cannot serve an asset of its claims: unknown_asset, not_allowed, or None."""
        site_id = self._sites.get(asset_id)
        if site_id is None:
            return "unknown_asset"
        return None if stream.grant.allows(asset_id, site_id) else "not_allowed"

    def register(self, stream: Stream, before: Iterable[str], now: datetime) -> tuple[Handover, ...]:
        """Take the claims of a stream; `before` are those of its previous registration."""
        changed = dict.fromkeys(before)
        for asset_id in changed:
            if asset_id not in stream.claims:
                self._withdraw(stream, asset_id)
        for asset_id in stream.claims:
            self._withdraw(stream, asset_id)
            self._claims.setdefault(asset_id, []).append(stream)
            changed[asset_id] = None
        return self._settle(changed, now, "claims given up")

    def close(self, stream: Stream, now: datetime, reason: str) -> tuple[Handover, ...]:
        """Take a stream out; assets that another stream serves by now stay with that one."""
        for asset_id in stream.claims:
            self._withdraw(stream, asset_id)
        return self._settle(stream.claims, now, reason)

    def replace_inventory(self, inventory: Inventory, now: datetime) -> tuple[Handover, ...]:
        """Go on with another inventory: assets may be gone, new, or at another site."""
        before = self._sites
        self._sites = {asset.id: asset.site_id for asset in inventory.assets}
        changed = [
            asset_id for asset_id in {**before, **self._sites} if before.get(asset_id) != self._sites.get(asset_id)
        ]
        handovers = self._settle(changed, now, "removed from the inventory")
        for asset_id in before.keys() - self._sites.keys():
            self._sessions.pop(asset_id, None)
            self._counts.pop(asset_id, None)
        return handovers

    def _withdraw(self, stream: Stream, asset_id: str) -> None:
        claims = self._claims.get(asset_id, [])
        if stream in claims:
            claims.remove(stream)
        if not claims:
            self._claims.pop(asset_id, None)

    def _settle(self, asset_ids: Iterable[str], now: datetime, reason: str) -> tuple[Handover, ...]:
        """Bring who serves what in line with the claims."""
        handovers: list[Handover] = []
        for asset_id in asset_ids:
            before = self._serving.get(asset_id)
            claims = self._claims.get(asset_id, ())
            after = next((stream for stream in reversed(claims) if self.refusal(stream, asset_id) is None), None)
            if after is before:
                continue
            if before is not None:
                self._end(asset_id, now, _taken_by(before, after) if after and before in claims else reason)
                del self._serving[asset_id]
            if after is not None:
                self._serving[asset_id] = after
                self._begin(asset_id, after, now)
            handovers.append(Handover(asset_id, before, after))
        return tuple(handovers)

    def _begin(self, asset_id: str, stream: Stream, now: datetime) -> None:
        session = SessionRow(str(uuid4()), asset_id, stream.peer, stream.gateway_id, now)
        self._sessions[asset_id] = (session, *self._sessions.get(asset_id, ())[: _KEPT - 1])
        self._counts[asset_id] = self._counts.get(asset_id, 0) + 1
        self._told(session)

    def _end(self, asset_id: str, now: datetime, reason: str) -> None:
        newest, *earlier = self._sessions[asset_id]
        ended = replace(newest, disconnected_at=now, reason=reason)
        self._sessions[asset_id] = (ended, *earlier)
        self._told(ended)


def _taken_by(before: Stream, after: Stream) -> str:
    return "reconnected" if is_same_gateway(before, after) else f"taken over by {after.actor} ({after.peer})"
