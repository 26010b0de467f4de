"""Journeys start real processes and take minutes; `make journeys` runs them, the quick suite does not."""

from __future__ import annotations

import os

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("AFTERBAY_JOURNEYS") == "1":
        return
    for item in items:
        if "journeys" in item.path.parts:
            item.add_marker(pytest.mark.skip(reason="make journeys runs it"))
