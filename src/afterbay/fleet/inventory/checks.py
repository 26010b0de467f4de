"""All that is wrong in an inventory at once, whether it comes from a file, a request or a study."""

from __future__ import annotations

import zoneinfo
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from afterbay.core.checks import is_number
from afterbay.core.errors import Problems
from afterbay.fleet.inventory.fields import UUID_PATTERN
from afterbay.fleet.inventory.records import ASSET_TYPES
from afterbay.fleet.inventory.type_details import check_details
from afterbay.fleet.inventory.words import shown, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from afterbay.fleet.inventory.records import Asset, Group, Inventory, Site, ThermalModel

    Where = Callable[[str], str]

__all__ = ["check_asset", "check_group", "check_inventory", "check_references", "check_site"]

MOST_CURVE_POINTS: Final = 64
_LOOKS_LIKE_FRACTION: Final = 1.5


def check_inventory(inventory: Inventory) -> None:
    """Refuse an inventory that cannot be operated.

    Raises:
        InvalidInputError: With every problem found.
    """
    problems = Problems()
    for site in inventory.sites:
        check_site(site, _naming("site", site.name or site.id), problems)
    for asset in inventory.assets:
        check_asset(asset, _naming("asset", asset.name or asset.id), problems)
    for group in inventory.groups:
        check_group(group, _naming("group", group.name or group.id), problems)
    check_references(inventory, lambda kind, place: _naming(kind, _nameof(inventory, kind, place)), problems)
    problems.raise_if_any()


def check_site(site: Site, where: Where, problems: Problems, skip: Collection[str] = ()) -> None:
    """Note what is wrong with a site by itself; keys in `skip` are known to be wrong already."""
    note = _Notes(where, problems, skip)
    note.identity(site.id, site.name)
    if (site.latitude is None) != (site.longitude is None):
        missing = "latitude" if site.latitude is None else "longitude"
        note.add(missing, "nothing", "both latitude and longitude, or neither", "give the other one")
    note.within("latitude", site.latitude, -90.0, 90.0, "degrees")
    note.within("longitude", site.longitude, -180.0, 180.0, "degrees")
    try:
        zoneinfo.ZoneInfo(site.time_zone)
    except (KeyError, ValueError, OSError, TypeError, AttributeError):
        zones = sorted(zoneinfo.available_timezones())
        note.add("time_zone", site.time_zone, "an IANA time zone", suggest(site.time_zone, zones, "Europe/London, say"))
    note.not_negative("export_limit_mw", site.export_limit_mw, "MW")
    note.not_negative("import_limit_mw", site.import_limit_mw, "MW")
    if site.ramp_limit_mw_per_min is not None and not _above_zero(site.ramp_limit_mw_per_min):
        note.add("ramp_limit_mw_per_min", site.ramp_limit_mw_per_min, "above 0 [MW/min]", "drop the key for no limit")


def check_asset(asset: Asset, where: Where, problems: Problems, skip: Collection[str] = ()) -> None:
    """Note what is wrong with an asset by itself; keys in `skip` are known to be wrong already."""
    note = _Notes(where, problems, skip)
    note.identity(asset.id, asset.name)
    if asset.asset_type not in ASSET_TYPES:
        note.add("asset_type", asset.asset_type, " | ".join(ASSET_TYPES), suggest(asset.asset_type, ASSET_TYPES))
    note.not_negative("capacity_mwhr", asset.capacity_mwh, "MWh")
    note.not_negative("ramp_rate_mw_per_min", asset.ramp_rate_mw_per_min, "MW/min")
    _check_power(asset, note)
    _check_efficiency(asset, note)
    _check_soc(asset, note)
    if asset.thermal is not None:
        _check_thermal(asset.thermal, note)
    check_details(asset, note.add)


def check_group(group: Group, where: Where, problems: Problems, skip: Collection[str] = ()) -> None:
    """Note what is wrong with a group by itself."""
    note = _Notes(where, problems, skip)
    note.identity(group.id, group.name)
    if not group.asset_ids:
        note.add("asset_ids", "none", "at least one asset", "name its assets, or drop the group")
    twice = sorted({asset_id for asset_id in group.asset_ids if group.asset_ids.count(asset_id) > 1})
    if twice:
        note.add("asset_ids", f"{twice[0]} twice", "every asset once", "remove one of them")


def check_references(inventory: Inventory, naming: Callable[[str, int], Where], problems: Problems) -> None:
    """Note doubled ids, and sites and assets that are named and do not exist.

    Args:
        inventory: What to check.
        naming: From a kind (site, asset, group) and a place in its list to the naming of its keys.
        problems: Where to note.
    """
    owners: dict[str, str] = {}
    for kind, entries in _lists(inventory).items():
        for place, entry in enumerate(entries):
            if not entry.id:
                continue
            if entry.id in owners:
                got = f"{entry.id}, the id of {owners[entry.id]}"
                problems.add(naming(kind, place)("id"), got, "every id once", "give one of the two a new UUID")
            owners.setdefault(entry.id, f"{kind} {entry.name or place}")
    sites = {site.id: site for site in inventory.sites}
    for place, asset in enumerate(inventory.assets):
        if asset.site_id and asset.site_id not in sites:
            known = f"the id of a site ({', '.join(list(sites)[:3])}{', ...' if len(sites) > 3 else ''})"
            move = suggest(asset.site_id, sites, "add the site, or correct the id")
            problems.add(naming("asset", place)("site_id"), asset.site_id, known if sites else "a site", move)
        elif asset.asset_type == "pv" and asset.device.startswith("sim:") and not _knows_sun(asset, sites):
            problems.add(naming("asset", place)("details"), "no sun", "latitude and longitude of the site, or "
                         "details.irradiance_wm2", "the simulated sun needs a place")  # fmt: skip
    assets = {asset.id for asset in inventory.assets}
    for place, group in enumerate(inventory.groups):
        for asset_id in group.asset_ids:
            if asset_id not in assets:
                move = suggest(asset_id, sorted(assets), "add the asset, or correct the id")
                problems.add(naming("group", place)("asset_ids"), shown(asset_id), "ids of assets in this file", move)


def _knows_sun(asset: Asset, sites: dict[str, Site]) -> bool:
    site = sites.get(asset.site_id)
    return bool({"irradiance_wm2", "latitude"} & set(asset.details)) or site is None or site.latitude is not None


def _check_power(asset: Asset, note: _Notes) -> None:
    low, high = asset.min_mw, asset.max_mw
    usable = True
    for key, value in (("min_mw", low), ("max_mw", high)):
        if not is_number(value):
            note.add(key, value, "a finite number [MW]", "give a number")
            usable = False
    if not usable or note.knows("min_mw", "max_mw"):
        return
    if low > high:
        note.add("min_mw", low, f"at most max_mw ({high:g})", "swap the two")
    elif low > 0.0:
        move = f"did you mean {-low:g}?" if asset.asset_type in ("storage", "ev") else "0, for what only generates"
        note.add("min_mw", low, "0 or less [MW]; - enters the asset", move)
    elif high < 0.0:
        note.add("max_mw", high, "0 or more [MW]; + leaves the asset", "0, for what only takes power")
    elif asset.asset_type in ("pv", "wind") and low < 0.0:
        note.add("min_mw", low, f"0: {asset.asset_type} takes no power", "0, or drop the key")
    elif asset.asset_type == "ev" and high > 0.0:
        note.add("max_mw", high, "0: a charging station gives none back", "0, or drop the key")


def _check_efficiency(asset: Asset, note: _Notes) -> None:
    if not (is_number(asset.efficiency) and 0.0 < asset.efficiency <= 1.0):
        percent = is_number(asset.efficiency) and 1.0 < asset.efficiency <= 100.0
        move = f"did you mean {asset.efficiency / 100:g}?" if percent else "0.92, for example"
        note.add("efficiency", asset.efficiency, "a fraction above 0, up to 1 (one way)", move)
    for key, pairs, largest in (
        ("efficiency_curve", asset.efficiency_curve, 1.0),
        ("efficiency_soc_factors", asset.efficiency_soc_factors, 100.0),
    ):
        firsts = [first for first, _ in pairs]
        if len(pairs) > MOST_CURVE_POINTS:
            note.add(key, f"{len(pairs)} pairs", f"at most {MOST_CURVE_POINTS}", "leave some out")
        if not all(0.0 <= first <= largest for first in firsts):
            unit = "shares of the larger power limit, 0..1" if largest == 1.0 else "states of charge, 0..100 %"
            note.add(key, f"{firsts}", unit, "give them in this range")
        elif any(after <= before for before, after in pairwise(firsts)):
            note.add(key, f"{firsts}", "first numbers that rise", "put the pairs in order")
        if not all(0.0 < second <= 1.0 for _, second in pairs):
            note.add(key, f"{[second for _, second in pairs]}", "second numbers above 0, up to 1", "give fractions")


def _check_soc(asset: Asset, note: _Notes) -> None:
    low, high, reserve = asset.min_soc_pct, asset.max_soc_pct, asset.reserve_soc_pct
    note.within("min_soc_pct", low, 0.0, 100.0, "%")
    if is_number(high) and 0.0 < high <= _LOOKS_LIKE_FRACTION:
        note.add("max_soc_pct", f"{high:g} %", "a percentage up to 100", f"did you mean {high * 100:g} %?")
    else:
        note.within("max_soc_pct", high, 0.0, 100.0, "%")
        if is_number(low) and is_number(high) and low >= high and not note.knows("min_soc_pct", "max_soc_pct"):
            note.add("min_soc_pct", f"{low:g} %", f"below max_soc_pct ({high:g} %)", "swap the two")
    if reserve is not None and not (is_number(reserve) and low <= reserve <= high):
        note.add("reserve_soc_pct", reserve, f"between min_soc_pct and max_soc_pct ({low:g}..{high:g} %)",
                 "drop the key for no reserve")  # fmt: skip


def _check_thermal(thermal: ThermalModel, note: _Notes) -> None:
    note.within("thermal.ambient_c", thermal.ambient_c, -60.0, 80.0, "degrees C")
    if not _above_zero(thermal.heat_capacity_mwh_per_k):
        note.add("thermal.heat_capacity_mwh_per_k", thermal.heat_capacity_mwh_per_k, "above 0 [MWh/K]", "0.01, say")
    note.not_negative("thermal.conductance_mw_per_k", thermal.conductance_mw_per_k, "MW/K")
    note.within("thermal.passive_fraction", thermal.passive_fraction, 0.0, 1.0, "")
    note.within("thermal.derate_from_c", thermal.derate_from_c, -60.0, 200.0, "degrees C")
    note.within("thermal.stop_at_c", thermal.stop_at_c, -60.0, 200.0, "degrees C")
    start, stop = thermal.derate_from_c, thermal.stop_at_c
    if is_number(start) and is_number(stop) and start >= stop:
        note.add("thermal.derate_from_c", start, f"below stop_at_c ({stop:g})", "swap the two")


class _Notes:
    """Notes problems of one entry, and is silent about keys that were noted before."""

    def __init__(self, where: Where, problems: Problems, skip: Collection[str]) -> None:
        self._where = where
        self._problems = problems
        self._skip = skip

    def knows(self, *keys: str) -> bool:
        return any(key in self._skip for key in keys)

    def add(self, key: str, got: object, allowed: str, move: str) -> None:
        if not self.knows(key, key.split(".", maxsplit=1)[0]):
            self._problems.add(self._where(key), got if isinstance(got, str) else shown(got), allowed, move)

    def identity(self, identity: object, name: object) -> None:
        if not (isinstance(identity, str) and UUID_PATTERN.match(identity)):
            self.add("id", identity, "a UUID in small letters", "make one once and keep it: history hangs on it")
        if not (isinstance(name, str) and name.strip() and name.isprintable() and len(name) <= 500):
            self.add("name", name, "text of one line, up to 500 characters", "give it a name")

    def within(self, key: str, value: object, least: float, most: float, unit: str) -> None:
        if value is not None and not (is_number(value) and least <= value <= most):  # type: ignore[operator]
            self.add(key, value, f"{least:g}..{most:g} {unit}".rstrip(), "give a number in this range")

    def not_negative(self, key: str, value: object, unit: str) -> None:
        if value is not None and not (is_number(value) and value >= 0.0):  # type: ignore[operator]
            self.add(key, value, f"a finite number, 0 or more [{unit}]", "give it as a positive number")


def _above_zero(value: object) -> bool:
    return is_number(value) and value > 0.0  # type: ignore[operator]


def _naming(kind: str, name: str) -> Where:
    return lambda key: f"{kind} {name}: {key}" if key else f"{kind} {name}"


def _nameof(inventory: Inventory, kind: str, place: int) -> str:
    entry = _lists(inventory)[kind][place]
    return entry.name or entry.id


def _lists(inventory: Inventory) -> dict[str, Sequence[Site | Asset | Group]]:
    return {"site": inventory.sites, "asset": inventory.assets, "group": inventory.groups}
