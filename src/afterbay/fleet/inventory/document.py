"""An assets file as plain values, with the line of every key, or all that is wrong with the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml.composer import Composer

from afterbay.core.errors import InvalidInputError, NotFoundError, Problem
from afterbay.fleet.inventory.words import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from afterbay.core.errors import Problems

__all__ = ["Entry", "Field", "entry_of", "read_entries"]

_LARGEST_BYTES: Final = 20_000_000
_MOST_VALUES: Final = 1_000_000
_DEEPEST: Final = 12
_EXAMPLE: Final = "see examples/fleet.yaml for one"
_TAG: Final = "tag:yaml.org,2002:"
# YAML 1.1 reads these as text, everybody else as numbers.
_EXPONENT = re.compile(r"[-+]?\d+(?:\.\d*)?[eE][-+]?\d+\Z")


@dataclass(frozen=True, slots=True)
class Field:
    """One value of an entry."""

    value: Any
    raw: str | None
    """A scalar as it is written; None for lists and mappings."""
    line: int | None
    """From 1; None where the value comes from no file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One site, asset or group, before anything in it is judged."""

    place: str
    """`assets[2]`, or whatever names it to its reader."""
    fields: dict[str, Field]
    source: str = ""
    """Name of the file."""
    line: int | None = None

    def where(self, key: str = "") -> str:
        """Name a key of this entry with its line and, where it has one, the entry's name."""
        field = self.fields.get(key) or self.fields.get(key.split(".", maxsplit=1)[0])
        line = self.line if field is None else field.line
        start = f"{self.source}, line {line}: " if line is not None else ""
        name = self.fields["name"].raw if "name" in self.fields else None
        return f"{start}{self.place}{f'.{key}' if key else ''}{f' ({name[:40]})' if name else ''}"


def entry_of(place: str, values: Mapping[str, object]) -> Entry:
    """Return an entry from plain values, such as the body of a request."""
    return Entry(
        place, {key: Field(value, value if isinstance(value, str) else None, None) for key, value in values.items()}
    )


def read_entries(
    path: Path, sections: tuple[str, ...], required: tuple[str, ...], problems: Problems
) -> dict[str, list[Entry]]:
    """Read the entries of each section of a YAML file; what is no entry is noted in `problems`.

    Raises:
        NotFoundError: If there is no such file.
        InvalidInputError: If it is no text or no YAML.
    """
    text = _read_text(path)
    try:
        root = _compose(text)
        if not isinstance(root, yaml.MappingNode):
            got = "an empty file" if root is None else "no keys at the top"
            raise _refused(str(path), got, f"the keys {', '.join(sections)}", _EXAMPLE)
        return _Reader(path.name, problems).read(root, sections, required)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise _refused(f"{path.name}{at}", error.problem or "broken YAML", "valid YAML", "mend this line") from None
    except (yaml.YAMLError, RecursionError) as error:
        got = "brackets nested too deep" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise _refused(path.name, got, "valid YAML", "mend the file") from None


class _Reader:
    """Walks the nodes of one file; its own walk keeps lines, finds doubled keys and bounds what aliases unfold to."""

    def __init__(self, source: str, problems: Problems) -> None:
        self._source = source
        self._problems = problems
        self._values_left = _MOST_VALUES

    def read(
        self, root: yaml.MappingNode, sections: tuple[str, ...], required: tuple[str, ...]
    ) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {section: [] for section in sections}
        seen: dict[str, yaml.Node] = {}
        for name, key_node, value in self._pairs(root, ""):
            seen[name] = value
            if name not in found:
                self._note(key_node, name, "an unknown key", ", ".join(sections), suggest(name, sections))
            elif isinstance(value, yaml.SequenceNode):
                found[name] = [self._entry(node, f"{name}[{place}]") for place, node in enumerate(value.value)]
            elif not _is_null(value):
                self._note(value, name, _kind(value), "a list of entries", f"start each with `- id:`; {_EXAMPLE}")
        for name in required:
            if name not in seen:
                self._problems.add(self._source, f"no key {name}", "a list, it may be empty", f"add `{name}: []`")
        return found

    def _entry(self, node: yaml.Node, place: str) -> Entry:
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            self._note(node, place, _kind(node), "named values", "give key: value pairs")
            return Entry(place, {}, self._source, line)
        fields = {}
        for name, key_node, value in self._pairs(node, f"{place}."):
            raw = value.value if isinstance(value, yaml.ScalarNode) and not _is_null(value) else None
            built = self._build(value, f"{place}.{name}", 1)
            fields[name] = Field(built, raw, key_node.start_mark.line + 1)
        return Entry(place, fields, self._source, line)

    def _pairs(self, node: yaml.MappingNode, prefix: str) -> list[tuple[str, yaml.Node, yaml.Node]]:
        """Return name, key and value of a mapping; keys of a `<<` come first, so that the mapping's own win."""
        own: list[tuple[str, yaml.Node, yaml.Node]] = []
        merged: list[tuple[str, yaml.Node, yaml.Node]] = []
        lines: dict[str, int] = {}
        for key_node, value in node.value:
            self._spend(key_node)
            if key_node.tag == f"{_TAG}merge":
                for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    if isinstance(source, yaml.MappingNode) and source is not node:
                        merged.extend(self._pairs(source, prefix))
                continue
            name = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            line = key_node.start_mark.line + 1
            if name in lines:
                # YAML would silently keep the last one.
                got = f"the same key again (first on line {lines[name]})"
                self._note(key_node, f"{prefix}{name}", got, "every key once", "remove one of them")
            lines.setdefault(name, line)
            own.append((name, key_node, value))
        return [*merged, *own]

    def _build(self, node: yaml.Node, where: str, depth: int) -> Any:
        self._spend(node)
        if depth > _DEEPEST:
            raise RecursionError
        if isinstance(node, yaml.SequenceNode):
            return [self._build(item, where, depth + 1) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return {name: self._build(value, where, depth + 1) for name, _, value in self._pairs(node, f"{where}.")}
        return self._scalar(node, where)

    def _scalar(self, node: yaml.Node, where: str) -> Any:
        kind, text = node.tag.removeprefix(_TAG), str(node.value)
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in ("yes", "true", "on")
        if kind in ("int", "float"):
            # 17:30 is a time of day here, whatever YAML 1.1 thinks of it.
            return text if ":" in text else _number(text)
        if kind in ("str", "timestamp", "value"):
            plain = getattr(node, "style", None) not in ("'", '"', "|", ">")
            return float(text) if plain and _EXPONENT.match(text) else text
        self._note(node, where, f"a value tagged {node.tag}", "plain values", "write the value without a tag")
        return None

    def _spend(self, node: yaml.Node) -> None:
        self._values_left -= 1
        if self._values_left < 0:
            where = f"{self._source}, line {node.start_mark.line + 1}"
            raise _refused(
                where, f"more than {_MOST_VALUES:,} values", "a file of sites and assets", "drop the aliases"
            )

    def _note(self, node: yaml.Node, where: str, got: str, allowed: str, move: str) -> None:
        self._problems.add(f"{self._source}, line {node.start_mark.line + 1}: {where}", got, allowed, move)


def _compose(text: str) -> yaml.Node | None:
    """Return the nodes of a text; deep nesting is an error of ours and never a crash of the compiled parser."""
    parser: Any = getattr(yaml, "CSafeLoader", None)
    if parser is None:
        return yaml.compose(text, Loader=yaml.SafeLoader)

    # The compiled parser is 10 times faster, but its own composer recurses without a limit.
    class Loader(Composer, parser):  # type: ignore[misc]
        def __init__(self, stream: str) -> None:
            parser.__init__(self, stream)
            Composer.__init__(self)

    return Loader(text).get_single_node()


def _number(text: str) -> Any:
    plain = text.replace("_", "").lower()
    if plain.lstrip("+-") in (".inf", ".nan"):
        return float(plain.replace(".", ""))
    sign, digits = (-1, plain[1:]) if plain[:1] == "-" else (1, plain.removeprefix("+"))
    for start, base in (("0x", 16), ("0b", 2)):
        if digits.startswith(start):
            return sign * int(digits[2:], base)
    # A whole number too long for Python's reader is beyond every bound as a float, too.
    return int(plain) if digits.isdecimal() and len(digits) < 400 else float(plain)


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}null"


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "named values" if isinstance(node, yaml.MappingNode) else repr(str(node.value)[:40])


def _read_text(path: Path) -> str:
    if path.is_dir():
        raise _refused(str(path), "a folder", "an assets file (.yaml)", "name the file inside it")
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"there is no assets file {path} -> check the path, or ASSETS_PATH") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refused(str(path), reason, "a file that can be read", "check its permissions") from None
    if len(raw) > _LARGEST_BYTES:
        raise _refused(str(path), f"{len(raw):,} bytes", "an assets file of at most 20 MB", "is this the right file?")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(
            str(path), f"no UTF-8 text (byte {error.start})", "a YAML file", "is it the right one?"
        ) from None
    if "\x00" in text:
        raise _refused(str(path), "binary content", "a YAML file", "is this the right file?")
    return text


def _refused(where: str, got: str, allowed: str, move: str) -> InvalidInputError:
    return InvalidInputError(Problem(where, got, allowed, move))
