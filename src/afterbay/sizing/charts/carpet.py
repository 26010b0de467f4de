"""The year at a glance: one column per day, one row per hour, colour for the value."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from afterbay.sizing.charts.canvas import hatch_missing, house_style, new_sheet
from afterbay.sizing.charts.dates import Calendar, calendar_of
from afterbay.sizing.charts.describe import describe_carpet
from afterbay.sizing.charts.palette import (
    BATTERY,
    DISCHARGE_DARK,
    MISSING_EDGE,
    MISSING_FACE,
    PAPER,
    UNSERVED,
)
from afterbay.sizing.charts.quantities import CARPETS, Carpet, axis_title, chosen
from afterbay.sizing.charts.series import carpet_values, not_served, to_carpet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from afterbay.sizing.simulation import HourlyResults

__all__ = ["carpet_chart"]

FloatArray = NDArray[np.float64]

_WIDTH_IN, _HEIGHT_IN = 11.0, 4.6
_LEFT_IN, _RIGHT_IN, _BOTTOM_IN, _KEY_IN = 0.85, 1.35, 0.75, 0.28
_BAR_IN = 0.18
_FEW_DAYS: Final = 60
"""Up to here each day gets a tick, so a thin line between days helps."""


def carpet_chart(results: HourlyResults, column: str = "soc_pct", start: date | datetime | None = None) -> Figure:
    """Draw every step of a run as a cell: x is the day, y the hour of the day.

    Cividis shows magnitude; battery power is blue for charging, white for zero, brown for discharging.
    Steps that were not served whole are painted over, what has no value is hatched grey.

    Args:
        results: A run of `run_simulation`, of any length and step.
        column: A key of `quantities.CARPETS`.
        start: Day of the first step. Default: 1 January for a run of 365 or 366 days, else no dates.

    Returns:
        A figure for `save_png`; its label is the sentence of `describe_carpet`.

    Raises:
        InvalidInputError: If the column cannot be drawn or `start` is no day.
        MissingExtraError: If matplotlib is not installed.
    """
    carpet = chosen(CARPETS, "column", column)
    table = to_carpet(results, carpet_values(results, column))
    days = table.shape[1]
    calendar = calendar_of(days, start)
    with house_style():
        sheet = new_sheet(carpet.question, describe_carpet(results, column), width_in=_WIDTH_IN, height_in=_HEIGHT_IN)
        height = sheet.top_in - _KEY_IN - _BOTTOM_IN
        axes = sheet.panel(_LEFT_IN, _BOTTOM_IN, _WIDTH_IN - _LEFT_IN - _RIGHT_IN, height)
        image = _draw_cells(axes, table, _colours(carpet), _range(carpet, table))
        keys: list[tuple[str, str, str | None]] = []
        if np.isnan(table).any():
            hatch_missing(axes, 0.0, float(days), 0.0, 24.0)
            keys.append(("no load or no data" if column == "delivery_pct" else "no data", MISSING_FACE, MISSING_EDGE))
        missed = to_carpet(results, not_served(results).astype(np.float64)) == 1.0
        if carpet.marks_unserved and missed.any():
            _overlay(axes, missed)
            keys.append(("load not served", UNSERVED, None))
        _label_axes(axes, calendar)
        _add_keys(axes, keys)
        bar_axes = sheet.panel(_WIDTH_IN - _RIGHT_IN + 0.2, _BOTTOM_IN, _BAR_IN, height)
        bar = sheet.figure.colorbar(image, cax=bar_axes)
        bar.set_label(_bar_title(carpet, results))
        bar.outline.set_visible(False)
    return sheet.figure


def _draw_cells(axes: Axes, table: FloatArray, colours: Colormap | str, span: tuple[float, float]) -> AxesImage:
    return axes.imshow(
        np.ma.masked_invalid(table),
        cmap=colours,
        vmin=span[0],
        vmax=span[1],
        origin="lower",
        extent=(0.0, float(table.shape[1]), 0.0, 24.0),
        aspect="auto",
        interpolation="nearest",
        zorder=1.0,
        gid="carpet",
    )


def _colours(carpet: Carpet) -> Colormap | str:
    from matplotlib.colors import LinearSegmentedColormap

    if not carpet.signed:
        return "cividis"
    return LinearSegmentedColormap.from_list("charge_discharge", ["#123F8C", BATTERY, PAPER, "#C08A3E", DISCHARGE_DARK])


def _range(carpet: Carpet, table: FloatArray) -> tuple[float, float]:
    """Return the ends of the colours; never an empty range, which would show noise as a picture."""
    known = table[np.isfinite(table)]
    if carpet.signed:
        most = float(np.abs(known).max()) or 1.0
        return -most, most
    most = carpet.most if carpet.most is not None else float(known.max(initial=0.0))
    return 0.0, most or 1.0


def _overlay(axes: Axes, missed: NDArray[np.bool_]) -> None:
    from matplotlib.colors import ListedColormap

    axes.imshow(
        np.ma.masked_where(~missed, np.ones(missed.shape)),
        cmap=ListedColormap([UNSERVED]),
        origin="lower",
        extent=(0.0, float(missed.shape[1]), 0.0, 24.0),
        aspect="auto",
        interpolation="nearest",
        zorder=2.0,
        gid="unserved",
    )


def _label_axes(axes: Axes, calendar: Calendar) -> None:
    ticks = calendar.ticks()
    axes.set_xlim(0.0, float(calendar.count))
    axes.set_xticks(ticks.edges)
    axes.set_xticklabels([""] * len(ticks.edges))
    axes.set_xticks(ticks.centres, labels=ticks.labels, minor=True)
    axes.tick_params(axis="x", which="minor", length=0.0)
    axes.set_ylim(0.0, 24.0)
    axes.set_yticks(range(0, 25, 6))
    axes.set_yticks(range(25), minor=True)
    axes.tick_params(axis="y", which="minor", length=2.0)
    axes.set_xlabel(calendar.axis_title)
    axes.set_ylabel("Hour of the day [h]")
    if calendar.count <= _FEW_DAYS:
        for edge in ticks.edges[1:-1]:
            axes.axvline(edge, color=PAPER, linewidth=0.8, zorder=3.0)


def _add_keys(axes: Axes, keys: list[tuple[str, str, str | None]]) -> None:
    from matplotlib.patches import Patch

    if not keys:
        return
    handles = [
        Patch(facecolor=face, edgecolor=edge or face, hatch="////" if edge else None, linewidth=0.0, label=text)
        for text, face, edge in keys
    ]
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(handles),
        borderaxespad=0.3,
        borderpad=0.0,
        handlelength=1.4,
    )


def _bar_title(carpet: Carpet, results: HourlyResults) -> str:
    if carpet.signed:
        return f"{axis_title(carpet)}\n− charges, + discharges"
    if carpet.name == "State of charge" and results.params.bess_capacity > 0.0:
        return f"State of charge [% of {results.params.bess_capacity:,g} MWh]"
    return axis_title(carpet)
