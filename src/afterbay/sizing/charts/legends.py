"""Legends beside a panel, never on it: sections with a heading, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from afterbay.sizing.charts.canvas import Sheet

__all__ = ["add_legend", "mark"]

_BETWEEN_IN = 0.08


def mark(text: str, **style: Any) -> Artist:
    """Return a legend entry drawn as a marker or a line."""
    from matplotlib.lines import Line2D

    look: dict[str, Any] = {"linestyle": "none", "markersize": 8.0} | style
    return Line2D([], [], label=text, **look)


def add_legend(
    sheet: Sheet, axes: Axes, sections: Sequence[tuple[str, Sequence[Artist]]], *, gap_in: float = 0.15
) -> float:
    """Put sections of entries to the right of a panel, from its top down; empty ones are left out.

    Args:
        sheet: The figure.
        axes: The panel.
        sections: Heading and entries of each section.
        gap_in: Distance from the panel [in].

    Returns:
        Height that is left free below the legend, down to the bottom of the panel [in].
    """
    from matplotlib.legend import Legend

    box = axes.get_position()
    left = box.x1 + gap_in / sheet.width_in
    top = box.y1
    for heading, handles in sections:
        if not handles:
            continue
        legend = Legend(
            sheet.figure,
            handles=list(handles),
            labels=[str(handle.get_label()) for handle in handles],
            title=heading or None,
            title_fontproperties={"weight": "bold", "size": 9.0},
            alignment="left",
            loc="upper left",
            bbox_to_anchor=(left, top),
            bbox_transform=sheet.figure.transSubfigure,
            borderaxespad=0.0,
            borderpad=0.0,
            labelspacing=0.55,
        )
        sheet.figure.add_artist(legend)
        height_px = legend.get_window_extent(sheet.renderer).height
        top -= (height_px / sheet.figure.dpi + _BETWEEN_IN * 2) / sheet.height_in
    return float(top - box.y0) * sheet.height_in
