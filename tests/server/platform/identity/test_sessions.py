from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from server_identity import CALLER, PASSWORD, START, Clock, audit, changed, client_of, person, sign_in
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker
from starlette.testclient import TestClient

from afterbay.server.platform.identity import service
from afterbay.server.platform.identity.service import (
    CSRF_HEADER,
    REFRESH_COOKIE,
    SESSION_COOKIE,
    Identity,
    Refused,
    UserChange,
)
from afterbay.server.principal import SYSTEM

ADA = "ada@example.org"
REFRESH = "/api/v1/auth/refresh"
ME = "/api/v1/auth/me"


def test_a_refresh_gives_new_tokens_and_the_old_refresh_token_is_used_up(
    client: TestClient, clock: Clock, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    first = sign_in(client, ADA, mode="token")
    clock.pass_time(minutes=9)

    second = client.post(REFRESH, json={"refresh_token": first["refresh_token"]})
    fresh = {"Authorization": f"Bearer {second.json()['access_token']}"}
    clock.pass_time(minutes=5)

    assert second.status_code == 200
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert client.get(ME, headers=fresh).status_code == 200
    assert client.get(ME).status_code == 401


def test_a_refresh_token_used_a_second_time_ends_its_session_for_thief_and_owner(
    client: TestClient, clock: Clock, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    stolen = sign_in(client, ADA, mode="token")["refresh_token"]
    owner = client.post(REFRESH, json={"refresh_token": stolen}).json()
    clock.pass_time(seconds=11)

    thief = client.post(REFRESH, json={"refresh_token": stolen})
    after = client.post(REFRESH, json={"refresh_token": owner["refresh_token"]})
    access = client.get(ME, headers={"Authorization": f"Bearer {owner['access_token']}"})

    assert (thief.status_code, after.status_code, access.status_code) == (401, 401, 401)
    assert "session.reuse-detected" in [action for action, _, _ in audit(sessions)]


def test_two_tabs_that_refresh_at_once_both_go_on(
    client: TestClient, clock: Clock, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    token = sign_in(client, ADA, mode="token")["refresh_token"]

    one = client.post(REFRESH, json={"refresh_token": token})
    clock.pass_time(seconds=3)
    two = client.post(REFRESH, json={"refresh_token": token})
    after = client.post(REFRESH, json={"refresh_token": two.json()["refresh_token"]})

    assert (one.status_code, two.status_code, after.status_code) == (200, 200, 200)


def test_without_leeway_a_second_use_is_never_forgiven(
    app: FastAPI, client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    app.state.identity = changed(identity, refresh_leeway_s=0)
    person(sessions, identity, ADA)
    token = sign_in(client, ADA, mode="token")["refresh_token"]

    found = [client.post(REFRESH, json={"refresh_token": token}).status_code for _ in range(2)]

    assert found == [200, 401]


def test_of_many_who_show_one_token_at_the_same_moment_one_is_served_and_the_family_ends(
    app: FastAPI, client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    app.state.identity = changed(identity, refresh_leeway_s=0)
    person(sessions, identity, ADA)
    token = sign_in(client, ADA, mode="token")["refresh_token"]

    with ThreadPoolExecutor(4) as pool:
        found = sorted(
            pool.map(lambda _: client_of(app).post(REFRESH, json={"refresh_token": token}).status_code, range(4))
        )

    assert found == [200, 401, 401, 401]
    assert client.get(ME).status_code == 401


def test_a_browser_refreshes_by_cookie_with_its_csrf_header_only(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    sign_in(client, ADA)
    csrf = client.headers.pop(CSRF_HEADER)
    old = client.cookies[SESSION_COOKIE], client.cookies[REFRESH_COOKIE]

    without = client.post(REFRESH)
    wrong = client.post(REFRESH, headers={CSRF_HEADER: "wrong"})
    right = client.post(REFRESH, headers={CSRF_HEADER: csrf})

    assert (without.status_code, wrong.status_code, right.status_code) == (401, 401, 200)
    assert client.cookies[REFRESH_COOKIE] != old[1]
    assert client.get(ME).status_code == 200
    assert right.json()["csrf_token"] == csrf


def test_the_refresh_cookie_is_sent_to_the_refresh_route_alone(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    sign_in(client, ADA)

    sent = {path: client.build_request("POST", path).headers.get("cookie", "") for path in (ME, REFRESH)}

    assert REFRESH_COOKIE not in sent[ME]
    assert REFRESH_COOKIE in sent[REFRESH]


def test_a_refresh_token_of_a_browser_does_not_work_in_a_body(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    sign_in(client, ADA)

    answer = client.post(REFRESH, json={"refresh_token": client.cookies[REFRESH_COOKIE]})

    assert answer.status_code == 401


@pytest.mark.parametrize("given", ["afr_nobody", "x", "\u00fc", "0" * 500])
def test_a_refresh_token_that_is_none_is_refused(given: str, client: TestClient) -> None:
    assert client.post(REFRESH, json={"refresh_token": given}).status_code == 401


def test_a_session_ends_after_two_weeks_without_use_and_after_ninety_days_with(
    client: TestClient, clock: Clock, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    idle = sign_in(client, ADA, mode="token")["refresh_token"]
    clock.pass_time(days=14)
    busy = sign_in(client, ADA, mode="token")["refresh_token"]

    forgotten = client.post(REFRESH, json={"refresh_token": idle}).status_code
    days = 0
    while (answer := client.post(REFRESH, json={"refresh_token": busy})).status_code == 200:
        busy = answer.json()["refresh_token"]
        clock.pass_time(days=5)
        days += 5

    assert forgotten == 401
    assert days == 90


def test_signing_out_ends_the_session_at_once_and_clears_the_cookies(
    app: FastAPI, client: TestClient, clock: Clock, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    sign_in(client, ADA)
    kept = {SESSION_COOKIE: client.cookies[SESSION_COOKIE]}
    clock.pass_time(minutes=11)

    answer = client.post("/api/v1/auth/logout")

    assert answer.status_code == 204
    assert not client.cookies
    clock.now = START
    assert client_of(app).get(ME, headers={"Cookie": f"{SESSION_COOKIE}={kept[SESSION_COOKIE]}"}).status_code == 401


def test_another_site_cannot_sign_somebody_out(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    sign_in(client, ADA)
    csrf = client.headers.pop(CSRF_HEADER)

    client.post("/api/v1/auth/logout")

    assert client.get(ME).status_code == 200
    assert client.post("/api/v1/auth/logout", headers={CSRF_HEADER: csrf}).status_code == 204


def test_signing_out_everywhere_ends_every_session_of_this_user_and_of_nobody_else(
    app: FastAPI, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    person(sessions, identity, "bob@example.org")
    one, two, bob = client_of(app), client_of(app), client_of(app)
    sign_in(one, ADA)
    sign_in(two, ADA, mode="token")
    sign_in(bob, "bob@example.org")

    answer = one.post("/api/v1/auth/logout-everywhere")

    assert answer.json() == {"sessions_ended": 2}
    assert [client.get(ME).status_code for client in (one, two, bob)] == [401, 401, 200]


def test_a_user_sees_and_ends_their_own_sessions_and_no_others(
    app: FastAPI, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    person(sessions, identity, "bob@example.org")
    here, there, bob = client_of(app), client_of(app), client_of(app)
    for client, email in ((here, ADA), (there, ADA), (bob, "bob@example.org")):
        sign_in(client, email)

    listed = here.get("/api/v1/auth/sessions").json()
    other = next(one["id"] for one in listed if not one["current"])
    of_bob = bob.get("/api/v1/auth/sessions").json()[0]["id"]
    ended = here.delete(f"/api/v1/auth/sessions/{other}").status_code
    not_mine = here.delete(f"/api/v1/auth/sessions/{of_bob}").status_code

    assert [one["current"] for one in listed].count(True) == 1
    assert (ended, not_mine) == (204, 404)
    assert [client.get(ME).status_code for client in (here, there, bob)] == [200, 401, 200]


def test_a_closed_account_is_out_with_its_next_request(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    user_id = person(sessions, identity, ADA)
    body = sign_in(client, ADA, mode="token")
    with sessions.begin() as session:
        service.change_user(session, identity, SYSTEM, user_id, UserChange(is_active=False))

    assert client.get(ME).status_code == 401
    assert client.post(REFRESH, json={"refresh_token": body["refresh_token"]}).status_code == 401
    with sessions.begin() as session:
        service.change_user(session, identity, SYSTEM, user_id, UserChange(is_active=True))
    assert client.get(ME).status_code == 401


def test_changing_the_password_ends_every_other_session(
    app: FastAPI, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    here, there = client_of(app), client_of(app)
    sign_in(here, ADA)
    sign_in(there, ADA)
    path, new = "/api/v1/auth/password", "nine grey owls in a barn"

    wrong = here.post(path, json={"old_password": "wrong", "new_password": new})
    easy = here.post(path, json={"old_password": PASSWORD, "new_password": "password1234"})
    right = here.post(path, json={"old_password": PASSWORD, "new_password": new})

    assert (wrong.status_code, easy.status_code, right.status_code) == (403, 422, 204)
    assert easy.json()["errors"][0]["pointer"] == "/new_password"
    assert "password1234" not in easy.text
    assert (here.get(ME).status_code, there.get(ME).status_code) == (200, 401)
    assert not isinstance(service.sign_in(sessions, identity, CALLER, ADA, new, "token"), Refused)


def test_an_open_browser_is_no_way_to_guess_the_password(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    sign_in(client, ADA)
    body = {"old_password": "wrong", "new_password": "nine grey owls in a barn"}

    found = [client.post("/api/v1/auth/password", json=body) for _ in range(6)]

    assert [one.status_code for one in found] == [403] * 5 + [429]
    assert found[-1].headers["retry-after"] == "30"


def test_what_is_long_over_is_forgotten_and_what_is_alive_is_not(
    client: TestClient, clock: Clock, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    sign_in(client, ADA)
    client.post("/api/v1/auth/logout")
    clock.pass_time(days=31)
    sign_in(client, ADA)
    client.post("/api/v1/auth/login", json={"email": "x@example.org", "password": "wrong"})

    with sessions.begin() as session:
        gone = service.forget_what_is_over(session, clock())
        left = session.execute(text("SELECT count(*) FROM sessions")).scalar_one()

    # The ended session; the count of the account and of the address were touched again since.
    assert gone == 1
    assert left == 1
    assert client.get(ME).status_code == 200
