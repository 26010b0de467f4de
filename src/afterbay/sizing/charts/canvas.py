"""A sheet of paper: size in inches, title, sentence, panels. The only place that knows how matplotlib is set up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from afterbay.core.errors import MissingExtraError
from afterbay.sizing.charts.palette import HOUSE_STYLE, MISSING_EDGE, MISSING_FACE, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
    from matplotlib.figure import Figure

__all__ = ["Sheet", "hatch_missing", "house_style", "new_sheet", "require_matplotlib"]

_MARGIN_IN: Final = 0.3
_TITLE_PT: Final = 13.0
_SENTENCE_PT: Final = 9.5
_LINE_HEIGHT: Final = 1.35
_GAP_IN: Final = 0.14

# The settings of matplotlib belong to the whole process; two threads drawing at once would mix them.
_drawing = threading.RLock()


def require_matplotlib() -> None:
    """Make sure that pictures can be drawn.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise MissingExtraError("matplotlib", "report", "a picture") from None


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in our style, whatever the user's own settings are, and leave those as they were.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib import style

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

    @property
    def renderer(self) -> RendererAgg:
        """What measures text in pixels."""
        return _renderer(self.canvas)

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


def new_sheet(title: str, sentence: str, *, width_in: float, height_in: float) -> Sheet:
    """Return a figure with a title and one sentence below it, wrapped to the width.

    The sentence is also the label of the figure: `save_png` writes it as the picture's description.
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


def hatch_missing(axes: Axes, left: float, right: float, low: float, high: float) -> None:
    """Fill a part of a panel, in its own coordinates, as "no data": grey with diagonals."""
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle(
            (left, low),
            right - left,
            high - low,
            facecolor=MISSING_FACE,
            edgecolor=MISSING_EDGE,
            hatch="////",
            linewidth=0.0,
            zorder=0.0,
            gid="missing",
        )
    )


def _renderer(canvas: FigureCanvasAgg) -> RendererAgg:
    renderer: RendererAgg = canvas.get_renderer()  # type: ignore[no-untyped-call]
    return renderer


def _wrapped(canvas: FigureCanvasAgg, text: str, size: float, weight: str, width_in: float) -> list[str]:
    """Break a text into lines by its measured width; words are joined by plain spaces only."""
    from matplotlib.font_manager import FontProperties

    renderer = _renderer(canvas)
    font = FontProperties(size=size, weight=weight)
    most_px = width_in * canvas.figure.dpi
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        extent = renderer.get_text_width_height_descent(longer, font, ismath=False)  # type: ignore[no-untyped-call]
        if lines and extent[0] <= most_px:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
