"""The net power of the community at a glance: one column for each day, one row for each quarter hour."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from afterbay.community.results.charts.palette import MISSING_EDGE, MISSING_FACE, SIGNED
from afterbay.community.results.charts.sheet import energy, house_style, new_sheet, with_unit

if TYPE_CHECKING:
    from datetime import date

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from afterbay.community.simulation import CommunityRun
    from afterbay.core.compiled import Floats

__all__ = ["carpet_table", "community_carpet_chart"]

_WIDTH_IN, _HEIGHT_IN = 11.0, 4.6
_LEFT_IN, _RIGHT_IN, _BOTTOM_IN, _KEY_IN = 0.85, 1.35, 0.7, 0.2
_BAR_IN: Final = 0.18
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Not from the locale, so that a picture is the same everywhere."""
_FEW_DAYS: Final = 60
_MOST_LABELS: Final = 14
_FEW_YEARS: Final = 750


def carpet_table(run: CommunityRun) -> Floats:
    """Return the mean net power of the substation by local time of day and day [kW], shape (steps of a day, days).

    Positive out of the community. A quarter hour that a day does not have is nan; one that it has twice, when
    clocks are put back, is the mean of both.
    """
    net = (run.nodes("up_kwh")[:, 0] - run.nodes("down_kwh")[:, 0]) / run.timeline.dt_h
    rows = round(24.0 / run.timeline.dt_h)
    row = np.minimum((run.days.hour / run.timeline.dt_h).astype(np.int64), rows - 1)
    days = len(run.days.dates)
    column = np.repeat(np.arange(days), np.diff(run.days.starts))
    sums, counts = np.zeros((rows, days)), np.zeros((rows, days))
    np.add.at(sums, (row, column), net)
    np.add.at(counts, (row, column), 1.0)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0.0)


def community_carpet_chart(run: CommunityRun) -> Figure:
    """Draw the net power of the community: x the day, y the local time of day.

    Blue is import, white is zero, brown is export, with equal ends; the bar at the side says so in words.

    Returns:
        A figure for `save_picture`; its label names the largest import and export with their days.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    table = carpet_table(run)
    most = float(np.nanmax(np.abs(table))) or 1.0
    with house_style():
        from matplotlib.colors import LinearSegmentedColormap
        from matplotlib.patches import Rectangle

        sheet = new_sheet(
            "When does the community take from the grid, and when does it give?",
            _sentence(run, table),
            width_in=_WIDTH_IN,
            height_in=_HEIGHT_IN,
        )
        height = sheet.top_in - _KEY_IN - _BOTTOM_IN
        axes = sheet.panel(_LEFT_IN, _BOTTOM_IN, _WIDTH_IN - _LEFT_IN - _RIGHT_IN, height)
        days = float(table.shape[1])
        image = axes.imshow(
            np.ma.masked_invalid(table),
            cmap=LinearSegmentedColormap.from_list("import_export", SIGNED),
            vmin=-most,
            vmax=most,
            origin="lower",
            extent=(0.0, days, 0.0, 24.0),
            aspect="auto",
            interpolation="nearest",
            zorder=1.0,
            gid="carpet",
        )
        if np.isnan(table).any():
            patch = Rectangle(
                (0.0, 0.0), days, 24.0, facecolor=MISSING_FACE, edgecolor=MISSING_EDGE, hatch="////", linewidth=0.0,
                zorder=0.0, gid="missing", label="no such time",
            )  # fmt: skip
            axes.add_patch(patch)
            axes.legend(handles=[patch], loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2, borderpad=0.0)
        _label_axes(axes, run.days.dates)
        bar = sheet.figure.colorbar(image, cax=sheet.panel(_WIDTH_IN - _RIGHT_IN + 0.2, _BOTTOM_IN, _BAR_IN, height))
        bar.set_label("Net power of the community [kW]\n\u2212 takes, + gives")
        bar.outline.set_visible(False)
    return sheet.figure


def _label_axes(axes: Axes, dates: tuple[date, ...]) -> None:
    edges, labels = _ticks(dates)
    centres = [(left + right) / 2.0 for left, right in pairwise(edges)]
    axes.set_xlim(0.0, float(len(dates)))
    axes.set_xticks(edges)
    axes.set_xticklabels([""] * len(edges))
    axes.set_xticks(centres, labels=labels, minor=True)
    axes.tick_params(axis="x", which="minor", length=0.0)
    axes.set_ylim(0.0, 24.0)
    axes.set_yticks(range(0, 25, 6))
    axes.set_yticks(range(25), minor=True)
    axes.tick_params(axis="y", which="minor", length=2.0)
    axes.set_xlabel("Day")
    axes.set_ylabel("Local time of day [h]")


def _ticks(dates: tuple[date, ...]) -> tuple[list[float], list[str]]:
    """Return where parts of the axis begin and end, and the name of each part: days, months or years."""
    count = len(dates)
    if count <= _FEW_DAYS:
        stride = -(-count // _MOST_LABELS)
        labels = [f"{day.day} {_MONTHS[day.month - 1]}" if at % stride == 0 else "" for at, day in enumerate(dates)]
        labels[0] += f"\n{dates[0].year}"
        return [float(at) for at in range(count + 1)], labels
    by_year = count > _FEW_YEARS
    starts = [at for at, day in enumerate(dates) if at == 0 or (day.day == 1 and (not by_year or day.month == 1))]
    labels = []
    for at in starts:
        year = f"\n{dates[at].year}" if at == 0 or dates[at].month == 1 else ""
        labels.append(str(dates[at].year) if by_year else _MONTHS[dates[at].month - 1] + year)
    edges = [*map(float, starts), float(count)]
    # A cut month at an end may be too short for its name.
    least = 0.02 * count
    lengths = pairwise(edges)
    return edges, [label if right - left >= least else "" for label, (left, right) in zip(labels, lengths, strict=True)]


def _sentence(run: CommunityRun, table: Floats) -> str:
    taken, given = run.nodes("down_kwh")[:, 0].sum(), run.nodes("up_kwh")[:, 0].sum()
    parts = [f"It takes {energy(float(taken))} and gives {energy(float(given))}"]
    for word, sign in (("takes", -1.0), ("gives", 1.0)):
        signed = np.where(np.isnan(table), -np.inf, sign * table)
        row, day = np.unravel_index(int(np.argmax(signed)), table.shape)
        if signed[row, day] > 0.0:
            when = run.days.dates[int(day)]
            minutes = round(int(row) * run.timeline.dt_h * 60)
            parts.append(
                f"it {word} most, {with_unit(f'{signed[row, day]:,.1f}', 'kW')}, on {when.day} "
                f"{_MONTHS[when.month - 1]} {when.year} at {minutes // 60:02d}:{minutes % 60:02d}"
            )
    return "; ".join(parts) + "."
