"""What a neighbourhood is made of: grid, transformers to any depth, houses and their devices.

Every record is frozen: an edit makes a new `Grid`, so the one before it is still there to go back to.
Power is in kW, energy in kWh, shares and efficiencies are fractions of 1, money is in the grid's currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from afterbay.community.topology.checking import check_grid
from afterbay.community.topology.modes import BATTERY_MODES, BatteryMode
from afterbay.community.topology.tariff import Tariff

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from afterbay.community.topology.findings import Finding

__all__ = [
    "BATTERY_MODES",
    "BatteryMode",
    "ElectricVehicle",
    "Flag",
    "Grid",
    "HomeBattery",
    "House",
    "LoadSeries",
    "SolarArray",
    "Transformer",
    "WindTurbine",
]


@dataclass(frozen=True, slots=True)
class Flag:
    """A mark on a house, such as Priority = Hospital; priority lists and selections read it."""

    type: str
    value: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class LoadSeries:
    """One load of a house: a profile in kW, times a factor."""

    profile: str
    """Name of the profile in the run's profile library; its values are kW."""
    scale: float = 1.0
    """Factor on the profile [-]."""


@dataclass(frozen=True, slots=True)
class SolarArray:
    """One solar array: a profile in kW per installed kW, times the installed power."""

    profile: str
    """Name of the profile; its values are kW per kW installed."""
    kw: float
    """Installed direct-current power [kW]."""
    inverter_kw: float | None = None
    """Alternating-current limit [kW]; None: as the installed power."""
    tilt_deg: float | None = None
    """Angle to the ground [degrees], 0 lies flat; the profile recipe uses it."""
    azimuth_deg: float | None = None
    """Direction it faces [degrees clockwise from north], 180 is south; the profile recipe uses it."""
    tracking: bool = False
    """Whether it follows the sun; the profile recipe uses it."""
    years_of_service: float = 0.0
    """Age at the start [years]; the profile recipe turns it into a loss of yield."""


@dataclass(frozen=True, slots=True)
class WindTurbine:
    """One wind turbine: a profile in kW per installed kW, times the installed power."""

    profile: str
    """Name of the profile; its values are kW per kW installed."""
    kw: float
    """Installed power [kW]."""


@dataclass(frozen=True, slots=True)
class HomeBattery:
    """One battery of a house and the policy that it follows."""

    capacity_kwh: float
    """Energy between empty and full [kWh]."""
    charge_kw: float
    """Largest charging power, at its terminals [kW]."""
    discharge_kw: float
    """Largest discharging power, at its terminals [kW]."""
    min_soc: float = 0.1
    """Lowest state of charge [fraction of capacity]."""
    max_soc: float = 1.0
    """Highest state of charge [fraction of capacity]."""
    initial_soc: float = 0.5
    """State of charge at the start of a run [fraction of capacity]."""
    charge_efficiency: float = 0.95
    """One way, terminals to cells [fraction]."""
    discharge_efficiency: float = 0.95
    """One way, cells to terminals [fraction]."""
    mode: BatteryMode = "self_consumption"
    """The policy that it follows."""
    reserve_soc: float = 0.0
    """Kept for emergencies: below it the battery only covers what would go unserved [fraction]. In reserve mode
    the grid refills it up to here."""
    charge_from_h: float = 0.0
    """Time of use: start of the window in which surplus is stored [h local, 0..24]; from = to: at any time."""
    charge_to_h: float = 0.0
    """Its end; a window with from > to goes over midnight."""
    discharge_from_h: float = 0.0
    """Time of use: start of the discharging window [h local, 0..24]."""
    discharge_to_h: float = 24.0
    """Its end."""
    grid_charge: bool = False
    """Time of use: whether the charging window also draws from the grid; then it does not discharge within it."""
    solar_peak_fraction: float = 0.0
    """Charge only while the sun gives at least this share of the installed power (the original: 0.4)."""
    load_peak_fraction: float = 0.0
    """Discharge only while the load is at least this share of the house's peak (the original: 0.95)."""
    base_share: float = 0.0
    """Community mode: share of the SOC window that neighbours never draw from (the original: 0.3)."""
    dynamic_share: float = 1.0
    """Community mode: share of the SOC window above the base that neighbours may fill and empty (0.4)."""
    chemistry: str = "Li-ion"
    voluntary_storage: bool = False
    """Whether the household agreed to store for others; needed for community mode."""


@dataclass(frozen=True, slots=True)
class ElectricVehicle:
    """One car: a recipe of sessions (arrival, departure, energy, flexible part)."""

    profile: str
    """Name of the session set in the profile library."""
    charger_kw: float = 7.4
    """Largest charging power [kW]."""


@dataclass(frozen=True, slots=True)
class House:
    """A connection with its devices; a leaf of the tree."""

    name: str
    """Fixed name given by the grid, such as H-1.1.1; never used again after a deletion."""
    display_name: str = ""
    """What people call it."""
    type: str = "residential"
    """Kind of customer, in free words."""
    import_kw: float | None = None
    """Connection limit towards the house [kW]; None: no limit."""
    export_kw: float | None = None
    """Connection limit out of the house [kW]; None: no limit."""
    flags: tuple[Flag, ...] = ()
    loads: tuple[LoadSeries, ...] = ()
    solar: tuple[SolarArray, ...] = ()
    wind: tuple[WindTurbine, ...] = ()
    batteries: tuple[HomeBattery, ...] = ()
    cars: tuple[ElectricVehicle, ...] = ()
    tariff: str | None = None
    """Name of a tariff of the grid; None: the grid's first."""
    key: float | None = None
    """Static share of the community's surplus [fraction]; all keys add up to 1."""


@dataclass(frozen=True, slots=True)
class Transformer:
    """A transformer: houses and further transformers hang from its bus."""

    name: str
    """Fixed name given by the grid, such as T-1.1."""
    display_name: str = ""
    """What people call it."""
    rated_kw: float | None = None
    """Rating [kW]; loading is measured against it, a limit it is not."""
    allow_export: bool = True
    """Whether energy may flow up through it."""
    import_limit_kw: float | None = None
    """Most that may flow down through it, measured at its bus [kW]; None: no limit."""
    export_limit_kw: float | None = None
    """Most that may flow up through it, measured at its bus [kW]; None: no limit."""
    forward_efficiency: float | None = None
    """Share of the energy from above that reaches the bus; None: not stated, a run takes 1."""
    backward_efficiency: float | None = None
    """Share of the energy from the bus that reaches the level above; None: not stated, a run takes 1."""
    no_load_loss_kw: float = 0.0
    """Constant loss, drawn from above [kW]; beside the efficiencies."""
    load_loss_kw: float = 0.0
    """Loss at the rating; grows with the square of the flow [kW]; beside the efficiencies."""
    fee_per_kwh: float = 0.0
    """Network fee on traded energy that crosses it, in either direction."""
    fee_fraction: float = 0.0
    """Network fee on traded energy that crosses it, as a share of the price."""
    local_fee_per_kwh: float = 0.0
    """Fee on energy that is matched at its bus, charged once."""
    primary_ampacity_a: float | None = None
    """Rated current above [A]; described, not simulated."""
    secondary_ampacity_a: float | None = None
    """Rated current at the bus [A]; described, not simulated."""
    years_of_service: float | None = None
    """Age [years]; described, not simulated."""
    digital_twin: bool = False
    """Whether a digital twin of it exists; described, not simulated."""
    transformers: tuple[Transformer, ...] = ()
    houses: tuple[House, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """A substation and everything below it."""

    name: str = "S-1"
    """Fixed name of the substation; the names below it begin with its number."""
    display_name: str = ""
    """What people call it."""
    currency: str = "EUR"
    """Of every price and every amount, three capital letters; nothing is converted."""
    time_zone: str = "UTC"
    """IANA zone of the windows of tariffs and batteries, such as Europe/Berlin."""
    latitude: float | None = None
    """Degrees north."""
    longitude: float | None = None
    """Degrees east."""
    emission_kg_per_kwh: float | None = None
    """Emission factor of grid import [kg CO2/kWh]; None: not known."""
    import_limit_kw: float | None = None
    """Most that the substation may take from the utility [kW]; None: no limit."""
    export_limit_kw: float | None = None
    """Most that the substation may give to the utility [kW]; None: no limit."""
    local_fee_per_kwh: float = 0.0
    """Fee on energy that is matched at the substation's bus, charged once."""
    priority: tuple[tuple[str, str], ...] = ()
    """Flags (type, value) from first to last served; a house without any of them comes last."""
    tariffs: Mapping[str, Tariff] = field(default_factory=dict)
    """Tariffs by name; the first is the default."""
    transformers: tuple[Transformer, ...] = ()
    houses: tuple[House, ...] = ()
    next_numbers: Mapping[str, int] = field(default_factory=dict)
    """Next free number by the stem of a name (`H-1.1.`), so that no name comes back after a deletion."""

    def every_transformer(self) -> Iterator[tuple[Transformer, str]]:
        """Walk all transformers with the name of their parent, parents before children."""
        waiting = [(child, self.name) for child in reversed(self.transformers)]
        while waiting:
            transformer, parent = waiting.pop()
            yield transformer, parent
            waiting.extend((child, transformer.name) for child in reversed(transformer.transformers))

    def every_house(self) -> Iterator[tuple[House, str]]:
        """Walk all houses with the name of their parent: the grid's own first, then by transformer."""
        for house in self.houses:
            yield house, self.name
        for transformer, _ in self.every_transformer():
            for house in transformer.houses:
                yield house, transformer.name

    def check(self, profile_names: Collection[str] | None = None) -> tuple[Finding, ...]:
        """Return all that is wrong or doubtful in this grid; nothing means ready. See `check_grid`."""
        return check_grid(self, profile_names)

    @property
    def house_names(self) -> tuple[str, ...]:
        """Names of all houses, in the order of every series of a run."""
        return tuple(house.name for house, _ in self.every_house())
