"""What the commands about projects of a server share: arguments, the way there, moments."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from afterbay.cli import output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from afterbay.client import BESSAPIClient

__all__ = ["Json", "ProjectWord", "moment", "server"]

ProjectWord = Annotated[str, typer.Argument(metavar="PROJECT", help="Name of a project, its beginning, or its id.")]
Json = Annotated[bool, output.JSON_OPTION]


@contextmanager
def server() -> Iterator[BESSAPIClient]:
    """Give the server of the environment or of the login.

    Raises:
        MissingExtraError: If httpx2 is not installed.
    """
    from afterbay.client import BESSAPIClient

    with BESSAPIClient() as client:
        yield client


def moment(text: str | None) -> str:
    """Return a moment of the server to the minute."""
    return "" if text is None else f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"
