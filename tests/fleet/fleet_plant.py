"""Assets and times that the tests of the simulated plant share."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from afterbay.fleet.inventory import Asset, Site

__all__ = ["NOON", "SITE", "battery", "identity"]

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
SITE = Site("4c1feab9-a58f-507c-8676-9b98ffd67e7f", "North Quay", latitude=54.98, longitude=-1.45)


def identity(name: str) -> str:
    """Return the same UUID for the same name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:afterbay:test:{name}"))


def battery(name: str = "B-1", **fields: Any) -> Asset:
    """Return a battery of 120 MWh and 60 MW, with some fields changed."""
    usual: dict[str, Any] = {
        "id": identity(name),
        "site_id": SITE.id,
        "name": name,
        "capacity_mwh": 120.0,
        "max_mw": 60.0,
        "min_mw": -60.0,
        "efficiency": 0.92,
    }
    return Asset(**{**usual, **fields})
