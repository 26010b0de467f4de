"""What can stand on an axis or in a carpet: its name, its unit and the question that it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.sizing.charts import amounts

__all__ = ["CARPETS", "GAINS", "PRICES", "Carpet", "Quantity", "axis_title", "chosen", "shown"]

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Quantity:
    """One axis of the Pareto picture."""

    name: str
    unit: str
    words: str
    """The axis's part of the question in the title."""
    more_is_better: bool = False
    scale: float = 1.0
    """What a value is multiplied by before it is drawn."""


@dataclass(frozen=True, slots=True)
class Carpet:
    """One column as a carpet."""

    name: str
    unit: str
    question: str
    most: float | None = None
    """Upper end of the colours; None takes the largest value. The lower end is 0."""
    signed: bool = False
    marks_unserved: bool = True
    """Steps that were not served are painted over; not where the column already says so."""


PRICES: Final[Mapping[str, Quantity]] = {
    "capital_cost_usd": Quantity("Capital cost", "M$", "What does {gain} cost?", scale=1e-6),
    "capacity": Quantity("Battery energy", "MWh", "How much battery does {gain} take?"),
    "power": Quantity("Battery power", "MW", "How much battery power does {gain} take?"),
    "dg_capacity": Quantity("Generator rating", "MW", "How much generator does {gain} take?"),
    "dg_runtime_hours": Quantity("Generator running", "h", "How many generator hours does {gain} take?"),
    "total_fuel_consumed": Quantity("Fuel", "m³", "How much fuel does {gain} take?", scale=1e-3),
    "bess_equivalent_cycles": Quantity("Battery cycles", "cycles", "How many battery cycles does {gain} take?"),
}
"""For the x axis: what one pays with. All should be small."""

GAINS: Final[Mapping[str, Quantity]] = {
    "delivery_pct": Quantity("Delivery, load hours served whole", "%", "each extra percent of delivery", True),
    "load_served_pct": Quantity("Load energy served", "%", "each extra percent of energy served", True),
    "pct_green_delivery": Quantity(
        "Load hours served without the generator", "%", "each extra percent of green hours", True
    ),
    "pct_green_energy_of_demand": Quantity(
        "Green energy, share of the load", "%", "each extra percent of green energy", True
    ),
    "pct_green_energy_by_origin": Quantity(
        "Green energy, share of what is served", "%", "each extra percent of green energy", True
    ),
    "pct_solar_curtailed": Quantity("Solar curtailed", "%", "each percent less curtailed solar"),
    "pct_unserved": Quantity("Load energy not served", "%", "each percent less unserved load"),
    "dg_runtime_hours": Quantity("Generator running", "h", "each generator hour less"),
}  # fmt: skip
"""For the y axis: what one gets."""

CARPETS: Final[Mapping[str, Carpet]] = {
    "soc_pct": Carpet("State of charge", "%", "When is the battery full, when is it empty?", most=100.0),
    "bess_power": Carpet("Battery power", "MW", "When does the battery charge, when does it discharge?", signed=True),
    "delivery_pct": Carpet("Load served", "%", "When is the load served?", most=100.0, marks_unserved=False),
    "unserved": Carpet("Load not served", "MW", "When is load not served?", marks_unserved=False),
    "dg_output_mw": Carpet("Generator output", "MW", "When does the generator run?"),
    "solar_curtailed": Carpet("Solar curtailed", "MW", "When is solar curtailed?"),
    "solar": Carpet("Solar available", "MW", "When does the sun shine?"),
    "load": Carpet("Load", "MW", "When is power needed?"),
    "solar_to_load": Carpet("Solar to load", "MW", "When does solar serve the load?"),
    "bess_to_load": Carpet("Battery to load", "MW", "When does the battery serve the load?"),
    "dg_to_load": Carpet("Generator to load", "MW", "When does the generator serve the load?"),
}  # fmt: skip
"""Columns that can be drawn as a carpet; `delivery_pct` is the share of the load of each step."""


def chosen(table: Mapping[str, _Row], where: str, name: object) -> _Row:
    """Return the row of a table that an argument names.

    Raises:
        InvalidInputError: If there is no such row.
    """
    if isinstance(name, str) and name in table:
        return table[name]
    raise InvalidInputError(Problem(where, repr(name), ", ".join(table), "choose one of these"))


def axis_title(quantity: Quantity | Carpet) -> str:
    """Return the title of an axis with its unit."""
    return f"{quantity.name} [{quantity.unit}]"


def shown(quantity: Quantity, value: float) -> str:
    """Write one value of an axis, as in `$48.9 M` or `1,528 h`."""
    match quantity.unit:
        case "M$":
            return amounts.millions_usd(value)
        case "%":
            return amounts.percent(value)
        case "MW":
            return amounts.power(value)
        case "MWh":
            return amounts.energy(value)
        case unit:
            return amounts.with_unit(f"{value * quantity.scale:,.0f}", unit)
