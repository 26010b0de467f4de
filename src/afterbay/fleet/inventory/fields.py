"""Turns the fields of one entry into typed values; a value of the wrong kind is noted with its line."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from afterbay.core.checks import is_number
from afterbay.fleet.inventory.words import shown, suggest

if TYPE_CHECKING:
    from afterbay.core.errors import Problems
    from afterbay.fleet.inventory.document import Entry

__all__ = ["UUID_PATTERN", "FieldReader"]

UUID_PATTERN: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_NOTHING: Final = "nothing"
_MISSING: Final = "no such key"


class FieldReader:
    """Reads the fields of an entry; `failed` holds the keys that gave no usable value."""

    def __init__(self, entry: Entry, known: tuple[str, ...], problems: Problems) -> None:
        self.entry = entry
        self.failed: set[str] = set()
        self._problems = problems
        for key in entry.fields:
            if key not in known:
                problems.add(entry.where(key), "an unknown key", f"keys of {_one(entry.place)}", suggest(key, known))

    def has(self, key: str) -> bool:
        """Is this key there, with a value?"""
        return key in self.entry.fields and self.entry.fields[key].value is not None

    def note(self, key: str, got: object, allowed: str, move: str) -> None:
        """Note what is wrong with a key."""
        self.failed.add(key)
        self._problems.add(self.entry.where(key), got if isinstance(got, str) else shown(got), allowed, move)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; needed when there is no default."""
        field = self.entry.fields.get(key)
        if field is None or field.value is None:
            return self._absent(key, default, "text", f"add `{key}:`")
        if field.raw is None or not field.raw.strip() or not field.raw.isprintable() or len(field.raw) > 500:
            self.note(
                key, field.value, "text of one line, up to 500 characters", "write some text, in quotes if need be"
            )
            return default or ""
        return field.raw.strip()

    def uuid(self, key: str) -> str:
        """Return a UUID in its usual form, in small letters."""
        found = self.text(key)
        if key in self.failed:
            return ""
        if not UUID_PATTERN.match(found.lower()):
            self.note(key, repr(found[:60]), "a UUID such as 176e59bb-00b4-5034-b0b3-3de833540634",
                      "make one once and keep it: history hangs on it")  # fmt: skip
            return ""
        return found.lower()

    def number(self, key: str, default: float | None, *, unit: str = "") -> float:
        """Return a finite number; needed when there is no default."""
        found = self.maybe_number(key, unit=unit, needed=default is None)
        return (default or 0.0) if found is None else found

    def maybe_number(self, key: str, *, unit: str = "", needed: bool = False) -> float | None:
        """Return a finite number, or None when it is not given."""
        allowed = f"a finite number {f'[{unit}]' if unit else ''}".strip()
        field = self.entry.fields.get(key)
        if field is None or field.value is None:
            if needed:
                self.note(key, _MISSING if field is None else _NOTHING, allowed, f"add `{key}:`")
            return None
        if not is_number(field.value):
            self.note(key, field.value, allowed, _number_move(field.value))
            return None
        return float(field.value)

    def choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        """Return one of some words."""
        found = self.text(key, default)
        if found not in choices:
            self.note(key, repr(found[:60]), " | ".join(choices), suggest(found, choices, "choose one of them"))
            return default
        return found

    def pairs(self, key: str) -> tuple[tuple[float, float], ...]:
        """Return a list of pairs of numbers; nothing when it is not given."""
        if not self.has(key):
            return ()
        value = self.entry.fields[key].value
        if not isinstance(value, (list, tuple)) or not all(
            isinstance(pair, (list, tuple)) and len(pair) == 2 and all(is_number(number) for number in pair)
            for pair in value
        ):
            self.note(key, value, "a list of pairs of numbers", "such as [[0.1, 0.88], [1.0, 0.93]]")
            return ()
        return tuple((float(first), float(second)) for first, second in value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; needed."""
        field = self.entry.fields.get(key)
        if field is None or field.value is None:
            self.note(key, _MISSING if field is None else _NOTHING, "a list", f"add `{key}:`")
            return ()
        if not isinstance(field.value, (list, tuple)) or not all(isinstance(item, str) for item in field.value):
            self.note(key, field.value, "a list of texts", "start each line with `- `")
            return ()
        return tuple(field.value)

    def mapping(self, key: str) -> dict[str, Any]:
        """Return named values; nothing when they are not given."""
        if not self.has(key):
            return {}
        value = self.entry.fields[key].value
        if not isinstance(value, dict):
            self.note(key, value, "named values", "give key: value pairs")
            return {}
        return value

    def _absent(self, key: str, default: str | None, allowed: str, move: str) -> str:
        if default is None:
            self.note(key, _MISSING if key not in self.entry.fields else _NOTHING, allowed, move)
        return default or ""


def _number_move(value: object) -> str:
    if isinstance(value, str):
        return "give a number, without quotes or a unit"
    if isinstance(value, float) and not math.isfinite(value):
        return "give a finite number, or drop the key if it may be left out"
    return "give a number"


def _one(place: str) -> str:
    return {"sites": "a site", "assets": "an asset", "groups": "a group"}.get(place.split("[")[0], place)
