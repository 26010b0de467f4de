"""Even payments that are worth a sum today, and what energy costs when every year counts by its present value."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from afterbay.core.checks import is_number
from afterbay.core.errors import Problems
from afterbay.sizing.finance.cashflow import MOST_FLOWS, MOST_USD, check_rate, discount_factors, read_flows

__all__ = [
    "annuity_usd",
    "capital_recovery_fraction",
    "fixed_charge_lcoe_usd_per_mwh",
    "levelised_cost_usd_per_mwh",
]


def capital_recovery_fraction(rate: float, periods: float) -> float:
    """Return the even payment per period that repays 1 USD in `periods` (CRF) [-]; 1/n without interest.

    Raises:
        InvalidInputError: If the rate is out of range or there is no period; all are named.
    """
    problems = Problems()
    check_rate(problems, "rate", rate)
    if not (is_number(periods) and 0.0 < periods <= MOST_FLOWS):
        problems.add("periods", periods, f"a number of periods above 0, up to {MOST_FLOWS:,}", "give years or months")
    problems.raise_if_any()
    # Near 0 the textbook quotient loses its digits; expm1 and log1p keep them.
    lost = -np.expm1(-periods * np.log1p(rate))
    return float(rate / lost) if lost != 0.0 else 1.0 / periods


def annuity_usd(present_usd: float, rate: float, periods: float) -> float:
    """Return the even payment at the end of each period that repays `present_usd` [USD per period].

    Raises:
        InvalidInputError: If a number cannot be used.
    """
    problems = Problems()
    _check_amounts(problems, present_usd=present_usd)
    problems.raise_if_any()
    return float(present_usd * capital_recovery_fraction(rate, periods))


def fixed_charge_lcoe_usd_per_mwh(
    *,
    capital_usd: float,
    fixed_charge_fraction: float,
    fixed_usd_per_year: float,
    variable_usd_per_mwh: float,
    mwh_per_year: float,
) -> float:
    """Return the levelised cost of energy of equal years [USD/MWh].

    Args:
        capital_usd: Cost to build [USD].
        fixed_charge_fraction: Share of it charged a year [-], such as `capital_recovery_fraction(0.08, 20)`.
        fixed_usd_per_year: Yearly cost whatever is produced [USD/a].
        variable_usd_per_mwh: Cost per energy [USD/MWh].
        mwh_per_year: Energy a year [MWh/a], > 0.

    Raises:
        InvalidInputError: If a number cannot be used; all are named.

    Source: the fixed-charge-rate method, LCOE = (FCR CC + FOC) / AEP + VOC.
    """
    problems = Problems()
    _check_amounts(
        problems,
        capital_usd=capital_usd,
        fixed_usd_per_year=fixed_usd_per_year,
        variable_usd_per_mwh=variable_usd_per_mwh,
        mwh_per_year=mwh_per_year,
    )
    check_rate(problems, "fixed_charge_fraction", fixed_charge_fraction)
    if not problems and mwh_per_year <= 0.0:
        problems.add("mwh_per_year", mwh_per_year, "an energy > 0", "without energy there is no cost per energy")
    problems.raise_if_any()
    return float((fixed_charge_fraction * capital_usd + fixed_usd_per_year) / mwh_per_year + variable_usd_per_mwh)


def levelised_cost_usd_per_mwh(rate: float, costs_usd: ArrayLike, energy_mwh: ArrayLike) -> float | None:
    """Return the present value of costs over the present value of energy [USD/MWh]; None without energy.

    Args:
        rate: Discount rate a year [-].
        costs_usd: Costs of today and of the end of each year [USD], + is paid, shape (n,).
        energy_mwh: Energy of the same years [MWh], >= 0, shape (n,).

    Raises:
        InvalidInputError: If the rate or a series cannot be used; all are named.

    Source: decision 18, LCOS = PV(costs) / PV(delivered MWh).
    """
    problems = Problems()
    check_rate(problems, "rate", rate)
    costs = read_flows(problems, "costs_usd", costs_usd)
    energy = read_flows(problems, "energy_mwh", energy_mwh, least=0.0)
    if not problems and costs.size != energy.size:
        problems.add("energy_mwh", f"{energy.size} years", f"{costs.size}, as the costs", "give today's energy too: 0")
    problems.raise_if_any()
    factors = discount_factors(rate, np.arange(costs.size))
    served = float(energy @ factors)
    return float(costs @ factors) / served if served > 0.0 else None


def _check_amounts(problems: Problems, **amounts: object) -> None:
    for where, amount in amounts.items():
        if not (is_number(amount) and 0.0 <= amount <= MOST_USD):  # type: ignore[operator]
            problems.add(where, amount, f"0..{MOST_USD:g}", "check the unit and the sign")
