"""People, and the REST of projects and profiles in one process, without a network and without a sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, get_args
from uuid import UUID

from fastapi import APIRouter, FastAPI, Header
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from afterbay.server.errors import NotSignedInError, add_error_handlers, documented
from afterbay.server.platform.identity.access import CurrentUser
from afterbay.server.platform.modules.service import Quotas, permissions_of
from afterbay.server.platform.storage import Storage, open_storage
from afterbay.server.principal import Principal
from afterbay.server.profiles.router import router as profiles
from afterbay.server.rest.bodies import BodyLimits, BodyRules
from afterbay.server.sizing.router import (
    configs,
    projects,
    projects_people,
    projects_profiles,
    projects_versions,
)
from afterbay.server.sizing.service.projects import count_projects
from afterbay.server.sizing.service.projects_profiles import uses_of

MODULE = "bess-sizing"
SIZING = "/api/v1/bess-sizing"
PROFILES = "/api/v1/profiles"

PLAN: dict[str, Any] = {
    "setup_config": {
        "load_mode": "constant", "load_mw": 25.0, "load_day_start": 6, "load_day_end": 18, "solar_capacity_mw": 67.0,
        "bess_efficiency": 87.0, "bess_min_soc": 5.0, "bess_max_soc": 95.0, "bess_initial_soc": 50.0,
        "bess_daily_cycle_limit": 1.0, "dg_enabled": True,
    },
    "rules_config": {
        "dg_timing": "anytime", "dg_trigger": "reactive", "dg_charges_bess": False, "dg_load_priority": "bess_first",
        "dg_takeover_mode": True, "soc_on_threshold": 20.0, "soc_off_threshold": 80.0, "inferred_template": 1,
    },
    "sizing_config": {
        "capacity_min": 50.0, "capacity_max": 200.0, "capacity_step": 25.0, "durations": [2, 4], "dg_min": 0.0,
        "dg_max": 20.0, "dg_step": 5.0,
        "optimization_goal": {"delivery_mode": "maximize", "optimize_for": "min_bess_size"},
    },
}  # fmt: skip
"""Sizing plan, section 4.2, word for word."""


def person(number: int, name: str, role: str) -> Principal:
    """Return somebody with a role in the sizing module."""
    rights = {MODULE: permissions_of(MODULE, role)}
    return Principal(UUID(int=number), f"{name}@example.org", name.capitalize(), permissions=rights)


ALICE = person(1, "alice", "engineer")
BOB = person(2, "bob", "engineer")
VERA = person(3, "vera", "viewer")
ADA = person(4, "ada", "admin")
NOBODY = person(5, "nobody", "none")
PEOPLE = {one.email: one for one in (ALICE, BOB, VERA, ADA, NOBODY)}


def _who(x_test_user: Annotated[str | None, Header()] = None) -> Principal:
    if x_test_user is None:
        raise NotSignedInError("sign in")
    return PEOPLE[x_test_user]


def make_app(sessions: sessionmaker[Session], storage: Storage, quotas: Quotas) -> FastAPI:
    """Return the API of projects and profiles, where a header says who asks."""
    app = FastAPI()
    add_error_handlers(app)
    app.state.sessions, app.state.storage, app.state.quotas = sessions, storage, quotas
    app.state.profile_uses = uses_of
    app.add_middleware(BodyLimits, rules=BodyRules(uploads={PROFILES: 60_000_000}))
    sizing = APIRouter(prefix="/bess-sizing", responses=documented(400, 401, 403, 404, 415, 422))
    for part in (configs, projects, projects_versions, projects_people, projects_profiles):
        sizing.include_router(part.router)
    for router in (sizing, profiles):
        app.include_router(router, prefix="/api/v1")
    current_user = get_args(CurrentUser)[1].dependency
    app.dependency_overrides[current_user] = _who
    return app


class As:
    """Somebody's way to ask."""

    def __init__(self, client: TestClient, who: Principal | None) -> None:
        self._client = client
        self._headers = {"X-Test-User": who.email} if who else {}

    def ask(self, method: str, path: str, expected: int | None = None, **more: Any) -> Any:
        """Send a request and return the answer, whose status must be as expected (2xx by default)."""
        headers = {**self._headers, **more.pop("headers", {})}
        answer = self._client.request(method, path, headers=headers, **more)
        good = answer.status_code == expected if expected else answer.is_success
        assert good, f"{method} {path}: {answer.status_code} {answer.text[:1500]}"
        return answer

    def get(self, path: str, expected: int | None = None, **more: Any) -> Any:
        """GET."""
        return self.ask("GET", path, expected, **more)

    def post(self, path: str, body: Any = None, expected: int | None = None, **more: Any) -> Any:
        """POST a JSON body, or whatever is given by name."""
        return self.ask("POST", path, expected, **({"json": body} if body is not None else {}), **more)

    def put(self, path: str, body: Any, expected: int | None = None, **more: Any) -> Any:
        """PUT a JSON body."""
        return self.ask("PUT", path, expected, json=body, **more)

    def delete(self, path: str, expected: int | None = None, **more: Any) -> Any:
        """DELETE."""
        return self.ask("DELETE", path, expected, **more)

    def project(self, **values: Any) -> Any:
        """Make a project and return it."""
        return self.post(f"{SIZING}/projects", {"name": "Red Rock Quarry", **values}, 201).json()


class Server:
    """The API and everybody who asks it."""

    def __init__(self, client: TestClient, sessions: sessionmaker[Session], storage: Storage, quotas: Quotas) -> None:
        self.client, self.sessions, self.storage, self.quotas = client, sessions, storage, quotas
        self.alice, self.bob, self.vera, self.ada, self.nobody = (
            As(client, one) for one in (ALICE, BOB, VERA, ADA, NOBODY)
        )
        self.stranger = As(client, None)


@contextmanager
def running(sessions: sessionmaker[Session], folder: Path, **limits: int) -> Iterator[Server]:
    """Give the API on a database; `limits` are quotas of the sizing module by name."""
    storage = open_storage(folder / "storage")
    quotas = Quotas({(MODULE, name): most for name, most in limits.items()})
    quotas.count_by(MODULE, "max_projects_per_user", count_projects)
    with TestClient(make_app(sessions, storage, quotas), raise_server_exceptions=False) as client:
        yield Server(client, sessions, storage, quotas)
