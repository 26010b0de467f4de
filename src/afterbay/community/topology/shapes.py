"""What a field of a record may hold, read from its type: one source for reading, writing and the schema."""

from __future__ import annotations

import reprlib
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from typing import Any, Final, Literal, NamedTuple, Union, cast, get_args, get_origin, get_type_hints

from afterbay.community.topology.bounds import MOST_LEVELS
from afterbay.community.topology.suggestions import suggest
from afterbay.core.checks import is_number
from afterbay.core.errors import Problems

__all__ = ["FieldShape", "Shape", "fields_of", "in_words", "plain", "read_fields", "read_value"]

ShapeKind = Literal["text", "number", "whole", "flag", "choice", "list", "pair", "counts", "named", "record"]


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of one value."""

    kind: ShapeKind
    or_none: bool = False
    choices: tuple[str, ...] = ()
    inner: Shape | None = None
    """Form of the items of a list, and of the values of a collection by name."""
    record: type[object] | None = None


class FieldShape(NamedTuple):
    """The form of one field of a record."""

    shape: Shape
    default: Any
    required: bool


_WORDS: Final[dict[ShapeKind, str]] = {
    "text": "text",
    "number": "a finite number",
    "whole": "a whole number",
    "flag": "true or false",
    "list": "a list",
    "pair": "a list of two texts",
    "counts": "whole numbers by name",
    "named": "a list of objects with a name",
    "record": "an object",
}
_BAD: Final = object()
_DEEPEST: Final = MOST_LEVELS + 10
"""Where reading gives up; the check of a grid is what tells a planner about depth."""
_KNOWN: Final[dict[type[object], dict[str, FieldShape]]] = {}
_PLAIN_KINDS: Final[dict[Any, ShapeKind]] = {str: "text", float: "number", int: "whole", bool: "flag"}


def fields_of(record: type[object]) -> dict[str, FieldShape]:
    """Return the fields of a record in their order."""
    if record in _KNOWN:
        return _KNOWN[record]
    hints = get_type_hints(record)
    found = {}
    for field in fields(cast("Any", record)):
        default = field.default
        if default is MISSING and field.default_factory is not MISSING:
            default = field.default_factory()
        required = default is MISSING
        found[field.name] = FieldShape(_shape(hints[field.name]), None if required else default, required)
    return _KNOWN.setdefault(record, found)


def plain(value: Any) -> Any:
    """Return a value of a record as JSON values; fields at their default are left out, the name never."""
    if is_dataclass(value) and not isinstance(value, type):
        known = fields_of(type(value))
        return {
            name: plain(getattr(value, name))
            for name, (_, default, required) in known.items()
            if required or name == "name" or getattr(value, name) != default
        }
    if isinstance(value, Mapping):
        # A list keeps its order in every store; the first tariff is the default one.
        if any(is_dataclass(item) for item in value.values()):
            return [{"name": name, **plain(item)} for name, item in value.items()]
        return dict(value)
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value


def read_fields(
    record: type[object], values: Mapping[str, Any], where: str, problems: Problems, *,
    besides: tuple[str, ...] = (), level: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Return the given fields of a record, after noting every key and value that cannot be used.

    Args:
        record: The dataclass.
        values: Its fields as JSON values or as records.
        where: Path of the object in its document, "" at the top.
        problems: Where to note what is wrong.
        besides: Keys that someone else reads.
        level: Number of lists around the object.
    """
    known = fields_of(record)
    prefix = f"{where}." if where else ""
    for key in getattr(values, "doubled", ()):
        problems.add(f"{prefix}{key}", "the same key again", "every key once", "remove one of them")
    read = {}
    for key, value in values.items():
        if key in besides:
            continue
        if key not in known:
            move = suggest(key, (*known, *besides), "remove it or correct its name")
            problems.add(f"{prefix}{key}", "an unknown key", f"a field of {in_words(record.__name__)}", move)
            continue
        result = read_value(known[key].shape, value, f"{prefix}{key}", problems, level=level)
        if result is not _BAD:
            read[key] = result
    for key, (shape, _, required) in known.items():
        if required and key not in values and key not in besides:
            problems.add(f"{prefix}{key}", "nothing", _allowed(shape), "give it")
    return read


def read_value(shape: Shape, value: Any, where: str, problems: Problems, *, level: int = 0) -> Any:
    """Return a value in the form of the record, or a mark that is no value after noting what is wrong."""
    if value is None and shape.or_none:
        return None
    if shape.kind == "number":
        if is_number(value):
            return float(value)
    elif shape.kind == "whole":
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    elif shape.kind == "text":
        if isinstance(value, str) and _can_be_written(value):
            return value
    elif shape.kind == "flag":
        if isinstance(value, bool):
            return value
    elif shape.kind == "choice":
        if isinstance(value, str) and value in shape.choices:
            return value
        problems.add(where, _shown(value), _allowed(shape), suggest(value, shape.choices, "choose one of these"))
        return _BAD
    elif shape.kind == "pair":
        if (
            isinstance(value, (list, tuple))
            and len(value) == 2
            and all(isinstance(item, str) and _can_be_written(item) for item in value)
        ):
            return tuple(value)
    elif shape.kind == "counts":
        if isinstance(value, Mapping) and all(
            isinstance(count, int) and not isinstance(count, bool) and count >= 1 for count in value.values()
        ):
            return dict(value)
    elif shape.kind in ("list", "named"):
        if isinstance(value, (list, tuple)):
            read = _read_named if shape.kind == "named" else _read_list
            return read(cast("Shape", shape.inner), value, where, problems, level)
        # A document lists them, because their order matters; records by name come from code.
        if isinstance(value, Mapping) and value and all(is_dataclass(item) for item in value.values()):
            items = [(f"{where}.{name}", name, item) for name, item in value.items()]
            return _collect_named(cast("Shape", shape.inner), items, problems, level)
    elif isinstance(value, cast("type[object]", shape.record)):
        return value
    elif isinstance(value, Mapping):
        return _read_record(cast("type[object]", shape.record), value, where, problems, level)
    problems.add(where, _shown(value), _allowed(shape), "correct it")
    return _BAD


def in_words(name: str) -> str:
    """Return the name of a record as words: `a home battery`."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _read_list(inner: Shape, value: Any, where: str, problems: Problems, level: int) -> Any:
    if level > _DEEPEST:
        problems.add(where, f"{level} levels", f"at most {MOST_LEVELS} levels of transformers", "check the parents")
        return _BAD
    items = [
        read_value(inner, item, f"{where}[{place}]", problems, level=level + 1) for place, item in enumerate(value)
    ]
    return _BAD if any(item is _BAD for item in items) else tuple(items)


def _read_named(inner: Shape, value: Any, where: str, problems: Problems, level: int) -> Any:
    named: list[tuple[str, Any, Any]] = []
    for place, item in enumerate(value):
        here = f"{where}[{place}]"
        name = item.get("name") if isinstance(item, Mapping) else None
        if not isinstance(name, str):
            problems.add(here, _shown(item), "an object with a name", 'give "name"')
            return _BAD
        for key in getattr(item, "doubled", ()):
            problems.add(f"{here}.{key}", "the same key again", "every key once", "remove one of them")
        if any(name == other for _, other, _ in named):
            problems.add(f"{here}.name", f"{name!r} again", "every name once", "rename one of them")
        named.append((here, name, {key: entry for key, entry in item.items() if key != "name"}))
    return _collect_named(inner, named, problems, level)


def _collect_named(inner: Shape, named: list[tuple[str, Any, Any]], problems: Problems, level: int) -> Any:
    read = {name: read_value(inner, item, where, problems, level=level + 1) for where, name, item in named}
    return _BAD if any(item is _BAD for item in read.values()) else read


def _read_record(record: type[object], value: Mapping[str, Any], where: str, problems: Problems, level: int) -> Any:
    before = len(problems.found)
    given = read_fields(record, value, where, problems, level=level)
    return _BAD if len(problems.found) > before else record(**given)


def _shape(hint: Any) -> Shape:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return replace(_shape(inner), or_none=True)
    if origin is Literal:
        return Shape("choice", choices=arguments)
    if origin is tuple:
        return Shape("list", inner=_shape(arguments[0])) if arguments[-1] is Ellipsis else Shape("pair")
    if origin is Mapping:
        inner = _shape(arguments[1])
        return Shape("counts") if inner.kind == "whole" else Shape("named", inner=inner)
    if is_dataclass(hint):
        return Shape("record", record=cast("type[object]", hint))
    return Shape(_PLAIN_KINDS[hint])


def _can_be_written(text: str) -> bool:
    """Half a character, which JSON can spell, is in no file that can be written."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _allowed(shape: Shape) -> str:
    words = " | ".join(shape.choices) if shape.kind == "choice" else _WORDS[shape.kind]
    if shape.kind == "record" and shape.record is not None:
        words = f"an object: {in_words(shape.record.__name__)}"
    return f"{words}, or null" if shape.or_none else words


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    return f"the text {reprlib.repr(value)}" if isinstance(value, str) else reprlib.repr(value)
