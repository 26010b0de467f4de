"""Clients of a server's and a headend's REST, for notebooks and for the command.

```python
fleet = afterbay.client.connect().fleet
fleet["NQ-1"].dispatch(30.0, for_="1h").wait("reached")

sizing = afterbay.client.connect("http://127.0.0.1:8000", token).sizing
run = sizing.simulate(sizing.find_project("Red Rock Quarry")["id"]).wait(progress=True)
run.options()
```

`connect` reads `AFTERBAY_URL` and `AFTERBAY_TOKEN`. Power is in MW and + leaves the asset; times are UTC. Every
refusal of the headend is an error of `afterbay.core.errors`, with the headend's own reason.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from afterbay.client.api import BESSAPIClient
from afterbay.client.commands import Command, Part, Preview, order_body
from afterbay.client.connection import DEFAULT_PLATFORM_URL, DEFAULT_URL, Connection
from afterbay.client.fleet import Fleet
from afterbay.client.records import AssetState, Freshness
from afterbay.client.runs import Run
from afterbay.client.schedules import Schedule
from afterbay.client.stream import Update
from afterbay.client.targets import Asset, Target

__all__ = [
    "DEFAULT_PLATFORM_URL",
    "DEFAULT_URL",
    "Asset",
    "AssetState",
    "BESSAPIClient",
    "Client",
    "Command",
    "Fleet",
    "Freshness",
    "Part",
    "Preview",
    "Run",
    "Schedule",
    "Target",
    "Update",
    "connect",
    "order_body",
]


class Client:
    """One headend or server. Close it, or use it in a `with` block."""

    def __init__(self, connection: Connection, make_sizing: Callable[[], BESSAPIClient]) -> None:
        self.connection = connection
        self.fleet = Fleet(connection)
        self._make_sizing = make_sizing
        self._sizing: BESSAPIClient | None = None

    @property
    def sizing(self) -> BESSAPIClient:
        """The sizing module of a server; its login is not looked for before it is asked something."""
        if self._sizing is None:
            self._sizing = self._make_sizing()
        return self._sizing

    def __repr__(self) -> str:
        return f"Client({self.connection.url})"

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the sockets back."""
        self.connection.close()
        if self._sizing is not None:
            self._sizing.close()


def connect(url: str | None = None, token: str | None = None, *, timeout_s: float = 10.0) -> Client:
    """Return a client; nothing is sent before it is asked something.

    Args:
        url: Address of a headend or a server; None: `AFTERBAY_URL`, else this machine's (`http://127.0.0.1:3001`
            for `.fleet`; for `.sizing` that of `afterbay login`, or `http://127.0.0.1:8000`).
        token: None: `AFTERBAY_TOKEN`, else none (for `.sizing` that of `afterbay login`).
        timeout_s: Longest wait for an answer [s].

    Raises:
        InvalidInputError: If the address cannot be used, or would carry the token in the clear.
        MissingExtraError: If httpx2 is not installed.
    """
    return Client(Connection(url, token, timeout_s=timeout_s), lambda: BESSAPIClient(url, token))
