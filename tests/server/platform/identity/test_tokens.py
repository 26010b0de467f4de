from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from server_identity import ROLES, START, Clock, audit, client_of, person, sign_in
from sqlalchemy.orm import Session, sessionmaker
from starlette.testclient import TestClient

from afterbay.core.errors import InvalidInputError
from afterbay.server.platform.identity import service
from afterbay.server.platform.identity.service import Identity, read_scopes
from afterbay.server.principal import SYSTEM

ADA = "ada@example.org"
TOKENS = "/api/v1/auth/tokens"
ME = "/api/v1/auth/me"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def make(client: TestClient, *scopes: str, **more: Any) -> dict[str, Any]:
    answer = client.post(TOKENS, json={"name": "study", "scopes": list(scopes), **more})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_token_may_what_its_scopes_and_its_owner_may_and_no_more(
    app: FastAPI, client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    user_id = person(sessions, identity, ADA, bess_sizing="viewer", fleet="operator")
    sign_in(client, ADA)
    token = make(client, "sizing:read", "sizing:write", "fleet:read")["token"]

    program = client_of(app)
    as_viewer = program.get(ME, headers=bearer(token)).json()
    with sessions.begin() as session:
        service.give_grant(session, identity, SYSTEM, user_id, "bess-sizing", "engineer")
        service.take_grant(session, identity, SYSTEM, user_id, "fleet")
    as_engineer = program.get(ME, headers=bearer(token)).json()

    assert as_viewer["permissions"] == {"bess-sizing": ["read"], "fleet": ["read"]}
    assert as_engineer["permissions"] == {"bess-sizing": ["create", "read", "update"]}
    assert as_engineer["scopes"] == ["bess-sizing:create", "bess-sizing:read", "bess-sizing:update", "fleet:read"]


def test_a_token_of_an_administrator_administrates_only_with_its_scope(
    app: FastAPI, client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA, is_admin=True)
    sign_in(client, ADA)
    plain, full = make(client, "sizing:read")["token"], make(client, "platform:admin")["token"]

    program = client_of(app)
    found = [program.get("/api/v1/admin/audit", headers=bearer(token)).status_code for token in (plain, full)]

    assert found == [403, 200]


def test_a_token_is_shown_once_and_then_by_its_last_four_signs(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    sign_in(client, ADA)

    made = make(client, "sizing:read", days=30)
    listed = client.get(TOKENS).json()

    assert made["token"].startswith("aft_")
    assert len(made["token"]) >= 47
    assert [one["id"] for one in listed] == [made["id"]]
    assert listed[0]["hint"] == made["token"][-4:]
    assert "token" not in listed[0]
    assert listed[0]["expires_at"] == (START + timedelta(days=30)).isoformat().replace("+00:00", "Z")


def test_a_token_ends_on_its_day_and_a_revoked_one_at_once(
    app: FastAPI, client: TestClient, clock: Clock, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    sign_in(client, ADA)
    short, revoked = make(client, "sizing:read", days=1), make(client, "sizing:read")
    program = client_of(app)

    client.delete(f"{TOKENS}/{revoked['id']}")
    at_once = program.get(ME, headers=bearer(revoked["token"])).status_code
    clock.now = START + timedelta(days=1, seconds=-1)
    before = program.get(ME, headers=bearer(short["token"])).status_code
    clock.now = START + timedelta(days=1)
    after = program.get(ME, headers=bearer(short["token"])).status_code

    assert (at_once, before, after) == (401, 200, 401)


def test_the_last_use_of_a_token_is_known_to_the_minute(
    app: FastAPI, client: TestClient, clock: Clock, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    sign_in(client, ADA)
    token = make(client, "sizing:read")["token"]
    program = client_of(app)

    seen = []
    for seconds in (0, 30, 31):
        clock.pass_time(seconds=seconds)
        program.get(ME, headers=bearer(token))
        seen.append(client.get(TOKENS).json()[0]["last_used_at"])

    assert seen == ["2026-11-21T08:00:00Z", "2026-11-21T08:00:00Z", "2026-11-21T08:01:01Z"]


def test_a_token_cannot_change_the_account_it_belongs_to(
    app: FastAPI, client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA, is_admin=True)
    sign_in(client, ADA)
    headers = bearer(make(client, "platform:admin", "sizing:read")["token"])
    program = client_of(app)

    found = [
        program.get(TOKENS, headers=headers).status_code,
        program.post(TOKENS, headers=headers, json={"name": "more", "scopes": ["fleet:read"]}).status_code,
        program.post("/api/v1/auth/logout-everywhere", headers=headers).status_code,
        program.post("/api/v1/auth/password", headers=headers, json={"old_password": "a", "new_password": "b"}),
        program.get("/api/v1/auth/sessions", headers=headers).status_code,
    ]

    assert [getattr(one, "status_code", one) for one in found] == [403] * 5


def test_nobody_ends_the_token_of_somebody_else_or_learns_that_it_exists(
    app: FastAPI, client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    person(sessions, identity, "bob@example.org", is_admin=True)
    sign_in(client, ADA)
    made = make(client, "sizing:read")
    bob = client_of(app)
    sign_in(bob, "bob@example.org")

    answer = bob.delete(f"{TOKENS}/{made['id']}")

    assert answer.status_code == 404
    assert client_of(app).get(ME, headers=bearer(made["token"])).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "scopes": ["sizing:read"]},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["sizing:fly"]},
        {"name": "x", "scopes": ["read"]},
        {"name": "x", "scopes": ["sun:read"]},
        {"name": "x", "scopes": ["sizing:read"], "days": 0},
        {"name": "x", "scopes": ["sizing:read"], "days": 367},
        {"name": "a\nb", "scopes": ["sizing:read"]},
        {"name": "x", "scopes": ["sizing:read"], "admin": True},
    ],
)
def test_a_token_that_makes_no_sense_is_refused(
    body: dict[str, Any], client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    sign_in(client, ADA)

    answer = client.post(TOKENS, json=body)

    assert answer.status_code == 422
    assert client.get(TOKENS).json() == []


def test_scopes_take_the_names_that_people_use() -> None:
    assert read_scopes(["sizing:write", " fleet:dispatch ", "platform:admin"], ROLES) == {
        "bess-sizing:create", "bess-sizing:update", "fleet:dispatch", "platform:admin",
    }  # fmt: skip


def test_every_scope_that_does_not_exist_is_named() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_scopes(["fleet:create", "fleet:write", "platform:read", "fleet:read"], ROLES)

    assert [problem.got for problem in caught.value.problems] == ["fleet:create", "fleet:write", "platform:read"]


def test_making_and_ending_a_token_is_in_the_trail(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    sign_in(client, ADA)

    made = make(client, "sizing:read")
    client.delete(f"{TOKENS}/{made['id']}")

    assert audit(sessions)[-2:] == [("token.created", ADA, made["id"]), ("token.revoked", ADA, made["id"])]


def test_nobody_collects_tokens_without_end(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    user_id = person(sessions, identity, ADA)
    with sessions.begin() as session:
        for number in range(50):
            service.create_token(session, identity, SYSTEM, f"n{number}", ["fleet:read"], days=1, user_id=user_id)
    sign_in(client, ADA)

    assert client.post(TOKENS, json={"name": "one more", "scopes": ["fleet:read"]}).status_code == 422


def test_a_program_that_signs_out_ends_its_own_token_and_no_other(
    app: FastAPI, client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA, bess_sizing="engineer")
    sign_in(client, ADA)
    one, other = make(client, "sizing:read")["token"], make(client, "sizing:read")["token"]
    program = client_of(app)

    answers = [program.post("/api/v1/auth/logout", headers=bearer(one)).status_code for _ in range(2)]

    assert answers == [204, 204]
    assert program.get(ME, headers=bearer(one)).status_code == 401
    assert program.get(ME, headers=bearer(other)).status_code == 200
    assert [action for action, _, _ in audit(sessions)].count("token.revoked") == 1
