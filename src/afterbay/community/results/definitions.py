"""What every figure of a community means: name, unit, where it applies, definition in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["KPI_DEFINITIONS", "KpiDefinition", "KpiOf", "definitions_table", "kpi_names"]

KpiOf = Literal["community", "house", "transformer"]


@dataclass(frozen=True, slots=True)
class KpiDefinition:
    """One figure."""

    name: str
    unit: str
    of: tuple[KpiOf, ...]
    title: str
    text: str


_ALL: Final[tuple[KpiOf, ...]] = ("community", "house", "transformer")
_BOTH: Final[tuple[KpiOf, ...]] = ("community", "house")
_COMMUNITY: Final[tuple[KpiOf, ...]] = ("community",)
_HOUSE: Final[tuple[KpiOf, ...]] = ("house",)
_TRANSFORMER: Final[tuple[KpiOf, ...]] = ("transformer",)

_ROWS: Final[tuple[tuple[str, str, tuple[KpiOf, ...], str, str], ...]] = (
    ("demand_kwh", "kWh", _ALL, "Demand",
     "What loads and cars took, and what loads would have taken where they went unserved."),
    ("load_kwh", "kWh", _BOTH, "Load", "What the loads asked for, served or not."),
    ("car_kwh", "kWh", _BOTH, "Cars", "What went into cars."),
    ("generation_kwh", "kWh", _ALL, "Generation",
     "What solar and wind could give behind their inverters, before curtailment."),
    ("solar_kwh", "kWh", _BOTH, "Solar", "The solar part of generation."),
    ("wind_kwh", "kWh", _BOTH, "Wind", "The wind part of generation."),
    ("own_use_kwh", "kWh", _BOTH, "Own use",
     "Local generation that a house used itself, at once or through its battery. A battery is a pool in which all "
     "energy mixes day by day; what came from the utility, or was there before the run, does not count."),
    ("shared_kwh", "kWh", _COMMUNITY, "Energy shared",
     "What houses bought from neighbours under the sharing rule, at the buyers' meters."),
    ("bought_kwh", "kWh", _HOUSE, "Bought from neighbours", "At this house's meter."),
    ("sold_kwh", "kWh", _HOUSE, "Sold to neighbours",
     "At this house's meter; a part of it may be lost on the way to the buyers."),
    ("shared_used_kwh", "kWh", _BOTH, "Shared energy used",
     "Local generation of neighbours that a house used as it came: what it bought, less what it stored and less "
     "what neighbours' batteries held before the run."),
    ("self_consumption_fraction", "-", _BOTH, "Self-consumption",
     "(own use + shared energy used) / generation. For a house: (own generation that it used itself + own "
     "generation that arrived at neighbours) / its generation."),
    ("self_sufficiency_fraction", "-", _BOTH, "Self-sufficiency",
     "(own use + shared energy used) / demand."),
    ("self_consumption_alone_fraction", "-", _BOTH, "Self-consumption without sharing",
     "Own generation that a house used itself / generation; the same run, as if nobody shared."),
    ("self_sufficiency_alone_fraction", "-", _BOTH, "Self-sufficiency without sharing",
     "Own generation that a house used itself / demand; the same run, as if nobody shared."),
    ("community_share_fraction", "-", _BOTH, "Community share",
     "Bought from neighbours / everything that came in through the meters."),
    ("import_kwh", "kWh", _HOUSE, "Import", "In through the meter, from neighbours and from the utility."),
    ("export_kwh", "kWh", _HOUSE, "Export", "Out through the meter, to neighbours and to the utility."),
    ("utility_bought_kwh", "kWh", _BOTH, "Bought from the utility",
     "Import less what neighbours sold, at the meters. Losses of the network are not in it."),
    ("utility_sold_kwh", "kWh", _BOTH, "Sold to the utility",
     "Export less what was sold to neighbours, at the meters."),
    ("grid_import_kwh", "kWh", _COMMUNITY, "Import at the substation",
     "What flows in at the substation, losses of the network included; the same under every sharing rule."),
    ("grid_export_kwh", "kWh", _COMMUNITY, "Export at the substation", "What flows out at the substation."),
    ("peak_import_kw", "kW", _COMMUNITY, "Peak import", "Largest mean power into the substation in a step."),
    ("peak_export_kw", "kW", _COMMUNITY, "Peak export", "Largest mean power out of the substation in a step."),
    ("peak_import_reduction_fraction", "-", _COMMUNITY, "Reduction of the import peak",
     "1 - peak import / peak import of the run without batteries: the same houses, loads, sun, cars, network and "
     "steps, every battery taken out. Sharing moves money, not energy, so it changes no peak by itself."),
    ("peak_export_reduction_fraction", "-", _COMMUNITY, "Reduction of the export peak",
     "1 - peak export / peak export of the run without batteries."),
    ("peak_house_import_kw", "kW", _HOUSE, "Peak import", "Largest mean power into the house in a step."),
    ("peak_house_export_kw", "kW", _HOUSE, "Peak export", "Largest mean power out of the house in a step."),
    ("rated_kw", "kW", _TRANSFORMER, "Rating", "Rated power of the transformer."),
    ("down_kwh", "kWh", _TRANSFORMER, "Energy down", "Through the transformer to its bus, measured at the bus."),
    ("up_kwh", "kWh", _TRANSFORMER, "Energy up", "Through the transformer from its bus, measured at the bus."),
    ("peak_down_kw", "kW", _TRANSFORMER, "Peak down", "Largest mean power down in a step."),
    ("peak_up_kw", "kW", _TRANSFORMER, "Peak up", "Largest mean power up in a step."),
    ("peak_loading_fraction", "-", _TRANSFORMER, "Peak loading",
     "Largest loading of a step; loading = power in the stronger direction, at the bus / rating."),
    ("mean_loading_fraction", "-", _TRANSFORMER, "Mean loading", "Mean loading of all steps."),
    ("overload_h", "h", ("community", "transformer"), "Overload hours",
     "Hours with a loading above 100 %. For the community: hours in which any transformer is above."),
    ("matched_kwh", "kWh", _TRANSFORMER, "Shared at its bus",
     "What was matched at the transformer's own bus under the sharing rule, measured there."),
    ("battery_cycles", "-", _BOTH, "Battery cycles",
     "Discharge at the terminals / usable capacity, the part between lowest and highest state of charge."),
    ("charge_kwh", "kWh", _BOTH, "Charged", "Into batteries, at their terminals."),
    ("discharge_kwh", "kWh", _BOTH, "Discharged", "Out of batteries, at their terminals."),
    ("battery_loss_kwh", "kWh", _BOTH, "Battery losses", "Lost in charging and discharging."),
    ("network_loss_kwh", "kWh", ("community", "transformer"), "Network losses", "Lost in transformers."),
    ("sharing_loss_kwh", "kWh", _COMMUNITY, "Losses of sharing",
     "Sold to neighbours less bought from neighbours: what the sharing rule books as lost on the way."),
    ("curtailed_inverter_kwh", "kWh", _BOTH, "Curtailed by inverters",
     "Clipped by inverters; it is not part of generation."),
    ("curtailed_connection_kwh", "kWh", _BOTH, "Curtailed by connections", "Over the export limits of houses."),
    ("curtailed_network_kwh", "kWh", _BOTH, "Curtailed by the network",
     "Over the export limits of transformers or the substation, at the meters of the houses."),
    ("unserved_connection_kwh", "kWh", _BOTH, "Unserved at connections", "Over the import limits of houses."),
    ("unserved_network_kwh", "kWh", _BOTH, "Unserved by the network",
     "Over the import limits of transformers or the substation, at the meters of the houses."),
    ("limit_curtailed_kwh", "kWh", _TRANSFORMER, "Curtailed for its limit",
     "Kept off the transformer by its export limit, measured at its bus."),
    ("limit_unserved_kwh", "kWh", _TRANSFORMER, "Unserved for its limit",
     "Kept off the transformer by its import limit after batteries and cars helped, measured at its bus."),
    ("car_missed_kwh", "kWh", _BOTH, "Energy missed by cars", "What cars still needed when they left."),
    ("emissions_kg", "kg CO2", _COMMUNITY, "Emissions",
     "Import at the substation times the grid's emission factor; export earns nothing. Unknown without a factor."),
    ("residual_kwh", "kWh", _ALL, "Balance residual",
     "Largest error of any energy balance: by day in a house and its batteries, by step at a bus. It must be 0 to "
     "rounding."),
)  # fmt: skip

KPI_DEFINITIONS: Final[dict[str, KpiDefinition]] = {row[0]: KpiDefinition(*row) for row in _ROWS}
"""Every figure by name, in the order of tables."""


def kpi_names(of: KpiOf) -> tuple[str, ...]:
    """Return the names of the figures of the community, a house or a transformer, in order."""
    return tuple(name for name, definition in KPI_DEFINITIONS.items() if of in definition.of)


def definitions_table() -> str:
    """Return all definitions as a Markdown table."""
    lines = ["| Figure | Name in tables | Unit | Of | Definition |", "| --- | --- | --- | --- | --- |"]
    for row in KPI_DEFINITIONS.values():
        unit = "" if row.unit == "-" else row.unit
        lines.append(f"| {row.title} | `{row.name}` | {unit} | {', '.join(row.of)} | {row.text} |")
    return "\n".join(lines) + "\n"
