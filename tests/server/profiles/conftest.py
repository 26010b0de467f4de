"""The API of profiles on a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from server_projects import Server, running
from sqlalchemy.orm import Session, sessionmaker


@pytest.fixture
def server(sessions: sessionmaker[Session], tmp_path: Path) -> Iterator[Server]:
    """The API with the usual quotas."""
    with running(sessions, tmp_path) as found:
        yield found
