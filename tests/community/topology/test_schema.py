from __future__ import annotations

import json
from typing import Any

import pytest
from community_grids import grids
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from afterbay.community.topology import Grid, elm_street, grid_schema, grid_to_document, grid_to_json, two_houses

_SCHEMA = grid_schema()
_VALIDATOR = Draft202012Validator(_SCHEMA)


def test_the_schema_is_one_and_can_be_written() -> None:
    Draft202012Validator.check_schema(_SCHEMA)

    assert json.loads(json.dumps(_SCHEMA)) == _SCHEMA
    assert grid_schema() == _SCHEMA


@given(grid=grids())
@settings(max_examples=25, deadline=None)
def test_every_document_that_is_written_follows_the_schema(grid: Grid) -> None:
    _VALIDATOR.validate(json.loads(grid_to_json(grid)))


def test_a_list_of_nodes_follows_the_schema_too() -> None:
    _VALIDATOR.validate(
        {
            "version": 1,
            "nodes": [
                {"kind": "transformer", "name": "T-1.1", "parent": "S-1", "rated_kw": 50},
                {"kind": "house", "name": "H-1.1.1", "parent": "T-1.1", "loads": [{"profile": "p"}]},
            ],
        }
    )


def _broken(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    document = json.loads(json.dumps(grid_to_document(elm_street())))
    place = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return document  # type: ignore[no-any-return]


_FIRST_HOUSE = ("transformers", 0, "houses", 0)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"version": 2},
        {"version": 1, "nodes": [], "houses": []},
        {"version": 1, "nodes": [{"kind": "house", "name": "H-1.1"}]},
        {"version": 1, "nodes": [{"kind": "house", "name": "H-1.1", "parent": "S-1", "rated_kw": 1}]},
        {"version": 1, "nodes": [{"kind": "transformer", "name": "T-1.1", "parent": "S-1", "houses": []}]},
        _broken(("curency",), "EUR"),
        _broken(("latitude",), 95.0),
        _broken(("display_name",), "x" * 41),
        _broken(("tariffs",), {"household": {"retail_per_kwh": 0.3}}),
        _broken(("tariffs", 0, "tax_fraction"), 19),
        _broken(("priority", 0), ["Priority"]),
        _broken(("transformers", 0, "rated_kw"), "100 kVA"),
        _broken(("transformers", 0, "forward_efficiency"), 97),
        _broken(("transformers", 0, "backward_efficiency"), 0.0),
        _broken(("transformers", 0, "transformers", 0, "rated_kw"), -1),
        _broken((*_FIRST_HOUSE, "name"), ""),
        _broken((*_FIRST_HOUSE, "loads", 0), {"scale": 1.0}),
        _broken((*_FIRST_HOUSE, "batteries", 0, "mode"), "selfish"),
        _broken((*_FIRST_HOUSE, "batteries", 0, "capacity_kwh"), 0),
        _broken(("next_numbers",), {"H-1.": 0}),
    ],
)
def test_a_broken_document_does_not_follow_the_schema(document: dict[str, Any]) -> None:
    assert not _VALIDATOR.is_valid(document)


def test_the_schema_carries_the_notes_and_the_defaults_of_the_records() -> None:
    transformer = _SCHEMA["$defs"]["Transformer"]["properties"]
    battery = _SCHEMA["$defs"]["HomeBattery"]

    assert transformer["rated_kw"]["description"].startswith("Rating [kW]")
    assert transformer["allow_export"]["default"] is True
    assert battery["properties"]["min_soc"] == {
        "type": "number", "minimum": 0.0, "maximum": 1.0, "default": 0.1,
        "description": "Lowest state of charge [fraction of capacity].",
    }  # fmt: skip
    assert battery["required"] == ["capacity_kwh", "charge_kw", "discharge_kw"]


def test_the_smallest_document_is_a_version() -> None:
    assert _VALIDATOR.is_valid({"version": 1})
    assert _VALIDATOR.is_valid(grid_to_document(two_houses()))
