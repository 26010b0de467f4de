"""What a number of a topology may be: one table for the check, the schema and the messages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from afterbay.core.checks import is_number

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BOUNDS", "LONGEST_DISPLAY_NAME", "LONGEST_NAME", "MOST_LEVELS", "Bound"]

MOST_LEVELS: Final = 50
"""Transformers between the grid and a house; a document nested deeper is surely broken."""
LONGEST_NAME: Final = 60
LONGEST_DISPLAY_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class Bound:
    """The range of one number."""

    least: float | None = None
    above: float | None = None
    most: float | None = None
    unit: str = ""
    is_share: bool = False
    """A share of 1: what looks like a percentage is asked about."""
    or_none: bool = False
    """Whether the number may be left open."""

    def holds(self, value: object) -> bool:
        """Is this a finite number within the range, or open where it may be?"""
        if value is None:
            return self.or_none
        if not is_number(value):
            return False
        number = float(value)  # type: ignore[arg-type]
        return (
            (self.least is None or number >= self.least)
            and (self.above is None or number > self.above)
            and (self.most is None or number <= self.most)
        )

    @property
    def words(self) -> str:
        """The range as a person says it."""
        parts = [f"above {self.above:g}"] if self.above is not None else []
        if self.least is not None:
            parts.append(f">= {self.least:g}" if self.most is None else f"{self.least:g}..{self.most:g}")
        elif self.most is not None:
            parts.append(f"up to {self.most:g}")
        kind = "a fraction" if self.is_share else "a finite number"
        return f"{kind} {', '.join(parts)}{f' [{self.unit}]' if self.unit else ''}".strip()

    def next_move(self, value: object) -> str:
        """What to do about a value that is not in the range."""
        if not is_number(value):
            return "give a number, without quotes or a unit"
        number = float(value)  # type: ignore[arg-type]
        if self.is_share and 2.0 <= number <= 100.0:
            return f"did you mean {number / 100.0:g}?"
        return "give a number in this range"


_AMOUNT: Final = Bound(least=0.0)
_KW: Final = Bound(least=0.0, unit="kW")
_RATING: Final = Bound(above=0.0, unit="kW")
_HOUR: Final = Bound(0.0, most=24.0, unit="h local")
_SHARE: Final = Bound(0.0, most=1.0, is_share=True)
_EFFICIENCY: Final = Bound(above=0.0, most=1.0, is_share=True)
_YEARS: Final = Bound(least=0.0, unit="years")
_PRICE: Final = Bound(unit="per kWh")


def _maybe(bound: Bound) -> Bound:
    return replace(bound, or_none=True)


BOUNDS: Final[Mapping[str, Mapping[str, Bound]]] = MappingProxyType(
    {
        "Grid": {
            "latitude": _maybe(Bound(-90.0, most=90.0, unit="degrees")),
            "longitude": _maybe(Bound(-180.0, most=180.0, unit="degrees")),
            "emission_kg_per_kwh": _maybe(Bound(least=0.0, unit="kg/kWh")),
            "import_limit_kw": _maybe(_KW),
            "export_limit_kw": _maybe(_KW),
            "local_fee_per_kwh": _AMOUNT,
        },
        "Transformer": {
            "rated_kw": _maybe(_RATING),
            "import_limit_kw": _maybe(_KW),
            "export_limit_kw": _maybe(_KW),
            "forward_efficiency": _maybe(_EFFICIENCY),
            "backward_efficiency": _maybe(_EFFICIENCY),
            "no_load_loss_kw": _KW,
            "load_loss_kw": _KW,
            "fee_per_kwh": _AMOUNT,
            "fee_fraction": _SHARE,
            "local_fee_per_kwh": _AMOUNT,
            "primary_ampacity_a": _maybe(Bound(above=0.0, unit="A")),
            "secondary_ampacity_a": _maybe(Bound(above=0.0, unit="A")),
            "years_of_service": _maybe(_YEARS),
        },
        "House": {"import_kw": _maybe(_KW), "export_kw": _maybe(_KW), "key": _maybe(_SHARE)},
        "LoadSeries": {"scale": _AMOUNT},
        "SolarArray": {
            "kw": _RATING,
            "inverter_kw": _maybe(_RATING),
            "tilt_deg": _maybe(Bound(0.0, most=90.0, unit="degrees")),
            "azimuth_deg": _maybe(Bound(0.0, most=360.0, unit="degrees")),
            "years_of_service": _YEARS,
        },
        "WindTurbine": {"kw": _RATING},
        "HomeBattery": {
            "capacity_kwh": Bound(above=0.0, unit="kWh"),
            "charge_kw": _RATING,
            "discharge_kw": _RATING,
            "min_soc": _SHARE,
            "max_soc": _SHARE,
            "initial_soc": _SHARE,
            "charge_efficiency": _EFFICIENCY,
            "discharge_efficiency": _EFFICIENCY,
            "reserve_soc": _SHARE,
            "charge_from_h": _HOUR,
            "charge_to_h": _HOUR,
            "discharge_from_h": _HOUR,
            "discharge_to_h": _HOUR,
            "solar_peak_fraction": _SHARE,
            "load_peak_fraction": _SHARE,
            "base_share": _SHARE,
            "dynamic_share": _SHARE,
        },
        "ElectricVehicle": {"charger_kw": _RATING},
        "Tariff": {
            "retail_per_kwh": _PRICE,
            "feed_in_per_kwh": _PRICE,
            "tax_fraction": _SHARE,
            "tax_per_kwh": _AMOUNT,
            "monthly_fee": _AMOUNT,
            "network_share": _SHARE,
            "local_network_reduction": _SHARE,
            "local_tax_share": _SHARE,
        },
        "TariffPeriod": {
            "from_h": _HOUR,
            "to_h": _HOUR,
            "retail_per_kwh": _maybe(_PRICE),
            "feed_in_per_kwh": _maybe(_PRICE),
        },
    }
)
"""Bounds by record and field; prices may be negative, as they are on some days."""
