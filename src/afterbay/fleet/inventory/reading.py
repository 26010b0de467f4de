"""Reads `assets.yaml`: sites, assets and groups, or every problem with its line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from afterbay.core.errors import NotFoundError, Problems
from afterbay.core.units import one_way_efficiency
from afterbay.fleet.inventory.checks import check_asset, check_group, check_references, check_site
from afterbay.fleet.inventory.defaults import default_inventory
from afterbay.fleet.inventory.document import Entry, entry_of, read_entries
from afterbay.fleet.inventory.fields import FieldReader
from afterbay.fleet.inventory.records import ASSET_TYPES, Asset, Group, Inventory, Site, ThermalModel

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["find_inventory", "read_asset", "read_group", "read_inventory", "read_site"]

_SITE_KEYS: Final = (
    "id", "name", "location", "latitude", "longitude", "time_zone", "export_limit_mw", "import_limit_mw",
    "ramp_limit_mw_per_min",
)  # fmt: skip
_ASSET_KEYS: Final = (
    "id", "site_id", "name", "location", "asset_type", "capacity_mwhr", "max_mw", "min_mw", "efficiency",
    "round_trip_efficiency", "ramp_rate_mw_per_min", "min_soc_pct", "max_soc_pct", "reserve_soc_pct", "device",
    "efficiency_curve", "efficiency_soc_factors", "thermal", "details",
)  # fmt: skip
_GROUP_KEYS: Final = ("id", "name", "asset_ids")
_THERMAL_KEYS: Final = tuple(ThermalModel.__dataclass_fields__)


def find_inventory(environ: Mapping[str, str], cwd: Path) -> Path | None:
    """Return the assets file that is meant: `ASSETS_PATH`, else `assets.yaml` here, else one folder up.

    Args:
        environ: The process's environment.
        cwd: The working folder; relative paths start there.

    Returns:
        The path, or None when none is named and none is there: the default set is meant.

    Raises:
        NotFoundError: If `ASSETS_PATH` names a file that does not exist.
    """
    named = environ.get("ASSETS_PATH", "").strip()
    if named:
        path = cwd / named
        if not path.exists():
            raise NotFoundError(f"ASSETS_PATH names {path}, which does not exist -> correct it, or unset it")
        return path
    return next((path for path in (cwd / "assets.yaml", cwd.parent / "assets.yaml") if path.exists()), None)


def read_inventory(path: Path | None) -> Inventory:
    """Read an assets file, or return the default set when no path is given.

    Raises:
        NotFoundError: If the file does not exist.
        InvalidInputError: If anything in it is wrong: every problem, with line, key, got and allowed.
    """
    if path is None:
        return default_inventory()
    problems = Problems()
    entries = read_entries(Path(path), ("sites", "assets", "groups"), ("sites", "assets"), problems)
    inventory = Inventory(
        tuple(_site(entry, problems) for entry in entries["sites"]),
        tuple(_asset(entry, problems) for entry in entries["assets"]),
        tuple(_group(entry, problems) for entry in entries["groups"]),
    )
    check_references(inventory, lambda kind, place: entries[f"{kind}s"][place].where, problems)
    problems.raise_if_any()
    return inventory


def read_site(values: Mapping[str, object]) -> Site:
    """Return a site from the keys of the file; raises InvalidInputError with every problem."""
    problems = Problems()
    site = _site(entry_of("site", values), problems)
    problems.raise_if_any()
    return site


def read_asset(values: Mapping[str, object]) -> Asset:
    """Return an asset from the keys of the file; raises InvalidInputError with every problem."""
    problems = Problems()
    asset = _asset(entry_of("asset", values), problems)
    problems.raise_if_any()
    return asset


def read_group(values: Mapping[str, object]) -> Group:
    """Return a group from the keys of the file; raises InvalidInputError with every problem."""
    problems = Problems()
    group = _group(entry_of("group", values), problems)
    problems.raise_if_any()
    return group


def _site(entry: Entry, problems: Problems) -> Site:
    read = FieldReader(entry, _SITE_KEYS, problems)
    site = Site(
        id=read.uuid("id"),
        name=read.text("name"),
        location=read.text("location", ""),
        latitude=read.maybe_number("latitude", unit="degrees"),
        longitude=read.maybe_number("longitude", unit="degrees"),
        time_zone=read.text("time_zone", "UTC"),
        export_limit_mw=read.maybe_number("export_limit_mw", unit="MW"),
        import_limit_mw=read.maybe_number("import_limit_mw", unit="MW"),
        ramp_limit_mw_per_min=read.maybe_number("ramp_limit_mw_per_min", unit="MW/min"),
    )
    check_site(site, entry.where, problems, read.failed)
    return site


def _asset(entry: Entry, problems: Problems) -> Asset:
    read = FieldReader(entry, _ASSET_KEYS, problems)
    kind: Any = read.choice("asset_type", ASSET_TYPES, "storage")
    stores = kind == "storage"
    asset = Asset(
        id=read.uuid("id"),
        site_id=read.uuid("site_id"),
        name=read.text("name"),
        capacity_mwh=read.number("capacity_mwhr", None if stores else 0.0, unit="MWh"),
        max_mw=read.number("max_mw", 0.0 if kind == "ev" else None, unit="MW"),
        min_mw=read.number("min_mw", 0.0 if kind in ("pv", "wind") else None, unit="MW"),
        efficiency=_efficiency(read, needed=stores),
        ramp_rate_mw_per_min=read.number("ramp_rate_mw_per_min", None if stores else 1000.0, unit="MW/min"),
        min_soc_pct=read.number("min_soc_pct", 0.0, unit="%"),
        max_soc_pct=read.number("max_soc_pct", 100.0, unit="%"),
        reserve_soc_pct=read.maybe_number("reserve_soc_pct", unit="%"),
        asset_type=kind,
        location=read.text("location", ""),
        device=read.text("device", "sim:"),
        efficiency_curve=read.pairs("efficiency_curve"),
        efficiency_soc_factors=read.pairs("efficiency_soc_factors"),
        thermal=_thermal(read, problems),
        details=read.mapping("details"),
    )
    check_asset(asset, entry.where, problems, read.failed)
    return asset


def _efficiency(read: FieldReader, *, needed: bool) -> float:
    if not read.has("round_trip_efficiency"):
        return read.number("efficiency", None if needed else 1.0)
    round_trip = read.number("round_trip_efficiency", 1.0)
    if read.has("efficiency"):
        read.note("efficiency", "both efficiency and round_trip_efficiency", "one of the two",
                  "efficiency is one way, its square is the round trip")  # fmt: skip
        return 1.0
    if "round_trip_efficiency" in read.failed:
        return 1.0
    if not 0.0 < round_trip <= 1.0:
        percent = 1.0 < round_trip <= 100.0
        move = f"did you mean {round_trip / 100:g}?" if percent else "0.85, for example"
        read.note("round_trip_efficiency", round_trip, "a fraction above 0, up to 1", move)
        return 1.0
    return one_way_efficiency(round_trip)


def _thermal(read: FieldReader, problems: Problems) -> ThermalModel | None:
    if "thermal" not in read.entry.fields or not read.has("thermal"):
        return None
    values = read.mapping("thermal")
    if "thermal" in read.failed:
        return None
    outer = read.entry
    inner = entry_of("thermal", values)
    where = outer.where("thermal")
    found = Problems()
    fields = FieldReader(inner, _THERMAL_KEYS, found)
    usual = ThermalModel()
    model = ThermalModel(**{key: fields.number(key, getattr(usual, key)) for key in _THERMAL_KEYS})
    for problem in found.found:
        problems.add(f"{where}: {problem.where}", problem.got, problem.allowed, problem.next_move)
    if fields.failed:
        read.failed.add("thermal")
    return model


def _group(entry: Entry, problems: Problems) -> Group:
    read = FieldReader(entry, _GROUP_KEYS, problems)
    group = Group(
        id=read.uuid("id"),
        name=read.text("name"),
        asset_ids=tuple(asset_id.strip().lower() for asset_id in read.texts("asset_ids")),
    )
    check_group(group, entry.where, problems, read.failed)
    return group
