"""A store in a bucket: `s3://bucket/folder` or `gs://bucket/folder`.

An object's SHA-256 is part of its metadata, written with it. What an interrupted upload leaves is never visible; a
rule of the bucket should remove it ("abort incomplete multipart uploads").
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit
from uuid import uuid4

from afterbay.core.errors import (
    AfterbayError,
    InvalidInputError,
    MissingExtraError,
    NotFoundError,
    Problem,
    UnavailableError,
)
from afterbay.server.platform.storage.content import PIECE, checked, pieces_of, spoilt
from afterbay.server.platform.storage.interface import Found, Health, Stored, check_key, check_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from afterbay.server.platform.storage.interface import Content

__all__ = ["ObjectStorage"]

_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_HASH: Final = "sha256"
_IN_MEMORY: Final = 16 << 20
_PROBE: Final = b"afterbay"


class ObjectStorage:
    """Objects of a bucket; the service itself lets each appear whole."""

    def __init__(self, url: str, *, endpoint: str | None = None, timeout_s: float = 30.0, retries: int = 2) -> None:
        """Remember a bucket; nothing is connected yet.

        Args:
            url: `s3://bucket/folder` or `gs://bucket/folder`.
            endpoint: Address of a service that is neither Amazon's nor Google's; default: that of the environment.
            timeout_s: Longest wait for one answer [s].
            retries: How often a request that met a passing fault is sent again.

        Raises:
            InvalidInputError: If the address is none.
            MissingExtraError: If `obstore` is not installed.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("s3", "gs") or not parts.netloc or "@" in parts.netloc:
            raise InvalidInputError(
                Problem("AFTERBAY_STORAGE_URL", f"{parts.scheme}://...", "s3://bucket/folder or gs://bucket/folder",
                        "keys belong into the environment (AWS_..., GOOGLE_...)")
            )  # fmt: skip
        self._label = f"{parts.scheme}://{parts.netloc}{parts.path}"
        if endpoint is None and parts.scheme == "s3":
            endpoint = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)
        here = endpoint is not None and urlsplit(endpoint).hostname in _LOOPBACK
        if endpoint is not None and urlsplit(endpoint).scheme != "https" and not here:
            raise InvalidInputError(Problem("storage endpoint", "plain http", "https://", "use https://"))
        try:
            import obstore
            from obstore.store import from_url
        except ImportError:
            raise MissingExtraError("obstore", "server", "an object store") from None
        self._api: Any = obstore
        settings: dict[str, Any] = {
            "client_options": {"timeout": timedelta(seconds=timeout_s), "connect_timeout": timedelta(seconds=5),
                               "allow_http": here},
            "retry_config": {"max_retries": retries, "retry_timeout": timedelta(seconds=timeout_s)},
        }  # fmt: skip
        if endpoint is not None:
            settings["endpoint" if parts.scheme == "s3" else "base_url"] = endpoint
        with self._errors("opening"):
            self._store = from_url(url, **settings)

    @property
    def label(self) -> str:
        """The bucket and the folder in it."""
        return self._label

    def put(self, key: str, data: Content) -> Stored:
        """Store an object; see `Storage.put`."""
        check_key(key)
        digest, size = hashlib.sha256(), 0
        # The hash goes ahead of the content, so the content must be known first.
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file, self._errors(f"writing {key}"):
            for piece in pieces_of(data):
                digest.update(piece)
                size += len(piece)
                file.write(piece)
            file.seek(0)
            attributes = {_HASH: digest.hexdigest()}
            if size <= _IN_MEMORY:
                self._api.put(self._store, key, file.read(), attributes=attributes, use_multipart=False)
            else:
                self._api.put(self._store, key, iter(lambda: file.read(PIECE), b""), attributes=attributes)
        return Stored(key, size, digest.hexdigest())

    def get(self, key: str, *, sha256: str | None = None) -> bytes:
        """Return an object; see `Storage.get`."""
        return b"".join(self.open(key, sha256=sha256))

    def open(self, key: str, *, sha256: str | None = None) -> Iterator[bytes]:
        """Return an object in pieces; see `Storage.open`."""
        check_key(key)
        with self._errors(f"reading {key}"):
            try:
                answer = self._api.get(self._store, key)
            except FileNotFoundError as error:
                _refuse_missing_bucket(error)
                raise NotFoundError(f"{key} is not in the storage") from None
        recorded = answer.attributes.get(_HASH)
        if recorded is None or (sha256 is not None and sha256 != recorded):
            raise spoilt(key)

        def pieces() -> Iterator[bytes]:
            with self._errors(f"reading {key}"):
                for piece in answer.stream(min_chunk_size=PIECE):
                    yield bytes(piece)

        return checked(key, pieces(), (recorded,))

    def delete(self, key: str) -> None:
        """Remove an object; see `Storage.delete`."""
        check_key(key)
        with self._errors(f"removing {key}"), suppress(FileNotFoundError):
            self._api.delete(self._store, key)

    def list(self, prefix: str = "") -> Iterator[Found]:
        """Return objects; see `Storage.list`."""
        check_prefix(prefix)
        # The service takes whole folders only.
        folder = prefix.rpartition("/")[0] or None
        with self._errors("listing"):
            for batch in self._api.list(self._store, prefix=folder):
                for one in batch:
                    if one["path"].startswith(prefix):
                        yield Found(one["path"], int(one["size"]), cast("datetime", one["last_modified"]))

    def clean(self, *, before: datetime) -> int:  # noqa: ARG002 -- nothing that an upload leaves can be seen from here
        """Return 0: the bucket's own rule removes what interrupted uploads leave."""
        return 0

    def healthy(self) -> Health:
        """Tell whether an object can be written, read and removed now."""
        key = f"health/{uuid4().hex}"
        try:
            self.put(key, _PROBE)
            ok = self.get(key) == _PROBE
            self.delete(key)
        except (UnavailableError, NotFoundError) as error:
            return Health(ok=False, detail=str(error))
        return Health(ok=ok, detail=f"{self.label} can be written and read")

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except AfterbayError:
            raise
        except (BaseError, OSError, ValueError) as error:
            # Their text quotes whole requests, signatures included.
            raise UnavailableError(
                f"storage {self.label}: {doing} failed ({_reason(error)}) "
                "-> check address, keys and network of the store"
            ) from None


def _refuse_missing_bucket(error: BaseException) -> None:
    if "NoSuchBucket" in str(error):
        raise OSError("there is no such bucket") from None


def _reason(error: BaseException) -> str:
    """Return the status an answer had, if one is told; never the request."""
    text = str(error)
    if "no such bucket" in text or "NoSuchBucket" in text:
        return "there is no such bucket"
    found = re.search(r"status(?: code)?:? (\d{3}[\w ]{0,30})", text)
    if found:
        return found[1].strip()
    if re.search(r"connect|timed? ?out|dns", text, re.IGNORECASE):
        return "no answer"
    return (getattr(error, "strerror", None) or type(error).__name__).removesuffix("Error")
