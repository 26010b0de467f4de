"""How many hours each transformer carries how much of its rating."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from afterbay.community.results.charts.palette import BORDER, LINES, MUTED, OVER, TEXT, Dash
from afterbay.community.results.charts.sheet import house_style, new_sheet, percent, with_unit
from afterbay.community.results.duration import loading_duration
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from afterbay.community.results.charts.sheet import Sheet
    from afterbay.community.results.duration import LoadingDuration
    from afterbay.community.simulation import CommunityRun

__all__ = ["loading_duration_chart"]

_WIDTH_IN, _HEIGHT_IN = 10.0, 5.2
_LEFT_IN, _RIGHT_IN, _BOTTOM_IN = 0.85, 2.6, 0.7
_ZOOM_IN, _BETWEEN_IN = 2.3, 0.25
_ZOOM_FROM_H: Final = 500.0
"""From here on the highest hours have a panel of their own."""
_KEY_IN, _LINE_IN = 0.45, 0.17


def loading_duration_chart(run: CommunityRun, transformers: Sequence[str] | None = None) -> Figure:
    """Draw the loading of transformers in falling order: x hours, y percent of the rating, a line at 100 %.

    The five most loaded ones have a hue, a dash and a name each; the others are thin and grey.

    Args:
        run: A finished run.
        transformers: Fixed names, default every transformer with a rating.

    Returns:
        A figure for `save_picture`; its label names peaks and hours above 100 %.

    Raises:
        InvalidInputError: If no transformer has a rating.
        NotFoundError: If a transformer is unknown or has no rating.
        MissingExtraError: If matplotlib is not installed.
    """
    durations = loading_duration(run, transformers)
    if not durations:
        raise InvalidInputError(
            Problem("transformers", "none with a rating", "at least one", "give a transformer rated_kw, then run again")
        )
    shown = {transformer.name: transformer.display_name for transformer, _ in run.grid.every_transformer()}
    with house_style():
        sheet = new_sheet(
            "How heavily are the transformers loaded, and for how long?",
            _sentence(durations),
            width_in=_WIDTH_IN,
            height_in=_HEIGHT_IN,
        )
        total_h = float(durations[0].hours[-1])
        # The few hours that decide would be a line's width of a year; they get a panel of their own.
        zooms = total_h >= _ZOOM_FROM_H
        whole_left = _LEFT_IN + (_ZOOM_IN + _BETWEEN_IN if zooms else 0.0)
        height = sheet.top_in - _BOTTOM_IN
        axes = sheet.panel(whole_left, _BOTTOM_IN, _WIDTH_IN - whole_left - _RIGHT_IN, height)
        panels = [(axes, total_h)]
        if zooms:
            panels.insert(0, (sheet.panel(_LEFT_IN, _BOTTOM_IN, _ZOOM_IN, height), _zoom_h(durations, total_h)))
        for panel, most_h in panels:
            _draw_panel(panel, durations, most_h)
        axes.annotate(
            "rating, 100\u00a0%", (0.99 * total_h, 100.0), xytext=(0.0, 3.0), textcoords="offset points", ha="right",
            va="bottom", fontsize=8.5, color=TEXT, zorder=4.0,
        )  # fmt: skip
        panels[0][0].set_ylabel("Loading [% of the rating]")
        if zooms:
            axes.tick_params(axis="y", labelleft=False)
            panels[0][0].set_xlabel("The hours of highest loading [h]")
        axes.set_xlabel("All hours of the run, sorted by loading [h]")
        _label_lines(durations, shown, sheet)
    return sheet.figure


def _zoom_h(durations: tuple[LoadingDuration, ...], total_h: float) -> float:
    """Return a round number of hours that holds all hours above 100 %, and 2 % of the run at least."""
    wanted = max(0.02 * total_h, 1.25 * max(duration.hours_above() for duration in durations))
    size = 10.0 ** math.floor(math.log10(wanted))
    return min(next(step * size for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * size >= wanted), total_h)


def _draw_panel(axes: Axes, durations: tuple[LoadingDuration, ...], most_h: float) -> None:
    top = 100.0 * max(1.1, 1.08 * durations[0].peak_fraction)
    axes.set_xlim(0.0, most_h)
    axes.set_ylim(0.0, top)
    axes.axhspan(100.0, top, color=OVER, zorder=0.0, linewidth=0.0, gid="above")
    axes.axhline(100.0, color=TEXT, linewidth=1.2, linestyle=(0, (4.0, 2.0)), zorder=2.0, gid="rating")
    for place in range(len(durations) - 1, -1, -1):
        duration = durations[place]
        told = place < len(LINES)
        colour, dash = LINES[place] if told else (BORDER, "-")
        # Each step is level for its own length, so that the hours above a line can be read off.
        hours, loading = duration.hours, 100.0 * duration.loading_fraction
        axes.step(
            [0.0, *hours], [loading[0], *loading], where="pre", color=colour, linestyle=dash,
            linewidth=1.8 if told else 0.7, zorder=3.0 if told else 2.5, gid=f"loading {duration.transformer}",
        )  # fmt: skip
    axes.grid(visible=True)
    axes.xaxis.set_major_formatter(lambda hours, _: f"{hours:,.0f}")


def _label_lines(durations: tuple[LoadingDuration, ...], shown: dict[str, str], sheet: Sheet) -> None:
    """Name the lines beside the panel, in the order of their peaks, each with a piece of its line."""
    from matplotlib.lines import Line2D

    def at(x_in: float, y_in: float) -> tuple[float, float]:
        return x_in / sheet.width_in, y_in / sheet.height_in

    def key(level: float, colour: str, dash: Dash, width: float) -> None:
        (x0, y), (x1, _) = at(left, level), at(left + _KEY_IN, level)
        line = Line2D([x0, x1], [y, y], color=colour, linestyle=dash, linewidth=width, gid="key")
        sheet.figure.add_artist(line)

    def write(level: float, text: str, **look: Any) -> None:
        x, y = at(left + _KEY_IN + 0.1, level)
        sheet.figure.text(x, y, text, va="center", parse_math=False, **look)

    left = _WIDTH_IN - _RIGHT_IN + 0.2
    level = sheet.top_in - 0.1
    for (colour, dash), duration in zip(LINES, durations, strict=False):
        key(level, colour, dash, 1.8)
        write(level, f"{duration.transformer}, {duration.rated_kw:,g}\u00a0kW", fontsize=9.0, fontweight="bold")
        name = shown.get(duration.transformer, "")
        lines = [f"\u201c{name}\u201d"] if name and name != duration.transformer else []
        lines += [f"peak {percent(duration.peak_fraction)}", f"hours above 100\u00a0%: {duration.hours_above():,g}"]
        for text in lines:
            level -= _LINE_IN
            write(level, text, fontsize=8.5, color=MUTED)
        level -= 1.7 * _LINE_IN
    if len(durations) > len(LINES):
        key(level, BORDER, "-", 0.7)
        write(level, f"{len(durations) - len(LINES)} others", fontsize=9.0)


def _sentence(durations: tuple[LoadingDuration, ...]) -> str:
    first = durations[0]
    over = [duration for duration in durations if duration.hours_above() > 0.0]
    text = f"{first.transformer} is loaded most, up to {percent(first.peak_fraction)} of its rating"
    if not over:
        return f"{text}; no transformer is above 100\u00a0%."
    listed = ", ".join(f"{one.transformer} {with_unit(f'{one.hours_above():,g}', 'h')}" for one in over[:4])
    more = f" and {len(over) - 4} more" if len(over) > 4 else ""
    return f"{text}; hours above 100\u00a0%: {listed}{more}."
