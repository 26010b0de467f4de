"""Write a picture to a file: whole or not at all, and the same bytes for the same picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Final

from afterbay.core.errors import OutOfRangeError, Problem
from afterbay.core.output_file import check_file, write_whole
from afterbay.sizing.charts.canvas import house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["alt_text", "save_png"]

_DPI_RANGE: Final = (50, 600)


def alt_text(figure: Figure) -> str:
    """Return what a picture shows, in words, for a reader who cannot see it."""
    return str(figure.get_label())


def save_png(figure: Figure, path: str | Path, dpi: int = 150) -> Path:
    """Write a picture as PNG; a file of that name is replaced only when the new one is complete.

    Args:
        figure: A picture of this package.
        path: The file, ending in `.png`, in a folder that exists.
        dpi: Dots per inch, 50..600.

    Returns:
        The path of the file.

    Raises:
        OutOfRangeError: If `dpi` is outside its range.
        InvalidInputError: If the path cannot be written.
        MissingExtraError: If matplotlib is not installed.
    """
    path = Path(path)
    least, most = _DPI_RANGE
    if isinstance(dpi, bool) or not isinstance(dpi, int) or not least <= dpi <= most:
        raise OutOfRangeError(Problem("dpi", repr(dpi), f"a whole number {least}..{most}", "150 suits a screen"))
    check_file(path, ".png")
    picture = io.BytesIO()
    with house_style():
        # No date and no version of a program: both would make equal pictures differ.
        figure.savefig(picture, format="png", dpi=dpi, metadata={"Software": None, "Description": alt_text(figure)})
    write_whole(path, picture.getvalue())
    return path
