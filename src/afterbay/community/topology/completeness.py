"""How far a node is described: empty, in progress or complete, and what is missing, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from afterbay.community.topology.records import Grid, House, Transformer

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Completeness", "Status", "completeness", "grid_completeness"]

Status = Literal["empty", "in_progress", "complete"]


@dataclass(frozen=True, slots=True)
class Completeness:
    """What is set of all that a node needs."""

    set_count: int
    needed: int
    missing: tuple[str, ...]
    """What is not set, in words."""

    @property
    def status(self) -> Status:
        """Nothing set, something, or everything."""
        if not self.missing:
            return "complete"
        return "in_progress" if self.set_count else "empty"

    def __str__(self) -> str:
        missing = f"; missing: {', '.join(self.missing)}" if self.missing else ""
        return f"{self.set_count} of {self.needed} set{missing}"


def completeness(node: Grid | Transformer | House) -> Completeness:
    """Return how far one node is described.

    A transformer needs a display name, a rating, both ampacities, and its forward efficiency; where it allows
    export, its backward efficiency too. A load loss stands for both efficiencies. A house needs a display name and
    a load, or a device that stands without one; the grid a display name and at least one node.
    """
    if isinstance(node, Transformer):
        needs = _transformer_needs(node)
    elif isinstance(node, House):
        devices = node.loads or node.solar or node.wind or node.batteries or node.cars
        needs = {"display name": bool(node.display_name), "load": bool(devices)}
    else:
        below = bool(node.transformers or node.houses)
        needs = {"display name": bool(node.display_name), "transformer or house": below}
    missing = tuple(name for name, is_set in needs.items() if not is_set)
    return Completeness(len(needs) - len(missing), len(needs), missing)


def grid_completeness(grid: Grid) -> Mapping[str, Completeness]:
    """Return how far each node is described, by name: the grid, its transformers, its houses."""
    nodes: list[Grid | Transformer | House] = [grid]
    nodes.extend(transformer for transformer, _ in grid.every_transformer())
    nodes.extend(house for house, _ in grid.every_house())
    return {node.name: completeness(node) for node in nodes}


def _transformer_needs(transformer: Transformer) -> dict[str, bool]:
    has_loss = transformer.load_loss_kw > 0.0
    needs = {
        "display name": bool(transformer.display_name),
        "rating": transformer.rated_kw is not None,
        "primary ampacity": transformer.primary_ampacity_a is not None,
        "secondary ampacity": transformer.secondary_ampacity_a is not None,
        "forward efficiency": has_loss or transformer.forward_efficiency is not None,
    }
    if transformer.allow_export:
        needs["backward efficiency"] = has_loss or transformer.backward_efficiency is not None
    return needs
