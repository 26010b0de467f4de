"""Money step by step: parts that raise or lower a sum, and the sum itself as the last bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from afterbay.core.checks import is_number
from afterbay.core.errors import Problems
from afterbay.sizing.charts import amounts
from afterbay.sizing.charts.canvas import house_style, new_sheet
from afterbay.sizing.charts.legends import add_legend
from afterbay.sizing.charts.palette import BORDER, DISCHARGE_DARK, MUTED, PAPER, PRIMARY, TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Money", "money_of", "waterfall_chart"]

_WIDTH_IN: Final = 9.6
_LEFT_IN, _LEGEND_IN, _BOTTOM_IN = 2.35, 1.5, 0.75
_ROW_IN: Final = 0.36
_HEAD_IN: Final = 1.4
"""Room for the title and three lines of a sentence."""
_LABEL_IN: Final = 0.85
"""Room for a number beside the longest bar."""
_BAR: Final = 0.62
_MOST_PARTS: Final = 30
_MOST_LETTERS: Final = 32
_MOST_DIGITS: Final = 6
_ROUNDING: Final = 1e-14
_SAME: Final = 1e-9
"""Share of the largest amount by which two ways to add the same parts may differ."""

_GAIN: Final[dict[str, Any]] = {"facecolor": PRIMARY, "edgecolor": PRIMARY, "linewidth": 0.8}
_COST: Final[dict[str, Any]] = {
    "facecolor": PAPER, "edgecolor": DISCHARGE_DARK, "hatch": "////", "linewidth": 0.8,
}  # fmt: skip
_TOTAL: Final[dict[str, Any]] = {"facecolor": MUTED, "edgecolor": TEXT, "linewidth": 1.2}


@dataclass(frozen=True, slots=True)
class Money:
    """How the amounts of one picture are written: all of them in the same unit."""

    currency: str
    factor: float
    """Units of the currency in one unit of the axis."""
    letter: str
    """`M`, `k` or nothing."""
    digits: int

    @property
    def unit(self) -> str:
        """The unit of an axis: `M$`, `k EUR`."""
        return f"{self.letter}$" if self.currency == "USD" else f"{self.letter} {self.currency}".strip()

    def number(self, amount: float, *, signed: bool = False) -> str:
        """Write an amount without its unit; `signed` puts a plus before a gain."""
        digits = self.digits
        # A small amount is not rounded away.
        while amount != 0.0 and digits < _MOST_DIGITS and round(amount / self.factor, digits) == 0.0:
            digits += 1
        sign = "\u2212" if amount < 0.0 else "+" if signed and amount > 0.0 else ""
        least = 10.0**-_MOST_DIGITS
        if 0.0 < abs(amount) / self.factor < least / 2.0:
            return f"{sign}<{least:f}"
        return f"{sign}{abs(amount) / self.factor:,.{digits}f}"

    def text(self, amount: float) -> str:
        """Write an amount with its unit: `−$3.21 M`, `48.9 M EUR`."""
        number = self.number(amount)
        if self.currency != "USD":
            return f"{number}{amounts.NBSP}{self.unit.replace(' ', amounts.NBSP)}"
        sign = number[0] if number[0] == "\u2212" else ""
        return f"{sign}${number.removeprefix(sign)}{amounts.NBSP}{self.letter}".rstrip(amounts.NBSP)


def money_of(largest: float, currency: str = "USD") -> Money:
    """Choose millions, thousands or single units by the largest amount of a picture, with three digits of it."""
    size = abs(largest)
    factor, letter = (1e6, "M") if size >= 1e6 or size == 0.0 else (1e3, "k") if size >= 1e3 else (1.0, "")
    before_point = 1 if size == 0.0 else math.floor(math.log10(size / factor)) + 1
    return Money(currency, factor, letter, min(max(3 - before_point, 0), 2))


def waterfall_chart(
    parts: Sequence[tuple[str, float]],
    *,
    currency: str = "USD",
    total_label: str = "NPV",
    total: float | None = None,
) -> Figure:
    """Draw the parts of a sum, one row each, every bar starting where the one above it ends.

    A gain goes right, is solid and has a plus; a cost goes left, is hatched and has a minus.

    Args:
        parts: Names and amounts in the order of the rows [currency], gains positive; at most 30.
        currency: Code of the currency.
        total_label: Name of the sum.
        total: The sum as it is known from elsewhere [currency]; a picture that does not add up to it is refused.
            None: the sum of the parts.

    Returns:
        A figure for `save_png`; its label names the sum and its largest parts.

    Raises:
        InvalidInputError: With every problem found, if a part cannot be used or the parts do not add up.
        MissingExtraError: If matplotlib is not installed.
    """
    named = _read_parts(parts, currency, total_label, total)
    ends = _running_sums([amount for _, amount in named])
    money = money_of(max(abs(amount) for amount in [*ends, *(amount for _, amount in named)]), currency)
    height = _HEAD_IN + _BOTTOM_IN + _ROW_IN * (len(named) + 1)
    with house_style():
        sheet = new_sheet(
            f"What makes up the {total_label} of {money.text(ends[-1])}?",
            _sentence(named, ends[-1], money, total_label),
            width_in=_WIDTH_IN,
            height_in=height,
        )
        width = _WIDTH_IN - _LEFT_IN - _LEGEND_IN
        axes = sheet.panel(_LEFT_IN, _BOTTOM_IN, width, sheet.top_in - _BOTTOM_IN)
        _prepare(axes, [*(name for name, _ in named), total_label], ends, money, width)
        for row, ((_, amount), end) in enumerate(zip(named, ends, strict=True)):
            start = ends[row - 1] if row else 0.0
            _draw_bar(axes, row, (start, amount), money, _COST if amount < 0.0 else _GAIN, f"part {row}")
            # The connector makes the eye go on where the bar stopped.
            at = end / money.factor
            axes.plot([at, at], [row + _BAR / 2.0, row + 1.0 - _BAR / 2.0], color=BORDER, linewidth=0.9, zorder=1.5)
        _draw_bar(axes, len(named), (0.0, ends[-1]), money, _TOTAL, "total")
        axes.axhline(len(named) - 0.5, color=BORDER, linewidth=0.8, zorder=0.8)
        from matplotlib.patches import Patch

        entries = [Patch(label="\u25b6 + gain", **_GAIN), Patch(label="\u25c0 \u2212 cost", **_COST)]
        add_legend(sheet, axes, [("", [*entries, Patch(label=f"= {total_label}", **_TOTAL)])])
    return sheet.figure


def _running_sums(values: list[float]) -> list[float]:
    """Return the sum up to each part; what only rounding leaves of it is 0."""
    least = _ROUNDING * max(abs(value) for value in values)
    sums = [math.fsum(values[: count + 1]) for count in range(len(values))]
    return [value if abs(value) > least else 0.0 for value in sums]


def _read_parts(
    parts: Sequence[tuple[str, float]], currency: object, total_label: object, total: object
) -> list[tuple[str, float]]:
    problems = Problems()
    named: list[tuple[str, float]] = []
    for place, part in enumerate(parts):
        if not (isinstance(part, (tuple, list)) and len(part) == 2 and isinstance(part[0], str) and part[0]):
            problems.add(f"parts[{place}]", repr(part), "a name and an amount", 'write ("fuel", -1.2e6)')
        elif not is_number(part[1]):
            problems.add(f"parts[{place}] ({part[0]})", part[1], "a finite number", "give the amount, costs negative")
        elif len(part[0]) > _MOST_LETTERS:
            problems.add(f"parts[{place}]", part[0], f"a name of at most {_MOST_LETTERS} letters", "shorten it")
        else:
            named.append((part[0], float(part[1])))
    if not 1 <= len(parts) <= _MOST_PARTS:
        problems.add("parts", f"{len(parts)} parts", f"1..{_MOST_PARTS}", "join the small ones")
    for where, word in (("currency", currency), ("total_label", total_label)):
        if not (isinstance(word, str) and 0 < len(word) <= _MOST_LETTERS):
            problems.add(where, word, f"a word of at most {_MOST_LETTERS} letters", "name it")
    if total is not None:
        _check_total(problems, named if len(named) == len(parts) else None, total)
    problems.raise_if_any()
    return named


def _check_total(problems: Problems, named: list[tuple[str, float]] | None, total: object) -> None:
    if not is_number(total):
        problems.add("total", total, "a finite number", "give the sum of the parts")
        return
    assert isinstance(total, (int, float))  # noqa: S101  said by is_number
    if named is None:
        return
    together = math.fsum(amount for _, amount in named)
    if abs(total - together) > _SAME * max([abs(total), *(abs(amount) for _, amount in named)]):
        problems.add("total", f"{total:,.2f}", f"{together:,.2f}, what the parts add up to", "find the missing part")


def _sentence(named: list[tuple[str, float]], total: float, money: Money, label: str) -> str:
    gains = [part for part in named if part[1] > 0.0]
    costs = [part for part in named if part[1] < 0.0]
    pieces = []
    for word, group in (("gains", gains), ("costs", costs)):
        if not group:
            pieces.append(f"no {word}")
            continue
        name, amount = max(group, key=lambda part: abs(part[1]))
        sum_of = money.text(abs(math.fsum(part[1] for part in group)))
        most = f", most of all {name} ({money.text(abs(amount))})" if len(group) > 1 else f" ({name})"
        pieces.append(f"{sum_of} of {word}{most}")
    return f"{label} is {money.text(total)}: {pieces[0]}, and {pieces[1]}."


def _prepare(axes: Axes, names: list[str], ends: list[float], money: Money, width_in: float) -> None:
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    low, high = min(0.0, *ends) / money.factor, max(0.0, *ends) / money.factor
    span = (high - low) or 1.0
    room = span / (width_in - 2.0 * _LABEL_IN) * _LABEL_IN
    axes.set_xlim(low - room, high + room)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), labels=names)
    axes.tick_params(axis="y", length=0.0)
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.grid(visible=True, axis="x")
    axes.spines["left"].set_visible(False)
    axes.axvline(0.0, color=TEXT, linewidth=1.0, zorder=1.2, gid="zero")
    axes.set_xlabel(f"Running sum [{money.unit}]")


def _draw_bar(
    axes: Axes, row: int, start_and_amount: tuple[float, float], money: Money, style: dict[str, Any], gid: str
) -> None:
    start, amount = (value / money.factor for value in start_and_amount)
    axes.barh(row, amount, left=start, height=_BAR, zorder=2.0, gid=gid, **style)
    goes_left = amount < 0.0
    is_total = gid == "total"
    number = money.number(start_and_amount[1], signed=not is_total)
    arrow = "" if is_total or amount == 0.0 else "\u25c0 " if goes_left else " \u25b6"
    axes.annotate(
        f"{arrow}{number}" if goes_left else f"{number}{arrow}",
        (start + amount, row),
        xytext=(-5.0 if goes_left else 5.0, 0.0),
        textcoords="offset points",
        ha="right" if goes_left else "left",
        va="center",
        fontweight="bold" if is_total else "normal",
        parse_math=False,
        zorder=3.0,
        gid=f"{gid} number",
        bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none"},
    )
