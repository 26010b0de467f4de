"""The rows of a sweep as the points of the Pareto picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import Problems
from afterbay.sizing.charts import amounts
from afterbay.sizing.charts.quantities import GAINS, PRICES, Quantity, chosen
from afterbay.sizing.goal import Row, read_options
from afterbay.sizing.pareto import dominated_mask, pareto_front

__all__ = ["Points", "read_points"]

FloatArray = NDArray[np.float64]

_SIZES: Final = ("capacity_mwh", "duration_h", "power_mw")


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Options as points; columns have the shape (n,) and the unit of the row, before an axis scales them."""

    x_of: Quantity
    y_of: Quantity
    x: FloatArray
    y: FloatArray
    capacity_mwh: FloatArray
    power_mw: FloatArray
    duration_h: FloatArray
    dg_mw: FloatArray
    dominated: NDArray[np.bool_]
    """Another option is no worse on both axes of this picture and better on one."""
    front: NDArray[np.intp]
    """The others, by rising x."""
    target: float | None
    recommended: int | None

    def __len__(self) -> int:
        return len(self.x)

    @property
    def title(self) -> str:
        """The question that the picture answers."""
        return self.x_of.words.format(gain=self.y_of.words)

    def meets_target(self) -> NDArray[np.bool_]:
        """Which options reach the target, shape (n,); all of them without one."""
        if self.target is None:
            return np.ones(len(self), dtype=np.bool_)
        return self.y >= self.target if self.y_of.more_is_better else self.y <= self.target

    def plant(self, index: int) -> str:
        """Name the sizes of one option."""
        battery, generator = "no battery", "no generator"
        if self.capacity_mwh[index] > 0.0:
            energy, power = amounts.size(self.capacity_mwh[index], "MWh"), amounts.size(self.power_mw[index], "MW")
            battery = f"{energy} / {power} ({self.duration_h[index]:g}{amounts.NBSP}h)"
        if self.dg_mw[index] > 0.0:
            generator = f"{amounts.size(self.dg_mw[index], 'MW')} generator"
        return f"{battery}, {generator}"


def read_points(rows: Iterable[Row], x: str, y: str, target_pct: float | None, recommended: int | None) -> Points:
    """Read rows of a sweep for a picture of `y` over `x`.

    Raises:
        InvalidInputError: If there is no row, an axis is unknown or missing in a row, the target is no
            percentage or its axis has none, or `recommended` is no row. Every problem is named.
    """
    x_of, y_of = chosen(PRICES, "x", x), chosen(GAINS, "y", y)
    rows = list(rows)
    options = read_options(rows, needs=_SIZES)
    problems = Problems()
    xs = _column(rows, options.metrics, x, problems)
    ys = _column(rows, options.metrics, y, problems)
    _check_target(target_pct, y, y_of, problems)
    if recommended is not None and (
        isinstance(recommended, bool)
        or not isinstance(recommended, (int, np.integer))
        or not 0 <= recommended < len(rows)
    ):
        problems.add("recommended", recommended, f"the number of a row, 0..{len(rows) - 1}")
    problems.raise_if_any()
    value = ys if y_of.more_is_better else -ys
    return Points(
        x_of,
        y_of,
        xs,
        ys,
        options.capacity_mwh,
        options.power_mw,
        options.duration_h,
        options.dg_mw,
        dominated_mask(np.column_stack([xs, -value])),
        pareto_front(xs, value),
        target_pct,
        recommended,
    )


def _column(rows: list[Row], metrics: tuple[Row, ...], name: str, problems: Problems) -> FloatArray:
    values = np.full(len(rows), np.nan)
    bad = []
    for index, (row, numbers) in enumerate(zip(rows, metrics, strict=True)):
        found = numbers.get(name) if row.get(name) is None else row[name]
        if isinstance(found, (int, float)) and not isinstance(found, bool) and np.isfinite(found):
            values[index] = found
        else:
            bad.append((index, found))
    if bad:
        more = f" (and {len(bad) - 1:,} more rows)" if len(bad) > 1 else ""
        got = "nothing" if bad[0][1] is None else repr(bad[0][1])
        problems.add(f"rows[{bad[0][0]}].{name}{more}", got, "a finite number", "give rows as a sweep returns them")
    return values


def _check_target(target: object, y: str, y_of: Quantity, problems: Problems) -> None:
    if target is None:
        return
    if y_of.unit != "%":
        problems.add("target_pct", target, f"nothing, because y={y!r} is in {y_of.unit}", "choose a y in percent")
    elif isinstance(target, bool) or not isinstance(target, (int, float)) or not 0.0 <= target <= 100.0:
        problems.add("target_pct", target, "0..100 %", "give a percentage")
