"""What many plants are worth at once, under one set of assumptions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.sizing.finance.cashflow import discount_factors, payback_columns
from afterbay.sizing.finance.config import FinancialConfig
from afterbay.sizing.finance.statement import COSTS, RENEWALS, statement_columns
from afterbay.sizing.finance.years import EnergyColumns, PlantColumns, require_kind

__all__ = ["FinanceColumns", "levelised_columns", "npv_columns"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinanceColumns:
    """What many plants are worth, shape (n_cases,) unless said otherwise; nan where there is no number."""

    capital_usd: FloatArray
    npv_usd: FloatArray
    payback_years: FloatArray
    discounted_payback_years: FloatArray
    lcoe_usd_per_mwh: FloatArray
    lcos_usd_per_mwh: FloatArray
    net_cash_flow_usd: FloatArray
    """Shape (n_cases, n_years + 1)."""


def npv_columns(
    config: FinancialConfig,
    energy: EnergyColumns,
    *,
    bess_mwh: ArrayLike,
    bess_mw: ArrayLike,
    dg_mw: ArrayLike = 0.0,
    solar_mw: ArrayLike = 0.0,
) -> FinanceColumns:
    """Return what many plants are worth under one set of assumptions.

    Args:
        config: Assumptions about money.
        energy: What each plant does in each year, shape (n_cases, n_years).
        bess_mwh: Nameplate capacity of each battery [MWh], shape (n_cases,) or one for all.
        bess_mw: Power of each battery [MW], likewise.
        dg_mw: Rating of each generator [MW], likewise.
        solar_mw: Size of each solar plant [MW], likewise.

    Raises:
        InvalidInputError: If a size cannot be used or the years are not those of the project; all are named.
    """
    require_kind("config", config, FinancialConfig)
    require_kind("energy", energy, EnergyColumns)
    plant = PlantColumns.read(energy.n_cases, bess_mwh=bess_mwh, bess_mw=bess_mw, dg_mw=dg_mw, solar_mw=solar_mw)
    lines = statement_columns(config, plant, energy)
    lcoe, lcos = levelised_columns(config, lines, energy)
    return FinanceColumns(
        capital_usd=lines["investment_usd"][:, 0],
        npv_usd=lines["cumulative_discounted_usd"][:, -1],
        payback_years=payback_columns(lines["net_cash_flow_usd"]),
        discounted_payback_years=payback_columns(lines["discounted_usd"]),
        lcoe_usd_per_mwh=lcoe,
        lcos_usd_per_mwh=lcos,
        net_cash_flow_usd=lines["net_cash_flow_usd"],
    )


def levelised_columns(
    config: FinancialConfig, lines: dict[str, FloatArray], energy: EnergyColumns
) -> tuple[FloatArray, FloatArray]:
    """Return LCOE and LCOS [USD/MWh], shape (n_cases,); nan without delivered energy."""
    factors = discount_factors(config.discount_rate_fraction, np.arange(energy.n_years + 1))
    served = energy.delivered_mwh @ factors[1:]
    renewals = sum(lines[name] for name in RENEWALS)
    paid = (sum(lines[name] for name in COSTS) + renewals) @ factors + lines["investment_usd"][:, 0]
    free = (lines["penalty_usd"] + lines["residual_value_usd"]) @ factors
    some = served > 0.0
    per = np.where(some, served, 1.0)
    return np.where(some, (paid - free) / per, np.nan), np.where(some, paid / per, np.nan)
