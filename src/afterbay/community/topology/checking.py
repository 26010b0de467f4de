"""All that is wrong or doubtful in a grid, at once, each with its place and the next move."""

from __future__ import annotations

import re
import zoneinfo
from typing import TYPE_CHECKING, Final

from afterbay.community.topology.bounds import LONGEST_DISPLAY_NAME, LONGEST_NAME, MOST_LEVELS
from afterbay.community.topology.findings import Findings
from afterbay.community.topology.node_checks import check_bounds, check_house, check_transformer
from afterbay.community.topology.suggestions import suggest
from afterbay.community.topology.tariff_checks import check_tariff
from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection

    from afterbay.community.topology.findings import Finding
    from afterbay.community.topology.records import Grid, House

__all__ = ["check_grid", "require_ready"]

_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_KEYS_TOLERANCE: Final = 1e-6


def check_grid(grid: Grid, profile_names: Collection[str] | None = None) -> tuple[Finding, ...]:
    """Return all that is wrong or doubtful in a grid, errors first; nothing means ready.

    Args:
        grid: Any grid, however broken its values are.
        profile_names: Profiles that exist; None: the names of profiles are not checked.
    """
    findings = Findings()
    _check_names(grid, findings)
    _check_grid_fields(grid, findings)
    for name, tariff in grid.tariffs.items():
        check_tariff(grid.name, name, tariff, findings)
    for transformer, _ in grid.every_transformer():
        check_transformer(transformer, findings)
    houses = [house for house, _ in grid.every_house()]
    if not houses:
        findings.error(grid.name, "houses", "none", "at least one house", "add a house")
    for house in houses:
        check_house(house, findings)
        if house.tariff is not None and house.tariff not in grid.tariffs:
            move = suggest(house.tariff, grid.tariffs, "add it to the tariffs of the grid")
            findings.error(house.name, "tariff", house.tariff, "a tariff of the grid", move)
    _check_priority(grid, houses, findings)
    _check_keys(grid, houses, findings)
    if profile_names is not None:
        _check_profiles(houses, profile_names, findings)
    return findings.found


def require_ready(grid: Grid, profile_names: Collection[str] | None = None) -> None:
    """Refuse a grid with errors; warnings do not stop a run.

    Raises:
        InvalidInputError: With every error that `check_grid` finds.
    """
    errors = [finding.problem for finding in check_grid(grid, profile_names) if finding.severity == "error"]
    if errors:
        raise InvalidInputError(errors)


def _check_names(grid: Grid, findings: Findings) -> None:
    parents: dict[str, str] = {}
    shown: dict[str, str] = {}
    levels = {grid.name: 0}
    nodes = [(grid.name, grid.display_name, "")]
    for transformer, parent in grid.every_transformer():
        nodes.append((transformer.name, transformer.display_name, parent))
        level = levels[transformer.name] = levels[parent] + 1
        if level == MOST_LEVELS + 1:
            findings.error(transformer.name, "", f"level {level}", f"at most {MOST_LEVELS} levels of transformers",
                           "check the parents")  # fmt: skip
    nodes.extend((house.name, house.display_name, parent) for house, parent in grid.every_house())
    for name, display_name, parent in nodes:
        if not _is_name(name, LONGEST_NAME) or not name:
            findings.error(str(name), "name", name, f"1..{LONGEST_NAME} printable characters", "give it another name")
        if name in parents:
            place = f"{name!r} below {parents[name] or 'nothing'} and below {parent}"
            findings.error(name, "name", place, "every name once", "rename one of them")
        parents.setdefault(name, parent)
        if not _is_name(display_name, LONGEST_DISPLAY_NAME):
            allowed = f"at most {LONGEST_DISPLAY_NAME} printable characters"
            findings.error(name, "display_name", display_name, allowed, "shorten it")
        elif display_name and shown.setdefault(display_name, name) != name:
            got = f"{display_name!r}, as {shown[display_name]}"
            findings.warn(name, "display_name", got, "a name that tells nodes apart", "rename one of them")


def _is_name(name: object, most: int) -> bool:
    return isinstance(name, str) and len(name) <= most and name.isprintable() and name == name.strip()


def _check_grid_fields(grid: Grid, findings: Findings) -> None:
    check_bounds(grid.name, "", grid, findings)
    if not _CURRENCY.match(str(grid.currency)):
        findings.error(grid.name, "currency", grid.currency, "three capital letters (ISO 4217)", "EUR, for example")
    try:
        zoneinfo.ZoneInfo(grid.time_zone)
    except (KeyError, ValueError, OSError, TypeError, AttributeError):
        move = suggest(grid.time_zone, sorted(zoneinfo.available_timezones()), "Europe/Berlin, for example")
        findings.error(grid.name, "time_zone", grid.time_zone, "an IANA time zone", move)
    if (grid.latitude is None) != (grid.longitude is None):
        missing = "latitude" if grid.latitude is None else "longitude"
        findings.error(grid.name, missing, "nothing", "both latitude and longitude, or neither", "give the other one")
    if not grid.tariffs:
        findings.warn(grid.name, "tariffs", "none", "at least one tariff, to settle a run", "add a tariff")


def _check_priority(grid: Grid, houses: list[House], findings: Findings) -> None:
    worn = {(flag.type, flag.value) for house in houses for flag in house.flags if flag.active}
    seen: set[tuple[str, str]] = set()
    for place, entry in enumerate(grid.priority):
        where = f"priority[{place}]"
        if len(entry) != 2 or not all(isinstance(part, str) for part in entry):
            findings.error(grid.name, where, entry, "a flag as (type, value)", 'write ["Priority", "Hospital"]')
            continue
        flag = (entry[0], entry[1])
        words = "=".join(flag)
        if flag in seen:
            findings.error(grid.name, where, f"{words} again", "every flag once", "remove one of them")
        elif flag not in worn:
            move = suggest(words, sorted("=".join(other) for other in worn), "set it on a house, or drop it here")
            findings.error(grid.name, where, words, "a flag that a house carries and that is active", move)
        seen.add(flag)


def _check_keys(grid: Grid, houses: list[House], findings: Findings) -> None:
    keys = [house.key for house in houses if house.key is not None]
    if not keys or not all(is_number(key) for key in keys):
        return
    total = sum(keys)
    if abs(total - 1.0) > _KEYS_TOLERANCE:
        got = f"{total:.9g} from {len(keys)} of {len(houses)} houses"
        move = "did you mean percent? Then divide by 100" if abs(total - 100.0) < 0.01 else "scale the keys"
        findings.error(grid.name, "houses.key", got, "shares that add up to 1", move)


def _check_profiles(houses: list[House], profile_names: Collection[str], findings: Findings) -> None:
    known = frozenset(profile_names)
    for house in houses:
        for kind in ("loads", "solar", "wind", "cars"):
            for place, device in enumerate(getattr(house, kind)):
                if device.profile not in known:
                    move = suggest(device.profile, known, "make this profile, or name another one")
                    findings.error(
                        house.name, f"{kind}[{place}].profile", device.profile, "a profile that exists", move
                    )
