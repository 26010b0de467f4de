"""The columns and codes that the compiled step shares with everyone who reads its results."""

from __future__ import annotations

from typing import NamedTuple

from afterbay.core.compiled import Codes, Floats, Indices

__all__ = [
    "COMMUNITY",
    "FLOWS",
    "NODE_FLOWS",
    "N_FLOWS",
    "N_NODE_FLOWS",
    "RESERVE",
    "SELF_CONSUMPTION",
    "SOLAR_ONLY",
    "TIME_OF_USE",
    "BlockInputs",
    "BlockOutputs",
    "Components",
    "DeviceState",
    "Devices",
    "Network",
    "Scratch",
]

SELF_CONSUMPTION = 0
TIME_OF_USE = 1
SOLAR_ONLY = 2
COMMUNITY = 3
RESERVE = 4
"""Battery modes, in the order of `BATTERY_MODES`."""

LOAD = 0
CAR = 1
SOLAR = 2
WIND = 3
OWN_USE = 4
CHARGE = 5
DISCHARGE = 6
BATTERY_LOSS = 7
IMPORT = 8
EXPORT = 9
CURTAILED_INVERTER = 10
CURTAILED_CONNECTION = 11
CURTAILED_NETWORK = 12
UNSERVED_CONNECTION = 13
UNSERVED_NETWORK = 14
CAR_MISSED = 15
STORED = 16

FLOWS = (
    "load_kwh",
    "car_kwh",
    "solar_kwh",
    "wind_kwh",
    "own_use_kwh",
    "charge_kwh",
    "discharge_kwh",
    "battery_loss_kwh",
    "import_kwh",
    "export_kwh",
    "curtailed_inverter_kwh",
    "curtailed_connection_kwh",
    "curtailed_network_kwh",
    "unserved_connection_kwh",
    "unserved_network_kwh",
    "car_missed_kwh",
    "stored_kwh",
)
"""What is known of a house in a step or a day. Energy at the meter or the device's terminals; `solar` and
`wind` are before curtailment and behind the inverter's clip; `own_use` is generation used as it is made;
`stored` is the energy in the cells at the end of the interval; all others are sums."""
N_FLOWS = 17

NODE_DOWN = 0
NODE_UP = 1
NODE_LOSS = 2
NODE_SUPPLY = 3
NODE_DEMAND = 4
NODE_CURTAILED = 5
NODE_UNSERVED = 6

NODE_FLOWS = (
    "down_kwh",
    "up_kwh",
    "loss_kwh",
    "supply_kwh",
    "demand_kwh",
    "curtailed_kwh",
    "unserved_kwh",
)
"""What is known of a node in a step. `down` and `up` are measured at the node's own bus (for the grid: import
and export at the substation); `loss` is the transformer's; `supply` and `demand` are what its houses and the
transformers below bring to and take from its bus; `curtailed` and `unserved` are due to this node's limits."""
N_NODE_FLOWS = 7


class Devices(NamedTuple):
    """What stands behind the meters, as numbers. H houses, B batteries, C cars, N sessions."""

    import_kw: Floats
    """Connection limits [kW], inf where absent, shape (H,)."""
    export_kw: Floats
    first_battery: Indices
    """First battery of each house, and one past the last, shape (H + 1,)."""
    mode: Codes
    """Battery mode, shape (B,); the columns up to `dynamic_top` likewise."""
    floor_kwh: Floats
    """Lowest stored energy [kWh]."""
    reserve_kwh: Floats
    """Stored energy below which only emergencies are served, >= floor [kWh]."""
    ceiling_kwh: Floats
    charge_kw: Floats
    discharge_kw: Floats
    eta_charge: Floats
    eta_discharge: Floats
    charge_from_h: Floats
    charge_to_h: Floats
    discharge_from_h: Floats
    discharge_to_h: Floats
    grid_charge: Codes
    least_solar_kw: Floats
    """Solar power below which the battery does not charge [kW]."""
    least_load_kw: Floats
    """Load below which the battery does not discharge [kW]."""
    base_kwh: Floats
    """Community mode: neighbours draw down to here [kWh]."""
    dynamic_kwh: Floats
    """Community mode: neighbours fill up to here [kWh]."""
    first_car: Indices
    """First car of each house, and one past the last, shape (H + 1,)."""
    charger_kw: Floats
    """Shape (C,)."""
    first_session: Indices
    """First session of each car, and one past the last, shape (C + 1,)."""
    arrive: Indices
    """First step of each session, shape (N,)."""
    depart: Indices
    """One past its last step, shape (N,)."""
    must_kwh: Floats
    """Charged from arrival on, at full power, shape (N,)."""
    flexible_kwh: Floats
    """Charged from surplus, and by departure in any case, shape (N,)."""


class DeviceState(NamedTuple):
    """What a step leaves to the next; kernels write into it."""

    stored_kwh: Floats
    """Energy in the cells of each battery, shape (B,)."""
    power_kw: Floats
    """Power of each battery in the last step, + discharging [kW], shape (B,)."""
    session: Indices
    """Present or next session of each car, shape (C,)."""
    must_left_kwh: Floats
    """What the present session of each car still needs; -1 before its arrival, shape (C,)."""
    flexible_left_kwh: Floats
    car_power_kw: Floats
    """What each car was given in the last step [kW], shape (C,)."""


class BlockInputs(NamedTuple):
    """What drives a block of T steps."""

    load_kw: Floats
    """Mean power, shape (H, T)."""
    solar_kw: Floats
    """Behind the inverter's clip, shape (H, T)."""
    wind_kw: Floats
    clipped_kw: Floats
    """What the inverter clipped, shape (H, T)."""
    hour: Floats
    """Local hour of day of each step, shape (T,)."""
    day: Indices
    """Row of each step in the daily sums, shape (T,)."""
    first: int
    """Index of the first step in the run."""
    dt_h: float


class BlockOutputs(NamedTuple):
    """What a block leaves behind; kernels add to the sums and write the rest."""

    net_kwh: Floats
    """Through each meter, + out of the house, shape (T, H)."""
    daily_kwh: Floats
    """Sums by local day, shape (days, N_FLOWS, H)."""
    chosen: Indices
    """Place of each house in `series`, -1 for none, shape (H,)."""
    series_kwh: Floats
    """Every flow of the chosen houses, shape (N_FLOWS, T, chosen)."""
    nodes_kwh: Floats
    """Flows of the nodes, shape (N_NODE_FLOWS, T, N)."""


class Network(NamedTuple):
    """The tree as the physics sees it. N nodes, H houses."""

    parent: Indices
    first_house: Indices
    own_end: Indices
    last_node: Indices
    eta_up: Floats
    eta_down: Floats
    loss_per_kwh: Floats
    """Load loss of a step divided by the square of the energy through it [1/kWh], shape (N,)."""
    no_load_kwh: Floats
    """Constant loss of a step [kWh], shape (N,)."""
    import_kw: Floats
    export_kw: Floats
    has_community: Codes
    """Whether a house at the bus has a battery in community mode, shape (N,)."""
    house_class: Indices
    n_classes: int


class Scratch(NamedTuple):
    """Room to work in for one thread."""

    supply: Floats
    demand: Floats
    up: Floats
    down: Floats
    cut: Floats
    wanted: Floats
    """Shape (N,) each."""
    could: Floats
    """Shape (B,)."""


class Components(NamedTuple):
    """Which profiles stand behind each meter. P profiles; `first_...` has shape (H + 1,)."""

    first_load: Indices
    load_profile: Indices
    load_scale: Floats
    first_solar: Indices
    solar_profile: Indices
    solar_kw: Floats
    inverter_kw: Floats
    first_wind: Indices
    wind_profile: Indices
    wind_kw: Floats
