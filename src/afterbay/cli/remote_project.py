"""A project file on its way to a server: its profiles first, each content once, then its answers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.profiles import read_profile, resample
from afterbay.sizing.project.document import read_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterbay.client import BESSAPIClient
    from afterbay.sizing.project import Project

__all__ = ["Brought", "bring_project"]

_SECTIONS: Final = ("setup_config", "rules_config", "sizing_config")
_KINDS: Final = ("load", "solar")
_PLAIN: Final = ("description", "customer_reference")


@dataclass(frozen=True, slots=True, eq=False)
class Brought:
    """A project file as it stands on the server now."""

    project: dict[str, Any]
    told: tuple[str, ...]
    """What was done, in sentences."""


def bring_project(client: BESSAPIClient, project: Project, overrides: Mapping[str, Any]) -> Brought:
    """Bring a project file to the server: a project of yours of the same name gets its answers, else one is made.

    Args:
        client: Whose server.
        project: The file as it was read and checked here.
        overrides: What the user set in place of the file.

    Raises:
        InvalidInputError: If it cannot be brought: weather of this machine, or two projects of that name.
    """
    values = read_document(project.path).with_overrides(overrides).values
    setup = dict(values.get("setup_config") or {})
    if setup.get("weather_file") is not None:
        place = "setup_config.weather_file"
        move = "build the sun with `afterbay profile`, and name it as solar_file"
        raise InvalidInputError(Problem(place, str(setup["weather_file"]), "a profile for a remote run", move))
    told: list[str] = []
    fields: dict[str, Any] = {f"{kind}_profile_id": None for kind in _KINDS}
    for kind in _KINDS:
        file, options = setup.pop(f"{kind}_file", None), setup.pop(f"{kind}_import", None) or {}
        if file is None or not _is_used(kind, setup):
            continue
        profile, is_new = _bring_profile(client, project.path.parent / file, kind, options)
        told.append(f"{kind}: {file} {'is uploaded' if is_new else 'is there already'} (profile {profile['id']})")
        fields[f"{kind}_profile_id"] = profile["id"]
    fields |= {name: dict(values.get(name) or {}) for name in _SECTIONS} | {"setup_config": setup}
    fields |= {name: values[name] for name in _PLAIN if values.get(name) is not None}
    found, what = _put(client, project.name, fields, values.get("costs"))
    told.append(f"project {project.name!r} {what} (version {found['version']})")
    return Brought(found, tuple(told))


def _is_used(kind: str, setup: Mapping[str, Any]) -> bool:
    if kind == "load":
        return setup.get("load_mode") == "csv"
    return setup.get("solar_source") in (None, "csv")


def _put(
    client: BESSAPIClient, name: str, fields: dict[str, Any], costs: Mapping[str, Any] | None
) -> tuple[dict[str, Any], str]:
    """Give the project of that name these answers, or make it; returns it, and what was done."""
    same = [one for one in client.list_projects(whose="mine", q=name) if one["name"] == name]
    if len(same) > 1:
        ids = ", ".join(one["id"] for one in same)
        move = "name the file's project otherwise, or delete one: afterbay project delete ID"
        raise InvalidInputError(Problem("name", f"{name!r}, of which you have {len(same)}: {ids}", "one project", move))
    if not same:
        finance = {"financial_config": {"costs": dict(costs)}} if costs else {}
        return client.create_project(name, **fields, **finance), "is made"
    before = client.get_project(same[0]["id"])
    finance = {key: value for key, value in (before["financial_config"] or {}).items() if key != "costs"}
    finance |= {"costs": dict(costs)} if costs else {}
    wanted = {**fields, "financial_config": finance}
    changed = {key: value for key, value in wanted.items() if _answers(before[key]) != _answers(value)}
    if not changed:
        return before, "is unchanged"
    return client.update_project(before["id"], **changed), "has the file's answers; its versions keep those before"


def _answers(value: Any) -> Any:
    """Return what is compared: nothing and an empty section are the same, and the server's own keys do not count."""
    if isinstance(value, dict):
        value = {key: one for key, one in value.items() if key != "inferred_template"}
    return value or None


def _bring_profile(
    client: BESSAPIClient, path: Path, kind: str, options: Mapping[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Return the profile of a file on the server, and whether it had to be sent."""
    given = dict(options)
    step = given.pop("resample_h", None)
    profile = read_profile(path, quantity=kind, **given)  # type: ignore[arg-type]
    if step is not None:
        profile = resample(profile, float(step))
    digest = hashlib.sha256(np.ascontiguousarray(profile.values, dtype="<f8").tobytes()).hexdigest()

    def is_same(there: Mapping[str, Any]) -> bool:
        begins = None if there["starts_at"] is None else datetime.fromisoformat(there["starts_at"])
        return bool(there["values_hash"] == digest and there["dt_h"] == profile.dt_h and begins == profile.start)

    known = next((one for one in client.list_profiles(profile_type=kind) if is_same(one)), None)
    if known is not None:
        return known, False
    sent = client.upload_profile(path, kind, **options)
    if sent["values_hash"] != digest:
        why = "other values than were read here"
        move = "bring both to the same version: afterbay version"
        raise InvalidInputError(Problem(str(path), why, "the same values there and here", move))
    return sent, True
