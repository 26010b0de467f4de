"""A database with jobs, and a table in which bodies leave their effects."""

from __future__ import annotations

import pytest
from server_workers import EFFECTS
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from afterbay.server.db import session_scope


@pytest.fixture
def jobs(sessions: sessionmaker[Session]) -> sessionmaker[Session]:
    with session_scope(sessions) as session:
        session.execute(text(EFFECTS))
    return sessions
