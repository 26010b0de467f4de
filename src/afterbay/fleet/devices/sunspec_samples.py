"""Turns the points of a SunSpec unit into telemetry. What the device does not have is None."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from afterbay.fleet.devices.sample_words import power_status
from afterbay.fleet.devices.sunspec_models import ALARMS, WATTS
from afterbay.fleet.messages import Telemetry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from afterbay.fleet.inventory.records import Asset

__all__ = ["Points", "sample", "setpoint_mw"]

Points = dict[int, dict[str, float | None]]
"""Points by name, by model."""

_W_PER_MW: Final = 1e6
_THROTTLED, _FAULT = 4, 6
_ERROR: Final = 2
_BATTERY_FAULT: Final = 99
_INVERTER_STATES: Final = (
    "off", "sleeping", "starting", "running", "throttled", "shutting_down", "fault", "standby",
)  # fmt: skip
_CHARGE_STATES: Final = {
    1: "off", 2: "empty", 3: "discharging", 4: "charging", 5: "full", 6: "holding", 7: "testing",
}  # fmt: skip


def sample(asset: Asset, site_name: str, points: Points, lease_id: str | None, now: datetime) -> Telemetry | None:
    """Return a sample, or None when the unit does not say its power."""
    ac, storage, battery = points.get(701, {}), points.get(713, {}), points.get(802, {})
    watts = ac.get("W")
    if watts is None:
        return None
    mw = watts / _W_PER_MW
    soc_pct = _first(storage.get("SoC"), battery.get("SoC"))
    capacity_mwh = _mega(_first(storage.get("WHRtg"), battery.get("WHRtg")))
    soc_mwh = _mega(storage.get("WHAvail"))
    if soc_mwh is None and (rating := battery.get("WHRtg")) is not None and (share := battery.get("SoC")) is not None:
        # Model 802 defines its state of charge as a percentage of this very rating.
        soc_mwh = rating / _W_PER_MW * share / 100.0
    faults = _faults(ac, storage, battery)
    away = ac.get("ConnSt") == 0 or ac.get("St") == 0
    return Telemetry(
        asset_id=asset.id,
        site_id=asset.site_id,
        timestamp=now,
        mw=mw,
        setpoint_mw=setpoint_mw(points),
        max_mw=asset.max_mw,
        min_mw=asset.min_mw,
        status="fault" if faults else "offline" if away else power_status(mw, asset),
        soc_mwh=soc_mwh,
        soc_pct=soc_pct,
        capacity_mwh=capacity_mwh,
        site_name=site_name,
        asset_type=asset.asset_type,
        online=not away,
        fault_code=",".join(faults) or None,
        limited_by="device" if ac.get("InvSt") == _THROTTLED else None,
        origin="device",
        lease_id=lease_id,
        energy_in_mwh=_mega(ac.get("TotWhAbs")),
        energy_out_mwh=_mega(ac.get("TotWhInj")),
        soh_pct=_first(storage.get("SoH"), battery.get("SoH")),
        cycle_count=battery.get("NCyc"),
        details=_details(points),
    )


def setpoint_mw(points: Points) -> float | None:
    """Return the power that the unit was told in watts, or None while none is enabled [MW]."""
    control = points.get(704, {})
    if control.get("WSetEna") != 1 or control.get("WSetMod") != WATTS:
        return None
    return _mega(control.get("WSet"))


def _faults(*models: Mapping[str, float | None]) -> list[str]:
    ac, storage, battery = models
    bits = int(ac.get("Alrm") or 0)
    names = [name for place, name in enumerate(ALARMS) if bits >> place & 1]
    if ac.get("InvSt") == _FAULT:
        names.append("INVERTER_FAULT")
    if storage.get("Sta") == _ERROR:
        names.append("STORAGE_ERROR")
    if battery.get("State") == _BATTERY_FAULT:
        names.append("BATTERY_FAULT")
    return names


def _details(points: Points) -> dict[str, float | int | bool | str]:
    ac, control, battery = points.get(701, {}), points.get(704, {}), points.get(802, {})
    found: dict[str, float | int | bool | str | None] = {
        "frequency_hz": ac.get("Hz"),
        "inverter_state": _word(_INVERTER_STATES, ac.get("InvSt")),
        "charge_state": _CHARGE_STATES.get(int(battery.get("ChaSt") or 0)),
        "min_soc_pct": battery.get("SoCMin"),
        "max_soc_pct": battery.get("SoCMax"),
        "reserve_soc_pct": battery.get("SoCRsvMin"),
        "local_control": None if battery.get("LocRemCtl") is None else battery["LocRemCtl"] == 1,
        # What is left on the device's own timer [s].
        "reversion_s": control.get("WSetRvrtRem") if control.get("WSetEna") == 1 else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _word(words: tuple[str, ...], value: float | None) -> str | None:
    return words[int(value)] if value is not None and 0 <= value < len(words) else None


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _mega(value: float | None) -> float | None:
    return None if value is None else value / _W_PER_MW
