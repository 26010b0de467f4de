"""`afterbay fleet assets validate, apply`: a file of sites, assets and groups, checked, and put into a headend."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from afterbay.cli import numbers, output
from afterbay.cli.failures import INTERRUPTED
from afterbay.fleet.inventory import read_inventory, to_entry

if TYPE_CHECKING:
    from afterbay.client import Fleet
    from afterbay.fleet.inventory import Inventory

__all__ = ["apply_file", "validate_file"]

_KINDS = ("site", "asset", "group")


@dataclass(frozen=True, slots=True)
class _Step:
    """One request to the headend."""

    verb: str
    """add, replace or remove."""
    kind: str
    id: str
    name: str
    body: Mapping[str, Any] | None = None


def validate_file(file: Path, *, as_json: bool) -> None:
    """Check a file; nothing is changed, no headend is asked.

    Raises:
        NotFoundError: If it does not exist.
        InvalidInputError: With every problem: line, key, got, allowed.
    """
    inventory = read_inventory(file)
    batteries = [asset for asset in inventory.assets if asset.asset_type == "storage"]
    figures = {
        "sites": len(inventory.sites),
        "assets": len(inventory.assets),
        "groups": len(inventory.groups),
        "storage_mwh": sum(asset.capacity_mwh for asset in batteries),
        "storage_mw": sum(asset.max_mw for asset in batteries),
    }
    if as_json:
        output.json_document({"valid": True, "file": str(file), **figures})
        return
    lists = {"site": inventory.sites, "asset": inventory.assets, "group": inventory.groups}
    sizes = f"{numbers.energy(figures['storage_mwh'])}, {numbers.power(figures['storage_mw'])} of batteries"
    output.lines(
        [f"{file} is valid: {', '.join(_count(len(entries), kind) for kind, entries in lists.items())}, {sizes}"]
    )


def apply_file(fleet: Fleet, file: Path, *, prune: bool, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Make the headend operate what a file says; what is not in the file stays unless `prune` is given.

    Raises:
        InvalidInputError: If the file is wrong; then nothing is changed.
    """
    steps = _plan(fleet, read_inventory(file), prune=prune)
    removed = [step for step in steps if step.verb == "remove"]
    ask = bool(removed) and not yes and not dry_run and output.is_terminal(sys.stdin) and output.is_terminal()
    if ask and not typer.confirm(f"{', '.join(step.name for step in removed)} would be removed. Go on?", err=True):
        output.note("nothing was changed")
        raise typer.Exit(INTERRUPTED)
    if not dry_run:
        for step in steps:
            _send(fleet, step)
    if as_json:
        rows = [{"verb": step.verb, "kind": step.kind, "id": step.id, "name": step.name} for step in steps]
        output.json_document({"applied": not dry_run, "steps": rows})
        return
    would = "would " if dry_run else ""
    output.lines([f"{would}{step.verb} {step.kind} {step.name}" for step in steps] or ["nothing to change"])


def _plan(fleet: Fleet, wanted: Inventory, *, prune: bool) -> list[_Step]:
    """Sites come before their assets and assets before their groups; what goes, goes the other way round."""
    there: dict[str, dict[str, Mapping[str, Any]]] = {
        "site": {str(row.get("site_id")): row for row in fleet.sites()},
        "asset": {asset.id: asset.document for asset in fleet.assets()},
        "group": {str(row.get("id")): row for row in fleet.groups()},
    }
    records: dict[str, Sequence[Any]] = {
        "site": wanted.sites, "asset": wanted.assets, "group": wanted.groups,
    }  # fmt: skip
    steps = []
    for kind in _KINDS:
        for record in records[kind]:
            entry = to_entry(record)
            known = there[kind].get(record.id)
            if known is None:
                steps.append(_Step("add", kind, record.id, record.name, entry))
            elif _differs(kind, record, known):
                steps.append(_Step("replace", kind, record.id, record.name, entry))
    for kind in reversed(_KINDS) if prune else ():
        kept = {record.id for record in records[kind]}
        gone = [(identity, row) for identity, row in there[kind].items() if identity not in kept]
        steps += [_Step("remove", kind, identity, _name(kind, row, identity)) for identity, row in gone]
    return steps


_SHOWN = {
    "site": {"name": "site_name", "location": "location", "latitude": "latitude", "longitude": "longitude",
             "time_zone": "time_zone", "export_limit_mw": "export_limit_mw", "import_limit_mw": "import_limit_mw",
             "ramp_limit_mw_per_min": "ramp_limit_mw_per_min"},
    "asset": {"site_id": "site_id", "name": "name", "asset_type": "asset_type", "capacity_mwh": "capacity_mwhr",
              "max_mw": "max_mw", "min_mw": "min_mw", "efficiency": "efficiency",
              "ramp_rate_mw_per_min": "ramp_rate_mw_per_min", "min_soc_pct": "min_soc_pct",
              "max_soc_pct": "max_soc_pct", "reserve_soc_pct": "reserve_soc_pct"},
    "group": {"name": "name"},
}  # fmt: skip


def _differs(kind: str, record: Any, row: Mapping[str, Any]) -> bool:
    if any(getattr(record, field) != row.get(key) for field, key in _SHOWN[kind].items()):
        return True
    if kind == "group":
        return list(record.asset_ids) != list(row.get("asset_ids") or ())
    if kind != "asset":
        return False
    # The headend does not tell these; an asset that has them is written anew, which changes nothing if they are equal.
    untold = record.details or record.thermal or record.efficiency_curve or record.efficiency_soc_factors
    device, query, _ = record.device.partition("?")
    return bool(untold or query or device != row.get("device", device))


def _send(fleet: Fleet, step: _Step) -> None:
    path = f"/{step.kind}s"
    if step.verb == "add":
        fleet.connection.ask("POST", path, body=step.body)
    elif step.verb == "replace":
        fleet.connection.ask("PUT", f"{path}/{step.id}", body=step.body)
    else:
        fleet.connection.ask("DELETE", f"{path}/{step.id}")


def _count(number: int, kind: str) -> str:
    return f"{number} {kind}{'' if number == 1 else 's'}"


def _name(kind: str, row: Mapping[str, Any], identity: str) -> str:
    return str(row.get(f"{kind}_name") or row.get("name") or identity)
