"""The fleet behind a headend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from afterbay.client.commands import Command
from afterbay.client.naming import find_named
from afterbay.client.records import AssetState, items_of, read_asset, read_telemetry, with_agent
from afterbay.client.schedules import Schedule, group_schedules
from afterbay.client.stream import Update, updates
from afterbay.client.targets import Asset, Target
from afterbay.client.times import stamp
from afterbay.core.errors import MissingExtraError, NotFoundError

if TYPE_CHECKING:
    import pandas as pd

    from afterbay.client.connection import Connection
    from afterbay.fleet.messages import Telemetry

__all__ = ["Fleet"]

_PAGE: Final = 10_000


class Fleet:
    """Assets, agents, telemetry and commands of one headend."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __repr__(self) -> str:
        return f"Fleet({self.connection.url})"

    def __getitem__(self, name: str) -> Asset:
        """Return an asset by id, unique name, or the beginning of either."""
        return self.asset(name)

    # Looking -----------------------------------------------------------------------------------------------------

    def assets(self) -> list[AssetState]:
        """Return every asset with its newest sample and whether its agent is connected."""
        agents = {str(row.get("asset_id")): row for row in self.agents()}
        rows = [read_asset(row) for row in items_of(self.connection.get("/assets"))]
        return [with_agent(row, agents[row.id]) if row.id in agents else row for row in rows]

    def asset(self, name: str) -> Asset:
        """Return one asset by id, unique name, or the beginning of either.

        Raises:
            NotFoundError: If there is none.
            InvalidInputError: If several are meant.
        """
        return Asset(self, find_named(name, "asset", self.assets(), lambda row: row.id, lambda row: row.name))

    def sites(self) -> list[Mapping[str, Any]]:
        """Return the sites with their sums."""
        return items_of(self.connection.get("/sites"))

    def site(self, name: str) -> Target:
        """Return one site by id, unique name, or the beginning of either."""
        return self._target("site", name, self.sites())

    def groups(self) -> list[Mapping[str, Any]]:
        """Return the groups with the ids of their assets."""
        return items_of(self.connection.get("/groups"))

    def group(self, name: str) -> Target:
        """Return one group by id, unique name, or the beginning of either."""
        return self._target("group", name, self.groups())

    def agents(self) -> list[Mapping[str, Any]]:
        """Return one row per configured asset: who serves it, since when, its last sessions."""
        return items_of(self.connection.get("/agents"))

    def telemetry(self, asset_id: str) -> Telemetry | None:
        """Return the newest sample of an asset; None: there was none yet.

        Raises:
            NotFoundError: If there is no such asset.
        """
        try:
            document = self.connection.get(f"/telemetry/{asset_id}")
        except NotFoundError:
            # Unknown, or silent so far: the one is an error, the other is not.
            self.connection.get(f"/assets/{asset_id}")
            return None
        return read_telemetry(document) if isinstance(document, dict) else None

    def history(
        self,
        asset_id: str,
        start: datetime,
        end: datetime,
        *,
        step_s: float | None = None,
        limit: int | None = None,
    ) -> list[Telemetry]:
        """Return the samples of an asset with start <= time < end, oldest first, however many there are.

        With `step_s` they are means over steps of so many seconds, labelled by their begin.
        """
        found: dict[tuple[datetime, int], Telemetry] = {}
        until = end
        while limit is None or len(found) < limit:
            wanted = _PAGE if limit is None else min(_PAGE, limit - len(found))
            rows = items_of(
                self.connection.get(
                    f"/telemetry/{asset_id}/history",
                    start=stamp(start),
                    end=stamp(until),
                    limit=wanted,
                    step_s=step_s,
                )
            )
            page = [sample for sample in map(read_telemetry, rows) if sample is not None]
            fresh = {(one.timestamp, one.seq): one for one in page if start <= one.timestamp < end}
            news = fresh.keys() - found.keys()
            found |= fresh
            oldest = min((one.timestamp for one in page), default=start)
            # The headend answers newest first; a page that brings nothing new is the last one.
            if not news or oldest <= start or len(rows) < wanted:
                break
            until = oldest
        ordered = [found[key] for key in sorted(found)]
        return ordered if limit is None else ordered[-limit:]

    # Commanding --------------------------------------------------------------------------------------------------

    def submit(self, body: Mapping[str, Any], key: str) -> Command:
        """Send the body of a command once, whatever happens to the connection, and return the command."""
        document, headers = self.connection.ask("POST", "/dispatch", body=body, headers={"Idempotency-Key": key})
        answer: dict[str, Any] = dict(document) if isinstance(document, dict) else {}
        if not answer.get("id"):
            answer["id"] = headers.get("location", "").rstrip("/").rpartition("/")[2]
        return Command(self.connection, answer)

    def submit_schedule(self, body: Mapping[str, Any], key: str) -> Schedule:
        """Send the body of a schedule once, whatever happens to the connection; the key is its id."""
        headers = {"Idempotency-Key": key}
        document, _ = self.connection.ask("POST", "/dispatch/schedule", body=body, headers=headers)
        answer: dict[str, Any] = dict(document) if isinstance(document, dict) else {}
        commands = tuple(Command(self.connection, row) for row in items_of(answer.get("commands")))
        return Schedule(str(answer.get("schedule_id") or key), commands)

    def schedules(self, *, asset_id: str | None = None, site_id: str | None = None) -> list[Schedule]:
        """Return the schedules among the newest commands, the one that begins first first."""
        return group_schedules(self.log(limit=_PAGE, asset_id=asset_id, site_id=site_id))

    def schedule(self, schedule_id: str) -> Schedule:
        """Return one schedule by its id or the beginning of it.

        Raises:
            NotFoundError: If there is none.
            InvalidInputError: If several are meant.
        """
        return find_named(schedule_id, "schedule", self.schedules(), lambda row: row.id, lambda row: row.id)

    def command(self, command_id: str) -> Command:
        """Return one command with its history, by its id or the beginning of it.

        Raises:
            NotFoundError: If there is none.
        """
        if len(command_id) == 36:
            return Command(self.connection, self.connection.get(f"/dispatch/{command_id}"))
        rows = find_named(command_id, "command", self.log(), lambda row: row.id, lambda row: row.id)
        return rows.refresh()

    def log(
        self,
        *,
        limit: int = 200,
        asset_id: str | None = None,
        site_id: str | None = None,
        since: datetime | None = None,
    ) -> list[Command]:
        """Return the newest commands, newest first."""
        start = None if since is None else stamp(since)
        rows = self.connection.get("/dispatch/history", limit=limit, asset_id=asset_id, site_id=site_id, start=start)
        return [Command(self.connection, row) for row in items_of(rows)][:limit]

    # Following ---------------------------------------------------------------------------------------------------

    def changes(
        self, seconds: float | None = None, *, kinds: Sequence[str] = (), asset_ids: Sequence[str] = ()
    ) -> Iterator[Update]:
        """Yield what changes (telemetry, command, session, event, inventory), until `seconds` have passed.

        `connected` is told when the stream begins (again), `lost` when it ends without being asked to.

        Raises:
            UnavailableError: If nobody answers at the beginning; later losses are mended.
        """
        params = {"kind": list(kinds), "asset_id": list(asset_ids)}
        return updates(self.connection, "/stream", params, seconds=seconds)

    def stream(self, seconds: float | None = None, *, asset_ids: Sequence[str] = ()) -> Iterator[Telemetry]:
        """Yield samples as they come, until `seconds` have passed."""
        for update in self.changes(seconds, kinds=("telemetry",), asset_ids=asset_ids):
            sample = read_telemetry(update.document) if update.kind == "telemetry" else None
            if sample is not None:
                yield sample

    @property
    def frame(self) -> pd.DataFrame:
        """One row per asset: power, state of charge, age and whether it can be trusted."""
        try:
            import pandas as pd
        except ImportError:  # pragma: no cover - a dependency of the package
            raise MissingExtraError("pandas", "parquet", "tables") from None
        now = self.connection.now()
        rows = [
            {
                "name": asset.name,
                "site": asset.site_name,
                "asset_type": asset.asset_type,
                "mw": None if asset.sample is None else asset.sample.mw,
                "setpoint_mw": None if asset.sample is None else asset.sample.setpoint_mw,
                "soc_pct": None if asset.sample is None else asset.sample.soc_pct,
                "soc_mwh": None if asset.sample is None else asset.sample.soc_mwh,
                "status": None if asset.sample is None else asset.sample.status,
                "connected": asset.connected,
                "age_s": asset.age_s(now),
                "stale": not asset.counts(now),
                "asset_id": asset.id,
            }
            for asset in self.assets()
        ]
        return pd.DataFrame(rows).set_index("name") if rows else pd.DataFrame()

    def _target(self, kind: str, name: str, rows: Sequence[Mapping[str, Any]]) -> Target:
        def id_of(row: Mapping[str, Any]) -> str:
            return str(row.get(f"{kind}_id") or row.get("id") or "")

        def name_of(row: Mapping[str, Any]) -> str:
            return str(row.get(f"{kind}_name") or row.get("name") or "")

        if not rows:
            raise NotFoundError(f"this headend has no {kind}s -> name an asset")
        row = find_named(name, kind, rows, id_of, name_of)
        return Target(self, kind, id_of(row), name_of(row))
