"""Meters that are already an array: measured ones, or those of another program."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.step.meters import MeterBlock
from afterbay.community.step.tree import TreeArrays, tree_arrays
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from afterbay.community.topology.records import Grid
    from afterbay.core.compiled import Floats
    from afterbay.core.timeline import Timeline

__all__ = ["MeterData"]


@dataclass(frozen=True, slots=True, eq=False)
class MeterData:
    """A source for `settle` without a simulation. The array is only read.

    Raises:
        InvalidInputError: If the array does not have one finite number for each step and house.
    """

    grid: Grid
    timeline: Timeline
    net_kwh: Floats
    """Energy through each meter, + out of the house [kWh], shape (n_steps, n_houses), houses as in the grid."""
    tree: TreeArrays = field(init=False)

    def __post_init__(self) -> None:
        net = np.ascontiguousarray(self.net_kwh, dtype=np.float64).view()
        shape = (self.timeline.count, len(self.grid.house_names))
        if net.shape != shape or not np.all(np.isfinite(net)):
            got = f"shape {net.shape}" if net.shape != shape else "numbers that are not finite"
            raise InvalidInputError(
                Problem("net_kwh", got, f"finite kWh, shape {shape}", "one row a step, one column a house of the grid")
            )
        net.setflags(write=False)
        object.__setattr__(self, "net_kwh", net)
        object.__setattr__(self, "tree", tree_arrays(self.grid))

    def blocks(self) -> Iterator[MeterBlock]:
        """Give the whole run as one block."""
        yield MeterBlock(0, self.net_kwh)
