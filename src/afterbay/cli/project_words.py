"""What the commands about projects of a server share: arguments, the way there, moments."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from afterbay.cli import output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from afterbay.client import BESSAPIClient

__all__ = ["Json", "ProjectWord", "moment", "profile_files", "server"]

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


def profile_files(document: dict[str, Any]) -> dict[str, str]:
    """Return the profiles that a project file of a server names: ids by the names of their files.

    Raises:
        UnavailableError: If a name is not one of ours, which could lead out of the folder that it is written to.
    """
    from afterbay.core.errors import UnavailableError

    setup = document.get("setup_config") or {}
    found: dict[str, str] = {}
    for name in (setup.get("load_file"), setup.get("solar_file")):
        if name is None:
            continue
        try:
            profile = UUID(str(name).removesuffix(".parquet"))
        except ValueError:
            raise UnavailableError(f"the server names a profile {str(name)[:80]!r} -> is it one of afterbay?") from None
        found[f"{profile}.parquet"] = str(profile)
    return found


def moment(text: str | None) -> str:
    """Return a moment of the server to the minute."""
    return "" if text is None else f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"
