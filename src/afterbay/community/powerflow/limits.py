"""What a network is allowed, how meters are read, and what is outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from afterbay.core.checks import is_number
from afterbay.core.errors import Problems

__all__ = ["NOTES", "PowerFlowLimits", "Violation", "ViolationKind"]

ViolationKind = Literal["voltage low", "voltage high", "line overload", "transformer overload", "no solution"]

NOTES: Final = (
    "Balanced three phases: every house is spread over all of them. Single-phase houses make the voltage of "
    "their own phase worse than it is here.",
    "The source holds its voltage; transformers stand at their rated ratio, without a tap changer.",
)
"""What the method leaves out, in words."""


@dataclass(frozen=True, slots=True)
class PowerFlowLimits:
    """What is allowed, and how meters are read."""

    lowest_pu: float = 0.9
    """Lowest voltage [per unit]; EN 50160 asks for 0.9 to 1.1 in 95 % of the ten-minute means of a week."""
    highest_pu: float = 1.1
    """Highest voltage [per unit]."""
    loading: float = 1.0
    """Highest loading of lines and transformers [-]."""
    power_factor_import: float = 0.95
    """Of what a house takes, inductive."""
    power_factor_export: float = 1.0
    """Of what a house gives; its reactive power flows into the house, which lowers the voltage."""
    source_pu: float = 1.0
    """Voltage of the feeding bus [per unit]."""

    def __post_init__(self) -> None:
        problems = Problems()
        for name, least, most in (
            ("lowest_pu", 0.5, 1.0),
            ("highest_pu", 1.0, 1.5),
            ("loading", 0.0, 10.0),
            ("power_factor_import", 0.1, 1.0),
            ("power_factor_export", 0.1, 1.0),
            ("source_pu", 0.8, 1.2),
        ):
            value = getattr(self, name)
            if not (is_number(value) and least <= value <= most):
                problems.add(name, value, f"a number {least:g}..{most:g}", "correct it")
        problems.raise_if_any()


@dataclass(frozen=True, slots=True)
class Violation:
    """One part of the network outside its limits, at its worst step."""

    kind: ViolationKind
    part: str
    """Id of the bus, line or transformer."""
    value: float
    """Per unit, or loading as a fraction; nan where there is no solution."""
    limit: float
    at: datetime
    """Start of the worst step, in the grid's zone."""
    hours: float
    """How long the limit was broken [h]."""

    def __str__(self) -> str:
        when = self.at.strftime("%Y-%m-%d %H:%M")
        if self.kind == "no solution":
            return f"no solution for {self.hours:g} h, first at {when}: the load is beyond what the network can carry"
        if self.kind.startswith("voltage"):
            return f"{self.part}: {self.kind}, {self.value:.3f} pu at {when} (limit {self.limit:g}), {self.hours:g} h"
        return (
            f"{self.part}: {self.kind}, {100.0 * self.value:.0f} % at {when} (limit {100.0 * self.limit:g} %), "
            f"{self.hours:g} h"
        )
