"""Runs in the database: found, listed, counted, and changed only while they may be."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import defer

from afterbay.server.db import Repository
from afterbay.server.rest.paging import Order, fetch_page
from afterbay.server.sizing.tables import Simulation

if TYPE_CHECKING:
    from collections.abc import Collection

    from afterbay.server.rest.paging import PageRequest, Slice, Sort

__all__ = ["SORTS", "SimulationRepository"]

SORTS: Final = ("created_at", "name")


_LIGHT: Final = (
    defer(Simulation.config_snapshot),
    defer(Simulation.optimization_results),
    defer(Simulation.projection_results),
)
"""A list or a status need none of these; they are read when somebody looks at them."""


class SimulationRepository(Repository):
    """Asks and changes `bess_simulations`."""

    def add(self, **values: Any) -> Simulation:
        """Add a run."""
        row = Simulation(**values)
        self.session.add(row)
        self.session.flush()
        self.session.refresh(row)
        return row

    def find(self, simulation_id: UUID, *, whole: bool = False) -> Simulation | None:
        """Return a run that is not deleted; `whole` reads its large columns at once."""
        query = select(Simulation).where(Simulation.id == simulation_id, Simulation.deleted_at.is_(None))
        return self.session.scalars(query if whole else query.options(*_LIGHT)).one_or_none()

    def lock(self, simulation_id: UUID) -> Simulation | None:
        """Return a run that is not deleted, as it is now, and keep others from changing it until the end."""
        query = (
            select(Simulation)
            .where(Simulation.id == simulation_id, Simulation.deleted_at.is_(None))
            .options(*_LIGHT)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return self.session.scalars(query).one_or_none()

    def page(self, project_id: UUID, *, status: str | None, page: PageRequest, sort: Sort) -> Slice[Simulation]:
        """Return one page of the runs of a project."""
        query = select(Simulation).where(Simulation.project_id == project_id, Simulation.deleted_at.is_(None))
        query = query.options(*_LIGHT)
        if status is not None:
            query = query.where(Simulation.status == status)
        named = func.coalesce(Simulation.name, "")
        order = Order(sort, named if sort.name == "name" else Simulation.created_at, Simulation.id)
        return fetch_page(self.session, query, page, order)

    def count_since(self, user_id: UUID, moment: datetime) -> int:
        """Return how many runs a user started since a moment, the deleted ones too."""
        query = select(func.count()).where(Simulation.created_by == user_id, Simulation.created_at >= moment)
        return int(self.session.scalar(query) or 0)

    def now(self) -> datetime:
        """Return the moment of this transaction, by the database's clock."""
        moment: datetime = self.session.execute(select(func.now())).scalar_one()
        return moment

    def existing(self, ids: Collection[UUID]) -> set[UUID]:
        """Return which of these runs are there and not deleted."""
        query = select(Simulation.id).where(Simulation.id.in_(ids), Simulation.deleted_at.is_(None))
        return set(self.session.scalars(query).all())
