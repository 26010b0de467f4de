"""Records as plain values for JSON, and back."""

from __future__ import annotations

import typing
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem
from afterbay.fleet.commands.states import TRANSITIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_state", "from_plain", "moment_from", "rows_of", "to_plain"]

Record = TypeVar("Record")

_KINDS: dict[str, type] = {"str": str, "bool": bool, "int": int, "float": float, "datetime": datetime}


def to_plain(record: Any) -> dict[str, object]:
    """Return a record's fields by name; times as RFC 3339 text in UTC, records and tuples inside likewise."""
    return {each.name: _plain(getattr(record, each.name)) for each in fields(record)}


def from_plain(kind: type[Record], values: Mapping[str, object], where: str) -> Record:
    """Return the record of plain values; only fields of simple types are read, others must be absent.

    Raises:
        InvalidInputError: If a field is missing or of another type.
    """
    known: dict[str, object] = {}
    for each in fields(typing.cast("Any", kind)):
        if each.name in values:
            known[each.name] = _value(str(each.type), values[each.name], f"{where}.{each.name}")
        elif each.default is MISSING and each.default_factory is MISSING:
            raise _broken(f"{where}.{each.name}", "nothing", str(each.type))
    return kind(**known)


def rows_of(values: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    """Return a list of records that is a field of another one."""
    rows = values.get(name, [])
    if not isinstance(rows, list | tuple) or not all(isinstance(row, dict) for row in rows):
        raise _broken(name, repr(rows)[:60], "a list of objects")
    return list(rows)


def check_state(state: str) -> None:
    """Refuse a word that is no state of a command."""
    if state not in TRANSITIONS:
        raise _broken("state", repr(state), ", ".join(TRANSITIONS))


def moment_from(value: object, where: str) -> datetime:
    """Return a time from RFC 3339 text, or an aware datetime as it is.

    Raises:
        InvalidInputError: If it is neither, or has no zone.
    """
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):  # at either end of time there is none in UTC
        raise _broken(where, str(value), "a time such as 2026-11-21T14:00:00Z") from None
    if moment.tzinfo is None:
        raise _broken(where, str(value), "a time with a zone, such as 2026-11-21T14:00:00Z")
    return utc


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return to_plain(value)
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value


def _value(annotation: str, value: object, where: str) -> object:
    """Read one field by the words of its annotation (`float | None`)."""
    words = [word.strip() for word in annotation.split("|")]
    if value is None:
        if "None" in words:
            return None
        raise _broken(where, "null", annotation)
    wanted = _KINDS.get(words[0], str)
    if wanted is datetime:
        return moment_from(value, where)
    if wanted is float and is_number(value):
        return float(typing.cast("float", value))
    if wanted is not float and type(value) is wanted:
        return value
    raise _broken(where, repr(value)[:60], annotation)


def _broken(where: str, got: str, allowed: str) -> InvalidInputError:
    return InvalidInputError(Problem(where, got, allowed, "this was not written by afterbay, or it was changed"))
