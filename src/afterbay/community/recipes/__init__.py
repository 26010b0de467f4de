"""Profiles of a community: recipes that give every house a load, and every roof its sun.

A profile is a recipe (source, parameters, seed) plus what it makes, with a digest of both. It never
changes once made; making it again gives the same digest.

**Loads** [kW]: `from_file`, `measured` (columns of a Parquet file), `appliance_load`, `engine_load`
(energy or bill and maximum demand), `occupant_load`, `standard_load`, `household_load` (believable
single houses), `flat`, `series`. **Sun and wind** [kW per kW installed]: `typical_year_site`,
`clear_sky_site`, `reference_year_solar`, `weibull_wind`, `wind_from_file`, or `from_file` with
`per_kw`. **Cars**: `car_pattern`, `cars_from_file`.

A `ProfileLibrary` holds them by name. Its reader gives a run the power of every step, aligned by time
and in blocks, so that ten thousand houses never stand in memory at once.
"""

from afterbay.community.recipes.appliances import Appliance, appliance_load
from afterbay.community.recipes.builders import SOURCES, build
from afterbay.community.recipes.cars import CarPattern, car_pattern, cars_from_file
from afterbay.community.recipes.engine import ENGINE_SHAPES, engine_load
from afterbay.community.recipes.files import from_file
from afterbay.community.recipes.fill import FILL_RULES, FillRule, fill_gaps
from afterbay.community.recipes.household import HouseholdLoad, household_load, households
from afterbay.community.recipes.library import Entry, ProfileLibrary
from afterbay.community.recipes.measured import ParquetColumn, measured, measured_columns
from afterbay.community.recipes.occupants import OCCUPANTS, occupant_load
from afterbay.community.recipes.profile import CALENDARS, Calendar, CommunityProfile, Unit
from afterbay.community.recipes.reader import PowerProfile, ProfileReader
from afterbay.community.recipes.recipe import Recipe
from afterbay.community.recipes.sessions import SessionSet, SessionSteps, check_sessions, session_steps
from afterbay.community.recipes.simple import flat, series
from afterbay.community.recipes.solar import (
    TRACKING_FACTOR,
    ageing_factor,
    clear_sky_site,
    reference_year_solar,
    typical_year_site,
)
from afterbay.community.recipes.standard import standard_load
from afterbay.community.recipes.statistics import (
    PowerStatistics,
    StreetStatistics,
    power_statistics,
    street_statistics,
)
from afterbay.community.recipes.street import elm_street_profiles, street_profiles
from afterbay.community.recipes.wind import power_curve, weibull_wind, wind_from_file

__all__ = [
    "CALENDARS",
    "ENGINE_SHAPES",
    "FILL_RULES",
    "OCCUPANTS",
    "SOURCES",
    "TRACKING_FACTOR",
    "Appliance",
    "Calendar",
    "CarPattern",
    "CommunityProfile",
    "Entry",
    "FillRule",
    "HouseholdLoad",
    "ParquetColumn",
    "PowerProfile",
    "PowerStatistics",
    "ProfileLibrary",
    "ProfileReader",
    "Recipe",
    "SessionSet",
    "SessionSteps",
    "StreetStatistics",
    "Unit",
    "ageing_factor",
    "appliance_load",
    "build",
    "car_pattern",
    "cars_from_file",
    "check_sessions",
    "clear_sky_site",
    "elm_street_profiles",
    "engine_load",
    "fill_gaps",
    "flat",
    "from_file",
    "household_load",
    "households",
    "measured",
    "measured_columns",
    "occupant_load",
    "power_curve",
    "power_statistics",
    "reference_year_solar",
    "series",
    "session_steps",
    "standard_load",
    "street_profiles",
    "street_statistics",
    "typical_year_site",
    "weibull_wind",
    "wind_from_file",
]
