"""Where the energy goes: from solar and generator through the battery to the load, in ribbons as wide as energy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.sizing.charts import amounts
from afterbay.sizing.charts.canvas import house_style, new_sheet
from afterbay.sizing.charts.palette import BATTERY, GENERATOR, LOAD, MUTED, PAPER, SOLAR, UNSERVED, UNSERVED_TINT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from afterbay.sizing.metrics import SummaryMetrics

__all__ = ["SANKEY_FLOWS", "sankey_chart", "sankey_flows"]

_METRICS: Final[Mapping[str, str]] = {
    "solar": "total_solar_generation",
    "solar_to_load": "total_solar_to_load",
    "solar_to_battery": "total_solar_to_bess",
    "solar_curtailed": "total_solar_curtailed",
    "generator": "total_dg_generation",
    "generator_to_load": "total_dg_to_load",
    "generator_to_battery": "total_dg_to_bess",
    "generator_unused": "total_dg_curtailed",
    "battery_to_load": "total_bess_to_load",
    "battery_losses": "total_bess_losses",
    "load": "total_load",
    "unserved": "total_unserved",
}
SANKEY_FLOWS: Final = (*_METRICS, "battery_change")
"""Every number of the picture [MWh/year]; the change is what the battery holds more at the end than at the start."""

_WIDTH_IN, _HEIGHT_IN = 10.0, 6.2
_BAR_IN: Final = 0.2
_COLUMNS_IN: Final = (1.75, 4.4, 7.4)
"""Left edges of the three columns."""
_LEVEL_IN: Final = 0.95
"""Ribbons run level for this length beside the battery, so that none crosses its label."""
_THIN_IN: Final = 0.045
"""A ribbon below this height is drawn in full colour: a pattern would be lost in it."""
_BOTTOM_IN: Final = 0.35
_GAP_IN: Final = 0.16
_LINE_IN: Final = 0.172
"""Height of one line of a label."""
_LABEL_PT: Final = 9.0
_ROUNDING: Final = 1e-9
_SAME: Final = 1e-6
"""Share of the largest energy by which the two sides of a node may differ."""

_SOLAR: Final[dict[str, Any]] = {"facecolor": SOLAR, "edgecolor": "none", "alpha": 0.6}
_GENERATOR: Final[dict[str, Any]] = {"facecolor": GENERATOR, "edgecolor": PAPER, "hatch": "...", "linewidth": 0.0}
_BATTERY: Final[dict[str, Any]] = {"facecolor": BATTERY, "edgecolor": "none", "alpha": 0.6}
_CURTAILED: Final[dict[str, Any]] = {"facecolor": PAPER, "edgecolor": SOLAR, "hatch": "////", "linewidth": 0.7}
_UNUSED: Final[dict[str, Any]] = _CURTAILED | {"edgecolor": GENERATOR, "hatch": "\\\\\\\\"}
_LOST: Final[dict[str, Any]] = _CURTAILED | {"edgecolor": BATTERY, "hatch": "----"}
_NOT_SERVED: Final[dict[str, Any]] = {
    "facecolor": UNSERVED_TINT, "edgecolor": UNSERVED, "hatch": "xxx", "linewidth": 1.0, "linestyle": "--",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Node:
    """A bar of one column; a passage is a node without a bar, which keeps a place free for one ribbon."""

    name: str
    energy_mwh: float
    colour: str = ""
    lines: tuple[str, ...] = ()

    @property
    def label_in(self) -> float:
        return len(self.lines) * _LINE_IN


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where a bar stands [in]."""

    left: float
    top: float
    bottom: float


def sankey_flows(metrics: SummaryMetrics, *, initial_mwh: float | None = None) -> dict[str, float]:
    """Return the numbers of `sankey_chart` for a run [MWh], named as in `SANKEY_FLOWS`.

    Args:
        metrics: A run in numbers.
        initial_mwh: Energy in the cells at the start of the run [MWh]. None: what the energy at the end and the
            battery's balance imply; the balance is then checked only in that this cannot be below 0.

    Raises:
        InvalidInputError: If `initial_mwh` is no energy, or the run ends with less energy than it gained.
    """
    into = metrics.total_solar_to_bess + metrics.total_dg_to_bess
    change = into - metrics.total_bess_to_load - metrics.total_bess_losses
    if initial_mwh is not None:
        if not (is_number(initial_mwh) and initial_mwh >= 0.0):
            raise InvalidInputError(Problem("initial_mwh", repr(initial_mwh), "an energy >= 0 [MWh], or None"))
        change = metrics.final_soc - initial_mwh
    elif change - metrics.final_soc > _SAME * max(into, 1.0):
        allowed = f"at least {change:,.3f} MWh, which went into the battery and did not come out"
        raise InvalidInputError(
            Problem("metrics.final_soc", f"{metrics.final_soc:,.3f} MWh", allowed, "take all metrics from one run")
        )
    return {flow: getattr(metrics, name) for flow, name in _METRICS.items()} | {"battery_change": change}


def sankey_chart(flows: Mapping[str, float]) -> Figure:
    """Draw the energies of a year as ribbons between solar, generator, battery and load.

    Args:
        flows: The numbers of `SANKEY_FLOWS` by name [MWh/year], as `sankey_flows` gives them.

    Returns:
        A figure for `save_png`; its label says who serves the load and what is lost.

    Raises:
        InvalidInputError: If a flow is missing, unknown or negative, or if what enters a node is not what
            leaves it; all problems are named.
        MissingExtraError: If matplotlib is not installed.
    """
    mwh = _read_flows(flows)
    with house_style():
        sheet = new_sheet(
            "Where does the energy of the year come from, and where does it go?",
            _sentence(mwh),
            width_in=_WIDTH_IN,
            height_in=_HEIGHT_IN,
        )
        axes = sheet.panel(0.0, 0.0, _WIDTH_IN, sheet.top_in)
        axes.set_axis_off()
        axes.set_xlim(0.0, _WIDTH_IN)
        axes.set_ylim(0.0, sheet.top_in)
        if any(columns := _columns(mwh)):
            _draw(axes, mwh, columns, sheet.top_in)
        else:
            axes.text(0.5, 0.5, "no energy", transform=axes.transAxes, ha="center", va="center", color=MUTED)
    return sheet.figure


def _read_flows(flows: Mapping[str, float]) -> dict[str, float]:
    problems = Problems()
    for name in SANKEY_FLOWS:
        if name not in flows:
            problems.add(f"flows[{name!r}]", "nothing", "a number [MWh]", "0.0 if there is none")
        elif not (is_number(flows[name]) and (flows[name] >= 0.0 or name == "battery_change")):
            problems.add(f"flows[{name!r}]", flows[name], "a finite number >= 0 [MWh]", "give the energy of the year")
    for name in flows:
        if name not in SANKEY_FLOWS:
            problems.add(f"flows[{name!r}]", "a name", f"one of {', '.join(SANKEY_FLOWS)}", "leave it out")
    problems.raise_if_any()
    mwh = {name: float(flows[name]) for name in SANKEY_FLOWS}
    _check_balance(problems, mwh)
    problems.raise_if_any()
    # What is left of a balance by rounding is no change of the store.
    change = mwh["battery_change"] if abs(mwh["battery_change"]) > _ROUNDING * max(mwh.values()) else 0.0
    return mwh | {"stored_more": max(change, 0.0), "stored_before": max(-change, 0.0)}


def _check_balance(problems: Problems, mwh: Mapping[str, float]) -> None:
    largest = max(abs(value) for value in mwh.values())
    charge = ("solar_to_battery", "generator_to_battery")
    served = ("solar_to_load", "battery_to_load", "generator_to_load")
    for node, into, out in (
        ("Solar", ("solar",), ("solar_to_load", "solar_to_battery", "solar_curtailed")),
        ("Generator", ("generator",), ("generator_to_load", "generator_to_battery", "generator_unused")),
        ("Battery", charge, ("battery_to_load", "battery_losses", "battery_change")),
        ("Load", (*served, "unserved"), ("load",)),
    ):
        left, right = sum(mwh[name] for name in into), sum(mwh[name] for name in out)
        if abs(left - right) > _SAME * largest:
            got = f"{left:,.3f} MWh on one side ({' + '.join(into)}), {right:,.3f} MWh on the other ({' + '.join(out)})"
            problems.add(node, got, "the same energy on both sides", "take all flows from one run")


def _sentence(mwh: Mapping[str, float]) -> str:
    load = mwh["load"]
    if load > 0.0:
        sources = {"solar_to_load": "solar", "battery_to_load": "the battery", "generator_to_load": "the generator"}
        shares = {name: 100.0 * mwh[flow] / load for flow, name in sources.items() if mwh[flow] > 0.0}
        served = [f"{amounts.percent(share)} from {name}" for name, share in shares.items()]
        parts = [f"The load of {amounts.energy(load)} gets {', '.join(served) or 'nothing'}"]
    else:
        parts = ["There is no load"]
    for flow, words in (
        ("unserved", "are not served"),
        ("solar_curtailed", "of solar are curtailed"),
        ("battery_losses", "are lost in the battery"),
        ("generator_unused", "of the generator's output are unused"),
    ):
        if mwh[flow] > 0.0:
            parts.append(f"{amounts.energy(mwh[flow])} {words}")
    return "; ".join(parts) + "."


def _columns(mwh: Mapping[str, float]) -> list[list[_Node]]:
    """Return the nodes of each column from the top; those without energy are left out."""

    def passage(name: str) -> _Node:
        return _Node(name, mwh[name])

    def lines(words: Mapping[str, str]) -> list[str]:
        return [f"{word} {amounts.energy(mwh[flow])}" for flow, word in words.items() if mwh[flow] > 0.0]

    def bar(name: str, colour: str, word: str, *more: str) -> _Node:
        return _Node(name, mwh[name], colour, (word, amounts.energy(mwh[name]), *more))

    through = mwh["solar_to_battery"] + mwh["generator_to_battery"] + mwh["stored_before"]
    battery = lines(
        {
            "solar_to_battery": "charge: solar",
            "generator_to_battery": "charge: generator",
            "battery_to_load": "discharge:",
        }
    )
    served = lines(
        {
            "solar_to_load": "from solar",
            "battery_to_load": "from battery",
            "generator_to_load": "from generator",
            "unserved": "\u2715 not served",
        }
    )
    columns = (
        (
            bar("solar", SOLAR, "Solar"),
            bar("stored_before", BATTERY, "From the store"),
            bar("generator", GENERATOR, "Generator"),
        ),
        (
            passage("solar_curtailed"),
            passage("solar_to_load"),
            _Node("battery", through, BATTERY, ("Battery", *battery)),
            passage("generator_to_load"),
            passage("generator_unused"),
        ),
        (
            bar("solar_curtailed", SOLAR, "Solar curtailed"),
            bar("load", LOAD, "Load", *served),
            bar("battery_losses", BATTERY, "Battery losses"),
            bar("stored_more", BATTERY, "Added to the store"),
            bar("generator_unused", GENERATOR, "Generator unused"),
        ),
    )
    return [[node for node in column if node.energy_mwh > 0.0] for column in columns]


def _slot_in(node: _Node, scale: float) -> float:
    """Return the height that a node and its label take [in]; the battery's label stands above its bar."""
    bar = node.energy_mwh * scale
    return bar + node.label_in if node.name == "battery" else max(bar, node.label_in)


def _scale(columns: Sequence[Sequence[_Node]], height_in: float) -> float:
    """Return the inches for one MWh with which the fullest column just fits."""
    least, most = 0.0, height_in / max(node.energy_mwh for column in columns for node in column)
    # Labels need their height whatever the scale, so the sum bends: halving finds it in any case.
    for _ in range(60):
        middle = (least + most) / 2.0
        needed = max(sum(_slot_in(node, middle) + _GAP_IN for node in column) - _GAP_IN for column in columns if column)
        least, most = (middle, most) if needed <= height_in else (least, middle)
    return least


def _place(columns: Sequence[Sequence[_Node]], scale: float, top_in: float) -> list[dict[str, _Placed]]:
    """Return the bar of every node, each column spread evenly over the height."""
    height = top_in - _BOTTOM_IN
    placed: list[dict[str, _Placed]] = []
    for left, column in zip(_COLUMNS_IN, columns, strict=True):
        slots = [_slot_in(node, scale) for node in column]
        gap = (height - sum(slots)) / (len(column) + 1) if column else 0.0
        level = top_in - gap
        bars: dict[str, _Placed] = {}
        for node, slot in zip(column, slots, strict=True):
            bar = node.energy_mwh * scale
            top = level - (node.label_in if node.name == "battery" else (slot - bar) / 2.0)
            bars[node.name] = _Placed(left, top, top - bar)
            level -= slot + gap
        placed.append(bars)
    return placed


# What each ribbon looks like, its colour when thin, and the nodes it passes, a column each from `first` on. They
# leave and arrive in this order from the top.
_ROUTES: Final[tuple[tuple[str, str, dict[str, Any], int, tuple[str, ...]], ...]] = (
    ("solar_curtailed", SOLAR, _CURTAILED, 0, ("solar", "solar_curtailed", "solar_curtailed")),
    ("solar_to_load", SOLAR, _SOLAR, 0, ("solar", "solar_to_load", "load")),
    ("solar_to_battery", SOLAR, _SOLAR, 0, ("solar", "battery")),
    ("stored_before", BATTERY, _BATTERY, 0, ("stored_before", "battery")),
    ("generator_to_battery", GENERATOR, _GENERATOR, 0, ("generator", "battery")),
    ("battery_to_load", BATTERY, _BATTERY, 1, ("battery", "load")),
    ("generator_to_load", GENERATOR, _GENERATOR, 0, ("generator", "generator_to_load", "load")),
    ("battery_losses", BATTERY, _LOST, 1, ("battery", "battery_losses")),
    ("stored_more", BATTERY, _BATTERY, 1, ("battery", "stored_more")),
    ("generator_unused", GENERATOR, _UNUSED, 0, ("generator", "generator_unused", "generator_unused")),
)


def _draw(axes: Axes, mwh: Mapping[str, float], columns: Sequence[Sequence[_Node]], top_in: float) -> None:
    from matplotlib.patches import Rectangle

    scale = _scale(columns, top_in - _BOTTOM_IN - 2.0 * _GAP_IN)
    placed = _place(columns, scale, top_in)
    used: dict[tuple[str, int, bool], float] = {}
    for flow, colour, style, first, stops in _ROUTES:
        thickness = mwh[flow] * scale
        if thickness <= 0.0:
            continue
        points: list[tuple[float, float]] = []
        for column, name in enumerate(stops, start=first):
            bar, is_source = placed[column][name], not points
            key = (name, column, is_source)
            top = bar.top - used.get(key, 0.0)
            used[key] = used.get(key, 0.0) + thickness
            points.extend((x, top) for x in _stations(column, is_source=is_source, is_end=name == stops[-1]))
        thin = {"facecolor": colour, "edgecolor": colour, "linewidth": 0.8}
        _draw_ribbon(axes, points, thickness, flow, style if thickness >= _THIN_IN else thin)
    for bars, nodes in zip(placed, columns, strict=True):
        for node in nodes:
            if node.colour:
                bar = bars[node.name]
                look: dict[str, Any] = {
                    "facecolor": node.colour,
                    "edgecolor": node.colour,
                    "linewidth": 0.6,
                    "zorder": 3.0,
                }
                size = (_BAR_IN, bar.top - bar.bottom)
                axes.add_patch(Rectangle((bar.left, bar.bottom), *size, gid=f"node {node.name}", **look))
                _write_label(axes, node, bar)
    if mwh["unserved"] > 0.0:
        load, size = placed[2]["load"], (_BAR_IN, mwh["unserved"] * scale)
        axes.add_patch(Rectangle((load.left, load.bottom), *size, zorder=4.0, gid="unserved", **_NOT_SERVED))


def _stations(column: int, *, is_source: bool, is_end: bool) -> tuple[float, ...]:
    """Return where a ribbon is level at a node, from left to right [in]."""
    left = _COLUMNS_IN[column]
    right = left + _BAR_IN
    if column == 0:
        return (right,)
    if column == 2:
        return (left,)
    if is_source:
        return (right, right + _LEVEL_IN)
    return (left - _LEVEL_IN, left) if is_end else (left - _LEVEL_IN, right + _LEVEL_IN)


def _draw_ribbon(
    axes: Axes, points: Sequence[tuple[float, float]], thickness: float, flow: str, style: dict[str, Any]
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
    axes.add_patch(PathPatch(Path([*upper, *lower, upper[0]], codes), zorder=1.0, gid=flow, **style))


def _write_label(axes: Axes, node: _Node, bar: _Placed) -> None:
    is_battery = node.name == "battery"
    if bar.left == _COLUMNS_IN[0]:
        x, side = bar.left - 0.1, "right"
    else:
        x, side = (bar.left + _BAR_IN / 2.0, "center") if is_battery else (bar.left + _BAR_IN + 0.1, "left")
    top = bar.top + node.label_in if is_battery else (bar.top + bar.bottom + node.label_in) / 2.0
    for row, text in enumerate(node.lines):
        axes.text(
            x,
            top - (row + 0.5) * _LINE_IN,
            text,
            ha=side,
            va="center",
            fontsize=_LABEL_PT,
            fontweight="bold" if row == 0 else "normal",
            parse_math=False,
            zorder=5.0,
            gid=f"label {node.name}",
        )
