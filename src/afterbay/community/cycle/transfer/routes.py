"""Choose a transfer by its address."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

from afterbay.community.cycle.transfer.directory import DirectoryTransfer
from afterbay.community.cycle.transfer.interface import shown_address
from afterbay.community.cycle.transfer.objects import ObjectTransfer
from afterbay.community.cycle.transfer.webhook import WebhookTransfer
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from afterbay.community.cycle.transfer.interface import TickForm, Transfer

__all__ = ["Route", "open_transfer"]


@dataclass(frozen=True, slots=True)
class Route:
    """One way that the files of a cycle may take, as the configuration tells it."""

    url: str
    """A folder, `file://`, `https://`, `s3://` or `gs://`."""
    worker: Literal["local", "remote"] | None = None
    """Who simulates; default: the other end of an HTTP address, this process elsewhere."""
    key_variable: str = "AFTERBAY_TRANSFER_KEY"
    notify_url: str | None = None
    """Object stores: webhook that gets signed links of input and results."""
    endpoint: str | None = None
    """Object stores: address of one that is not Amazon's."""
    timeout_s: float = 60.0


def open_transfer(
    route: Route, *, base: Path = Path(), result_name: Callable[[TickForm], str] | None = None
) -> Transfer:
    """Return the transfer of a route; nothing is connected yet.

    Args:
        route: Address and settings.
        base: Folder that a relative folder starts from.
        result_name: Names the results of an input, for signed links.

    Raises:
        InvalidInputError: If there is no transfer for such an address, or it is not safe.
    """
    try:
        scheme = urlsplit(route.url).scheme.lower()
    except ValueError:
        scheme = "?"
    if scheme in ("http", "https"):
        return WebhookTransfer(route.url, route.key_variable, route.timeout_s, worker=route.worker or "remote")
    if scheme in ("s3", "gs"):
        return ObjectTransfer(
            route.url, route.worker or ("remote" if route.notify_url else "local"), route.notify_url,
            route.key_variable, timeout_s=route.timeout_s, endpoint=route.endpoint, result_name=result_name,
        )  # fmt: skip
    if scheme == "file":
        parts = urlsplit(route.url)
        if parts.netloc not in ("", "localhost"):
            raise InvalidInputError(
                Problem("transfer.url", route.url, "file:///folder", "a folder of another machine is mounted first")
            )
        return DirectoryTransfer(_local_path(unquote(parts.path)), route.worker or "local")
    # One letter before the colon is a drive.
    if len(scheme) <= 1 and route.url.strip():
        return DirectoryTransfer(base / route.url, route.worker or "local")
    raise InvalidInputError(
        Problem(
            "transfer.url",
            shown_address(route.url) if scheme != "?" else "an address that cannot be read",
            "a folder, file://, https://, s3:// or gs://",
            "choose one of these",
        )
    )


def _local_path(path: str) -> Path:
    # file:///C:/folder
    return Path(path[1:] if len(path) > 2 and path[0] == "/" and path[2] == ":" else path)
