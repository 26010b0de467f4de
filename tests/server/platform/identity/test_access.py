from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Request
from server_identity import START, Clock, client_of, person, sign_in
from sqlalchemy.orm import Session, sessionmaker

from afterbay.server.guard import actor_of
from afterbay.server.platform.identity import service
from afterbay.server.platform.identity.access import Administrator, CurrentUser, require
from afterbay.server.platform.identity.service import Identity
from afterbay.server.principal import SYSTEM, Principal

ADA = "ada@example.org"


@pytest.fixture
def app(app: FastAPI) -> FastAPI:
    @app.get("/read")
    def read(user: Annotated[Principal, Depends(require("bess-sizing", "read"))]) -> str:
        return user.email

    @app.post("/create")
    def create(user: Annotated[Principal, Depends(require("bess-sizing", "create"))]) -> str:
        return user.email

    @app.delete("/delete")
    def delete(user: Annotated[Principal, Depends(require("bess-sizing", "delete"))]) -> str:
        return user.email

    @app.get("/who")
    def who(request: Request, user: CurrentUser) -> list[str]:
        return [actor_of(request.scope), user.address]

    @app.get("/all")
    def everything(user: Administrator) -> str:
        return user.email

    return app


@pytest.mark.parametrize(
    ("role", "found"),
    [
        ("viewer", [200, 403, 403, 403]),
        ("engineer", [200, 200, 403, 403]),
        ("admin", [200, 200, 200, 403]),
        ("platform", [200, 200, 200, 200]),
        ("none", [403, 403, 403, 403]),
        ("stranger", [401, 401, 401, 401]),
    ],
)
def test_roles_may_what_the_manifest_says(
    role: str, found: list[int], app: FastAPI, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    roles = {} if role in ("platform", "none", "stranger") else {"bess_sizing": role}
    person(sessions, identity, ADA, is_admin=role == "platform", **roles)
    client = client_of(app)
    if role != "stranger":
        sign_in(client, ADA)

    answers = [client.get("/read"), client.post("/create"), client.delete("/delete"), client.get("/all")]

    assert [one.status_code for one in answers] == found


def test_a_grant_is_over_at_its_second(
    app: FastAPI, clock: Clock, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    user_id = person(sessions, identity, ADA)
    with sessions.begin() as session:
        until = START + timedelta(seconds=300)
        service.give_grant(session, identity, SYSTEM, user_id, "bess-sizing", "viewer", expires_at=until)
    client = client_of(app)
    sign_in(client, ADA)

    clock.pass_time(seconds=299)
    before = client.get("/read").status_code
    clock.pass_time(seconds=1)
    after = client.get("/read").status_code

    assert (before, after) == (200, 403)


def test_what_is_granted_or_taken_counts_with_the_next_request(
    app: FastAPI, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    user_id = person(sessions, identity, ADA)
    client = client_of(app)
    sign_in(client, ADA)

    found = [client.get("/read").status_code]
    with sessions.begin() as session:
        service.give_grant(session, identity, SYSTEM, user_id, "bess-sizing", "viewer")
    found.append(client.get("/read").status_code)
    with sessions.begin() as session:
        service.take_grant(session, identity, SYSTEM, user_id, "bess-sizing")
    found.append(client.get("/read").status_code)

    assert found == [403, 200, 403]


def test_a_role_that_a_manifest_no_longer_has_allows_nothing(
    app: FastAPI, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    from dataclasses import replace

    person(sessions, identity, ADA, bess_sizing="engineer")
    app.state.identity = replace(identity, roles={"bess-sizing": {"viewer": frozenset({"read"})}})
    client = client_of(app)
    sign_in(client, ADA)

    assert client.get("/read").status_code == 403


def test_the_actor_of_the_fleet_is_the_address_of_the_user(
    app: FastAPI, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    client = client_of(app)
    sign_in(client, ADA)

    assert client.get("/who").json() == [ADA, "testclient"]


def test_the_document_of_the_api_says_how_to_sign_in(app: FastAPI) -> None:
    schemes = client_of(app).get("/openapi.json").json()["components"]["securitySchemes"]

    assert {one["type"] for one in schemes.values()} == {"http", "apiKey"}
