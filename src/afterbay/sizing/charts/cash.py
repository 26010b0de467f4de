"""The sum of all cash so far, year by year, and the year in which the plant has paid for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core.checks import is_number
from afterbay.core.errors import Problems
from afterbay.sizing.charts.canvas import Sheet, house_style, new_sheet
from afterbay.sizing.charts.labels import free_label, points_along
from afterbay.sizing.charts.legends import add_legend, mark
from afterbay.sizing.charts.palette import MUTED, PAPER, PRIMARY, TEXT
from afterbay.sizing.charts.waterfall import Money, money_of
from afterbay.sizing.charts.years import label_years, read_column, read_years

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["cash_chart"]

FloatArray = NDArray[np.float64]

_WIDTH_IN, _HEIGHT_IN = 9.6, 5.0
_LEFT_IN, _BOTTOM_IN, _LEGEND_IN = 0.85, 0.75, 2.35

_PLAIN: Final[dict[str, Any]] = {
    "color": PRIMARY, "linewidth": 1.8, "linestyle": "-", "marker": "o", "markersize": 5.0,
}  # fmt: skip
_DISCOUNTED: Final[dict[str, Any]] = {
    "color": TEXT, "linewidth": 1.4, "linestyle": "--", "marker": "s", "markersize": 4.0, "markerfacecolor": PAPER,
}  # fmt: skip
_PAYBACK: Final[dict[str, Any]] = {
    "marker": "D", "markersize": 10.0, "markerfacecolor": PAPER, "markeredgecolor": TEXT, "markeredgewidth": 1.8,
}  # fmt: skip


def cash_chart(
    years: ArrayLike,
    cumulative_usd: ArrayLike,
    discounted_cumulative_usd: ArrayLike | None = None,
    payback_year: float | None = None,
) -> Figure:
    """Draw the cash that has come in so far, less what was spent.

    Args:
        years: Years [a], rising, shape (n,); 0 is today.
        cumulative_usd: Sum of the flows up to each year [USD], shape (n,).
        discounted_cumulative_usd: The same at its value of today [USD], shape (n,); None draws one line.
        payback_year: When the first sum comes back to zero [a], as `payback_years` gives it; None marks nothing.

    Returns:
        A figure for `save_png`; its label says how deep the sum falls, when it is back and where it ends.

    Raises:
        InvalidInputError: With every problem found, if an argument cannot be used.
        MissingExtraError: If matplotlib is not installed.
    """
    problems = Problems()
    when = read_years(problems, "years", years)
    cash = read_column(problems, "cumulative_usd", cumulative_usd, when)
    discounted = None
    if discounted_cumulative_usd is not None:
        discounted = read_column(problems, "discounted_cumulative_usd", discounted_cumulative_usd, when)
    if payback_year is not None and not (
        is_number(payback_year) and (when.size == 0 or when[0] <= payback_year <= when[-1])
    ):
        allowed = f"a year {when[0]:g}..{when[-1]:g}, or None" if when.size else "a year, or None"
        problems.add("payback_year", payback_year, allowed, "leave it out if the plant is not paid back")
    problems.raise_if_any()
    together = cash if discounted is None else np.concatenate([cash, discounted])
    money = money_of(float(np.abs(together).max()))
    with house_style():
        sheet = new_sheet(
            "When has the plant paid for itself?",
            _sentence(when, cash, discounted, payback_year, money),
            width_in=_WIDTH_IN,
            height_in=_HEIGHT_IN,
        )
        axes = sheet.panel(_LEFT_IN, _BOTTOM_IN, _WIDTH_IN - _LEFT_IN - _LEGEND_IN, sheet.top_in - _BOTTOM_IN)
        _prepare(axes, when, together / money.factor, money)
        entries = [mark("sum of cash so far", **_PLAIN)]
        obstacles = [_draw_line(axes, when, cash / money.factor, "cash", _PLAIN)]
        if discounted is not None:
            entries.append(mark("at its value of today", **_DISCOUNTED))
            obstacles.append(_draw_line(axes, when, discounted / money.factor, "discounted", _DISCOUNTED))
        if payback_year is not None:
            entries.append(mark(f"paid back after {payback_year:.3g} years", **_PAYBACK))
            _mark_payback(
                sheet, axes, payback_year, float(np.interp(payback_year, when, cash)) / money.factor, obstacles
            )
        add_legend(sheet, axes, [("Cash", entries)])
    return sheet.figure


def _sentence(
    when: FloatArray, cash: FloatArray, discounted: FloatArray | None, payback: float | None, money: Money
) -> str:
    lowest = int(np.argmin(cash))
    parts = [f"The sum of cash is {money.text(cash[-1])} in year {when[-1]:g}"]
    if 0 <= lowest < len(cash) - 1:
        parts.append(f"it is lowest in year {when[lowest]:g} with {money.text(cash[lowest])}")
    if payback is not None:
        parts.append(f"the plant has paid for itself after {payback:.3g} years")
    elif cash[-1] < 0.0:
        parts.append(f"the plant has not paid for itself by year {when[-1]:g}")
    if discounted is not None:
        parts.append(f"at its value of today the sum ends at {money.text(discounted[-1])}")
    return "; ".join(parts) + "."


def _prepare(axes: Axes, when: FloatArray, values: FloatArray, money: Money) -> None:
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    room = 0.1 * ((high - low) or 1.0)
    axes.set_ylim(low - room, high + room)
    axes.yaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.axhline(0.0, color=MUTED, linewidth=1.2, zorder=1.2, gid="zero")
    axes.set_ylabel(f"Sum of cash so far [{money.unit}]")
    label_years(axes, when, labelled=True)


def _draw_line(axes: Axes, when: FloatArray, values: FloatArray, gid: str, style: dict[str, Any]) -> FloatArray:
    """Draw one sum and return the points that a label must not cover [px]."""
    axes.plot(when, values, zorder=3.0, gid=gid, **style)
    return points_along(when, values, axes)


def _mark_payback(sheet: Sheet, axes: Axes, year: float, height: float, obstacles: list[FloatArray]) -> None:
    axes.plot(year, height, linestyle="none", zorder=4.0, gid="payback", **_PAYBACK)
    # Where no place is free the legend and the sentence still name the year.
    label = free_label(sheet, axes, f"paid back\nafter {year:.3g} years", (year, height), obstacles)
    if label is not None:
        label.set_gid("payback-label")
