"""The figures of a run: of the community, of each house, of each transformer. Definitions: `KPI_DEFINITIONS`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.results.baseline import check_baseline
from afterbay.community.results.definitions import kpi_names
from afterbay.community.results.origin import Origins, origins
from afterbay.community.results.residuals import house_residuals_kwh, node_residuals_kwh

if TYPE_CHECKING:
    from afterbay.community.simulation import CommunityRun
    from afterbay.core.compiled import Floats

__all__ = ["community_kpis", "house_kpis", "house_peaks_kw", "loading_fraction", "transformer_kpis"]

_SUMS = (
    "load_kwh",
    "car_kwh",
    "solar_kwh",
    "wind_kwh",
    "charge_kwh",
    "discharge_kwh",
    "battery_loss_kwh",
    "import_kwh",
    "export_kwh",
    "bought_kwh",
    "sold_kwh",
    "curtailed_inverter_kwh",
    "curtailed_connection_kwh",
    "curtailed_network_kwh",
    "unserved_connection_kwh",
    "unserved_network_kwh",
    "car_missed_kwh",
)
_FULL = 1.0 + 1e-9
"""Loading above this counts as overload: the rating itself does not."""


def house_kpis(run: CommunityRun, *, peaks: bool = False, parts: Origins | None = None) -> dict[str, Floats]:
    """Return every figure of the houses, shape (n_houses,) each; nan where a figure has no meaning.

    Args:
        run: A finished run.
        peaks: Also find the peaks of every house; runs the physics again when the meters were not kept.
        parts: What `origins` made of the run, if it is at hand.
    """
    parts = origins(run) if parts is None else parts
    sums = {name: run.daily(name).sum(axis=0) for name in _SUMS}
    own, own_made = parts.own_kwh.sum(axis=0), parts.own_generation_kwh.sum(axis=0)
    shared, given = parts.shared_kwh.sum(axis=0), parts.given_kwh.sum(axis=0)
    demand = sums["load_kwh"] + sums["car_kwh"]
    generation = sums["solar_kwh"] + sums["wind_kwh"]
    figures = sums | {
        "demand_kwh": demand,
        "generation_kwh": generation,
        "own_use_kwh": own,
        "shared_used_kwh": shared,
        "self_consumption_fraction": _fraction(own_made + given, generation),
        "self_sufficiency_fraction": _fraction(own + shared, demand),
        "self_consumption_alone_fraction": _fraction(own_made, generation),
        "self_sufficiency_alone_fraction": _fraction(own_made, demand),
        "community_share_fraction": _fraction(sums["bought_kwh"], sums["import_kwh"]),
        "utility_bought_kwh": np.maximum(sums["import_kwh"] - sums["bought_kwh"], 0.0),
        "utility_sold_kwh": np.maximum(sums["export_kwh"] - sums["sold_kwh"], 0.0),
        "battery_cycles": _ratio(sums["discharge_kwh"], usable_kwh(run)),
        "residual_kwh": house_residuals_kwh(run).max(axis=0),
    }
    if peaks:
        figures["peak_house_import_kw"], figures["peak_house_export_kw"] = house_peaks_kw(run)
    return {name: figures[name] for name in kpi_names("house") if name in figures}


def community_kpis(run: CommunityRun, baseline: CommunityRun | None = None) -> dict[str, float]:
    """Return every figure of the community; nan where a figure has no meaning or cannot be known.

    Args:
        run: A finished run.
        baseline: The same community without batteries, from `run_without_batteries`; without it the reductions
            of the peaks are nan.

    Raises:
        InvalidInputError: If the baseline differs in more than batteries.
    """
    parts = origins(run)
    houses = house_kpis(run, parts=parts)
    figures = {name: float(values.sum()) for name, values in houses.items() if name.endswith("_kwh")}
    demand, generation = figures["demand_kwh"], figures["generation_kwh"]
    used = figures["own_use_kwh"] + figures["shared_used_kwh"]
    alone = float(parts.own_generation_kwh.sum())
    down, up = run.nodes("down_kwh")[:, 0], run.nodes("up_kwh")[:, 0]
    imported = float(down.sum())
    factor = run.grid.emission_kg_per_kwh
    over = (loading_fraction(run) > _FULL).any(axis=1)
    figures |= {
        "shared_kwh": figures["bought_kwh"],
        "sharing_loss_kwh": max(figures["sold_kwh"] - figures["bought_kwh"], 0.0),
        "self_consumption_fraction": _one_fraction(used, generation),
        "self_sufficiency_fraction": _one_fraction(used, demand),
        "self_consumption_alone_fraction": _one_fraction(alone, generation),
        "self_sufficiency_alone_fraction": _one_fraction(alone, demand),
        "community_share_fraction": _one_fraction(figures["bought_kwh"], figures["import_kwh"]),
        "grid_import_kwh": imported,
        "grid_export_kwh": float(up.sum()),
        **_peaks(run, baseline),
        "overload_h": float(over.sum()) * run.timeline.dt_h,
        "battery_cycles": _quotient(figures["discharge_kwh"], float(usable_kwh(run).sum())),
        "network_loss_kwh": float(run.nodes("loss_kwh").sum()),
        "emissions_kg": float("nan") if factor is None else imported * factor,
        "residual_kwh": max(float(houses["residual_kwh"].max(initial=0.0)), float(node_residuals_kwh(run).max())),
    }
    return {name: figures[name] for name in kpi_names("community")}


def transformer_kpis(run: CommunityRun) -> dict[str, Floats]:
    """Return every figure of the transformers, in the order of `run.tree.node_names[1:]`, shape (n - 1,) each.

    Figures that need a rating are nan where none is given.
    """
    down, up = run.nodes("down_kwh")[:, 1:], run.nodes("up_kwh")[:, 1:]
    dt_h, tree = run.timeline.dt_h, run.tree.tree
    loading = loading_fraction(run)
    unknown = np.isnan(run.tree.rated_kw[1:])
    ends = list(zip(tree.first_house[1:].tolist(), tree.last_house[1:].tolist(), strict=True))
    demand = (run.daily("load_kwh") + run.daily("car_kwh")).sum(axis=0)
    generation = (run.daily("solar_kwh") + run.daily("wind_kwh")).sum(axis=0)
    figures = {
        "demand_kwh": np.array([demand[first:last].sum() for first, last in ends]),
        "generation_kwh": np.array([generation[first:last].sum() for first, last in ends]),
        "rated_kw": run.tree.rated_kw[1:],
        "down_kwh": down.sum(axis=0),
        "up_kwh": up.sum(axis=0),
        "peak_down_kw": down.max(axis=0, initial=0.0) / dt_h,
        "peak_up_kw": up.max(axis=0, initial=0.0) / dt_h,
        "peak_loading_fraction": loading.max(axis=0, initial=0.0),
        "mean_loading_fraction": loading.mean(axis=0),
        "overload_h": np.where(unknown, np.nan, (loading > _FULL).sum(axis=0) * dt_h),
        "matched_kwh": run.nodes("shared_kwh")[:, 1:].sum(axis=0),
        "network_loss_kwh": run.nodes("loss_kwh")[:, 1:].sum(axis=0),
        "limit_curtailed_kwh": run.nodes("curtailed_kwh")[:, 1:].sum(axis=0),
        "limit_unserved_kwh": run.nodes("unserved_kwh")[:, 1:].sum(axis=0),
        "residual_kwh": node_residuals_kwh(run)[:, 1:].max(axis=0, initial=0.0),
    }
    return {name: figures[name] for name in kpi_names("transformer")}


def loading_fraction(run: CommunityRun) -> Floats:
    """Return the loading of every transformer in every step [-], shape (n_steps, n_nodes - 1); nan without rating."""
    power = np.maximum(run.nodes("down_kwh"), run.nodes("up_kwh"))[:, 1:] / run.timeline.dt_h
    loading: Floats = power / run.tree.rated_kw[1:]
    return loading


def house_peaks_kw(run: CommunityRun) -> tuple[Floats, Floats]:
    """Return the largest import and export of every house in a step [kW], shape (n_houses,) each."""
    most, least = np.zeros(run.tree.n_houses), np.zeros(run.tree.n_houses)
    for block in run.blocks():
        most = np.maximum(most, block.net_kwh.max(axis=0, initial=0.0))
        least = np.minimum(least, block.net_kwh.min(axis=0, initial=0.0))
    return -least / run.timeline.dt_h + 0.0, most / run.timeline.dt_h


def usable_kwh(run: CommunityRun) -> Floats:
    """Return what each house's batteries hold between lowest and highest charge [kWh], shape (n_houses,)."""
    return np.array(
        [
            sum((battery.max_soc - battery.min_soc) * battery.capacity_kwh for battery in house.batteries)
            for house, _ in run.grid.every_house()
        ],
        dtype=np.float64,
    )


def _peaks(run: CommunityRun, baseline: CommunityRun | None) -> dict[str, float]:
    found = {}
    if baseline is not None:
        check_baseline(run, baseline)
    for side, column in (("import", "down_kwh"), ("export", "up_kwh")):
        peak = float(run.nodes(column)[:, 0].max(initial=0.0)) / run.timeline.dt_h
        found[f"peak_{side}_kw"] = peak
        before = float("nan")
        if baseline is not None:
            before = float(baseline.nodes(column)[:, 0].max(initial=0.0)) / run.timeline.dt_h
        found[f"peak_{side}_reduction_fraction"] = 1.0 - peak / before if before > 0.0 else float("nan")
    return found


def _fraction(part: Floats, whole: Floats) -> Floats:
    """Divide; nan where there is nothing to share, and never a rounding above 1."""
    return np.minimum(_ratio(part, whole), 1.0)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0.0)


def _one_fraction(part: float, whole: float) -> float:
    return min(_quotient(part, whole), 1.0) if whole > 0.0 else float("nan")


def _quotient(part: float, whole: float) -> float:
    return part / whole if whole > 0.0 else float("nan")
