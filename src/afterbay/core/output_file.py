"""Write a file whole or not at all."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path

from afterbay.core.errors import InvalidInputError, Problem

__all__ = ["check_file", "write_whole"]


def check_file(path: Path, suffix: str) -> None:
    """Make sure that a file can be made, before any work is done for it.

    Raises:
        InvalidInputError: If the name has another ending, its folder does not exist, or it is a folder.
    """
    if path.suffix.lower() != suffix:
        raise InvalidInputError(
            Problem("path", str(path), f"a name that ends in {suffix}", "give the file this ending")
        )
    if not path.parent.is_dir():
        raise InvalidInputError(
            Problem("path", str(path), "a file in a folder that exists", f"make the folder {path.parent} first")
        )
    if path.is_dir():
        raise InvalidInputError(Problem("path", f"{path}, a folder", "a file", "give a file name inside it"))


def write_whole(path: Path, content: bytes) -> None:
    """Replace `path` by a complete file in one step.

    Raises:
        InvalidInputError: If it cannot be written.
    """
    part = path.with_name(f".{path.name[:80]}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):  # a disk that cannot be written cannot be tidied either
            part.unlink(missing_ok=True)
        raise InvalidInputError(
            Problem(
                "path",
                f"{path} ({error.strerror})",
                "a place that can be written",
                "make room, close it elsewhere, or choose another",
            )
        ) from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise
