from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from fastapi import FastAPI
from server_identity import PASSWORD, START, Clock, audit, client_of, person, sign_in
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker
from starlette.testclient import TestClient

from afterbay.server.platform.identity.service import Identity

ROOT = "root@example.org"
ADA = "ada@example.org"
USERS = "/api/v1/admin/users"
ME = "/api/v1/auth/me"


@pytest.fixture
def root(app: FastAPI, identity: Identity, sessions: sessionmaker[Session]) -> TestClient:
    """A client of the only administrator."""
    person(sessions, identity, ROOT, is_admin=True)
    client = client_of(app)
    sign_in(client, ROOT)
    return client


def test_a_new_user_comes_with_a_link_that_lets_them_in(app: FastAPI, root: TestClient) -> None:
    answer = root.post(USERS, json={"email": ADA, "name": "Ada"})
    made = answer.json()
    token = made["link"]["url"].partition("#token=")[2]

    used = client_of(app).post("/api/v1/auth/links/accept", json={"token": token, "password": PASSWORD})

    assert answer.status_code == 201
    assert answer.headers["location"] == f"{USERS}/{made['user']['id']}"
    assert made["link"]["url"].startswith("http://127.0.0.1:8000/welcome#token=afl_")
    assert used.status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"email": ROOT.upper()}, 409),
        ({"email": "no address"}, 422),
        ({"email": ADA, "password": PASSWORD}, 422),
        ({"email": ADA, "name": "a\nb"}, 422),
        ({}, 422),
    ],
)
def test_a_user_that_cannot_be_is_refused(body: dict[str, str], status: int, root: TestClient) -> None:
    assert root.post(USERS, json=body).status_code == status


def test_two_at_once_make_one_user(app: FastAPI, root: TestClient) -> None:
    def make(_: int) -> int:
        client = client_of(app)
        sign_in(client, ROOT)
        return client.post(USERS, json={"email": ADA}).status_code

    with ThreadPoolExecutor(4) as pool:
        found = sorted(pool.map(make, range(4)))

    assert found == [201, 409, 409, 409]


def test_a_list_in_pages_has_every_user_once_in_order(
    root: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    for number in range(7):
        root.post(USERS, json={"email": f"user{number}@example.org", "name": f"Number {number}"})

    found, address = [], f"{USERS}?limit=3"
    while address:
        answer = root.get(address)
        found += [one["email"] for one in answer.json()["items"]]
        address = answer.headers.get("link", "").partition("<")[2].partition(">")[0]

    assert found == [ROOT, *(f"user{number}@example.org" for number in range(7))]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ADA", [ADA]),
        ("q=Lovelace", [ADA]),
        ("q=%25", []),
        ("administrators=true", [ROOT]),
        ("administrators=false&active=true", [ADA]),
        ("active=false", []),
        ("module=fleet", [ADA]),
    ],
)
def test_users_are_found_by_what_they_are(query: str, found: list[str], root: TestClient) -> None:
    user = root.post(USERS, json={"email": ADA, "name": "Ada Lovelace"}).json()["user"]
    root.put(f"{USERS}/{user['id']}/grants/fleet", json={"role": "viewer"})

    assert [one["email"] for one in root.get(f"{USERS}?{query}").json()["items"]] == found


def test_a_closed_user_is_out_at_once_and_comes_back_without_old_tokens(
    app: FastAPI, root: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    user_id = person(sessions, identity, ADA)
    ada = client_of(app)
    sign_in(ada, ADA)
    token = ada.post("/api/v1/auth/tokens", json={"name": "x", "scopes": ["fleet:read"]}).json()["token"]
    program = {"Authorization": f"Bearer {token}"}

    closed = root.patch(f"{USERS}/{user_id}", json={"is_active": False})
    during = [ada.get(ME).status_code, client_of(app).get(ME, headers=program).status_code]
    root.patch(f"{USERS}/{user_id}", json={"is_active": True})
    after = [ada.get(ME).status_code, client_of(app).get(ME, headers=program).status_code]

    assert closed.json()["is_active"] is False
    assert during == after == [401, 401]
    sign_in(client_of(app), ADA)


@pytest.mark.parametrize("change", [{"is_admin": False}, {"is_active": False}])
def test_the_last_administrator_cannot_leave(change: dict[str, bool], root: TestClient) -> None:
    me = root.get(ME).json()["id"]

    answer = root.patch(f"{USERS}/{me}", json=change)

    assert answer.status_code == 409
    assert "last administrator" in answer.json()["detail"]
    assert root.get(ME).json()["is_admin"] is True


def test_of_two_administrators_that_leave_at_once_one_stays(
    app: FastAPI, root: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA, is_admin=True)
    ada = client_of(app)
    sign_in(ada, ADA)
    clients = [(root, root.get(ME).json()["id"]), (ada, ada.get(ME).json()["id"])]

    with ThreadPoolExecutor(2) as pool:
        found = sorted(
            pool.map(lambda one: one[0].patch(f"{USERS}/{one[1]}", json={"is_admin": False}).status_code, clients)
        )

    assert found == [200, 409]


def test_two_edits_at_once_do_not_overwrite_each_other(root: TestClient) -> None:
    made = root.post(USERS, json={"email": ADA}).json()["user"]
    place = f"{USERS}/{made['id']}"
    tag = root.get(place).headers["etag"]

    first = root.patch(place, json={"name": "One"}, headers={"If-Match": tag})
    second = root.patch(place, json={"name": "Two"}, headers={"If-Match": tag})

    assert (first.status_code, second.status_code) == (200, 412)
    assert first.headers["etag"] != tag
    assert root.get(place).json()["name"] == "One"


def test_a_user_moves_to_another_address_but_not_to_a_taken_one(root: TestClient) -> None:
    made = root.post(USERS, json={"email": ADA}).json()["user"]
    place = f"{USERS}/{made['id']}"

    taken = root.patch(place, json={"email": ROOT})
    moved = root.patch(place, json={"email": "ada@new.example.org"})

    assert (taken.status_code, moved.status_code) == (409, 200)
    assert root.get(place).json()["email"] == "ada@new.example.org"


def test_a_grant_has_a_role_of_its_module_and_an_end_to_come(root: TestClient) -> None:
    made = root.post(USERS, json={"email": ADA}).json()["user"]
    place = f"{USERS}/{made['id']}/grants"
    later = (START + timedelta(days=1)).isoformat()

    found = [
        root.put(f"{place}/fleet", json={"role": "operator", "expires_at": later}),
        root.put(f"{place}/fleet", json={"role": "engineer"}),
        root.put(f"{place}/sun", json={"role": "viewer"}),
        root.put(f"{place}/fleet", json={"role": "viewer", "expires_at": START.isoformat()}),
        root.put(f"{place}/fleet", json={"role": "viewer", "expires_at": "2027-01-01T00:00:00"}),
        root.put(f"{USERS}/{uuid4()}/grants/fleet", json={"role": "viewer"}),
        root.delete(f"{place}/bess-sizing"),
    ]

    assert [one.status_code for one in found] == [200, 422, 422, 422, 422, 404, 404]
    (grant,) = found[0].json()["grants"]
    assert (grant["module"], grant["role"], grant["source"]) == ("fleet", "operator", "manual")


def test_who_looks_after_one_module_grants_there_and_nowhere_else(
    app: FastAPI, root: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    user_id = person(sessions, identity, ADA)
    person(sessions, identity, "boss@example.org", bess_sizing="admin")
    boss = client_of(app)
    sign_in(boss, "boss@example.org")

    found = [
        boss.get(USERS).status_code,
        boss.put(f"{USERS}/{user_id}/grants/bess-sizing", json={"role": "viewer"}).status_code,
        boss.put(f"{USERS}/{user_id}/grants/fleet", json={"role": "viewer"}).status_code,
        boss.post(USERS, json={"email": "more@example.org"}).status_code,
        boss.patch(f"{USERS}/{user_id}", json={"is_admin": True}).status_code,
        boss.post(f"{USERS}/{user_id}/link").status_code,
        boss.get("/api/v1/admin/audit").status_code,
    ]

    assert found == [200, 200, 403, 403, 403, 403, 403]


def test_an_engineer_administrates_nothing_and_learns_of_nobody(
    app: FastAPI, root: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    person(sessions, identity, ADA, bess_sizing="engineer")
    ada = client_of(app)
    sign_in(ada, ADA)
    someone = root.get(ME).json()["id"]

    for user_id in (someone, str(uuid4())):
        found = [
            ada.get(USERS), ada.get(f"{USERS}/{user_id}"), ada.get(f"{USERS}/{user_id}/sessions"),
            ada.delete(f"{USERS}/{user_id}/sessions"), ada.post(f"{USERS}/{user_id}/unlock"),
            ada.put(f"{USERS}/{user_id}/grants/fleet", json={"role": "viewer"}),
            ada.delete(f"{USERS}/{user_id}/grants/fleet"), ada.get(f"{USERS}/{user_id}/tokens"),
            ada.delete(f"{USERS}/{user_id}/tokens/{uuid4()}"),
        ]  # fmt: skip
        assert {one.status_code for one in found} == {403}


def test_a_user_who_has_to_wait_is_shown_and_let_in(
    app: FastAPI, root: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    user_id = person(sessions, identity, ADA)
    for _ in range(5):
        client_of(app).post("/api/v1/auth/login", json={"email": ADA, "password": "wrong"})

    before = root.get(f"{USERS}/{user_id}").json()["locked"]
    root.post(f"{USERS}/{user_id}/unlock")
    after = root.get(f"{USERS}/{user_id}").json()["locked"]

    assert (before, after) == (True, False)
    sign_in(client_of(app), ADA)


def test_sessions_of_a_user_are_seen_and_ended(
    app: FastAPI, root: TestClient, clock: Clock, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    user_id = person(sessions, identity, ADA)
    clients = [client_of(app) for _ in range(3)]
    for client in clients:
        sign_in(client, ADA)
        clock.pass_time(seconds=1)
    place = f"{USERS}/{user_id}/sessions"

    listed = root.get(place).json()
    one = root.delete(f"{place}/{listed[-1]['id']}").status_code
    again = root.delete(f"{place}/{listed[-1]['id']}").status_code
    after_one = [client.get(ME).status_code for client in clients]
    rest = root.delete(place).json()

    assert len(listed) == 3
    assert (one, again) == (204, 404)
    assert after_one == [401, 200, 200]
    assert rest == {"sessions_ended": 2}
    assert [client.get(ME).status_code for client in clients] == [401] * 3
    assert root.get(f"{USERS}/{uuid4()}/sessions").status_code == 404


def test_tokens_of_a_user_are_seen_without_their_secrets_and_ended(
    app: FastAPI, root: TestClient, identity: Identity, sessions: sessionmaker[Session]
) -> None:
    user_id = person(sessions, identity, ADA)
    ada = client_of(app)
    sign_in(ada, ADA)
    made = ada.post("/api/v1/auth/tokens", json={"name": "x", "scopes": ["fleet:read"]}).json()

    listed = root.get(f"{USERS}/{user_id}/tokens").json()
    ended = root.delete(f"{USERS}/{user_id}/tokens/{made['id']}").status_code

    assert [one["id"] for one in listed] == [made["id"]]
    assert made["token"] not in str(listed)
    assert ended == 204
    assert client_of(app).get(ME, headers={"Authorization": f"Bearer {made['token']}"}).status_code == 401


def test_every_change_is_in_the_trail_with_what_was_and_what_became(
    root: TestClient, sessions: sessionmaker[Session]
) -> None:
    before = len(audit(sessions))
    user_id = root.post(USERS, json={"email": ADA}).json()["user"]["id"]
    place = f"{USERS}/{user_id}"
    root.put(f"{place}/grants/fleet", json={"role": "viewer"})
    root.put(f"{place}/grants/fleet", json={"role": "operator"})
    root.patch(place, json={"name": "Ada"})
    root.patch(place, json={"is_active": False})
    root.delete(f"{place}/grants/fleet")

    found = audit(sessions)[before:]
    with sessions() as session:
        changes = session.execute(
            text("SELECT before, after FROM audit_events WHERE action IN ('grant.given', 'user.changed') ORDER BY id")
        ).all()

    assert [action for action, _, _ in found] == [
        "user.created", "link.created", "grant.given", "grant.given", "user.changed", "user.disabled", "grant.revoked",
    ]  # fmt: skip
    assert {actor for _, actor, _ in found} == {ROOT}
    assert tuple(changes[1]) == ({"role": "viewer"}, {"role": "operator"})
    assert tuple(changes[2]) == ({"name": ""}, {"name": "Ada"})


def test_a_change_that_is_refused_leaves_no_trace(root: TestClient, sessions: sessionmaker[Session]) -> None:
    before = audit(sessions)

    root.patch(f"{USERS}/{uuid4()}", json={"name": "x"})
    root.post(USERS, json={"email": ROOT})

    assert audit(sessions) == before
