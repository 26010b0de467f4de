"""Change a community from the command line: nodes and profiles."""

from __future__ import annotations

import inspect
import json
import os
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afterbay.cli.communityfolder import (
    grid_path,
    load_grid,
    load_profiles,
    load_recipes,
    save_grid,
    save_profiles,
    save_recipes,
)
from afterbay.cli.numbers import percent, plain
from afterbay.core.errors import ConflictError, InvalidInputError, NotFoundError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from afterbay.community.topology import Grid

__all__ = [
    "add_nodes",
    "add_profile",
    "change",
    "fill_profiles",
    "preview_lines",
    "profile_lines",
    "profile_preview",
    "profile_rows",
    "remove_profiles",
    "set_node",
    "source_lines",
]

_BARS = " ▁▂▃▄▅▆▇█"


def read_fields(settings: Iterable[str]) -> dict[str, Any]:
    """Read `field=value` words; a value that is no JSON is text.

    Raises:
        InvalidInputError: If a word has no equals sign.
    """
    found: dict[str, Any] = {}
    for word in settings:
        field, sign, text = word.partition("=")
        if not (sign and field):
            raise InvalidInputError(Problem("--set", repr(word), "field=value", "such as rated_kw=100"))
        try:
            found[field] = json.loads(text)
        except ValueError:
            found[field] = text
    return found


def change(community: Path, edit: Callable[[Grid], Grid], *, dry_run: bool) -> list[str]:
    """Edit the grid of a community; returns what changed, in words."""
    from afterbay.community.topology import check_grid, compare_grids

    before = load_grid(community)
    after = edit(before)
    told = str(compare_grids(before, after)).splitlines()
    known = {str(finding) for finding in check_grid(before)}
    told += [str(finding) for finding in check_grid(after) if str(finding) not in known]
    if dry_run:
        return [*told, "nothing was written (--dry-run)"]
    save_grid(after, community)
    return told


def add_nodes(
    community: Path,
    kind: str,
    parent: str | None,
    display_name: str,
    settings: list[str],
    like: str | None,
    count: int,
    *,
    dry_run: bool,
) -> list[str]:
    """Add a transformer or houses."""
    from afterbay.community.topology import GridDraft, add_houses_like

    fields = read_fields(settings) | ({"display_name": display_name} if display_name else {})
    if kind not in ("transformer", "house"):
        raise InvalidInputError(Problem("KIND", repr(kind), "transformer or house", "choose one of them"))
    if like is not None:
        if kind != "house" or fields:
            raise InvalidInputError(
                Problem("--like", like, "a house, without other fields", "copy first, then `node set`")
            )
        return change(community, lambda grid: add_houses_like(grid, like, count, parent=parent), dry_run=dry_run)

    def added(grid: Grid) -> Grid:
        draft = GridDraft(grid)
        add = draft.add_transformer if kind == "transformer" else draft.add_house
        for number in range(1, count + 1):
            shown = f"{display_name} {number}" if display_name and count > 1 else display_name
            add(parent or grid.name, **fields | ({"display_name": shown} if shown else {}))
        return draft.freeze()

    return change(community, added, dry_run=dry_run)


def set_node(community: Path, node: str, settings: list[str], *, dry_run: bool) -> list[str]:
    """Set fields of a node."""
    from afterbay.community.topology import set_fields

    fields = read_fields(settings)
    return change(community, lambda grid: set_fields(grid, node, **fields), dry_run=dry_run)


def add_profile(community: Path, name: str, source: str, settings: list[str], seed: int | None) -> list[str]:
    """Add a profile by its recipe.

    Raises:
        InvalidInputError: If the recipe is unknown or cannot be made.
    """
    from afterbay.community.recipes import ProfileLibrary, Recipe, build

    load_grid(community)
    # The others are not made: one whose file is lost must not keep this one from being put in its place.
    recipes = load_recipes(community)
    before = Path.cwd()
    os.chdir(grid_path(community).parent)  # files are named as seen from the community
    try:
        entry = build(name, Recipe(source, read_fields(settings), seed))
    finally:
        os.chdir(before)
    verb = "replaced" if name in recipes else "added"
    save_recipes(recipes | ProfileLibrary([entry]).to_dict(), community)
    notes = [f"  {note}" for note in getattr(entry, "notes", ())]
    return [f"{verb} {name}: {source}, digest {entry.digest[:12]}", *notes]


def remove_profiles(community: Path, names: list[str]) -> list[str]:
    """Take profiles out that no house uses.

    Raises:
        NotFoundError: If there is none of a name.
        ConflictError: If a house uses one.
    """
    from afterbay.community.simulation.scenario import profile_names

    recipes = load_recipes(community)
    lost = [name for name in names if name not in recipes]
    if lost:
        raise NotFoundError(f"{community} has no profile {', '.join(lost)} -> see afterbay community profile list")
    series, sessions = profile_names(load_grid(community))
    used = [name for name in names if name in {*series, *sessions}]
    if used:
        raise ConflictError(f"houses use {', '.join(used)} -> give them another profile first")
    save_recipes({name: recipe for name, recipe in recipes.items() if name not in names}, community)
    return [f"removed {name}" for name in names]


def fill_profiles(community: Path, seed: int, *, each: bool = False) -> list[str]:
    """Give everything that has no profile yet a believable one.

    Args:
        community: Folder of the community.
        seed: Seed of the street.
        each: Also give a load to every house without one, and one of its own to every house that shares
            a load that is not there yet; this changes the grid.
    """
    from afterbay.community.recipes import street_profiles
    from afterbay.community.simulation.scenario import profile_names

    grid, library = load_grid(community), load_profiles(community)
    whole = _own_loads(grid, frozenset(library)) if each else grid
    series, sessions = profile_names(whole)
    missing = [name for name in (*series, *sessions) if name not in library]
    told: list[str] = []
    if missing:
        made = street_profiles(whole, seed=seed)
        save_profiles(library.with_profile(*(made[name] for name in missing)), community)
        told = [f"added {name}" for name in missing]
    # Profiles first: if the second file cannot be written, the grid does not name what is not there.
    if whole != grid:
        save_grid(whole, community)
    shared = [name for name, houses in _users_of(whole).items() if len(houses) > 1]
    if missing and shared:
        told.append(f"{', '.join(shared[:3])}: one load for many houses, which then peak together -> fill --each")
    return told or [_no_gap(whole)]


def _no_gap(grid: Grid) -> str:
    bare = [house.name for house, _ in grid.every_house() if not house.loads]
    if not grid.house_names:
        return "the grid has no house; nothing was written"
    if bare:
        return f"every profile is there; {len(bare)} houses have no load -> fill --each; nothing was written"
    return "every profile is there; nothing was written"


def _own_loads(grid: Grid, known: frozenset[str]) -> Grid:
    """Return the grid with a load of its own for each house that has none, or shares one that is not made yet."""
    from afterbay.community.topology import GridDraft, LoadSeries

    users = _users_of(grid)
    draft = GridDraft(grid)
    for house, _ in grid.every_house():
        own = f"load-{house.name}"
        loads = tuple(
            replace(load, profile=f"{own}-{place}" if place > 1 else own)
            if load.profile not in known and len(users[load.profile]) > 1 else load
            for place, load in enumerate(house.loads, start=1)
        )  # fmt: skip
        loads = loads or (LoadSeries(own),)
        if loads != house.loads:
            draft.set_fields(house.name, loads=loads)
    return draft.freeze()


def _users_of(grid: Grid) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {}
    for house, _ in grid.every_house():
        for load in house.loads:
            users.setdefault(load.profile, []).append(house.name)
    return users


def profile_rows(community: Path) -> list[dict[str, Any]]:
    """Return one row for each profile: how it is made and who uses it."""
    grid, library = load_grid(community), load_profiles(community)
    used: dict[str, list[str]] = {}
    for house, _ in grid.every_house():
        for part in (*house.loads, *house.solar, *house.wind, *house.cars):
            used.setdefault(str(part.profile), []).append(house.name)  # type: ignore[attr-defined]
    return [
        {
            "name": name,
            "source": entry.recipe.source,
            "seed": entry.recipe.seed,
            "digest": entry.digest,
            "used_by": used.get(name, []),
        }
        for name, entry in library.items()
    ]


def profile_lines(rows: list[dict[str, Any]]) -> list[str]:
    """Return the profiles as a table."""
    from afterbay.cli.tables import table

    if not rows:
        return ["no profiles yet -> afterbay community profile fill COMMUNITY, or profile add"]
    cells = [
        (row["name"], row["source"], "-" if row["seed"] is None else str(row["seed"]), row["digest"][:12],
         ", ".join(row["used_by"][:3]) + (f" and {len(row['used_by']) - 3} more" if len(row["used_by"]) > 3 else ""))
        for row in rows
    ]  # fmt: skip
    return table(("NAME", "SOURCE", "SEED", "DIGEST", "USED BY"), cells, left=(0, 1, 3, 4))


def source_lines() -> list[str]:
    """Return each recipe with its parameters and defaults."""
    from afterbay.community.recipes import SOURCES

    lines = []
    for source, maker in SOURCES.items():
        parameters = [
            parameter.name if parameter.default is parameter.empty else f"{parameter.name}={parameter.default!r}"
            for parameter in inspect.signature(maker).parameters.values()
            if parameter.name not in ("name", "seed")
        ]
        about = (inspect.getdoc(maker) or "").partition("\n")[0]
        lines += [f"{source}: {about}", f"    {', '.join(parameters)}"]
    return lines


def profile_preview(community: Path, name: str, year: int) -> dict[str, Any]:
    """Return the figures of a profile over a year.

    Raises:
        NotFoundError: If there is none of this name.
    """
    from afterbay.community.recipes import SessionSet, power_statistics
    from afterbay.community.simulation import horizon

    grid, library = load_grid(community), load_profiles(community)
    if name not in library:
        known = ", ".join(list(library)[:8]) or "none"
        raise NotFoundError(f"profile {name!r} is not in {community}; there are: {known}")
    zone = grid.time_zone
    days = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    timeline = horizon(date(year, 1, 1), days, time_zone=zone)
    entry = library[name]
    if isinstance(entry, SessionSet) or not hasattr(entry, "unit"):
        stays = library.sessions(name, timeline, zone)
        energy = float(stays.energy_kwh.sum())
        return {
            "name": name,
            "sessions": int(stays.energy_kwh.size),
            "energy_kwh": energy,
            "flexible_fraction": float(stays.flexible_kwh.sum()) / energy if energy else 0.0,
        }
    found = power_statistics(library.reader([name], timeline, zone).read(0, timeline.count)[0], timeline, zone)
    return {
        "name": name,
        "unit": entry.unit,
        "annual_kwh": found.annual_kwh,
        "peak_kw": found.peak_kw,
        "mean_kw": found.mean_kw,
        "load_factor": found.load_factor,
        "average_day_kw": found.average_day.tolist(),
        "week_kw": found.week.tolist(),
    }


def preview_lines(told: dict[str, Any]) -> list[str]:
    """Return a preview as text, with the average day and week drawn in blocks."""
    if "sessions" in told:
        share = percent(told["flexible_fraction"] * 100.0)
        return [f"{told['name']}: {told['sessions']:,} sessions, {plain(told['energy_kwh'], 0)} kWh, {share} flexible"]
    per = "kWh" if told["unit"] == "kW" else "kWh per kW"
    head = f"{told['name']}: {plain(told['annual_kwh'], 0)} {per} a year"
    peak = f"peak {plain(told['peak_kw'], 2)} {told['unit']}, load factor {percent(told['load_factor'] * 100.0)}"
    days = [
        ("mean", told["average_day_kw"]),
        *zip(("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"), told["week_kw"], strict=True),
    ]
    top = max(max(values) for _, values in days) or 1.0
    lines = [f"  {day:4} {''.join(_BARS[round(value / top * 8)] for value in _halved(values))}" for day, values in days]
    return [f"{head}, {peak}", "       0           6           12          18", *lines]


def _halved(values: list[float]) -> list[float]:
    return [(one + two) / 2.0 for one, two in zip(values[::2], values[1::2], strict=True)]
