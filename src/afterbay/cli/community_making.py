"""Make, import and export communities."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace
from shlex import quote
from typing import TYPE_CHECKING, Any

from afterbay.cli import output
from afterbay.cli.communityfolder import GRID_FILE, grid_path, load_grid, load_profiles, save_grid, save_profiles
from afterbay.core.errors import ConflictError, InvalidInputError, NotFoundError, Problem
from afterbay.core.output_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from afterbay.community.recipes import ProfileLibrary
    from afterbay.community.topology import Grid
    from afterbay.core.timeline import Timeline

__all__ = ["export_community", "import_grid", "make_community", "make_folder"]

_EXAMPLES = ("elm-street", "two-houses")


def make_community(
    community: Path,
    example: str | None,
    name: str,
    time_zone: str | None,
    currency: str | None,
    place: str | None,
    retail: float | None,
    feed_in: float | None,
    seed: int,
) -> list[str]:
    """Make the folder of a community; returns what to say.

    Raises:
        ConflictError: If there is one already.
        InvalidInputError: If the example, the place or the zone makes no sense.
    """
    from afterbay.community.topology import Grid, Tariff, check_grid

    if example is not None:
        _refuse_without_effect(time_zone=time_zone, currency=currency, place=place, retail=retail, feed_in=feed_in)
    if (community / GRID_FILE).exists():
        raise ConflictError(f"{community} holds a community already -> choose another folder, or edit that one")
    grid, profiles = _example(example, seed)
    if example is None:
        latitude, longitude = _read_place(place)
        if feed_in is not None and retail is None:
            raise InvalidInputError(Problem("--feed-in", "a price without --retail", "both", "give --retail too"))
        grid = Grid(
            display_name=name,
            time_zone=time_zone or "UTC",
            currency=currency or "EUR",
            latitude=latitude,
            longitude=longitude,
            tariffs={} if retail is None else {"household": Tariff(retail, feed_in or 0.0)},
        )
    elif name:
        grid = replace(grid, display_name=name)
    # An empty grid is no grid to run, but one to begin with.
    wrong = [
        finding.problem
        for finding in check_grid(grid)
        if finding.severity == "error" and finding.problem.where != f"{grid.name}.houses"
    ]
    if wrong:
        raise InvalidInputError(wrong)
    make_folder(community)
    save_profiles(profiles, community)
    save_grid(grid, community)
    houses = len(grid.house_names)
    told = [f"{community}: {houses} houses, {len(list(grid.every_transformer()))} transformers"]
    if houses:
        return [*told, f"next: afterbay community run {quote(str(community))} --from 2023-06-01 --days 7"]
    return [
        *told,
        f"next: afterbay community node add {quote(str(community))} transformer --display-name T-1 --set rated_kw=100",
    ]


def _refuse_without_effect(**given: object) -> None:
    idle = [f"--{name.replace('_', '-')}" for name, value in given.items() if value is not None]
    if idle:
        move = "leave --example or these options out; `node set` changes an example"
        raise InvalidInputError(Problem("--example", f"with {', '.join(idle)}", "an example as it is", move))


def _example(example: str | None, seed: int) -> tuple[Grid, ProfileLibrary]:
    from afterbay.community.recipes import ProfileLibrary, elm_street_profiles, flat
    from afterbay.community.topology import Grid, elm_street, two_houses

    if example is None:
        return Grid(), ProfileLibrary()
    if example == "elm-street":
        return elm_street(), elm_street_profiles(seed=seed)
    if example == "two-houses":
        parts = (flat("load-H-1.1.1", 1.0), flat("load-H-1.1.2", 1.5), flat("solar-1", 1.0, unit="kW/kW"))
        return two_houses(), ProfileLibrary(parts)
    raise InvalidInputError(Problem("--example", repr(example), f"one of {', '.join(_EXAMPLES)}", "choose one"))


def _read_place(place: str | None) -> tuple[float | None, float | None]:
    if place is None:
        return None, None
    try:
        latitude, longitude = (float(part) for part in place.split(","))
    except ValueError:
        raise InvalidInputError(
            Problem("--place", repr(place), "latitude,longitude in degrees", "such as 50.1,8.7")
        ) from None
    return latitude, longitude


def make_folder(folder: Path) -> None:
    """Make a folder with all above it.

    Raises:
        InvalidInputError: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(
            Problem(str(folder), error.strerror or str(error), "a folder that can be made", "choose another")
        ) from None


def import_grid(file: Path, community: Path, *, dry_run: bool, yes: bool) -> dict[str, Any]:
    """Take a grid from a document or a network file into a community.

    Raises:
        ConflictError: If a grid is there that would change, and `yes` was not said.
    """
    from afterbay.community.topology import check_grid, compare_grids, read_grid, read_network

    if not file.exists():
        raise NotFoundError(f"{file}: no such file")
    lines: list[str] = []
    if _is_network(file):
        network = read_network(file)
        grid = network.grid
        lines.append(f"{network.name}: {len(grid.house_names)} loads below {len(grid.transformers)} transformers")
    else:
        grid = read_grid(file)
    there = (community / GRID_FILE).exists()
    changes: list[str] = []
    if there:
        difference = compare_grids(load_grid(community), grid)
        changes = str(difference).splitlines() if difference else []
        lines += changes or ["nothing changes"]
    lines += [str(finding) for finding in check_grid(grid)]
    if dry_run:
        lines.append("nothing was written (--dry-run)")
    elif changes and not yes:
        for line in lines:
            output.note(line)
        raise ConflictError(f"{community} would change in {len(changes)} places -> say --yes to replace its grid")
    else:
        make_folder(community)
        save_grid(grid, community)
        lines.append(f"{grid_path(community)}: {len(grid.house_names)} houses")
    return {"houses": len(grid.house_names), "changes": changes, "written": not dry_run, "lines": lines}


def _is_network(file: Path) -> bool:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and "nodes" in content and "edges" in content


def export_community(community: Path, out: Path, *, schema: bool, start: str, days: int) -> list[str]:
    """Write a grid, the schema of grids, or the profiles of all houses.

    Raises:
        InvalidInputError: If the file has another ending, or a profile does not cover the days.
    """
    from afterbay.community.simulation import horizon
    from afterbay.community.topology import grid_schema, grid_to_json

    if schema:
        write_whole(out, (json.dumps(grid_schema(), indent=2) + "\n").encode())
        return [f"{out}: JSON Schema of grid documents"]
    grid = load_grid(community)
    if out.suffix == ".json":
        write_whole(out, (grid_to_json(grid) + "\n").encode())
        return [f"{out}: {len(grid.house_names)} houses"]
    if out.suffix != ".zip":
        raise InvalidInputError(Problem("--out", str(out), "a name that ends in .json or .zip", "give one of them"))
    timeline = horizon(start, days, time_zone=grid.time_zone)
    write_whole(out, _profiles_zip(grid, load_profiles(community), timeline))
    return [f"{out}: {len(grid.house_names)} files of {timeline.count:,} quarter hours"]


def _profiles_zip(grid: Grid, profiles: ProfileLibrary, timeline: Timeline) -> bytes:
    from afterbay.community.simulation.fitness import require_profiles
    from afterbay.community.topology import require_ready

    require_ready(grid, frozenset(profiles))
    require_profiles(grid, profiles, timeline)
    stamps = [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in timeline]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for house, _ in grid.every_house():
            load = sum_of(profiles, [(part.profile, part.scale, None) for part in house.loads], timeline, grid)
            solar = sum_of(
                profiles,
                [(part.profile, part.kw, part.kw if part.inverter_kw is None else part.inverter_kw)
                 for part in house.solar], timeline, grid,
            )  # fmt: skip
            text = io.StringIO()
            rows = csv.writer(text, lineterminator="\n")
            rows.writerow(("timestamp_utc", "load_kw", "solar_kw"))
            rows.writerows(
                (stamp, f"{taken:.6f}", f"{given:.6f}") for stamp, taken, given in zip(stamps, load, solar, strict=True)
            )
            # A fixed date, so that the same profiles give the same file.
            archive.writestr(zipfile.ZipInfo(f"{house.name}.csv", (2000, 1, 1, 0, 0, 0)), text.getvalue())
    return content.getvalue()


def sum_of(
    profiles: ProfileLibrary, parts: list[tuple[str, float, float | None]], timeline: Timeline, grid: Grid
) -> Any:
    """Return the sum of profiles times their factors, each held at its limit [kW], shape (n_steps,)."""
    import numpy as np

    total = np.zeros(timeline.count)
    if parts:
        reader = profiles.reader([name for name, _, _ in parts], timeline, grid.time_zone)
        for values, (_, factor, limit) in zip(reader.read(0, timeline.count), parts, strict=True):
            power = values * factor
            total += power if limit is None else np.minimum(power, limit)
    return total
