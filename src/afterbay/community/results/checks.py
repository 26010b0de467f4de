"""The physics check of a run: the laws that its numbers must obey, and how well they do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.community.results.residuals import battery_residuals_kwh, meter_residuals_kwh, node_residuals_kwh
from afterbay.core.errors import PhysicsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from afterbay.community.simulation import CommunityRun
    from afterbay.core.compiled import Floats

__all__ = ["CommunityCheck", "CommunityLaw", "community_check"]

_RELATIVE = 1e-9


@dataclass(frozen=True, slots=True)
class CommunityLaw:
    """One law and how far the run is from it."""

    name: str
    excess_kwh: float
    """Largest error of any house, bus, day or step [kWh]; 0 or less is perfect."""
    allowed_kwh: float
    """Rounding: 1e-9 of the largest flow [kWh]."""
    at: str
    """Where it is largest."""

    @property
    def holds(self) -> bool:
        """Is the law kept to rounding? Not a number never holds."""
        return bool(self.excess_kwh <= self.allowed_kwh)


@dataclass(frozen=True, slots=True)
class CommunityCheck:
    """All laws of one run."""

    laws: tuple[CommunityLaw, ...]

    @property
    def passed(self) -> bool:
        """Do all laws hold?"""
        return all(law.holds for law in self.laws)

    @property
    def summary(self) -> str:
        """`physics 12/12`."""
        return f"physics {sum(law.holds for law in self.laws)}/{len(self.laws)}"

    def raise_if_failed(self) -> None:
        """Raise `PhysicsError` naming every broken law."""
        broken = [law for law in self.laws if not law.holds]
        if broken:
            lines = "; ".join(
                f"{law.name}: off by {law.excess_kwh:.3g} kWh at {law.at}, allowed {law.allowed_kwh:.1g}"
                for law in broken
            )
            raise PhysicsError(f"the run breaks physics ({lines}) -> a defect of ours: report it with its input")

    def to_dict(self) -> dict[str, Any]:
        """Return the check for machine-readable output."""
        return {
            "passed": self.passed,
            "summary": self.summary,
            "laws": [{**asdict(law), "holds": law.holds} for law in self.laws],
        }


def community_check(run: CommunityRun) -> CommunityCheck:
    """Check a run against the laws of physics: twelve, and two more when the series of houses were kept."""
    return CommunityCheck((*_house_laws(run), *_node_laws(run), *_whole_laws(run), *_series_laws(run)))


def _house_laws(run: CommunityRun) -> Iterator[CommunityLaw]:
    days = run.days.dates
    hours = np.diff(run.days.starts)[:, None] * run.timeline.dt_h
    charge, discharge, stored = run.daily("charge_kwh"), run.daily("discharge_kwh"), run.daily("stored_kwh")
    imported, exported = run.daily("import_kwh"), run.daily("export_kwh")
    generation = run.daily("solar_kwh") + run.daily("wind_kwh")
    demand = run.daily("load_kwh") + run.daily("car_kwh")
    unserved = run.daily("unserved_connection_kwh") + run.daily("unserved_network_kwh")
    curtailed = run.daily("curtailed_connection_kwh") + run.daily("curtailed_network_kwh")
    scale = max(float(part.max(initial=0.0)) for part in (imported, exported, generation, demand, stored, charge))
    batteries = [house.batteries for house, _ in run.grid.every_house()]

    def total(field: str) -> Floats:
        return np.array([sum(getattr(battery, field) for battery in own) for own in batteries], dtype=np.float64)

    floor = np.array([sum(b.min_soc * b.capacity_kwh for b in own) for own in batteries], dtype=np.float64)
    ceiling = np.array([sum(b.max_soc * b.capacity_kwh for b in own) for own in batteries], dtype=np.float64)

    def law(name: str, excess: Floats) -> CommunityLaw:
        return _law(name, excess, scale, days, run.tree.house_names)

    yield law("every house takes in what it uses and gives, by day", meter_residuals_kwh(run))
    yield law("every battery keeps what it took less losses, by day", battery_residuals_kwh(run))
    yield law("stored energy stays within its window", np.maximum(stored - ceiling, floor - stored))
    yield law(
        "batteries stay within their power",
        np.maximum(charge - total("charge_kw") * hours, discharge - total("discharge_kw") * hours),
    )
    yield law("curtailed at most what was generated or discharged", curtailed - generation - discharge)
    yield law("unserved at most what was asked for", unserved - demand - charge)
    lowest = np.minimum.reduce([imported, exported, generation, demand, unserved, curtailed, charge, discharge])
    yield law("no flow is negative", np.maximum(-lowest, -run.daily("battery_loss_kwh")))
    bought, sold = run.daily("bought_kwh"), run.daily("sold_kwh")
    paper = np.abs(bought.sum(axis=1) - run.daily("paid_kwh").sum(axis=1))[:, None]
    beyond = np.maximum(bought - imported, sold - exported)
    yield law("shared at most what meters show, and bought is what was paid for", np.maximum(beyond, paper))


def _node_laws(run: CommunityRun) -> Iterator[CommunityLaw]:
    down, up, loss = run.nodes("down_kwh"), run.nodes("up_kwh"), run.nodes("loss_kwh")
    tree, dt_h = run.tree.tree, run.timeline.dt_h
    scale = max(float(part.max(initial=0.0)) for part in (down, up, run.nodes("supply_kwh"), run.nodes("demand_kwh")))
    labels = [run.timeline.label(step).isoformat() for step in range(run.timeline.count)]

    def law(name: str, excess: Floats) -> CommunityLaw:
        return _law(name, excess, scale, labels, run.tree.node_names)

    yield law("supply and demand meet at every bus in every step", node_residuals_kwh(run))
    limits = np.maximum(down - tree.import_kw * dt_h, up - tree.export_kw * dt_h)
    yield law("flows stay within limits and go one way", np.maximum(limits, np.minimum(down, up)))
    least = up * (1.0 - tree.eta_up) + down * (1.0 / tree.eta_down - 1.0) + tree.no_load_kw * dt_h
    off = least - loss
    # Without load losses the efficiencies say all; with them they are what is lost at least.
    off = np.where(tree.load_loss_per_kw > 0.0, off, np.abs(off))
    yield law("losses of transformers follow from their efficiencies", off)


def _whole_laws(run: CommunityRun) -> Iterator[CommunityLaw]:
    """Months, days, steps, houses and substation tell of the same energy."""
    meters = run.daily("export_kwh") - run.daily("import_kwh")
    substation = run.nodes("up_kwh")[:, 0] - run.nodes("down_kwh")[:, 0]
    losses = run.nodes("loss_kwh").sum(axis=1)
    by_day = np.add.reduceat(substation + losses, run.days.starts[:-1])
    off = np.abs(meters.sum(axis=1) - by_day)[:, None]
    scale = float(run.daily("import_kwh").sum(axis=1).max(initial=0.0))
    scale = max(scale, float(run.daily("export_kwh").sum(axis=1).max(initial=0.0)))
    yield _law("houses and losses add up to the substation, by day", off, scale, run.days.dates, ("community",))


def _series_laws(run: CommunityRun) -> Iterator[CommunityLaw]:
    if not run.chosen:
        return
    labels = [run.timeline.label(step).isoformat() for step in range(run.timeline.count)]
    imported, exported, charge, discharge = (
        np.stack([run.series(house, f"{name}_kwh") for house in run.chosen], axis=1)
        for name in ("import", "export", "charge", "discharge")
    )
    scale = max(float(part.max(initial=0.0)) for part in (imported, exported, charge, discharge))
    yield _law(
        "no house imports and exports in the same step", np.minimum(imported, exported), scale, labels, run.chosen
    )
    place = [run.tree.house_names.index(house) for house in run.chosen]
    rows = np.stack([run.daily(f"{name}_kwh")[:, place] for name in ("import", "export", "charge", "discharge")])
    sums = np.stack(
        [np.add.reduceat(part, run.days.starts[:-1], axis=0) for part in (imported, exported, charge, discharge)]
    )
    off = np.abs(sums - rows).max(axis=0)
    yield _law("steps add up to days", off, float(rows.max(initial=0.0)), run.days.dates, run.chosen)


def _law(name: str, excess: Floats, scale: float, rows: Any, columns: Any) -> CommunityLaw:
    if excess.size == 0:
        return CommunityLaw(name, 0.0, _RELATIVE, "nowhere")
    # A number that is none breaks every law.
    known = np.where(np.isnan(excess), np.inf, excess)
    row, column = np.unravel_index(int(np.argmax(known)), known.shape)
    return CommunityLaw(
        name, max(float(known[row, column]), 0.0), _RELATIVE * max(scale, 1.0), f"{columns[column]}, {rows[row]}"
    )
