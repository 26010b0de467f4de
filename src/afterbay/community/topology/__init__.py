"""The neighbourhood: a grid, transformers to any depth, houses and their devices.

Every record is frozen, and an edit returns a new `Grid`. `Grid.check` lists all that is wrong at once;
`grid_to_json` and `grid_from_json` keep a grid as it is; `compare_grids` says what an edit changed; `read_network`
makes a grid of a power network that was drawn for power flow.

Power is in kW, energy in kWh, shares and efficiencies are fractions of 1, money is in the grid's currency.
"""

from afterbay.community.topology.checking import check_grid, require_ready
from afterbay.community.topology.completeness import Completeness, completeness, grid_completeness
from afterbay.community.topology.difference import Change, Difference, Move, Place, compare_grids
from afterbay.community.topology.document import (
    DOCUMENT_VERSION,
    grid_from_document,
    grid_from_json,
    grid_to_document,
    grid_to_json,
    read_grid,
    write_grid,
)
from afterbay.community.topology.draft import GridDraft
from afterbay.community.topology.editing import (
    add_house,
    add_houses_like,
    add_transformer,
    copy_subtree,
    find_node,
    houses_with_flag,
    move_node,
    path_to,
    remove_nodes,
    rename_node,
    set_fields,
    set_flag,
    unset_flag,
)
from afterbay.community.topology.examples import elm_street, two_houses
from afterbay.community.topology.findings import Finding
from afterbay.community.topology.modes import BATTERY_MODES, BatteryMode
from afterbay.community.topology.naming import next_names
from afterbay.community.topology.networks import (
    Network,
    NetworkBus,
    NetworkLine,
    NetworkLoad,
    NetworkTransformer,
    read_network,
)
from afterbay.community.topology.records import (
    ElectricVehicle,
    Flag,
    Grid,
    HomeBattery,
    House,
    LoadSeries,
    SolarArray,
    Transformer,
    WindTurbine,
)
from afterbay.community.topology.schema import grid_schema
from afterbay.community.topology.tariff import Tariff, TariffPeriod

__all__ = [
    "BATTERY_MODES",
    "DOCUMENT_VERSION",
    "BatteryMode",
    "Change",
    "Completeness",
    "Difference",
    "ElectricVehicle",
    "Finding",
    "Flag",
    "Grid",
    "GridDraft",
    "HomeBattery",
    "House",
    "LoadSeries",
    "Move",
    "Network",
    "NetworkBus",
    "NetworkLine",
    "NetworkLoad",
    "NetworkTransformer",
    "Place",
    "SolarArray",
    "Tariff",
    "TariffPeriod",
    "Transformer",
    "WindTurbine",
    "add_house",
    "add_houses_like",
    "add_transformer",
    "check_grid",
    "compare_grids",
    "completeness",
    "copy_subtree",
    "elm_street",
    "find_node",
    "grid_completeness",
    "grid_from_document",
    "grid_from_json",
    "grid_schema",
    "grid_to_document",
    "grid_to_json",
    "houses_with_flag",
    "move_node",
    "next_names",
    "path_to",
    "read_grid",
    "read_network",
    "remove_nodes",
    "rename_node",
    "require_ready",
    "set_fields",
    "set_flag",
    "two_houses",
    "unset_flag",
    "write_grid",
]
