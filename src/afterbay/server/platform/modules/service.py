"""What a role may do in a module, and how much of it: enforced here, shown to the user."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from afterbay.core.errors import Problems, QuotaError, TooLargeError
from afterbay.server.platform.modules.manifest import QUOTAS, Manifest, find_manifest, manifests
from afterbay.server.platform.modules.repository import QuotaRepository

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.principal import Principal

__all__ = [
    "ModuleView",
    "Quotas",
    "Usage",
    "check_file_size",
    "check_quota",
    "find_manifest",
    "list_modules",
    "manifests",
    "permissions_of",
    "read_overrides",
]

Counter = Callable[["Session", UUID], tuple[int, int | None]]
"""Gives how much a user used, and in how many seconds there is more of it."""

Near = Callable[["Session", "Principal", str, str, int, int], None]
"""Told that a user comes near a quota: session, user, module, quota, used with this one, most."""

_MB: Final = 1_000_000
_NEAR_FRACTION: Final = 0.9
_WORDS: Final = {"max_projects_per_user": "projects", "max_simulations_per_day": "simulations a day"}


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a quota somebody used."""

    quota: str
    most: int
    used: int | None
    """None: it is no amount that adds up (the size of a file)."""


@dataclass(frozen=True, slots=True)
class ModuleView:
    """A module as one user sees it."""

    manifest: Manifest
    permissions: frozenset[str]
    usage: tuple[Usage, ...]


class Quotas:
    """The quotas of all modules, as the manifests say or as the operator of this server set them."""

    def __init__(self, overrides: Mapping[tuple[str, str], int] | None = None) -> None:
        self._overrides = dict(overrides or {})
        self._counters: dict[tuple[str, str], Counter] = {}
        self.on_near: Near | None = None

    def count_by(self, module: str, quota: str, counter: Counter) -> None:
        """Let a module say how its use of a quota is counted."""
        self._counters[module, quota] = counter

    def most(self, module: str, quota: str) -> int:
        """Return the limit.

        Raises:
            NotFoundError: If there is no such module.
        """
        return self._overrides.get((module, quota), find_manifest(module).resources[quota])

    def usage(self, session: Session, user_id: UUID, module: str) -> tuple[Usage, ...]:
        """Return how much a user used of every quota of a module."""
        found = []
        for quota in QUOTAS:
            counter = self._counters.get((module, quota))
            used = counter(session, user_id)[0] if counter else None
            found.append(Usage(quota, self.most(module, quota), used))
        return tuple(found)


def read_overrides(text: str) -> dict[tuple[str, str], int]:
    """Return limits written as `bess-sizing.max_projects_per_user=20`, separated by commas.

    Raises:
        InvalidInputError: If one cannot be read or names what does not exist.
    """
    found: dict[tuple[str, str], int] = {}
    problems = Problems()
    for entry in (part.strip() for part in text.split(",") if part.strip()):
        name, _, value = (part.strip() for part in entry.partition("="))
        module, _, quota = name.rpartition(".")
        if module not in manifests() or quota not in QUOTAS or not value.isdecimal():
            allowed = f"MODULE.QUOTA=NUMBER; modules {', '.join(manifests())}; quotas {', '.join(QUOTAS)}"
            problems.add("AFTERBAY_QUOTAS", entry, allowed)
            continue
        found[module, quota] = int(value)
    problems.raise_if_any()
    return found


def permissions_of(module: str, role: str) -> frozenset[str]:
    """Return what a role of a module may do; nothing, if either does not exist."""
    manifest = manifests().get(module)
    return manifest.permissions_of(role) if manifest else frozenset()


def check_quota(session: Session, principal: Principal, module: str, quota: str, quotas: Quotas) -> None:
    """Refuse what would go beyond a quota that adds up.

    The user's uses of a quota wait for each other until their transactions end, so that two requests at once
    cannot both take the last one.

    Raises:
        QuotaError: If it is used up.
        NotFoundError: If there is no such module.
    """
    counter = quotas._counters.get((module, quota))  # noqa: SLF001 - the class beside it
    if counter is None:
        return
    QuotaRepository(session).wait_in_line(f"{module}.{quota}.{principal.id}")
    used, again_s = counter(session, principal.id)
    most = quotas.most(module, quota)
    if used >= most:
        move = "try again when the day is over (UTC)" if again_s is not None else "delete some that you do not need"
        words = _WORDS.get(quota, quota)
        raise QuotaError(
            f"you used {used} of {most} {words} ({quota}) -> {move}, or ask an administrator for more",
            retry_after_s=again_s,
        )
    # Once: with the use that crosses the mark, not with every one after it.
    if quotas.on_near is not None and most > 1 and used + 1 == math.ceil(_NEAR_FRACTION * most):
        quotas.on_near(session, principal, module, quota, used + 1, most)


def check_file_size(size_bytes: int, module: str, quotas: Quotas) -> None:
    """Refuse a file that is larger than a module takes.

    Raises:
        TooLargeError: If it is.
        NotFoundError: If there is no such module.
    """
    most = quotas.most(module, "max_file_size_mb")
    if size_bytes > most * _MB:
        raise TooLargeError(
            f"the file has {size_bytes / _MB:,.1f} MB, at most {most} MB are taken (max_file_size_mb) "
            "-> send a smaller one"
        )


def list_modules(session: Session, principal: Principal, quotas: Quotas) -> list[ModuleView]:
    """Return the modules that somebody may read, with what they may do there and how much is left."""
    found = []
    for manifest in manifests().values():
        actions: set[str] = {action for role in manifest.roles.values() for action in role.permissions}
        allowed = frozenset(action for action in actions if principal.may(manifest.id, action))
        if "read" in allowed:
            found.append(ModuleView(manifest, allowed, quotas.usage(session, principal.id, manifest.id)))
    return found
