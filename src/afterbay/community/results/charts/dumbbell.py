"""What every house takes from the utility, before and after: the picture of fairness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from afterbay.community.results.charts.palette import BORDER, PAPER, PRIMARY, SOLAR, TEXT, Dash
from afterbay.community.results.charts.sheet import energy, house_style, new_sheet
from afterbay.community.results.imports import import_change

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from afterbay.community.results.imports import ImportChange
    from afterbay.community.simulation import CommunityRun
    from afterbay.core.compiled import Floats

__all__ = ["house_dumbbell_chart"]

_WIDTH_IN: Final = 9.0
_LEFT_IN, _RIGHT_IN, _BOTTOM_IN, _KEY_IN = 1.5, 0.5, 0.7, 0.5
_ROW_IN: Final = 0.26
_MOST_NAMED: Final = 40
"""Up to here every house has a row with its name."""
_MANY_IN: Final = 8.0
"""Height of the panel when houses are too many to be named."""


def house_dumbbell_chart(run: CommunityRun, baseline: CommunityRun | None = None) -> Figure:
    """Draw the energy that each house buys from the utility, before (open circle) and after (full circle), sorted.

    Args:
        run: A finished run.
        baseline: The same community without batteries; without it, `before` is the same run without sharing.

    Returns:
        A figure for `save_picture`; its label names medians, Gini and the house that gains least.

    Raises:
        InvalidInputError: If the baseline differs in more than batteries.
        MissingExtraError: If matplotlib is not installed.
    """
    change = import_change(run, baseline)
    # By import before, then by name: equal houses keep their order.
    order = sorted(range(len(change.houses)), key=lambda at: (change.before_kwh[at], change.houses[at]))
    named = len(order) <= _MOST_NAMED
    rows_in = max(len(order), 3) * _ROW_IN if named else _MANY_IN
    with house_style():
        sheet = new_sheet(
            "What does each house still take from the utility?",
            _sentence(change),
            width_in=_WIDTH_IN,
            height_in=rows_in + 1.35 + _BOTTOM_IN + _KEY_IN,
        )
        axes = sheet.panel(_LEFT_IN, _BOTTOM_IN, _WIDTH_IN - _LEFT_IN - _RIGHT_IN, sheet.top_in - _BOTTOM_IN - _KEY_IN)
        _draw(axes, change, order, named=named)
        days = len(run.days.dates)
        axes.set_xlabel(f"Bought from the utility [kWh in {days:,} {'day' if days == 1 else 'days'}]")
        axes.xaxis.set_major_formatter(lambda kwh, _: f"{kwh:,.0f}" if kwh >= 10 or kwh == 0 else f"{kwh:g}")
    return sheet.figure


def _draw(axes: Axes, change: ImportChange, order: list[int], *, named: bool) -> None:
    before, after = change.before_kwh[order], change.after_kwh[order]
    rows = np.arange(len(order), dtype=np.float64)
    size = 7.0 if named else 3.0
    # A house that takes more than before is dashed as well as of another hue.
    more = after > before + 1e-9 * np.maximum(before, 1.0)
    looks: tuple[tuple[bool, str, Dash], ...] = ((False, BORDER, "-"), (True, SOLAR, "--"))
    for worse, colour, dash in looks:
        axes.hlines(
            rows[more == worse], before[more == worse], after[more == worse], colors=colour, linestyles=dash,
            linewidth=2.2 if named else 0.9, zorder=2.0, gid="worse" if worse else "better",
        )  # fmt: skip
    ring: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": size, "markeredgewidth": 1.4}
    axes.plot(before, rows, markerfacecolor=PAPER, markeredgecolor=TEXT, zorder=3.0, gid="before",
              label=f"before, {change.compared_with}", **ring)  # fmt: skip
    axes.plot(after, rows, markerfacecolor=PRIMARY, markeredgecolor=PRIMARY, zorder=4.0, gid="after",
              label="after", **ring)  # fmt: skip
    medians: tuple[tuple[Floats, str, Dash, str], ...] = (
        (before, TEXT, (0.0, (4.0, 2.0)), "median before"),
        (after, PRIMARY, (0.0, (1.5, 1.5)), "median after"),
    )
    for values, colour, dash, word in medians:
        median = float(np.median(values))
        axes.axvline(median, color=colour, linewidth=1.1, linestyle=dash, zorder=1.5, gid=word,
                     label=f"{word}: {energy(median)}")  # fmt: skip
    most = float(max(before.max(initial=0.0), after.max(initial=0.0))) or 1.0
    axes.set_xlim(-0.02 * most, 1.04 * most)
    axes.set_ylim(-0.8, len(order) - 0.2)
    if named:
        axes.set_yticks(rows, labels=[_name(change, at) for at in order])
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{len(order):,} houses, by what they took before")
    axes.tick_params(axis="y", length=0.0)
    axes.grid(visible=True, axis="x")
    axes.legend(
        loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2, borderpad=0.2, columnspacing=2.5,
        handletextpad=0.8,
    )  # fmt: skip


def _name(change: ImportChange, at: int) -> str:
    shown, fixed = change.shown[at], change.houses[at]
    # Two houses may be called the same.
    return shown if change.shown.count(shown) == 1 else f"{shown} ({fixed})"


def _sentence(change: ImportChange) -> str:
    saved = change.saved_kwh
    least = min(range(len(saved)), key=lambda at: (saved[at], change.houses[at]))
    total, before = float(saved.sum()), float(change.before_kwh.sum())
    share = f" of {energy(before)}" if before > 0.0 else ""
    worst = float(saved[least])
    last = f"saves least, {energy(worst)}" if worst >= 0.0 else f"takes {energy(-worst)} more than before"
    return (
        f"Compared with the same community {change.compared_with}, the houses save {energy(total)}{share}; the Gini "
        f"coefficient of the savings is {change.gini_saved:.2f} (0: all save the same, 1: one saves all), of the "
        f"energy bought {change.gini_before:.2f} before and {change.gini_after:.2f} after. {_name(change, least)} "
        f"{last}."
    )
