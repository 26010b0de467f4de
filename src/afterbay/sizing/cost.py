"""What a plant costs to build."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields

from afterbay.core.errors import Problems

__all__ = ["DEFAULT_COSTS", "CapitalCosts", "capital_cost_usd"]


def _check_amount(problems: Problems, where: str, amount: object) -> None:
    is_number = isinstance(amount, (int, float)) and not isinstance(amount, bool)
    if not (is_number and 0.0 <= amount <= sys.float_info.max):  # type: ignore[operator]
        problems.add(where, amount, "a finite number >= 0", "check the unit and the sign")


@dataclass(frozen=True, slots=True)
class CapitalCosts:
    """Unit prices of a plant; every one is an assumption that belongs beside the result.

    Raises:
        InvalidInputError: If a price or the share is negative or not a finite number; all are named.

    Source: sizing.md section 9 (configuration of the original), decision 18 (installation share).
    """

    bess_usd_per_mwh: float = 300_000.0
    """Battery energy [USD/MWh of nameplate capacity]."""
    bess_usd_per_mw: float = 50_000.0
    """Battery power conversion [USD/MW]."""
    dg_usd_per_mw: float = 200_000.0
    """Generator [USD/MW of rating]."""
    solar_usd_per_mw: float = 0.0
    """Solar plant [USD/MW]; 0 because the sizing plan takes the solar plant as already there."""
    installation_fraction: float = 0.15
    """Installation, as a share of the price of everything above [-]."""

    def __post_init__(self) -> None:
        problems = Problems()
        for field in fields(self):
            _check_amount(problems, f"costs.{field.name}", getattr(self, field.name))
        # 15 in place of 0.15 would cost sixteen times the equipment and look like a result.
        if not problems and self.installation_fraction > 1.0:
            problems.add(
                "costs.installation_fraction",
                self.installation_fraction,
                "a fraction 0..1",
                f"for {self.installation_fraction:g} % give {self.installation_fraction / 100:g}",
            )
        problems.raise_if_any()

    def to_dict(self) -> dict[str, float]:
        """Return every assumption by name, to be printed beside a result."""
        return {field.name: float(getattr(self, field.name)) for field in fields(self)}


DEFAULT_COSTS = CapitalCosts()


def capital_cost_usd(
    capacity_mwh: float,
    power_mw: float,
    dg_mw: float,
    solar_mw: float = 0.0,
    *,
    costs: CapitalCosts = DEFAULT_COSTS,
) -> float:
    """Return what a plant costs to build, installation included [USD].

    Args:
        capacity_mwh: Nameplate capacity of the battery [MWh], >= 0.
        power_mw: Power of the battery [MW], >= 0.
        dg_mw: Rating of the generator [MW], >= 0.
        solar_mw: Size of the solar plant [MW], >= 0; only counts if `costs` gives it a price.
        costs: Unit prices.

    Raises:
        InvalidInputError: If a size is negative or not a finite number; all are named.

    Source: sizing.md section 9, capex = (MWh cE + MW cP + DG cG) (1 + installation).
    """
    sizes = {"capacity_mwh": capacity_mwh, "power_mw": power_mw, "dg_mw": dg_mw, "solar_mw": solar_mw}
    problems = Problems()
    for name, size in sizes.items():
        _check_amount(problems, name, size)
    problems.raise_if_any()
    equipment = (
        capacity_mwh * costs.bess_usd_per_mwh
        + power_mw * costs.bess_usd_per_mw
        + dg_mw * costs.dg_usd_per_mw
        + solar_mw * costs.solar_usd_per_mw
    )
    return float(equipment * (1.0 + costs.installation_fraction))
