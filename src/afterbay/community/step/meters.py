"""What the meters of a physical run show, block by block: all that a settlement needs of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from afterbay.community.step.tree import TreeArrays
    from afterbay.community.topology.records import Grid
    from afterbay.core.compiled import Floats
    from afterbay.core.timeline import Timeline

__all__ = ["MeterBlock", "MeterSource"]


@dataclass(frozen=True, slots=True, eq=False)
class MeterBlock:
    """Consecutive steps of all meters."""

    first: int
    """Index of the first step in the run's timeline."""
    net_kwh: Floats
    """Energy through each meter in each step, + out of the house [kWh], shape (n_steps, n_houses)."""


class MeterSource(Protocol):
    """A physical run as its meters saw it; can be read as often as one likes."""

    @property
    def grid(self) -> Grid:
        """The topology of the run."""

    @property
    def tree(self) -> TreeArrays:
        """The same as arrays."""

    @property
    def timeline(self) -> Timeline:
        """The steps of the run."""

    def blocks(self) -> Iterator[MeterBlock]:
        """Walk the run from its first step to its last, in blocks of whole steps."""
