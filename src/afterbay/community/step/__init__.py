"""One quarter hour of a community, compiled: houses and their devices, then the network above them."""

from afterbay.community.step.devices import Sessions, components_of, devices_of, initial_state
from afterbay.community.step.engine import Block, CommunityStep
from afterbay.community.step.layout import FLOWS, NODE_FLOWS, DeviceState
from afterbay.community.step.meters import MeterBlock, MeterSource
from afterbay.community.step.tree import Tree, TreeArrays, tree_arrays

__all__ = [
    "FLOWS",
    "NODE_FLOWS",
    "Block",
    "CommunityStep",
    "DeviceState",
    "MeterBlock",
    "MeterSource",
    "Sessions",
    "Tree",
    "TreeArrays",
    "components_of",
    "devices_of",
    "initial_state",
    "tree_arrays",
]
