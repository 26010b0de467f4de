"""The yearly statement of a plant, for many plants at once: year 0 is today, every later flow falls at year end.

Costs and taxes are positive in their own lines; flows count what is received as positive.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.sizing.cost import capital_cost_usd
from afterbay.sizing.finance.cashflow import MOST_USD, discount_factors
from afterbay.sizing.finance.config import FinancialConfig
from afterbay.sizing.finance.years import EnergyColumns, PlantColumns

__all__ = ["COSTS", "LINES", "RENEWALS", "REVENUES", "statement_columns"]

FloatArray = NDArray[np.float64]

REVENUES: Final = ("energy_revenue_usd", "capacity_revenue_usd")
COSTS: Final = (
    "battery_om_usd",
    "generator_om_usd",
    "generator_variable_usd",
    "solar_om_usd",
    "fuel_usd",
    "penalty_usd",
)
RENEWALS: Final = ("augmentation_usd", "replacement_usd")

LINES: Final = {
    "energy_revenue_usd": "Delivered energy × price",
    "capacity_revenue_usd": "Battery power × capacity payment",
    "revenue_usd": "Sum of the two above",
    "battery_om_usd": "Effective capacity × maintenance",
    "generator_om_usd": "Rating × fixed maintenance",
    "generator_variable_usd": "Generated energy × variable cost",
    "solar_om_usd": "Solar size × maintenance",
    "fuel_usd": "Fuel × price",
    "penalty_usd": "Penalty for what was not served",
    "augmentation_usd": "Added battery modules",
    "replacement_usd": "Renewed battery, inverter and generator",
    "opex_usd": "Sum of the costs above, without renewals that are capitalised",
    "ebitda_usd": "Revenue less opex",
    "investment_usd": "Capital in year 0, and renewals that are capitalised",
    "residual_value_usd": "Received for the plant at the end",
    "depreciation_usd": "Straight line; what is left is written off in the last year",
    "profit_before_tax_usd": "EBITDA plus residual value less depreciation",
    "taxable_income_usd": "Profit before tax, if any, less losses of earlier years",
    "loss_carried_forward_usd": "Losses not yet used at the end of the year",
    "tax_usd": "Tax on the taxable income",
    "net_cash_flow_usd": "EBITDA plus residual value less investment and tax",
    "discounted_usd": "Net cash flow at its value of today",
    "cumulative_usd": "Sum of the net cash flows so far",
    "cumulative_discounted_usd": "Sum of the discounted flows so far; the last is the NPV",
}
"""Every line of a statement in order, in words."""


def statement_columns(config: FinancialConfig, plant: PlantColumns, energy: EnergyColumns) -> dict[str, FloatArray]:
    """Return every line of `LINES` [USD], each of shape (n_cases, n_years + 1).

    Raises:
        InvalidInputError: If the years are not those of the project, a part would be renewed twice, or an amount is
            beyond all reason.

    Source: sizing.md section 9; decision 18.
    """
    _check(config, energy)
    lines = {name: np.zeros((energy.n_cases, energy.n_years + 1)) for name in LINES}
    for name, yearly in _yearly(config, plant, energy).items():
        lines[name][:, 1:] = yearly
    _sum_up(config, lines, _capital_usd(config, plant))
    largest = max(float(np.abs(column).max()) for column in lines.values())
    if largest > MOST_USD:
        move = "check the units of prices, sizes and energies"
        raise InvalidInputError(Problem("statement", f"an amount of {largest:g}", f"at most {MOST_USD:g}", move))
    return lines


def _yearly(config: FinancialConfig, plant: PlantColumns, energy: EnergyColumns) -> dict[str, FloatArray]:
    """Return the lines that follow from what the plant did in a year, shape (n_cases, n_years)."""
    age = np.arange(energy.n_years)
    prices = (1.0 + config.inflation_fraction) ** age
    bess_mw, dg_mw, solar_mw = (size[:, np.newaxis] for size in (plant.bess_mw, plant.dg_mw, plant.solar_mw))
    unserved = (
        energy.unserved_mwh * config.penalty_usd_per_unserved_mwh
        + energy.unserved_hours * config.penalty_usd_per_unserved_hour
    )
    replaced = (
        (energy.battery_replaced_mwh + _renewed(plant.bess_mwh, energy, config.battery_life_years))
        * config.battery_replacement_usd_per_mwh
        + (energy.inverter_replaced_mw + _renewed(plant.bess_mw, energy, config.inverter_life_years))
        * config.inverter_replacement_usd_per_mw
        + (
            energy.generator_replaced_mw
            + _renewed(plant.dg_mw, energy, config.generator_life_years, config.generator_life_hours)
        )
        * config.generator_replacement_usd_per_mw
    )
    energy_price = config.energy_price_usd_per_mwh * (1.0 + config.energy_price_escalation_fraction) ** age
    return {
        "energy_revenue_usd": energy.delivered_mwh * energy_price,
        "capacity_revenue_usd": bess_mw * config.capacity_payment_usd_per_mw_year * prices,
        "battery_om_usd": energy.effective_mwh * config.battery_om_usd_per_mwh_year * prices,
        "generator_om_usd": dg_mw * config.generator_om_usd_per_mw_year * prices,
        "generator_variable_usd": energy.dg_mwh * config.generator_variable_usd_per_mwh * prices,
        "solar_om_usd": solar_mw * config.solar_om_usd_per_mw_year * prices,
        "fuel_usd": energy.fuel_l * config.fuel_price_usd_per_l * (1.0 + config.fuel_escalation_fraction) ** age,
        "penalty_usd": unserved * prices,
        "augmentation_usd": energy.augmentation_mwh * config.augmentation_usd_per_mwh * prices,
        "replacement_usd": replaced * prices,
    }


def _sum_up(config: FinancialConfig, lines: dict[str, FloatArray], capital_usd: FloatArray) -> None:
    """Fill the sums, the tax and the flows of a statement."""

    def total(names: tuple[str, ...]) -> FloatArray:
        return np.asarray(sum(lines[name] for name in names))

    renewals = total(RENEWALS)
    lines["revenue_usd"] = total(REVENUES)
    lines["opex_usd"] = total(COSTS)
    lines["investment_usd"][:, 0] = capital_usd
    lines["investment_usd" if config.renewals_capitalised else "opex_usd"] += renewals
    lines["residual_value_usd"][:, -1] = capital_usd * (config.residual_value_fraction or 0.0)
    lines["ebitda_usd"] = lines["revenue_usd"] - lines["opex_usd"]
    lines["depreciation_usd"] = _straight_line(lines["investment_usd"], config.depreciation_years)
    before_investment = lines["ebitda_usd"] + lines["residual_value_usd"]
    profit = lines["profit_before_tax_usd"] = before_investment - lines["depreciation_usd"]
    lines["taxable_income_usd"], lines["loss_carried_forward_usd"] = _taxable(profit, config.loss_carry_forward)
    lines["tax_usd"] = lines["taxable_income_usd"] * config.tax_fraction
    net = lines["net_cash_flow_usd"] = before_investment - lines["investment_usd"] - lines["tax_usd"]
    discounted = net * discount_factors(config.discount_rate_fraction, np.arange(net.shape[1]))
    lines["discounted_usd"] = discounted
    lines["cumulative_usd"] = np.cumsum(net, axis=1)
    lines["cumulative_discounted_usd"] = np.cumsum(discounted, axis=1)


def _capital_usd(config: FinancialConfig, plant: PlantColumns) -> FloatArray:
    sizes = (plant.bess_mwh.tolist(), plant.bess_mw.tolist(), plant.dg_mw.tolist(), plant.solar_mw.tolist())
    return np.array([capital_cost_usd(*plant, costs=config.costs) for plant in zip(*sizes, strict=True)])


def _straight_line(investment_usd: FloatArray, years: int) -> FloatArray:
    """Return depreciation in equal parts from the year after each purchase on; the last year takes what is left."""
    depreciation = np.zeros_like(investment_usd)
    last = investment_usd.shape[1] - 1
    for bought in np.flatnonzero(investment_usd.any(axis=0)):
        cost = investment_usd[:, bought]
        whole_years = min(years, last - bought)
        depreciation[:, bought + 1 : bought + 1 + whole_years] += cost[:, np.newaxis] / years
        depreciation[:, last] += cost * (years - whole_years) / years
    return depreciation


def _taxable(profit_usd: FloatArray, carry_forward: bool) -> tuple[FloatArray, FloatArray]:
    """Return taxable income and the losses carried forward at the end of each year, shape (n_cases, n_years + 1)."""
    gains = np.maximum(profit_usd, 0.0)
    taxable, carried = gains.copy(), np.zeros_like(profit_usd)
    if carry_forward:
        losses = np.maximum(-profit_usd, 0.0)
        left = np.zeros(profit_usd.shape[0])
        for year in range(profit_usd.shape[1]):
            used = np.minimum(left, gains[:, year])
            taxable[:, year] -= used
            left = left - used + losses[:, year]
            carried[:, year] = left
    return taxable, carried


def _renewed(
    size: FloatArray, energy: EnergyColumns, life_years: int | None, life_hours: float | None = None
) -> FloatArray:
    """Return the size renewed at the end of each year, shape (n_cases, n_years); never at the end of the last."""
    renewed = np.zeros((energy.n_cases, energy.n_years))
    if life_years is None and life_hours is None:
        return renewed
    age, hours = np.zeros(energy.n_cases), np.zeros(energy.n_cases)
    for year in range(energy.n_years - 1):
        age += 1.0
        hours += energy.dg_hours[:, year]
        worn = hours >= (np.inf if life_hours is None else life_hours)
        ends = worn | (age >= (np.inf if life_years is None else life_years))
        renewed[:, year] = np.where(ends, size, 0.0)
        # Hours run since the end of a life count towards the next one.
        hours = np.where(worn, hours - (life_hours or 0.0), np.where(ends, 0.0, hours))
        age[ends] = 0.0
    return renewed


def _check(config: FinancialConfig, energy: EnergyColumns) -> None:
    problems = Problems()
    if energy.n_years != config.project_life_years:
        problems.add(
            "years",
            f"{energy.n_years} years",
            f"{config.project_life_years} years (project_life_years)",
            "give every year of the project, or change its life",
        )
    lives = {
        "battery_replaced_mwh": config.battery_life_years,
        "inverter_replaced_mw": config.inverter_life_years,
        "generator_replaced_mw": config.generator_life_years or config.generator_life_hours,
    }
    for name, life in lives.items():
        if life is not None and np.any(getattr(energy, name)):
            problems.add(
                name, "replacements in the yearly results", "0 while the config states a life", "state it in one place"
            )
    most_hours, life_hours = float(energy.dg_hours.max()), config.generator_life_hours
    if life_hours is not None and most_hours > life_hours:
        problems.add(
            "generator_life_hours",
            f"{life_hours:g} h with {most_hours:g} h in a year",
            "at least the running hours of any year",
            "book what lasts less than a year as yearly maintenance",
        )
    problems.raise_if_any()
