"""Where a label may stand: near its point, inside the panel, on top of nothing."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from afterbay.sizing.charts.palette import BORDER, PAPER, TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

    from afterbay.sizing.charts.canvas import Sheet

__all__ = ["free_label", "points_along"]

FloatArray = NDArray[np.float64]

_DISTANCES_PT: Final = range(16, 241, 8)
_DIRECTIONS: Final = tuple(np.deg2rad(np.arange(0, 360, 15)))
_CLEARANCE_PT: Final = 7.0
_PADDING_PT: Final = 4.0


def points_along(x: FloatArray, y: FloatArray, axes: Axes, every_px: float = 3.0) -> FloatArray:
    """Return points on a line of straight parts, dense enough to be obstacles [px], shape (n, 2)."""
    corners = axes.transData.transform(np.column_stack([x, y]))
    parts = [corners[:1]]
    for start, end in pairwise(corners):
        count = int(np.hypot(*(end - start)) // every_px) + 1
        parts.append(start + (end - start) * np.linspace(0.0, 1.0, count + 1)[1:, None])
    return np.concatenate(parts)


def free_label(
    sheet: Sheet, axes: Axes, text: str, at: tuple[float, float], obstacles: Iterable[FloatArray]
) -> Annotation | None:
    """Label a point at the nearest place that covers no obstacle and stays inside the panel.

    Args:
        sheet: The figure.
        axes: The panel, with its final limits.
        text: The label.
        at: The point, in data coordinates.
        obstacles: Points that must stay visible [px], each of shape (n, 2).

    Returns:
        The label with a line to its point, or None if there is no free place.
    """
    label = axes.annotate(
        text,
        at,
        xytext=(0.0, 0.0),
        textcoords="offset points",
        ha="center",
        va="center",
        color=TEXT,
        fontweight="bold",
        linespacing=1.35,
        parse_math=False,
        zorder=5.0,
        gid="recommended-label",
        bbox={"boxstyle": "round,pad=0.35", "facecolor": PAPER, "edgecolor": BORDER, "linewidth": 0.6},
        arrowprops={"arrowstyle": "-", "color": BORDER, "linewidth": 0.8, "shrinkB": 7.0},
    )
    px_per_pt = sheet.figure.dpi / 72.0
    box = label.get_bbox_patch()
    assert box is not None  # noqa: S101  asked for above
    extent = label.get_window_extent(sheet.renderer)
    bubble = box.get_window_extent()
    half = np.array([max(extent.width, bubble.width), max(extent.height, bubble.height)]) / 2.0
    half += _PADDING_PT * px_per_pt
    centre = axes.transData.transform(at)
    taken = np.concatenate([centre[None, :], *obstacles])
    panel = axes.get_window_extent()
    clear = half + _CLEARANCE_PT * px_per_pt
    for distance in _DISTANCES_PT:
        for angle in _DIRECTIONS:
            way = np.array([np.cos(angle), np.sin(angle)])
            # Measured from the edge of the box, so that a wide label does not fall on its own point.
            reach = distance + float(np.min(half / np.maximum(np.abs(way), 1e-9))) / px_per_pt
            offset = way * reach
            middle = centre + offset * px_per_pt
            inside = (middle - half >= panel.min).all() and (middle + half <= panel.max).all()
            if inside and not (np.abs(taken - middle) < clear).all(axis=1).any():
                label.set_position((float(offset[0]), float(offset[1])))
                return label
    label.remove()
    return None
