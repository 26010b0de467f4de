"""The years of a plant in two panels: how much energy its battery still holds, and how much it delivers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core.checks import is_number, read_series
from afterbay.core.errors import InvalidInputError, Problems
from afterbay.sizing.charts import amounts
from afterbay.sizing.charts.canvas import Sheet, house_style, new_sheet
from afterbay.sizing.charts.legends import add_legend, mark
from afterbay.sizing.charts.palette import BATTERY, MUTED, PAPER, TEXT, UNSERVED

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["label_years", "read_column", "read_years", "years_chart"]

FloatArray = NDArray[np.float64]
Event = tuple[str, float]

_WIDTH_IN, _HEIGHT_IN = 9.6, 6.2
_LEFT_IN, _LEGEND_IN = 1.0, 2.3
_DELIVERY_BOTTOM_IN, _DELIVERY_IN = 0.75, 1.8
_ENERGY_BOTTOM_IN = 2.85
_WORD_PT: Final = 8.0
_RAIL_IN: Final = 0.19
"""Height of one line of event words."""
_MOST_RAILS: Final = 3
"""Words that need more lines than this are left to the legend."""
_MOST_TICKS: Final = 12
_LABELS_IN: Final = 0.56
"""Distance of the titles of both y axes from their panels, so that they stand in one line."""
_EVENT_SHAPES: Final = ("^", "D", "v", "s", "P")


def years_chart(
    year: ArrayLike,
    retention_pct: ArrayLike,
    delivery_pct: ArrayLike,
    *,
    target_pct: float | None = None,
    events: Sequence[Event] = (),
) -> Figure:
    """Draw what is left of the battery's energy, and the load hours served whole, year by year.

    Args:
        year: Years of operation [a], rising, shape (n,).
        retention_pct: Usable energy of the battery, share of nameplate [%], >= 0, shape (n,). Above 100 with a
            battery that was built larger.
        delivery_pct: Load hours served whole, share of load hours [%], 0..100, shape (n,).
        target_pct: Target of the delivery [%]; None draws no line.
        events: What happened in which year: `("augmentation", 8)`.

    Returns:
        A figure for `save_png`; its label says where both begin and end and which years miss the target.

    Raises:
        InvalidInputError: With every problem found, if an argument cannot be used.
        MissingExtraError: If matplotlib is not installed.
    """
    problems = Problems()
    years = read_years(problems, "year", year)
    energy = read_column(problems, "retention_pct", retention_pct, years, least=0.0)
    delivery = read_column(problems, "delivery_pct", delivery_pct, years, least=0.0, most=100.0)
    if target_pct is not None and not (is_number(target_pct) and 0.0 <= target_pct <= 100.0):
        problems.add("target_pct", target_pct, "0..100 %", "give a percentage")
    marked = _read_events(problems, events, years)
    problems.raise_if_any()
    with house_style():
        sheet = new_sheet(
            "How do the battery and the delivery hold over the years?",
            _sentence(years, energy, delivery, target_pct, marked),
            width_in=_WIDTH_IN,
            height_in=_HEIGHT_IN,
        )
        width = _WIDTH_IN - _LEFT_IN - _LEGEND_IN
        rails = _rails(sheet, marked, years, width)
        room = _RAIL_IN * (max(rails, default=-1) + 1)
        top = sheet.panel(_LEFT_IN, _ENERGY_BOTTOM_IN, width, sheet.top_in - room - _ENERGY_BOTTOM_IN)
        bottom = sheet.panel(_LEFT_IN, _DELIVERY_BOTTOM_IN, width, _DELIVERY_IN)
        _draw_energy(sheet, top, years, energy, marked)
        _draw_delivery(sheet, bottom, years, delivery, target_pct)
        for axes in (top, bottom):
            for _, when in marked:
                axes.axvline(when, color=MUTED, linewidth=0.9, linestyle=":", zorder=1.0, gid="event")
            label_years(axes, years, labelled=axes is bottom)
            axes.yaxis.set_label_coords(-_LABELS_IN / width, 0.5)
        _write_events(top, marked, rails)
    return sheet.figure


def read_years(problems: Problems, where: str, values: ArrayLike) -> FloatArray:
    """Return rising years [a], shape (n,), and note what is wrong with them; empty if they cannot be used."""
    move = "give one number per year"
    try:
        years = read_series(where, values, move=move)
    except InvalidInputError as error:
        problems.extend(error.problems)
        return np.zeros(0)
    if years.size == 0:
        problems.add(where, "nothing", "at least one year", move)
    elif (np.diff(years) <= 0.0).any():
        problems.add(where, "years that do not rise", "each year later than the one before", "sort them")
    return years


def read_column(
    problems: Problems,
    where: str,
    values: ArrayLike,
    years: FloatArray,
    *,
    least: float = -np.inf,
    most: float = np.inf,
) -> FloatArray:
    """Return one number for each year, shape (n,), and note what is wrong with them."""
    move = "give one number per year"
    try:
        column = read_series(where, values, least=least, move=move)
    except InvalidInputError as error:
        problems.extend(error.problems)
        return np.zeros_like(years)
    if years.size and column.size != years.size:
        problems.add(where, f"{column.size} numbers", f"{years.size}, one for each year", move)
    elif (column > most).any():
        problems.add(where, f"{column.max():g}", f"numbers up to {most:g}", "give percentages")
    return column


def label_years(axes: Axes, years: FloatArray, *, labelled: bool) -> None:
    """Give an x axis whole years, with room for the first and the last marker."""
    first, last = math.ceil(years[0]), math.floor(years[-1])
    step = next(step for step in (1, 2, 5, 10, 20, 50, math.inf) if (last - first) / step <= _MOST_TICKS)
    shown = range(first, last + 1, int(min(step, max(last - first, 1))))
    axes.set_xticks(shown, labels=[f"{year:d}" if labelled else "" for year in shown])
    axes.set_xlim(*_span(years))
    axes.grid(visible=True)
    if labelled:
        axes.set_xlabel("Year of operation [a]")


def _span(years: FloatArray) -> tuple[float, float]:
    room = max(0.03 * float(years[-1] - years[0]), 0.3)
    return float(years[0]) - room, float(years[-1]) + room


def _read_events(problems: Problems, events: Sequence[Event], years: FloatArray) -> list[Event]:
    found: list[Event] = []
    for place, event in enumerate(events):
        if not (isinstance(event, (tuple, list)) and len(event) == 2 and isinstance(event[0], str) and event[0]):
            problems.add(f"events[{place}]", repr(event), "a word and a year", 'write ("augmentation", 8)')
        elif not is_number(event[1]) or (years.size and not years[0] <= event[1] <= years[-1]):
            allowed = f"a year {years[0]:g}..{years[-1]:g}" if years.size else "a year"
            problems.add(f"events[{place}]", f"{event[0]} in year {event[1]}", allowed, "name a year of the picture")
        else:
            found.append((event[0], float(event[1])))
    return sorted(found, key=lambda event: event[1])


def _sentence(
    years: FloatArray, energy: FloatArray, delivery: FloatArray, target: float | None, events: Sequence[Event]
) -> str:
    def course(values: FloatArray) -> str:
        if len(values) == 1:
            return f"{amounts.percent(values[0])} in year {years[0]:g}"
        first, last = amounts.percent(values[0]), amounts.percent(values[-1])
        lowest = int(np.argmin(values))
        least = f", at least {amounts.percent(values[lowest])} in year {years[lowest]:g}"
        ends = f"{first} in year {years[0]:g} and {last} in year {years[-1]:g}"
        return ends + ("" if lowest in (0, len(values) - 1) else least)

    parts = [f"The battery holds {course(energy)} of its nameplate energy", f"delivery is {course(delivery)}"]
    if target is not None:
        missed = int((delivery < target).sum())
        of = f"the target of {amounts.percent(target)}"
        if missed:
            first = years[int(np.argmax(delivery < target))]
            parts.append(f"{of} is missed in {missed} of {len(years)} years, first in year {first:g}")
        else:
            parts.append(f"{of} is met in every year")
    parts.extend(f"{word} in {_year_list(when)}" for word, when in _by_word(events).items())
    return "; ".join(parts) + "."


def _by_word(events: Sequence[Event]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for word, when in events:
        found.setdefault(word, []).append(when)
    return found


def _year_list(when: Sequence[float]) -> str:
    names = [f"{year:g}" for year in when]
    if len(names) == 1:
        return f"year {names[0]}"
    if len(names) > 6:
        return f"{len(names)} years, {names[0]} to {names[-1]}"
    return f"years {', '.join(names[:-1])} and {names[-1]}"


def _rails(sheet: Sheet, events: Sequence[Event], years: FloatArray, width_in: float) -> list[int]:
    """Return the line, from 0, on which the word of each event finds room; -1 where there is none."""
    from matplotlib.font_manager import FontProperties

    low, high = _span(years)
    font = FontProperties(size=_WORD_PT)
    right = [0.0] * _MOST_RAILS
    rails = []
    for word, when in events:
        extent = sheet.renderer.get_text_width_height_descent(word, font, ismath=False)  # type: ignore[no-untyped-call]
        half = extent[0] / sheet.figure.dpi / 2.0
        at = _LEFT_IN + (when - low) / (high - low) * width_in
        # A word may reach out of the panel, but not off the sheet or over the legend's column.
        rail = next((rail for rail, edge in enumerate(right) if at - half >= edge), -1)
        if rail >= 0 and at + half <= _WIDTH_IN:
            right[rail] = at + half + 0.12
        rails.append(rail if at + half <= _WIDTH_IN else -1)
    return rails


def _write_events(axes: Axes, events: Sequence[Event], rails: Sequence[int]) -> None:
    shapes = _shapes(events)
    for (word, when), rail in zip(events, rails, strict=True):
        axes.plot(
            when,
            1.0,
            transform=axes.get_xaxis_transform(),
            marker=shapes[word],
            color=TEXT,
            markersize=6.0,
            clip_on=False,
            zorder=5.0,
            gid="event mark",
        )
        if rail >= 0:
            axes.annotate(
                word,
                (when, 1.0),
                xycoords=axes.get_xaxis_transform(),
                xytext=(0.0, 6.0 + 72.0 * _RAIL_IN * rail),
                textcoords="offset points",
                ha="center",
                fontsize=_WORD_PT,
                parse_math=False,
                gid="event word",
            )


def _shapes(events: Sequence[Event]) -> dict[str, str]:
    return {word: _EVENT_SHAPES[place % len(_EVENT_SHAPES)] for place, word in enumerate(_by_word(events))}


def _draw_energy(sheet: Sheet, axes: Axes, years: FloatArray, energy: FloatArray, events: Sequence[Event]) -> None:
    axes.plot(years, energy, color=BATTERY, linewidth=1.6, marker="o", markersize=5.0, zorder=3.0, gid="energy")
    axes.axhline(100.0, color=MUTED, linewidth=1.0, linestyle="-.", zorder=1.2, gid="nameplate")
    low, high = min(float(energy.min()), 100.0), max(float(energy.max()), 100.0)
    room = 0.08 * max(high - low, 5.0)
    axes.set_ylim(max(low - room, -0.04 * (high + room)), high + room)
    axes.set_ylabel("Energy left\n[% of nameplate]")
    entries = [
        mark("usable energy", linestyle="-", color=BATTERY, linewidth=1.6, marker="o", markersize=5.0),
        mark("nameplate, 100 %", linestyle="-.", color=MUTED, linewidth=1.0),
    ]
    shapes = _shapes(events)
    found = [
        mark(f"{word},\n{_year_list(when)}", marker=shapes[word], color=TEXT, markersize=6.0)
        for word, when in _by_word(events).items()
    ]
    add_legend(sheet, axes, [("Battery", entries), ("Events", found)])


def _draw_delivery(sheet: Sheet, axes: Axes, years: FloatArray, delivery: FloatArray, target: float | None) -> None:
    axes.plot(years, delivery, color=TEXT, linewidth=1.6, marker="s", markersize=4.5, zorder=3.0, gid="delivery")
    entries: list[Artist] = [
        mark("load hours served whole", linestyle="-", color=TEXT, linewidth=1.6, marker="s", markersize=4.5)
    ]
    low, high = float(delivery.min()), float(delivery.max())
    if target is not None:
        low, high = min(low, target), max(high, target)
        axes.axhline(target, color=TEXT, linewidth=1.0, dashes=(5, 3), zorder=1.2, gid="target")
        text = f"target {amounts.percent(target)}"
        entries.append(mark(text, linestyle="-", color=TEXT, linewidth=1.0, dashes=(5, 3)))
        missed = delivery < target
        if missed.any():
            for width, colour in ((4.0, PAPER), (2.0, UNSERVED)):
                axes.scatter(
                    years[missed],
                    delivery[missed],
                    s=42.0,
                    marker="x",
                    color=colour,
                    linewidths=width,
                    zorder=4.0,
                    gid="missed",
                )
            entries.append(mark("misses the target", marker="x", color=UNSERVED, markeredgewidth=2.0))
    # Less than one percent over the whole panel would look like a fall.
    low = max(min(low, high - 1.0), 0.0)
    high = max(high, low + 1.0)
    room = 0.12 * (high - low)
    axes.set_ylim(low - room, high + room)
    # Room beyond 0 and 100 % keeps the markers whole, but there is no such percentage to read.
    axes.set_yticks([tick for tick in axes.get_yticks() if max(low - room, 0.0) <= tick <= min(high + room, 100.0)])
    axes.set_ylim(low - room, high + room)
    axes.set_ylabel("Delivery\n[% of load hours]")
    add_legend(sheet, axes, [("Delivery", entries)])
