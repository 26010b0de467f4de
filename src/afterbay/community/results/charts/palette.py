"""Colours and type of the community's pictures, light, as reports print.

Source: user experience, section C.2 (colour): checked for contrast and for four kinds of colour vision.
"""

from __future__ import annotations

from typing import Any, Final, Literal

__all__ = [
    "BATTERY",
    "BORDER",
    "GRID",
    "GRID_LINE",
    "HOUSE_STYLE",
    "LINES",
    "LOAD",
    "MISSING_EDGE",
    "MISSING_FACE",
    "MUTED",
    "OVER",
    "PAPER",
    "PRIMARY",
    "SIGNED",
    "SOLAR",
    "TEXT",
    "UNSERVED",
    "UNSERVED_TINT",
    "WIND",
    "Dash",
]  # fmt: skip

Dash = Literal["-", "--"] | tuple[float, tuple[float, ...]]
"""A pattern of a line, as matplotlib takes it."""

PAPER: Final = "#FFFFFF"
TEXT: Final = "#111827"
MUTED: Final = "#4B5563"
BORDER: Final = "#6B7280"
GRID_LINE: Final = "#E2E5EA"
PRIMARY: Final = "#1D4ED8"

SOLAR: Final = "#B37109"
WIND: Final = "#065F51"
BATTERY: Final = "#2F78E4"
GRID: Final = "#551E70"
LOAD: Final = "#111827"
UNSERVED: Final = "#F0308F"
UNSERVED_TINT: Final = "#FDE1EE"
OVER: Final = "#FDE7EE"
"""Behind what is above a limit."""
MISSING_FACE: Final = "#F1F2F4"
MISSING_EDGE: Final = "#A3A9B3"

SIGNED: Final = ("#123F8C", BATTERY, PAPER, "#C08A3E", "#6B3E0B")
"""Blue below zero, white at zero, brown above."""
LINES: Final[tuple[tuple[str, Dash], ...]] = (
    (PRIMARY, "-"),
    (SOLAR, (0.0, (6.0, 2.0))),
    (GRID, (0.0, (2.0, 1.4))),
    (WIND, (0.0, (6.0, 2.0, 1.5, 2.0))),
    (UNSERVED, (0.0, (10.0, 3.0))),
)
"""Hue and dash of each line: the dash tells them apart without colour."""

HOUSE_STYLE: Final[dict[str, Any]] = {
    # DejaVu comes with matplotlib: the same letters, and so the same bytes, on every machine.
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    # Hinted letters change their widths with the resolution; measured and drawn text must agree.
    "text.hinting": "none",
    "text.color": TEXT,
    "axes.edgecolor": BORDER,
    "axes.labelcolor": TEXT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRID_LINE,
    "grid.linewidth": 0.7,
    "xtick.color": BORDER,
    "xtick.labelcolor": TEXT,
    "ytick.color": BORDER,
    "ytick.labelcolor": TEXT,
    "figure.facecolor": PAPER,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    # Names of parts inside an SVG would else be drawn by chance.
    "svg.hashsalt": "afterbay",
    "svg.fonttype": "path",
}
