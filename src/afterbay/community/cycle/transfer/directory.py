"""Files moved through a folder: a disk, a network share, a cloud drive that is mounted."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from afterbay.community.cycle.transfer.interface import (
    MOST_BYTES,
    Receipt,
    TransferError,
    Worker,
    check_content,
    check_name,
    digest_of,
)

if TYPE_CHECKING:
    from afterbay.community.cycle.transfer.interface import TickForm

__all__ = ["DirectoryTransfer"]


@dataclass(frozen=True, slots=True)
class DirectoryTransfer:
    """A folder that both ends see."""

    folder: Path
    worker: Worker = "local"

    @property
    def label(self) -> str:
        """The folder, as it may be logged."""
        return f"file:{self.folder}"

    def send(self, name: str, content: bytes, form: TickForm | None = None) -> Receipt:
        """Put a file there under a hidden name and give it its own when it is whole.

        Raises:
            TransferError: If it could not be written, or does not read back as it was written.
        """
        _ = form  # a folder has no form; a worker there knows weather and seed from its own settings
        target = self.folder / check_name(name)
        part = target.with_name(f".{name[:80]}.{secrets.token_hex(4)}.part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                with part.open("wb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
                check_content(name, part.read_bytes(), size=len(content), sha256=digest_of(content))
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise self._failed(f"{name} cannot be written", error) from None
        return Receipt(name, len(content), digest_of(content))

    def find(self, name: str) -> int | None:
        """Return the size of a file there [bytes], or None while there is none."""
        try:
            return (self.folder / check_name(name)).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(f"{name} cannot be looked at", error) from None

    def fetch(self, name: str, receipt: Receipt | None = None) -> bytes:
        """Return a file from there; `<name>.sha256` beside it is compared, where a worker writes one.

        Raises:
            TransferError: If it cannot be read, or is not as its checksum says.
        """
        _ = receipt
        path = self.folder / check_name(name)
        try:
            size = path.stat().st_size
            if size > MOST_BYTES:
                raise TransferError(f"{name}: {size:,} bytes, at most {MOST_BYTES:,}", passing=False)
            content = path.read_bytes()
            beside = path.with_name(f"{name}.sha256")
            told = beside.read_text(encoding="ascii", errors="replace").split() if beside.is_file() else []
        except OSError as error:
            raise self._failed(f"{name} cannot be read", error) from None
        check_content(name, content, size=size, sha256=told[0] if told else None)
        return content

    def remove(self, name: str) -> None:
        """Take a file and its checksum away; what is not there is no error."""
        path = self.folder / check_name(name)
        try:
            path.unlink(missing_ok=True)
            path.with_name(f"{name}.sha256").unlink(missing_ok=True)
        except OSError as error:
            raise self._failed(f"{name} cannot be removed", error) from None

    def _failed(self, what: str, error: OSError) -> TransferError:
        return TransferError(f"{self.label}: {what}: {error.strerror or type(error).__name__}")
