"""Where the energy of a community comes from and where it goes, in ribbons as wide as energy."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from afterbay.community.results.charts.palette import (
    BATTERY,
    BORDER,
    GRID,
    LOAD,
    MUTED,
    PAPER,
    SOLAR,
    UNSERVED,
    UNSERVED_TINT,
    WIND,
)
from afterbay.community.results.charts.sheet import energy, house_style, new_sheet, percent
from afterbay.community.results.flows import CommunityFlows, EnergyFlow, community_flows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from afterbay.community.simulation import CommunityRun

__all__ = ["community_sankey_chart"]

_WIDTH_IN, _HEIGHT_IN = 10.5, 6.2
_BAR_IN: Final = 0.2
_COLUMNS_IN: Final = (1.7, 4.0, 6.15, 8.4)
"""Left edges of the four columns."""
_LEVEL_IN: Final = 0.55
"""Ribbons run level for this length beside the inner bars, so that none crosses a label."""
_THIN_IN: Final = 0.045
"""A ribbon below this height is drawn in full colour: a pattern would be lost in it."""
_BOTTOM_IN: Final = 0.3
_GAP_IN: Final = 0.14
_LINE_IN: Final = 0.172
_LABEL_PT: Final = 9.0

_PARTS: Final[dict[str, tuple[str, str, float]]] = {
    "solar": ("Solar", SOLAR, 1.0),
    "wind": ("Wind", WIND, 2.0),
    "store_before": ("From the store", BATTERY, 5.0),
    "grid": ("Grid import", GRID, 9.0),
    "batteries": ("Batteries", BATTERY, 4.0),
    "network": ("Network of the\nneighbourhood", BORDER, 8.0),
    "curtailed": ("Curtailed", SOLAR, 0.0),
    "demand": ("Loads and cars", LOAD, 3.0),
    "battery_losses": ("Battery losses", BATTERY, 5.0),
    "store_after": ("Added to the store", BATTERY, 5.5),
    "network_losses": ("Network losses", BORDER, 8.5),
    "export": ("Grid export", GRID, 10.0),
}
"""Name, hue and height (0 is the top) of every part; ribbons that pass a column lie between the heights of their ends,
so that few of them cross."""
_SOURCES: Final = ("solar", "wind", "store_before", "grid")

_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "solar": {"facecolor": SOLAR, "edgecolor": "none", "alpha": 0.6},
    "wind": {"facecolor": WIND, "edgecolor": PAPER, "hatch": "...", "linewidth": 0.0},
    "store_before": {"facecolor": BATTERY, "edgecolor": "none", "alpha": 0.6},
    "batteries": {"facecolor": BATTERY, "edgecolor": "none", "alpha": 0.6},
    "grid": {"facecolor": GRID, "edgecolor": PAPER, "hatch": "\\\\\\", "linewidth": 0.0, "alpha": 0.85},
    "network": {"facecolor": BORDER, "edgecolor": "none", "alpha": 0.45},
}
_LOST: Final[dict[str, dict[str, Any]]] = {
    "curtailed": {"facecolor": PAPER, "edgecolor": SOLAR, "hatch": "////", "linewidth": 0.7},
    "battery_losses": {"facecolor": PAPER, "edgecolor": BATTERY, "hatch": "----", "linewidth": 0.7},
    "network_losses": {"facecolor": PAPER, "edgecolor": BORDER, "hatch": "----", "linewidth": 0.7},
}


@dataclass(slots=True)
class _Stop:
    """A bar of one column, or the place where a ribbon passes it; heights in inches from the bottom."""

    name: str
    energy_kwh: float
    height: float
    lines: tuple[str, ...] = ()
    is_inner: bool = False
    unserved_kwh: float = 0.0
    """Drawn below the bar, as a part that is missing."""
    top: float = 0.0
    size: float = 0.0

    def slot(self, scale: float) -> float:
        """Return the height that it takes with its label [in]; inner labels stand above their bar."""
        bar, label = (self.energy_kwh + self.unserved_kwh) * scale, len(self.lines) * _LINE_IN
        return bar + label if self.is_inner else max(bar, label)


def community_sankey_chart(run: CommunityRun) -> Figure:
    """Draw the energy of a run between sun, wind, grid, batteries, the network and the houses.

    Own use is the ribbon that goes around the network. What batteries take from the network and give to it is
    drawn as the difference of both.

    Returns:
        A figure for `save_picture`; its label says where the demand is served from and what is lost.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    found = community_flows(run)
    with house_style():
        sheet = new_sheet(
            "Where does the energy of the community come from, and where does it go?",
            _sentence(found),
            width_in=_WIDTH_IN,
            height_in=_HEIGHT_IN,
        )
        axes = sheet.panel(0.0, 0.0, _WIDTH_IN, sheet.top_in)
        axes.set_axis_off()
        axes.set_xlim(0.0, _WIDTH_IN)
        axes.set_ylim(0.0, sheet.top_in)
        if found.flows:
            _draw(axes, found, sheet.top_in)
        else:
            axes.text(0.5, 0.5, "no energy", transform=axes.transAxes, ha="center", va="center", color=MUTED)
    return sheet.figure


def _sentence(found: CommunityFlows) -> str:
    into = {
        flow.source: sum(one.energy_kwh for one in found.flows if (one.source, one.target) == (flow.source, "demand"))
        for flow in found.flows
    }
    own = into.get("solar", 0.0) + into.get("wind", 0.0)
    demand = found.through_kwh("demand") + found.unserved_kwh
    if demand <= 0.0:
        return "There is no demand."
    stored = into.get("batteries", 0.0)
    served = [f"{percent(own / demand)} is used where it is generated"]
    if stored > 0.0:
        served.append(f"{percent(stored / demand)} comes from the house's own battery")
    served.append(f"{percent(into.get('network', 0.0) / demand)} comes through the network")
    parts = [f"Of the demand of {energy(demand)}, {', '.join(served[:-1])} and {served[-1]}"]
    if found.shared_kwh > 0.0:
        parts.append(f"neighbours share {energy(found.shared_kwh)}")
    for part, words in (
        ("curtailed", "are curtailed"),
        ("battery_losses", "are lost in batteries"),
        ("network_losses", "are lost in the network"),
    ):
        if (amount := found.through_kwh(part)) > 0.0:
            parts.append(f"{energy(amount)} {words}")
    if found.unserved_kwh > 0.0:
        parts.append(f"{energy(found.unserved_kwh)} are not served")
    return "; ".join(parts) + "."


def _draw(axes: Axes, found: CommunityFlows, top_in: float) -> None:
    from matplotlib.patches import Rectangle

    column_of = _columns(found)
    stops, ways = _stops(found, column_of)
    scale = _scale(stops, top_in - _BOTTOM_IN - 2.0 * _GAP_IN)
    for placed in stops:
        _place(placed, scale, top_in)
    tops = _ports(ways, stops, scale)
    for flow, way in ways:
        points: list[tuple[float, float]] = []
        for place, (column, _) in enumerate(way):
            top = tops[(flow, place)]
            points.extend((x, top) for x in _stations(column, is_first=place == 0, is_last=place == len(way) - 1))
        thickness = flow.energy_kwh * scale
        look = _LOST.get(flow.target, _LOOKS[flow.source])
        if thickness < _THIN_IN:
            colour = _PARTS[flow.source][1]
            look = {"facecolor": colour, "edgecolor": colour, "linewidth": 0.8}
        _draw_ribbon(axes, points, thickness, f"{flow.source} to {flow.target}", look)
    for column, placed in enumerate(stops):
        for stop in placed:
            if not stop.lines:
                continue
            colour = _PARTS[stop.name][1]
            axes.add_patch(
                Rectangle(
                    (_COLUMNS_IN[column], stop.top - stop.size), _BAR_IN, stop.size, facecolor=colour,
                    edgecolor=colour, linewidth=0.6, zorder=3.0, gid=f"part {stop.name}",
                )
            )  # fmt: skip
            _write_label(axes, stop, column)
            if stop.name == "demand" and found.unserved_kwh > 0.0:
                size = max(found.unserved_kwh * scale, _THIN_IN)
                axes.add_patch(
                    Rectangle(
                        (_COLUMNS_IN[column], stop.top - stop.size - size), _BAR_IN, size, facecolor=UNSERVED_TINT,
                        edgecolor=UNSERVED, hatch="xxx", linewidth=1.0, linestyle="--", zorder=4.0, gid="unserved",
                    )
                )  # fmt: skip


def _columns(found: CommunityFlows) -> dict[str, int]:
    """Return the column of every part: batteries stand before the network unless they take more from it than give."""
    takes = any((flow.source, flow.target) == ("network", "batteries") for flow in found.flows)
    inner = {"network": 1, "batteries": 2} if takes else {"batteries": 1, "network": 2}
    return {part: 0 if part in _SOURCES else inner.get(part, 3) for part in _PARTS}


def _stops(
    found: CommunityFlows, column_of: dict[str, int]
) -> tuple[list[list[_Stop]], list[tuple[EnergyFlow, list[tuple[int, _Stop]]]]]:
    """Return the stops of each column from the top, and the stops of each flow from left to right."""
    bars: dict[str, _Stop] = {}
    for part, (title, _, height) in _PARTS.items():
        through = found.through_kwh(part)
        if through > 0.0:
            lines = (*title.split("\n"), energy(through))
            if part == "demand" and found.unserved_kwh > 0.0:
                lines = (*lines, f"\u2715 not served {energy(found.unserved_kwh)}")
            if part == "network" and found.shared_kwh > 0.0:
                lines = (*lines, f"shared {energy(found.shared_kwh)}")
            bars[part] = _Stop(part, through, height, lines, is_inner=column_of[part] in (1, 2))
            if part == "demand":
                bars[part].unserved_kwh = found.unserved_kwh
    columns: list[list[_Stop]] = [[] for _ in _COLUMNS_IN]
    for part, bar in bars.items():
        columns[column_of[part]].append(bar)
    ways = []
    for flow in found.flows:
        first, last = column_of[flow.source], column_of[flow.target]
        start, end = bars[flow.source], bars[flow.target]
        way = [(first, start)]
        for column in range(first + 1, last):
            height = start.height + (end.height - start.height) * (column - first) / (last - first)
            passage = _Stop(f"{flow.source} to {flow.target}", flow.energy_kwh, height)
            columns[column].append(passage)
            way.append((column, passage))
        ways.append((flow, [*way, (last, end)]))
    for column_stops in columns:
        column_stops.sort(key=lambda stop: (stop.height, stop.name))
    return columns, ways


def _scale(columns: Sequence[Sequence[_Stop]], height_in: float) -> float:
    """Return the inches for one kWh with which the fullest column just fits."""
    least, most = 0.0, height_in / max(stop.energy_kwh for column in columns for stop in column)
    # Labels need their height whatever the scale, so the sum bends: halving finds it in any case.
    for _ in range(60):
        middle = (least + most) / 2.0
        needed = max(sum(stop.slot(middle) + _GAP_IN for stop in column) - _GAP_IN for column in columns if column)
        least, most = (middle, most) if needed <= height_in else (least, middle)
    return least


def _place(column: Sequence[_Stop], scale: float, top_in: float) -> None:
    """Spread the stops of a column evenly over the height."""
    slots = [stop.slot(scale) for stop in column]
    gap = (top_in - _BOTTOM_IN - sum(slots)) / (len(column) + 1)
    level = top_in - gap
    for stop, slot in zip(column, slots, strict=True):
        stop.size = stop.energy_kwh * scale
        stop.top = level - (
            len(stop.lines) * _LINE_IN if stop.is_inner else (slot - stop.size - stop.unserved_kwh * scale) / 2.0
        )
        level -= slot + gap


def _ports(
    ways: Sequence[tuple[EnergyFlow, list[tuple[int, _Stop]]]], stops: Sequence[Sequence[_Stop]], scale: float
) -> dict[tuple[EnergyFlow, int], float]:
    """Return the upper edge of every flow at each of its stops; flows keep the order of their other ends."""
    tops: dict[tuple[EnergyFlow, int], float] = {}
    for column in stops:
        for stop in column:
            for step in (1, -1):
                here = [
                    (flow, place, way[place + step][1])
                    for flow, way in ways
                    for place, (_, at) in enumerate(way)
                    if at is stop and 0 <= place + step < len(way)
                ]
                top = stop.top
                for flow, place, _ in sorted(here, key=lambda row: (-row[2].top, row[0].source, row[0].target)):
                    tops[(flow, place)] = top
                    top -= flow.energy_kwh * scale
    return tops


def _stations(column: int, *, is_first: bool, is_last: bool) -> tuple[float, ...]:
    """Return where a ribbon is level at a stop, from left to right [in]."""
    left = _COLUMNS_IN[column]
    right = left + _BAR_IN
    if column == 0:
        return (right,)
    if column == len(_COLUMNS_IN) - 1:
        return (left,)
    if is_first:
        return (right, right + _LEVEL_IN)
    return (left - _LEVEL_IN, left) if is_last else (left - _LEVEL_IN, right + _LEVEL_IN)


def _draw_ribbon(
    axes: Axes, points: Sequence[tuple[float, float]], thickness: float, gid: str, look: dict[str, Any]
) -> None:
    """Draw one ribbon whose upper edge is level at every point and bends between them."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    def edge(way: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        corners = [way[0]]
        for (x0, y0), (x1, y1) in pairwise(way):
            middle = (x0 + x1) / 2.0
            corners += [(middle, y0), (middle, y1), (x1, y1)]
        return corners

    upper, lower = edge(points), edge([(x, y - thickness) for x, y in reversed(points)])
    curve = [Path.CURVE4] * (len(upper) - 1)
    codes = [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY]
    axes.add_patch(PathPatch(Path([*upper, *lower, upper[0]], codes), zorder=1.0, gid=gid, **look))


def _write_label(axes: Axes, stop: _Stop, column: int) -> None:
    left = _COLUMNS_IN[column]
    height = len(stop.lines) * _LINE_IN
    if column == 0:
        x, side = left - 0.1, "right"
    else:
        x, side = (left + _BAR_IN / 2.0, "center") if stop.is_inner else (left + _BAR_IN + 0.1, "left")
    top = stop.top + height if stop.is_inner else stop.top - stop.size / 2.0 + height / 2.0
    bold = len(_PARTS[stop.name][0].split("\n"))
    for row, text in enumerate(stop.lines):
        axes.text(
            x,
            top - (row + 0.5) * _LINE_IN,
            text,
            ha=side,
            va="center",
            fontsize=_LABEL_PT,
            fontweight="bold" if row < bold else "normal",
            parse_math=False,
            zorder=5.0,
            gid=f"label {stop.name}",
        )
