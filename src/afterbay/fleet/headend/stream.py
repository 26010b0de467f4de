"""One agent's stream: who is at the other end, what it claims, and what waits to be told to it."""

from __future__ import annotations

from datetime import datetime

from afterbay.fleet.headend.outbox import Outbox
from afterbay.fleet.messages import Notice, Register
from afterbay.fleet.wire.identity import Grant

__all__ = ["Stream"]


class Stream:
    """State of one connection. Streams are told apart by what they are, never by peer or gateway id."""

    def __init__(self, peer: str, grant: Grant, opened_at: datetime, heard_s: float) -> None:
        self.peer = peer
        self.grant = grant
        self.opened_at = opened_at
        self.heard_s = heard_s
        """When anything was last heard, on the monotonic clock [s]."""
        self.held_up = False
        """Waits for room in front of the recorder: its silence is ours."""
        self.writing_since_s: float | None = None
        """When the write began that is not yet through, on the event loop's clock [s]."""
        self.gateway_id = grant.gateway_id or ""
        self.protocol = 0
        self.software = ""
        self.spool_id = ""
        self.tick_s: float | None = None
        """Time between two samples of its assets [s]; None: it does not say."""
        self.own_ticks: dict[str, float] = {}
        """Of assets that have another one [s]."""
        self.clock_skew_s: float | None = None
        """How far its clock was ahead of ours with its last heartbeat [s]."""
        self.claims: dict[str, None] = {}
        """Assets of its registration, also those that it does not get."""
        self.registered_at: datetime | None = None
        self.is_open = True
        self.unreadable = 0
        """Messages that could not be understood."""
        self.outbox = Outbox()

    @property
    def actor(self) -> str:
        """Its name in histories and events."""
        return f"gateway:{self.gateway_id or self.peer}"

    def introduce(self, register: Register, now: datetime) -> None:
        """Take over what a registration says."""
        self.gateway_id = register.gateway_id or self.grant.gateway_id or ""
        self.claims = dict.fromkeys(asset.asset_id for asset in register.assets)
        self.registered_at = now
        if register.hello is not None:
            self.protocol = register.hello.protocol
            self.software = register.hello.software[:80]
            self.spool_id = register.hello.spool_id
            self.tick_s = register.hello.tick_s
        self.own_ticks = {asset.asset_id: asset.tick_s for asset in register.assets if asset.tick_s is not None}

    def tick_of(self, asset_id: str) -> float | None:
        """Return the time between two samples of an asset [s]; None: nobody said."""
        return self.own_ticks.get(asset_id, self.tick_s)

    def tell(self, notice: Notice) -> None:
        """Let its agent know something about its registration, if it is one that understands it."""
        if self.protocol > 0:
            self.outbox.put(notice)
