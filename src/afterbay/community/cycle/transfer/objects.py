"""Files moved through an object store: `s3://bucket/folder`, `gs://bucket/folder`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

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
from afterbay.community.cycle.transfer.webhook import check_url, post_json
from afterbay.core.errors import InvalidInputError, MissingExtraError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from afterbay.community.cycle.transfer.interface import TickForm

__all__ = ["ObjectTransfer"]

_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_LINK_S = 900.0


@dataclass(frozen=True, slots=True)
class ObjectTransfer:
    """A folder of an object store; its keys are those of the environment (`AWS_...`, `GOOGLE_...`)."""

    url: str
    worker: Worker = "local"
    notify_url: str | None = None
    """Webhook that is told of every input, with signed links to fetch it and to put the results."""
    key_variable: str = "AFTERBAY_TRANSFER_KEY"
    """Environment variable with the key of that webhook."""
    link_s: float = _LINK_S
    """How long a signed link works [s]."""
    timeout_s: float = 60.0
    """Longest wait for one answer [s]."""
    endpoint: str | None = None
    """Address of a store that is not Amazon's; default: that of the environment."""
    result_name: Callable[[TickForm], str] | None = field(default=None, repr=False)
    """Names the results of an input, for the link to put them."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("s3", "gs") or not parts.netloc:
            raise InvalidInputError(
                Problem("transfer.url", shown_address(self.url), "s3://bucket/folder or gs://bucket/folder", "mend it")
            )
        if self.notify_url is not None:
            check_url(self.notify_url, "transfer.notify")
        address = self._endpoint()
        if address is not None and urlsplit(address).scheme != "https" and not is_loopback(urlsplit(address).hostname):
            raise InvalidInputError(
                Problem("transfer.endpoint", f"plain {shown_address(address)}", "https://", "use https://")
            )

    @property
    def label(self) -> str:
        """Bucket and folder, as they may be logged."""
        return shown_address(self.url)

    def send(self, name: str, content: bytes, form: TickForm | None = None) -> Receipt:
        """Put an object, which appears whole or not at all, and read it back.

        Raises:
            TransferError: If it did not arrive as it left, or the webhook did not take the message.
        """
        path = self._path(name)
        digest = digest_of(content)
        try:
            self._call(name, lambda obs, store: obs.put(store, path, content, use_multipart=False))
            back = self._read(name)
        except FileNotFoundError:
            raise TransferError(f"{self.label}: there is no such bucket", passing=False) from None
        check_content(name, back, size=len(content), sha256=digest)
        return Receipt(name, len(content), digest, self._told(name, digest, form))

    def _told(self, name: str, digest: str, form: TickForm | None) -> Notification | None:
        if self.notify_url is None or form is None:
            return None
        message = {**form.fields(), "status": "ready", "input_file": name, "sha256": digest}
        message["input_url"] = self.link(name, "GET")
        if self.result_name is not None:
            message["result_file"] = self.result_name(form)
            message["result_url"] = self.link(message["result_file"], "PUT")
        answer = post_json(self.notify_url, message, key_variable=self.key_variable, timeout_s=self.timeout_s)
        # Whoever only takes note answers nothing; the results are then waited for.
        finished = isinstance(answer, dict) and answer.get("status") in ("completed", "failed")
        return Notification.read(answer, shown_address(self.notify_url)) if finished else None

    def link(self, name: str, method: Literal["GET", "PUT"] = "GET") -> str:
        """Return a signed address of an object that works for `link_s` without any key.

        Raises:
            TransferError: If the environment holds no key to sign with.
        """
        path, expires = self._path(name), timedelta(seconds=self.link_s)
        return str(self._call(name, lambda obs, store: obs.sign(store, method, path, expires)))

    def find(self, name: str) -> int | None:
        """Return the size of an object [bytes], or None while there is none."""
        path = self._path(name)
        try:
            return int(self._call(name, lambda obs, store: obs.head(store, path))["size"])
        except FileNotFoundError:
            return None

    def fetch(self, name: str, receipt: Receipt | None = None) -> bytes:
        """Return an object; the checksum of a notification is compared, where there is one.

        Raises:
            TransferError: If it cannot be read whole.
        """
        told = receipt.answer.sha256 if receipt is not None and receipt.answer is not None else None
        try:
            size = self.find(name)
            if size is not None and size > MOST_BYTES:
                raise TransferError(f"{name}: {size:,} bytes, at most {MOST_BYTES:,}", passing=False)
            content = self._read(name)
        except FileNotFoundError:
            raise TransferError(f"{self.label}: {name} is not there") from None
        check_content(name, content, size=size, sha256=told)
        return content

    def remove(self, name: str) -> None:
        """Delete an object; one that is not there is no error."""
        path = self._path(name)
        try:
            self._call(name, lambda obs, store: obs.delete(store, path))
        except FileNotFoundError:
            return

    def _read(self, name: str) -> bytes:
        path = self._path(name)
        return bytes(self._call(name, lambda obs, store: obs.get(store, path).bytes()))

    def _path(self, name: str) -> str:
        return check_name(name)

    def _endpoint(self) -> str | None:
        if self.endpoint is not None or urlsplit(self.url).scheme != "s3":
            return self.endpoint
        return next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)

    def _call(self, name: str, action: Callable[[Any, Any], Any]) -> Any:
        try:
            import obstore
            from obstore.exceptions import (
                BaseError,
                InvalidPathError,
                NotSupportedError,
                PermissionDeniedError,
                UnauthenticatedError,
                UnknownConfigurationKeyError,
            )
            from obstore.store import from_url
        except ImportError:
            raise MissingExtraError("obstore", "transfer", "a transfer through an object store") from None
        lasting = (
            InvalidPathError, NotSupportedError, PermissionDeniedError, UnauthenticatedError,
            UnknownConfigurationKeyError,
        )  # fmt: skip
        address = self._endpoint()
        here = address is not None and is_loopback(urlsplit(address).hostname)
        settings: dict[str, Any] = {
            "client_options": {"timeout": timedelta(seconds=self.timeout_s), "allow_http": here},
            # One try here: `try_again` decides about more, and counts them.
            "retry_config": {"max_retries": 0},
        }
        if address is not None:
            settings["endpoint" if self.url.startswith("s3:") else "base_url"] = address
        try:
            return action(obstore, from_url(self.url, **settings))
        except FileNotFoundError:
            raise
        except (BaseError, ValueError, OSError) as error:
            # Their text quotes whole requests, signatures included.
            kind = type(error).__name__.removesuffix("Error")
            raise TransferError(
                f"{self.label}: {name}: {kind} ({_reason(error)})", passing=not isinstance(error, lasting)
            ) from None


def _reason(error: BaseException) -> str:
    """Return the status an answer had, if one is told; never the request."""
    import re

    found = re.search(r"status(?: code)?:? (\d{3}[\w ]{0,30})", str(error))
    if found:
        return found[1].strip()
    return "no answer" if re.search(r"connect|timed? ?out|dns", str(error), re.IGNORECASE) else "refused"
