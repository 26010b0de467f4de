"""Whether a project still says what a run was made from, and what changed since, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import afterbay
from afterbay.core.errors import AfterbayError
from afterbay.server.sizing.service.projects_money import finance_of, projection_of
from afterbay.server.sizing.service.runs_project import NAMES, Options, answers_of, complete, merged, with_size

if TYPE_CHECKING:
    from afterbay.server.sizing.tables import Project as ProjectRow

__all__ = ["Change", "Staleness", "staleness_of"]


@dataclass(frozen=True, slots=True)
class Change:
    """One input that is no longer what it was."""

    pointer: str
    """Its place, such as `/setup/bess_efficiency`."""
    then: Any
    """What the run was made with."""
    now: Any
    """What the project says."""

    def __str__(self) -> str:
        return f"{self.pointer.removeprefix('/').replace('/', '.')}: {_shown(self.then)} -> {_shown(self.now)}"


@dataclass(frozen=True, slots=True)
class Staleness:
    """How a run stands to its project as it is now."""

    changes: tuple[Change, ...]
    made_by: str
    """Version of afterbay that made the run."""

    @property
    def is_stale(self) -> bool:
        """Did inputs change since the run?"""
        return bool(self.changes)

    @property
    def lines(self) -> list[str]:
        """What a reader must know, in sentences; nothing while all is as it was."""
        found = []
        if self.changes:
            names = ", ".join(str(change) for change in self.changes)
            found.append(f"Inputs changed since this run: {names}. These results are of the earlier inputs, run again.")
        if self.made_by != afterbay.__version__:
            found.append(f"This run was made by afterbay {self.made_by}, this is {afterbay.__version__}.")
        return found


def staleness_of(snapshot: Mapping[str, Any], row: ProjectRow, profile_hashes: Mapping[str, str | None]) -> Staleness:
    """Compare what a run was made from with what its project says now.

    What the run's own request overrode counts as unchanged.

    Args:
        snapshot: `config_snapshot` of the run.
        row: The project as it is now.
        profile_hashes: Of the project's profiles as they are now: `load`, `solar`; None: there is none.
    """
    options = Options(**snapshot.get("options", {}))
    now = merged(answers_of(row), snapshot.get("override", {}))
    # A generator that is gone is among the changes of the setup.
    with suppress(AfterbayError):
        now = with_size(now, options)
    if options.years is not None:
        now["financial_config"] = {**(now["financial_config"] or {}), "project_life_years": options.years}
    changes: list[Change] = []
    for name, short in NAMES.items():
        then, today = snapshot[short], complete(name, now[name])
        if name == "financial_config" and _same_money(then, today):
            continue
        changes += _differences(f"/{short}", then, today)
    for kind in ("load", "solar"):
        before = snapshot["profiles"][kind]
        was, today_id = (before or {}).get("id"), getattr(row, f"{kind}_profile_id")
        current = None if today_id is None else str(today_id)
        if was != current:
            changes.append(Change(f"/{kind}_profile_id", was, current))
        elif before and profile_hashes.get(kind) != before["sha256"]:
            changes.append(Change(f"/{kind}_profile_id", "the profile as it was", "changed, or deleted"))
    return Staleness(tuple(changes), snapshot["run"]["afterbay"])


def _differences(place: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    for key in {**then, **now}:
        before, after = then.get(key), now.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _differences(f"{place}/{key}", before, after)
        elif before != after:
            yield Change(f"{place}/{key}", before, after)


def _same_money(then: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Do two configurations mean the same, whichever defaults are written out?"""
    try:
        return finance_of(then) == finance_of(now) and projection_of(then) == projection_of(now)
    except AfterbayError:
        return False


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return f"{value:g}" if isinstance(value, float) else str(value)
