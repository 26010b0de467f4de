"""A project through its life, step by step against a model of it: two engineers, an administrator, and a viewer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from server_projects import MODULE
from sqlalchemy.orm import Session, sessionmaker

from afterbay.core.errors import AfterbayError, ConflictError, NotAllowedError, NotFoundError
from afterbay.server.platform.audit.service import AuditQuery, find_events
from afterbay.server.platform.modules.service import Quotas, permissions_of
from afterbay.server.platform.storage import open_storage
from afterbay.server.principal import Principal
from afterbay.server.rest.paging import PageRequest, Sort
from afterbay.server.sizing.service import projects, sharing, versions
from afterbay.server.sizing.service.projects_files import clone_project


@dataclass
class Model:
    """What a project should be."""

    owner: str
    name: str
    setups: list[Any]
    """The answers of every version, from the first."""
    status: str = "draft"
    deleted: bool = False
    shares: dict[str, str] = field(default_factory=dict)
    changes: int = 1
    """Events in the trail."""

    def access(self, who: str) -> str | None:
        if who in (self.owner, "admin"):
            return "owner"
        return self.shares.get(who)


_WHO = st.sampled_from(["alice", "bob", "alice", "bob", "viewer", "admin"])


class LifeCycle(RuleBasedStateMachine):
    """Does everything that people do to projects, and believes nothing that it did not see."""

    sessions: sessionmaker[Session]
    folder: Path
    made = Bundle("made")

    @initialize()
    def people(self) -> None:
        # New people for every run: what others left in the database is nothing of theirs.
        roles = {"alice": "engineer", "bob": "engineer", "viewer": "viewer", "admin": "admin"}
        self.who = {
            name: Principal(
                uuid4(), f"{name}-{uuid4().hex}@example.org", permissions={MODULE: permissions_of(MODULE, role)}
            )
            for name, role in roles.items()
        }
        self.storage = open_storage(self.folder)
        self.quotas = Quotas()
        self.projects: dict[UUID, Model] = {}

    def _do(self, expected: type[AfterbayError] | None, act: Callable[[Session], Any]) -> Any:
        """Do something in a transaction of its own; it must end as the model says."""
        if expected is None:
            with self.sessions.begin() as session:
                return act(session)
        with pytest.raises(expected), self.sessions.begin() as session:
            act(session)
        return None

    def _may(self, who: str, project: UUID, action: str, *, edit: bool = False) -> type[AfterbayError] | None:
        """Say how a change must end, in the order in which things are looked at."""
        model = self.projects[project]
        role = {"viewer": "viewer", "admin": "admin"}.get(who, "engineer")
        if action not in permissions_of(MODULE, role) and action != "delete":
            return NotAllowedError
        access = None if model.deleted else model.access(who)
        if access is None:
            return NotFoundError
        if action == "own" or (edit and access == "view"):
            return NotAllowedError
        return None

    @precondition(lambda self: len(self.projects) < 2)
    @rule(target=made, who=_WHO, mw=st.floats(1.0, 50.0))
    def create(self, who: str, mw: float) -> Any:
        expected = NotAllowedError if who == "viewer" else None
        values: dict[str, Any] = {"name": f"{who}'s", "setup_config": {"load_mw": mw}}
        view = self._do(expected, lambda session: projects.create_project(session, self.who[who], self.quotas, values))
        if view is None:
            return multiple()
        self.projects[view.row.id] = Model(who, values["name"], [values["setup_config"]])
        return view.row.id

    @rule(who=_WHO, project=made, mw=st.sampled_from([5.0, 6.0, 7.0]))
    def save(self, who: str, project: UUID, mw: float) -> None:
        model, values = self.projects[project], {"setup_config": {"load_mw": mw}}
        expected = self._may(who, project, "update", edit=True)
        if expected is None and model.status == "archived":
            expected = ConflictError
        self._do(expected, lambda session: projects.update_project(session, self.who[who], project, values))
        if expected is None and values["setup_config"] != model.setups[-1]:
            model.setups.append(values["setup_config"])
            model.changes += 1

    @rule(who=_WHO, project=made, name=st.sampled_from(["one", "two"]))
    def rename(self, who: str, project: UUID, name: str) -> None:
        expected = self._may(who, project, "update", edit=True)
        self._do(expected, lambda session: projects.update_project(session, self.who[who], project, {"name": name}))
        model = self.projects[project]
        if expected is None and name != model.name:
            model.name, model.changes = name, model.changes + 1

    @rule(who=_WHO, project=made, status=st.sampled_from(sorted(projects.STATUSES)))
    def move_on(self, who: str, project: UUID, status: str) -> None:
        model = self.projects[project]
        expected = self._may(who, project, "update", edit=True)
        if expected is None and status != model.status and status not in projects.STATUSES[model.status]:
            expected = ConflictError
        self._do(expected, lambda session: projects.update_project(session, self.who[who], project, {"status": status}))
        if expected is None and status != model.status:
            model.status, model.changes = status, model.changes + 1

    @rule(who=_WHO, project=made, back=st.integers(1, 3))
    def restore_version(self, who: str, project: UUID, back: int) -> None:
        model = self.projects[project]
        number = max(len(model.setups) - back, 1)
        expected = self._may(who, project, "update", edit=True)
        if expected is None and model.status == "archived":
            expected = ConflictError
        self._do(expected, lambda session: versions.restore_version(session, self.who[who], project, number))
        if expected is None and model.setups[number - 1] != model.setups[-1]:
            model.setups.append(model.setups[number - 1])
            model.changes += 1

    @rule(
        who=_WHO, project=made, guest=st.sampled_from(["alice", "bob", "viewer"]), how=st.sampled_from(["view", "edit"])
    )
    def share(self, who: str, project: UUID, guest: str, how: Any) -> None:
        model = self.projects[project]
        expected = self._may(who, project, "update")
        if expected is None and model.access(who) != "owner":
            expected = NotAllowedError
        if guest in (who, model.owner):
            return
        email = self.who[guest].email
        self._do(expected, lambda session: sharing.share_project(session, self.who[who], project, email, how))
        if expected is None:
            model.changes += model.shares.get(guest) != how
            model.shares[guest] = how

    @rule(who=_WHO, project=made, guest=st.sampled_from(["alice", "bob", "viewer"]))
    def revoke(self, who: str, project: UUID, guest: str) -> None:
        model = self.projects[project]
        access = None if model.deleted else model.access(who)
        expected: type[AfterbayError] | None = None
        if access is None:
            expected = NotFoundError
        elif guest != who and access != "owner":
            expected = NotAllowedError
        elif guest not in model.shares:
            expected = NotFoundError
        email = self.who[guest].email
        self._do(expected, lambda session: sharing.revoke_share(session, self.who[who], project, email))
        if expected is None:
            del model.shares[guest]
            model.changes += 1

    @rule(who=_WHO, project=made)
    def delete(self, who: str, project: UUID) -> None:
        model = self.projects[project]
        access = None if model.deleted else model.access(who)
        expected = NotFoundError if access is None else None if who == "admin" else NotAllowedError
        self._do(expected, lambda session: projects.delete_project(session, self.who[who], project))
        if expected is None:
            model.deleted, model.changes = True, model.changes + 1

    @rule(who=_WHO, project=made)
    def restore(self, who: str, project: UUID) -> None:
        model = self.projects[project]
        access = model.access(who) if model.deleted else None
        expected = NotFoundError if access is None else None if who == "admin" else NotAllowedError
        self._do(expected, lambda session: projects.restore_project(session, self.who[who], project))
        if expected is None:
            model.deleted, model.changes = False, model.changes + 1

    @precondition(lambda self: len(self.projects) < 4)
    @rule(target=made, who=_WHO, project=made)
    def clone(self, who: str, project: UUID) -> Any:
        model = self.projects[project]
        access = None if model.deleted else model.access(who)
        expected = NotFoundError if access is None else NotAllowedError if who == "viewer" else None
        view = self._do(
            expected,
            lambda session: clone_project(session, self.who[who], self.storage, self.quotas, project, None),
        )
        if view is None:
            return multiple()
        self.projects[view.row.id] = Model(who, f"{model.name} (copy)", [model.setups[-1]])
        return view.row.id

    @rule(project=made)
    def purge_comes_too_early(self, project: UUID) -> None:
        with self.sessions.begin() as session:
            projects.purge_deleted(session)

    def teardown(self) -> None:
        # After the last step and not after each: what counts is how far the steps come.
        self._everybody_sees_what_they_may_and_nothing_else()
        self._every_project_is_what_was_done_to_it()

    def _everybody_sees_what_they_may_and_nothing_else(self) -> None:
        page, sort = PageRequest(200), Sort("name")
        with self.sessions.begin() as session:
            for name, principal in self.who.items():
                for deleted in (False, True):
                    looking = projects.Looking(deleted=deleted)
                    found = projects.list_projects(session, principal, looking, page, sort).items
                    # An administrator of the module sees the projects of other runs of this test too.
                    seen = {view.row.id: view.access for view in found if view.row.id in self.projects}
                    expected = {
                        project: model.access(name)
                        for project, model in self.projects.items()
                        if model.deleted == deleted and model.access(name) is not None
                    }
                    if len(found) < 200:
                        assert seen == expected

    def _every_project_is_what_was_done_to_it(self) -> None:
        with self.sessions.begin() as session:
            for project, model in self.projects.items():
                owner = self.who[model.owner]
                if not model.deleted:
                    row = projects.show_project(session, owner, project).row
                    assert (row.name, row.status, row.setup_config) == (model.name, model.status, model.setups[-1])
                    assert row.config_version == len(model.setups)
                    kept = versions.list_versions(session, owner, project, PageRequest(200)).items
                    answers = [view.snapshot["setup_config"] for view in reversed(kept)]
                    assert answers == model.setups, "no version is ever lost or rewritten"
                events = find_events(session, AuditQuery(module=MODULE, resource_id=str(project)), limit=500)
                assert len(events) == model.changes, "every change is recorded once, and nothing else"


def test_the_life_of_projects_follows_its_model(sessions: sessionmaker[Session], tmp_path: Path) -> None:
    sessions.configure(expire_on_commit=False)
    LifeCycle.sessions, LifeCycle.folder = sessions, tmp_path / "storage"

    run_state_machine_as_test(
        LifeCycle,
        settings=settings(
            max_examples=12, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
