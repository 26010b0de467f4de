"""The way to a server or a headend: one HTTP client, time-outs, repetition where it is safe, our errors."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from afterbay.client.problems import error_of
from afterbay.client.trust import trouble_of, trusted
from afterbay.core.errors import InvalidInputError, MissingExtraError, Problem, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

__all__ = ["DEFAULT_PLATFORM_URL", "DEFAULT_URL", "Connection", "check_url"]

DEFAULT_URL: Final = "http://127.0.0.1:3001"
DEFAULT_PLATFORM_URL: Final = "http://127.0.0.1:8000"
_REPEATS: Final = 2
_PAUSE_S: Final = 0.5
_SAME_CLOCK: Final = timedelta(seconds=2)
"""The Date of an answer is in whole seconds; less than this apart counts as the same clock."""


def check_url(url: str, *, token: bool) -> str:
    """Return an address without the slash at its end.

    Raises:
        InvalidInputError: If it is no HTTP address, or would carry a token in the clear to another machine.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    allowed = f"http://host:port or https://host:port, such as {DEFAULT_URL}"
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidInputError(Problem("AFTERBAY_URL", url, allowed, "give the address as a browser has it"))
    if parts.username or parts.password:
        got = f"{parts.scheme}://...@{host} with a password in it"
        raise InvalidInputError(Problem("AFTERBAY_URL", got, allowed, "put the token into AFTERBAY_TOKEN"))
    if token and parts.scheme == "http" and not _is_loopback(host):
        got = f"plain {url} with a token"
        raise InvalidInputError(Problem("AFTERBAY_URL", got, "https://, or this machine itself", "use https://"))
    return url.rstrip("/")


class Connection:
    """Requests to one headend. Threads may share it."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout_s: float = 10.0,
        default: str = DEFAULT_URL,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Get ready; nothing is sent yet.

        Args:
            url: Address; None: `AFTERBAY_URL`, else the headend of this machine.
            token: Sent as `Authorization: Bearer`; None: `AFTERBAY_TOKEN`, else none.
            timeout_s: Longest wait for an answer [s].
            default: Address when neither `url` nor the environment names one.
            sleep: How to wait before a repetition.

        Raises:
            InvalidInputError: If the address cannot be used.
            MissingExtraError: If httpx2 is not installed.
        """
        try:
            import httpx2
        except ImportError:
            raise MissingExtraError("httpx2", "client", "talking to a headend or a server") from None
        token = token or os.environ.get("AFTERBAY_TOKEN", "").strip() or None
        self.url = check_url(url or os.environ.get("AFTERBAY_URL", "").strip() or default, token=token is not None)
        self._sleep = sleep
        self._kind = "headend" if default == DEFAULT_URL else "server"
        self._command = "afterbay headend" if default == DEFAULT_URL else "afterbay serve"
        self._skew = timedelta()
        headers = {"Accept": "application/json", "User-Agent": "afterbay-client"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self.http = httpx2.Client(
            base_url=self.url,
            headers=headers,
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, 5.0)),
            # No proxy lies between this machine and itself, whatever the environment says.
            trust_env=not _is_loopback(urlsplit(self.url).hostname or ""),
            verify=trusted(),
        )

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the sockets back."""
        self.http.close()

    def now(self) -> datetime:
        """Return the headend's time, as far as its answers told; ages are counted on its clock, not on ours."""
        return datetime.now(UTC) + self._skew

    def get(self, path: str, **params: Any) -> Any:
        """Return a document."""
        return self.ask("GET", path, params={name: value for name, value in params.items() if value is not None})[0]

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> tuple[Any, Mapping[str, str]]:
        """Send a request; return the answer's document and headers.

        What only reads, and what carries an `Idempotency-Key`, is repeated when the connection fails.

        Raises:
            AfterbayError: Of the family, as the answer's problem says.
        """
        response = self.send(method, path, params=params, body=body, headers=headers, **more)
        document = _document(response)
        if document is None and response.content:
            raise UnavailableError(f"{self.url}{path} does not answer as a {self._kind} does -> is the address right?")
        return document, response.headers

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Any:
        """Send a request; return the answer itself, whatever it holds.

        Args:
            method: HTTP method.
            path: After the address.
            params: After the question mark.
            body: Sent as JSON; None: nothing.
            headers: Beyond the usual ones.
            more: Further arguments of the HTTP client (`files`, `data`, `timeout`).

        Raises:
            AfterbayError: Of the family, as the answer's problem says.
        """
        import httpx2

        safe = method in ("GET", "PUT") or "Idempotency-Key" in (headers or {})
        for attempt in range(_REPEATS + 1):
            try:
                response = self.http.request(
                    method, path, params=dict(params or {}), json=body, headers=dict(headers or {}), **more
                )
                break
            except httpx2.ConnectError as error:
                # Nobody listens: repeating at once would only make the user wait.
                raise UnavailableError(trouble_of(error, self.url) or self._nobody()) from None
            except httpx2.TransportError as error:
                if not safe or attempt == _REPEATS:
                    raise UnavailableError(self._silent(method, path, error)) from None
                self._sleep(_PAUSE_S * 2**attempt)
            except httpx2.InvalidURL as error:
                raise InvalidInputError(Problem("AFTERBAY_URL", self.url, "an address", str(error))) from None
        self._note_time(response.headers.get("date"))
        if response.status_code >= 400:
            raise error_of(response.status_code, _document(response), response.text, f"{method} {self.url}{path}")
        return response

    def _note_time(self, date: str | None) -> None:
        try:
            theirs = parsedate_to_datetime(date) if date else None
        except ValueError:
            return
        if theirs is not None and theirs.tzinfo is not None:
            skew = theirs - datetime.now(UTC)
            self._skew = skew if abs(skew) > _SAME_CLOCK else timedelta()

    def _nobody(self) -> str:
        return f"nobody answers at {self.url} -> start one: {self._command}, or name it: AFTERBAY_URL, --url"

    def _silent(self, method: str, path: str, error: Exception) -> str:
        why = "no answer in time" if "Timeout" in type(error).__name__ else f"the connection broke off ({error})"
        look = "look at afterbay fleet log" if self._kind == "headend" else "look before you repeat it"
        move = "" if method == "GET" else f"; it may have been done or not -> {look}"
        return f"{method} {self.url}{path}: {why}{move}"


def _document(response: Any) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
