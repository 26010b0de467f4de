"""Checks of one field at a time, in sentences; the collector raises them together."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import OutOfRangeError, Problems
from afterbay.core.timeline import steps_per_day
from afterbay.sizing.grid import LEAST_SIZE

__all__ = ["Checker"]

_ROWS_SHOWN = 3


class Checker:
    """Checks the fields of a record and notes what is wrong with them."""

    def __init__(self, record: object, problems: Problems) -> None:
        self._record = record
        self._problems = problems
        self._bad: set[str] = set()

    def _get(self, name: str) -> Any:
        return getattr(self._record, name)

    def _note(self, name: str, got: object, allowed: str, move: str) -> None:
        self._bad.add(name)
        self._problems.add(name, got, allowed, move)

    def series(self, name: str) -> NDArray[np.float64]:
        """Return a field as a read-only array of finite numbers >= 0, shape (n,)."""
        value = self._get(name)
        try:
            # Truth values and complex numbers would turn into numbers without a word.
            given = np.asarray(value)
            array = np.array(given, dtype=np.float64) if given.dtype.kind not in "bc" else None
        except (TypeError, ValueError):
            array = None
        if array is None:
            self._note(name, type(value).__name__, "a series of numbers [MW]", "pass a list or an array")
            return np.zeros(0)
        if array.ndim != 1:
            self._note(name, f"shape {array.shape}", "one dimension", "pass one number per step")
            return np.zeros(0)
        if array.size == 0:
            self._note(name, "no steps", "one number per step [MW]", "pass a profile, such as [25.0] * 8760")
        self._rows(name, array, ~np.isfinite(array), "finite numbers", "fill or drop these rows first")
        with np.errstate(invalid="ignore"):
            self._rows(name, array, array < 0.0, "0 MW or more", "give load and solar as positive power")
        array.flags.writeable = False
        return array

    def _rows(self, name: str, array: NDArray[np.float64], wrong: NDArray[np.bool_], allowed: str, move: str) -> None:
        found = np.flatnonzero(wrong)
        if found.size:
            shown = ", ".join(f"{array[row]:g} at step {row}" for row in found[:_ROWS_SHOWN])
            more = f" and {found.size - _ROWS_SHOWN} more" if found.size > _ROWS_SHOWN else ""
            self._note(name, shown + more, allowed, move)

    def same_length(self, first: str, one: NDArray[np.float64], second: str, other: NDArray[np.float64]) -> None:
        """Two series must have as many steps as each other; nothing wraps silently."""
        if one.size and other.size and one.size != other.size:
            self._note(
                first,
                f"{one.size} steps, but {second} has {other.size}",
                "the same number of steps in both",
                "repeat or cut one of them yourself, so that the horizon is your choice",
            )

    def number(
        self,
        name: str,
        *,
        least: float | None = None,
        most: float | None = None,
        above: float | None = None,
        or_none: bool = False,
    ) -> bool:
        """A finite number within bounds; `above` is exclusive."""
        value = self._get(name)
        bounds = [f"> {above:g}"] if above is not None else []
        bounds += [f">= {least:g}"] if least is not None else []
        bounds += [f"<= {most:g}"] if most is not None else []
        allowed = "a finite number" + (f" {' and '.join(bounds)}" if bounds else "")
        allowed += " or None" if or_none else ""
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
            self._note(name, value, allowed, "give a number")
            return False
        number = float(value)
        if not math.isfinite(number) or (
            (least is not None and number < least)
            or (most is not None and number > most)
            or (above is not None and number <= above)
        ):
            self._note(name, number, allowed, "give a number in this range")
            return False
        return True

    def size(self, name: str) -> None:
        """Zero, or a size that somebody could build."""
        if self.number(name, least=0.0) and 0.0 < self._get(name) < LEAST_SIZE:
            self._note(name, self._get(name), f"0 or at least {LEAST_SIZE:g}", "check the unit: MWh and MW")

    def fraction(self, name: str, *, above_zero: bool = False) -> None:
        """A share 0..1; a percentage is recognised and named."""
        value = self._get(name)
        if not self.number(name):
            return
        if value > 1.0:
            meant = f"did you mean {value / 100.0:g}?" if value <= 100.0 else "give a share such as 0.87"
            self._note(name, float(value), "a fraction 0..1", meant)
        elif value < 0.0 or (above_zero and value <= 0.0):
            self._note(
                name,
                float(value),
                "a fraction above 0, up to 1" if above_zero else "a fraction 0..1",
                "raise it",
            )

    def ordered(self, low: str, high: str, *, may_equal: bool = False) -> None:
        """`low` must stay below `high`."""
        if {low, high} & self._bad:
            return
        first, second = self._get(low), self._get(high)
        if first > second or (first == second and not may_equal):
            sign = "<=" if may_equal else "<"
            self._note(
                low,
                f"{first:g} with {high} = {second:g}",
                f"{low} {sign} {high}",
                f"lower {low} or raise {high}",
            )

    def inside(self, name: str, low: str, high: str) -> None:
        """A value must lie in the band of two others, ends included."""
        if {name, low, high} & self._bad:
            return
        value, least, most = self._get(name), self._get(low), self._get(high)
        if not least <= value <= most:
            self._note(
                name,
                float(value),
                f"{least:g}..{most:g} ({low}..{high})",
                "start the battery inside its band",
            )

    def flag(self, name: str, *, or_none: bool = False) -> None:
        """True or False, not something that merely looks true."""
        value = self._get(name)
        if not isinstance(value, (bool, np.bool_)) and not (or_none and value is None):
            self._note(name, value, "True or False" + (" or None" if or_none else ""), "give True or False")

    def choice(self, name: str, choices: tuple[str, ...]) -> None:
        """One of a few words."""
        value = self._get(name)
        if value not in choices:
            self._note(name, value, " | ".join(choices), "choose one of these")

    def hour(self, name: str, most: int) -> None:
        """An hour of the day as a whole number."""
        value = self._get(name)
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or not 0 <= int(value) <= most:
            self._note(name, value, f"a whole hour 0..{most}", "give the hour of the day")

    def whole(self, name: str, least: int, most: int) -> None:
        """A whole number within bounds, ends included."""
        value = self._get(name)
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or not least <= int(value) <= most:
            self._note(name, value, f"a whole number {least}..{most}", "give a number in this range")

    def step(self, name: str) -> None:
        """A step length that divides a day."""
        try:
            steps_per_day(self._get(name))
        except OutOfRangeError as error:
            self._bad.add(name)
            self._problems.extend(error.problems)
