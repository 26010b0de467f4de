from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from server_identity import CALLER, PASSWORD, Clock, audit, client_of, person, sign_in
from sqlalchemy.orm import Session, sessionmaker
from starlette.testclient import TestClient

from afterbay.core.errors import ConflictError, NotFoundError
from afterbay.server.platform.identity import service
from afterbay.server.platform.identity.service import Identity, IdentitySettings, Refused, UserChange, ensure_first_link
from afterbay.server.principal import SYSTEM

ADA = "ada@example.org"
LOOK = "/api/v1/auth/links/look"
ACCEPT = "/api/v1/auth/links/accept"
ME = "/api/v1/auth/me"
NEW = "nine grey owls in a barn"


def first(sessions: sessionmaker[Session], identity: Identity) -> str | None:
    with sessions.begin() as session:
        path = ensure_first_link(session, identity)
    return path and path.removeprefix("/welcome#token=")


def invited(sessions: sessionmaker[Session], identity: Identity, email: str = ADA) -> str:
    with sessions.begin() as session:
        account = service.create_user(session, identity, SYSTEM, email, "Ada")
        return service.create_link(session, identity, SYSTEM, account.id).token


def test_the_first_administrator_comes_by_a_link_and_then_there_is_none_any_more(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    token = first(sessions, identity)

    looked = client.post(LOOK, json={"token": token}).json()
    answer = client.post(ACCEPT, json={"token": token, "email": ADA, "name": "Ada", "password": PASSWORD})

    assert (looked["purpose"], looked["email"]) == ("first", "")
    assert answer.status_code == 200
    me = client.get(ME).json()
    assert (me["email"], me["name"], me["is_admin"]) == (ADA, "Ada", True)
    assert first(sessions, identity) is None
    assert ("user.created", "system", me["id"]) in audit(sessions)


def test_a_new_first_link_ends_the_one_before(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    old, new = first(sessions, identity), first(sessions, identity)

    found = [client.post(LOOK, json={"token": token}).status_code for token in (old, new)]

    assert found == [404, 200]


def test_only_one_of_two_makes_the_first_administrator(
    app: FastAPI, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    token = first(sessions, identity)

    def accept(number: int) -> int:
        body = {"token": token, "email": f"user{number}@example.org", "password": PASSWORD}
        return client_of(app).post(ACCEPT, json=body).status_code

    with ThreadPoolExecutor(4) as pool:
        found = sorted(pool.map(accept, range(4)))

    assert found == [200, 404, 404, 404]


def test_an_administrator_whom_nobody_can_sign_in_as_does_not_count(
    identity: Identity, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        service.create_user(session, identity, SYSTEM, ADA, is_admin=True)
    without_password = first(sessions, identity)
    person(sessions, identity, "bob@example.org", is_admin=True)

    assert without_password is not None
    assert first(sessions, identity) is None


def test_the_first_link_of_a_system_that_has_administrators_now_is_over(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    token = first(sessions, identity)
    person(sessions, identity, "bob@example.org", is_admin=True)

    body = {"token": token, "email": ADA, "password": PASSWORD}

    assert client.post(LOOK, json={"token": token}).status_code == 404
    assert client.post(ACCEPT, json=body).status_code == 404


def test_an_invited_user_sets_name_and_password_once(
    app: FastAPI, client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    token = invited(sessions, identity)

    looked = client.post(LOOK, json={"token": token}).json()
    used = client.post(ACCEPT, json={"token": token, "name": "Ada L.", "password": PASSWORD})
    again = client.post(ACCEPT, json={"token": token, "name": "Eve", "password": NEW})

    assert (looked["purpose"], looked["email"], looked["name"]) == ("invite", ADA, "Ada")
    assert (used.status_code, again.status_code) == (200, 404)
    assert client.get(ME).json()["name"] == "Ada L."
    sign_in(client_of(app), ADA)


def test_a_refused_password_leaves_the_link_as_it_was(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    token = invited(sessions, identity)

    refused = client.post(ACCEPT, json={"token": token, "password": "password1234"})
    taken = client.post(ACCEPT, json={"token": token, "password": PASSWORD})

    assert (refused.status_code, taken.status_code) == (422, 200)
    assert refused.json()["errors"][0]["pointer"] == "/password"


def test_a_reset_ends_the_old_password_every_session_and_the_waiting(
    app: FastAPI, client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    user_id = person(sessions, identity, ADA)
    sign_in(client, ADA)
    for _ in range(6):
        client_of(app).post("/api/v1/auth/login", json={"email": ADA, "password": "wrong"})
    with sessions.begin() as session:
        link = service.create_link(session, identity, SYSTEM, user_id)

    elsewhere = client_of(app)
    body = {"token": link.token, "password": NEW, "mode": "token"}
    answer = elsewhere.post(ACCEPT, json=body)

    assert link.purpose == "reset"
    assert answer.status_code == 200
    assert client.get(ME).status_code == 401
    assert isinstance(service.sign_in(sessions, identity, CALLER, ADA, PASSWORD, "token"), Refused)
    assert not isinstance(service.sign_in(sessions, identity, CALLER, ADA, NEW, "token"), Refused)


def test_one_link_used_by_many_at_once_works_for_one(
    app: FastAPI, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    token = invited(sessions, identity)

    with ThreadPoolExecutor(4) as pool:
        found = sorted(
            pool.map(
                lambda _: client_of(app).post(ACCEPT, json={"token": token, "password": PASSWORD}).status_code, range(4)
            )
        )

    assert found == [200, 404, 404, 404]


def test_a_link_ends_after_three_days_and_when_another_is_made(
    client: TestClient, clock: Clock, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    token = invited(sessions, identity)
    clock.pass_time(hours=72, seconds=-1)
    before = client.post(LOOK, json={"token": token}).status_code
    clock.pass_time(seconds=1)
    after = client.post(LOOK, json={"token": token}).status_code
    other = invited(sessions, identity, "bob@example.org")
    with sessions.begin() as session:
        bob = service.find_account(session, "bob@example.org")
        newer = service.create_link(session, identity, SYSTEM, bob.id).token

    assert (before, after) == (200, 404)
    assert [client.post(LOOK, json={"token": one}).status_code for one in (other, newer)] == [404, 200]


def test_a_closed_account_has_no_links(client: TestClient, identity: Identity, sessions: sessionmaker[Session]) -> None:
    token = invited(sessions, identity)
    with sessions.begin() as session:
        account = service.find_account(session, ADA)
        service.change_user(session, identity, SYSTEM, account.id, UserChange(is_active=False))

    assert client.post(ACCEPT, json={"token": token, "password": PASSWORD}).status_code == 404
    with pytest.raises(ConflictError, match="closed"), sessions.begin() as session:
        service.create_link(session, identity, SYSTEM, account.id)


@pytest.mark.parametrize("token", ["afl_x", "x", "\u00fc", "0" * 500])
def test_every_link_that_is_not_good_gets_one_answer(token: str, client: TestClient) -> None:
    looked, used = (
        client.post(LOOK, json={"token": token}),
        client.post(ACCEPT, json={"token": token, "password": PASSWORD}),
    )

    assert (looked.status_code, used.status_code) == (404, 404)
    assert looked.json()["detail"] == used.json()["detail"]


@pytest.mark.parametrize(
    "more", [{}, {"email": "no address"}, {"email": "a@b@c"}, {"email": ADA, "name": "a\x07b"}, {"email": "a b@c"}]
)
def test_the_first_administrator_has_an_address_and_a_plain_name(
    more: dict[str, Any], client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    token = first(sessions, identity)

    answer = client.post(ACCEPT, json={"token": token, "password": PASSWORD, **more})

    assert answer.status_code == 422
    assert client.post(LOOK, json={"token": token}).status_code == 200


def test_a_link_of_one_user_does_not_move_to_another_address(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    token = invited(sessions, identity)

    answer = client.post(ACCEPT, json={"token": token, "password": PASSWORD, "email": "eve@example.org"})

    assert answer.status_code == 422


def test_a_link_is_unknown_to_a_system_with_other_secrets(identity: Identity, sessions: sessionmaker[Session]) -> None:
    token = invited(sessions, identity)

    with pytest.raises(NotFoundError), sessions.begin() as session:
        service.look_at_link(session, identity, token + "x")


def test_settings_do_not_show_secrets_when_they_are_printed(identity: Identity) -> None:
    settings: IdentitySettings = replace(identity.settings, secret_keys=("a secret of forty signs or so, very long",))
    oidc = service.OidcSettings("https://login.example.org", "afterbay", "another secret")

    shown = f"{settings} {oidc} {identity.keys}"

    assert "forty" not in shown
    assert "another" not in shown
    assert identity.keys.secrets[0] not in shown
