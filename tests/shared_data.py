"""Where reference results and real data are found, outside the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]


def shared_folder() -> Path:
    """Return the folder named by `AFTERBAY_SHARED`, by default `../shared` beside the project."""
    return Path(os.environ.get("AFTERBAY_SHARED", _ROOT.parent / "shared"))


def shared_path(relative: str) -> Path:
    """Return a path inside the shared folder, or skip the test that asks when it is not there."""
    path = shared_folder() / relative
    if not path.exists():
        pytest.skip(f"needs {relative} in the folder named by AFTERBAY_SHARED")
    return path
