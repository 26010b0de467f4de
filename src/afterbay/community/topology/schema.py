"""The JSON Schema of a grid document, made from the records, their bounds and their field notes."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from afterbay.community.topology.bounds import BOUNDS, LONGEST_DISPLAY_NAME, LONGEST_NAME
from afterbay.community.topology.document import DOCUMENT_VERSION
from afterbay.community.topology.records import Grid, House, Transformer
from afterbay.community.topology.shapes import Shape, fields_of, plain

if TYPE_CHECKING:
    from afterbay.community.topology.bounds import Bound

__all__ = ["grid_schema"]

_SIMPLE: Final = {"text": "string", "number": "number", "whole": "integer", "flag": "boolean"}
_LENGTHS: Final = {"name": LONGEST_NAME, "display_name": LONGEST_DISPLAY_NAME}


def grid_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a grid document.

    It knows the form and the range of each single value. What values mean together, such as a reversed SOC window
    or an orphan, is the matter of reading and of `Grid.check`.
    """
    definitions: dict[str, Any] = {}
    for record in (Transformer, House):
        _define(record, definitions)
    for record in (Transformer, House):
        listed = dict(definitions[record.__name__])
        kind = record.__name__.lower()
        own = {key: value for key, value in listed["properties"].items() if key not in ("transformers", "houses")}
        parent = {"type": "string", "description": "Name of a transformer, or of the grid."}
        listed["properties"] = {"kind": {"const": kind}, "parent": parent, **own}
        listed["required"] = ["kind", "parent", *listed["required"]]
        definitions[f"Listed{record.__name__}"] = listed
    grid = _define(Grid, definitions)
    del definitions["Grid"]
    nodes = {"oneOf": [{"$ref": "#/$defs/ListedTransformer"}, {"$ref": "#/$defs/ListedHouse"}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:afterbay:grid:{DOCUMENT_VERSION}",
        "title": "afterbay grid",
        **grid,
        "properties": {
            "version": {"const": DOCUMENT_VERSION},
            **grid["properties"],
            "nodes": {"type": "array", "items": nodes, "description": "All nodes in one list, in place of nesting."},
        },
        "required": ["version"],
        "not": {
            "required": ["nodes"],
            "anyOf": [{"required": ["transformers"]}, {"required": ["houses"]}],
        },
        "$defs": definitions,
    }


def _define(record: type[object], definitions: dict[str, Any]) -> dict[str, Any]:
    name = record.__name__
    if name in definitions:
        return definitions[name]  # type: ignore[no-any-return]
    # Set before its fields are read: a transformer holds transformers.
    made: dict[str, Any] = {"type": "object"}
    definitions[name] = made
    notes = _notes(record)
    bounds = BOUNDS.get(name, {})
    properties = {}
    for field, (shape, default, required) in fields_of(record).items():
        schema = _value(shape, bounds.get(field), definitions)
        if field in _LENGTHS:
            schema |= {"minLength": 1 if field == "name" else 0, "maxLength": _LENGTHS[field]}
        if field in notes:
            schema["description"] = notes[field]
        if not required:
            schema["default"] = plain(default)
        properties[field] = schema
    made["description"] = _first_line(inspect.getdoc(record))
    made["properties"] = properties
    made["required"] = [field for field, (_, _, required) in fields_of(record).items() if required]
    made["additionalProperties"] = False
    return made


def _value(shape: Shape, bound: Bound | None, definitions: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any]
    if shape.kind == "choice":
        schema = {"enum": [*shape.choices, None] if shape.or_none else list(shape.choices)}
    elif shape.kind == "pair":
        schema = {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}
    elif shape.kind == "counts":
        schema = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}
    elif shape.kind == "list":
        schema = {"type": "array", "items": _value(_inner(shape), None, definitions)}
    elif shape.kind == "named":
        schema = {"type": "array", "items": _named(_inner(shape), definitions)}
    elif shape.kind == "record":
        record = shape.record
        if record is None:
            raise TypeError("a shape of a record names its record")
        _define(record, definitions)
        schema = {"$ref": f"#/$defs/{record.__name__}"}
    else:
        kind = _SIMPLE[shape.kind]
        schema = {"type": [kind, "null"] if shape.or_none else kind}
    if bound is not None:
        limits = {"minimum": bound.least, "exclusiveMinimum": bound.above, "maximum": bound.most}
        schema |= {key: limit for key, limit in limits.items() if limit is not None}
    return schema


def _named(inner: Shape, definitions: dict[str, Any]) -> dict[str, Any]:
    record = inner.record
    if record is None:
        raise TypeError("only records are listed by name")
    listed = dict(_define(record, definitions))
    listed["properties"] = {"name": {"type": "string", "minLength": 1}, **listed["properties"]}
    listed["required"] = ["name", *listed["required"]]
    return listed


def _inner(shape: Shape) -> Shape:
    if shape.inner is None:
        raise TypeError("a list knows the form of its items")
    return shape.inner


def _notes(record: type[object]) -> dict[str, str]:
    """Return the text below each field of a record, as its source has it; nothing where there is no source."""
    try:
        source = textwrap.dedent(inspect.getsource(record))
    except (OSError, TypeError):
        return {}
    (made,) = ast.parse(source).body
    body = made.body if isinstance(made, ast.ClassDef) else []
    notes = {}
    for field, note in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(note, ast.Expr)
            and isinstance(note.value, ast.Constant)
        ):
            notes[field.target.id] = " ".join(str(note.value.value).split())
    return notes


def _first_line(text: str | None) -> str:
    return (text or "").split("\n")[0]
