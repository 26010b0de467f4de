"""The whole platform in one process, with people and with things of theirs; what a request changes is undone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from fastapi import FastAPI
from fastapi.testclient import TestClient
from server_database import ASSET, INVENTORY, OTHER
from server_identity import CHEAP, PASSWORD, person
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session, sessionmaker

from afterbay.fleet.headend import Headend
from afterbay.fleet.inventory import add_group, add_site, read_group, read_site
from afterbay.server.db import make_engine, read_url
from afterbay.server.fleet.service import Editor, FleetService
from afterbay.server.fleet.service.history import Database
from afterbay.server.fleet.simulation import LocalGateway
from afterbay.server.platform.identity.service import make_identity
from afterbay.server.platform.jobs.bodies import find_body, load_bodies
from afterbay.server.platform.jobs.context import JobContext
from afterbay.server.platform.jobs.service.leases import Leases
from afterbay.server.platform_app import Parts, create_platform_app, make_parts
from afterbay.server.settings import read_settings

FLEET = "/api/v1/fleet"
SIZING = "/api/v1/bess-sizing"
PEOPLE: dict[str, dict[str, Any]] = {
    "owner": {"bess_sizing": "engineer", "fleet": "engineer"},
    "stranger": {"bess_sizing": "engineer", "fleet": "operator"},
    "viewer": {"bess_sizing": "viewer", "fleet": "viewer"},
    "view": {"bess_sizing": "engineer"},
    "edit": {"bess_sizing": "engineer"},
    "module_admin": {"bess_sizing": "admin", "fleet": "admin"},
    "platform_admin": {"is_admin": True},
    "target": {"bess_sizing": "viewer"},
}
"""Who is signed in, and their roles. `viewer` and `edit` may edit the project of `owner`, `view` may look at it."""
CALLERS = (
    "nobody", "expired", "stranger", "viewer", "view", "edit", "owner", "reader", "module_admin", "platform_admin",
)  # fmt: skip
"""Who asks; `expired` and `reader` show tokens of `owner`, one that is over and one that may only read."""
SECTIONS: dict[str, dict[str, Any]] = {
    "setup_config": {
        "load_mode": "csv", "solar_source": "csv", "bess_efficiency": 100, "bess_min_soc": 0, "bess_max_soc": 100,
        "bess_initial_soc": 50, "dg_enabled": False,
    },
    "rules_config": {},
    "sizing_config": {
        "capacity_min": 40, "capacity_max": 160, "capacity_step": 40, "durations": [4],
        "optimization_goal": {"delivery_mode": "at_least", "delivery_target_pct": 99},
    },
    "financial_config": {"costs": {"installation_pct": 0}},
}  # fmt: skip

_GROUP: dict[str, Any] = {"id": str(UUID(int=31)), "name": "Both", "asset_ids": [ASSET.id, OTHER.id]}
_EMPTY_SITE: dict[str, Any] = {"id": str(UUID(int=32)), "name": "Fallow"}


class World:
    """An application with everything in it; all of it stands in one transaction that never commits."""

    def __init__(self, app: FastAPI, parts: Parts, connection: Connection, client: TestClient, folder: Path) -> None:
        self.app, self.parts, self.client, self._connection = app, parts, client, connection
        self.headers: dict[str, dict[str, str]] = {"nobody": {}}
        self.ids: dict[str, str] = {}
        self._folder = folder
        self._fleet: ExitStack | None = None
        self._make_people()
        self._make_things()
        self.renew_fleet()
        # Streams of events end with what they have.
        app.state.stopping.set()

    def ask(self, who: str | Mapping[str, str], method: str, path: str, **more: Any) -> Any:
        """Send a request as somebody and undo what it did; headers in place of a name are taken as they are."""
        with self.undone():
            return self.tell(who, method, path, **more)

    def tell(self, who: str | Mapping[str, str], method: str, path: str, **more: Any) -> Any:
        """Send a request as somebody."""
        headers = {**(self.headers[who] if isinstance(who, str) else who), **more.pop("headers", {})}
        portal = self.client.portal
        assert portal is not None
        ending = portal.start_task_soon(self._end_streams)
        try:
            return self.client.request(method, path, headers=headers, follow_redirects=False, **more)
        finally:
            ending.cancel()
            self.client.cookies.clear()
            if path.startswith(FLEET) and method not in ("GET", "HEAD", "OPTIONS"):
                self.renew_fleet()

    def done(self, who: str, method: str, path: str, **more: Any) -> Any:
        """Send a request that must succeed and return its JSON."""
        answer = self.tell(who, method, f"{SIZING}{path}" if path.startswith("/projects") else path, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
        return answer.json() if answer.content else None

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo what is written to the database inside."""
        savepoint = self._connection.begin_nested()
        try:
            yield
        finally:
            savepoint.rollback()

    def close(self) -> None:
        """End what runs."""
        if self._fleet is not None:
            self._fleet.close()

    def renew_fleet(self) -> None:
        """Give the fleet anew, as it was at the start."""
        self.close()
        self._fleet = ExitStack()
        portal = self.client.portal
        assert portal is not None
        made = _fleet(self._folder / uuid4().hex, self.parts.engine)
        fleet, self.ids["command_id"] = self._fleet.enter_context(portal.wrap_async_context_manager(made))
        self.app.state.fleet = fleet
        self.ids |= {"group_id": _GROUP["id"], "empty_site_id": _EMPTY_SITE["id"]}

    async def _end_streams(self) -> None:
        """End the fleet's streams as soon as they told what there is: a request waits for the end of its answer."""
        while True:
            await asyncio.sleep(0.05)
            fleet: FleetService | None = getattr(self.app.state, "fleet", None)
            if fleet is not None:
                fleet.end_live()

    def _make_people(self) -> None:
        for name, roles in PEOPLE.items():
            self.ids[name] = str(person(self.parts.sessions, self.parts.identity, f"{name}@example.org", **roles))
            given = {"email": f"{name}@example.org", "password": PASSWORD, "mode": "token"}
            token = self.done("nobody", "POST", "/api/v1/auth/login", json=given)["access_token"]
            self.headers[name] = {"Authorization": f"Bearer {token}"}
        every = [f"sizing:{one}" for one in ("create", "read", "update", "export")]
        self.ids["expired_token"] = self._make_token("expired", "owner", every)
        self.ids["token_id"] = self._make_token("reader", "owner", ["sizing:read", "fleet:read"])
        self.ids["target_token"] = self._make_token("target_token", "target", ["sizing:read"])
        with self.parts.sessions.begin() as session:
            past = text("UPDATE api_tokens SET expires_at = now() - interval '1 hour' WHERE id = :id")
            session.execute(past, {"id": self.ids["expired_token"]})

    def _make_token(self, caller: str, owner: str, scopes: list[str]) -> str:
        made = self.done(owner, "POST", "/api/v1/auth/tokens", json={"name": caller, "scopes": scopes, "days": 30})
        self.headers[caller] = {"Authorization": f"Bearer {made['token']}"}
        return str(made["id"])

    def _make_things(self) -> None:
        ids = self.ids
        hours = np.arange(8760)
        for kind, values in (("load", np.full(8760, 10.0)), ("solar", np.where(hours % 24 // 8 == 1, 30.0, 0.0))):
            rows = "\n".join([f"hour,{kind}_mw", *(f"{hour},{value:g}" for hour, value in enumerate(values))])
            ids[f"{kind}_profile_id"] = self.done(
                "owner", "POST", "/api/v1/profiles", data={"profile_type": kind},
                files={"file": (f"{kind}.csv", rows.encode(), "text/csv")},
            )["id"]  # fmt: skip
        build = {"kind": "load", "mode": "constant", "mw": 1.0, "name": "Spare", "hours": 24}
        ids["profile_id"] = self.done("owner", "POST", "/api/v1/profiles/build", json=build)["id"]
        profiles = {name: ids[name] for name in ("load_profile_id", "solar_profile_id")}
        ids["project_id"] = self.done(
            "owner", "POST", "/projects", json={"name": "Block sun", **SECTIONS, **profiles, "tags": ["mine"]}
        )["id"]  # fmt: skip
        place = f"/projects/{ids['project_id']}"
        for who, permission in (("view", "view"), ("edit", "edit"), ("viewer", "edit")):
            self.done("owner", "POST", f"{place}/shares",
                      json={"email": f"{who}@example.org", "permission": permission})  # fmt: skip
        ids["comment_id"] = self.done("owner", "POST", f"{place}/comments", json={"body": "look"})["id"]
        ids["deleted_id"] = self.done("owner", "POST", "/projects", json={"name": "Gone"})["id"]
        self.done("platform_admin", "DELETE", f"/projects/{ids['deleted_id']}")
        for name in ("simulation", "queued", "cancelled"):
            run = self.done("owner", "POST", f"{place}/simulate", json={"simulation_type": "optimization"})
            ids[f"{name}_id"], ids[f"{name}_job_id"] = run["id"], run["job_id"]
        self._work(UUID(ids["simulation_job_id"]))
        self.done("owner", "DELETE", f"/api/v1/jobs/{ids['cancelled_job_id']}")
        for who in ("owner", "platform_admin"):
            channel = {"kind": "webhook", "target": "https://example.org/hook"}
            made = self.done(who, "POST", "/api/v1/notifications/channels", json=channel)["id"]
            sent = self.done(who, "POST", f"/api/v1/notifications/channels/{made}/test")["notification_id"]
            ids[f"{who}_channel"], ids[f"{who}_notification"] = made, sent
            ids[f"{who}_session"] = self.done(who, "GET", "/api/v1/auth/sessions")[0]["id"]
        ids["target_session"] = self.done("target", "GET", "/api/v1/auth/sessions")[0]["id"]

    def _work(self, job_id: UUID) -> None:
        """Do a job as a worker does, in this thread."""
        load_bodies(["afterbay.server.sizing.tasks.bodies"])
        leases = Leases(self.parts.sessions)
        with self.parts.sessions() as session:
            ticket = session.execute(text("SELECT ticket FROM jobs WHERE id = :id"), {"id": job_id}).scalar_one()
        taken = leases.take(job_id, ticket)
        assert taken is not None
        context = JobContext(
            taken, leases, sessions=self.parts.sessions, storage=self.parts.storage, compute=_Here()
        )  # fmt: skip
        leases.succeed(taken.lease, find_body(taken.task)(context, taken.args))


class _Here:
    """Does heavy work in this thread."""

    label = "here"

    def map(
        self, function: Callable[[Any], Any], chunks: Sequence[Any], *, on_done: Any = None, check: Any = None
    ) -> list[Any]:
        """Return the results in order."""
        found = [function(chunk) for chunk in chunks]
        for place, one in enumerate(found):
            if on_done is not None:
                on_done(place, one)
        return found

    def close(self) -> None:
        """Nothing to end."""


@contextmanager
def running_world(url: str, folder: Path, **settings: Any) -> Iterator[World]:
    """Give the platform with its fleet on a database that stays as it is."""
    given = read_settings(
        data_dir=folder, database_url=url, fleet=True,
        **{"rate_limit": "", "rate_limit_address": "", "rate_limit_sign_in": "", **settings},
    )  # fmt: skip
    engine = make_engine(read_url(url))
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        connection = stack.enter_context(engine.connect())
        stack.enter_context(connection.begin())
        # Commits of the application are savepoints of ours.
        sessions: sessionmaker[Session] = sessionmaker(connection, join_transaction_mode="create_savepoint")
        made = make_parts(given, engine, sessions)
        # What is tested is who gets in, not how long a guess takes.
        # Nor how long a token lasts: the tests of a process may be minutes apart.
        lasting = replace(made.identity.settings, access_s=86_400)
        identity = make_identity(lasting, made.identity.roles, hasher=CHEAP)
        parts = replace(made, identity=identity)
        app = create_platform_app(parts)
        client = TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)
        world = World(app, parts, connection, stack.enter_context(client), folder)
        stack.callback(connection.rollback)
        stack.callback(world.close)
        yield world


@asynccontextmanager
async def _fleet(folder: Path, engine: Engine) -> AsyncIterator[tuple[FleetService, str]]:
    """Give a fleet with a group, a site without assets and a command, and the command's id."""
    folder.mkdir(parents=True)
    headend = Headend(add_group(add_site(INVENTORY, read_site(_EMPTY_SITE)), read_group(_GROUP)))
    async with headend, LocalGateway(headend, tick_s=3600.0) as gateway:
        await gateway.tick()
        fleet = FleetService(
            headend, Editor(headend, folder / "assets.yaml", told=(gateway.replace_inventory,)),
            database=Database(engine),
        )  # fmt: skip
        yield (
            fleet,
            fleet.submit({"asset_id": OTHER.id, "mw": 1.0}, actor="somebody", key=None, not_before=None).command.id,
        )
