"""What a plant is worth: yearly statements, net present value, rate of return, payback, levelised cost.

Year 0 is today and holds the capital; every other flow falls at the end of its year. Costs are positive in
their lines, flows count what is received as positive. docs/concepts/finance.md has every equation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.sizing.finance.cashflow import (
    calculate_npv,
    calculate_xnpv,
    discount_factors,
    discounted_payback_years,
    payback_years,
)
from afterbay.sizing.finance.columns import FinanceColumns, levelised_columns, npv_columns
from afterbay.sizing.finance.config import Assumption, FinancialConfig
from afterbay.sizing.finance.irr import (
    IrrReport,
    calculate_irr,
    calculate_mirr,
    calculate_xirr,
    irr_report,
    xirr_report,
)
from afterbay.sizing.finance.levelised import (
    annuity_usd,
    capital_recovery_fraction,
    fixed_charge_lcoe_usd_per_mwh,
    levelised_cost_usd_per_mwh,
)
from afterbay.sizing.finance.statement import LINES, statement_columns
from afterbay.sizing.finance.years import (
    EnergyColumns,
    PlantColumns,
    PlantSize,
    YearEnergy,
    columns_of_years,
    require_kind,
)

if TYPE_CHECKING:
    import pandas as pd

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

FloatArray = NDArray[np.float64]

_WATERFALL: Final = {
    "Energy revenue": (("energy_revenue_usd",), 1.0),
    "Capacity payment": (("capacity_revenue_usd",), 1.0),
    "Residual value": (("residual_value_usd",), 1.0),
    "Augmentation": (("augmentation_usd",), -1.0),
    "Replacement": (("replacement_usd",), -1.0),
    "Operation and maintenance": (
        ("battery_om_usd", "generator_om_usd", "generator_variable_usd", "solar_om_usd"),
        -1.0,
    ),
    "Fuel": (("fuel_usd",), -1.0),
    "Penalties": (("penalty_usd",), -1.0),
    "Tax": (("tax_usd",), -1.0),
}
_STOCKS: Final = ("loss_carried_forward_usd", "cumulative_usd", "cumulative_discounted_usd")
"""Lines that are balances: their sum over the years says nothing."""


class WaterfallPart(NamedTuple):
    """One step of the way from nothing to the NPV."""

    name: str
    usd: float
    """Present value [USD]: what adds to the NPV is positive."""


@dataclass(frozen=True, eq=False, repr=False)
class FinancialProjection:
    """The years of one plant in money.

    Args:
        config: Assumptions about money.
        plant: The plant as it is built.
        years: What it does in each year 1..`config.project_life_years`.

    Raises:
        InvalidInputError: If years are missing, out of order, or renew a part whose life the config states too.

    Source: sizing.md section 9; decision 18.
    """

    config: FinancialConfig
    plant: PlantSize
    years: Sequence[YearEnergy]

    def __post_init__(self) -> None:
        require_kind("config", self.config, FinancialConfig)
        require_kind("plant", self.plant, PlantSize)
        given: object = self.years
        if isinstance(given, (str, bytes)) or not isinstance(given, Sequence):
            got = type(given).__name__
            raise InvalidInputError(Problem("years", got, "YearEnergy of each year", "give a list of them"))
        object.__setattr__(self, "years", tuple(given))
        _ = self.lines

    @cached_property
    def lines(self) -> dict[str, FloatArray]:
        """Every line of `LINES` [USD], shape (n_years + 1,); index 0 is today."""
        columns = statement_columns(self.config, self._plant, self._energy)
        return {name: column[0] for name, column in columns.items()}

    @property
    def net_cash_flow_usd(self) -> FloatArray:
        """Net cash flow of today and of each year [USD], shape (n_years + 1,)."""
        return self.lines["net_cash_flow_usd"]

    @property
    def capital_usd(self) -> float:
        """Cost to build [USD]."""
        return float(self.lines["investment_usd"][0])

    @property
    def npv_usd(self) -> float:
        """Net present value after tax [USD]."""
        return calculate_npv(self.config.discount_rate_fraction, self.net_cash_flow_usd)

    @cached_property
    def irr(self) -> IrrReport:
        """Internal rates of return, with words."""
        return irr_report(self.net_cash_flow_usd)

    @property
    def irr_fraction(self) -> float | None:
        """Internal rate of return a year [-], if there is exactly one; `irr.words` says why not."""
        return self.irr.rate

    @property
    def mirr_fraction(self) -> float | None:
        """Modified internal rate of return [-]: borrowed and reinvested at the discount rate."""
        rate = self.config.discount_rate_fraction
        return calculate_mirr(self.net_cash_flow_usd, rate, rate)

    @property
    def payback_years(self) -> float | None:
        """Years until the flows first pay the capital back; None if never."""
        return payback_years(self.net_cash_flow_usd)

    @property
    def discounted_payback_years(self) -> float | None:
        """The same with discounted flows."""
        return discounted_payback_years(self.config.discount_rate_fraction, self.net_cash_flow_usd)

    @property
    def lcoe_usd_per_mwh(self) -> float | None:
        """Cost of energy [USD/MWh]: no penalties, less the residual value; None without energy."""
        return _or_none(levelised_columns(self.config, self._as_columns, self._energy)[0][0])

    @property
    def lcos_usd_per_mwh(self) -> float | None:
        """All that is paid before tax, penalties included, per delivered energy [USD/MWh]; None without energy."""
        return _or_none(levelised_columns(self.config, self._as_columns, self._energy)[1][0])

    @property
    def roi_pct(self) -> float | None:
        """Revenue less opex and capital, over capital, nothing discounted [%]; None without capital."""
        if self.capital_usd == 0.0:
            return None
        gained = float(self.lines["ebitda_usd"].sum() - self.lines["investment_usd"].sum())
        return 100.0 * gained / self.capital_usd

    def totals(self) -> dict[str, float]:
        """Return the sum over all years of each line that is a flow [USD]."""
        return {name: float(column.sum()) for name, column in self.lines.items() if name not in _STOCKS}

    def waterfall(self) -> tuple[WaterfallPart, ...]:
        """Return the parts that add up to the NPV, in the order of a picture; parts of 0 are kept."""
        factors = discount_factors(self.config.discount_rate_fraction, np.arange(len(self.years) + 1))
        parts = [WaterfallPart("Capital", -self.capital_usd)]
        for name, (lines, sign) in _WATERFALL.items():
            present = sum(float(self.lines[line] @ factors) for line in lines)
            parts.append(WaterfallPart(name, sign * present + 0.0))
        return tuple(parts)

    def to_frame(self) -> pd.DataFrame:
        """Return the statement, one row per year from 0 and one column per line; units are in `frame.attrs`."""
        import pandas as pd

        frame = pd.DataFrame(self.lines).rename_axis("year")
        frame.attrs["units"] = dict.fromkeys(self.lines, self.config.currency)
        return frame

    def summary(self) -> dict[str, Any]:
        """Return the figures of merit by name, as plain values."""
        return {
            "currency": self.config.currency,
            "capital_usd": self.capital_usd,
            "npv_usd": self.npv_usd,
            "irr_fraction": self.irr_fraction,
            "irr_words": self.irr.words,
            "mirr_fraction": self.mirr_fraction,
            "payback_years": self.payback_years,
            "discounted_payback_years": self.discounted_payback_years,
            "lcoe_usd_per_mwh": self.lcoe_usd_per_mwh,
            "lcos_usd_per_mwh": self.lcos_usd_per_mwh,
            "roi_pct": self.roi_pct,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return figures, assumptions, totals, waterfall and statement as plain values, ready for JSON."""
        return {
            **self.summary(),
            "assumptions": [assumption._asdict() for assumption in self.config.assumptions()],
            "totals": self.totals(),
            "waterfall": [part._asdict() for part in self.waterfall()],
            "years": list(range(len(self.years) + 1)),
            "lines": {name: column.tolist() for name, column in self.lines.items()},
        }

    def __repr__(self) -> str:
        payback = "never" if self.payback_years is None else f"after {self.payback_years:.1f} years"
        return (
            f"<FinancialProjection: NPV {self.npv_usd / 1e6:,.1f} M{self.config.currency} over {len(self.years)} years "
            f"at {100.0 * self.config.discount_rate_fraction:g} %, paid back {payback}. {self.irr.words}>"
        )

    @cached_property
    def _energy(self) -> EnergyColumns:
        return columns_of_years(self.years, self.config.project_life_years)

    @property
    def _plant(self) -> PlantColumns:
        one = self.plant
        return PlantColumns.read(1, bess_mwh=one.bess_mwh, bess_mw=one.bess_mw, dg_mw=one.dg_mw, solar_mw=one.solar_mw)

    @property
    def _as_columns(self) -> dict[str, FloatArray]:
        return {name: column[np.newaxis] for name, column in self.lines.items()}


def _or_none(number: float) -> float | None:
    return None if np.isnan(number) else float(number)
