"""From a recipe to its profile: which builder each source names."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from afterbay.community.recipes.appliances import appliance_load
from afterbay.community.recipes.cars import car_pattern, cars_from_file
from afterbay.community.recipes.engine import engine_load
from afterbay.community.recipes.files import from_file
from afterbay.community.recipes.household import household_load
from afterbay.community.recipes.measured import measured
from afterbay.community.recipes.occupants import occupant_load
from afterbay.community.recipes.simple import flat, series
from afterbay.community.recipes.solar import clear_sky_site, reference_year_solar, typical_year_site
from afterbay.community.recipes.standard import standard_load
from afterbay.community.recipes.wind import weibull_wind, wind_from_file
from afterbay.core.errors import InvalidInputError, Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from afterbay.community.recipes.recipe import Recipe

__all__ = ["SOURCES", "build"]

SOURCES: Mapping[str, Callable[..., Any]] = {
    "flat": flat,
    "series": series,
    "file": from_file,
    "measured": measured,
    "appliances": appliance_load,
    "engine": engine_load,
    "occupants": occupant_load,
    "standard": standard_load,
    "household": household_load,
    "solar_typical_year": typical_year_site,
    "solar_clear_sky": clear_sky_site,
    "solar_reference_year": reference_year_solar,
    "wind_file": wind_from_file,
    "wind_weibull": weibull_wind,
    "car": car_pattern,
    "car_file": cars_from_file,
}
"""Every source of a profile, and the function whose arguments are its parameters."""


def build(name: str, recipe: Recipe) -> Any:
    """Make the profile of a recipe again.

    Args:
        name: Name that the profile gets.
        recipe: How it was made.

    Raises:
        InvalidInputError: If the source is unknown, a parameter is none of its own, or it cannot be made.
    """
    if recipe.source not in SOURCES:
        raise InvalidInputError(Problem("source", repr(recipe.source), ", ".join(SOURCES), "choose one of these"))
    maker = SOURCES[recipe.source]
    allowed = [parameter for parameter in inspect.signature(maker).parameters if parameter != "name"]
    asked = recipe.parameters | ({} if recipe.seed is None else {"seed": recipe.seed})
    problems = Problems()
    for parameter in sorted(set(asked) - set(allowed)):
        problems.add(f"{recipe.source}.{parameter}", repr(asked[parameter]), ", ".join(allowed), "remove or rename it")
    required = [
        parameter.name
        for parameter in inspect.signature(maker).parameters.values()
        if parameter.default is parameter.empty and parameter.name != "name"
    ]
    for parameter in required:
        if parameter not in asked:
            problems.add(f"{recipe.source}.{parameter}", "nothing", "a value", "add it")
    problems.raise_if_any()
    try:
        return maker(name, **asked)
    except InvalidInputError:
        raise
    except (TypeError, ValueError, AttributeError) as error:
        # A recipe may come from any text: whatever its builder stumbles over is a parameter of another kind.
        allowed_text = "parameters of the kinds that the builder takes"
        raise InvalidInputError(Problem(f"recipe of {recipe.source}", str(error), allowed_text, "correct it")) from None
