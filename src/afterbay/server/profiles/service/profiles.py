"""Profiles: who may see them, their facts, their values, their end.

A profile belongs to who brought it; those of the library belong to everybody. A project opens the profiles it uses
for everybody who may open the project, whoever they belong to: it asks as `SYSTEM`, after it was opened itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from afterbay.core.errors import ConflictError, NotAllowedError, NotFoundError
from afterbay.profiles import Profile
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.storage import service as objects
from afterbay.server.principal import SYSTEM
from afterbay.server.profiles.repository import SORTS, ProfileQuery, ProfileRepository
from afterbay.server.profiles.service.library import LIBRARY, Recipe, made_by, recipe_of
from afterbay.server.profiles.service.looking import Preview, PreviewKind, preview_of, statistics_of
from afterbay.server.profiles.service.series import Made, parquet_bytes, profile_from, read_values, series_hash
from afterbay.server.recent import Recent
from afterbay.server.rest.etags import check_if_match, etag
from afterbay.server.rest.paging import Slice

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy.orm import Session

    from afterbay.server.platform.storage import Storage
    from afterbay.server.principal import Principal
    from afterbay.server.profiles.tables import ProfileRow
    from afterbay.server.rest.paging import PageRequest, Sort

__all__ = [
    "FOLDER", "MODULE", "SORTS", "LookingFor", "Opened", "ProfileView", "UseCount", "copy_profile", "delete_profile",
    "find_profile", "hold_profile", "keep_profile", "list_library", "list_profiles", "no_uses",
    "open_for_download", "open_profile", "open_values", "preview_profile", "profile_statistics", "rename_profile",
]  # fmt: skip

MODULE: Final = "bess-sizing"
"""Its permissions and quotas count for profiles too."""
FOLDER: Final = "profiles/"
"""Where the files of all profiles are kept."""
_MOST_STEPS: Final = 1_000_000
"""Of the series that are kept for the next question about their project: 8 MB."""
_values: Recent[str, NDArray[np.float64]] = Recent(_MOST_STEPS)
"""By the hash of the values, under which nothing else can be."""


@dataclass(frozen=True, slots=True)
class UseCount:
    """Who uses a profile."""

    named: Sequence[str]
    """Names of the projects that the principal may see."""
    others: int
    """How many more there are."""
    opened: bool = False
    """The principal may open one of the projects that use it, and so the profile with it."""


def no_uses(_session: Session, _principal: Principal, _profile_id: UUID) -> UseCount:
    """Count the uses on a server without projects."""
    return UseCount((), 0)


@dataclass(frozen=True, slots=True)
class LookingFor:
    """What somebody looks for among their profiles."""

    profile_type: str | None = None
    source: str | None = None
    text: str = ""
    everybody: bool = False
    """Of all owners; for administrators of the module."""


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A profile as everybody else sees it."""

    id: UUID
    owner_id: UUID
    profile_type: str
    name: str
    description: str
    source: str
    steps: int
    dt_h: float | None
    starts_at: str | None
    capacity_mw: float | None
    size_bytes: int
    values_hash: str
    created_at: datetime | None
    stats: dict[str, Any] | None
    import_report: dict[str, Any] | None
    assumptions: dict[str, Any] | None
    version: int


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A profile with its values [MW], shape (n,)."""

    view: ProfileView
    values: NDArray[np.float64]

    @property
    def start(self) -> datetime | None:
        """Start of the first step."""
        return datetime.fromisoformat(self.view.starts_at) if self.view.starts_at else None

    @property
    def profile(self) -> Profile:
        """The profile as the library has it."""
        return profile_from(self.values, profile_type=self.view.profile_type, name=self.view.name, dt_h=self.view.dt_h,
                            start=self.start, report=self.view.import_report)  # fmt: skip


def keep_profile(
    session: Session, principal: Principal, storage: Storage, made: Made, *, name: str, description: str = ""
) -> ProfileView:
    """Store a series that was read or built.

    The file is written before the row: should the row fail, the file belongs to nothing and is collected.

    Raises:
        NotAllowedError: If the principal may not create in the module.
        UnavailableError: If the store does not answer.
    """
    principal.need(MODULE, "create")
    profile_id = uuid4()
    content = parquet_bytes(made.profile_type, made.values, made.start, made.dt_h)
    key = f"{FOLDER}{profile_id}.parquet"
    stored = objects.keep(session, storage, key, content, module=MODULE, resource_id=profile_id)
    row = ProfileRepository(session).add(
        id=profile_id, owner_id=principal.id, profile_type=made.profile_type, name=name, description=description,
        source=made.source, stats=statistics_of(made.profile_type, made.values, made.dt_h), data_path=stored.key,
        steps=len(made.values), dt_h=made.dt_h, starts_at=made.start.isoformat() if made.start else None,
        capacity_mw=made.capacity_mw, size_bytes=stored.size, values_hash=series_hash(made.values),
        data_hash=stored.sha256, import_report=_storable(made.report.to_dict()) if made.report else None,
        assumptions=dict(made.assumptions) if made.assumptions else None,
    )  # fmt: skip
    facts = {"name": name, "type": made.profile_type, "source": made.source, "steps": len(made.values),
             "values": row.values_hash}  # fmt: skip
    log_action(session, principal, MODULE, "profile.created", profile_id, after=facts)
    return _view(row)


def list_profiles(
    session: Session, principal: Principal, looking: LookingFor, page: PageRequest, sort: Sort
) -> Slice[ProfileView]:
    """Return one page of somebody's profiles.

    Raises:
        NotAllowedError: If the principal may not read in the module, or not everybody's.
    """
    principal.need(MODULE, "read")
    if looking.everybody and not principal.may(MODULE, "manage_users"):
        raise NotAllowedError("only administrators of the module see everybody's profiles -> leave `everybody` out")
    owner = None if looking.everybody else principal.id
    wanted = ProfileQuery(owner, looking.profile_type, looking.source, looking.text)
    found = ProfileRepository(session).page(wanted, page, sort)
    return Slice([_view(row) for row in found.items], found.next_cursor)


def list_library(principal: Principal) -> list[Recipe]:
    """Return the series that the program makes for everybody."""
    principal.need(MODULE, "read")
    return list(LIBRARY.values())


def find_profile(session: Session, principal: Principal, profile_id: UUID) -> ProfileView:
    """Return a profile.

    Raises:
        NotFoundError: If there is none that the principal may see.
        NotAllowedError: If the principal may not read in the module.
    """
    return _view(_row(session, principal, profile_id))


def hold_profile(session: Session, principal: Principal, profile_id: UUID) -> ProfileView:
    """Return a profile that a project is to use; nobody can remove it until the session commits.

    Raises:
        NotFoundError: As `find_profile`.
    """
    return _view(_row(session, principal, profile_id, lock="share"))


def open_values(
    session: Session, principal: Principal, storage: Storage, profile_id: UUID, *, recent: bool = False
) -> Opened:
    """Return a profile with its values; the errors of `find_profile`, and this one.

    Args:
        session: To find it by.
        principal: Who asks.
        storage: Where the values are.
        profile_id: The profile.
        recent: Values that were read and checked a moment ago will do; the store is not asked again.

    Raises:
        UnavailableError: If the store does not answer, or not with what was stored.
    """
    row = _row(session, principal, profile_id)
    if row.recipe is not None:
        return Opened(_view(row), made_by(row.recipe).values)
    if row.data_path is None:
        raise NotFoundError(f"profile {profile_id} has no values -> bring it again")
    path, known = row.data_path, row.values_hash

    def read() -> NDArray[np.float64]:
        return read_values(objects.read(session, storage, path), known)

    return Opened(_view(row), _values.find(known, read, len) if recent else read())


def open_profile(session: Session, principal: Principal, storage: Storage, profile_id: UUID) -> Profile:
    """Return a profile as the library has it; errors as `open_values`.

    For a profile of a project that was opened already, `principal` is `SYSTEM`: it may be the owner's.
    """
    return open_values(session, principal, storage, profile_id).profile


def open_for_download(
    session: Session,
    principal: Principal,
    storage: Storage,
    profile_id: UUID,
    uses: Callable[[Session, Principal, UUID], UseCount],
) -> Opened:
    """Return a profile to be downloaded: one's own, or that of a project that the principal may open.

    Raises:
        NotAllowedError: If the principal may not export in the module.
        NotFoundError: As `find_profile`.
        UnavailableError: If the store does not answer, or not with what was stored.
    """
    principal.need(MODULE, "export")
    try:
        return open_values(session, principal, storage, profile_id)
    except NotFoundError:
        if not uses(session, principal, profile_id).opened:
            raise
    return open_values(session, SYSTEM, storage, profile_id)


def profile_statistics(session: Session, principal: Principal, storage: Storage, profile_id: UUID) -> dict[str, Any]:
    """Return the figures of a profile; errors as `open_values`."""
    view = find_profile(session, principal, profile_id)
    if view.stats is not None:
        return view.stats
    return statistics_of(view.profile_type, open_values(session, principal, storage, profile_id).values, view.dt_h)


def preview_profile(
    session: Session, principal: Principal, storage: Storage, profile_id: UUID, kind: PreviewKind
) -> Preview:
    """Return aggregates of a profile to draw; errors as `open_values`."""
    opened = open_values(session, principal, storage, profile_id)
    return preview_of(kind, opened.values, opened.view.dt_h, opened.start)


def rename_profile(
    session: Session, principal: Principal, profile_id: UUID, *, name: str | None, description: str | None,
    check: str | None = None,
) -> ProfileView:  # fmt: skip
    """Change the words of a profile; its values never change.

    Raises:
        NotFoundError: As `find_profile`.
        NotAllowedError: If it is not the principal's.
        PreconditionFailedError: If it changed meanwhile.
    """
    principal.need(MODULE, "update")
    row = _own(session, principal, profile_id)
    check_if_match(check, etag(row.version))
    before = {"name": row.name, "description": row.description}
    row.name = name if name is not None else row.name
    row.description = description if description is not None else row.description
    after = {"name": row.name, "description": row.description}
    if after != before:
        row.version += 1
        session.flush()
        log_action(session, principal, MODULE, "profile.changed", profile_id, before=before, after=after)
    return _view(row)


def delete_profile(
    session: Session,
    principal: Principal,
    profile_id: UUID,
    uses: Callable[[Session, Principal, UUID], UseCount],
    *,
    check: str | None = None,
) -> None:
    """Remove a profile that no project uses.

    Raises:
        NotFoundError: As `find_profile`.
        NotAllowedError: If the principal may not delete, or not this one.
        ConflictError: If a project uses it, with the names of those that the principal may see.
        PreconditionFailedError: If it changed meanwhile.
    """
    row = _own(session, principal, profile_id)
    principal.need(MODULE, "delete")
    check_if_match(check, etag(row.version))
    found = uses(session, principal, profile_id)
    if found.named or found.others:
        shown = ", ".join(found.named[:10]) + (" and more" if len(found.named) > 10 else "")
        others = f"{found.others} that you may not see" if found.others else ""
        raise ConflictError(
            f"this profile is used by {' and '.join(part for part in (shown, others) if part)} "
            "-> choose another profile there first"
        )
    name = row.name
    ProfileRepository(session).remove(row)
    log_action(session, principal, MODULE, "profile.deleted", profile_id, before={"name": name})
    objects.release_all(session, MODULE, profile_id)


def copy_profile(session: Session, principal: Principal, storage: Storage, profile_id: UUID) -> ProfileView:
    """Return a profile of one's own with the values of another's; what is one's own or everybody's stays as it is.

    The caller vouches that the principal may see the values.
    """
    row = _row(session, SYSTEM, profile_id, lock="share")
    if row.recipe is not None or row.owner_id == principal.id:
        return _view(row)
    opened = open_values(session, SYSTEM, storage, profile_id)
    made = Made(row.profile_type, opened.values, row.dt_h, opened.start, row.source or "upload",
                opened.profile.report if row.import_report else None, row.assumptions, row.capacity_mw)  # fmt: skip
    return keep_profile(session, principal, storage, made, name=row.name, description=row.description)


def _storable(value: Any) -> Any:
    """Return JSON without NUL, which a file's own words may hold and PostgreSQL cannot."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {name: _storable(one) for name, one in value.items()}
    return [_storable(one) for one in value] if isinstance(value, list | tuple) else value


def _own(session: Session, principal: Principal, profile_id: UUID) -> ProfileRow:
    row = _row(session, principal, profile_id, lock="change")
    if row.recipe is not None:
        raise NotAllowedError("the library's profiles belong to everybody and stay as they are -> use one as it is")
    return row


def _row(session: Session, principal: Principal, profile_id: UUID, *, lock: Any = "no") -> ProfileRow:
    principal.need(MODULE, "read")
    repository = ProfileRepository(session)
    row = repository.find(profile_id, lock=lock)
    recipe = recipe_of(profile_id)
    if row is None and recipe is not None:
        _add_from_library(repository, recipe)
        row = repository.find(profile_id, lock=lock)
    visible = row is not None and (
        row.recipe is not None or row.owner_id == principal.id or principal.may(MODULE, "manage_users")
    )
    if row is None or not visible:
        raise NotFoundError(
            f"there is no profile {profile_id} among those you may see -> GET /api/v1/profiles lists them"
        )
    return row


def _add_from_library(repository: ProfileRepository, recipe: Recipe) -> None:
    made = made_by(recipe.key)
    repository.add_once(
        id=recipe.id, owner_id=SYSTEM.id, profile_type=recipe.profile_type, name=recipe.name,
        description=recipe.description, source="system", recipe=recipe.key, steps=len(made.values), dt_h=made.dt_h,
        starts_at=made.start.isoformat() if made.start else None, capacity_mw=made.capacity_mw,
        stats=statistics_of(recipe.profile_type, made.values, made.dt_h), values_hash=series_hash(made.values),
        assumptions=dict(made.assumptions or {}),
    )  # fmt: skip


def _view(row: ProfileRow) -> ProfileView:
    return ProfileView(
        row.id, row.owner_id, row.profile_type, row.name, row.description, row.source or "", row.steps, row.dt_h,
        row.starts_at, row.capacity_mw, row.size_bytes, row.values_hash, row.created_at, row.stats, row.import_report,
        row.assumptions, row.version,
    )  # fmt: skip
