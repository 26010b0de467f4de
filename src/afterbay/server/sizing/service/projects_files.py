"""Projects as files of the library and back, and copies of projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from afterbay.core.errors import InvalidInputError, NotFoundError, Problems
from afterbay.server.platform.audit.service import log_action
from afterbay.server.profiles.service import copy_profile, hold_profile
from afterbay.server.sizing.service.projects import ProjectView, create_project
from afterbay.server.sizing.service.projects_access import MODULE, open_project
from afterbay.server.sizing.service.projects_study import CONFIGS, document_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.modules.service import Quotas
    from afterbay.server.platform.storage import Storage
    from afterbay.server.principal import Principal

__all__ = ["Imported", "clone_project", "config_of", "import_project"]

_FILES: Final = {"load_file": "load_profile_id", "solar_file": "solar_profile_id"}
_IMPORTS: Final = {"load_import": "load", "solar_import": "solar"}
_OF_FILES: Final = (*_FILES, *_IMPORTS, "weather_file")
"""Keys of a project file that name files on somebody's machine."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A project that came from a file."""

    view: ProjectView
    notes: tuple[str, ...]
    """What of the file did not come along, and what to do about it."""


def config_of(session: Session, principal: Principal, project_id: UUID, *, everything: bool) -> dict[str, Any]:
    """Return a project as a project file of the library: `afterbay size run` takes it.

    Profiles are named `<id>.parquet`, as they download; beside each other, file and profiles give the same hash of
    inputs as the server.

    Args:
        session: To ask.
        principal: Who asks.
        project_id: The project.
        everything: Add `financial_config`, which the library's file has no place for but this API reads again.

    Raises:
        NotFoundError: If there is no such project that the principal may see.
        NotAllowedError: If it may not export.
    """
    principal.need(MODULE, "export")
    row, _ = open_project(session, principal, project_id)
    answers = {name: getattr(row, name) or {} for name in CONFIGS}
    document = document_of(answers, name=row.name, description=row.description,
                           customer_reference=row.customer_reference, load_id=row.load_profile_id,
                           solar_id=row.solar_profile_id)  # fmt: skip
    log_action(session, principal, MODULE, "project.exported", project_id)
    if everything and row.financial_config is not None:
        return {**document.values, "financial_config": row.financial_config}
    return document.values


def import_project(session: Session, principal: Principal, quotas: Quotas, given: Mapping[str, Any]) -> Imported:
    """Make a project from a project file.

    A profile that the file names `<id>.parquet` and that the principal may see is taken; for any other the project
    waits until one is brought. The caller has checked types and bounds.

    Raises:
        NotAllowedError: If the principal may not create projects.
        QuotaError: If it has as many as it may.
        InvalidInputError: If the file names weather on somebody's machine, or prices twice.
    """
    principal.need(MODULE, "create")
    problems, notes = Problems(), []
    values = {name: given.get(name) for name in ("name", "description", "customer_reference", "tags", *CONFIGS)}
    setup = dict(values["setup_config"] or {})
    if setup.get("weather_file") is not None:
        problems.add("/setup_config/weather_file", str(setup["weather_file"])[:100], "nothing",
                     "build the profile on your machine and bring it as solar_profile_id")  # fmt: skip
    if given.get("costs") is not None:
        finance = dict(values["financial_config"] or {})
        if finance.get("costs") is not None and finance["costs"] != given["costs"]:
            problems.add("/costs", "other prices than in financial_config.costs", "prices once", "keep one of them")
        values["financial_config"] = {**finance, "costs": dict(given["costs"])}
    problems.raise_if_any()
    for key, column in _FILES.items():
        values[column] = given.get(column) or _known(session, principal, setup.get(key))
        if setup.get(key) is not None and values[column] is None:
            notes.append(f"{setup[key]!s:.100} is not on this server: bring it as a profile and set {column}")
            # Without this, a typical year would stand in for the file that is missing.
            setup |= {"solar_source": "csv"} if key == "solar_file" else {}
    notes += [f"{key} says how a file is read: give it with the profile" for key in _IMPORTS if setup.get(key)]
    if values["setup_config"] is not None:
        values["setup_config"] = {key: one for key, one in setup.items() if key not in _OF_FILES}
    return Imported(create_project(session, principal, quotas, values, reason="imported"), tuple(notes))


def clone_project(
    session: Session, principal: Principal, storage: Storage, quotas: Quotas, project_id: UUID, name: str | None
) -> ProjectView:
    """Make a project of one's own with the answers of another; profiles of others are copied, as the source may go.

    Raises:
        NotFoundError: If there is no such project that the principal may see.
        NotAllowedError: If the principal may not create projects.
        QuotaError: If it has as many as it may.
    """
    source, _ = open_project(session, principal, project_id)
    principal.need(MODULE, "create")
    values: dict[str, Any] = {column: getattr(source, column) for column in (*CONFIGS, "description", "tags",
                                                                            "customer_reference")}  # fmt: skip
    values["name"] = name or f"{source.name[:240]} (copy)"
    for column in _FILES.values():
        profile_id = getattr(source, column)
        if profile_id is not None:
            values[column] = _copied(session, principal, storage, profile_id)
    made = create_project(session, principal, quotas, values, reason=f"cloned from {source.name}"[:200])
    made.row.completed_step = min(source.completed_step, 3)
    session.flush()
    return made


def _known(session: Session, principal: Principal, file: object) -> UUID | None:
    """Return the profile that a file name of ours stands for."""
    try:
        profile_id = UUID(str(file).removesuffix(".parquet"))
        return hold_profile(session, principal, profile_id).id
    except (ValueError, NotFoundError, InvalidInputError):
        return None


def _copied(session: Session, principal: Principal, storage: Storage, profile_id: UUID) -> UUID | None:
    try:
        return copy_profile(session, principal, storage, profile_id).id
    except NotFoundError:
        return None
