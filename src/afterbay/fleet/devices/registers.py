"""Numbers in Modbus registers, as SunSpec lays them out: their types, their gaps and their scale factors.

Source: SunSpec Device Information Model Specification, sections on data types and unimplemented values.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PointType", "WordOrder", "fits", "read_number", "register_count", "scaled", "unscaled", "write_number"]

PointType = Literal["int16", "uint16", "int32", "uint32", "uint64", "enum16", "bitfield32", "sunssf", "float32"]
WordOrder = Literal["big", "little"]
"""little: a device that sends the low word of a long number first, against the specification."""

_LARGEST_EXPONENT: Final = 10


@dataclass(frozen=True, slots=True)
class _Layout:
    code: str
    count: int
    gaps: tuple[int, ...] = ()
    """Bit patterns that say "not implemented"."""


_LAYOUTS: Final[dict[PointType, _Layout]] = {
    "int16": _Layout(">h", 1, (0x8000,)),
    "uint16": _Layout(">H", 1, (0xFFFF,)),
    "enum16": _Layout(">H", 1, (0xFFFF,)),
    "sunssf": _Layout(">h", 1, (0x8000,)),
    "int32": _Layout(">i", 2, (0x8000_0000,)),
    "uint32": _Layout(">I", 2, (0xFFFF_FFFF,)),
    # The first edition of the specification marked a missing bit field by its top bit.
    "bitfield32": _Layout(">I", 2, (0xFFFF_FFFF, 0x8000_0000)),
    "uint64": _Layout(">Q", 4, (0xFFFF_FFFF_FFFF_FFFF,)),
    "float32": _Layout(">f", 2),
}


def register_count(kind: PointType) -> int:
    """Return how many registers of 16 bits a number of this type takes."""
    return _LAYOUTS[kind].count


def read_number(registers: Sequence[int], kind: PointType, word_order: WordOrder = "big") -> float | None:
    """Return the number in these registers; None where the device says it has none (or sends no finite number)."""
    layout = _LAYOUTS[kind]
    words = list(registers[: layout.count])
    if word_order == "little":
        words.reverse()
    raw = struct.pack(f">{layout.count}H", *words)
    if int.from_bytes(raw, "big") in layout.gaps:
        return None
    value: float = struct.unpack(layout.code, raw)[0]
    return value if math.isfinite(value) else None


def write_number(value: int, kind: PointType, word_order: WordOrder = "big") -> list[int]:
    """Return the registers of a whole number."""
    layout = _LAYOUTS[kind]
    words = list(struct.unpack(f">{layout.count}H", struct.pack(layout.code, value)))
    if word_order == "little":
        words.reverse()
    return words


def fits(value: int, kind: PointType) -> bool:
    """Return whether a whole number can be told in this type, apart from the pattern that means "none"."""
    layout = _LAYOUTS[kind]
    try:
        raw = struct.pack(layout.code, value)
    except struct.error:
        return False
    return int.from_bytes(raw, "big") not in layout.gaps


def scaled(value: float | None, exponent: float | None) -> float | None:
    """Return value x 10^exponent; None where either is missing or the exponent is none that SunSpec allows."""
    if value is None or exponent is None or abs(exponent) > _LARGEST_EXPONENT:
        return None
    # Dividing by a whole power of ten rounds once; multiplying by 0.001 would round twice.
    return value * _power(exponent) if exponent >= 0 else value / _power(-exponent)


def unscaled(value: float, exponent: float) -> int:
    """Return the whole number that a device with this scale factor understands."""
    return round(value / _power(exponent) if exponent >= 0 else value * _power(-exponent))


def _power(exponent: float) -> int:
    return int("1" + "0" * int(exponent))
