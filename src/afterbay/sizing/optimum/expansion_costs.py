"""What a plant costs per year: prices, lives and the cost of capital."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

from afterbay.core.errors import Problems
from afterbay.sizing.optimum.checks import is_number

__all__ = ["DEFAULT_EXPANSION_COSTS", "ExpansionCosts", "annuity"]


def annuity(rate: float, years: float) -> float:
    """Return the yearly payment that repays 1 with interest over `years` [1/year]."""
    return 1.0 / years if rate == 0.0 else rate / -math.expm1(-years * math.log1p(rate))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpansionCosts:
    """What sizes cost per year; every one is an assumption that belongs beside the result.

    Raises:
        InvalidInputError: With every problem found, when the object is made.

    Source: the published case of a 25 MW load that two other tools solved alike; docs/concepts/optimum.md.
    """

    discount_rate: float = 0.08
    """Cost of capital, as a fraction [-]."""
    solar_usd_per_mw: float = 800_000.0
    """Solar plant [USD/MW]."""
    solar_usd_per_mw_year: float = 12_000.0
    """Its fixed cost [USD/(MW year)]."""
    solar_years: float = 25.0
    """Its life [years]."""
    dg_usd_per_mw: float = 400_000.0
    """Generator [USD/MW]."""
    dg_usd_per_mw_year: float = 10_000.0
    """Its fixed cost [USD/(MW year)]."""
    dg_years: float = 20.0
    """Its life [years]."""
    dg_usd_per_mwh: float = 250.0
    """Fuel and wear of generated energy [USD/MWh]."""
    bess_usd_per_mwh: float = 220_000.0
    """Battery energy [USD/MWh]."""
    bess_usd_per_mw: float = 150_000.0
    """Battery power [USD/MW]."""
    bess_usd_per_mw_year: float = 20_000.0
    """Fixed cost of the battery [USD/(MW year)]."""
    bess_years: float = 15.0
    """Its life [years]."""

    def __post_init__(self) -> None:
        problems = Problems()
        for field in fields(self):
            value = getattr(self, field.name)
            is_life = field.name.endswith("_years")
            if not is_number(value) or value < 0.0 or (is_life and value == 0.0):
                bound = "> 0 [years]" if is_life else ">= 0"
                problems.add(f"costs.{field.name}", value, f"a finite number {bound}", "check the unit and the sign")
        if not problems and self.discount_rate > 1.0:
            move = f"for {self.discount_rate:g} % give {self.discount_rate / 100:g}"
            problems.add("costs.discount_rate", self.discount_rate, "a fraction 0..1", move)
        problems.raise_if_any()

    def per_year(self, duration_h: float) -> dict[str, float]:
        """Return the yearly cost of 1 MW of `solar`, `dg` and `bess` of this duration [USD/(MW year)]."""
        rate = self.discount_rate
        bess = self.bess_usd_per_mwh * duration_h + self.bess_usd_per_mw
        return {
            "solar": self.solar_usd_per_mw * annuity(rate, self.solar_years) + self.solar_usd_per_mw_year,
            "dg": self.dg_usd_per_mw * annuity(rate, self.dg_years) + self.dg_usd_per_mw_year,
            "bess": bess * annuity(rate, self.bess_years) + self.bess_usd_per_mw_year,
        }

    def to_dict(self) -> dict[str, float]:
        """Return every assumption by name, to be printed beside a result."""
        return {field.name: float(getattr(self, field.name)) for field in fields(self)}


DEFAULT_EXPANSION_COSTS: Final = ExpansionCosts()
