"""What REST can ask of the fleet; decides where an answer comes from: the running headend or the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from afterbay.core.errors import ConflictError, NotFoundError, UnavailableError
from afterbay.fleet.commands import FINAL, CommandRequest, read_request
from afterbay.fleet.messages import Event, Telemetry
from afterbay.server.fleet.service.editing import Editor
from afterbay.server.fleet.service.scheduling import submit_schedule
from afterbay.server.fleet.service.sums import SiteSum, site_sum

if TYPE_CHECKING:
    from afterbay.fleet.commands import Command
    from afterbay.fleet.headend import Headend, Outcome
    from afterbay.fleet.inventory import Asset, Group, Site
    from afterbay.server.fleet.service.history import Database
    from afterbay.server.fleet.service.span import Span

__all__ = ["FleetHealth", "FleetService", "KeeperStatus"]

_PING_S = 3.0


class KeeperStatus(Protocol):
    """What a recorder says about itself."""

    @property
    def failing_since(self) -> datetime | None:
        """When the database began to fail."""

    @property
    def error(self) -> str:
        """Why."""

    @property
    def buffered_bytes(self) -> int:
        """What waits on disk."""

    @property
    def samples_written(self) -> int:
        """New samples in the database."""

    @property
    def rejected(self) -> int:
        """Samples that no database would take."""


@dataclass(frozen=True, slots=True)
class FleetHealth:
    """How the headend and its database are."""

    database: str
    """ok, error or disabled."""
    failing_since: datetime | None
    error: str
    buffered_bytes: int
    samples_written: int
    rejected: int

    @property
    def is_ok(self) -> bool:
        """Is nothing degraded?"""
        return self.database != "error" and not self.rejected


class FleetService:
    """One for the life of a server, on the headend's event loop."""

    def __init__(
        self,
        headend: Headend,
        editor: Editor,
        *,
        database: Database | None = None,
        keeper: Callable[[], KeeperStatus] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.headend = headend
        self.editor = editor
        self.clock = clock
        self._database = database
        self._keeper = keeper
        self._listeners: set[Callable[[], None]] = set()

    @contextmanager
    def listening(self, end: Callable[[], None]) -> Iterator[None]:
        """Count a live stream, and know how to end it."""
        self._listeners.add(end)
        try:
            yield
        finally:
            self._listeners.discard(end)

    def end_live(self) -> None:
        """End all live streams: a server that stops would wait for them for ever."""
        for end in tuple(self._listeners):
            end()

    # What is operated.

    def asset(self, asset_id: str) -> Asset:
        """Return an asset; `NotFoundError`."""
        found = self.headend.inventory.asset(asset_id.lower())
        if found is None:
            raise NotFoundError(f"there is no asset {asset_id} -> GET /assets lists them")
        return found

    def check_unordered(self, asset_id: str) -> None:
        """Raise `ConflictError` while an asset has a command that nobody asked to end: it would go on."""
        for command in self.headend.commands(asset_id=asset_id, limit=1_000):
            part = command.part(asset_id)
            # An agent that never returns confirms no end; it must not keep its asset in the inventory for ever.
            if command.is_final or command.cancel_by is not None or part is None or part.state in FINAL:
                continue
            raise ConflictError(
                f"asset {asset_id} has command {command.id}, which is {part.state} -> end it first: "
                f"DELETE /dispatch/{command.id}"
            )

    def site(self, site_id: str) -> Site:
        """Return a site; `NotFoundError`."""
        found = self.headend.inventory.site(site_id.lower())
        if found is None:
            raise NotFoundError(f"there is no site {site_id} -> GET /sites lists them")
        return found

    def group(self, group_id: str) -> Group:
        """Return a group; `NotFoundError`."""
        found = self.headend.inventory.group(group_id.lower())
        if found is None:
            raise NotFoundError(f"there is no group {group_id} -> GET /groups lists them")
        return found

    def site_sum(self, site: Site) -> SiteSum:
        """Return a site with the sums of its assets."""
        return site_sum(site, self.headend.inventory.assets_of(site.id), self.headend.latest())

    # Samples.

    def telemetry(self, asset_id: str) -> Telemetry:
        """Return the newest sample of an asset; `NotFoundError` also when there never was one."""
        asset = self.asset(asset_id)
        sample = self.headend.telemetry(asset.id)
        if sample is None:
            raise NotFoundError(f"asset {asset.name} ({asset.id}) has not sent anything yet -> see GET /agents")
        return self._named(sample)

    def latest(self) -> dict[str, Telemetry]:
        """Return the newest sample of every asset that has one."""
        return {asset_id: self._named(sample) for asset_id, sample in self.headend.latest().items()}

    async def samples(self, asset_id: str, span: Span, step_s: float | None) -> list[Telemetry]:
        """Return samples from the database."""
        asset = self.asset(asset_id)
        database = self._past("the history of telemetry")
        return await asyncio.to_thread(database.samples, asset.id, span, step_s)

    def push(self, sample: Telemetry, *, actor: str) -> None:
        """Take a sample that a client measured itself."""
        asset = self.asset(sample.asset_id)
        named = replace(
            sample, asset_id=asset.id, site_id=asset.site_id, asset_type=asset.asset_type,
            capacity_mwh=asset.capacity_mwh or None,
        )  # fmt: skip
        self.headend.push(named, actor=actor)

    # Commands.

    def submit(
        self, body: Mapping[str, object], *, actor: str, key: str | None, not_before: datetime | None
    ) -> Outcome:
        """Accept a command; errors as `Headend.submit`."""
        return self.headend.submit(_lower_ids(read_request(body)), actor=actor, key=key, not_before=not_before)

    def submit_schedule(
        self, body: Mapping[str, object], rows: list[dict[str, object]], *, actor: str, key: str | None
    ) -> tuple[str, list[Outcome]]:
        """Accept a list of intervals, all or none; return the schedule's id and what became of each."""
        return submit_schedule(self.headend, body, rows, now=self.clock(), actor=actor, key=key)

    def preview(self, body: Mapping[str, object]) -> object:
        """Foresee a command; nothing is sent."""
        return self.headend.preview(_lower_ids(read_request(body)))

    def cancel(self, command_id: str, *, actor: str, reason: str) -> Command:
        """End a command."""
        return self.headend.cancel(command_id.lower(), actor=actor, reason=reason)

    async def command(self, command_id: str) -> Command:
        """Return one command, from memory or else from the database; `NotFoundError`."""
        try:
            return self.headend.command(command_id.lower())
        except NotFoundError:
            if self._database is None:
                raise
        return await asyncio.to_thread(self._database.command, command_id)

    async def commands(self, span: Span, *, asset_id: str | None, site_id: str | None) -> tuple[list[Command], bool]:
        """Return commands, newest first, and whether these are all there are (the database may be away)."""
        recent = [command for command in self.headend.commands(asset_id=asset_id, limit=100_000)
                  if (site_id is None or (command.target == "site" and command.target_id == site_id))
                  and (span.since is None or command.submitted_at >= span.since)
                  and (span.until is None or command.submitted_at < span.until)]  # fmt: skip
        older: list[Command] = []
        complete = True
        if self._database is not None:
            try:
                older = await asyncio.to_thread(self._database.commands, span, asset_id=asset_id, site_id=site_id)
            except UnavailableError:
                complete = False
        # What the headend knows is newer than what was written of it.
        known = {command.id: command for command in older} | {command.id: command for command in recent}
        ordered = sorted(known.values(), key=lambda command: (command.submitted_at, command.id), reverse=True)
        return ordered[: span.limit], complete

    # Who is there, and what happened.

    async def heartbeats(self, asset_id: str, span: Span) -> list[datetime]:
        """Return the times of an asset's heartbeats from the database."""
        asset = self.asset(asset_id)
        return await asyncio.to_thread(self._past("the history of heartbeats").heartbeats, asset.id, span)

    async def events(self, asset_id: str | None, span: Span) -> list[Event]:
        """Return events, from memory and the database."""
        wanted = None if asset_id is None else self.asset(asset_id).id
        recent = [event for event in self.headend.events(asset_id=wanted, limit=1000)
                  if (span.since is None or event.timestamp >= span.since)
                  and (span.until is None or event.timestamp < span.until)]  # fmt: skip
        older: list[Event] = []
        if self._database is not None:
            with suppress(UnavailableError):  # the last thousand are in memory
                older = await asyncio.to_thread(self._database.events, wanted, span)
        known = {event.id: event for event in [*older, *recent]}
        ordered = sorted(known.values(), key=lambda event: (event.timestamp, event.id), reverse=True)
        return ordered[: span.limit]

    def raise_event(self, asset_id: str, event_type: str, severity: str, message: str) -> Event:
        """Note an event."""
        asset = self.asset(asset_id)
        event = Event(str(uuid4()), asset.id, asset.site_id, self.clock(), event_type, severity, message)  # type: ignore[arg-type]
        self.headend.raise_event(event)
        return event

    async def health(self) -> FleetHealth:
        """Return how the database is, asked now."""
        if self._database is None:
            return FleetHealth("disabled", None, "", 0, 0, 0)
        error = ""
        try:
            async with asyncio.timeout(_PING_S):
                await asyncio.to_thread(self._database.ping)
        except (UnavailableError, TimeoutError) as failure:
            error = str(failure) or f"no answer within {_PING_S:g} s"
        status = None if self._keeper is None else self._keeper()
        if status is None:
            return FleetHealth("error" if error else "ok", None, error, 0, 0, 0)
        failing = bool(error) or status.failing_since is not None
        return FleetHealth(
            "error" if failing else "ok", status.failing_since, error or status.error, status.buffered_bytes,
            status.samples_written, status.rejected,
        )  # fmt: skip

    def _past(self, what: str) -> Database:
        if self._database is None:
            raise UnavailableError(f"{what} needs a database, and none is named -> set DATABASE_URL")
        return self._database

    def _named(self, sample: Telemetry) -> Telemetry:
        """An agent need not know the name of its site."""
        if sample.site_name:
            return sample
        site = self.headend.inventory.site(sample.site_id)
        return replace(sample, site_name=site.name if site is not None else "")


def _lower_ids(request: CommandRequest) -> CommandRequest:
    """UUIDs are told apart in small letters."""
    return replace(
        request,
        asset_id=request.asset_id.lower() if request.asset_id else None,
        site_id=request.site_id.lower() if request.site_id else None,
        group_id=request.group_id.lower() if request.group_id else None,
    )
