"""A sheet of paper with a title and a sentence, and how it becomes a file. Only this file sets matplotlib up."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from afterbay.community.results.charts.palette import HOUSE_STYLE, MUTED
from afterbay.core.errors import InvalidInputError, MissingExtraError, OutOfRangeError, Problem
from afterbay.core.output_file import check_file, write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

__all__ = [
    "NBSP",
    "Sheet",
    "energy",
    "house_style",
    "new_sheet",
    "percent",
    "picture_text",
    "save_picture",
    "with_unit",
]

NBSP: Final = "\u00a0"
_MARGIN_IN: Final = 0.3
_TITLE_PT: Final = 13.0
_SENTENCE_PT: Final = 9.5
_LINE_HEIGHT: Final = 1.35
_GAP_IN: Final = 0.14
_DPI_RANGE: Final = (50, 600)

# The settings of matplotlib belong to the whole process; two threads drawing at once would mix them.
_drawing = threading.RLock()


def with_unit(number: str, unit: str) -> str:
    """Join a number and its unit by a no-break space, with U+2212 for a minus."""
    return number.replace("-", "\u2212") + NBSP + unit


def energy(kwh: float) -> str:
    """Write an energy [kWh]: one digit below 1,000, none above, MWh from a million on."""
    if abs(kwh) >= 999_999.5:
        return with_unit(f"{kwh / 1000.0:,.0f}", "MWh")
    return with_unit(f"{kwh:,.1f}" if abs(kwh) < 999.95 else f"{kwh:,.0f}", "kWh")


def percent(fraction: float) -> str:
    """Write a fraction as percent with one digit."""
    return with_unit(f"{100.0 * fraction:,.1f}", "%")


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in our style, whatever the user's own settings are, and leave those as they were.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    try:
        from matplotlib import style
    except ImportError:
        raise MissingExtraError("matplotlib", "report", "a picture") from None
    with _drawing, style.context(["default", HOUSE_STYLE]):
        yield


@dataclass(frozen=True, slots=True)
class Sheet:
    """A figure with its title and sentence in place; panels go below `top_in`."""

    figure: Figure
    canvas: FigureCanvasAgg
    width_in: float
    height_in: float
    top_in: float
    """Distance of the free area from the bottom of the figure [in]."""

    def panel(self, left_in: float, bottom_in: float, width_in: float, height_in: float) -> Axes:
        """Add axes at a place given in inches from the lower left corner."""
        return self.figure.add_axes(
            (
                left_in / self.width_in,
                bottom_in / self.height_in,
                width_in / self.width_in,
                height_in / self.height_in,
            )
        )

    def text_width_in(self, text: str, size: float) -> float:
        """Measure a text [in]."""
        return _width_px(self.canvas, text, size, "normal") / self.figure.dpi


def new_sheet(title: str, sentence: str, *, width_in: float, height_in: float) -> Sheet:
    """Return a figure with a title and a sentence below it, wrapped to the width.

    Both together are also the label of the figure: `save_picture` writes them as the picture's description.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in))
    canvas = FigureCanvasAgg(figure)
    figure.set_label(f"{title} {sentence}")
    top = height_in - _MARGIN_IN
    for text, size, weight, colour in (
        (title, _TITLE_PT, "bold", None),
        (sentence, _SENTENCE_PT, "normal", MUTED),
    ):
        lines = _wrapped(canvas, text, size, weight, width_in - 2 * _MARGIN_IN)
        figure.text(
            _MARGIN_IN / width_in,
            top / height_in,
            "\n".join(lines),
            fontsize=size,
            fontweight=weight,
            color=colour,
            va="top",
            linespacing=_LINE_HEIGHT,
            parse_math=False,
        )
        top -= len(lines) * size * _LINE_HEIGHT / 72.0 + 0.04
    return Sheet(figure, canvas, width_in, height_in, top - _GAP_IN)


def picture_text(figure: Figure) -> str:
    """Return what a picture shows, in words, for a reader who cannot see it."""
    return str(figure.get_label())


def save_picture(figure: Figure, path: Path | str, dpi: int = 150) -> Path:
    """Write a picture as PNG or SVG, by its ending; whole, and the same bytes for the same picture.

    Args:
        figure: A picture of this package.
        path: A file ending in `.png` or `.svg`, in a folder that exists.
        dpi: Dots per inch of a PNG, 50..600.

    Raises:
        OutOfRangeError: If `dpi` is outside its range.
        InvalidInputError: If the file cannot be written.
        MissingExtraError: If matplotlib is not installed.
    """
    path = Path(path)
    least, most = _DPI_RANGE
    if isinstance(dpi, bool) or not isinstance(dpi, int) or not least <= dpi <= most:
        raise OutOfRangeError(Problem("dpi", repr(dpi), f"a whole number {least}..{most}", "150 suits a screen"))
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg"):
        raise InvalidInputError(
            Problem("path", str(path), "a name that ends in .png or .svg", "give the file this ending")
        )
    check_file(path, f".{kind}")
    # No date and no version of a program: both would make equal pictures differ.
    metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    picture = io.BytesIO()
    with house_style():
        figure.savefig(picture, format=kind, dpi=dpi, metadata=metadata | {"Description": picture_text(figure)})
    write_whole(path, picture.getvalue())
    return path


def _width_px(canvas: FigureCanvasAgg, text: str, size: float, weight: str) -> float:
    from matplotlib.font_manager import FontProperties

    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    extent = renderer.get_text_width_height_descent(text, FontProperties(size=size, weight=weight), ismath=False)
    return float(extent[0])


def _wrapped(canvas: FigureCanvasAgg, text: str, size: float, weight: str, width_in: float) -> list[str]:
    """Break a text into lines by its measured width; words are joined by plain spaces only."""
    most_px = width_in * canvas.figure.dpi
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _width_px(canvas, longer, size, weight) <= most_px:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
