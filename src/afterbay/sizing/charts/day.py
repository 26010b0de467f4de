"""A day in three panels: who serves the load, how full the battery is, whether the generator runs."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import OutOfRangeError, Problem
from afterbay.sizing.charts.canvas import Sheet, hatch_missing, house_style, new_sheet
from afterbay.sizing.charts.dates import Calendar, calendar_of
from afterbay.sizing.charts.describe import day_headline, describe_day
from afterbay.sizing.charts.legends import add_legend, mark
from afterbay.sizing.charts.palette import (
    BATTERY,
    BORDER,
    CURTAILED,
    GENERATOR,
    GRID_LINE,
    LOAD,
    MUTED,
    PAPER,
    SOLAR,
    TEXT,
    UNSERVED,
    UNSERVED_TINT,
)
from afterbay.sizing.charts.series import DayFlows, day_flows
from afterbay.sizing.days import count_days

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from afterbay.sizing.params import SimulationParams
    from afterbay.sizing.simulation import HourlyResults

__all__ = ["MOST_DAYS", "day_chart"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

MOST_DAYS: Final = 31
"""More days than this in one picture cannot be told apart; the carpet shows them."""

_WIDTH_IN, _HEIGHT_IN = 10.0, 7.6
_LEFT_IN, _RIGHT_IN = 0.85, 2.65
_RIBBON_BOTTOM_IN, _RIBBON_IN = 0.75, 0.26
_SOC_BOTTOM_IN, _SOC_IN = 1.2, 1.35
_POWER_BOTTOM_IN = 2.75
_TWO_PX: Final = 1.5
"""Two pixels of a screen [pt]."""

_SOLAR: Final[dict[str, Any]] = {"facecolor": SOLAR, "edgecolor": "none"}
_BATTERY: Final[dict[str, Any]] = {"facecolor": BATTERY, "edgecolor": "none"}
_GENERATOR: Final[dict[str, Any]] = {"facecolor": GENERATOR, "edgecolor": PAPER, "hatch": "...", "linewidth": 0.0}
_UNSERVED: Final[dict[str, Any]] = {
    "facecolor": UNSERVED_TINT, "edgecolor": UNSERVED, "hatch": "xxx", "linewidth": 0.0,
}  # fmt: skip
_CURTAILED: Final[dict[str, Any]] = {"facecolor": PAPER, "edgecolor": CURTAILED, "hatch": "////", "linewidth": 0.7}
_GENERATOR_SPILT: Final[dict[str, Any]] = _CURTAILED | {"edgecolor": GENERATOR, "hatch": "\\\\\\\\"}
_CHARGED_BY_GENERATOR: Final[dict[str, Any]] = {
    "facecolor": BATTERY,
    "edgecolor": PAPER,
    "hatch": "...",
    "linewidth": 0.0,
}

_MODES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "NORMAL": ("running", _GENERATOR),
    "EMERGENCY": ("emergency", _GENERATOR | {"hatch": "xxx"}),
    "TAKEOVER": ("takes the whole load", _GENERATOR | {"hatch": "|||"}),
    "CYCLE": ("charges the battery", _GENERATOR | {"hatch": "---"}),
}


def day_chart(results: HourlyResults, day: int, days: int = 1, *, start: date | datetime | None = None) -> Figure:
    """Draw one day, or a few, in full: power stacked up to the load, state of charge, generator.

    Args:
        results: A run of `run_simulation`.
        day: First day of the picture, from 1; see `worst_day`, `typical_day` and `best_day`.
        days: Number of days, 1..31.
        start: Day of the first step of the run, for dates. Default: 1 January for a run of 365 or 366
            days, else no dates.

    Returns:
        A figure for `save_png`; its label says what happens.

    Raises:
        OutOfRangeError: If the run does not have these days, or they are too many for one picture.
        InvalidInputError: If `start` is no day.
        MissingExtraError: If matplotlib is not installed.
    """
    flows = day_flows(results, day, days)
    if days > MOST_DAYS:
        raise OutOfRangeError(
            Problem("days", repr(days), f"1..{MOST_DAYS} in one picture", "draw fewer days, or carpet_chart")
        )
    calendar = calendar_of(count_days(results), start)
    title = calendar.day_name(day)
    if days > 1:
        title += f" to {calendar.day_name(day + days - 1).replace('Day', 'day')}"
    with house_style():
        sheet = new_sheet(
            f"{title}: {day_headline(results, day, days)}",
            describe_day(results, day, days),
            width_in=_WIDTH_IN,
            height_in=_HEIGHT_IN,
        )
        width = _WIDTH_IN - _LEFT_IN - _RIGHT_IN
        power = sheet.panel(_LEFT_IN, _POWER_BOTTOM_IN, width, sheet.top_in - _POWER_BOTTOM_IN)
        soc = sheet.panel(_LEFT_IN, _SOC_BOTTOM_IN, width, _SOC_IN)
        ribbon = sheet.panel(_LEFT_IN, _RIBBON_BOTTOM_IN, width, _RIBBON_IN)
        _draw_power(sheet, power, flows)
        _draw_soc(sheet, soc, flows, results.params)
        _draw_ribbon(sheet, ribbon, flows, results.params)
        for axes in (power, soc, ribbon):
            _label_time(axes, calendar, day, days, labelled=axes is ribbon)
            end = float(flows.edges_h[-1])
            if end < 24.0 * days:
                hatch_missing(axes, end, 24.0 * days, *axes.get_ylim())
    return sheet.figure


def _draw_power(sheet: Sheet, axes: Axes, flows: DayFlows) -> None:
    entries: list[Artist] = [mark("load", linestyle="-", color=LOAD, linewidth=_TWO_PX)]
    level = np.zeros_like(flows.load)
    for text, values, style in (
        ("solar to load", flows.solar_to_load, _SOLAR),
        ("battery to load", flows.bess_to_load, _BATTERY),
        ("generator to load", flows.dg_to_load, _GENERATOR),
        ("not served", flows.unserved, _UNSERVED),
        ("solar curtailed", flows.solar_curtailed, _CURTAILED),
        ("generator curtailed", flows.dg_curtailed, _GENERATOR_SPILT),
    ):
        level = _stack(axes, entries, flows, text, level, level + values, style)
    top, level = level, np.zeros_like(flows.load)
    for text, values, style in (
        ("charging from solar", flows.solar_to_bess, _BATTERY),
        ("charging from generator", flows.dg_to_bess, _CHARGED_BY_GENERATOR),
    ):
        level = _stack(axes, entries, flows, text, level, level - values, style)
    axes.stairs(flows.load, flows.edges_h, baseline=None, color=LOAD, linewidth=_TWO_PX, zorder=3.0, gid="load")
    _cross_unserved(axes, flows)
    axes.axhline(0.0, color=BORDER, linewidth=0.8, zorder=2.5)
    lowest, highest = min(float(level.min()), 0.0), max(float(top.max()), float(flows.load.max()), 1.0)
    room = 0.04 * (highest - lowest)
    axes.set_ylim(lowest - room if lowest < 0.0 else 0.0, highest + room)
    axes.grid(visible=True, axis="y")
    axes.set_ylabel("Power [MW], charging below 0" if lowest < 0.0 else "Power [MW]")
    add_legend(sheet, axes, [("Power", entries)])


def _stack(
    axes: Axes,
    entries: list[Artist],
    flows: DayFlows,
    text: str,
    bottom: FloatArray,
    top: FloatArray,
    style: dict[str, Any],
) -> FloatArray:
    """Draw one layer, name it in the legend, and return where the next one begins."""
    from matplotlib.patches import Patch

    there = bottom != top
    if there.any():
        # Without the gaps an outlined layer would trace the one below it wherever it is empty.
        edge = np.where(there, top, np.nan)
        axes.stairs(edge, flows.edges_h, baseline=bottom, fill=True, zorder=1.0, gid=text, **style)
        entries.append(Patch(label=text, **style))
    return top


def _cross_unserved(axes: Axes, flows: DayFlows) -> None:
    """Put a cross on each run of steps that were not served whole, so that a thin sliver is not overlooked."""
    runs = _runs(flows.not_served)
    if len(runs) == 0:
        return
    middles = runs.sum(axis=1) / 2.0
    steps = middles.astype(np.intp)
    step_h = float(flows.edges_h[1])
    heights = flows.load[steps] - flows.unserved[steps] / 2.0
    for width, colour in ((4.0, PAPER), (2.0, UNSERVED)):
        axes.scatter(
            middles * step_h,
            heights,
            s=36.0,
            marker="x",
            color=colour,
            linewidths=width,
            zorder=4.0,
            gid="not served mark",
        )


def _draw_soc(sheet: Sheet, axes: Axes, flows: DayFlows, params: SimulationParams) -> None:
    axes.set_ylabel("State of\ncharge [%]")
    axes.set_ylim(-4.0, 104.0)
    capacity = params.bess_capacity
    if capacity == 0.0:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no battery", transform=axes.transAxes, ha="center", va="center", color=MUTED)
        return
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.grid(visible=True, axis="y")
    ceiling, floor = 100.0 * params.bess_max_soc, 100.0 * params.bess_min_soc
    for name, bound in (("ceiling", ceiling), ("floor", floor)):
        axes.axhline(bound, color=BORDER, linewidth=1.0, dashes=(5, 3), zorder=1.5, gid=name)
    axes.plot(
        flows.edges_h,
        flows.soc_mwh / capacity * 100.0,
        color=BATTERY,
        linewidth=1.6,
        dashes=(3.5, 0.9),
        zorder=2.0,
        gid="soc",
    )
    right = axes.twinx()
    right.set_ylim(-0.04 * capacity, 1.04 * capacity)
    ticks = np.array([0.0, 0.25, 0.5, 0.75, 1.0]) * capacity
    right.set_yticks(ticks, labels=[f"{tick:,.4g}" if capacity < 1_000.0 else f"{tick:,.0f}" for tick in ticks])
    right.set_ylabel("Energy [MWh]")
    right.spines["right"].set_visible(True)
    bounds = [
        mark("state of charge", linestyle="-", color=BATTERY, linewidth=1.6, dashes=(3.5, 0.9)),
        mark(f"ceiling {ceiling:g} %, floor {floor:g} %", linestyle="-", color=BORDER, linewidth=1.0, dashes=(5, 3)),
    ]
    add_legend(sheet, axes, [("Battery", bounds)], gap_in=0.75)


def _draw_ribbon(sheet: Sheet, axes: Axes, flows: DayFlows, params: SimulationParams) -> None:
    from matplotlib.patches import Patch

    axes.set_ylim(0.0, 1.0)
    axes.set_yticks([])
    axes.set_ylabel("Generator", rotation=0.0, ha="right", va="center")
    axes.spines[["left", "top", "right"]].set_visible(False)
    end = float(flows.edges_h[-1])
    axes.broken_barh([(0.0, end)], (0.0, 1.0), facecolor=GRID_LINE, zorder=0.5, gid="OFF")
    if params.dg_rating_mw == 0.0:
        axes.text(end / 2.0, 0.5, "no generator", ha="center", va="center", color=MUTED)
        return
    entries: list[Artist] = []
    for mode, (text, style) in _MODES.items():
        spans = _spans(flows.dg_mode == mode, flows.edges_h)
        if spans:
            axes.broken_barh(spans, (0.0, 1.0), zorder=1.0, gid=mode, **style)
            entries.append(Patch(label=text, **style))
    if not entries:
        axes.text(end / 2.0, 0.5, "off", ha="center", va="center", color=TEXT)
    entries.append(Patch(label="off", facecolor=GRID_LINE))
    add_legend(sheet, axes, [("", entries)])


def _spans(running: BoolArray, edges_h: FloatArray) -> list[tuple[float, float]]:
    """Return (start, length) [h] of every unbroken run of True."""
    return [(float(edges_h[first]), float(edges_h[last] - edges_h[first])) for first, last in _runs(running)]


def _runs(flags: BoolArray) -> NDArray[np.intp]:
    """Return the first step of every unbroken run of True and the step after it, shape (n_runs, 2)."""
    changes = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return changes.reshape(-1, 2)


def _label_time(axes: Axes, calendar: Calendar, day: int, days: int, *, labelled: bool) -> None:
    axes.set_xlim(0.0, 24.0 * days)
    axes.grid(visible=True, axis="x")
    if days == 1:
        hours = np.arange(0, 25, 3)
        axes.set_xticks(hours, labels=[f"{hour:d}" for hour in hours] if labelled else [""] * len(hours))
    else:
        axes.set_xticks(np.arange(days + 1) * 24.0, labels=[""] * (days + 1))
        stride = -(-days // 10)
        shown = [(24.0 * place + 12.0, calendar.short_name(day + place)) for place in range(0, days, stride)]
        axes.set_xticks([at for at, _ in shown], labels=[name if labelled else "" for _, name in shown], minor=True)
        axes.tick_params(axis="x", which="minor", length=0.0)
    if labelled:
        axes.set_xlabel("Hour of the day [h]" if days == 1 else calendar.short_axis_title)
