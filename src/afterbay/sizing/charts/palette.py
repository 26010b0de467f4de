"""Colours of the pictures, the same as on the screen. Reports print light, so these are the light ones.

Source: user experience, section C.2 (colour): checked for contrast and for four kinds of colour vision.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = [
    "BATTERY", "BORDER", "CURTAILED", "DISCHARGE_DARK", "GENERATOR", "GRID_LINE", "HOUSE_STYLE", "LOAD", "MISSING_EDGE",
    "MISSING_FACE", "MUTED", "PAPER", "PRIMARY", "SOLAR", "TEXT", "UNSERVED", "UNSERVED_TINT",
]  # fmt: skip

PAPER: Final = "#FFFFFF"
TEXT: Final = "#111827"
MUTED: Final = "#4B5563"
BORDER: Final = "#6B7280"
GRID_LINE: Final = "#E2E5EA"
PRIMARY: Final = "#1D4ED8"

SOLAR: Final = "#B37109"
CURTAILED: Final = SOLAR
BATTERY: Final = "#2F78E4"
DISCHARGE_DARK: Final = "#6B3E0B"
"""The brown end of blue, white and brown; the blue end is the battery's own hue."""
GENERATOR: Final = "#792307"
LOAD: Final = "#111827"
UNSERVED: Final = "#F0308F"
UNSERVED_TINT: Final = "#FDE1EE"
MISSING_FACE: Final = "#F1F2F4"
MISSING_EDGE: Final = "#A3A9B3"

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
}
