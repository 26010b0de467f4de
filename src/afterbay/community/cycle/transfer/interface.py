"""What every way of moving files has in common: one interface, its receipts and its errors."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import urlsplit, urlunsplit

from afterbay.core.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MOST_BYTES",
    "Notification",
    "Receipt",
    "TickForm",
    "Transfer",
    "TransferError",
    "Worker",
    "check_content",
    "check_name",
    "digest_of",
    "is_loopback",
    "shown_address",
]

Worker = Literal["local", "remote"]
"""Who simulates: this process, or whoever waits at the other end."""
MOST_BYTES = 2_000_000_000
"""No file of a cycle is larger; what is would fill the memory of this machine."""
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,199}")


class TransferError(UnavailableError):
    """A file could not be moved.

    Attributes:
        passing: The same may go well in a moment, so that it is tried again.
        wait_s: What the other end asked us to wait before that [s], if it did.
    """

    def __init__(self, message: str, *, passing: bool = True, wait_s: float | None = None) -> None:
        self.passing = passing
        self.wait_s = wait_s
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class TickForm:
    """What goes with an input file: the form fields of the workflow's webhook."""

    timestamp: datetime
    """Start of the interval to simulate (UTC)."""
    weather_factor: float
    seed: int
    key: str = ""
    """Run and interval; the other end may use it to answer a repeated request only once."""

    def fields(self) -> dict[str, str]:
        """Return the fields as a form carries them."""
        return {
            "timestamp": self.timestamp.isoformat(),
            "weather_factor": repr(self.weather_factor),
            "seed": str(self.seed),
        }


@dataclass(frozen=True, slots=True)
class Notification:
    """The workflow's message that results are ready."""

    status: str
    """`completed` when there is something to fetch."""
    result_file: str
    """Address or name of the results."""
    timestamp: str
    record_count: int
    sha256: str | None = None
    """Digest of the results, where the other end gives one."""

    @classmethod
    def read(cls, document: Any, source: str) -> Notification:
        """Read a JSON document.

        Raises:
            TransferError: If it is not such a message, or tells that the simulation failed.
        """
        fields: Mapping[str, Any] = document if isinstance(document, dict) else {}
        count = fields.get("record_count")
        whole = isinstance(count, int) and not isinstance(count, bool) and count >= 0
        texts = all(isinstance(fields.get(name), str) for name in ("status", "result_file", "timestamp"))
        if fields.get("status") not in (None, "completed"):
            raise TransferError(f"{source} says status {str(fields['status'])[:40]!r}, not completed", passing=False)
        if not (whole and texts):
            raise TransferError(
                f"{source} did not answer with status, result_file, timestamp and record_count", passing=False
            )
        digest = fields.get("sha256")
        return cls(
            fields["status"],
            fields["result_file"],
            fields["timestamp"],
            int(count or 0),
            digest.lower() if isinstance(digest, str) else None,
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a file arrived whole."""

    name: str
    size: int
    """Length [bytes]."""
    sha256: str
    answer: Notification | None = None
    """The results, where the other end has simulated at once."""


class Transfer(Protocol):
    """One place that files are sent to and fetched from.

    Every method raises `TransferError`; none retries, which `retry` and `routes` do for all alike.
    """

    @property
    def label(self) -> str:
        """The address as it may be logged: no key, no query."""
        ...

    @property
    def worker(self) -> Worker:
        """Who simulates what is sent."""
        ...

    def send(self, name: str, content: bytes, form: TickForm | None = None) -> Receipt:
        """Put a file there, whole or not at all, and prove that it arrived as it left."""
        ...

    def find(self, name: str) -> int | None:
        """Return the size of a file there [bytes], or None while there is none."""
        ...

    def fetch(self, name: str, receipt: Receipt | None = None) -> bytes:
        """Return a file from there; `receipt` is that of the input it answers, if there is one."""
        ...

    def remove(self, name: str) -> None:
        """Take a file away; one that is not there is no error."""
        ...


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of a file, as hexadecimal text."""
    return hashlib.sha256(content).hexdigest()


def check_content(name: str, content: bytes, *, size: int | None, sha256: str | None) -> None:
    """Compare what arrived with what left.

    Raises:
        TransferError: If size or digest differ.
    """
    if size is not None and len(content) != size:
        raise TransferError(f"{name}: {len(content):,} bytes arrived of {size:,}")
    if sha256 is not None and digest_of(content) != sha256.lower():
        raise TransferError(f"{name}: arrived with another checksum than it left with")


def check_name(name: str) -> str:
    """Return a file name that cannot leave its folder.

    Raises:
        TransferError: If it could.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        raise TransferError(f"{name[:60]!r} is no plain file name", passing=False)
    return name


def is_loopback(host: str | None) -> bool:
    """Is this host this machine itself?"""
    import ipaddress

    if host is None:
        return False
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def shown_address(url: str) -> str:
    """Return an address without user, password, query and fragment, which may hold keys and signatures."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
