"""Which option to build, the options next to it, and the reasons in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from afterbay.core.errors import Problems
from afterbay.sizing.cost import DEFAULT_COSTS, CapitalCosts, capital_cost_usd
from afterbay.sizing.goal import OPTIMIZE_FOR, FloatArray, Goal, Limit, Options, Row, limits_of, read_options
from afterbay.sizing.pareto import best_hours_by_size, dominated_mask, find_optimal_size, pareto_front
from afterbay.sizing.sweep import SweepResult

__all__ = ["calculate_recommendations"]

# `maximize` keeps the options within this of the best delivery [points].
BEST_BAND_POINTS: Final = 0.1
# Capacity lost by one equivalent cycle [%], the constant of the original (sizing.md section 7).
WEAR_PCT_PER_CYCLE: Final = 0.15

_NEEDED: Final = (
    "capacity_mwh", "duration_h", "power_mw", "delivery_pct", "delivery_hours", "green_hours", "dg_hours",
    "cycles", "wastage_pct",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Study:
    options: Options
    cost_usd: FloatArray
    dominated: npt.NDArray[np.bool_]
    solar_is_priced: bool

    def describe(self, index: int, rank: int | None) -> dict[str, Any]:
        """Return one option as plain values."""
        o = self.options
        solar = float(o.solar_mw[index])
        named = {
            "delivery_pct": o.delivery_pct, "hours_full_delivery": o.delivery_hours,
            "green_hours": o.green_hours, "dg_runtime_hours": o.dg_hours,
            "bess_equivalent_cycles": o.cycles, "pct_solar_curtailed": o.wastage_pct,
        }  # fmt: skip
        return {
            "rank": rank,
            "index": int(index),
            "capacity": float(o.capacity_mwh[index]),
            "duration": float(o.duration_h[index]),
            "power": float(o.power_mw[index]),
            "dg_capacity": float(o.dg_mw[index]),
            "solar_capacity": None if math.isnan(solar) else solar,
            "capital_cost_usd": float(self.cost_usd[index]),
            "degradation_pct": float(o.cycles[index]) * WEAR_PCT_PER_CYCLE,
            "dominated": bool(self.dominated[index]),
            "metrics": {name: float(column[index]) for name, column in named.items()}
            | {str(name): _plain(value) for name, value in o.metrics[index].items()},
        }

    def differences(self, index: int, best: int) -> dict[str, float | None]:
        """Return what option `index` has more (or less, if negative) than option `best`."""
        o = self.options
        pairs = {
            "delivery_hours": o.delivery_hours, "delivery_points": o.delivery_pct,
            "capacity_mwh": o.capacity_mwh, "power_mw": o.power_mw, "dg_mw": o.dg_mw, "dg_hours": o.dg_hours,
            "wastage_points": o.wastage_pct, "cycles": o.cycles, "solar_mw": np.nan_to_num(o.solar_mw),
            "capital_cost_usd": self.cost_usd,
        }  # fmt: skip
        more: dict[str, float | None] = {name: float(c[index] - c[best]) for name, c in pairs.items()}
        for name in ("delivery_hours", "capacity_mwh", "dg_hours"):
            base = float(pairs[name][best])
            more[f"{name}_pct"] = 100.0 * float(pairs[name][index] - base) / base if base else None
        return more

    def label(self, index: int) -> str:
        """Name one option in words."""
        o = self.options
        text = f"{o.capacity_mwh[index]:g} MWh / {round(o.power_mw[index], 2):g} MW"
        if o.dg_mw[index] > 0.0:
            rating = f"{o.dg_mw[index]:g}"
            article = "an" if rating[0] == "8" or rating.split(".")[0] in ("11", "18") else "a"
            text += f" with {article} {rating} MW generator"
        return text if math.isnan(o.solar_mw[index]) else f"{text}, {o.solar_mw[index]:g} MW solar"

    def headline(self, index: int) -> str:
        """Name one option and the three numbers that matter most."""
        o = self.options
        return (
            f"{self.label(index)}: {o.delivery_pct[index]:.1f} % delivery, "
            f"{o.wastage_pct[index]:.1f} % curtailed, {o.dg_hours[index]:,.0f} generator hours"
        )


def calculate_recommendations(
    results: Iterable[Row] | SweepResult,
    goal: Goal | Mapping[str, object],
    *,
    top_n: int = 5,
    solar_peak_mw: float | None = None,
    costs: CapitalCosts = DEFAULT_COSTS,
) -> dict[str, Any]:
    """Choose the option that meets a goal best, and say why.

    Ties are decided by the goal, then the smaller battery, less power, the smaller generator, the shorter
    duration, the smaller solar plant; only rows equal in all of these keep their order. An option is
    `dominated` if another delivers no less, curtails no more, needs no larger battery, generator or solar
    plant, and is better in one of these.

    Args:
        results: Options with their metrics, see `Row`, or a sweep.
        goal: What to reach, see `Goal`.
        top_n: How many alternatives to return, >= 0.
        solar_peak_mw: Peak of the solar plant [MW]; with `min_wastage`, options whose battery power
            covers it are preferred if there are any.
        costs: Unit prices of the capital cost.

    Returns:
        Plain values, ready for JSON. `recommended` (None if nothing meets the goal; has `metrics`),
        `alternatives` with `vs_recommended` (positive is more), `ranked` (indices into `results`, best first),
        `dominated` (one flag a row), `pareto` (indices of most delivery for least capital cost, cheapest first),
        `marginal` and `knee` (see `find_optimal_size`; per size the most hours of the rows within the limits),
        `reasons` (sentences), `selection_method`, `meets_goal`, `config_count`, `filtered_count`,
        `excluded_count`, `goal`, `costs`; without a match `best_reached` and `blocked_by` (a text per limit).

    Raises:
        InvalidInputError: If the goal or a row cannot be used; every problem is named.

    Source: sizing.md section 10 (ranked recommendation, tie-break of the READ); decisions 13, 18, 32.
    """
    goal = goal if isinstance(goal, Goal) else Goal.from_dict(goal)
    results = results.rows() if isinstance(results, SweepResult) else results
    _check_arguments(top_n, solar_peak_mw)
    study = _read_study(results, goal, costs)
    options, limits = study.options, limits_of(goal, study.options)
    met = np.logical_and.reduce([limit.met for limit in limits], axis=0) if limits else np.ones(len(options), bool)
    within = np.flatnonzero(met)
    outcome: dict[str, Any] = {
        "recommended": None, "alternatives": [], "ranked": [], "marginal": [], "knee": None,
        "selection_method": "no_match", "meets_goal": False, "best_reached": None, "blocked_by": [],
        "dominated": study.dominated.tolist(),
        "pareto": pareto_front(study.cost_usd, options.delivery_pct).tolist(),
        "config_count": len(options), "filtered_count": len(within), "excluded_count": int((~met).sum()),
        "goal": goal.to_dict(), "costs": costs.to_dict(),
    }  # fmt: skip
    if len(within) == 0:
        return outcome | _explain_no_match(study, limits)
    ranked = _rank(study, goal, within, solar_peak_mw)
    best = int(ranked[0])
    method = "smallest_at_max_delivery_" if goal.delivery_mode == "maximize" else ""
    method = "min_wastage_multi_level" if goal.optimize_for == "min_wastage" else method + goal.optimize_for
    knee = find_optimal_size(best_hours_by_size(options.capacity_mwh[within], options.delivery_hours[within]))
    return outcome | {
        "recommended": study.describe(best, 1),
        "alternatives": [
            study.describe(i, rank) | {"vs_recommended": study.differences(i, best)}
            for rank, i in enumerate(ranked[1 : top_n + 1].tolist(), start=2)
        ],
        "ranked": ranked.tolist(),
        "marginal": knee["marginal_improvements"],
        "knee": {"optimal_size_mwh": knee["optimal_size_mwh"], "knee_size_mwh": knee["knee_size_mwh"]},
        "selection_method": method,
        "meets_goal": True,
        "reasons": [
            *_explain(study, goal, limits, ranked, solar_peak_mw),
            *(
                [f"Hours against battery size, best option of each size: {knee['reason']}"]
                if knee["marginal_improvements"]
                else []
            ),
        ],
    }


def _check_arguments(top_n: object, solar_peak_mw: object) -> None:
    problems = Problems()
    if not isinstance(top_n, int) or isinstance(top_n, bool) or top_n < 0:
        problems.add("top_n", top_n, "a whole number >= 0")
    if not (solar_peak_mw is None or (isinstance(solar_peak_mw, (int, float)) and solar_peak_mw >= 0.0)):
        problems.add("solar_peak_mw", solar_peak_mw, "a number >= 0, or nothing")
    problems.raise_if_any()


def _read_study(results: Iterable[Row], goal: Goal, costs: CapitalCosts) -> _Study:
    needs = _NEEDED if goal.green_energy_target_pct is None else (*_NEEDED, "green_energy_pct")
    o = read_options(results, needs=needs, green_energy_measure=goal.green_energy_measure)
    solar_mw = np.nan_to_num(o.solar_mw)
    sizes = np.column_stack([o.capacity_mwh, o.power_mw, o.dg_mw, solar_mw]).tolist()
    cost_usd = np.array([capital_cost_usd(*plant, costs=costs) for plant in sizes])
    worse = np.column_stack([-o.delivery_pct, o.wastage_pct, o.capacity_mwh, o.dg_mw, solar_mw])
    return _Study(o, cost_usd, dominated_mask(worse), costs.solar_usd_per_mw > 0.0)


def _sorted_by(columns: list[FloatArray], o: Options, among: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    ties = [o.capacity_mwh, o.power_mw, o.dg_mw, o.duration_h, np.nan_to_num(o.solar_mw)]
    order = np.lexsort([column[among] for column in reversed([*columns, *ties])])
    return np.asarray(among[order])


def _rank(study: _Study, goal: Goal, within: npt.NDArray[np.intp], solar_peak_mw: float | None) -> npt.NDArray[np.intp]:
    o = study.options
    if goal.delivery_mode == "maximize":
        within = within[o.delivery_pct[within] >= o.delivery_pct[within].max() - BEST_BAND_POINTS]
    if goal.optimize_for == "min_wastage" and solar_peak_mw is not None:
        absorbs_peak = within[o.power_mw[within] >= solar_peak_mw]
        within = absorbs_peak if len(absorbs_peak) else within
    keys = {
        "min_bess_size": [o.capacity_mwh],
        "min_wastage": [o.wastage_pct, -o.green_hours, o.power_mw],
        "min_dg_hours": [o.dg_hours],
        "min_cycles": [o.cycles],
        "min_cost": [study.cost_usd],
    }
    return _sorted_by(keys[goal.optimize_for], o, within)


def _explain(
    study: _Study, goal: Goal, limits: list[Limit], ranked: npt.NDArray[np.intp], solar_peak_mw: float | None
) -> list[str]:
    o, best = study.options, int(ranked[0])
    group = f"{len(o):,} options"
    if limits:
        group += f" with {' and '.join(limit.words for limit in limits)}"
    if goal.delivery_mode == "maximize":
        group += f" within {BEST_BAND_POINTS:g} points of the best delivery"
    peak_mw = math.inf if solar_peak_mw is None else solar_peak_mw
    if goal.optimize_for == "min_wastage" and o.power_mw[ranked].min() >= peak_mw:
        group += f" whose battery power covers the solar peak of {peak_mw:g} MW"
    place = f"It has the {OPTIMIZE_FOR[goal.optimize_for]} among the {len(ranked):,} of {group}."
    reasons = [f"{study.headline(best)}.", place if len(ranked) > 1 else f"It is the only one of {group}."]
    if goal.optimize_for == "min_cost" and np.unique(o.solar_mw[ranked]).size > 1 and not study.solar_is_priced:
        reasons.append("Solar has no price here, so a larger solar plant adds nothing to the capital cost.")
    if study.dominated[best]:
        reasons.append(
            "Another option delivers no less, curtails no more and needs no larger battery, generator or "
            "solar plant: look at it before you decide."
        )
    if len(ranked) > 1:
        changes = _changes(study.differences(int(ranked[1]), best))
        reasons.append(f"The runner-up, {study.label(int(ranked[1]))}, would mean {changes}.")
    return reasons


def _changes(more: Mapping[str, float | None]) -> str:
    parts = []
    for name, unit, rising, falling in (
        ("capacity_mwh", "MWh ", "more battery", "less battery"),
        ("power_mw", "MW ", "more battery power", "less battery power"),
        ("dg_mw", "MW ", "more generator", "less generator"),
        ("solar_mw", "MW ", "more solar", "less solar"),
        ("delivery_hours", "", "more hours delivered", "fewer hours delivered"),
        ("dg_hours", "", "more generator hours", "fewer generator hours"),
        ("wastage_points", "points ", "more curtailed", "less curtailed"),
    ):
        amount = more[name] or 0.0
        shown = f"{abs(amount):,.1f}".removesuffix(".0")
        if shown != "0":
            share = more.get(f"{name}_pct")
            shown_share = "" if share is None else f" ({abs(share):.0f} %)"
            parts.append(f"{shown} {unit}{rising if amount > 0.0 else falling}{shown_share}")
    usd = more["capital_cost_usd"] or 0.0
    # The small addend rounds a half up, as people do: 31.25 is 31.3.
    price = f"for ${abs(usd) / 1e6 + 1e-9:,.1f} M {'more' if usd > 0.0 else 'less'}"
    return f"{', '.join(parts) or 'the same'}, {price if abs(usd) >= 5e4 else 'at about the same capital cost'}"


def _explain_no_match(study: _Study, limits: list[Limit]) -> dict[str, Any]:
    o = study.options
    # Delivery is what the user came for: the other limits are kept first, if they can be kept at all.
    others = [limit.met for limit in limits if limit.name != "delivery"]
    kept = np.flatnonzero(np.logical_and.reduce(others, axis=0)) if others else np.arange(len(o))
    off = next((limit.distance for limit in limits if limit.name == "delivery"), -o.delivery_pct)
    nearest = int(_sorted_by([off], o, kept if len(kept) else np.arange(len(o)))[0])
    blocked_by = []
    for limit in limits:
        count = int(limit.met.sum())
        index = int(_sorted_by([limit.distance], o, np.arange(len(o)))[0])
        value = float(limit.values[index])
        reach = f"no option, the nearest is {study.label(index)} with {value:,.1f} {limit.unit}"
        blocked_by.append({
            "limit": limit.name, "options_meeting_it": count, "nearest": value,
            "text": f"{limit.words}: {f'{count:,} of {len(o):,} options' if count else reach}.",
        })  # fmt: skip
    reasons = [
        f"None of {len(o):,} options has {' and '.join(limit.words for limit in limits)}.",
        f"The best reached is {study.headline(nearest)}.",
    ]
    if all(limit.met.any() for limit in limits):
        reasons.append("Each limit can be met alone, but no option meets all of them together.")
    return {"reasons": reasons, "best_reached": study.describe(nearest, None), "blocked_by": blocked_by}


def _plain(value: object) -> object:
    """Turn a metric into what JSON knows; a number that is not finite becomes None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    return value
