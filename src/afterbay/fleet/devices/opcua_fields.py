"""Fields of telemetry that an OPC UA node can carry, under the names of the wire, with their units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["FIELDS", "POWER_FIELDS", "Field"]


@dataclass(frozen=True, slots=True)
class Field:
    """Where a field goes in our telemetry."""

    attribute: str
    """Of `Telemetry`; empty: a detail of the same name, or `detail`."""
    unit: str = ""
    factor: float = 1.0
    """From the unit of the field to that of the attribute."""
    detail: str = ""
    text: bool = False


FIELDS: Final[dict[str, Field]] = {
    "current_mw": Field("mw", "MW"),
    "mw": Field("mw", "MW"),
    "setpoint_mw": Field("setpoint_mw", "MW"),
    "max_mw": Field("max_mw", "MW"),
    "min_mw": Field("min_mw", "MW"),
    "soc_mwhr": Field("soc_mwh", "MWh"),
    "soc_pct": Field("soc_pct", "%"),
    "capacity_mwhr": Field("capacity_mwh", "MWh"),
    "status": Field("status", text=True),
    "fault_code": Field("fault_code", text=True),
    "voltage_v": Field("", "V"),
    "current_a": Field("", "A"),
    "dc_bus_v": Field("", "V"),
    "dc_bus_a": Field("", "A"),
    "temperature_c": Field("temperature_c", "degC"),
    "temperature_cell_f": Field("temperature_c", "degF"),
    "temperature_module_f": Field("", "degF", detail="temperature_module_c"),
    "temperature_ambient_f": Field("", "degF", detail="temperature_ambient_c"),
    "soh_pct": Field("soh_pct", "%"),
    "cycle_count": Field("cycle_count"),
    "energy_in_mwh": Field("energy_in_mwh", "MWh"),
    "energy_out_mwh": Field("energy_out_mwh", "MWh"),
    "available_charge_kw": Field("available_charge_mw", "kW", 0.001),
    "available_discharge_kw": Field("available_discharge_mw", "kW", 0.001),
}
POWER_FIELDS: Final = ("current_mw", "mw")
"""Two names of the power: the wire's and the common core's."""
