"""Chooses the store by its address."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.server.platform.storage.folder import FolderStorage

if TYPE_CHECKING:
    from afterbay.server.platform.storage.interface import Storage

__all__ = ["open_storage"]


def open_storage(url: str | Path) -> Storage:
    """Return the store at an address; nothing is connected yet, a folder is made when something is put into it.

    Args:
        url: A folder (a path, or `file://`), `s3://bucket/folder` or `gs://bucket/folder`. Keys of the latter come
            from the environment (`AWS_...`, `GOOGLE_...`), and so does the address of a store that is not Amazon's
            (`AWS_ENDPOINT_URL_S3`).

    Raises:
        InvalidInputError: If it is none of these.
        MissingExtraError: If `obstore` is needed and not installed.
    """
    if isinstance(url, Path):
        return FolderStorage(url)
    parts = urlsplit(url)
    if parts.scheme in ("s3", "gs"):
        from afterbay.server.platform.storage.objects import ObjectStorage

        return ObjectStorage(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return FolderStorage(Path(unquote(parts.path)))
    if parts.scheme or not url.strip():
        shown = f"{parts.scheme}://..." if parts.scheme else "nothing"
        raise InvalidInputError(
            Problem("AFTERBAY_STORAGE_URL", shown, "a folder, s3://bucket/folder or gs://bucket/folder", "mend it")
        )
    return FolderStorage(Path(url))
