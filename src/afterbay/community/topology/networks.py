"""A power network drawn for power flow, as a grid: its electrical data kept, its lines and junctions left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from afterbay.community.topology.network_tree import feed_loads, lay_out
from afterbay.community.topology.suggestions import suggest
from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, NotFoundError, Problem, Problems

if TYPE_CHECKING:
    from afterbay.community.topology.records import Grid

__all__ = ["Network", "NetworkBus", "NetworkLine", "NetworkLoad", "NetworkTransformer", "read_network"]

_KINDS: Final = ("grid", "junction", "connection")


@dataclass(frozen=True, slots=True)
class NetworkBus:
    """A point of the network."""

    id: str
    name: str
    kind: str
    """grid (the source), junction or connection."""
    vn_kv: float
    """Nominal voltage [kV]."""
    parent: str | None
    """Next bus towards the source, as the file states it."""
    x: float | None = None
    y: float | None = None
    """Coordinates in the system of the file, which it does not name."""


@dataclass(frozen=True, slots=True)
class NetworkLine:
    """A line between two buses."""

    id: str
    from_bus: str
    to_bus: str
    length_m: float
    r_ohm_per_km: float
    x_ohm_per_km: float
    c_nf_per_km: float
    max_i_a: float
    std_type: str
    in_service: bool
    open_switch: bool
    """Whether a switch in the line is open; then nothing flows."""

    @property
    def is_closed(self) -> bool:
        """Whether power may flow."""
        return self.in_service and not self.open_switch


@dataclass(frozen=True, slots=True)
class NetworkTransformer:
    """A transformer between two buses."""

    id: str
    from_bus: str
    to_bus: str
    sn_kva: float
    """Rating [kVA]."""
    vk_percent: float
    """Short-circuit voltage [%]."""
    vkr_percent: float
    """Its real part: the load loss at the rating [% of the rating]."""
    pfe_kw: float
    """Iron loss, always [kW]."""
    i0_percent: float
    vector_group: str
    in_service: bool
    open_switch: bool

    @property
    def is_closed(self) -> bool:
        """Whether power may flow."""
        return self.in_service and not self.open_switch


@dataclass(frozen=True, slots=True)
class NetworkLoad:
    """A load of the file; its power is a snapshot, no profile."""

    id: str
    bus: str
    name: str
    p_kw: float
    p_kw_by_phase: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network with the grid that was made of it."""

    name: str
    source: str
    license: str
    buses: Mapping[str, NetworkBus]
    lines: Mapping[str, NetworkLine]
    transformers: Mapping[str, NetworkTransformer]
    loads: Mapping[str, NetworkLoad]
    grid: Grid
    """Transformers and houses; loads without a profile of their own are `load-<house>`."""
    loads_by_house: Mapping[str, str]
    """Load id by the fixed name of its house."""
    transformers_by_name: Mapping[str, str]
    """Transformer id by the fixed name of the grid's transformer."""
    notes: tuple[str, ...] = ()
    """What the file holds and the grid does not, in words."""

    @property
    def open_switches(self) -> tuple[str, ...]:
        """Ids of the lines and transformers with an open switch."""
        lines = (line.id for line in self.lines.values() if line.open_switch)
        return (*lines, *(transformer.id for transformer in self.transformers.values() if transformer.open_switch))

    def bus_of(self, house: str) -> NetworkBus:
        """Return the bus that a house hangs from, by the fixed name of the house.

        Raises:
            NotFoundError: If no load became this house.
        """
        if house not in self.loads_by_house:
            move = suggest(house, self.loads_by_house, "houses added later have no bus")
            raise NotFoundError(f"no load of network {self.name!r} is house {house!r} -> {move}")
        return self.buses[self.loads[self.loads_by_house[house]].bus]


def read_network(path: Path | str) -> Network:
    """Read a network in JSON: buses (`nodes`), lines and transformers (`edges`), `loads`.

    A load becomes a house below the transformer that feeds it: found by walking closed lines and transformers that
    are in service, from the bus of kind grid; the parents that the file states must lead to the same transformer.
    Transformers carry their rating (at power factor 1), iron loss and load loss, and rated currents.

    Raises:
        NotFoundError: If there is no such file.
        InvalidInputError: With every problem found: fields, buses that do not exist, loads that nothing feeds,
            loads that two transformers feed at once.
    """
    path = Path(path)
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise NotFoundError(f"there is no network file {path} -> check the path") from None
    except OSError as error:
        raise _refused(path, error.strerror or str(error), "a file that can be read", "check the path") from None
    except (ValueError, RecursionError) as error:
        raise _refused(path, str(error), "valid JSON, in UTF-8", "mend the file; was it cut off?") from None
    if not isinstance(values, dict):
        raise _refused(path, "no object at the top", "nodes, edges and loads", "is this the right file?")
    return _network(values, path.stem)


def _network(values: dict[str, Any], stem: str) -> Network:
    reader = _Reader()
    buses = {bus.id: bus for bus in (_bus(row) for row in reader.rows(values, "nodes"))}
    lines: dict[str, NetworkLine] = {}
    transformers: dict[str, NetworkTransformer] = {}
    for row in reader.rows(values, "edges"):
        kind = row.text("kind")
        ends = row.text("from"), row.text("to")
        for field, end in zip(("from", "to"), ends, strict=True):
            row.known(field, end, buses)
        if kind == "line":
            lines[row.text("id")] = _line(row, ends)
        elif kind == "transformer":
            transformers[row.text("id")] = _transformer(row, ends)
        else:
            row.problem("kind", kind, "line | transformer")
    loads = {load.id: load for load in (_load(row, buses) for row in reader.rows(values, "loads"))}
    for bus in buses.values():
        if bus.parent is not None and bus.parent not in buses:
            move = suggest(bus.parent, buses, "add the node, or name another one")
            reader.problems.add(f"{bus.id}.parent", repr(bus.parent), "the id of a node", move)
    sources = [bus.id for bus in buses.values() if bus.kind == "grid"]
    if len(sources) != 1:
        reader.problems.add("nodes", f"{len(sources)} of kind grid", "exactly one source", "mark the feeding bus")
    reader.problems.raise_if_any()

    feeders = feed_loads(sources[0], buses, lines, transformers, loads)
    name = values["name"] if isinstance(values.get("name"), str) else stem
    layout = lay_out(name, buses, feeders)
    return Network(
        name=name,
        source=str(values.get("source", "")),
        license=str(values.get("license", "")),
        buses=buses,
        lines=lines,
        transformers=transformers,
        loads=loads,
        grid=layout.grid,
        loads_by_house=layout.loads_by_house,
        transformers_by_name=layout.transformers_by_name,
        notes=_notes(values),
    )


class _Row:
    """One object of a list in the file, read field by field."""

    def __init__(self, values: Mapping[str, Any], where: str, problems: Problems) -> None:
        self.values, self._where, self._problems = values, where, problems

    def problem(self, field: str, got: object, allowed: str, move: str = "correct it") -> None:
        self._problems.add(f"{self._where}.{field}", "nothing" if got is None else repr(got), allowed, move)

    def text(self, field: str, default: str | None = None) -> str:
        value = self.values.get(field, default)
        if not isinstance(value, str):
            self.problem(field, value, "text")
            return ""
        return value

    def number(self, field: str, *, least: float | None = 0.0, above: float | None = None) -> float:
        value = self.values.get(field)
        fits = is_number(value) and (least is None or value >= least) and (above is None or value > above)  # type: ignore[operator]
        if not fits:
            range_ = f" above {above:g}" if above is not None else f" >= {least:g}" if least is not None else ""
            self.problem(field, value, f"a finite number{range_}")
            return 1.0
        return float(value)  # type: ignore[arg-type]

    def flag(self, field: str, *, default: bool) -> bool:
        value = self.values.get(field, default)
        if not isinstance(value, bool):
            self.problem(field, value, "true or false")
        return value is True

    def known(self, field: str, bus: str, buses: Mapping[str, NetworkBus]) -> None:
        if bus and bus not in buses:
            self.problem(field, bus, "the id of a node", suggest(bus, buses, "add the node, or name another one"))


class _Reader:
    """Reads the lists of the file and collects what is wrong."""

    def __init__(self) -> None:
        self.problems = Problems()

    def rows(self, values: Mapping[str, Any], key: str) -> list[_Row]:
        listed = values.get(key)
        if not isinstance(listed, list) or not listed:
            got = "nothing" if not listed else type(listed).__name__
            self.problems.add(key, got, "a list of objects, at least one", "is this the right file?")
            return []
        rows = []
        seen: set[str] = set()
        for place, row in enumerate(listed):
            if not isinstance(row, Mapping):
                self.problems.add(f"{key}[{place}]", repr(row)[:60], "an object", "correct it")
                continue
            name = row.get("id")
            if isinstance(name, str):
                if name in seen:
                    self.problems.add(f"{key}[{place}].id", f"{name!r} again", "every id once", "rename one of them")
                seen.add(name)
            rows.append(_Row(row, f"{key}[{place}]", self.problems))
        return rows


def _bus(row: _Row) -> NetworkBus:
    values = row.values
    kind = row.text("kind")
    if kind and kind not in _KINDS:
        row.problem("kind", kind, " | ".join(_KINDS), suggest(kind, _KINDS, "choose one of these"))
    parent = row.text("parent") if values.get("parent") is not None else None
    x, y = (row.number(axis, least=None) if values.get(axis) is not None else None for axis in ("x", "y"))
    return NetworkBus(row.text("id"), row.text("name", ""), kind, row.number("vn_kv", above=0.0), parent, x, y)


def _line(row: _Row, ends: tuple[str, str]) -> NetworkLine:
    return NetworkLine(
        row.text("id"), *ends,
        length_m=row.number("length_m"),
        r_ohm_per_km=row.number("r_ohm_per_km"),
        x_ohm_per_km=row.number("x_ohm_per_km"),
        c_nf_per_km=row.number("c_nf_per_km"),
        max_i_a=row.number("max_i_a"),
        std_type=row.text("std_type", ""),
        in_service=row.flag("in_service", default=True),
        open_switch=row.flag("open_switch", default=False),
    )  # fmt: skip


def _transformer(row: _Row, ends: tuple[str, str]) -> NetworkTransformer:
    return NetworkTransformer(
        row.text("id"), *ends,
        sn_kva=row.number("sn_kva", above=0.0),
        vk_percent=row.number("vk_percent"),
        vkr_percent=row.number("vkr_percent"),
        pfe_kw=row.number("pfe_kw"),
        i0_percent=row.number("i0_percent"),
        vector_group=row.text("vector_group", ""),
        in_service=row.flag("in_service", default=True),
        open_switch=row.flag("open_switch", default=False),
    )  # fmt: skip


def _load(row: _Row, buses: Mapping[str, NetworkBus]) -> NetworkLoad:
    bus = row.text("node")
    row.known("node", bus, buses)
    phases = row.values.get("p_kw_by_phase")
    if phases is not None and not (isinstance(phases, Mapping) and all(is_number(value) for value in phases.values())):
        row.problem("p_kw_by_phase", phases, "numbers by phase [kW]")
        phases = None
    return NetworkLoad(row.text("id"), bus, row.text("name", ""), row.number("p_kw", least=None), phases)


def _notes(values: Mapping[str, Any]) -> tuple[str, ...]:
    left_out = [(key, values[key]) for key in ("pv", "storage") if values.get(key) and isinstance(values[key], list)]
    known = ("name", "source", "license", "nodes", "edges", "loads", "pv", "storage")
    return (
        *(f"{len(rows)} entries under {key} are not imported: give the houses their devices" for key, rows in left_out),
        *(f"{key} is not read" for key in values if key not in known),
    )


def _refused(where: Path, got: str, allowed: str, move: str) -> InvalidInputError:
    return InvalidInputError(Problem(str(where), got, allowed, move))
