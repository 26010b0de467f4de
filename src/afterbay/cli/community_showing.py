"""How a tree looks in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterbay.community.topology import find_node, grid_completeness
from afterbay.community.topology.records import Grid, House, Transformer

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["devices_of", "tree_lines"]


def tree_lines(grid: Grid, node: str | None = None) -> list[str]:
    """Return one line per node, indented by its depth, with what it is and what is missing."""
    state = grid_completeness(grid)
    top = grid if node is None else find_node(grid, node)
    lines = list(_lines(top, 0))
    width = max(len(left) for left, _ in lines)
    return [f"{left.ljust(width)}  {_told(item, state[item.name])}".rstrip() for left, item in lines]


def _lines(item: Grid | Transformer | House, depth: int) -> Iterator[tuple[str, Grid | Transformer | House]]:
    shown = f" {item.display_name}" if item.display_name else ""
    yield f"{'  ' * depth}{item.name}{shown}", item
    if isinstance(item, House):
        return
    for house in item.houses:
        yield from _lines(house, depth + 1)
    for transformer in item.transformers:
        yield from _lines(transformer, depth + 1)


def _told(item: Grid | Transformer | House, state: object) -> str:
    if isinstance(item, House):
        about = devices_of(item)
    elif isinstance(item, Transformer):
        rating = "no rating" if item.rated_kw is None else f"{item.rated_kw:g} kW"
        about = rating if item.allow_export else f"{rating}, no export"
    else:
        about = f"{item.time_zone}, {item.currency}"
    missing = str(state)
    return f"{about}  ({missing})" if "missing" in missing else about


def devices_of(house: House) -> str:
    """Say in a few words what stands behind a meter."""
    parts = []
    if house.loads:
        parts.append("load")
    if house.solar:
        parts.append(f"solar {sum(array.kw for array in house.solar):g} kW")
    if house.wind:
        parts.append(f"wind {sum(turbine.kw for turbine in house.wind):g} kW")
    parts.extend(f"battery {battery.capacity_kwh:g} kWh {battery.mode}" for battery in house.batteries)
    parts.extend(f"car {car.charger_kw:g} kW" for car in house.cars)
    parts.extend(f"[{flag.type}={flag.value}]" for flag in house.flags if flag.active)
    return ", ".join(parts) or "nothing behind the meter"
