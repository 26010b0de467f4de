from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from server_identity import CALLER, CHEAP, PASSWORD, Clock, audit, changed, client_of, person, sign_in
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker
from starlette.testclient import TestClient

from afterbay.server.platform.identity import service
from afterbay.server.platform.identity.service import (
    CSRF_COOKIE,
    CSRF_HEADER,
    REFRESH_COOKIE,
    SESSION_COOKIE,
    Identity,
    Refused,
    UserChange,
)
from afterbay.server.platform.identity.service.passwords import Passwords
from afterbay.server.principal import SYSTEM

ADA = "ada@example.org"
LOGIN = "/api/v1/auth/login"
ME = "/api/v1/auth/me"


class CountingHasher:
    """Counts how often a password was really checked."""

    def __init__(self) -> None:
        self.checked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(CHEAP, name)

    def verify_and_update(self, password: str, stored: str) -> tuple[bool, str | None]:
        self.checked.append(stored)
        return CHEAP.verify_and_update(password, stored)


def cookie_lines(answer: Any) -> dict[str, str]:
    return {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}


def test_a_browser_gets_three_cookies_with_the_flags_that_keep_them_safe(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)

    answer = client.post(LOGIN, json={"email": ADA, "password": PASSWORD})

    lines = cookie_lines(answer)
    assert "HttpOnly" in lines[SESSION_COOKIE]
    assert "SameSite=lax" in lines[SESSION_COOKIE]
    assert "Path=/;" in lines[SESSION_COOKIE]
    assert "Max-Age=600" in lines[SESSION_COOKIE]
    assert "HttpOnly" in lines[REFRESH_COOKIE]
    assert "SameSite=strict" in lines[REFRESH_COOKIE]
    assert "Path=/api/v1/auth/refresh;" in lines[REFRESH_COOKIE]
    assert "HttpOnly" not in lines[CSRF_COOKIE]
    assert not any("Secure" in line for line in lines.values())
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["access_token"] is None
    assert body["refresh_token"] is None
    assert body["csrf_token"] == client.cookies[CSRF_COOKIE]


def test_off_loopback_every_cookie_is_secure(
    app: FastAPI, client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    app.state.identity = changed(identity, secure_cookies=True)

    answer = client.post(LOGIN, json={"email": ADA, "password": PASSWORD})

    lines = cookie_lines(answer)
    assert len(lines) == 3
    assert all("Secure" in line for line in lines.values())


def test_a_program_gets_its_tokens_in_the_answer_and_no_cookie(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA, bess_sizing="viewer")

    body = sign_in(client, ADA, mode="token")

    assert not client.cookies
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 600
    assert client.get(ME).json()["permissions"] == {"bess-sizing": ["read"]}


def test_the_address_may_be_written_in_any_case_and_composed_in_any_way(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, "Zoë@Example.org")

    answer = client.post(LOGIN, json={"email": " zoe\u0308@EXAMPLE.ORG ", "password": PASSWORD})

    assert answer.status_code == 200


@pytest.mark.parametrize("case", ["wrong password", "unknown", "closed", "no password"])
def test_whoever_may_not_in_gets_one_answer_for_one_amount_of_work(
    case: str, app: FastAPI, client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    counting: Any = CountingHasher()
    identity = replace(identity, passwords=Passwords(shortest=12, hasher=counting))
    app.state.identity = identity
    user_id = person(sessions, identity, ADA)
    with sessions.begin() as session:
        service.create_user(session, identity, SYSTEM, "new@example.org")
        if case == "closed":
            service.change_user(session, identity, SYSTEM, user_id, UserChange(is_active=False))
    email = {"unknown": "nobody@example.org", "no password": "new@example.org"}.get(case, ADA)
    given = "not it at all" if case == "wrong password" else PASSWORD

    answer = client.post(LOGIN, json={"email": email, "password": given})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["detail"].startswith("address or password is wrong")
    assert set(answer.json()) == {"type", "title", "status", "detail", "code", "instance"}
    assert len(counting.checked) == 1
    assert not answer.headers.get_list("set-cookie")


def test_lock_out_grows_and_is_the_same_for_an_account_that_does_not_exist(
    client: TestClient, clock: Clock, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)

    def attempts(email: str) -> list[tuple[int, str | None]]:
        seen = []
        for _ in range(8):
            answer = client.post(LOGIN, json={"email": email, "password": "wrong"})
            seen.append((answer.status_code, answer.headers.get("retry-after")))
            clock.pass_time(seconds=int(answer.headers.get("retry-after", "0")))
        return seen

    known = attempts(ADA)
    unknown = attempts("nobody@example.org")

    assert known == unknown
    assert known == [(401, None)] * 5 + [(429, "30"), (401, None), (429, "60")]


def test_while_an_account_waits_the_right_password_does_not_help_and_afterwards_it_does(
    client: TestClient, clock: Clock, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    for _ in range(5):
        client.post(LOGIN, json={"email": ADA, "password": "wrong"})

    early = client.post(LOGIN, json={"email": ADA, "password": PASSWORD})
    clock.pass_time(seconds=30)
    late = client.post(LOGIN, json={"email": ADA, "password": PASSWORD})
    again = [client.post(LOGIN, json={"email": ADA, "password": "wrong"}).status_code for _ in range(5)]

    assert (early.status_code, late.status_code) == (429, 200)
    assert again == [401] * 5


def test_many_guesses_at_once_are_no_more_than_many_guesses_in_a_row(
    identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    counting: Any = CountingHasher()
    identity = replace(identity, passwords=Passwords(shortest=12, hasher=counting))

    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda n: service.sign_in(sessions, identity, CALLER, ADA, f"guess {n}", "token"), range(24))
        )

    assert all(isinstance(one, Refused) for one in found)
    assert len(counting.checked) == 5


def test_one_place_cannot_try_one_password_on_every_account(
    identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)

    found = [service.sign_in(sessions, identity, CALLER, f"user{n}@example.org", PASSWORD, "token") for n in range(53)]
    elsewhere = service.sign_in(
        sessions, identity, replace(CALLER, address="198.51.100.1"), ADA, PASSWORD, "token"
    )  # fmt: skip

    waits = [one.retry_after_s for one in found if isinstance(one, Refused)]
    assert waits[:51] == [0] * 51
    assert all(wait > 0 for wait in waits[51:])
    assert not isinstance(elsewhere, Refused)


def test_signing_in_rightly_from_one_address_never_locks_it(
    identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)

    found = [service.sign_in(sessions, identity, CALLER, ADA, PASSWORD, "token") for _ in range(60)]

    assert not any(isinstance(one, Refused) for one in found)


def test_delays_grow_and_never_beyond_a_quarter_of_an_hour() -> None:
    from afterbay.server.platform.identity.service.delays import delay_s

    found = [delay_s(failures) for failures in range(100_000)]

    assert found[:5] == [0] * 5
    assert found == sorted(found)
    assert found[-1] == 900


def test_an_account_that_is_closed_while_its_password_is_checked_stays_closed(
    identity: Identity, sessions: sessionmaker[Session]
) -> None:
    user_id = person(sessions, identity, ADA)

    class ClosesMeanwhile(CountingHasher):
        def verify_and_update(self, password: str, stored: str) -> tuple[bool, str | None]:
            with sessions.begin() as session:
                service.change_user(session, identity, SYSTEM, user_id, UserChange(is_active=False))
            return super().verify_and_update(password, stored)

    hasher: Any = ClosesMeanwhile()
    slow = replace(identity, passwords=Passwords(shortest=12, hasher=hasher))

    found = service.sign_in(sessions, slow, CALLER, ADA, PASSWORD, "token")

    assert isinstance(found, Refused)


def test_a_hash_made_at_other_costs_is_renewed_when_its_password_is_seen(
    identity: Identity, sessions: sessionmaker[Session]
) -> None:
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    person(sessions, identity, ADA)
    dearer = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=16, parallelism=1),))
    later = replace(identity, passwords=Passwords(shortest=12, hasher=dearer))

    service.sign_in(sessions, later, CALLER, ADA, PASSWORD, "token")

    with sessions() as session:
        assert "m=16,t=2" in session.execute(text("SELECT password_hash FROM users")).scalar_one()
    assert not isinstance(service.sign_in(sessions, later, CALLER, ADA, PASSWORD, "token"), Refused)


def test_a_change_by_cookie_needs_the_csrf_header_of_this_session(
    app: FastAPI, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    mine, other = client_of(app), client_of(app)
    sign_in(mine, ADA)
    sign_in(other, ADA)
    right = mine.headers.pop(CSRF_HEADER)
    path = "/api/v1/auth/tokens"
    body = {"name": "study", "scopes": ["sizing:read"]}

    found = {
        "none": mine.post(path, json=body).status_code,
        "wrong": mine.post(path, json=body, headers={CSRF_HEADER: "wrong"}).status_code,
        "of another session": mine.post(path, json=body, headers={CSRF_HEADER: other.cookies[CSRF_COOKIE]}).status_code,
        "right": mine.post(path, json=body, headers={CSRF_HEADER: right}).status_code,
        "reading": mine.get(path).status_code,
    }

    assert found == {"none": 403, "wrong": 403, "of another session": 403, "right": 201, "reading": 200}


def test_a_form_of_another_site_cannot_sign_a_browser_in(client: TestClient) -> None:
    form = '{"email": "eve@example.org", "password": "x", "a": "="}'

    answer = client.post(LOGIN, content=form, headers={"content-type": "text/plain"})

    assert answer.status_code == 415
    assert not answer.headers.get_list("set-cookie")


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer x", "Bearer aft_nobody", "Bearer a.b.c", "Basic YTpi", "x", "Bearer \u00fc"],
)
def test_a_wrong_header_is_refused_even_beside_a_good_cookie(
    header: str, client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    sign_in(client, ADA)

    answer = client.get(ME, headers={b"Authorization": header.encode()})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_cookie_is_no_bearer_token_and_a_bearer_token_no_cookie(
    app: FastAPI, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    browser, program, third = client_of(app), client_of(app), client_of(app)
    sign_in(browser, ADA)
    bearer = sign_in(program, ADA, mode="token")["access_token"]

    as_bearer = third.get(ME, headers={"Authorization": f"Bearer {browser.cookies[SESSION_COOKIE]}"})
    as_cookie = third.get(ME, headers={"Cookie": f"{SESSION_COOKIE}={bearer}"})

    assert (as_bearer.status_code, as_cookie.status_code) == (401, 401)


def test_an_access_token_ends_after_ten_minutes(
    client: TestClient, clock: Clock, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    sign_in(client, ADA, mode="token")

    clock.pass_time(seconds=599)
    before = client.get(ME).status_code
    clock.pass_time(seconds=1)
    after = client.get(ME).status_code

    assert (before, after) == (200, 401)


def test_nothing_secret_is_in_the_trail_or_readable_in_the_tables(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA)
    body = sign_in(client, ADA, mode="token")
    made = client.post("/api/v1/auth/tokens", json={"name": "study", "scopes": ["sizing:read"]}).json()
    client.post(LOGIN, json={"email": "my secret typed here", "password": "wrong"})
    secrets = [PASSWORD, body["refresh_token"], body["access_token"], made["token"], "my secret typed here"]

    with sessions() as session:
        tables = session.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        content = "".join(
            str(session.execute(text(f"SELECT coalesce(string_agg(t::text, ''), '') FROM \"{table}\" t")).scalar())
            for table in tables
        )

    assert ADA in content
    assert [one for one in secrets if one in content] == []
    assert hashlib.sha256(made["token"].encode()).hexdigest() in content


def test_the_trail_says_who_signed_in_and_who_could_not(
    client: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    user_id = str(person(sessions, identity, ADA))

    client.post(LOGIN, json={"email": ADA, "password": "wrong"})
    client.post(LOGIN, json={"email": "nobody@example.org", "password": "wrong"})
    client.post(LOGIN, json={"email": ADA, "password": PASSWORD})

    assert audit(sessions)[-3:] == [
        ("sign-in.refused", "system", user_id),
        ("sign-in.refused", "system", "unknown account"),
        ("sign-in.succeeded", ADA, user_id),
    ]
