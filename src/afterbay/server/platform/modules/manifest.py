"""Reads `module.yaml`: what a module is, what its roles may do, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from afterbay.core.errors import InvalidInputError, NotFoundError, Problems

__all__ = ["QUOTAS", "Manifest", "Role", "find_manifest", "manifests", "read_manifest"]

_SLICES: Final = ("sizing", "community", "fleet")
QUOTAS: Final = ("max_projects_per_user", "max_simulations_per_day", "max_file_size_mb")
_TEXTS: Final = ("id", "name", "version", "description", "author", "icon", "category")
_INTEGRATION: Final = ("type", "entry_point", "api_prefix", "ui_framework")
_ACTIONS: Final = ("create", "read", "update", "delete", "export", "manage_users", "dispatch")


@dataclass(frozen=True, slots=True)
class Role:
    """A role of a module and what it may do."""

    name: str
    display_name: str
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A module as its file describes it."""

    id: str
    name: str
    version: str
    description: str
    author: str
    icon: str
    category: str
    integration: Mapping[str, str]
    roles: Mapping[str, Role]
    dependencies: tuple[str, ...]
    resources: Mapping[str, int]
    """Quotas by name."""

    def permissions_of(self, role: str) -> frozenset[str]:
        """Return what a role may do; a role that this module does not know may do nothing."""
        found = self.roles.get(role)
        return found.permissions if found else frozenset()


@cache
def manifests() -> Mapping[str, Manifest]:
    """Return the manifest of every module, by its id, in the order of the product.

    Raises:
        InvalidInputError: If a file is wrong, with every problem of it.
    """
    found = {}
    for name in _SLICES:
        path = files("afterbay.server") / name / "module.yaml"
        if path.is_file():
            manifest = read_manifest(path.read_text(encoding="utf-8"), where=f"{name}/module.yaml")
            found[manifest.id] = manifest
    return found


def read_manifest(text: str, *, where: str = "module.yaml") -> Manifest:
    """Return a manifest from its text.

    Raises:
        InvalidInputError: With every problem found.
    """
    problems = Problems()
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _broken(where, error) from None
    if not isinstance(document, dict):
        problems.add(where, type(document).__name__, "a mapping", "begin with `id: ...`")
        problems.raise_if_any()
    texts = {name: document.get(name) for name in _TEXTS}
    for name, value in texts.items():
        if not isinstance(value, str) or not value:
            problems.add(f"{where}: {name}", value, "a text")
    integration = _mapping(document, "integration", where, problems)
    for name in _INTEGRATION:
        if not isinstance(integration.get(name), str):
            problems.add(f"{where}: integration.{name}", integration.get(name), "a text")
    resources = _mapping(document, "resources", where, problems)
    for name in QUOTAS:
        if not isinstance(resources.get(name), int) or isinstance(resources.get(name), bool) or resources[name] < 0:
            problems.add(f"{where}: resources.{name}", resources.get(name), "a whole number, 0 or more")
    roles = _roles(document.get("roles"), where, problems)
    problems.raise_if_any()
    return Manifest(
        **{name: str(value) for name, value in texts.items()},
        integration={str(name): str(value) for name, value in integration.items()},
        roles=roles,
        dependencies=tuple(document.get("dependencies") or ()),
        resources={name: int(resources[name]) for name in QUOTAS},
    )


def find_manifest(module: str) -> Manifest:
    """Return the manifest of a module.

    Raises:
        NotFoundError: If there is no such module.
    """
    try:
        return manifests()[module]
    except KeyError:
        raise NotFoundError(f"there is no module {module!r} -> one of {', '.join(manifests())}") from None


def _broken(where: str, error: yaml.YAMLError) -> InvalidInputError:
    problems = Problems()
    problems.add(where, str(error).splitlines()[0], "YAML")
    return InvalidInputError(problems.found)


def _mapping(document: Mapping[str, Any], name: str, where: str, problems: Problems) -> dict[str, Any]:
    value = document.get(name)
    if isinstance(value, dict):
        return value
    problems.add(f"{where}: {name}", value, "a mapping")
    return {}


def _roles(value: Any, where: str, problems: Problems) -> dict[str, Role]:
    roles: dict[str, Role] = {}
    if not isinstance(value, list) or not value:
        problems.add(f"{where}: roles", value, "a list of roles")
        return roles
    for number, one in enumerate(value):
        place = f"{where}: roles[{number}]"
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            problems.add(place, one, "name, display_name, permissions")
            continue
        given = one.get("permissions")
        unknown = [word for word in given if word not in _ACTIONS] if isinstance(given, list) else [given]
        if unknown:
            problems.add(f"{place}.permissions", unknown, f"some of {', '.join(_ACTIONS)}")
            continue
        if one["name"] in roles:
            problems.add(place, one["name"], "each role once")
        roles[one["name"]] = Role(one["name"], str(one.get("display_name") or one["name"]), frozenset(given or ()))
    return roles
