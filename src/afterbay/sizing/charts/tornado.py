"""What moves a result: one row for each driver, the strongest on top, low and high as two patterns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from afterbay.core.checks import is_number
from afterbay.core.errors import Problems
from afterbay.sizing.charts import amounts
from afterbay.sizing.charts.canvas import house_style, new_sheet
from afterbay.sizing.charts.legends import add_legend, mark
from afterbay.sizing.charts.palette import DISCHARGE_DARK, PAPER, PRIMARY, TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["tornado_chart"]

_WIDTH_IN: Final = 9.6
_LEFT_IN, _LEGEND_IN, _BOTTOM_IN = 2.35, 1.75, 0.75
_ROW_IN: Final = 0.46
_HEAD_IN: Final = 1.3
"""Room for the title and two lines of a sentence."""
_LABEL_IN: Final = 0.75
"""Room for a number beside the longest bar."""
_BAR: Final = 0.64
_MOST_BARS: Final = 30
_MOST_LETTERS: Final = 32

_LOW: Final[dict[str, Any]] = {"facecolor": PAPER, "edgecolor": DISCHARGE_DARK, "hatch": "////", "linewidth": 0.8}
_HIGH: Final[dict[str, Any]] = {"facecolor": PRIMARY, "edgecolor": PRIMARY, "linewidth": 0.8}


@dataclass(frozen=True, slots=True)
class _Driver:
    name: str
    low: float
    high: float
    base: float

    @property
    def span(self) -> float:
        """How far the result moves, from its lowest to its highest value."""
        return max(self.low, self.high, self.base) - min(self.low, self.high, self.base)

    @property
    def is_one_sided(self) -> bool:
        """Both ends move the result the same way, so that their bars would cover each other."""
        return (self.low - self.base) * (self.high - self.base) > 0.0

    @property
    def low_goes_left(self) -> bool:
        """Where the number of the low end stands; opposite the other end if it does not move."""
        return self.low < self.base or (self.low == self.base and self.high >= self.base)

    @property
    def high_goes_left(self) -> bool:
        """Where the number of the high end stands."""
        return self.high < self.base or (self.high == self.base and not self.low_goes_left)


def tornado_chart(
    bars: Sequence[tuple[str, float, float]],
    base: float,
    *,
    quantity: str = "NPV",
    unit: str = "M$",
) -> Figure:
    """Draw how a result changes with each of its drivers, the strongest on top.

    Args:
        bars: Name of the driver, result with the driver low and result with it high [unit]; at most 30.
        base: Result with every driver as planned [unit].
        quantity: Name of the result.
        unit: Unit of the result.

    Returns:
        A figure for `save_png`; its label names the strongest driver.

    Raises:
        InvalidInputError: With every problem found, if an argument cannot be used.
        MissingExtraError: If matplotlib is not installed.
    """
    drivers = _read_bars(bars, base, quantity, unit)
    values = [base, *(value for driver in drivers for value in (driver.low, driver.high))]
    digits = _digits(values)
    with house_style():
        sheet = new_sheet(
            f"What moves the {quantity} most?",
            _sentence(drivers, base, quantity, unit, digits),
            width_in=_WIDTH_IN,
            height_in=_HEAD_IN + _BOTTOM_IN + _ROW_IN * max(len(drivers), 2),
        )
        width = _WIDTH_IN - _LEFT_IN - _LEGEND_IN
        axes = sheet.panel(_LEFT_IN, _BOTTOM_IN, width, sheet.top_in - _BOTTOM_IN)
        _prepare(axes, drivers, values, width)
        axes.set_xlabel(f"{quantity} [{unit}]")
        for row, driver in enumerate(drivers):
            _draw_driver(axes, row, driver, digits)
        axes.axvline(base, color=TEXT, linewidth=1.2, zorder=3.0, gid="base")
        from matplotlib.patches import Patch

        entries = [
            Patch(label="driver low", **_LOW),
            Patch(label="driver high", **_HIGH),
            mark(f"as planned,\n{_text(base, unit, digits)}", linestyle="-", color=TEXT, linewidth=1.2),
        ]
        add_legend(sheet, axes, [(quantity, entries)])
    return sheet.figure


def _read_bars(bars: Sequence[tuple[str, float, float]], base: object, quantity: object, unit: object) -> list[_Driver]:
    problems = Problems()
    known = is_number(base)
    if not known:
        problems.add("base", base, "a finite number", "give the result with every driver as planned")
    found: list[_Driver] = []
    for place, bar in enumerate(bars):
        where = f"bars[{place}]"
        if not (isinstance(bar, (tuple, list)) and len(bar) == 3 and isinstance(bar[0], str) and bar[0]):
            problems.add(where, repr(bar), "a name and two results", 'write ("fuel price", 19.8, 22.7)')
        elif not (is_number(bar[1]) and is_number(bar[2])):
            problems.add(f"{where} ({bar[0]})", f"{bar[1]!r} and {bar[2]!r}", "two finite numbers", "give both results")
        elif len(bar[0]) > _MOST_LETTERS:
            problems.add(where, bar[0], f"a name of at most {_MOST_LETTERS} letters", "shorten it")
        elif known:
            found.append(_Driver(bar[0], float(bar[1]), float(bar[2]), float(base)))  # type: ignore[arg-type]
    if not 1 <= len(bars) <= _MOST_BARS:
        problems.add("bars", f"{len(bars)} drivers", f"1..{_MOST_BARS}", "leave out those that hardly count")
    for where, word in (("quantity", quantity), ("unit", unit)):
        if not (isinstance(word, str) and 0 < len(word) <= _MOST_LETTERS):
            problems.add(where, word, f"a word of at most {_MOST_LETTERS} letters", "name it")
    problems.raise_if_any()
    # The order of equals stays the caller's.
    return sorted(found, key=lambda driver: -driver.span)


def _digits(values: Sequence[float]) -> int:
    """Return the digits after the point that tell the results apart: three of their whole span."""
    span = max(values) - min(values) or abs(values[0]) or 1.0
    return min(max(2 - math.floor(math.log10(span)), 0), 4)


def _text(value: float, unit: str, digits: int) -> str:
    return amounts.with_unit(_number(value, digits), unit)


def _number(value: float, digits: int) -> str:
    # A rounded zero has no sign.
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", "\u2212")


def _sentence(drivers: list[_Driver], base: float, quantity: str, unit: str, digits: int) -> str:
    planned = f"{quantity} is {_text(base, unit, digits)} as planned"
    if drivers[0].span == 0.0:
        return f"{planned}; no driver moves it."
    strongest = drivers[0]
    moved = f"{_text(strongest.low, unit, digits)} when low and {_text(strongest.high, unit, digits)} when high"
    return f"{planned}; {strongest.name} moves it most: {moved}."


def _prepare(axes: Axes, drivers: list[_Driver], values: Sequence[float], width_in: float) -> None:
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    low, high = min(values), max(values)
    span = (high - low) or abs(low) or 1.0
    room = span / (width_in - 2.0 * _LABEL_IN) * _LABEL_IN
    axes.set_xlim(low - room, high + room)
    # A single bar stands in the middle of the room of two.
    spare = 0.5 if len(drivers) == 1 else 0.0
    axes.set_ylim(len(drivers) - 0.4 + spare, -0.6 - spare)
    axes.set_yticks(range(len(drivers)), labels=[driver.name for driver in drivers])
    axes.tick_params(axis="y", length=0.0)
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.grid(visible=True, axis="x")
    axes.spines["left"].set_visible(False)


def _draw_driver(axes: Axes, row: int, driver: _Driver, digits: int) -> None:
    # Two bars on one side share the height of the row, so that neither hides the other.
    height = _BAR / 2.0 if driver.is_one_sided else _BAR
    shift = _BAR / 4.0 if driver.is_one_sided else 0.0
    for end, value, goes_left, style, place in (
        ("low", driver.low, driver.low_goes_left, _LOW, row - shift),
        ("high", driver.high, driver.high_goes_left, _HIGH, row + shift),
    ):
        axes.barh(place, value - driver.base, left=driver.base, height=height, zorder=2.0, gid=f"{end} {row}", **style)
        axes.annotate(
            _number(value, digits),
            (value, place),
            xytext=(-5.0 if goes_left else 5.0, 0.0),
            textcoords="offset points",
            ha="right" if goes_left else "left",
            va="center",
            fontsize=8.0 if driver.is_one_sided else 9.0,
            parse_math=False,
            zorder=4.0,
            gid=f"{end} {row} number",
            bbox={"boxstyle": "square,pad=0.0", "facecolor": PAPER, "edgecolor": "none"},
        )
