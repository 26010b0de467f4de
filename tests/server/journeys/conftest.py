"""One server process for all journeys that a test process runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from server_running import RunningServer, running_server


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    with running_server() as found:
        yield found
