"""Series that the program makes for everybody: presets of load, and a clear sky at some latitudes.

They have no file: their values are made when they are opened, the same every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID, uuid5

from afterbay.core.errors import NotFoundError
from afterbay.profiles import LOAD_PRESETS, clear_sky_solar, preset
from afterbay.server.profiles.service.series import Made

__all__ = ["LIBRARY", "Recipe", "made_by", "recipe_of"]

_FAMILY: Final = UUID("5f0d6b0c-6a43-5d0c-9a57-3f2f2f6f1c11")
_LATITUDES: Final = (-30.0, 0.0, 20.0, 35.0, 50.0)
_PANELS_MWP: Final = 100.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """One series of the library."""

    id: UUID
    key: str
    profile_type: str
    name: str
    description: str


def _recipe(key: str, profile_type: str, name: str, description: str) -> Recipe:
    return Recipe(uuid5(_FAMILY, key), key, profile_type, name, description)


def _load_words(key: str) -> str:
    mode, params = LOAD_PRESETS[key]
    facts = params.get("windows") or [params]
    said = "; ".join(", ".join(f"{name} {value:g}" for name, value in fact.items()) for fact in facts)
    return f"{mode} load, 8,760 h: {said}"


LIBRARY: Final = {
    recipe.id: recipe
    for recipe in (
        *(_recipe(f"load/{key}", "load", key.replace("_", " ").capitalize(), _load_words(key)) for key in LOAD_PRESETS),
        *(
            _recipe(
                f"clear_sky/{latitude:g}", "solar", f"Clear sky at {abs(latitude):g}° {'S' if latitude < 0 else 'N'}",
                f"{_PANELS_MWP:g} MWp of panels under a year without clouds at {latitude:g} N, 0 E: an upper bound, "
                "for first studies",
            )
            for latitude in _LATITUDES
        ),
    )
}  # fmt: skip
"""Every series by its id, which is the same on every server."""


def recipe_of(profile_id: UUID) -> Recipe | None:
    """Return the recipe of an id of the library."""
    return LIBRARY.get(profile_id)


def made_by(key: str) -> Made:
    """Make a series of the library.

    Raises:
        NotFoundError: If an older program had this one and today's has not.
        MissingExtraError: If a package that it needs is not installed.
    """
    if uuid5(_FAMILY, key) not in LIBRARY:
        raise NotFoundError(f"this program no longer has the library profile {key!r} -> choose another")
    return _made(key)


@lru_cache(maxsize=len(_LATITUDES) + len(LOAD_PRESETS))
def _made(key: str) -> Made:
    family, _, name = key.partition("/")
    if family == "load":
        mode, params = LOAD_PRESETS[name]
        facts: dict[str, Any] = {"mode": mode, **params}
        values = preset(name)
        values.setflags(write=False)
        return Made("load", values, 1.0, None, "system", assumptions=facts)
    # The tilt that gives about the most over a year is near the latitude.
    tilt = min(max(abs(float(name)), 10.0), 40.0)
    made = clear_sky_solar(float(name), 0.0, _PANELS_MWP, year=2019, tilt=tilt)
    return Made("solar", made.values, made.dt_h, made.start, "system", assumptions=made.assumptions,
                capacity_mw=made.capacity_mwp)  # fmt: skip
