"""A project file as plain values, with the line of every key, or all that is wrong with the text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from afterbay.core.errors import InvalidInputError, NotFoundError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Document", "read_document"]

_LARGEST_BYTES = 1_000_000
_EXAMPLE = "see examples/red_rock_quarry.yaml for one"


@dataclass(frozen=True, slots=True)
class Document:
    """What a project file says, before anything in it is judged."""

    path: Path
    values: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)
    """Line of each key by its path (`setup_config.load_mw`), from 1."""
    overridden: frozenset[str] = frozenset()
    """Keys that the caller set in place of the file."""

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the file start from."""
        return self.path.parent

    def where(self, key: str) -> str:
        """Name a key with the line it stands on."""
        if key in self.overridden:
            return f"{key} (set by you, not by the file)"
        return f"{key}, line {self.lines[key]}" if key in self.lines else key

    def with_overrides(self, overrides: Mapping[str, Any]) -> Document:
        """Return the same with `section.key` values replaced; the file stays as it is.

        Raises:
            InvalidInputError: If a name is not a path of sections and a key.
        """
        values = dict(self.values)
        problems = []
        for name, value in overrides.items():
            parts = name.split(".")
            if not all(parts):
                problems.append(Problem(name or "(nothing)", "an empty part", "section.key", "setup_config.load_mw"))
                continue
            place = values
            for part in parts[:-1]:
                inner = place.get(part)
                place[part] = dict(inner) if isinstance(inner, dict) else {}
                place = place[part]
            place[parts[-1]] = value
        if problems:
            raise InvalidInputError(problems)
        return Document(self.path, values, self.lines, self.overridden | frozenset(overrides))


def read_document(path: Path) -> Document:
    """Read a project file in YAML or JSON.

    Raises:
        NotFoundError: If there is no such file.
        InvalidInputError: If it is a folder, empty, no text, too large, or no valid YAML or JSON.
    """
    text = _read_text(path)
    try:
        node = yaml.compose(text.replace("\t", "  ") if path.suffix == ".json" else text, Loader=yaml.SafeLoader)
        if node is None:
            raise _refused(path, "an empty file", "a project", _EXAMPLE)
        if not isinstance(node, yaml.MappingNode):
            raise _refused(path, "no keys at the top", "setup_config, rules_config, sizing_config", _EXAMPLE)
        # JSON keeps its own numbers: YAML 1.1 reads 1e5 as text.
        values = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise _refused(f"{path}{at}", error.problem or "broken YAML", "valid YAML or JSON", "mend this line") from None
    except json.JSONDecodeError as error:
        raise _refused(f"{path}, line {error.lineno}", error.msg, "valid JSON", "mend this line") from None
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        if isinstance(error, InvalidInputError):
            raise
        got = "brackets nested too deep" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise _refused(path, got, "valid YAML or JSON", "mend the file") from None
    lines: dict[str, int] = {}
    doubled: list[Problem] = []
    _note_lines(node, "", lines, doubled, depth=3)
    if doubled:
        raise InvalidInputError(doubled)
    return Document(path, values, lines)


def _read_text(path: Path) -> str:
    if path.is_dir():
        raise _refused(path, "a folder", "a project file (.yaml or .json)", "name the file inside it")
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"there is no project file {path} -> check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refused(path, reason, "a file that can be read", "check its permissions") from None
    if len(raw) > _LARGEST_BYTES:
        raise _refused(path, f"{len(raw):,} bytes", "a project file of at most 1 MB", "is this a profile?")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        got = f"no UTF-8 text (byte {error.start})"
        raise _refused(path, got, "a text file in YAML or JSON", "is this the right file?") from None
    if "\x00" in text:
        raise _refused(path, "binary content", "a text file in YAML or JSON", "is this the right file?")
    return text


def _note_lines(node: yaml.MappingNode, prefix: str, lines: dict[str, int], doubled: list[Problem], depth: int) -> None:
    for key_node, value_node in node.value:
        key = f"{prefix}{key_node.value}" if isinstance(key_node, yaml.ScalarNode) else f"{prefix}?"
        line = key_node.start_mark.line + 1
        if key in lines:
            # YAML would silently keep the last one.
            got = f"the same key again (first on line {lines[key]})"
            doubled.append(Problem(f"{key}, line {line}", got, "every key once", "remove one of them"))
        lines[key] = line
        if isinstance(value_node, yaml.MappingNode) and depth > 1:
            _note_lines(value_node, f"{key}.", lines, doubled, depth - 1)


def _refused(where: object, got: str, allowed: str, move: str) -> InvalidInputError:
    return InvalidInputError(Problem(str(where), got, allowed, move))
