"""A fleet's state as plain values for a file, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem
from afterbay.fleet.physics.batteries import Batteries

if TYPE_CHECKING:
    from afterbay.fleet.messages import Telemetry
    from afterbay.fleet.physics.fleet import SimulatedFleet

__all__ = ["fleet_state", "read_state", "resume_from"]

_VERSION: Final = 1


def fleet_state(fleet: SimulatedFleet) -> dict[str, Any]:
    """Return all that a restart needs, ready for JSON."""
    return {
        "version": _VERSION,
        "now": fleet.now.isoformat(),
        "tick": fleet.tick,
        "elapsed_s": fleet.elapsed_s,
        "assets": {asset.id: _asset_state(fleet, place) for place, asset in enumerate(fleet.assets)},
    }


def read_state(fleet: SimulatedFleet, state: Mapping[str, Any]) -> None:
    """Put a state into a fleet.

    Raises:
        InvalidInputError: If it is no state of a fleet; nothing is changed then.
    """
    _check(state)
    fleet.tick = int(state["tick"])
    fleet.elapsed_s = float(state["elapsed_s"])
    for place, asset in enumerate(fleet.assets):
        saved = state["assets"].get(asset.id)
        if saved is not None:
            _restore_asset(fleet, place, saved)
    fleet.forget_edges()


def resume_from(fleet: SimulatedFleet, samples: Iterable[Telemetry]) -> None:
    """Put what telemetry says of each asset into a fleet; what it does not say stays."""
    places = {asset.id: place for place, asset in enumerate(fleet.assets)}
    for sample in samples:
        if sample.asset_id not in places:
            continue
        place = places[sample.asset_id]
        home, _ = fleet.parts_of(place)
        if isinstance(home, Batteries):
            told = {
                "soc_mwh": _whole_mwh(sample),
                "temperature_c": sample.temperature_c,
                "energy_in_mwh": sample.energy_in_mwh,
                "energy_out_mwh": sample.energy_out_mwh,
                "loss_mwh": sample.details.get("loss_mwh"),
            }
        else:
            told = {"energy_mwh": sample.energy_in_mwh if sample.energy_out_mwh is None else sample.energy_out_mwh}
        plant = {key: value for key, value in told.items() if is_number(value)}
        setpoint = sample.setpoint_mw if is_number(sample.setpoint_mw) else None
        power = sample.mw if is_number(sample.mw) else 0.0
        _restore_asset(fleet, place, {"current_mw": power, "setpoint_mw": setpoint, "plant": plant})
    fleet.forget_edges()


def _whole_mwh(sample: Telemetry) -> float | None:
    # Racks that a fault had cut off come back with their energy: faults are not taken up.
    isolated = sample.details.get("isolated_mwh")
    if sample.soc_mwh is None or not is_number(isolated):
        return sample.soc_mwh
    return sample.soc_mwh + float(isolated)  # type: ignore[arg-type]


def _asset_state(fleet: SimulatedFleet, place: int) -> dict[str, Any]:
    home, row = fleet.parts_of(place)
    asset_id = fleet.assets[place].id
    current = home.cells.current_mw if isinstance(home, Batteries) else home.current_mw
    told = fleet.timers.told.get(asset_id)
    state: dict[str, Any] = {
        "current_mw": float(current[row]),
        "setpoint_mw": fleet.setpoint(asset_id),
        "plant": home.state(row),
        "fault": _without_infinity(fleet.faults.state(place)),
    }
    if told is not None:
        state["told"] = {
            "until": None if told.until is None else told.until.isoformat(),
            "fallback_mw": told.fallback_mw,
            "lease_id": told.lease_id,
        }
    return state


def _restore_asset(fleet: SimulatedFleet, place: int, saved: Mapping[str, Any]) -> None:
    home, row = fleet.parts_of(place)
    asset = fleet.assets[place]
    fleet.faults.restore(place, {"ends_s": math.inf, **saved.get("fault", {})})
    home.restore(row, saved["plant"])
    current = home.cells.current_mw if isinstance(home, Batteries) else home.current_mw
    current[row] = min(max(float(saved["current_mw"]), asset.min_mw), asset.max_mw)
    if isinstance(home, Batteries):
        end = float(saved["plant"].get("end_mw", saved["current_mw"]))
        home.cells.end_mw[row] = min(max(end, asset.min_mw), asset.max_mw)
    told = saved.get("told")
    if told is None:
        fleet.set_setpoint(asset.id, saved.get("setpoint_mw"))
        fleet.timers.forget(asset.id)
    else:
        until = None if told["until"] is None else datetime.fromisoformat(told["until"])
        fleet.set_setpoint(
            asset.id, saved.get("setpoint_mw"), until=until, fallback_mw=told["fallback_mw"], lease_id=told["lease_id"]
        )


def _without_infinity(fault: dict[str, Any]) -> dict[str, Any]:
    # JSON knows no infinity; a fault without an end has none in the state either.
    return {key: value for key, value in fault.items() if value != math.inf}


def _check(state: Mapping[str, Any]) -> None:
    if not isinstance(state, Mapping) or state.get("version") != _VERSION:
        version = state.get("version") if isinstance(state, Mapping) else None
        raise _refused("state", f"version {version!r}", f"a state of version {_VERSION}")
    for key in ("tick", "elapsed_s"):
        if not (is_number(state.get(key)) and state[key] >= 0):
            raise _refused(f"state: {key}", repr(state.get(key)), "a finite number, 0 or more")
    assets = state.get("assets")
    if not isinstance(assets, Mapping):
        raise _refused("state: assets", type(assets).__name__, "states by asset id")
    for asset_id, saved in assets.items():
        where = f"state: asset {asset_id}"
        if not isinstance(saved, Mapping) or not isinstance(saved.get("plant"), Mapping):
            raise _refused(where, repr(saved)[:60], "current_mw, setpoint_mw, plant")
        if not is_number(saved.get("current_mw")):
            raise _refused(f"{where}: current_mw", repr(saved.get("current_mw")), "a finite number [MW]")
        if saved.get("setpoint_mw") is not None and not is_number(saved["setpoint_mw"]):
            raise _refused(f"{where}: setpoint_mw", repr(saved["setpoint_mw"]), "a finite number [MW] or nothing")
        for key, value in saved["plant"].items():
            if not (_are_cars(value) if key == "cars" else is_number(value)):
                raise _refused(f"{where}: {key}", repr(value)[:60], "a finite number")
        if saved.get("told") is not None and not _is_told(saved["told"]):
            raise _refused(f"{where}: told", repr(saved["told"])[:60], "until, fallback_mw, lease_id")
        fault = saved.get("fault", {})
        if not isinstance(fault, Mapping) or not all(is_number(fault[key]) for key in fault if key != "kind"):
            raise _refused(f"{where}: fault", repr(fault)[:60], "kind, ends_s, quiet_until_s")


def _are_cars(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(car, list) and len(car) == 2 and is_number(car[0]) and _is_time(car[1]) for car in value
    )


def _is_told(value: object) -> bool:
    if not isinstance(value, Mapping) or set(value) != {"until", "fallback_mw", "lease_id"}:
        return False
    fallback = value["fallback_mw"]
    return (value["until"] is None or _is_time(value["until"])) and (fallback is None or is_number(fallback))


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _refused(where: str, got: str, allowed: str) -> InvalidInputError:
    return InvalidInputError(Problem(where, got, allowed, "start without it: batteries begin in mid-window"))
