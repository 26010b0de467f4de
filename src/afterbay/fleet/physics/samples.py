"""Turns the columns of the fleet into telemetry, one record per asset. What is not modelled is None."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from afterbay.fleet.messages import LimitedBy, Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from afterbay.fleet.physics.batteries import Batteries
    from afterbay.fleet.physics.fleet import SimulatedFleet
    from afterbay.fleet.physics.followers import Followers

__all__ = ["battery_samples", "follower_samples"]

_LIMITED: Final[tuple[LimitedBy | None, ...]] = (
    None, "ramp", "p_limit", "soc_min", "soc_max", "temperature", "fault", "resource",
)  # fmt: skip
_IDLE_MW: Final = 0.1
_HELD_BACK_MW: Final = 1e-9


def battery_samples(
    fleet: SimulatedFleet, batteries: Batteries, places: NDArray[Any]
) -> Iterator[tuple[int, Telemetry]]:
    """Yield place and sample of each battery."""
    # Whole columns turn into Python numbers at once: asking arrays one by one would cost more than the tick.
    cells, fixed = batteries.cells, batteries.fixed
    columns = (
        places, cells.soc_mwh, fixed.capacity_mwh * batteries.energy_fraction, cells.current_mw, cells.setpoint_mw,
        cells.limited, cells.temperature_c, cells.energy_in_mwh, cells.energy_out_mwh, cells.loss_mwh,
        cells.energy_error_mwh, cells.available_charge_mw, cells.available_discharge_mw, batteries.usable_mwh,
        batteries.isolated_mwh,
    )  # fmt: skip
    faulty, faults, now = fleet.faults.any, fleet.faults, fleet.now
    for (
        place, soc, capacity, mw, setpoint, limited, temperature, into, out, loss, error, can_charge, can_discharge,
        usable, isolated,
    ) in zip(*(column.tolist() for column in columns), strict=True):  # fmt: skip
        asset = fleet.assets[place]
        fault = faults.kind_of(place) if faulty else None
        status = "discharging" if mw > _IDLE_MW else "charging" if mw < -_IDLE_MW else "idle"
        details: dict[str, float | int | bool | str] = {"loss_mwh": loss}
        if isolated > 0.0:
            details["isolated_mwh"] = isolated
        if error != 0.0:
            details["energy_error_mwh"] = error
        yield (
            place,
            Telemetry(
                asset_id=asset.id,
                site_id=asset.site_id,
                timestamp=now,
                mw=mw,
                setpoint_mw=setpoint,
                max_mw=asset.max_mw,
                min_mw=asset.min_mw,
                status="fault" if fault == "INVERTER_FAULT" else status,
                soc_mwh=soc,
                soc_pct=min(max(soc / capacity * 100.0, 0.0), 100.0) if capacity > 0.0 else 0.0,
                capacity_mwh=capacity,
                site_name=fleet.site_name(asset.site_id),
                fault_code=fault,
                limited_by=_LIMITED[limited],
                lease_id=fleet.timers.lease_of(asset.id),
                energy_in_mwh=into,
                energy_out_mwh=out,
                available_charge_mw=can_charge,
                available_discharge_mw=can_discharge,
                temperature_c=temperature if asset.thermal is not None else None,
                cycle_count=out / usable if usable > 0.0 else None,
                details=details,
            ),
        )


def follower_samples(
    fleet: SimulatedFleet, followers: Followers, places: NDArray[Any]
) -> Iterator[tuple[int, Telemetry]]:
    """Yield place and sample of each asset that follows a resource."""
    generates = followers.sign > 0.0
    columns = (
        places, followers.current_mw, followers.setpoint_mw, followers.available_mw, followers.energy_mwh,
        followers.limited,
    )  # fmt: skip
    for row, (place, mw, setpoint, available, energy, limited) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        asset = fleet.assets[place]
        fault = fleet.faults.kind_of(place)
        stopped = fault == "INVERTER_FAULT"
        working = "generating" if generates else "charging"
        status = "fault" if stopped else working if abs(mw) > _IDLE_MW else "idle"
        details = _details(asset.asset_type, mw, available, energy, status, followers.details(row))
        yield (
            place,
            Telemetry(
                asset_id=asset.id,
                site_id=asset.site_id,
                timestamp=fleet.now,
                mw=mw,
                setpoint_mw=None if math.isnan(setpoint) else setpoint,
                max_mw=asset.max_mw,
                min_mw=asset.min_mw,
                status=status,
                site_name=fleet.site_name(asset.site_id),
                asset_type=asset.asset_type,
                fault_code=fault,
                limited_by=_LIMITED[limited],
                lease_id=fleet.timers.lease_of(asset.id),
                energy_in_mwh=None if generates else energy,
                energy_out_mwh=energy if generates else None,
                available_charge_mw=None if generates else available,
                available_discharge_mw=available if generates else None,
                details=details,
            ),
        )


def _details(
    kind: str, mw: float, available: float, energy: float, status: str, resource: dict[str, float | int | bool | str]
) -> dict[str, float | int | bool | str]:
    """Add the fields of the type, under the names of the control-plane document."""
    held_back = max(available - abs(mw), 0.0)
    if kind == "ev":
        state = (
            "fault" if status == "fault" else "charging" if resource["active_sessions"] and mw < 0.0 else "available"
        )
        return {**resource, "station_state": state, "load_mw": mw, "energy_delivered_mwh": energy}
    state = {"fault": "fault", "idle": "standby"}.get(status, "running")
    if kind == "wind":
        return {**resource, "turbine_state": state, "available_mw": available}
    details = {**resource, "ac_mw": mw, "inverter_state": state, "available_mw": available}
    if held_back > _HELD_BACK_MW and status != "fault":
        details["curtailment_reason"] = "setpoint"
    return details
