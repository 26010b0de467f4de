"""How kernels are compiled: float64, no fast maths, no threads of their own, cached safely.

A compiler cache keyed by file misses an edit in a *called* function of another file and would keep the
old result. Our cache therefore lives in a folder named by a hash of every kernel source of the package.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import numba
import numpy as np
import platformdirs
from numba.core import config as _numba_config
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Codes", "Floats", "Indices", "cache_folder", "inlined", "kernel_sources", "njit"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int8]
Indices = NDArray[np.int64]
_Function = TypeVar("_Function", bound="Callable[..., Any]")


def kernel_sources(package: Path) -> list[Path]:
    """Return every source that ends in compiled code below `package`, in a stable order.

    These are the kernels and the layouts: the constants that kernels freeze when they are compiled.
    """
    return sorted([*package.rglob("*kernels.py"), *package.rglob("*layout.py")])


def cache_folder(package: Path | None = None, base: Path | None = None) -> Path:
    """Return the folder of compiled kernels for the present sources.

    Args:
        package: Folder of the package; default: this one.
        base: Folder that holds all versions; default: `AFTERBAY_CACHE_DIR`, `NUMBA_CACHE_DIR` or the
            user's cache folder.
    """
    package = package or Path(__file__).resolve().parents[1]
    digest = hashlib.sha256(numba.__version__.encode())
    for source in kernel_sources(package):
        digest.update(source.relative_to(package).as_posix().encode())
        digest.update(source.read_bytes())
    named = os.environ.get("AFTERBAY_CACHE_DIR") or os.environ.get("NUMBA_CACHE_DIR")
    base = base or Path(named or platformdirs.user_cache_path("afterbay"))
    return base / f"kernels-{digest.hexdigest()[:16]}"


def njit(function: _Function) -> _Function:
    """Compile `function` on its first call; without the compiler it runs as plain Python, same bits.

    It releases the interpreter lock, so cases run in threads. `.py_func` is the plain function.
    """
    return _compile(function, "never")


def inlined(function: _Function) -> _Function:
    """As `njit`, but written into its caller by us: for the few where the compiler's own guess is slow."""
    return _compile(function, "always")


def _compile(function: _Function, inline: Literal["never", "always"]) -> _Function:
    with _numba_cache(_FOLDER):
        compiled: Any = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy", inline=inline)(function)
    return cast("_Function", compiled)


@contextlib.contextmanager
def _numba_cache(folder: Path) -> Iterator[None]:
    # The setting is global to the compiler: put it back, other packages have caches of their own.
    config: Any = _numba_config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        config.CACHE_DIR = before


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        # A read-only home must not stop a run. The cache is executable code, so the stand-in is a
        # private folder of this process, never a shared one.
        private = Path(tempfile.mkdtemp(prefix="afterbay-kernels-"))
        atexit.register(shutil.rmtree, private, ignore_errors=True)
        return private


_FOLDER = _writable(cache_folder())
