"""Helpers of tests about who somebody is: a clock that is set, cheap hashes, people, clients that are signed in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy.orm import Session, sessionmaker
from starlette.testclient import TestClient

from afterbay.server.errors import add_error_handlers
from afterbay.server.platform.administration.router import admin_router
from afterbay.server.platform.identity.router import auth_router, page_router
from afterbay.server.platform.identity.service import (
    CSRF_COOKIE,
    CSRF_HEADER,
    Caller,
    Identity,
    IdentitySettings,
    create_user,
    give_grant,
    make_identity,
    set_password,
)
from afterbay.server.principal import SYSTEM

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
PASSWORD = "seven blue pumps at dawn"
CALLER = Caller("192.0.2.7", "request-1", "tests")
ROLES = {
    "bess-sizing": {
        "admin": frozenset({"create", "read", "update", "delete", "export", "manage_users"}),
        "engineer": frozenset({"create", "read", "update", "export"}),
        "viewer": frozenset({"read"}),
    },
    "fleet": {"operator": frozenset({"read", "dispatch"}), "viewer": frozenset({"read"})},
}
# As little work as argon2 can do: what is tested is who gets in, not how long a guess takes.
CHEAP = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **amount: float) -> None:
        self.now += timedelta(**amount)


def identity_for(folder: Path, clock: Clock, *, hasher: PasswordHash = CHEAP, **settings: Any) -> Identity:
    """Return identity with its keys in a folder."""
    return make_identity(IdentitySettings(folder / "keys", **settings), ROLES, clock=clock, hasher=hasher)


def changed(identity: Identity, **settings: Any) -> Identity:
    """Return the same identity under other settings."""
    return replace(identity, settings=replace(identity.settings, **settings))


def app_for(identity: Identity, sessions: sessionmaker[Session]) -> FastAPI:
    """Return an application with nothing but identity and administration."""
    app = FastAPI()
    app.state.sessions, app.state.identity = sessions, identity
    add_error_handlers(app)
    app.include_router(auth_router, prefix="/api/v1")
    app.include_router(admin_router, prefix="/api/v1")
    app.include_router(page_router)
    return app


def client_of(app: FastAPI) -> TestClient:
    """Return a browser's worth of cookies."""
    return TestClient(app, base_url="http://127.0.0.1:8000")


def person(
    sessions: sessionmaker[Session], identity: Identity, email: str, *, is_admin: bool = False, **roles: str
) -> UUID:
    """Make a user with `PASSWORD`; roles by module, with `_` for `-`."""
    with sessions.begin() as session:
        account = create_user(session, identity, SYSTEM, email, email.partition("@")[0], is_admin=is_admin)
        set_password(session, identity, SYSTEM, account.id, PASSWORD)
        for module, role in roles.items():
            give_grant(session, identity, SYSTEM, account.id, module.replace("_", "-"), role)
        return account.id


def sign_in(client: TestClient, email: str, password: str = PASSWORD, mode: str = "cookie") -> dict[str, Any]:
    """Sign a client in; a browser's client sends the CSRF header from then on, a program's its token."""
    answer = client.post("/api/v1/auth/login", json={"email": email, "password": password, "mode": mode})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    if mode == "cookie":
        client.headers[CSRF_HEADER] = client.cookies[CSRF_COOKIE]
    else:
        client.headers["Authorization"] = f"Bearer {body['access_token']}"
    return body


def audit(sessions: sessionmaker[Session]) -> list[tuple[str, str, str]]:
    """Return action, actor and resource of every event, oldest first."""
    from sqlalchemy import text

    with sessions() as session:
        rows = session.execute(text("SELECT action, actor, resource_id FROM audit_events ORDER BY id"))
        return [(row[0], row[1], row[2]) for row in rows]
