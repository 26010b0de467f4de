"""Parcels on disk while the database is away: files of frames, oldest first, up to a bound."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from struct import Struct
from zlib import crc32

from afterbay.core.errors import UnavailableError

__all__ = ["DiskBuffer"]

_FRAME = Struct(">4sII")
_MARK = b"ABP1"
_LARGEST_FILE = 16 * 2**20


class DiskBuffer:
    """A queue of byte strings in a folder. What `append` returned from is still there after a power cut.

    Not thread-safe: its owner calls one method at a time.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """Open the folder, with what an earlier run left there."""
        self._folder = folder
        self._most = most_bytes
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            found = sorted(folder.glob("*.parcels"), key=lambda path: path.name)
            self._files: deque[tuple[Path, int]] = deque((path, path.stat().st_size) for path in found)
        except OSError as error:
            raise UnavailableError(f"{folder}: cannot keep samples there ({error.strerror})") from None
        self._place = 0
        self._next = int(found[-1].stem) + 1 if found else 1
        self._writable = False

    @property
    def is_empty(self) -> bool:
        """Is nothing waiting?"""
        return not self._files

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(size for _, size in self._files)

    def append(self, raw: bytes) -> None:
        """Add one entry and wait until the disk has it.

        Raises:
            UnavailableError: If the bound is reached or the disk refuses; nothing is kept then.
        """
        frame = _FRAME.pack(_MARK, len(raw), crc32(raw)) + raw
        if self.size + len(frame) > self._most:
            raise UnavailableError(f"the buffer in {self._folder} is full ({self.size / 1e6:.0f} MB)")
        if not self._writable or not self._files or self._files[-1][1] > _LARGEST_FILE:
            self._files.append((self._folder / f"{self._next:012d}.parcels", 0))
            self._next += 1
            self._writable = True
        path, size = self._files[-1]
        try:
            with path.open("ab") as file:
                file.write(frame)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self._take_back(path, size)
            raise UnavailableError(f"{path}: cannot keep samples there ({error.strerror})") from None
        self._files[-1] = (path, size + len(frame))

    def peek(self, most_bytes: int) -> tuple[list[bytes], int]:
        """Return the oldest entries of the oldest file, and where they end, for `drop`."""
        found: list[bytes] = []
        path, size = self._files[0]
        place, taken = self._place, 0
        with path.open("rb") as file:
            file.seek(place)
            while place < size and (taken == 0 or taken < most_bytes):
                head = file.read(_FRAME.size)
                mark, length, check = _FRAME.unpack(head) if len(head) == _FRAME.size else (b"", 0, 0)
                raw = file.read(length)
                if mark != _MARK or len(raw) < length or crc32(raw) != check:
                    # The end of a file that a power cut tore: nobody was told that it was kept.
                    return found, size
                found.append(raw)
                place += _FRAME.size + length
                taken += length
        return found, place

    def drop(self, place: int) -> None:
        """Forget the entries up to a place that `peek` gave."""
        path, size = self._files[0]
        self._place = place
        if place >= size:
            self._files.popleft()
            self._place = 0
            self._writable = self._writable and bool(self._files)
            path.unlink(missing_ok=True)

    def _take_back(self, path: Path, size: int) -> None:
        """Cut off what a failed write left, so that nothing follows a torn entry."""
        try:
            os.truncate(path, size)
        except OSError:
            self._writable = False
        if not size:
            self._files.pop()
            path.unlink(missing_ok=True)
            # The file before it may be of an earlier run, whose end is torn.
            self._writable = False
