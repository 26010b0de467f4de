"""The points of SunSpec models that we read and write, as data.

Offsets count registers from the model's own id register. Source: the model definitions of the SunSpec Alliance
(models 701 DER AC measurement, 704 DER AC controls, 713 DER storage capacity, 802 battery base).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from afterbay.fleet.devices.registers import read_number, register_count, scaled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterbay.fleet.devices.registers import PointType, WordOrder

__all__ = [
    "ALARMS",
    "BASES",
    "END_OF_CHAIN",
    "MARKER",
    "MODELS",
    "WATTS",
    "Model",
    "Point",
    "read_points",
]

MARKER: Final = (0x5375, 0x6E53)
"""The letters SunS."""
BASES: Final = (40000, 0, 50000)
"""Where the marker may stand, in the order of the specification's advice."""
END_OF_CHAIN: Final = 0xFFFF
WATTS: Final = 1
"""Value of `WSetMod` for a setpoint in watts."""


@dataclass(frozen=True, slots=True)
class Point:
    """One number of a model."""

    offset: int
    kind: PointType
    scale: str | None = None
    """Point that holds its power of ten."""


@dataclass(frozen=True, slots=True)
class Model:
    """What we use of a model."""

    name: str
    length: int
    """Registers after id and length, by definition; another length means another layout."""
    spans: tuple[tuple[int, int], ...]
    """Offset and count of each read; one request carries 125 registers at most."""
    points: Mapping[str, Point]


MODELS: Final[Mapping[int, Model]] = {
    701: Model("DER AC measurement", 153, ((3, 24), (115, 6)), {
        "St": Point(3, "enum16"),
        "InvSt": Point(4, "enum16"),
        "ConnSt": Point(5, "enum16"),
        "Alrm": Point(6, "bitfield32"),
        "W": Point(10, "int16", "W_SF"),
        "Hz": Point(17, "uint32", "Hz_SF"),
        "TotWhInj": Point(19, "uint64", "TotWh_SF"),
        "TotWhAbs": Point(23, "uint64", "TotWh_SF"),
        "Hz_SF": Point(115, "sunssf"),
        "W_SF": Point(116, "sunssf"),
        "TotWh_SF": Point(120, "sunssf"),
    }),
    704: Model("DER AC controls", 65, ((22, 13), (49, 7)), {
        "WSetEna": Point(22, "enum16"),
        "WSetMod": Point(23, "enum16"),
        "WSet": Point(24, "int32", "WSet_SF"),
        "WSetRvrt": Point(26, "int32", "WSet_SF"),
        "WSetEnaRvrt": Point(30, "enum16"),
        "WSetRvrtTms": Point(31, "uint32"),
        "WSetRvrtRem": Point(33, "uint32"),
        "WRmp": Point(49, "uint16"),
        "WRmpRef": Point(50, "enum16"),
        "WSet_SF": Point(55, "sunssf"),
    }),
    713: Model("DER storage capacity", 7, ((2, 7),), {
        "WHRtg": Point(2, "uint16", "WH_SF"),
        "WHAvail": Point(3, "uint16", "WH_SF"),
        "SoC": Point(4, "uint16", "Pct_SF"),
        "SoH": Point(5, "uint16", "Pct_SF"),
        "Sta": Point(6, "enum16"),
        "WH_SF": Point(7, "sunssf"),
        "Pct_SF": Point(8, "sunssf"),
    }),
    802: Model("Battery base", 62, ((3, 20), (53, 6)), {
        "WHRtg": Point(3, "uint16", "WHRtg_SF"),
        "SoCMax": Point(7, "uint16", "SoC_SF"),
        "SoCMin": Point(8, "uint16", "SoC_SF"),
        "SoCRsvMin": Point(10, "uint16", "SoC_SF"),
        "SoC": Point(11, "uint16", "SoC_SF"),
        "SoH": Point(13, "uint16", "SoH_SF"),
        "NCyc": Point(14, "uint32"),
        "ChaSt": Point(16, "enum16"),
        "LocRemCtl": Point(17, "enum16"),
        "Hb": Point(18, "uint16"),
        "CtrlHb": Point(19, "uint16"),
        "State": Point(22, "enum16"),
        "WHRtg_SF": Point(53, "sunssf"),
        "SoC_SF": Point(56, "sunssf"),
        "SoH_SF": Point(58, "sunssf"),
    }),
}  # fmt: skip

ALARMS: Final = (
    "GROUND_FAULT", "DC_OVER_VOLT", "AC_DISCONNECT", "DC_DISCONNECT", "GRID_DISCONNECT", "CABINET_OPEN",
    "MANUAL_SHUTDOWN", "OVER_TEMP", "OVER_FREQUENCY", "UNDER_FREQUENCY", "AC_OVER_VOLT", "AC_UNDER_VOLT",
    "BLOWN_STRING_FUSE", "UNDER_TEMP", "MEMORY_LOSS", "HW_TEST_FAILURE", "MANUFACTURER_ALRM",
)  # fmt: skip
"""Names of the bits of 701 `Alrm`, from the lowest."""


def read_points(model: Model, registers: Mapping[int, int], word_order: WordOrder) -> dict[str, float | None]:
    """Return every point of a model by name, scaled; None where the device has none."""
    raw = {
        name: read_number(
            [registers[point.offset + step] for step in range(register_count(point.kind))], point.kind, word_order
        )
        for name, point in model.points.items()
    }
    return {
        name: value if (scale := model.points[name].scale) is None else scaled(value, raw[scale])
        for name, value in raw.items()
    }
