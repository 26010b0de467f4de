"""The block sun as a project on the server, and a bench that asks the API and does the work of its jobs at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from afterbay.server.errors import add_error_handlers
from afterbay.server.platform.identity import access
from afterbay.server.platform.jobs.bodies import find_body
from afterbay.server.platform.jobs.context import JobCancelled, JobContext
from afterbay.server.platform.jobs.service.leases import Leases
from afterbay.server.platform.jobs.tables import JobRow
from afterbay.server.platform.modules.service import Quotas, permissions_of
from afterbay.server.platform.storage import Storage, open_storage
from afterbay.server.principal import Principal
from afterbay.server.profiles.service.profiles import keep_profile
from afterbay.server.profiles.service.series import Made
from afterbay.server.sizing.router import exports, results, simulations
from afterbay.server.sizing.service.projects import create_project
from afterbay.server.sizing.tables import Share, Simulation
from afterbay.server.sizing.tasks.wiring import wire_runs
from afterbay.sizing.project import Project, load_project

MODULE = "bess-sizing"
HOURS = np.arange(8760)
LOAD = np.full(8760, 10.0)
SUN = np.where((HOURS % 24 >= 8) & (HOURS % 24 < 16), 30.0, 0.0)
SECTIONS: dict[str, dict[str, Any]] = {
    "setup_config": {
        "load_mode": "csv",
        "solar_source": "csv",
        "bess_efficiency": 100,
        "bess_min_soc": 0,
        "bess_max_soc": 100,
        "bess_initial_soc": 50,
        "dg_enabled": False,
    },
    "rules_config": {},
    "sizing_config": {
        "capacity_min": 40,
        "capacity_max": 160,
        "capacity_step": 40,
        "durations": [4],
        "optimization_goal": {"delivery_mode": "at_least", "delivery_target_pct": 99},
    },
    "financial_config": {"costs": {"installation_pct": 0}},
}
"""Section E of ux.md: 10 MW in every hour, 30 MW of sun from 08:00 to 16:00, a battery without losses."""


def person(name: str, role: str) -> Principal:
    """Return somebody with a role in the module."""
    permissions = {MODULE: permissions_of(MODULE, role)}
    return Principal(uuid4(), f"{name}@example.org", name, permissions=permissions, address="127.0.0.1")


class HereCompute:
    """Does heavy work at once; notes how many parts it was given."""

    label = "here"

    def __init__(self) -> None:
        self.parts = 0

    def map(self, function: Any, chunks: Sequence[Any], *, on_done: Any = None, check: Any = None) -> list[Any]:
        found = []
        for place, chunk in enumerate(chunks):
            self.parts += 1
            found.append(function(chunk))
            if on_done is not None:
                on_done(place, found[-1])
        return found

    def close(self) -> None:
        """Nothing to end."""


class Bench:
    """A server without sockets: an app, its database and its store."""

    def __init__(self, sessions: sessionmaker[Session], storage: Storage, folder: Path) -> None:
        self.sessions, self.storage, self.folder = sessions, storage, folder
        self.quotas = Quotas()
        wire_runs(self)
        self.compute = HereCompute()
        self.engineer = person("eva", "engineer")
        self.admin = person("ada", "admin")
        self.viewer = person("vic", "viewer")
        self.stranger = person("sam", "engineer")
        self.client = TestClient(self._app(), raise_server_exceptions=False)

    def _app(self) -> FastAPI:
        app = FastAPI()
        app.state.sessions, app.state.storage, app.state.quotas = self.sessions, self.storage, self.quotas
        add_error_handlers(app)
        for router in (simulations.router, results.router, exports.router):
            app.include_router(router, prefix="/api/v1")

        def who(request: Request) -> Principal:
            found: Principal = getattr(self, request.headers.get("x-test-user", "engineer"))
            return found

        app.dependency_overrides[access._current_user] = who
        return app

    def ask(self, method: str, path: str, who: str = "engineer", headers: Any = None, **more: Any) -> Any:
        """Send a request as somebody."""
        return self.client.request(
            method, f"/api/v1/bess-sizing{path}", headers={"x-test-user": who, **(headers or {})}, **more
        )

    def get(self, path: str, who: str = "engineer", **params: Any) -> Any:
        """Return the JSON of an answer that must be fine."""
        answer = self.ask("GET", path, who, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def project(self, **changes: dict[str, Any]) -> UUID:
        """Make the block-sun project, with some answers in place of its own."""
        sections = {name: {**section, **changes.get(name, {})} for name, section in SECTIONS.items()}
        with self.sessions.begin() as session:
            load = keep_profile(
                session, self.engineer, self.storage, Made("load", LOAD, 1.0, None, "upload"), name="load.csv"
            )
            sun = keep_profile(
                session, self.engineer, self.storage, Made("solar", SUN, 1.0, None, "upload"), name="solar.csv"
            )
            values = {"name": "Block sun", **sections, "load_profile_id": load.id, "solar_profile_id": sun.id}
            return create_project(session, self.engineer, self.quotas, values).row.id

    def share(self, project_id: UUID, who: str, permission: str) -> None:
        """Let somebody else look at a project, or change it."""
        email = getattr(self, who).email
        with self.sessions.begin() as session:
            session.add(Share(project_id=project_id, email=email, permission=permission, created_by=self.engineer.id))

    def start(self, project_id: UUID, who: str = "engineer", **body: Any) -> dict[str, Any]:
        """Start a run; returns what was answered."""
        answer = self.ask("POST", f"/projects/{project_id}/simulate", who, json=body)
        assert answer.status_code == 202, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def run(self, project_id: UUID, **body: Any) -> str:
        """Start a run and do its job."""
        shown = self.start(project_id, **body)
        self.work(shown["id"])
        return str(shown["id"])

    def taken(self, simulation_id: str) -> tuple[Leases, Any]:
        """Take the job of a run, as a worker does."""
        leases = Leases(self.sessions)
        with self.sessions() as session:
            row = session.scalars(select(JobRow).where(JobRow.resource_id == UUID(simulation_id))).one()
            job_id, ticket = row.id, row.ticket
        return leases, None if ticket is None else leases.take(job_id, ticket)

    def work(self, simulation_id: str) -> dict[str, Any]:
        """Do the job of a run as a worker does, in this thread."""
        leases, taken = self.taken(simulation_id)
        assert taken is not None
        context = JobContext(taken, leases, sessions=self.sessions, storage=self.storage, compute=self.compute)
        try:
            result = find_body(taken.task)(context, taken.args)
        except JobCancelled:
            leases.cancel(taken.lease)
            raise
        except BaseException as error:
            leases.fail(taken.lease, error)
            raise
        leases.succeed(taken.lease, result)
        return result

    def row(self, simulation_id: str) -> Simulation:
        """Return the row of a run as it is now."""
        with self.sessions() as session:
            found = session.get(Simulation, UUID(simulation_id))
            assert found is not None
            return found


@pytest.fixture
def bench(sessions: sessionmaker[Session], tmp_path: Path) -> Iterator[Bench]:
    made = Bench(sessions, open_storage(tmp_path / "store"), tmp_path)
    with made.client:
        yield made


@pytest.fixture
def library(tmp_path: Path) -> Project:
    """The same project, read from files as `afterbay size run` reads it."""
    import yaml

    folder = tmp_path / "files"
    folder.mkdir()
    for name, column, values in (("load", "load_mw", LOAD), ("solar", "solar_mw", SUN)):
        rows = "\n".join([f"hour,{column}", *(f"{hour},{value:g}" for hour, value in enumerate(values))])
        (folder / f"{name}.csv").write_text(rows + "\n")
    setup = {**SECTIONS["setup_config"], "load_file": "load.csv", "solar_file": "solar.csv"}
    costs = SECTIONS["financial_config"]["costs"]
    document = {"name": "Block sun", **SECTIONS, "setup_config": setup, "costs": costs}
    del document["financial_config"]
    (folder / "block.yaml").write_text(yaml.safe_dump(document))
    return load_project(folder / "block.yaml")
