"""Which transformer feeds which load: the closed part of a network, walked from its source."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from afterbay.community.topology.bounds import LONGEST_DISPLAY_NAME
from afterbay.community.topology.draft import GridDraft
from afterbay.community.topology.records import Grid, LoadSeries
from afterbay.core.errors import Problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from afterbay.community.topology.networks import NetworkBus, NetworkLine, NetworkLoad, NetworkTransformer

__all__ = ["Feeders", "Layout", "feed_loads", "lay_out"]


class Feeders(NamedTuple):
    """What feeds what."""

    transformers: list[tuple[NetworkTransformer, str | None, str, str]]
    """Each with the id of the transformer above it, its upper bus and its lower bus; parents first."""
    loads: list[tuple[NetworkLoad, str | None]]
    """Each with the id of the transformer that feeds it, None for the source itself."""


class Layout(NamedTuple):
    """The grid of a network and where its nodes come from."""

    grid: Grid
    loads_by_house: dict[str, str]
    transformers_by_name: dict[str, str]


def feed_loads(
    source: str, buses: Mapping[str, NetworkBus], lines: Mapping[str, NetworkLine],
    transformers: Mapping[str, NetworkTransformer], loads: Mapping[str, NetworkLoad],
) -> Feeders:  # fmt: skip
    """Return the feeder of every transformer and load.

    Raises:
        InvalidInputError: If a load is fed by nothing, something is fed twice, or the parents that the file states
            lead to another transformer.
    """
    problems = Problems()
    area = _areas(buses, (line for line in lines.values() if line.is_closed))
    closed = [transformer for transformer in transformers.values() if transformer.is_closed]
    touching: dict[str, list[NetworkTransformer]] = {}
    for transformer in closed:
        if area[transformer.from_bus] == area[transformer.to_bus]:
            problems.add(transformer.id, "lines from one side to the other", "no way around a transformer",
                         "open a switch")  # fmt: skip
            continue
        for bus in (transformer.from_bus, transformer.to_bus):
            touching.setdefault(area[bus], []).append(transformer)
    feeder: dict[str, str | None] = {area[source]: None}
    order: list[tuple[NetworkTransformer, str | None, str, str]] = []
    used: set[str] = set()
    waiting = [area[source]]
    for here in waiting:  # grows while it is walked
        for transformer in touching.get(here, ()):
            if transformer.id in used:
                continue
            used.add(transformer.id)
            upper, lower = transformer.from_bus, transformer.to_bus
            if area[upper] != here:
                upper, lower = lower, upper
            there = area[lower]
            if there in feeder:
                other = feeder[there] or "the source"
                problems.add(transformer.id, f"feeds bus {lower} beside {other}", "one feeder for each part",
                             "open a switch: in a tree nothing is fed twice")  # fmt: skip
                continue
            feeder[there] = transformer.id
            order.append((transformer, feeder[here], upper, lower))
            waiting.append(there)
    fed = []
    crossings = {frozenset((t.from_bus, t.to_bus)): t.id for t in transformers.values()}
    for load in loads.values():
        here = area[load.bus]
        if here not in feeder:
            problems.add(load.id, f"bus {load.bus}, which no feeder reaches", "a way of closed lines to the source",
                         "close a switch or put a line in service")  # fmt: skip
            continue
        fed.append((load, feeder[here]))
        stated = _stated_feeder(load.bus, buses, crossings)
        if stated is not _SILENT and stated != feeder[here]:
            got = f"{_words(stated)} by the parents, {_words(feeder[here])} by the lines"
            problems.add(load.id, got, "the same feeder both ways", "mend the parents, or the switches")
    problems.raise_if_any()
    return Feeders(order, fed)


def lay_out(name: str, buses: Mapping[str, NetworkBus], feeders: Feeders) -> Layout:
    """Return the grid: one transformer for each that carries power, one house for each load."""
    draft = GridDraft(Grid(display_name=_short(name)))
    names: dict[str | None, str] = {None: "S-1"}
    for transformer, above, upper, lower in feeders.transformers:
        rating = _clean(transformer.sn_kva)
        names[transformer.id] = draft.add_transformer(
            names[above],
            display_name=_short(transformer.id),
            rated_kw=rating,
            no_load_loss_kw=_clean(transformer.pfe_kw),
            load_loss_kw=_clean(transformer.vkr_percent / 100.0 * transformer.sn_kva),
            primary_ampacity_a=_current(rating, buses[upper]),
            secondary_ampacity_a=_current(rating, buses[lower]),
        )
    houses = {}
    for load, above in feeders.loads:
        house = draft.add_house(names[above], display_name=_short(load.name or load.id))
        draft.set_fields(house, loads=(LoadSeries(f"load-{house}"),))
        houses[house] = load.id
    by_name = {own: given for given, own in names.items() if given is not None}
    return Layout(draft.freeze(), houses, by_name)


_SILENT = object()
"""The file states no parent that leads to the source."""


def _stated_feeder(bus: str, buses: Mapping[str, NetworkBus], crossings: Mapping[frozenset[str], str]) -> object:
    seen = set()
    while bus not in seen:
        seen.add(bus)
        parent = buses[bus].parent
        if parent is None:
            return None if buses[bus].kind == "grid" else _SILENT
        crossed = crossings.get(frozenset((bus, parent)))
        if crossed is not None:
            return crossed
        bus = parent
    return f"a loop at bus {bus}"


def _areas(buses: Mapping[str, NetworkBus], lines: Iterable[NetworkLine]) -> dict[str, str]:
    """Return for each bus the first bus of the part that closed lines join it to."""
    beside: dict[str, list[str]] = {}
    for line in lines:
        beside.setdefault(line.from_bus, []).append(line.to_bus)
        beside.setdefault(line.to_bus, []).append(line.from_bus)
    area: dict[str, str] = {}
    for first in buses:
        if first in area:
            continue
        area[first] = first
        waiting = [first]
        while waiting:
            for bus in beside.get(waiting.pop(), ()):
                if bus not in area:
                    area[bus] = first
                    waiting.append(bus)
    return area


def _current(rating_kva: float, bus: NetworkBus) -> float:
    return _clean(rating_kva / (math.sqrt(3.0) * bus.vn_kv))


def _clean(value: float) -> float:
    # Files carry the noise of single precision: 800.000011920929 kVA is 800.
    return float(f"{value:.6g}")


def _short(name: str) -> str:
    shown = "".join(letter for letter in name if letter.isprintable()).strip()
    return shown if len(shown) <= LONGEST_DISPLAY_NAME else f"{shown[: LONGEST_DISPLAY_NAME - 1].rstrip()}…"


def _words(feeder: object) -> str:
    return "the source" if feeder is None else str(feeder)
