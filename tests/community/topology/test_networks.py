from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.community.step.tree import tree_arrays
from afterbay.community.topology import Network, compare_grids, completeness, read_network, require_ready
from afterbay.core.errors import InvalidInputError, NotFoundError
from shared_data import shared_path

Row = dict[str, Any]


def _bus(id: str, parent: str | None, kind: str = "junction", vn_kv: float = 0.4) -> Row:  # noqa: A002
    return {"id": id, "name": id.upper(), "kind": kind, "vn_kv": vn_kv, "x": 0.0, "y": 1.0, "parent": parent}


def _line(id: str, ends: str, **more: Any) -> Row:  # noqa: A002
    return {
        "id": id, "kind": "line", "from": ends[0], "to": ends[1], "length_m": 10.0, "r_ohm_per_km": 0.2,
        "x_ohm_per_km": 0.08, "c_nf_per_km": 200.0, "max_i_a": 270.0, "std_type": "NAYY", "in_service": True, **more,
    }  # fmt: skip


def _trafo(id: str, ends: str, **more: Any) -> Row:  # noqa: A002
    return {
        "id": id, "kind": "transformer", "from": ends[0], "to": ends[1], "sn_kva": 400.0, "vk_percent": 6.0,
        "vkr_percent": 1.5, "pfe_kw": 1.35, "i0_percent": 0.3, "vector_group": "Dyn5", **more,
    }  # fmt: skip


def _load(id: str, node: str) -> Row:  # noqa: A002
    return {"id": id, "node": node, "name": f"HH {id}", "p_kw": 2.1}


def _street() -> dict[str, Any]:
    """Source g, transformer t1 to a, line a-b, transformer t2 from b to c; loads at a, b, c. Line b-d is open."""
    return {
        "name": "Street",
        "source": "drawn by hand",
        "license": "ours",
        "nodes": [
            _bus("g", None, "grid", 20.0), _bus("a", "g"), _bus("b", "a"), _bus("c", "b", "connection"), _bus("d", "c"),
        ],
        "edges": [
            _trafo("t1", "ga"), _line("ab", "ab"), _trafo("t2", "cb", sn_kva=100.000011920929), _line("cd", "cd"),
            _line("bd", "bd", open_switch=True),
        ],
        "loads": [_load("l1", "a"), _load("l2", "b"), _load("l3", "c"), _load("l4", "d")],
        "pv": [],
        "storage": [],
    }  # fmt: skip


def _read(values: Any, folder: Path) -> Network:
    path = folder / "street.json"
    path.write_text(json.dumps(values))
    return read_network(path)


def test_loads_become_houses_below_the_transformer_that_feeds_them(tmp_path: Path) -> None:
    network = _read(_street(), tmp_path)

    parents = {network.loads_by_house[house.name]: parent for house, parent in network.grid.every_house()}
    assert dict(network.transformers_by_name) == {"T-1.1": "t1", "T-1.1.1": "t2"}
    assert parents == {"l1": "T-1.1", "l2": "T-1.1", "l3": "T-1.1.1", "l4": "T-1.1.1"}
    assert network.bus_of("H-1.1.1.2").id == "d"
    assert [house.loads[0].profile for house, _ in network.grid.every_house()][:1] == ["load-H-1.1.1"]


def test_a_transformer_of_the_file_keeps_its_rating_losses_and_currents(tmp_path: Path) -> None:
    network = _read(_street(), tmp_path)

    upper, lower = (transformer for transformer, _ in network.grid.every_transformer())
    assert (upper.rated_kw, upper.no_load_loss_kw, upper.load_loss_kw) == (400.0, 1.35, 6.0)
    assert upper.primary_ampacity_a == pytest.approx(400 / (math.sqrt(3) * 20), rel=1e-5)
    assert upper.secondary_ampacity_a == pytest.approx(400 / (math.sqrt(3) * 0.4), rel=1e-5)
    # Drawn the other way round in the file, and with the noise of single precision.
    assert (lower.rated_kw, lower.load_loss_kw) == (100.0, 1.5)
    assert completeness(upper).status == "complete"


def test_the_electrical_data_is_kept_for_a_power_flow(tmp_path: Path) -> None:
    network = _read(_street(), tmp_path)

    assert set(network.buses) == {"g", "a", "b", "c", "d"}
    assert network.lines["ab"].r_ohm_per_km == 0.2
    assert network.lines["bd"].is_closed is False
    assert network.open_switches == ("bd",)
    assert network.transformers["t2"].sn_kva == 100.000011920929
    assert network.loads["l4"].p_kw == 2.1


def test_a_house_that_no_load_became_has_no_bus(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"did you mean H-1\.1\.1"):
        _read(_street(), tmp_path).bus_of("H-1.1.11")


def test_what_the_grid_leaves_out_is_said(tmp_path: Path) -> None:
    network = _read({**_street(), "pv": [{"node": "c", "p_kw": 5.0}], "weather": 1}, tmp_path)

    assert network.notes == (
        "1 entries under pv are not imported: give the houses their devices", "weather is not read",
    )  # fmt: skip


def _without(key: str, id: str) -> dict[str, Any]:  # noqa: A002
    values = _street()
    return {**values, key: [row for row in values[key] if row["id"] != id]}


def _with(key: str, *rows: Row) -> dict[str, Any]:
    """The street with rows replaced by those of the same id, or added."""
    values = _street()
    ids = {row["id"] for row in rows}
    return {**values, key: [row for row in values[key] if row["id"] not in ids] + list(rows)}


_WRONG: list[tuple[dict[str, Any], str]] = [
    (_with("edges", _line("cd", "cd", open_switch=True)), "l4: got bus d, which no feeder reaches"),
    (_with("edges", _line("cd", "cd", in_service=False)), "l4: got bus d, which no feeder reaches"),
    (_with("edges", _line("bd", "bd")), "t2: got lines from one side to the other, allowed: no way around"),
    (_with("edges", _trafo("t3", "gc")), "feeds bus c beside"),
    (_with("edges", _trafo("t3", "ga")), "t3: got feeds bus a beside t1, allowed: one feeder"),
    (_with("nodes", _bus("c", "a")), "l3: got t1 by the parents, t2 by the lines"),
    (_with("nodes", _bus("b", "d"), _bus("d", "b")), "l2: got a loop at bus b by the parents, t1 by the lines"),
    (_with("nodes", _bus("b", "z")), "b.parent: got 'z', allowed: the id of a node"),
    (_with("nodes", _bus("a", "g", "grid")), "nodes: got 2 of kind grid, allowed: exactly one source"),
    (_with("nodes", _bus("a", "g", "junktion")), "did you mean junction?"),
    (_with("nodes", _bus("a", "g", vn_kv=0.0)), ".vn_kv: got 0.0, allowed: a finite number above 0"),
    (_with("edges", _line("ab", "az")), ".to: got 'z', allowed: the id of a node"),
    (_with("edges", _line("ab", "ab", length_m=-1.0)), ".length_m: got -1.0, allowed: a finite number >= 0"),
    (_with("edges", _line("ab", "ab", in_service="yes")), ".in_service: got 'yes', allowed: true or false"),
    (_with("edges", {**_line("ab", "ab"), "kind": "cable"}), ".kind: got 'cable', allowed: line | transformer"),
    (_with("edges", _trafo("t1", "ga", sn_kva=None)), ".sn_kva: got nothing, allowed: a finite number above 0"),
    (_with("loads", {**_load("l1", "a"), "name": 5}), "loads[3].name: got 5, allowed: text"),
    (_with("loads", _load("l1", "q")), ".node: got 'q'"),
    (_with("loads", {**_load("l1", "a"), "p_kw": float("nan")}), ".p_kw: got nan"),
    (_with("loads", {**_load("l1", "a"), "p_kw_by_phase": {"a": "x"}}), "numbers by phase [kW]"),
    ({**_street(), "loads": [_load("l1", "a"), _load("l1", "b")]}, "loads[1].id: got 'l1' again"),
    ({**_street(), "loads": []}, "loads: got nothing, allowed: a list of objects, at least one"),
    ({**_street(), "edges": "none"}, "edges: got str"),
    ({**_street(), "loads": ["l1"]}, "loads[0]: got 'l1', allowed: an object"),
    (_without("nodes", "g"), "nodes: got 0 of kind grid"),
]


@pytest.mark.parametrize(("values", "told"), _WRONG, ids=[row[1] for row in _WRONG])
def test_each_fault_of_a_network_is_told(values: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as refused:
        _read(values, tmp_path)

    assert told in str(refused.value)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.floats() | st.sampled_from(["a", "b", "g", "line", "t1", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "name", "x"]), inner),
    max_leaves=4,
)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_stands_in_a_file_it_is_a_network_or_refused_with_reasons(
    tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    values: Any = _street()
    place: Any = values
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.integers(0, 4)) == 0:
            break
        place = place[key]
    place[key] = data.draw(_VALUES)

    try:
        network = _read(values, tmp_path_factory.getbasetemp())
    except InvalidInputError:
        return

    assert sorted(network.loads_by_house) == sorted(network.grid.house_names)
    assert set(network.loads_by_house.values()) == set(network.loads)


def test_files_that_are_no_network_are_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no network file"):
        read_network(tmp_path / "none.json")
    with pytest.raises(InvalidInputError, match="a file that can be read"):
        read_network(tmp_path)
    with pytest.raises(InvalidInputError, match="no object at the top"):
        _read([], tmp_path)
    (tmp_path / "cut.json").write_text(json.dumps(_street())[:100])
    with pytest.raises(InvalidInputError, match="was it cut off"):
        read_network(tmp_path / "cut.json")


def test_a_network_without_stated_parents_is_walked_by_its_lines_alone(tmp_path: Path) -> None:
    values = _street()
    for bus in values["nodes"]:
        del bus["parent"]

    assert not compare_grids(_read(values, tmp_path).grid, _read(_street(), tmp_path).grid)


def test_a_load_at_the_source_hangs_from_the_grid(tmp_path: Path) -> None:
    network = _read(_with("loads", _load("l9", "g")), tmp_path)

    assert [house.name for house in network.grid.houses] == ["H-1.1"]


_REAL = [
    ("schutterwald_sub", 123, 400.0, 1.35, 5.7, 5),
    ("ieee_european_lv", 55, 800.0, 0.0, 3.2, 0),
]


@pytest.mark.parametrize(("file", "loads", "rated_kw", "no_load_kw", "load_kw", "open_switches"), _REAL)
def test_a_real_network_becomes_one_transformer_with_all_its_loads(
    file: str, loads: int, rated_kw: float, no_load_kw: float, load_kw: float, open_switches: int
) -> None:
    path = shared_path(f"data/topology_{file}.json")
    raw = json.loads(path.read_text())

    network = read_network(path)

    (transformer,) = network.grid.transformers
    assert (transformer.rated_kw, transformer.no_load_loss_kw, transformer.load_loss_kw) == (
        rated_kw, no_load_kw, load_kw,
    )  # fmt: skip
    assert len(transformer.houses) == loads
    assert len(network.open_switches) == open_switches
    assert sorted(network.loads_by_house.values()) == sorted(row["id"] for row in raw["loads"])
    assert {network.bus_of(house).id for house in network.grid.house_names} == {row["node"] for row in raw["loads"]}
    assert (len(network.buses), len(network.lines)) == (len(raw["nodes"]), len(raw["edges"]) - 1)
    require_ready(network.grid, {f"load-{house}" for house in network.grid.house_names})
    assert [finding.problem.where for finding in network.grid.check()] == ["S-1.tariffs"]


@pytest.mark.parametrize("file", ["schutterwald_sub", "ieee_european_lv"])
def test_a_real_network_is_radial_once_its_open_switches_are_open(file: str) -> None:
    network = read_network(shared_path(f"data/topology_{file}.json"))

    closed = [line for line in network.lines.values() if line.is_closed]
    # A tree has one edge less than it has nodes; with the five switches of Schutterwald closed it would have rings.
    assert len(closed) + len(network.transformers) == len(network.buses) - 1


def test_a_lossy_transformer_of_a_network_reaches_the_arrays_of_a_run(tmp_path: Path) -> None:
    arrays = tree_arrays(_read(_street(), tmp_path).grid)

    assert arrays.tree.eta_down.tolist() == [1.0, 1.0, 1.0]
    assert arrays.tree.no_load_kw.tolist() == [0.0, 1.35, 1.35]
    assert (arrays.tree.load_loss_per_kw * arrays.rated_kw**2)[1:].tolist() == pytest.approx([6.0, 1.5])
