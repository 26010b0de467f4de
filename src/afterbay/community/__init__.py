"""A neighbourhood that shares and trades: grid, profiles, the quarter-hour run, settlement, the solar cycle.

`Grid` describes it (`topology`), a `ProfileLibrary` drives it (`recipes`), `run_community` runs it
(`simulation`), `settle` says who pays whom (`settlement`), `results` turns it into figures and pictures, and
`cycle` runs one quarter hour at a time with files in and out. Power is in kW, energy in kWh, + leaves a house.
"""

from afterbay.community.recipes import ProfileLibrary, elm_street_profiles, street_profiles
from afterbay.community.settlement import Settlement, named_rule, settle, standard_rules
from afterbay.community.sharing import SHARING_RULES, Sharing, SharingRule, named_sharing
from afterbay.community.simulation import CommunityRun, horizon, open_run, run_community
from afterbay.community.topology import (
    Grid,
    HomeBattery,
    House,
    LoadSeries,
    SolarArray,
    Tariff,
    Transformer,
    elm_street,
    read_grid,
    read_network,
    two_houses,
    write_grid,
)

__all__ = [
    "SHARING_RULES",
    "CommunityRun",
    "Grid",
    "HomeBattery",
    "House",
    "LoadSeries",
    "ProfileLibrary",
    "Settlement",
    "Sharing",
    "SharingRule",
    "SolarArray",
    "Tariff",
    "Transformer",
    "elm_street",
    "elm_street_profiles",
    "horizon",
    "named_rule",
    "named_sharing",
    "open_run",
    "read_grid",
    "read_network",
    "run_community",
    "settle",
    "standard_rules",
    "street_profiles",
    "two_houses",
    "write_grid",
]
