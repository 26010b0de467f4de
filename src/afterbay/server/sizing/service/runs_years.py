"""One option of a run over its years, and its money: what `afterbay size years` and `size report` compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from afterbay.server.sizing.service.projects_money import finance_of, projection_of
from afterbay.server.sizing.service.runs import label_of, simulate_option, sizes_of
from afterbay.server.sizing.service.runs_outcome import plain
from afterbay.sizing.finance import FinancialProjection, PlantSize
from afterbay.sizing.projection import project_years, year_energies

if TYPE_CHECKING:
    from afterbay.sizing.project import Project
    from afterbay.sizing.projection import Projection
    from afterbay.sizing.simulation import HourlyResults

__all__ = ["Lifetime", "YearsAsked", "live", "years_document"]


@dataclass(frozen=True, slots=True, kw_only=True)
class YearsAsked:
    """What replaces the project's assumptions about years and money; None leaves them. Shares in percent."""

    years: int | None = None
    loss_pct: float | None = None
    """Battery energy lost per year, compound [%]."""
    solar_loss_pct: float | None = None
    discount_pct: float | None = None
    energy_price_usd_per_mwh: float | None = None
    fuel_price_usd_per_l: float | None = None
    residual_pct: float | None = None

    def financial_of(self, stored: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return a `financial_config` with what is asked in place of what is stored."""
        money = {
            "project_life_years": self.years,
            "discount_rate_pct": self.discount_pct,
            "energy_price_usd_per_mwh": self.energy_price_usd_per_mwh,
            "fuel_price_usd_per_l": self.fuel_price_usd_per_l,
            "residual_value_pct": self.residual_pct,
        }
        yearly = {"fixed_loss_pct_per_year": self.loss_pct, "solar_loss_pct_per_year": self.solar_loss_pct}
        found = {**(stored or {}), **{name: one for name, one in money.items() if one is not None}}
        more = {name: one for name, one in yearly.items() if one is not None}
        return {**found, "projection": {**(found.get("projection") or {}), **more}}


@dataclass(frozen=True, slots=True, eq=False)
class Lifetime:
    """A plant over its years, in energy and in money."""

    hourly: HourlyResults
    """The first year, new."""
    projection: Projection
    finance: FinancialProjection


def live(project: Project, index: int, financial: Mapping[str, Any] | None) -> Lifetime:
    """Simulate the years of one option and value them.

    Args:
        project: The project of a run.
        index: Which option, from 0.
        financial: A `financial_config`; what is missing takes the library's default.

    Raises:
        InvalidInputError: If the assumptions cannot be used.
        OutOfRangeError: If the run has no such option.
    """
    money, config = finance_of(financial), projection_of(financial)
    hourly = simulate_option(project, index)
    params = hourly.params
    projection = project_years(params, hourly.template, config)
    plant = PlantSize(bess_mwh=params.bess_capacity, bess_mw=params.bess_discharge_power, dg_mw=params.dg_rating_mw)
    return Lifetime(hourly, projection, FinancialProjection(money, plant, year_energies(projection)))


def years_document(project: Project, index: int, lifetime: Lifetime) -> dict[str, Any]:
    """Return a lifetime as plain values: option, years as columns, finance with its assumptions."""
    projection, sizes = lifetime.projection, sizes_of(project, index)
    columns = {
        **{name: column.tolist() for name, column in projection.states.items()},
        "retention_pct": projection.retention_pct.tolist(),
        **{name: column.tolist() for name, column in projection.metrics.items()},
    }
    document: dict[str, Any] = plain({
        "index": index,
        "label": label_of(sizes),
        **sizes,
        "input_hash": project.input_hash,
        "years": {"year": list(range(1, len(projection) + 1)), **columns},
        "finance": lifetime.finance.to_dict(),
    })  # fmt: skip
    return document
