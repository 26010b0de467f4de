"""Who forgot a password gets a link by mail, and whoever asks for somebody else learns nothing."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from server_identity import PASSWORD, Clock, app_for, audit, client_of, identity_for, person, sign_in
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker
from starlette.testclient import TestClient

from afterbay.server.platform.administration.router import forgotten_router
from afterbay.server.platform.identity.service import Identity
from afterbay.server.platform.notifications import tasks

FORGOTTEN = "/api/v1/auth/forgotten"
ADA = "ada@example.org"
NEW = "eleven red kites over hills"


@pytest.fixture
def app(tmp_path: Path, clock: Clock, sessions: sessionmaker[Session]) -> FastAPI:
    made = app_for(identity_for(tmp_path, clock, mails_links=True), sessions)
    made.include_router(forgotten_router, prefix="/api/v1")
    return made


def _jobs(sessions: sessionmaker[Session]) -> list[dict[str, Any]]:
    with sessions() as session:
        rows = session.execute(text("SELECT args FROM jobs WHERE task = 'notifications.mail_link' ORDER BY created_at"))
        return [row[0] for row in rows]


def _mailed(sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Do the jobs as a worker does; returns to whom which link went."""
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(tasks, "send_email", lambda _settings, to, message, _now: sent.append((to, message.link)))

    @contextmanager
    def session() -> Any:
        with sessions.begin() as made:
            yield made

    for args in _jobs(sessions):
        tasks.run_link(SimpleNamespace(session=session), args)  # type: ignore[arg-type]
    return sent


def test_a_forgotten_password_is_set_anew_by_the_mailed_link(
    app: FastAPI, client: TestClient, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(tasks, "datetime", SimpleNamespace(now=lambda _zone: clock()))
    ada = person(sessions, app.state.identity, ADA)
    sign_in(client, ADA)

    answer = client_of(app).post(FORGOTTEN, json={"email": ADA.upper()})
    ((to, link),) = _mailed(sessions, monkeypatch)
    token = link.partition("#token=")[2]
    used = client_of(app).post("/api/v1/auth/links/accept", json={"token": token, "password": NEW})

    assert answer.status_code == 202
    assert to == ADA
    assert used.status_code == 200
    assert client.get("/api/v1/auth/me").status_code == 401, "sessions of the old password are over"
    sign_in(client_of(app), ADA, NEW)
    assert ("link.asked", "system", str(ada)) in audit(sessions)
    assert ("link.created", "system", str(ada)) in audit(sessions)


def test_the_answer_is_the_same_whoever_it_is_and_only_accounts_with_a_password_get_a_mail(
    app: FastAPI, client: TestClient, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    identity: Identity = app.state.identity
    person(sessions, identity, ADA)
    closed, sso = (person(sessions, identity, one) for one in ("closed@example.org", "sso@example.org"))
    with sessions.begin() as session:
        session.execute(text("UPDATE users SET is_active = false WHERE id = :id"), {"id": closed})
        session.execute(text("UPDATE users SET password_hash = NULL WHERE id = :id"), {"id": sso})

    people = (ADA, "closed@example.org", "sso@example.org", "nobody@example.org")
    answers = [client.post(FORGOTTEN, json={"email": one}) for one in people]

    assert len({(one.status_code, one.text) for one in answers}) == 1
    assert len(_jobs(sessions)) == len(people), "nobody costs the same work as somebody"
    assert [to for to, _ in _mailed(sessions, monkeypatch)] == [ADA]
    assert all(set(args) == {"user_id"} and UUID(args["user_id"]) for args in _jobs(sessions)), "no secret is queued"


def test_one_account_gets_one_mail_in_ten_minutes_however_often_it_is_asked_for(
    app: FastAPI, client: TestClient, sessions: sessionmaker[Session], clock: Clock
) -> None:
    person(sessions, app.state.identity, ADA)
    for _ in range(5):
        assert client.post(FORGOTTEN, json={"email": ADA}).status_code == 202
    assert len(_jobs(sessions)) == 1

    clock.pass_time(minutes=10)
    client.post(FORGOTTEN, json={"email": ADA})

    assert len(_jobs(sessions)) == 2


def test_a_password_stays_until_the_link_is_used(
    app: FastAPI, client: TestClient, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    person(sessions, app.state.identity, ADA)
    client.post(FORGOTTEN, json={"email": ADA})
    _mailed(sessions, monkeypatch)

    assert sign_in(client, ADA, PASSWORD)


def test_a_server_that_sends_no_mail_says_so(tmp_path: Path, clock: Clock, sessions: sessionmaker[Session]) -> None:
    app = app_for(identity_for(tmp_path, clock), sessions)
    app.include_router(forgotten_router, prefix="/api/v1")
    client = client_of(app)

    assert client.post(FORGOTTEN, json={"email": ADA}).status_code == 404
    assert client.get("/api/v1/auth/methods").json()["forgotten_password"] is False
    assert audit(sessions) == []
