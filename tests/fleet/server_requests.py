"""A request for every route of the platform that changes or returns something, if whoever sends it may."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from server_database import ASSET, INVENTORY
from server_identity import PASSWORD

from afterbay.server.fleet.schemas import ASSET_EXAMPLE, SITE_EXAMPLE

PROJECT = "/api/v1/bess-sizing/projects/{project_id}"
_SITE = INVENTORY.sites[0]
_DISPATCH = {"asset_id": ASSET.id, "mw": 1.0, "duration_s": 60}
_TOMORROW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
_INTERVAL = {
    "start": _TOMORROW.isoformat(), "end": (_TOMORROW + timedelta(hours=1)).isoformat(), "mw": 1.0,
}  # fmt: skip
_FILE = ("load.csv", ("hour,load_mw\n" + "".join(f"{hour},1\n" for hour in range(48))).encode(), "text/csv")

BODIES: dict[str, Any] = {
    "POST /api/v1/auth/login": {"email": "owner@example.org", "password": PASSWORD},
    "POST /api/v1/auth/refresh": {"refresh_token": "none of ours"},
    "POST /api/v1/auth/forgotten": {"email": "owner@example.org"},
    "POST /api/v1/auth/password": {"old_password": PASSWORD, "new_password": "eleven red kites over hills"},
    "POST /api/v1/auth/tokens": {"name": "night", "scopes": ["sizing:read"], "days": 1},
    "POST /api/v1/auth/links/look": {"token": "none of ours"},
    "POST /api/v1/auth/links/accept": {"token": "none of ours", "password": PASSWORD},
    "POST /api/v1/admin/users": {"email": "new@example.org", "name": "New"},
    "PATCH /api/v1/admin/users/{user_id}": {"name": "Other"},
    "PUT /api/v1/admin/users/{user_id}/grants/{module}": {"role": "viewer"},
    "POST /api/v1/notifications/channels": {"kind": "email", "target": "somebody@example.org"},
    "POST /api/v1/profiles/build": {"kind": "load", "mode": "constant", "mw": 1.0, "name": "One", "hours": 24},
    "PATCH /api/v1/profiles/{profile_id}": {"name": "Other"},
    f"PUT {PROJECT}": {"description": "Other"},
    f"PUT {PROJECT}/setup": {"load_mode": "constant", "load_mw": 5.0},
    f"PUT {PROJECT}/rules": {"dg_timing": "anytime"},
    f"PUT {PROJECT}/sizing": {"capacity_min": 10.0, "capacity_max": 20.0, "capacity_step": 10.0, "durations": [2]},
    f"PUT {PROJECT}/financial": {},
    f"PUT {PROJECT}/status": {"status": "in_progress"},
    f"PUT {PROJECT}/tags": {"tags": ["other"]},
    f"POST {PROJECT}/shares": {"email": "friend@example.org", "permission": "view"},
    f"POST {PROJECT}/comments": {"body": "seen"},
    f"PUT {PROJECT}/comments/{{comment_id}}": {"body": "seen again"},
    f"POST {PROJECT}/simulate": {"simulation_type": "single", "options": {"capacity": 40.0, "duration": 4.0}},
    f"POST {PROJECT}/quick-analysis": {"options": {"capacity": 40.0, "duration": 4.0}},
    "POST /api/v1/bess-sizing/projects": {"name": "New"},
    "POST /api/v1/bess-sizing/projects/import": {"name": "Brought"},
    "POST /api/v1/bess-sizing/results/compare": {"options": [{"simulation_id": "{simulation_id}"}]},
    "POST /api/v1/fleet/assets": {**ASSET_EXAMPLE, "site_id": _SITE.id},
    "PUT /api/v1/fleet/assets/{asset_id}": {**ASSET_EXAMPLE, "site_id": _SITE.id},
    "POST /api/v1/fleet/sites": SITE_EXAMPLE,
    "PUT /api/v1/fleet/sites/{site_id}": SITE_EXAMPLE,
    "POST /api/v1/fleet/groups": {"name": "Frequency", "asset_ids": [ASSET.id]},
    "PUT /api/v1/fleet/groups/{group_id}": {"name": "Frequency", "asset_ids": [ASSET.id]},
    "POST /api/v1/fleet/telemetry": {"asset_id": ASSET.id, "current_mw": 1.0},
    "POST /api/v1/fleet/dispatch": _DISPATCH,
    "POST /api/v1/fleet/dispatch/preview": _DISPATCH,
    "POST /api/v1/fleet/dispatch/schedule": {"asset_id": ASSET.id, "intervals": [_INTERVAL]},
    "POST /api/v1/fleet/dispatch/{command_id}/cancel": {"reason": "enough"},
    "POST /api/v1/fleet/events": {"asset_id": ASSET.id, "event_type": "noise"},
}  # fmt: skip
"""JSON by route."""
_UPLOAD = {"data": {"profile_type": "load", "dt_h": "1"}, "files": {"file": _FILE}}
_OTHERS: dict[str, Any] = {
    "POST /api/v1/profiles": _UPLOAD,
    "POST /api/v1/profiles/upload": _UPLOAD,
    # All requests share one connection here, and two topics are asked for at once.
    "GET /api/v1/events": {"params": {"topics": "jobs"}},
    f"GET {PROJECT}/versions/diff": {"params": {"from": 1, "to": 1}},
}
_WORDS = {
    "module": "bess-sizing", "module_id": "bess-sizing", "number": "1", "kind": "load", "code": "not-found",
    "name": "swagger-ui.css", "email": "view@example.org", "asset_id": ASSET.id, "site_id": _SITE.id,
}  # fmt: skip
_IDS = {
    "user_id": "target", "session_id": "owner_session", "notification_id": "owner_notification",
    "channel_id": "owner_channel", "job_id": "simulation_job_id",
}  # fmt: skip
_SPECIAL = {
    f"POST {PROJECT}/restore": {"project_id": "deleted_id"},
    "DELETE /api/v1/fleet/sites/{site_id}": {"site_id": "empty_site_id"},
    "DELETE /api/v1/jobs/{job_id}": {"job_id": "queued_job_id"},
    "POST /api/v1/jobs/{job_id}/retry": {"job_id": "cancelled_job_id"},
    "DELETE /api/v1/admin/users/{user_id}/sessions/{session_id}": {"session_id": "target_session"},
    "DELETE /api/v1/admin/users/{user_id}/tokens/{token_id}": {"token_id": "target_token"},
}
_OWNED = frozenset({
    "project_id", "simulation_id", "profile_id", "job_id", "comment_id", "session_id", "token_id", "notification_id",
    "channel_id", "user_id",
})  # fmt: skip


def request_of(route: str, ids: Mapping[str, str]) -> tuple[str, str, dict[str, Any]]:
    """Return method, path and the rest of a request for a route such as `GET /api/v1/jobs/{job_id}`."""
    method, template = route.split(" ", 1)
    names = {**_IDS, **_SPECIAL.get(route, {})}
    path = template
    for name in re.findall(r"\{(\w+)\}", template):
        path = path.replace(f"{{{name}}}", ids[names[name]] if name in names else _WORDS.get(name) or ids[name])
    more = dict(_OTHERS.get(route, {}))
    if route in BODIES:
        more["json"] = _filled(BODIES[route], ids)
    return method, path, more


def with_unknown_id(route: str, ids: Mapping[str, str]) -> tuple[str, str, str] | None:
    """Return the path of a request that meets an object, the same with an id that nobody has, and that id; or None."""
    owned = [name for name in re.findall(r"\{(\w+)\}", route) if name in _OWNED]
    if not owned:
        return None
    unknown = str(uuid4())
    name = {**_IDS, **_SPECIAL.get(route, {})}.get(owned[0], owned[0])
    _, real, _ = request_of(route, ids)
    _, other, _ = request_of(route, {**ids, name: unknown})
    return real, other, unknown


def _filled(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one, ids) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, ids) for one in value]
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        return ids[value[1:-1]]
    return value
