"""A grid as arrays: what the compiled step and every settlement rule read.

Nodes are the grid (0) and its transformers in preorder, houses follow the order of `Grid.every_house`.
So the houses and the transformers below a node are one contiguous range each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from afterbay.core.compiled import Floats, Indices

if TYPE_CHECKING:
    from afterbay.community.topology.records import Grid, House

__all__ = ["Tree", "TreeArrays", "tree_arrays"]


class Tree(NamedTuple):
    """The numbers of a tree, as one argument of a kernel. N nodes, H houses; limits are inf when absent."""

    parent: Indices
    """Node above each node, -1 for the grid, shape (N,)."""
    first_house: Indices
    """First house below each node, shape (N,)."""
    own_end: Indices
    """One past the last house that hangs directly from the node; those come first, shape (N,)."""
    last_house: Indices
    """One past the last house anywhere below the node, shape (N,)."""
    last_node: Indices
    """One past the last node below the node, shape (N,)."""
    eta_down: Floats
    """Forward efficiency of each transformer, 1 for the grid, shape (N,)."""
    eta_up: Floats
    """Backward efficiency, shape (N,)."""
    no_load_kw: Floats
    load_loss_per_kw: Floats
    """Load loss divided by the square of the rating [1/kW], shape (N,)."""
    import_kw: Floats
    """Limit downwards at the node's bus [kW], shape (N,)."""
    export_kw: Floats
    """Limit upwards at the node's bus [kW]; 0 where export is not allowed, shape (N,)."""
    fee_per_kwh: Floats
    """Fee on traded energy that crosses the transformer, shape (N,)."""
    fee_fraction: Floats
    local_fee_per_kwh: Floats
    """Fee on energy matched at the node's bus, shape (N,)."""
    house_node: Indices
    """Node that each house hangs from, shape (H,)."""
    house_import_kw: Floats
    house_export_kw: Floats
    house_class: Indices
    """Place in the priority list, 0 is served first, shape (H,)."""
    house_key: Floats
    """Static share of the community's surplus, 0 where none is given, shape (H,)."""


@dataclass(frozen=True, slots=True, eq=False)
class TreeArrays:
    """A tree with the names of its rows."""

    tree: Tree
    node_names: tuple[str, ...]
    house_names: tuple[str, ...]
    rated_kw: Floats
    """Rating of each node [kW], nan where none is given, shape (N,)."""
    depth: Indices
    """Transformers between the grid and each node's bus: 0 for the grid, shape (N,)."""

    @property
    def n_nodes(self) -> int:
        """Number of nodes: the grid and its transformers."""
        return len(self.node_names)

    @property
    def n_houses(self) -> int:
        """Number of houses."""
        return len(self.house_names)


def tree_arrays(grid: Grid) -> TreeArrays:
    """Lay out a grid as arrays; the grid must have passed its check.

    Args:
        grid: A grid whose `check` found nothing that blocks a run.

    Returns:
        The arrays, read-only.
    """
    transformers = list(grid.every_transformer())
    node_names = (grid.name, *(transformer.name for transformer, _ in transformers))
    place = {name: index for index, name in enumerate(node_names)}
    houses = list(grid.every_house())
    n_nodes = len(node_names)
    parent = np.array([-1, *(place[above] for _, above in transformers)], dtype=np.int64)
    house_node = np.array([place[above] for _, above in houses], dtype=np.int64)
    own = np.bincount(house_node, minlength=n_nodes).astype(np.int64)
    first_house = np.concatenate([[0], np.cumsum(own)[:-1]]).astype(np.int64)
    last_house = first_house + own
    last_node = np.arange(1, n_nodes + 1, dtype=np.int64)
    depth = np.zeros(n_nodes, dtype=np.int64)
    for node in range(1, n_nodes):
        depth[node] = depth[parent[node]] + 1
    for node in range(n_nodes - 1, 0, -1):
        above = parent[node]
        last_node[above] = max(last_node[above], last_node[node])
        last_house[above] = max(last_house[above], last_house[node])
    tree = Tree(
        parent=parent,
        first_house=first_house,
        own_end=first_house + own,
        last_house=last_house,
        last_node=last_node,
        eta_down=_column([1.0, *(_efficiency(t.forward_efficiency) for t, _ in transformers)]),
        eta_up=_column([1.0, *(_efficiency(t.backward_efficiency) for t, _ in transformers)]),
        no_load_kw=_column([0.0, *(t.no_load_loss_kw for t, _ in transformers)]),
        load_loss_per_kw=_column(
            [0.0, *(t.load_loss_kw / t.rated_kw**2 if t.load_loss_kw and t.rated_kw else 0.0 for t, _ in transformers)]
        ),
        import_kw=_limits([grid.import_limit_kw, *(t.import_limit_kw for t, _ in transformers)]),
        export_kw=_limits(
            [grid.export_limit_kw, *(t.export_limit_kw if t.allow_export else 0.0 for t, _ in transformers)]
        ),
        fee_per_kwh=_column([0.0, *(t.fee_per_kwh for t, _ in transformers)]),
        fee_fraction=_column([0.0, *(t.fee_fraction for t, _ in transformers)]),
        local_fee_per_kwh=_column([grid.local_fee_per_kwh, *(t.local_fee_per_kwh for t, _ in transformers)]),
        house_node=house_node,
        house_import_kw=_limits([house.import_kw for house, _ in houses]),
        house_export_kw=_limits([house.export_kw for house, _ in houses]),
        house_class=np.array([_class_of(house, grid) for house, _ in houses], dtype=np.int64),
        house_key=_column([house.key or 0.0 for house, _ in houses]),
    )
    for column in tree:
        column.setflags(write=False)
    rated = np.array([np.nan, *(np.nan if t.rated_kw is None else t.rated_kw for t, _ in transformers)])
    rated.setflags(write=False)
    depth.setflags(write=False)
    return TreeArrays(tree, node_names, tuple(house.name for house, _ in houses), rated, depth)


def _class_of(house: House, grid: Grid) -> int:
    worn = {(flag.type, flag.value) for flag in house.flags if flag.active}
    return next((place for place, flag in enumerate(grid.priority) if tuple(flag) in worn), len(grid.priority))


def _efficiency(stated: float | None) -> float:
    return 1.0 if stated is None else stated


def _column(values: list[float]) -> Floats:
    return np.array(values, dtype=np.float64)


def _limits(values: list[float | None]) -> Floats:
    return np.array([np.inf if value is None else value for value in values], dtype=np.float64)
