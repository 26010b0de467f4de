"""A store in a folder of this machine.

```
<root>/profiles/7f3a/solar.parquet        an object
<root>/.hashes/profiles/7f3a/solar.parquet  its SHA-256, and while it is replaced that of the old content too
<root>/.partial/...                       what is being written
```
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from afterbay.core.errors import InvalidInputError, NotFoundError, Problem, UnavailableError
from afterbay.server.platform.storage.content import PIECE, checked, pieces_of, spoilt
from afterbay.server.platform.storage.interface import Found, Health, Stored, check_key, check_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from afterbay.server.platform.storage.interface import Content

__all__ = ["FolderStorage"]

_HASHES: Final = ".hashes"
_PARTIAL: Final = ".partial"
_LOCK: Final = ".lock"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PROBE: Final = b"afterbay"


class FolderStorage:
    """Objects as files; each appears, and is replaced, whole."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    @property
    def label(self) -> str:
        """The folder."""
        return str(self._root)

    def put(self, key: str, data: Content) -> Stored:
        """Store an object; see `Storage.put`."""
        path, hashes = self._paths(key)
        digest, size = hashlib.sha256(), 0
        with self._errors(f"writing {key}"):
            partial = self._root / _PARTIAL / uuid4().hex
            _make_folder(partial.parent)
            try:
                with partial.open("xb") as file:
                    for piece in pieces_of(data):
                        digest.update(piece)
                        size += len(piece)
                        file.write(piece)
                    file.flush()
                    os.fsync(file.fileno())
                self._place(partial, path, hashes, digest.hexdigest())
            except (FileExistsError, IsADirectoryError, NotADirectoryError):
                raise InvalidInputError(
                    Problem("storage key", key, "a key that is not the folder of another", "choose another name")
                ) from None
            finally:
                partial.unlink(missing_ok=True)
        return Stored(key, size, digest.hexdigest())

    def get(self, key: str, *, sha256: str | None = None) -> bytes:
        """Return an object; see `Storage.get`."""
        return b"".join(self.open(key, sha256=sha256))

    def open(self, key: str, *, sha256: str | None = None) -> Iterator[bytes]:
        """Return an object in pieces; see `Storage.open`."""
        path, hashes = self._paths(key)
        with self._errors(f"reading {key}"):
            try:
                with self._locked():
                    file, wanted = path.open("rb"), _read_hashes(hashes)
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                raise NotFoundError(f"{key} is not in the storage") from None
        if not wanted or (sha256 is not None and sha256 not in wanted):
            file.close()
            raise spoilt(key)

        def pieces() -> Iterator[bytes]:
            with file, self._errors(f"reading {key}"):
                yield b""
                while piece := file.read(PIECE):
                    yield piece

        begun = pieces()
        # Begun, so that the file is closed also when nobody asks for the first piece.
        next(begun)
        return checked(key, begun, wanted if sha256 is None else (sha256,))

    def delete(self, key: str) -> None:
        """Remove an object; see `Storage.delete`."""
        path, hashes = self._paths(key)
        with self._errors(f"removing {key}"):
            if not self._root.is_dir():
                return
            with self._locked():
                path.unlink(missing_ok=True)
                hashes.unlink(missing_ok=True)
            for one in (path, hashes):
                self._remove_empty(one.parent)

    def list(self, prefix: str = "") -> Iterator[Found]:
        """Return objects; see `Storage.list`."""
        check_prefix(prefix)
        folder = self._root.joinpath(*prefix.split("/")[:-1])
        with self._errors("listing"):
            for parent, folders, names in os.walk(folder):
                folders[:] = [name for name in folders if not name.startswith(".")]
                for name in names:
                    path = Path(parent, name)
                    key = path.relative_to(self._root).as_posix()
                    if name.startswith(".") or not key.startswith(prefix):
                        continue
                    # Somebody may remove it meanwhile.
                    with suppress(FileNotFoundError):
                        facts = path.stat()
                        yield Found(key, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))

    def clean(self, *, before: datetime) -> int:
        """Remove what interrupted writes left behind; see `Storage.clean`."""
        gone = 0
        with self._errors("cleaning"):
            folder = self._root / _PARTIAL
            for path in folder.iterdir() if folder.is_dir() else ():
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < before.timestamp():
                        path.unlink()
                        gone += 1
        return gone

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

    def _paths(self, key: str) -> tuple[Path, Path]:
        segments = check_key(key).split("/")
        return self._root.joinpath(*segments), self._root.joinpath(_HASHES, *segments)

    def _place(self, partial: Path, path: Path, hashes: Path, digest: str) -> None:
        """Let the new content appear. Whatever happens between two steps, content and noted hashes fit."""
        with self._locked():
            _make_folder(path.parent)
            _make_folder(hashes.parent)
            known = _read_hashes(hashes) if path.is_file() else []
            self._note(hashes, [digest, *(one for one in known if one != digest)])
            partial.rename(path)
            _sync_folder(path.parent)
            if known:
                self._note(hashes, [digest])

    def _note(self, hashes: Path, digests: Sequence[str]) -> None:
        partial = self._root / _PARTIAL / uuid4().hex
        try:
            with partial.open("x", encoding="ascii") as file:
                file.write("\n".join(digests))
                file.flush()
                os.fsync(file.fileno())
            partial.rename(hashes)
        finally:
            partial.unlink(missing_ok=True)
        _sync_folder(hashes.parent)

    def _remove_empty(self, folder: Path) -> None:
        """Remove folders that became empty, up to the root; one that somebody else uses meanwhile stays."""
        with suppress(OSError), self._locked():
            while folder not in (self._root, self._root / _HASHES):
                folder.rmdir()
                folder = folder.parent

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time places its content; the writing itself is not locked."""
        with (self._root / _LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                move = "free space on the disk, or set AFTERBAY_STORAGE_URL to a larger one"
            else:
                move = "check that the folder exists and that this program may write to it"
            reason = error.strerror or type(error).__name__
            raise UnavailableError(f"storage {self.label}: {doing} failed ({reason}) -> {move}") from error


def _read_hashes(hashes: Path) -> list[str]:
    try:
        return hashes.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []


def _make_folder(folder: Path) -> None:
    for missing in [one for one in (folder, *folder.parents) if not one.exists()][::-1]:
        missing.mkdir(mode=0o700, exist_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
