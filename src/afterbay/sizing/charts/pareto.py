"""The Pareto picture: every option as a point, and the line that none of them beats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from afterbay.sizing.charts import amounts
from afterbay.sizing.charts.canvas import Sheet, house_style, new_sheet
from afterbay.sizing.charts.describe import sentence_of
from afterbay.sizing.charts.labels import free_label, points_along
from afterbay.sizing.charts.legends import add_legend, mark
from afterbay.sizing.charts.palette import BORDER, MUTED, PAPER, PRIMARY, TEXT
from afterbay.sizing.charts.points import Points, read_points
from afterbay.sizing.charts.quantities import axis_title, shown

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from afterbay.sizing.goal import Row

__all__ = ["pareto_chart"]

FloatArray = NDArray[np.float64]

_WIDTH_IN, _HEIGHT_IN = 9.6, 6.0
_LEFT_IN, _BOTTOM_IN, _LEGEND_IN = 0.85, 0.75, 2.15
_SHAPES: Final = ("o", "s", "^", "D", "v", "P", "X", "<", "p", ">")
_LABEL_IN: Final = 0.8
"""Height of the recommended option's label."""
_MOST_GENERATORS: Final = 5
"""More ratings than this are not listed one by one in the legend."""
_LIGHTEST: Final = 0.86
"""Cividis ends in a yellow that is lost on white."""
_HOLLOW: Final[dict[str, Any]] = {"markerfacecolor": PAPER, "markeredgecolor": MUTED, "markeredgewidth": 1.4}
_RING: Final[dict[str, Any]] = {
    "markerfacecolor": "none",
    "markeredgecolor": PRIMARY,
    "markeredgewidth": 1.8,
}


def pareto_chart(
    rows: Iterable[Row],
    *,
    x: str = "capital_cost_usd",
    y: str = "delivery_pct",
    target_pct: float | None = None,
    recommended: int | None = None,
) -> Figure:
    """Draw the options of a sweep: what they cost and what they give.

    Colour is the generator's rating, shape the battery's duration; hollow points are beaten on both axes
    of this picture, the line steps along the others.

    Args:
        rows: Options as `SweepResult.rows()` gives them.
        x: What one pays with, a key of `quantities.PRICES`.
        y: What one gets, a key of `quantities.GAINS`.
        target_pct: Target on the y axis [%]; None draws no line.
        recommended: Number of the row to ring and name, from 0.

    Returns:
        A figure for `save_png`; its label is the sentence of `describe_pareto`.

    Raises:
        InvalidInputError: If there is no row, or an argument or a row cannot be used.
        MissingExtraError: If matplotlib is not installed.
    """
    points = read_points(rows, x, y, target_pct, recommended)
    with house_style():
        sheet = new_sheet(points.title, sentence_of(points), width_in=_WIDTH_IN, height_in=_HEIGHT_IN)
        axes = sheet.panel(_LEFT_IN, _BOTTOM_IN, _WIDTH_IN - _LEFT_IN - _LEGEND_IN, sheet.top_in - _BOTTOM_IN)
        xs, ys = points.x * points.x_of.scale, points.y * points.y_of.scale
        _prepare(axes, points, xs, ys)
        colours, shapes = _colours(points), _shapes(points)
        size = 64.0 if len(points) <= 150 else 30.0 if len(points) <= 1_500 else 12.0
        _draw_points(axes, points, xs, ys, colours, shapes, size)
        front_x, front_y = _staircase(axes, xs[points.front], ys[points.front])
        axes.plot(front_x, front_y, color=BORDER, linewidth=1.3, zorder=1.5, gid="front")
        obstacles = [axes.transData.transform(np.column_stack([xs, ys])), points_along(front_x, front_y, axes)]
        if points.target is not None:
            axes.axhline(points.target, color=TEXT, linewidth=1.0, dashes=(5, 3), zorder=1.2, gid="target")
            ends = np.array(axes.get_xlim())
            obstacles.append(points_along(ends, np.full(2, points.target), axes))
        free_in = add_legend(sheet, axes, _legend_sections(points, colours, shapes))
        if points.recommended is not None:
            _name_recommended(sheet, axes, points, points.recommended, (xs, ys), obstacles, free_in)
    return sheet.figure


def _prepare(axes: Axes, points: Points, xs: FloatArray, ys: FloatArray) -> None:
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    wanted = ys if points.target is None else np.append(ys, points.target)
    is_percent = points.y_of.unit == "%"
    axes.set_xlim(*_limits(xs, least_span=0.2 * float(np.abs(xs).max()) or 1.0))
    axes.set_ylim(*_limits(wanted, least_span=2.0 if is_percent else 0.2 * float(np.abs(wanted).max()) or 1.0))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(8, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    low, high = axes.get_ylim()
    # Room above 100 % keeps the points whole, but there is no such percentage to read.
    axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= (min(high, 100.0) if is_percent else high)])
    axes.set_ylim(low, high)
    axes.grid(visible=True)
    axes.set_xlabel(axis_title(points.x_of))
    axes.set_ylabel(axis_title(points.y_of))


def _limits(values: FloatArray, least_span: float) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    span = max(high - low, least_span)
    middle = (low + high) / 2.0
    least = middle - 0.58 * span
    # What cannot be negative gets no room below zero but for the marker itself.
    return (max(least, -0.04 * span) if low >= 0.0 else least), middle + 0.58 * span


def _colours(points: Points) -> dict[float, Any]:
    from matplotlib import colormaps

    ratings = np.unique(points.dg_mw).tolist()
    places = np.linspace(0.0, _LIGHTEST, max(len(ratings), 2))
    return {mw: colormaps["cividis"](place) for mw, place in zip(ratings, places.tolist(), strict=False)}


def _shapes(points: Points) -> dict[float, str]:
    """Return a marker for each duration; those beyond the last shape share it, as the legend says."""
    durations = np.unique(points.duration_h).tolist()
    return {hours: _SHAPES[min(place, len(_SHAPES) - 1)] for place, hours in enumerate(durations)}


def _draw_points(
    axes: Axes,
    points: Points,
    xs: FloatArray,
    ys: FloatArray,
    colours: dict[float, Any],
    shapes: dict[float, str],
    size: float,
) -> None:
    for hours, shape in shapes.items():
        for is_dominated in (True, False):
            among = np.flatnonzero((points.duration_h == hours) & (points.dominated == is_dominated))
            if len(among) == 0:
                continue
            edges = [colours[mw] for mw in points.dg_mw[among].tolist()]
            axes.scatter(
                xs[among],
                ys[among],
                s=size,
                marker=shape,
                facecolors=PAPER if is_dominated else edges,
                edgecolors=edges,
                linewidths=1.4,
                zorder=2.0 if is_dominated else 3.0,
                gid=f"{'dominated' if is_dominated else 'best'} {hours:g} h",
            )


def _staircase(axes: Axes, xs: FloatArray, ys: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the corners of the line: what is reached stays reached until a dearer option reaches more."""
    end = max(float(xs[-1]), axes.get_xlim()[1])
    return np.append(np.repeat(xs, 2)[1:], end), np.repeat(ys, 2)


def _legend_sections(
    points: Points, colours: dict[float, Any], shapes: dict[float, str]
) -> list[tuple[str, list[Artist]]]:
    ratings = list(colours)
    if len(ratings) > _MOST_GENERATORS:
        picked = np.linspace(0, len(ratings) - 1, 5).round().astype(int)
        ratings = [ratings[place] for place in picked]
    generators = [mark(amounts.size(mw, "MW") if mw else "none", marker="s", color=colours[mw]) for mw in ratings]
    batteries = []
    for shape in dict.fromkeys(shapes.values()):
        hours = [h for h, s in shapes.items() if s == shape]
        text = f"{hours[0]:g}{amounts.NBSP}h" + (" and more" if len(hours) > 1 else "")
        batteries.append(mark(text, marker=shape, **_HOLLOW))
    options = [mark("front: beaten by none", marker="o", linestyle="-", color=MUTED, linewidth=1.3)]
    if points.dominated.any():
        options.append(mark("beaten by another", marker="o", **_HOLLOW))
    if points.recommended is not None:
        options.append(mark("recommended", marker="o", markersize=12.0, **_RING))
    if points.target is not None:
        text = f"target {amounts.percent(points.target)}"
        options.append(mark(text, linestyle="-", color=TEXT, linewidth=1.0, dashes=(5, 3)))
    return [("Generator", generators), ("Battery duration", batteries), ("Option", options)]


def _name_recommended(
    sheet: Sheet,
    axes: Axes,
    points: Points,
    index: int,
    xy: tuple[FloatArray, FloatArray],
    obstacles: list[FloatArray],
    free_in: float,
) -> None:
    xs, ys = xy
    at = (float(xs[index]), float(ys[index]))
    axes.plot(*at, linestyle="none", marker="o", markersize=15.0, zorder=4.0, gid="recommended", **_RING)
    plant = points.plant(index).replace(", ", "\n")
    text = f"{plant}\n{shown(points.y_of, points.y[index])} at {shown(points.x_of, points.x[index])}"
    labelled = free_label(sheet, axes, text, at, obstacles) is not None
    # No room among the points: below the legend, or else the sentence above has to name it alone.
    if not labelled and free_in >= _LABEL_IN:
        axes.text(
            1.03,
            0.0,
            f"recommended\n{text}",
            transform=axes.transAxes,
            fontweight="bold",
            fontsize=8.0,
            linespacing=1.35,
            va="bottom",
            parse_math=False,
            gid="recommended-label",
        )
