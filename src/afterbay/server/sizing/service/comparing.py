"""Options of one or of several runs side by side: the same metrics, the best of each marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from afterbay.server.sizing.service.results import METRIC_UNITS, FinishedRun, open_run

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.storage import Storage
    from afterbay.server.principal import Principal

__all__ = ["METRICS", "Chosen", "Comparison", "compare_options"]

METRICS: Final = (
    ("delivery_pct", "Delivery (share of load hours)", +1),
    ("load_served_pct", "Load served (energy)", +1),
    ("pct_green_energy_of_demand", "Solar share of the demand (energy)", +1),
    ("pct_solar_curtailed", "Solar curtailed", -1),
    ("total_solar_to_load", "Solar to load", 0),
    ("total_solar_to_bess", "Solar to battery", 0),
    ("total_solar_curtailed", "Solar not used", -1),
    ("total_bess_to_load", "Battery to load", 0),
    ("total_bess_losses", "Lost in the battery", -1),
    ("total_dg_to_load", "Generator to load", 0),
    ("total_unserved", "Not served", -1),
    ("dg_runtime_hours", "Generator hours", -1),
    ("dg_starts", "Generator starts", -1),
    ("total_fuel_consumed", "Fuel", -1),
    ("bess_equivalent_cycles", "Battery cycles", -1),
    ("capital_cost_usd", "Capital cost", -1),
)
"""Name, words, and whether more (+1) or less (-1) is better."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One option of one run."""

    simulation_id: UUID
    index: int | None = None
    """None: the one that is recommended, or the nearest to the goal."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Options, and each metric over them."""

    options: list[dict[str, Any]]
    metrics: list[dict[str, Any]]
    notes: list[str]
    """What to know before one reads them side by side."""


def compare_options(session: Session, principal: Principal, storage: Storage, chosen: Sequence[Chosen]) -> Comparison:
    """Put options side by side, in the order in which they were asked for.

    Raises:
        NotFoundError: If there is a run that the principal may not see.
        ConflictError: If a run has no results.
        OutOfRangeError: If a run has no such option.
    """
    runs: dict[UUID, FinishedRun] = {}
    options, rows = [], []
    for one in chosen:
        run = runs.get(one.simulation_id)
        if run is None:
            run = runs[one.simulation_id] = open_run(session, principal, storage, one.simulation_id)
        index = run.index_of(one.index)
        row = run.option_row(index)
        rows.append(row)
        sizes = {name: value for name, value in row.items() if name not in ("metrics", "capital_cost_usd")}
        options.append({
            "simulation_id": run.id,
            "name": run.row.name,
            "label": run.label(index),
            "recommended": run.choice["recommended"] is not None and run.shown == index,
            "input_hash": run.row.inputs_hash,
            **sizes,
        })  # fmt: skip
    metrics = []
    for name, words, better in METRICS:
        values = [row[name] if name == "capital_cost_usd" else row["metrics"].get(name) for row in rows]
        first = values[0]
        metrics.append({
            "metric": name,
            "words": words,
            "unit": "USD" if name == "capital_cost_usd" else METRIC_UNITS[name],
            "better": {1: "more", -1: "less", 0: None}[better],
            "values": values,
            "difference_to_first": [None if None in (value, first) else value - first for value in values],
            "best": _best(values, better),
        })  # fmt: skip
    notes = []
    if len({run.row.inputs_hash for run in runs.values()}) > 1:
        notes.append("These runs were made from different inputs: look at what differs before you compare sizes.")
    return Comparison(options, metrics, notes)


def _best(values: Sequence[float | None], better: int) -> list[bool]:
    """Mark the best of several, unless they are all equal or there is no better."""
    known = [value for value in values if value is not None]
    if not better or len(known) < len(values) or len(set(known)) == 1:
        return [False] * len(values)
    best = max(known) if better > 0 else min(known)
    return [value == best for value in values]
