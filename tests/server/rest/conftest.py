from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import sessionmaker

from afterbay.server.db import make_engine, read_url
from afterbay.server.errors import add_error_handlers


@pytest.fixture
def app() -> FastAPI:
    made = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    add_error_handlers(made)
    return made


@pytest.fixture
def client_of() -> Iterator[Callable[[Any], TestClient]]:
    opened: list[TestClient] = []

    def make(app: Any) -> TestClient:
        opened.append(TestClient(app, raise_server_exceptions=False))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def database_app(app: FastAPI, database_url: str) -> Iterator[FastAPI]:
    """An application with a database of its own."""
    engine = make_engine(read_url(database_url))
    app.state.engine, app.state.sessions = engine, sessionmaker(engine)
    yield app
    engine.dispose()
