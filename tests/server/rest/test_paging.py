import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, Uuid, select, text
from sqlalchemy.orm import Session

from afterbay.core.errors import InvalidInputError
from afterbay.server.rest.paging import (
    Order,
    Page,
    PageQuery,
    PageRequest,
    Sort,
    fetch_page,
    read_sort,
    show_page,
)
from afterbay.server.rest.sessions import DbSession

Client = Callable[[Any], TestClient]
NOTES = Table(
    "notes", MetaData(), Column("id", Uuid, primary_key=True), Column("rank", Integer), Column("name", String),
    Column("at", DateTime(timezone=True)),
)  # fmt: skip


def filled(app: FastAPI, ranks: list[int]) -> None:
    with app.state.engine.begin() as connection:
        NOTES.metadata.drop_all(connection)
        NOTES.metadata.create_all(connection)
        for number, rank in enumerate(ranks):
            connection.execute(
                NOTES.insert().values(id=UUID(int=number), rank=rank, name=f"n{rank:03}", at=text("now()"))
            )  # fmt: skip


def walked(session: Session, sort: Sort, limit: int) -> list[int]:
    """Ids of all pages, one after the other."""
    order = Order(sort, NOTES.c[sort.name], NOTES.c.id)
    seen: list[int] = []
    cursor: str | None = None
    while True:
        page = fetch_page(session, select(NOTES.c.id), PageRequest(limit, cursor), order)
        assert len(page.items) <= limit
        seen += [one.int for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return seen


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ranks=st.lists(st.integers(0, 3), max_size=12), limit=st.integers(1, 5), down=st.booleans(),
    name=st.sampled_from(["rank", "name", "at"]),
)  # fmt: skip
def test_pages_together_are_the_whole_list_once_in_order(
    database_app: FastAPI, ranks: list[int], limit: int, down: bool, name: str
) -> None:
    filled(database_app, ranks)

    with database_app.state.sessions() as session:
        seen = walked(session, Sort(name, down), limit)

    key = (lambda number: number) if name == "at" else (lambda number: (ranks[number], number))
    assert seen == sorted(range(len(ranks)), key=key, reverse=down)


def test_what_is_added_in_front_does_not_shift_the_next_page(database_app: FastAPI) -> None:
    filled(database_app, [10, 20, 30])
    order = Order(Sort("rank"), NOTES.c.rank, NOTES.c.id)
    with database_app.state.sessions() as session:
        first = fetch_page(session, select(NOTES.c.id), PageRequest(2), order)
        session.execute(NOTES.insert().values(id=UUID(int=99), rank=1, name="new"))
        second = fetch_page(session, select(NOTES.c.id), PageRequest(2, first.next_cursor), order)

    assert [one.int for one in second.items] == [2]
    assert second.next_cursor is None


@pytest.mark.parametrize(
    "cursor", ["x", "", "AAAA", "e30", base64.urlsafe_b64encode(b'["rank",["i",1e400],["u","x"]]').decode(),
               base64.urlsafe_b64encode(json.dumps(["rank", ["s", "a\0"], ["u", str(UUID(int=1))]]).encode()).decode(),
               base64.urlsafe_b64encode(json.dumps(["rank", ["i", 2**70], ["u", str(UUID(int=1))]]).encode()).decode(),
               base64.urlsafe_b64encode(b"[" * 500).decode(), "é" * 9]
)  # fmt: skip
def test_a_cursor_that_is_none_is_refused_before_the_database_sees_it(
    database_app: FastAPI, client_of: Client, cursor: str
) -> None:
    filled(database_app, [1])

    @database_app.get("/notes")
    def notes(request: Request, response: Response, session: DbSession, page: PageQuery) -> Page[str]:
        order = Order(Sort("rank"), NOTES.c.rank, NOTES.c.id)
        return show_page(request, response, fetch_page(session, select(NOTES.c.name), page, order), str)

    answer = client_of(database_app).get("/notes", params={"cursor": cursor})

    assert answer.status_code == (422 if cursor else 200)
    if cursor:
        assert answer.json()["errors"][0]["pointer"] == "/cursor"


def test_a_cursor_of_another_order_is_refused(database_app: FastAPI) -> None:
    filled(database_app, [1, 2, 3])
    with database_app.state.sessions() as session:
        page = fetch_page(session, select(NOTES.c.id), PageRequest(1), Order(Sort("rank"), NOTES.c.rank, NOTES.c.id))
        other = Order(Sort("rank", descending=True), NOTES.c.rank, NOTES.c.id)
        with pytest.raises(InvalidInputError, match="same sort"):
            fetch_page(session, select(NOTES.c.id), PageRequest(1, page.next_cursor), other)


def test_the_link_leads_to_the_next_page_with_the_same_filter(database_app: FastAPI, client_of: Client) -> None:
    filled(database_app, [1, 2, 3])

    @database_app.get("/notes")
    def notes(request: Request, response: Response, session: DbSession, page: PageQuery, q: str = "") -> Page[str]:
        query = select(NOTES.c.name).where(NOTES.c.name.contains(q))
        order = Order(Sort("rank"), NOTES.c.rank, NOTES.c.id)
        return show_page(request, response, fetch_page(session, query, page, order), str)

    client = client_of(database_app)
    first = client.get("/notes", params={"limit": 2, "q": "n0"})
    second = client.get(first.links["next"]["url"])

    assert first.json()["items"] == ["n001", "n002"]
    assert second.json() == {"items": ["n003"], "next_cursor": None}
    assert "link" not in second.headers
    assert client.get("/notes?limit=201").status_code == 422
    assert client.get("/notes?limit=0").status_code == 422


def test_a_sort_is_a_known_name_with_a_sign() -> None:
    assert read_sort(None, ("name", "at"), "-at") == Sort("at", descending=True)
    assert read_sort("name", ("name", "at"), "-at") == Sort("name")
    for wrong in ("--at", "password", "-", "at; DROP TABLE notes"):
        with pytest.raises(InvalidInputError, match="at, name"):
            read_sort(wrong, ("name", "at"), "-at")
