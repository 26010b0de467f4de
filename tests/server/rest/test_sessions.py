from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from afterbay.core.errors import ConflictError
from afterbay.server.rest.sessions import DbSession

Client = Callable[[Any], TestClient]


def test_what_is_answered_can_be_read_at_once(database_app: FastAPI, client_of: Client) -> None:
    @database_app.post("/notes")
    def add(session: DbSession) -> dict[str, int]:
        session.execute(text("CREATE TABLE notes (x int)"))
        return {"count": session.execute(text("INSERT INTO notes VALUES (7) RETURNING x")).scalar_one()}

    answer = client_of(database_app).post("/notes")

    assert answer.json() == {"count": 7}
    with database_app.state.engine.connect() as other:
        assert other.execute(text("SELECT x FROM notes")).scalars().all() == [7]


def test_an_error_leaves_nothing_behind(database_app: FastAPI, client_of: Client) -> None:
    @database_app.post("/notes")
    def add(session: DbSession) -> None:
        session.execute(text("CREATE TABLE notes (x int)"))
        raise ConflictError("somebody was faster")

    assert client_of(database_app).post("/notes").status_code == 409
    with database_app.state.engine.connect() as other:
        assert other.execute(text("SELECT to_regclass('notes')")).scalar() is None


def test_a_commit_that_fails_is_an_error_and_no_success(database_app: FastAPI, client_of: Client) -> None:
    @database_app.post("/notes", status_code=201)
    def add(session: DbSession) -> None:
        session.execute(text("CREATE TABLE parents (id int PRIMARY KEY)"))
        session.execute(text("CREATE TABLE notes (p int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)"))
        session.execute(text("INSERT INTO notes VALUES (1)"))  # refused at the commit, not before

    assert client_of(database_app).post("/notes").status_code == 500


def test_a_database_that_is_away_is_503_with_a_time(database_app: FastAPI, client_of: Client) -> None:
    @database_app.get("/notes")
    def read(session: DbSession) -> None:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    answer = client_of(database_app).get("/notes")

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
