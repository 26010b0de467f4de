"""One size of a project, answered at once and kept nowhere: what happens if a number is moved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from afterbay.server.sizing.service.runs import MODULE, label_of, simulate_option, sizes_of
from afterbay.server.sizing.service.runs_outcome import plain
from afterbay.server.sizing.service.runs_project import Options, check_answers, find_project
from afterbay.sizing.cost import capital_cost_usd
from afterbay.sizing.days import day_steps, worst_day
from afterbay.sizing.metrics import calculate_metrics

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.storage import Storage
    from afterbay.server.principal import Principal

__all__ = ["QuickAnswer", "analyse_quickly"]

# Threads that compete for the interpreter cost each other a third of their time.
_turns: Final = BoundedSemaphore(os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class QuickAnswer:
    """One size, simulated."""

    label: str
    sizes: dict[str, float]
    """capacity [MWh], duration [h], power, dg_capacity and, where it varies, solar_capacity [MW]."""
    capital_cost_usd: float
    metrics: dict[str, Any]
    physics: dict[str, Any]
    dispatch_template: int | None
    input_hash: str
    worst_day: int
    """The day with the most energy not served, from 1."""
    worst_day_steps: dict[str, list[Any]]
    """The steps of that day as columns."""
    warnings: list[str]
    assumptions: list[str]


def analyse_quickly(
    session: Session,
    principal: Principal,
    storage: Storage,
    project_id: UUID,
    override: Mapping[str, Any],
    options: Options,
) -> QuickAnswer:
    """Simulate one size of a project, with answers in place of its own.

    Args:
        session: To find the project and its profiles.
        principal: Who asks; whoever may look at the project and run something in the module.
        storage: Where profiles are.
        project_id: The project.
        override: Answers by section.
        options: The size; where the project's own grid is a single size, nothing.

    Raises:
        NotFoundError: If there is no such project that the principal may see.
        NotAllowedError: If it may not run anything.
        InvalidInputError: With every problem of the answers.
    """
    principal.need(MODULE, "create")
    row = find_project(session, principal, project_id, edit=False)
    with _turns:
        project = check_answers(session, storage, row, override, options, "single", recent=True).project
        hourly = simulate_option(project, 0)
        sizes = sizes_of(project, 0)
        cost = capital_cost_usd(
            sizes["capacity"],
            sizes["power"],
            sizes["dg_capacity"],
            sizes.get("solar_capacity", 0.0),
            costs=project.costs,
        )
        day = worst_day(hourly)
        steps = day_steps(hourly, day)
        return QuickAnswer(
            label_of(sizes),
            sizes,
            cost,
            plain(calculate_metrics(hourly, hourly.params).to_dict()),
            plain(hourly.physics.to_dict()),
            project.template.number,
            project.input_hash,
            day,
            {name: getattr(hourly, name)[steps].tolist() for name in hourly.columns},
            list(project.warnings),
            list(project.assumptions),
        )
