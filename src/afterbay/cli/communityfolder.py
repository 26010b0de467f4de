"""A community on disk: a folder with `grid.json` and `profiles.json`, and its runs in other folders."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afterbay.core.errors import InvalidInputError, NotFoundError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from afterbay.community.recipes import ProfileLibrary
    from afterbay.community.simulation import CommunityRun
    from afterbay.community.topology import Grid

__all__ = [
    "GRID_FILE",
    "PROFILES_FILE",
    "SOURCE_FILE",
    "grid_path",
    "load_grid",
    "load_profiles",
    "load_recipes",
    "open_stored_run",
    "remember_source",
    "save_grid",
    "save_profiles",
    "save_recipes",
]

GRID_FILE = "grid.json"
PROFILES_FILE = "profiles.json"
SOURCE_FILE = "source.json"


def grid_path(community: Path) -> Path:
    """Return the grid file of a community; a file given in its place is taken as it is."""
    return community / GRID_FILE if community.is_dir() else community


def load_grid(community: Path) -> Grid:
    """Read the grid of a community.

    Raises:
        NotFoundError: If there is none.
        InvalidInputError: If it cannot be read.
    """
    from afterbay.community.topology import read_grid

    path = grid_path(community)
    if not path.exists():
        raise NotFoundError(f"{path}: no such community -> make one: afterbay community create {community}")
    return read_grid(path)


def load_profiles(community: Path) -> ProfileLibrary:
    """Make the profiles of a community again from their recipes; without a file there are none.

    Raises:
        InvalidInputError: With every recipe that cannot be made.
    """
    from afterbay.community.recipes import ProfileLibrary

    recipes = load_recipes(community)
    # A recipe names its files as seen from the community.
    with _inside(grid_path(community).parent):
        return ProfileLibrary.from_recipes(recipes)


def load_recipes(community: Path) -> dict[str, Any]:
    """Read the recipes of a community without making anything: a file that one of them names may be lost.

    Raises:
        InvalidInputError: If they cannot be read.
    """
    path = grid_path(community).with_name(PROFILES_FILE)
    try:
        recipes = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInputError(
            Problem(str(path), str(error), "a JSON file in UTF-8", "restore it, or add the profiles again")
        ) from None
    if not isinstance(recipes, dict):
        raise InvalidInputError(
            Problem(str(path), type(recipes).__name__, "an object of recipes by name", "restore it")
        )
    return recipes


def save_recipes(recipes: dict[str, Any], community: Path) -> None:
    """Write recipes whole, as `save_profiles` does."""
    from afterbay.core.output_file import write_whole

    text = json.dumps(recipes, indent=2, ensure_ascii=False) + "\n"
    write_whole(grid_path(community).with_name(PROFILES_FILE), text.encode())


def save_grid(grid: Grid, community: Path) -> None:
    """Write the grid of a community whole."""
    from afterbay.community.topology import write_grid

    write_grid(grid, grid_path(community))


def save_profiles(profiles: ProfileLibrary, community: Path) -> None:
    """Write the recipes of a community whole."""
    from afterbay.core.output_file import write_whole

    write_whole(grid_path(community).with_name(PROFILES_FILE), profiles.to_json().encode())


def open_stored_run(folder: Path) -> CommunityRun:
    """Open a run; its profiles are made again when the run did not keep its meters.

    Raises:
        NotFoundError: If there is no run in the folder.
        InvalidInputError: If it is not complete or its profiles cannot be made again.
    """
    from afterbay.community.recipes import ProfileLibrary
    from afterbay.community.simulation import open_run

    run = open_run(folder)
    told = json.loads((folder / "scenario.json").read_text(encoding="utf-8"))
    if told["keep_meters"]:
        return run
    try:
        source = json.loads((folder / SOURCE_FILE).read_text(encoding="utf-8"))["community"]
    except (OSError, ValueError, KeyError, TypeError):
        source = "."
    place = folder.resolve()
    with _inside(place / source):
        return open_run(place, ProfileLibrary.from_recipes(told["recipes"]))


def remember_source(folder: Path, community: Path) -> None:
    """Note in a run's folder where its community lies, so that files that recipes name are found again."""
    from afterbay.core.output_file import write_whole

    place = os.path.relpath(grid_path(community).resolve().parent, folder.resolve())
    write_whole(folder / SOURCE_FILE, json.dumps({"community": Path(place).as_posix()}).encode())


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    if folder.is_dir():
        os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
