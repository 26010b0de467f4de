"""Administration on a database of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from server_identity import Clock, app_for, client_of, identity_for
from sqlalchemy.orm import Session, sessionmaker
from starlette.testclient import TestClient

from afterbay.server.platform.identity.service import Identity


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def identity(tmp_path: Path, clock: Clock) -> Identity:
    return identity_for(tmp_path, clock)


@pytest.fixture
def app(identity: Identity, sessions: sessionmaker[Session]) -> FastAPI:
    return app_for(identity, sessions)


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return client_of(app)
