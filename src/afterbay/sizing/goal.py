"""The options of a sizing study, and the goal they are measured by."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from afterbay.core.errors import InvalidInputError, Problems

__all__ = [
    "DELIVERY_MODES",
    "GREEN_ENERGY_MEASURES",
    "OPTIMIZE_FOR",
    "FloatArray",
    "Goal",
    "Limit",
    "Options",
    "Row",
    "limits_of",
    "read_options",
]

FloatArray: TypeAlias = npt.NDArray[np.float64]
Row: TypeAlias = Mapping[str, object]
"""One option: `{"capacity", "duration", "power", "metrics"}` of the sizing plan, with `dg_capacity` and
`solar_capacity` if there are any, or one line of the original's flat tables (`bess_mwh`, `duration_hrs`,
`power_mw`, `dg_mw`, `delivery_hours`, ...)."""

DELIVERY_MODES: Final = ("maximize", "at_least", "exactly")

OPTIMIZE_FOR: Final = {
    "min_bess_size": "smallest battery",
    "min_wastage": "least curtailed solar",
    "min_dg_hours": "fewest generator hours",
    "min_cycles": "fewest battery cycles",
    "min_cost": "lowest capital cost",
}
"""What may be kept small, in words."""

GREEN_ENERGY_MEASURES: Final = {
    "pct_green_energy": "of the energy delivered",
    "pct_green_energy_of_demand": "of the demand, so that unserved load counts against it",
    "pct_green_energy_by_origin": "of the energy delivered, stored generator energy counted as not green",
}
"""Ways to count green energy, in words. The first is the original's: a plant without a generator
always scores 100 % there, however little it serves (BUG-09); the others are the honest ones."""

EXACTLY_BAND_POINTS: Final = 1.0
"""`exactly` keeps the options within this of the target [points]."""

_CHOICES: Final = {
    "delivery_mode": DELIVERY_MODES,
    "optimize_for": tuple(OPTIMIZE_FOR),
    "green_energy_measure": tuple(GREEN_ENERGY_MEASURES),
}
_LIMITS: Final = {
    "delivery_target_pct": 100.0,
    "max_wastage_pct": 100.0,
    "green_energy_target_pct": 100.0,
    "max_dg_hours": sys.float_info.max,
}
_TARGETS: Final = ("delivery_target_pct", "green_energy_target_pct")

# Under which names a column is found: first the plan's (or the engine's) name, then the flat table's.
_CONFIGURATION: Final = {
    "capacity_mwh": ("capacity", "bess_mwh"),
    "duration_h": ("duration", "duration_hrs"),
    "power_mw": ("power", "power_mw"),
    "dg_mw": ("dg_capacity", "dg_mw"),
    "solar_mw": ("solar_capacity", "solar_mw"),
}
_METRICS: Final = {
    "delivery_pct": ("delivery_pct", "pct_full_delivery"),
    "delivery_hours": ("hours_full_delivery", "delivery_hours"),
    "green_hours": ("green_hours", "hours_green_delivery"),
    "dg_hours": ("dg_runtime_hours", "dg_hours"),
    "cycles": ("bess_equivalent_cycles", "total_cycles"),
    "wastage_pct": ("pct_solar_curtailed", "wastage_pct"),
}


@dataclass(frozen=True, slots=True)
class Goal:
    """What an option must reach, and what decides among those that do.

    Raises:
        InvalidInputError: With every value that cannot be used.

    Source: sizing plan section 4.2 (`optimization_goal`); sizing.md sections 10 and 11.
    """

    delivery_mode: str = "maximize"
    """`maximize`, `at_least` or `exactly` (within 1 point of) `delivery_target_pct`."""
    delivery_target_pct: float | None = None
    """Share of the load hours to serve in full [%]; has no effect with `maximize`."""
    optimize_for: str = "min_bess_size"
    """What to keep small, one of `OPTIMIZE_FOR`."""
    max_wastage_pct: float | None = None
    """Most solar energy that may be curtailed [%]; None is no limit."""
    max_dg_hours: float | None = None
    """Most hours that the generator may run [h]; None is no limit."""
    green_energy_target_pct: float | None = None
    """Least green energy [%], counted by `green_energy_measure`; None is no target."""
    green_energy_measure: str = "pct_green_energy"
    """How green energy is counted, one of `GREEN_ENERGY_MEASURES`."""

    def __post_init__(self) -> None:
        _problems_of(asdict(self)).raise_if_any()

    @classmethod
    def from_dict(cls, given: object) -> Goal:
        """Read a goal from stored or sent JSON; what is missing takes its default.

        Raises:
            InvalidInputError: With every unknown key and every value that cannot be used.
        """
        problems = Problems()
        if not isinstance(given, Mapping):
            problems.add("goal", given, "an object of named values", "leave it empty for the defaults")
            raise InvalidInputError(problems.found)
        known = [field.name for field in fields(cls)]
        for key in given:
            if key not in known:
                problems.add(f"goal.{key}", "an unknown key", ", ".join(known), "correct or remove the key")
        values: dict[str, Any] = {field.name: given.get(field.name, field.default) for field in fields(cls)}
        problems.extend(_problems_of(values).found)
        problems.raise_if_any()
        return cls(**values)

    def to_dict(self) -> dict[str, str | float | None]:
        """Return the goal as plain values, as it is stored."""
        return asdict(self)


def _problems_of(values: Mapping[str, object]) -> Problems:
    problems = Problems()
    for name, choices in _CHOICES.items():
        if values[name] not in choices:
            problems.add(f"goal.{name}", values[name], ", ".join(choices), "choose one of these")
    for name, highest in _LIMITS.items():
        _check_limit(problems, name, values[name], highest)
    if values["delivery_mode"] in ("at_least", "exactly") and values["delivery_target_pct"] is None:
        problems.add(
            "goal.delivery_target_pct",
            "nothing",
            "a share of the load hours in percent, up to 100",
            f"say how much delivery {values['delivery_mode']!r} means, or choose 'maximize'",
        )
    return problems


def _check_limit(problems: Problems, name: str, value: object, highest: float) -> None:
    if value is None:
        return
    allowed = "a number >= 0 or nothing" if highest == sys.float_info.max else f"0..{highest:g} or nothing"
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        problems.add(f"goal.{name}", value, allowed, "give a number")
    elif not 0.0 <= value <= highest:
        problems.add(f"goal.{name}", value, allowed, "give a number in this range")
    # A target of 0.99 % would be met by nearly everything: it is a fraction in the wrong unit.
    elif name in _TARGETS and 0.0 < value <= 1.0:
        problems.add(f"goal.{name}", f"{value:g} %", "0 or more than 1 %", f"did you mean {value * 100:g} %?")


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """The options of a study as columns, each of shape (n_options,); NaN where a row says nothing."""

    capacity_mwh: FloatArray
    duration_h: FloatArray
    power_mw: FloatArray
    dg_mw: FloatArray
    solar_mw: FloatArray
    delivery_pct: FloatArray
    delivery_hours: FloatArray
    green_hours: FloatArray
    dg_hours: FloatArray
    cycles: FloatArray
    wastage_pct: FloatArray
    green_energy_pct: FloatArray
    metrics: tuple[Row, ...]
    """The metrics of every row as they were given."""

    def __len__(self) -> int:
        return len(self.metrics)


def read_options(
    results: Iterable[Row],
    *,
    needs: Collection[str],
    green_energy_measure: str = "pct_green_energy",
) -> Options:
    """Read the rows of a study into columns.

    Args:
        results: Rows of the sizing plan (`metrics` a mapping or an object with `to_dict()`) or flat rows.
        needs: Columns of `Options` that every row must fill. A row without `dg_capacity` has no generator.
        green_energy_measure: The metric that counts green energy.

    Raises:
        InvalidInputError: If there is no row, or a number is missing, negative or not finite; every
            column concerned is named with the first such row and how many there are.
    """
    problems = Problems()
    rows, metrics = _split(results, problems)
    problems.raise_if_any()
    columns: dict[str, FloatArray] = {}
    names = {**_CONFIGURATION, **_METRICS, "green_energy_pct": (green_energy_measure,)}
    for column, aliases in names.items():
        sources = rows if column in _CONFIGURATION else metrics
        found = [next((row[a] for a in aliases if row.get(a) is not None), None) for row in sources]
        if column == "dg_mw":
            found = [0.0 if value is None else value for value in found]
        bad = [
            index for index, value in enumerate(found)
            if (column in needs if value is None else not _is_amount(value))
        ]  # fmt: skip
        if bad:
            got = "nothing" if found[bad[0]] is None else repr(found[bad[0]])
            more = f" (and {len(bad) - 1:,} more rows)" if len(bad) > 1 else ""
            problems.add(f"results[{bad[0]}].{aliases[0]}{more}", got, "a finite number >= 0")
        else:
            numbers = (math.nan if value is None else value for value in found)
            columns[column] = np.fromiter(numbers, dtype=np.float64, count=len(found))
    problems.raise_if_any()
    return Options(**columns, metrics=metrics)


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """One thing that a goal asks, and how the options stand to it."""

    name: str
    words: str
    unit: str
    met: npt.NDArray[np.bool_]
    values: FloatArray
    distance: FloatArray
    """Smallest for the option nearest to the limit."""


def limits_of(goal: Goal, o: Options) -> list[Limit]:
    """Return what `goal` asks of every option, in the order in which people say it."""
    limits = []
    pct, green, target = o.delivery_pct, o.green_energy_pct, goal.delivery_target_pct
    if target is not None and goal.delivery_mode == "at_least":
        limits.append(Limit("delivery", f"at least {target:g} % delivery", "%", pct >= target, pct, -pct))
    if target is not None and goal.delivery_mode == "exactly":
        words, off = f"{target:g} % delivery within {EXACTLY_BAND_POINTS:g} point", np.abs(pct - target)
        limits.append(Limit("delivery", words, "%", off <= EXACTLY_BAND_POINTS, pct, off))
    for name, most, column, words, unit in (
        ("max_wastage_pct", goal.max_wastage_pct, o.wastage_pct, "% curtailed", "%"),
        ("max_dg_hours", goal.max_dg_hours, o.dg_hours, "generator hours", "h"),
    ):
        if most is not None:
            limits.append(Limit(name, f"at most {most:,g} {words}", unit, column <= most, column, column))
    if (least := goal.green_energy_target_pct) is not None:
        words = f"at least {least:g} % green energy ({GREEN_ENERGY_MEASURES[goal.green_energy_measure]})"
        limits.append(Limit("green_energy_target_pct", words, "%", green >= least, green, -green))
    return limits


def _split(results: Iterable[Row], problems: Problems) -> tuple[list[Row], tuple[Row, ...]]:
    rows: list[Row] = []
    metrics: list[Row] = []
    for index, row in enumerate(results):
        measured: object = row.get("metrics", row) if isinstance(row, Mapping) else None
        if hasattr(measured, "to_dict"):
            measured = measured.to_dict()
        if not isinstance(measured, Mapping):
            where = f"results[{index}]"
            problems.add(where, type(row).__name__, "a row with capacity, duration, power and metrics",
                         "of a table, give its records")  # fmt: skip
            break
        rows.append(row)
        metrics.append(measured)
    if not rows and not problems:
        problems.add("results", "no rows", "at least one option", "run at least one size")
    return rows, tuple(metrics)


def _is_amount(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    return bool(0.0 <= value <= sys.float_info.max)
