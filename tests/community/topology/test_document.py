from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from community_grids import grids
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from afterbay.community.topology import (
    Grid,
    House,
    Transformer,
    elm_street,
    find_node,
    grid_from_document,
    grid_from_json,
    grid_schema,
    grid_to_document,
    grid_to_json,
    read_grid,
    set_fields,
    two_houses,
    write_grid,
)
from afterbay.core.errors import InvalidInputError, NotFoundError


@given(grid=grids())
@settings(max_examples=40, deadline=None)
def test_a_grid_that_goes_out_and_comes_in_is_the_same_grid(grid: Grid) -> None:
    again = grid_from_json(grid_to_json(grid))

    assert again == grid
    assert list(again.tariffs) == list(grid.tariffs)
    assert again.house_names == grid.house_names
    assert grid_to_json(again) == grid_to_json(grid)


@given(grid=grids())
@settings(max_examples=20, deadline=None)
def test_a_list_of_nodes_in_any_order_is_the_same_tree(grid: Grid) -> None:
    listed = _listed(grid)

    again = grid_from_document({**listed, "nodes": listed["nodes"][::-1]})

    assert sorted(again.house_names) == sorted(grid.house_names)
    assert {node.name: parent for node, parent in again.every_transformer()} == {
        node.name: parent for node, parent in grid.every_transformer()
    }
    assert grid_from_document(listed) == grid


def _listed(grid: Grid) -> dict[str, Any]:
    """The same document with all nodes in one list."""
    document = grid_to_document(grid)
    nodes: list[dict[str, Any]] = []

    def take(values: dict[str, Any], name: str) -> None:
        for kind in ("house", "transformer"):
            for child in values.pop(f"{kind}s", []):
                nodes.append({"kind": kind, "parent": name, **child})
                take(nodes[-1], child["name"])

    take(document, grid.name)
    return {**document, "nodes": nodes}


def test_what_is_at_its_default_is_left_out() -> None:
    assert grid_to_document(Grid("S-1", houses=(House("H-1.1"),))) == {
        "version": 1, "name": "S-1", "houses": [{"name": "H-1.1"}],
    }  # fmt: skip


def test_the_defaults_of_version_one_do_not_change() -> None:
    # A field that is left out of a document takes them: another default needs another version of the document.
    grid = grid_from_json(
        '{"version": 1, "transformers": [{"name": "T-1.1"}], "tariffs": [{"name": "a", "retail_per_kwh": 1}],'
        '"houses": [{"name": "H-1.1", "batteries": [{"capacity_kwh": 1, "charge_kw": 1, "discharge_kw": 1}],'
        '"solar": [{"profile": "s", "kw": 1}], "loads": [{"profile": "l"}], "cars": [{"profile": "c"}]}]}'
    )

    (house,), (transformer,), tariff = grid.houses, grid.transformers, grid.tariffs["a"]
    battery, solar, car = house.batteries[0], house.solar[0], house.cars[0]
    assert (grid.name, grid.currency, grid.time_zone, grid.local_fee_per_kwh) == ("S-1", "EUR", "UTC", 0.0)
    assert (transformer.allow_export, transformer.forward_efficiency, transformer.no_load_loss_kw) == (True, None, 0.0)
    assert (house.type, house.import_kw, house.tariff, house.key) == ("residential", None, None, None)
    assert (battery.min_soc, battery.max_soc, battery.initial_soc, battery.mode) == (0.1, 1.0, 0.5, "self_consumption")
    assert (battery.charge_efficiency, battery.discharge_efficiency, battery.reserve_soc) == (0.95, 0.95, 0.0)
    assert (battery.base_share, battery.dynamic_share, battery.grid_charge) == (0.0, 1.0, False)
    assert (solar.inverter_kw, solar.tracking, house.loads[0].scale, car.charger_kw) == (None, False, 1.0, 7.4)
    assert (tariff.feed_in_per_kwh, tariff.tax_fraction, tariff.local_network_reduction) == (0.0, 0.0, 0.0)


def test_the_first_tariff_stays_the_first_even_where_keys_are_sorted() -> None:
    grid = elm_street()

    again = grid_from_json(json.dumps(grid_to_document(grid), sort_keys=True))

    assert list(again.tariffs) == ["household", "night"]


_VALIDATOR = Draft202012Validator(grid_schema())
_BATTERY = {"capacity_kwh": 1, "charge_kw": 1, "discharge_kw": 1}
_WRONG = [
    ({}, "version: got nothing, allowed: 1"),
    ({"version": 2}, "version: got 2, allowed: 1 -> was it written by a newer afterbay?"),
    ({"version": True}, "version: got True"),
    ({"curency": "EUR"}, "curency: got an unknown key, allowed: a field of a grid -> did you mean currency?"),
    ({"transformers": {}}, "transformers: got an object, allowed: a list"),
    ({"transformers": [{}]}, "transformers[0].name: got nothing, allowed: text"),
    ({"transformers": ["T-1"]}, "transformers[0]: got the text 'T-1', allowed: an object: a transformer"),
    ({"transformers": [{"name": "T", "rated_kw": "50 kW"}]},
     "transformers[0].rated_kw: got the text '50 kW', allowed: a finite number, or null"),
    ({"transformers": [{"name": "T", "allow_export": 1}]},
     "transformers[0].allow_export: got 1, allowed: true or false"),
    ({"houses": [{"name": "H", "solar": [{"profile": "s"}]}]}, "houses[0].solar[0].kw: got nothing"),
    ({"houses": [{"name": "H", "batteries": [{**_BATTERY, "mode": "reserv"}]}]},
     "houses[0].batteries[0].mode: got the text 'reserv', allowed: self_consumption"),
    ({"houses": [{"name": "H", "loads": [{"profile": "p", "scale": True}]}]}, "houses[0].loads[0].scale: got true"),
    ({"houses": [{"name": "H", "loads": [{"profile": "p", "scale": None}]}]}, "houses[0].loads[0].scale: got null"),
    ({"priority": [["Priority"]]}, "priority[0]: got a list of 1, allowed: a list of two texts"),
    ({"tariffs": [{"retail_per_kwh": 0.3}]}, "tariffs[0]: got an object, allowed: an object with a name"),
    ({"tariffs": [{"name": "a", "retail_per_kwh": 0.3}] * 2}, "tariffs[1].name: got 'a' again"),
    ({"next_numbers": {"H-1.": 0}}, "next_numbers: got an object, allowed: whole numbers by name"),
    ({"nodes": [], "houses": []}, "nodes: got nodes beside houses, allowed: either of them"),
    ({"nodes": {}}, "nodes: got dict, allowed: a list of nodes"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "told"), _WRONG, ids=[row[1] for row in _WRONG])
def test_each_wrong_key_and_type_is_told_with_its_place(values: dict[str, Any], told: str) -> None:
    document = values if "version" in values or not values else {"version": 1, **values}

    with pytest.raises(InvalidInputError) as refused:
        grid_from_document(document)

    assert len(refused.value.problems) == 1
    assert told in str(refused.value)


def test_all_that_is_wrong_comes_at_once() -> None:
    with pytest.raises(InvalidInputError) as refused:
        grid_from_document({"nam": "S-1", "houses": [{"name": 1}, {"name": "H", "type": None}]})

    assert [problem.where for problem in refused.value.problems] == [
        "version",
        "nam",
        "houses[0].name",
        "houses[1].type",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "an empty text"),
        ("  \n", "an empty text"),
        ("[]", "no object at the top"),
        ('{"version": 1, "houses": [', "the document, line 1, column"),
        ('{"version": 1, "latitude": NaN}', "latitude: got nan, allowed: a finite number, or null"),
        ('{"version": 1, "latitude": 1e999}', "latitude: got inf"),
        ('{"version": 1, "name": "S-1", "name": "S-2"}', "name: got the same key again"),
        ('{"version": 1, "houses": [{"name": "H", "type": "a", "type": ""}]}', "houses[0].type: got the same key"),
        ('{"version": 1, "tariffs": [{"name": "a", "retail_per_kwh": 1, "retail_per_kwh": 2}]}',
         "tariffs[0].retail_per_kwh: got the same key again"),
        ('{"version": 1, "nodes": [{"kind": "house", "name": "H", "parent": "S-1", "key": 1, "key": 0}]}',
         "nodes[0].key: got the same key again"),
        ("[" * 100_000, "brackets nested too deep"),
        ('{"version": 1, "latitude": ' + "9" * 5_000 + "}", "the document: got Exceeds the limit"),
        ('{"version": 1, "latitude": ' + "9" * 400 + "}", "latitude: got 9999"),
        (b"\xff\xfe\x00", "no UTF-8 text (byte 0)"),
        ('{"version": 1, "display_name": "\\ud800"}', "display_name: got the text '\\ud800', allowed: text"),
    ],
)  # fmt: skip
def test_text_that_is_no_document_is_told_as_such(text: str | bytes, told: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        grid_from_json(text)

    assert told in str(refused.value)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert grid_from_json(b"\xef\xbb\xbf" + grid_to_json(two_houses()).encode()) == two_houses()


def test_a_file_goes_out_whole_and_comes_in_the_same(tmp_path: Path) -> None:
    path = tmp_path / "elm.json"

    write_grid(elm_street(), path)

    assert read_grid(path) == elm_street()
    assert [entry.name for entry in tmp_path.iterdir()] == ["elm.json"]


def test_a_grid_that_cannot_be_written_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "grid.json"
    write_grid(two_houses(), path)

    with pytest.raises(InvalidInputError, match=r"S-1\.latitude: got nan"):
        write_grid(replace(elm_street(), latitude=float("nan")), path)

    assert read_grid(path) == two_houses()


def test_files_that_are_no_grid_are_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no grid file"):
        read_grid(tmp_path / "none.json")
    with pytest.raises(InvalidInputError, match="got a folder"):
        read_grid(tmp_path)
    with pytest.raises(InvalidInputError, match=r"a name that ends in \.json"):
        write_grid(two_houses(), tmp_path / "grid.yaml")
    with pytest.raises(InvalidInputError, match="a file that can be read"):
        read_grid("null\0character.json")
    (tmp_path / "cut.json").write_bytes(grid_to_json(two_houses()).encode()[:200])
    with pytest.raises(InvalidInputError, match=r"cut\.json, line \d+, column \d+: .*mend this line"):
        read_grid(tmp_path / "cut.json")


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_grid(elm_street(), tmp_path / "elm.json")
    monkeypatch.setattr("afterbay.community.topology.document._LARGEST_BYTES", 1_000)

    with pytest.raises(InvalidInputError, match="is this the right file"):
        read_grid(tmp_path / "elm.json")


def test_numbers_of_numpy_are_numbers() -> None:
    place: dict[str, Any] = {"latitude": np.float64(50.0), "longitude": np.int64(8)}
    grid = replace(two_houses(), **place)

    assert grid_from_json(grid_to_json(grid)) == grid
    assert find_node(set_fields(two_houses(), "T-1.1", rated_kw=np.int64(63)), "T-1.1") == replace(
        two_houses().transformers[0], rated_kw=63.0
    )


def test_a_tree_deeper_than_a_document_is_not_written_and_not_read() -> None:
    tree = Transformer("T-100")
    for level in range(99, 0, -1):
        tree = Transformer(f"T-{level}", transformers=(tree,))
    values: dict[str, Any] = {"name": "T-100"}
    for level in range(99, 0, -1):
        values = {"name": f"T-{level}", "transformers": [values]}

    with pytest.raises(InvalidInputError, match="T-51: got 51 levels deep"):
        grid_to_json(Grid(transformers=(tree,)))
    with pytest.raises(InvalidInputError, match="at most 50 levels of transformers"):
        grid_from_document({"version": 1, "transformers": [values]})


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 200) | st.floats() | st.text(max_size=3) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "profile", "x"]), inner),
    max_leaves=4,
)


@given(grid=grids(most_transformers=2, most_houses=2), is_listed=st.booleans(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_stands_in_a_document_it_is_a_grid_or_refused_with_reasons(
    grid: Grid, is_listed: bool, data: Any
) -> None:
    document = json.loads(json.dumps(_listed(grid) if is_listed else grid_to_document(grid)))
    place: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.integers(0, 4)) == 0:
            break
        place = place[key]
    place[key] = data.draw(_VALUES)

    try:
        read = grid_from_document(document)
    except InvalidInputError:
        return

    assert grid_from_json(grid_to_json(read)) == read
    if all(finding.severity == "warning" for finding in read.check()):
        _VALIDATOR.validate(document)


def _nodes(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "nodes": list(nodes)}


_T: dict[str, Any] = {"kind": "transformer", "name": "T-1.1", "parent": "S-1"}
_H: dict[str, Any] = {"kind": "house", "name": "H-1.1.1", "parent": "T-1.1"}
_LISTS = [
    (_nodes(_T, {**_H, "parent": "T-1.2"}), "nodes[1].parent", "H-1.1.1 is an orphan, allowed: a node that exists -> "
     "did you mean T-1.1?"),
    (_nodes(_T, {**_T, "name": "T-1.2", "parent": "T-1.3"}, {**_T, "name": "T-1.4", "parent": "T-1.2"}),
     "nodes[1].parent", "T-1.2 is an orphan, allowed: a node that exists -> did you mean T-1.1?"),
    (_nodes(_T, {**_H, "parent": None}), "nodes[1].parent", "got nothing: an orphan"),
    (_nodes({**_T, "parent": "T-1.1"}), "nodes[0].parent", "got T-1.1 -> T-1.1, allowed: a tree"),
    (_nodes({**_T, "parent": "T-1.2"}, {**_T, "name": "T-1.2", "parent": "T-1.1"}, _H), "nodes[0].parent",
     "got T-1.1 -> T-1.2 -> T-1.1, allowed: a tree that begins at the grid"),
    (_nodes(_T, _H, {**_H, "name": "H-2", "parent": "H-1.1.1"}), "nodes[2].parent", "got 'H-1.1.1', a house"),
    (_nodes(_T, _T), "nodes[1].name", "got 'T-1.1' again (first: nodes[0])"),
    (_nodes({**_T, "name": "S-1"}), "nodes[0].name", "got 'S-1' again (first: the grid)"),
    (_nodes({**_T, "kind": "trafo"}), "nodes[0].kind", "got 'trafo', allowed: transformer | house"),
    (_nodes({"name": "T-1.1"}), "nodes[0].kind", "got nothing"),
    (_nodes({**_T, "houses": []}), "nodes[0].houses", "children inside a listed node"),
    (_nodes({**_T, "rated_kw": "x"}, _H), "nodes[0].rated_kw", "got the text 'x'"),
    (_nodes({**_H, "rated_kw": 5.0, "parent": "S-1"}), "nodes[0].rated_kw",
     "an unknown key, allowed: a field of a house"),
    (_nodes({**_T, "name": []}), "nodes[0].name", "got a list of 0, allowed: text"),
    ({"version": 1, "nodes": ["T-1.1"]}, "nodes[0]", "an object with kind, name and parent"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "where", "told"), _LISTS, ids=[row[2] for row in _LISTS])
def test_each_way_in_which_a_list_is_no_tree_is_told_once(document: dict[str, Any], where: str, told: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        grid_from_document(document)

    (problem,) = refused.value.problems
    assert problem.where == where
    assert told in str(problem)


def test_every_loop_is_told_once_and_what_hangs_from_it_is_not() -> None:
    rings = [
        {**_T, "name": f"{ring}{place}", "parent": f"{ring}{(place + 1) % 3}"} for ring in "ab" for place in range(3)
    ]
    houses = [{**_H, "name": f"h{number}", "parent": "a0"} for number in range(5)]

    with pytest.raises(InvalidInputError) as refused:
        grid_from_document(_nodes(*houses, *rings))

    assert [problem.got for problem in refused.value.problems] == ["a0 -> a1 -> a2 -> a0", "b0 -> b1 -> b2 -> b0"]
