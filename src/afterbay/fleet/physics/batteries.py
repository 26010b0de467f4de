"""All batteries of a fleet as columns, one tick at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from afterbay.fleet.inventory.records import ThermalModel
from afterbay.fleet.physics import fleet_kernels as kernels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from afterbay.core.compiled import Floats, Indices
    from afterbay.fleet.inventory.records import Asset

__all__ = ["Batteries", "Physics", "RampEnergy"]

Physics = Literal["physical", "literal"]
RampEnergy = Literal["end", "mean"]
_AT_BOUND_MWH = 1e-6


class Batteries:
    """n batteries; they start in the middle of their window, at rest."""

    def __init__(self, assets: Sequence[Asset], physics: Physics, ramp_energy: RampEnergy = "end") -> None:
        self.fixed = _battery(assets)
        count = len(assets)
        start = (self.fixed.floor_mwh + self.fixed.ceiling_mwh) / 2.0
        if physics == "literal":
            start = self.fixed.capacity_mwh / 2.0
        self.cells = kernels.Cells(
            soc_mwh=start.copy(),
            current_mw=np.zeros(count),
            end_mw=np.zeros(count),
            setpoint_mw=np.zeros(count),
            temperature_c=self.fixed.ambient_c.copy(),
            energy_in_mwh=np.zeros(count),
            energy_out_mwh=np.zeros(count),
            loss_mwh=np.zeros(count),
            energy_error_mwh=np.zeros(count),
            limited=np.zeros(count, dtype=np.int8),
            available_charge_mw=np.abs(self.fixed.min_mw),
            available_discharge_mw=self.fixed.max_mw.copy(),
        )
        self.isolated_mwh = np.zeros(count)
        """Energy of racks that a fault has cut off; it comes back with them."""
        self.energy_fraction = np.ones(count)
        self._physics = physics
        self._ramp_energy = ramp_energy
        models = [asset.thermal or ThermalModel() for asset in assets]
        self._conductance = np.array([model.conductance_mw_per_k for model in models], dtype=np.float64)
        self._passive = np.array([model.passive_fraction for model in models], dtype=np.float64)
        # What the operator may use of a full battery: one cycle delivers this much.
        self.usable_mwh = self.fixed.ceiling_mwh - self.fixed.floor_mwh
        self._empty, self._full = self._bounds()

    def tick(self, dt_s: float, power_fraction: Floats, without_cooling: Floats) -> None:
        """Advance all by `dt_s`."""
        if self._physics == "literal":
            kernels.tick_literal(self.fixed, self.cells, dt_s)
            return
        conductance = self._conductance * np.where(without_cooling > 0.0, self._passive, 1.0)
        decay = np.exp(-conductance * (dt_s / 3600.0) / self.fixed.heat_capacity_mwh_per_k)
        conditions = kernels.Conditions(power_fraction, self.energy_fraction, conductance, decay)
        kernels.tick_physical(self.fixed, self.cells, conditions, dt_s, self._ramp_energy == "mean")

    def isolate(self, place: int, energy_fraction: float) -> None:
        """Cut racks off with their energy, or bring them back: nothing is made and nothing lost."""
        whole = float(self.cells.soc_mwh[place] + self.isolated_mwh[place])
        if energy_fraction >= 1.0:
            self.cells.soc_mwh[place] = whole
            self.isolated_mwh[place] = 0.0
        else:
            self.isolated_mwh[place] = whole * (1.0 - energy_fraction)
            self.cells.soc_mwh[place] = whole - self.isolated_mwh[place]
        self.energy_fraction[place] = energy_fraction

    def bound_edges(self) -> list[tuple[int, bool, bool]]:
        """Return (place, is it the lower bound, is it reached) for every bound that was reached or left."""
        empty, full = self._bounds()
        edges = [(int(place), True, bool(empty[place])) for place in np.flatnonzero(empty != self._empty)]
        edges += [(int(place), False, bool(full[place])) for place in np.flatnonzero(full != self._full)]
        self._empty, self._full = empty, full
        return edges

    def forget_edges(self) -> None:
        """Take the present bounds as known, after a restart."""
        self._empty, self._full = self._bounds()

    def hold_in_window(self, place: int, soc_mwh: float) -> None:
        """Set the stored energy, held within the window."""
        floor, ceiling = self.window(place)
        self.cells.soc_mwh[place] = min(max(soc_mwh, floor), ceiling)

    def window(self, place: int) -> tuple[float, float]:
        """Return the least and the most energy of an asset now [MWh]."""
        if self._physics == "literal":
            return 0.0, float(self.fixed.capacity_mwh[place])
        share = float(self.energy_fraction[place])
        return float(self.fixed.floor_mwh[place]) * share, float(self.fixed.ceiling_mwh[place]) * share

    def state(self, place: int) -> dict[str, Any]:
        """Return what a restart needs to know."""
        cells = self.cells
        ramps_from = float(cells.end_mw[place])
        differs = ramps_from != cells.current_mw[place]
        return ({"end_mw": ramps_from} if differs else {}) | {
            "soc_mwh": float(cells.soc_mwh[place]),
            "isolated_mwh": float(self.isolated_mwh[place]),
            "energy_fraction": float(self.energy_fraction[place]),
            "temperature_c": float(cells.temperature_c[place]),
            "energy_in_mwh": float(cells.energy_in_mwh[place]),
            "energy_out_mwh": float(cells.energy_out_mwh[place]),
            "loss_mwh": float(cells.loss_mwh[place]),
            "energy_error_mwh": float(cells.energy_error_mwh[place]),
        }

    def restore(self, place: int, state: Mapping[str, float]) -> None:
        """Take up what `state` returned, held within the window of today's inventory."""
        cells = self.cells
        self.energy_fraction[place] = state.get("energy_fraction", 1.0)
        self.isolated_mwh[place] = state.get("isolated_mwh", 0.0)
        self.hold_in_window(place, state.get("soc_mwh", float(cells.soc_mwh[place])))
        cells.temperature_c[place] = state.get("temperature_c", float(cells.temperature_c[place]))
        for name in ("energy_in_mwh", "energy_out_mwh", "loss_mwh", "energy_error_mwh"):
            column = getattr(cells, name)
            column[place] = state.get(name, float(column[place]))

    def _bounds(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        share = self.energy_fraction
        floor, ceiling = self.fixed.floor_mwh * share, self.fixed.ceiling_mwh * share
        if self._physics == "literal":
            floor, ceiling = floor * 0.0, self.fixed.capacity_mwh
        stores = self.fixed.capacity_mwh > 0.0
        soc = self.cells.soc_mwh
        return stores & (soc <= floor + _AT_BOUND_MWH), stores & (soc >= ceiling - _AT_BOUND_MWH)


def _battery(assets: Sequence[Asset]) -> kernels.Battery:
    def column(name: str) -> Floats:
        return np.array([getattr(asset, name) for asset in assets], dtype=np.float64)

    def thermal(name: str) -> Floats:
        return np.array([getattr(asset.thermal or ThermalModel(), name) for asset in assets], dtype=np.float64)

    capacity, most, least = column("capacity_mwh"), column("max_mw"), column("min_mw")
    curve = _curves([asset.efficiency_curve for asset in assets])
    factors = _curves([asset.efficiency_soc_factors for asset in assets])
    return kernels.Battery(
        capacity_mwh=capacity,
        max_mw=most,
        min_mw=least,
        ramp_mw_per_min=column("ramp_rate_mw_per_min"),
        floor_mwh=capacity * (column("min_soc_pct") / 100.0),
        ceiling_mwh=capacity * (column("max_soc_pct") / 100.0),
        efficiency=column("efficiency"),
        larger_mw=np.maximum(most, -least),
        curve_points=curve[0],
        curve_share=curve[1],
        curve_efficiency=curve[2],
        soc_points=factors[0],
        soc_pct=factors[1],
        soc_factor=factors[2],
        thermal=np.array([asset.thermal is not None for asset in assets], dtype=np.int8),
        ambient_c=thermal("ambient_c"),
        heat_capacity_mwh_per_k=thermal("heat_capacity_mwh_per_k"),
        derate_from_c=thermal("derate_from_c"),
        stop_at_c=thermal("stop_at_c"),
    )


def _curves(curves: Sequence[tuple[tuple[float, float], ...]]) -> tuple[Indices, Floats, Floats]:
    longest = max((len(curve) for curve in curves), default=0) or 1
    points = np.array([len(curve) for curve in curves], dtype=np.int64)
    across, up = np.zeros((len(curves), longest)), np.zeros((len(curves), longest))
    for row, curve in enumerate(curves):
        for place, (first, second) in enumerate(curve):
            across[row, place], up[row, place] = first, second
    return points, across, up
