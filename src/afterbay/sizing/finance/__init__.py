"""What a plant is worth: statements, net present value, rate of return, payback, levelised cost.

`FinancialConfig` holds every assumption with its source; `FinancialProjection` turns the years of a plant into a
statement and its key figures.
"""

from afterbay.sizing.finance.projection import (
    LINES,
    Assumption,
    EnergyColumns,
    FinanceColumns,
    FinancialConfig,
    FinancialProjection,
    IrrReport,
    PlantSize,
    WaterfallPart,
    YearEnergy,
    annuity_usd,
    calculate_irr,
    calculate_mirr,
    calculate_npv,
    calculate_xirr,
    calculate_xnpv,
    capital_recovery_fraction,
    discounted_payback_years,
    fixed_charge_lcoe_usd_per_mwh,
    irr_report,
    levelised_cost_usd_per_mwh,
    npv_columns,
    payback_years,
    xirr_report,
)

__all__ = [
    "LINES",
    "Assumption",
    "EnergyColumns",
    "FinanceColumns",
    "FinancialConfig",
    "FinancialProjection",
    "IrrReport",
    "PlantSize",
    "WaterfallPart",
    "YearEnergy",
    "annuity_usd",
    "calculate_irr",
    "calculate_mirr",
    "calculate_npv",
    "calculate_xirr",
    "calculate_xnpv",
    "capital_recovery_fraction",
    "discounted_payback_years",
    "fixed_charge_lcoe_usd_per_mwh",
    "irr_report",
    "levelised_cost_usd_per_mwh",
    "npv_columns",
    "payback_years",
    "xirr_report",
]
