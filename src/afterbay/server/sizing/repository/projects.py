"""Asks and fills `bess_projects` and what hangs on a project."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Select, delete, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from afterbay.server.db import Repository
from afterbay.server.rest.paging import Order, PageRequest, Slice, Sort, fetch_page
from afterbay.server.sizing.tables import Comment, Project, ProjectVersion, Share, Simulation

__all__ = ["SORTS", "ProjectQuery", "ProjectRepository", "Whose"]

SORTS: Final = ("created_at", "name", "status", "updated_at")
_COLUMNS: Final = {
    "created_at": Project.created_at,
    "name": Project.name,
    "status": Project.status,
    "updated_at": Project.updated_at,
}
Whose: TypeAlias = Literal["mine", "shared", "all"]


@dataclass(frozen=True, slots=True)
class ProjectQuery:
    """What somebody looks for among projects; what is None or empty does not narrow it."""

    user_id: UUID
    email: str
    """The user's address, as shares keep it."""
    everybody: bool = False
    """Also projects that are neither the user's nor shared with them."""
    whose: Whose = "all"
    statuses: Collection[str] = ()
    tags: Collection[str] = ()
    """All of them."""
    text: str = ""
    """Part of name, description, reference or owner, in any case of letters."""
    owner_id: UUID | None = None
    deleted: bool = False


class ProjectRepository(Repository):
    """Projects, shares, versions and comments."""

    def find(self, project_id: UUID, *, lock: bool = False) -> Project | None:
        """Return a project, deleted or not."""
        query = select(Project).where(Project.id == project_id)
        if lock:
            # Somebody else may have changed it since this session read it.
            query = query.with_for_update().execution_options(populate_existing=True)
        return self.session.scalars(query).one_or_none()

    def add(self, project: dict[str, Any]) -> Project:
        """Add a project and return its row."""
        row = Project(**project)
        self.session.add(row)
        self.session.flush()
        self.session.refresh(row)
        return row

    def page(self, wanted: ProjectQuery, page: PageRequest, sort: Sort) -> Slice[Project]:
        """Return one page of the projects that somebody may see."""
        order = Order(sort, _COLUMNS[sort.name], Project.id)
        return fetch_page(self.session, _narrowed(select(Project), wanted), page, order)

    def count_of(self, owner_id: UUID) -> int:
        """Return how many projects somebody has; deleted ones do not count."""
        query = select(func.count()).select_from(Project).where(Project.owner_id == owner_id)
        return self.session.scalar(query.where(Project.deleted_at.is_(None))) or 0

    def tags(self, wanted: ProjectQuery) -> Sequence[tuple[str, int]]:
        """Return every tag of the projects that somebody may see, with how many have it."""
        tagged = _narrowed(select(func.unnest(Project.tags).label("tag")), wanted).subquery()
        query = select(tagged.c.tag, func.count()).group_by(tagged.c.tag).order_by(tagged.c.tag)
        return [(tag, count) for tag, count in self.session.execute(query)]

    def using(self, profile_id: UUID) -> Sequence[Project]:
        """Return the projects that use a profile; also deleted ones, which may come back."""
        used = or_(Project.load_profile_id == profile_id, Project.solar_profile_id == profile_id)
        return self.session.scalars(select(Project).where(used).order_by(Project.name, Project.id)).all()

    def deleted_before(self, moment: datetime, limit: int) -> Sequence[Project]:
        """Return projects that were deleted before a moment and are not held by anybody else."""
        query = select(Project).where(Project.deleted_at < moment).order_by(Project.deleted_at).limit(limit)
        return self.session.scalars(query.with_for_update(skip_locked=True)).all()

    def runs_of(self, project_id: UUID) -> Sequence[UUID]:
        """Return the ids of a project's runs, deleted ones too."""
        return self.session.scalars(select(Simulation.id).where(Simulation.project_id == project_id)).all()

    def remove(self, project_id: UUID) -> None:
        """Remove a project and everything that hangs on it, for good."""
        self.session.execute(delete(Project).where(Project.id == project_id))

    def now(self) -> datetime:
        """Return the clock of the database."""
        found: datetime = self.session.scalars(select(func.clock_timestamp())).one()
        return found

    def shared_with(self, project_id: UUID, email: str) -> str | None:
        """Return how a project is shared with an address."""
        query = select(Share.permission).where(Share.project_id == project_id, Share.email == email)
        return self.session.scalars(query).one_or_none()

    def shared_to(self, project_ids: Collection[UUID], email: str) -> dict[UUID, str]:
        """Return how each of these projects is shared with an address."""
        query = select(Share.project_id, Share.permission)
        query = query.where(Share.project_id.in_(project_ids), Share.email == email)
        return {row.project_id: row.permission for row in self.session.execute(query)}

    def shares(self, project_id: UUID) -> Sequence[Share]:
        """Return with whom a project is shared."""
        query = select(Share).where(Share.project_id == project_id).order_by(Share.email)
        return self.session.scalars(query.execution_options(populate_existing=True)).all()

    def put_share(self, project_id: UUID, email: str, permission: str, created_by: UUID) -> None:
        """Share a project, or change how it is shared."""
        values = {"project_id": project_id, "email": email, "permission": permission, "created_by": created_by}
        added = insert(Share).values(**values)
        self.session.execute(
            added.on_conflict_do_update(index_elements=["project_id", "email"], set_={"permission": permission})
        )

    def remove_share(self, project_id: UUID, email: str) -> bool:
        """Take a share back; tells whether there was one."""
        gone = delete(Share).where(Share.project_id == project_id, Share.email == email).returning(Share.email)
        return self.session.scalars(gone).one_or_none() is not None

    def add_version(self, **columns: Any) -> None:
        """Add one version of a project's answers."""
        self.session.add(ProjectVersion(**columns))
        self.session.flush()

    def version(self, project_id: UUID, number: int) -> ProjectVersion | None:
        """Return one version."""
        query = select(ProjectVersion).where(ProjectVersion.project_id == project_id, ProjectVersion.number == number)
        return self.session.scalars(query).one_or_none()

    def versions(self, project_id: UUID, page: PageRequest, sort: Sort) -> Slice[ProjectVersion]:
        """Return one page of a project's versions."""
        order = Order(sort, ProjectVersion.number, ProjectVersion.project_id)
        query = select(ProjectVersion).where(ProjectVersion.project_id == project_id)
        return fetch_page(self.session, query, page, order)

    def comments(self, project_id: UUID, page: PageRequest, sort: Sort) -> Slice[Comment]:
        """Return one page of what was said about a project."""
        order = Order(sort, Comment.created_at, Comment.id)
        return fetch_page(self.session, select(Comment).where(Comment.project_id == project_id), page, order)

    def comment(self, project_id: UUID, comment_id: UUID) -> Comment | None:
        """Return one comment, to be changed."""
        query = select(Comment).where(Comment.project_id == project_id, Comment.id == comment_id)
        return self.session.scalars(query.with_for_update()).one_or_none()

    def add_comment(self, **columns: Any) -> Comment:
        """Add a comment and return its row."""
        row = Comment(**columns)
        self.session.add(row)
        self.session.flush()
        self.session.refresh(row)
        return row

    def remove_comment(self, row: Comment) -> None:
        """Remove a comment."""
        self.session.delete(row)
        self.session.flush()


def _narrowed(query: Select[Any], wanted: ProjectQuery) -> Select[Any]:
    mine = Project.owner_id == wanted.user_id
    shared = exists().where(Share.project_id == Project.id, Share.email == wanted.email)
    query = query.where(Project.deleted_at.is_not(None) if wanted.deleted else Project.deleted_at.is_(None))
    if wanted.whose == "mine":
        query = query.where(mine)
    elif wanted.whose == "shared":
        query = query.where(shared, ~mine)
    elif not wanted.everybody:
        query = query.where(or_(mine, shared))
    if wanted.statuses:
        query = query.where(Project.status.in_(wanted.statuses))
    if wanted.tags:
        query = query.where(Project.tags.contains(list(wanted.tags)))
    if wanted.owner_id is not None:
        query = query.where(Project.owner_id == wanted.owner_id)
    if wanted.text:
        columns = (Project.name, Project.description, Project.customer_reference, Project.owner_name)
        part = wanted.text.lower()
        query = query.where(or_(*(func.lower(one).contains(part, autoescape=True) for one in columns)))
    return query
