"""What a URI such as `sunspec+tcp://10.0.0.7:502/1?hold_s=60` says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qsl, urlsplit

from afterbay.core.errors import Problems
from afterbay.fleet.inventory.words import suggest

if TYPE_CHECKING:
    from afterbay.fleet.devices.registers import WordOrder

__all__ = ["SunspecAddress", "SunspecOptions", "read_sunspec_uri"]

_ALLOWED: Final = "sunspec+tcp://host:port/unit"
_MODBUS_PORT: Final = 502
_LAST_UNIT: Final = 255
_LONGEST_S: Final = 86_400.0
_OPTIONS: Final = ("hold_s", "timeout_s", "word_order")


@dataclass(frozen=True, slots=True)
class SunspecOptions:
    """What can be said behind the question mark; it holds for the whole connection."""

    timeout_s: float = 3.0
    """Longest wait for an answer [s]."""
    hold_s: float | None = None
    """Longest time for which the device keeps an order without hearing of us [s]; None: to the order's end."""
    word_order: WordOrder = "big"


@dataclass(frozen=True, slots=True)
class SunspecAddress:
    """Where a unit is reached."""

    host: str
    port: int
    unit: int
    options: SunspecOptions


def read_sunspec_uri(uri: str, where: str = "device") -> SunspecAddress:
    """Read a URI.

    Args:
        uri: As in the inventory.
        where: Names the place in messages.

    Raises:
        InvalidInputError: With every problem found.
    """
    problems = Problems()
    parts = urlsplit(uri)
    host, port = "", 0
    try:
        host, port = parts.hostname or "", parts.port or _MODBUS_PORT
    except ValueError:
        problems.add(where, uri, "a port from 1 to 65535", f"write {_ALLOWED}")
    unit_text = parts.path.strip("/")
    unit = int(unit_text) if unit_text.isascii() and unit_text.isdigit() else -1
    if parts.scheme != "sunspec+tcp" or (not host and not problems) or "@" in parts.netloc or parts.fragment:
        problems.add(where, uri, _ALLOWED, "sunspec+tcp://192.0.2.7:502/1, for example")
    if not 0 <= unit <= _LAST_UNIT:
        problems.add(f"{where}: unit id", unit_text or "none", f"0 to {_LAST_UNIT}", f"write {_ALLOWED}")
    options = _read_options(parts.query, where, problems)
    problems.raise_if_any()
    return SunspecAddress(host, port, unit, options)


def _read_options(query: str, where: str, problems: Problems) -> SunspecOptions:
    given = dict(parse_qsl(query, keep_blank_values=True))
    for name in given:
        if name not in _OPTIONS:
            problems.add(f"{where}: {name}", "an unknown option", ", ".join(_OPTIONS), suggest(name, _OPTIONS))
    word_order = given.get("word_order", "big")
    if word_order not in ("big", "little"):
        problems.add(f"{where}: word_order", word_order, "big | little", "leave it out for big")
    hold_s = _seconds(given, "hold_s", where, problems)
    timeout_s = _seconds(given, "timeout_s", where, problems)
    if hold_s is not None and hold_s < 1.0:
        problems.add(f"{where}: hold_s", f"{hold_s:g}", "1 or more", "the device counts whole seconds")
    return SunspecOptions(3.0 if timeout_s is None else timeout_s, hold_s, cast("WordOrder", word_order))


def _seconds(given: dict[str, str], name: str, where: str, problems: Problems) -> float | None:
    if name not in given:
        return None
    try:
        value = float(given[name])
    except ValueError:
        value = math.nan
    if not 0.0 < value <= _LONGEST_S:
        problems.add(f"{where}: {name}", given[name], f"more than 0, at most {_LONGEST_S:g} s", "a number of seconds")
    return value
