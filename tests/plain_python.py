"""The kernels as plain Python: fresh copies of their sources, with the compiler's decorators left out.

A copy sees copies of the kernels that it calls, so no compiled code takes part. The modules of the package
itself stay as they are.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

__all__ = ["core_kernels", "plain_copy", "sizing_kernels"]

_COMPILER = "afterbay.core.compiled"
_Function = TypeVar("_Function", bound=Callable[..., Any])


def core_kernels() -> Any:
    """Return `afterbay.core.kernels` in plain Python."""
    return plain_copy("afterbay.core.kernels")


def sizing_kernels() -> Any:
    """Return `afterbay.sizing.kernels` in plain Python."""
    return plain_copy("afterbay.sizing.kernels")


@cache
def plain_copy(name: str) -> ModuleType:
    """Return any kernel module in plain Python."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise LookupError(f"no source of {name}")
    copy = ModuleType(f"plain_python.{name}")
    copy.__file__ = found.origin
    copy.__dict__["__builtins__"] = {**vars(builtins), "__import__": _import}
    # A record that a kernel file defines looks its annotations up here.
    sys.modules[copy.__name__] = copy
    exec(compile(Path(found.origin).read_text(encoding="utf-8"), found.origin, "exec"), copy.__dict__)
    left = [name for name, value in vars(copy).items() if _is_compiled(value)]
    if left:
        raise AssertionError(f"{copy.__name__} still calls compiled code: {', '.join(left)}")
    return copy


def _import(
    name: str,
    globals_: Mapping[str, object] | None = None,
    locals_: Mapping[str, object] | None = None,
    fromlist: Sequence[str] = (),
    level: int = 0,
) -> ModuleType:
    if name == _COMPILER:
        return _plain_compiler()
    if name.startswith("afterbay.") and name.endswith("kernels") and fromlist:
        return plain_copy(name)
    return builtins.__import__(name, globals_, locals_, fromlist, level)


@cache
def _plain_compiler() -> ModuleType:
    """Return `afterbay.core.compiled` with decorators that do nothing."""
    copy = ModuleType(f"plain_python.{_COMPILER}")
    copy.__dict__.update(vars(importlib.import_module(_COMPILER)), njit=_as_written, inlined=_as_written)
    return copy


def _as_written(function: _Function) -> _Function:
    return function


def _is_compiled(value: object) -> bool:
    if isinstance(value, ModuleType):
        return value.__name__.startswith("afterbay.") and value.__name__.endswith("kernels")
    return hasattr(value, "py_func")
