"""What is wrong or doubtful in one transformer, one house or one device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterbay.community.topology.bounds import BOUNDS
from afterbay.community.topology.modes import BATTERY_MODES
from afterbay.community.topology.suggestions import suggest

if TYPE_CHECKING:
    from afterbay.community.topology.findings import Findings
    from afterbay.community.topology.records import HomeBattery, House, Transformer

__all__ = ["check_bounds", "check_house", "check_transformer"]


def check_bounds(node: str, place: str, record: object, findings: Findings) -> bool:
    """Note every number of a record that is outside its range; return whether all are inside."""
    fine = True
    for field, bound in BOUNDS[type(record).__name__].items():
        value = getattr(record, field)
        if not bound.holds(value):
            fine = False
            where = f"{place}.{field}" if place else field
            findings.error(node, where, value, bound.words, bound.next_move(value))
    return fine


def check_transformer(transformer: Transformer, findings: Findings) -> None:
    """Note what is wrong or doubtful in a transformer itself, not in what hangs from it."""
    name = transformer.name
    fine = check_bounds(name, "", transformer, findings)
    if transformer.rated_kw is None:
        findings.warn(
            name, "rated_kw", "nothing", "a rating above 0 [kW]", "without it the loading is unknown: give it"
        )
    if not fine:
        return
    if transformer.load_loss_kw > 0.0:
        if transformer.rated_kw is None:
            findings.error(name, "load_loss_kw", f"{transformer.load_loss_kw:g} kW without a rating",
                           "a load loss beside rated_kw", "give the rating at which it is lost")  # fmt: skip
        elif transformer.load_loss_kw >= transformer.rated_kw:
            findings.error(name, "load_loss_kw", f"{transformer.load_loss_kw:g} kW at {transformer.rated_kw:g} kW",
                           "less than the rating", "give kW, neither W nor percent")  # fmt: skip
    if not transformer.allow_export and transformer.export_limit_kw:
        findings.warn(name, "export_limit_kw", f"{transformer.export_limit_kw:g} kW with allow_export false",
                      "no limit where nothing may pass", "allow the export or drop the limit")  # fmt: skip
    if not (transformer.houses or transformer.transformers):
        findings.warn(name, "houses", "nothing below it", "a house or a transformer", "add one or remove it")


def check_house(house: House, findings: Findings) -> None:
    """Note what is wrong or doubtful in a house and its devices."""
    name = house.name
    check_bounds(name, "", house, findings)
    if not (house.loads or house.solar or house.wind or house.batteries or house.cars):
        findings.error(name, "loads", "no load and no device", "a load, or at least one device", "give it a load")
    for kind in ("loads", "solar", "wind", "cars"):
        for place, device in enumerate(getattr(house, kind)):
            check_bounds(name, f"{kind}[{place}]", device, findings)
            if not (isinstance(device.profile, str) and device.profile.strip()):
                findings.error(name, f"{kind}[{place}].profile", device.profile, "a name of a profile", "give one")
    for place, battery in enumerate(house.batteries):
        _check_battery(name, f"batteries[{place}]", battery, findings)
    seen: set[tuple[str, str]] = set()
    for place, flag in enumerate(house.flags):
        if not (str(flag.type).strip() and str(flag.value).strip()):
            got = f"{flag.type!r} = {flag.value!r}"
            findings.error(name, f"flags[{place}]", got, "a type and a value", "Priority = Hospital, for example")
        if (flag.type, flag.value) in seen:
            got = f"{flag.type}={flag.value} again"
            findings.error(name, f"flags[{place}]", got, "every flag once", "remove one of them")
        seen.add((flag.type, flag.value))


def _check_battery(node: str, place: str, battery: HomeBattery, findings: Findings) -> None:
    if battery.mode not in BATTERY_MODES:
        move = suggest(battery.mode, BATTERY_MODES, "choose one of these")
        findings.error(node, f"{place}.mode", battery.mode, " | ".join(BATTERY_MODES), move)
    if battery.mode == "community" and not battery.voluntary_storage:
        findings.error(node, f"{place}.voluntary_storage", "false with mode community", "true: neighbours may use it",
                       "ask the household, or choose another mode")  # fmt: skip
    if not check_bounds(node, place, battery, findings):
        return
    low, high, first = battery.min_soc, battery.max_soc, battery.initial_soc
    if low >= high:
        got = f"{low:g} with max_soc {high:g}"
        findings.error(node, f"{place}.min_soc", got, "less than max_soc", "swap the two, or widen the window")
    elif not low <= first <= high:
        findings.error(node, f"{place}.initial_soc", first, f"{low:g}..{high:g}, the window of the battery",
                       "start the battery inside its window")  # fmt: skip
    elif battery.reserve_soc > high:
        findings.error(node, f"{place}.reserve_soc", battery.reserve_soc, f"up to max_soc ({high:g})",
                       "the battery would never serve its house: lower it")  # fmt: skip
    if battery.mode == "time_of_use":
        if battery.discharge_from_h == battery.discharge_to_h:
            got = f"{battery.discharge_from_h:g} to {battery.discharge_to_h:g} h: never"
            findings.warn(node, f"{place}.discharge_from_h", got, "a window of some hours", "0 to 24 is the whole day")
        if battery.grid_charge and battery.charge_from_h == battery.charge_to_h:
            got = f"{battery.charge_from_h:g} to {battery.charge_to_h:g} h: never, with grid_charge"
            findings.warn(node, f"{place}.charge_from_h", got, "a window of some hours", "give the cheap hours")
