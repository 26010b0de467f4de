"""Files moved by HTTP: the input is posted as a form, the answer names the results, which are downloaded."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from afterbay.community.cycle.transfer.interface import (
    MOST_BYTES,
    Notification,
    Receipt,
    TransferError,
    Worker,
    check_content,
    check_name,
    digest_of,
    is_loopback,
    shown_address,
)
from afterbay.core.errors import InvalidInputError, MissingExtraError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from afterbay.community.cycle.transfer.interface import TickForm

__all__ = ["WebhookTransfer", "check_url", "post_json"]

_ACCEPTED: Final = 202
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that may be others in a moment."""
_PENDING: Final = frozenset({"accepted", "queued", "running", "started"})
"""What a webhook says that simulates later; its results are then waited for beside it."""
_FAULTS: Final = {
    "ConnectError": "cannot be reached",
    "RemoteProtocolError": "broke off",
    "ReadError": "broke off",
    "WriteError": "broke off",
}


def check_url(url: str, where: str = "transfer.url") -> None:
    """Refuse an address that is no HTTP address, or that would carry data in the clear.

    Raises:
        InvalidInputError: If it is not `https://`, or `http://` on this machine itself.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidInputError(
            Problem(where, f"an address that cannot be read ({error})", "https://host/path", "mend the address")
        ) from None
    shown = shown_address(url)
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidInputError(Problem(where, shown, "https://host/path", "give a full address"))
    if parts.username or parts.password:
        raise InvalidInputError(
            Problem(where, f"{shown} with a password in it", "an address without", "put the key into the environment")
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise InvalidInputError(
            Problem(where, f"plain {shown}", "https://, or http:// on this machine itself", "use https://")
        )


@dataclass(frozen=True, slots=True)
class WebhookTransfer:
    """A webhook that simulates what is posted to it."""

    url: str
    key_variable: str = "AFTERBAY_TRANSFER_KEY"
    """Environment variable with the key, sent as `Authorization: Bearer`; none set: none sent."""
    timeout_s: float = 60.0
    """Longest silence of the other end [s]."""
    most_s: float = 240.0
    """Longest download in all [s]; a cycle has five minutes."""
    clock: Callable[[], float] = field(default=monotonic, repr=False)
    worker: Worker = "remote"

    def __post_init__(self) -> None:
        check_url(self.url)
        if self.worker != "remote":
            raise InvalidInputError(
                Problem("transfer.worker", self.worker, "remote", "an HTTP address simulates at the other end")
            )

    @property
    def label(self) -> str:
        """The address, as it may be logged."""
        return shown_address(self.url)

    def send(self, name: str, content: bytes, form: TickForm | None = None) -> Receipt:
        """Post a file; the answer is the notification of its results, or that they are still to come.

        Raises:
            TransferError: If it did not arrive whole, or the other end could not simulate it.
        """
        headers = {"Idempotency-Key": form.key} if form is not None and form.key else {}
        response = self._exchange(
            "POST",
            self.url,
            files={"file": (check_name(name), content, "text/csv")},
            data=form.fields() if form is not None else {},
            headers=headers,
        )
        digest = digest_of(content)
        if response.code == _ACCEPTED and not response.content:
            return Receipt(name, len(content), digest)
        answer = _document(response, self.label)
        received = answer.get("received_sha256") if isinstance(answer, dict) else None
        if isinstance(received, str) and received.lower() != digest:
            raise TransferError(f"{self.label}: {name} arrived with another checksum than it left with")
        if isinstance(answer, dict) and answer.get("status") in _PENDING:
            return Receipt(name, len(content), digest)
        return Receipt(name, len(content), digest, Notification.read(answer, self.label))

    def find(self, name: str) -> int | None:
        """Return the size of a file beside the webhook [bytes], -1 if it is not told, or None while there is none."""
        try:
            response = self._exchange("HEAD", urljoin(self.url, check_name(name)))
        except _MissingError:
            return None
        length = response.headers.get("content-length", "")
        return int(length) if length.isdigit() else -1

    def fetch(self, name: str, receipt: Receipt | None = None) -> bytes:
        """Download the results that a notification names, or a file beside the webhook.

        Raises:
            TransferError: If they do not arrive whole, or lie where they must not be fetched from.
        """
        answer = receipt.answer if receipt is not None else None
        if answer is None:
            return self._download(urljoin(self.url, check_name(name)), None)
        return self._download(self._allowed(urljoin(self.url, answer.result_file)), answer.sha256)

    def remove(self, name: str) -> None:
        """Do nothing: what a webhook keeps is its own."""
        check_name(name)

    def _allowed(self, url: str) -> str:
        if _origin(url) == _origin(self.url):
            return url
        parts = urlsplit(url)
        # Else whoever answers could make us read what only this machine can reach.
        if parts.scheme != "https" or is_loopback(parts.hostname):
            raise TransferError(
                f"{self.label}: results at {shown_address(url)[:120]} are neither there nor at https://", passing=False
            )
        return url

    def _download(self, url: str, sha256: str | None) -> bytes:
        response = self._exchange("GET", url)
        told = sha256 or response.headers.get("x-checksum-sha256")
        check_content(shown_address(url).rpartition("/")[2], response.content, size=None, sha256=told)
        return response.content

    def _exchange(self, method: str, url: str, **request: Any) -> _Response:
        headers = dict(request.pop("headers", {}))
        key = os.environ.get(self.key_variable, "")
        # The key is for whom it was given, not for the place that keeps the results.
        if key and _origin(url) == _origin(self.url):
            headers["Authorization"] = f"Bearer {key}"
        return _exchange(
            method, url, headers=headers, timeout_s=self.timeout_s, ends=self.clock() + self.most_s,
            clock=self.clock, **request,
        )  # fmt: skip


def post_json(url: str, document: Any, *, key_variable: str, timeout_s: float = 30.0) -> Any:
    """Post a JSON document and return the JSON answer, or None if the answer is empty.

    Raises:
        InvalidInputError: If the address is none to post to.
        TransferError: If the other end does not take it.
    """
    check_url(url)
    key = os.environ.get(key_variable, "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    response = _exchange(
        "POST", url, json=document, headers=headers, timeout_s=timeout_s, ends=monotonic() + timeout_s, clock=monotonic
    )
    return _document(response, shown_address(url)) if response.content else None


class _MissingError(TransferError):
    """There is nothing at this address."""


@dataclass(frozen=True, slots=True)
class _Response:
    code: int
    headers: Any
    content: bytes


def _exchange(
    method: str, url: str, *, timeout_s: float, ends: float, clock: Callable[[], float], **request: Any
) -> _Response:
    try:
        import httpx2
    except ImportError:
        raise MissingExtraError("httpx2", "transfer", "a transfer by HTTP") from None
    shown = shown_address(url)
    try:
        with (
            httpx2.Client(timeout=timeout_s, follow_redirects=False) as client,
            client.stream(method, url, **request) as response,
        ):
            _check_status(response, shown)
            parts: list[bytes] = []
            size = 0
            for part in _chunks(response):
                size += len(part)
                if size > MOST_BYTES:
                    raise TransferError(f"{shown}: more than {MOST_BYTES:,} bytes", passing=False)
                # A trickle never times out by itself.
                if clock() > ends:
                    raise TransferError(f"{shown}: not all there in time")
                parts.append(part)
            return _Response(int(response.status_code), response.headers, b"".join(parts))
    except httpx2.TimeoutException:
        raise TransferError(f"{shown}: no answer within {timeout_s:g} s") from None
    except httpx2.RequestError as error:
        raise TransferError(f"{shown}: {_plain(error)}") from None
    except httpx2.InvalidURL:
        raise TransferError(f"{shown}: no address to ask", passing=False) from None


def _chunks(response: Any) -> Iterator[bytes]:
    chunks: Iterator[bytes] = response.iter_bytes()
    return chunks


def _check_status(response: Any, shown: str) -> None:
    code = int(response.status_code)
    if 200 <= code < 300:
        return
    if code in (404, 410):
        raise _MissingError(f"{shown}: nothing there ({code})", passing=False)
    if 300 <= code < 400:
        to = shown_address(response.headers.get("location", "elsewhere"))[:120]
        raise TransferError(f"{shown}: sends on to {to} ({code}); give that address", passing=False)
    if code in (401, 403):
        raise TransferError(f"{shown}: refuses the key ({code})", passing=False)
    raise TransferError(
        f"{shown}: answers {code}", passing=code in _PASSING, wait_s=_wait_s(response.headers.get("retry-after"))
    )


def _wait_s(text: str | None) -> float | None:
    """Read `Retry-After`: seconds, or a date."""
    if text is None:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max((until - datetime.now(UTC)).total_seconds(), 0.0)


def _document(response: _Response, shown: str) -> Any:
    import json

    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        raise TransferError(f"{shown}: answers with no JSON document", passing=False) from None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _plain(error: Exception) -> str:
    """Say what failed without the error's own text, which may hold an address with a signature."""
    kind = type(error).__name__
    return _FAULTS.get(kind, f"failed ({kind})")
