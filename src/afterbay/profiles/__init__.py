"""A year of load or sun, from a file, a builder, the weather or a standard profile.

**Files.** `read_profile` reads CSV (plain or gzip) and Parquet. It detects everything it can, states
everything it found in an `ImportReport`, and refuses a defective file with all defects at once. It
repairs only what an option asks for, and the report says what was changed; an untouched file has an
empty `changed`. `resample` changes the step and keeps the energy.

**Builders.** `build_load_profile` makes an hourly load from a mode and a few numbers,
`standard_load_profile` from an energy per year, `typical_year_solar` and `clear_sky_solar` a solar
series from a place and a nameplate, with every assumption in the result.

**Units and clocks.** Values are mean power of a step [MW], labelled by its start. Built profiles are in
local standard time, row 0 at local midnight, because the windows of sizing are local hours. Files keep
UTC when their zone is known, and stay naive, and say so, when it is not.

pandas, pvlib, demandlib and pyarrow are imported when a function needs them, so this package is quick to
import.
"""

from afterbay.profiles.files import read_profile
from afterbay.profiles.load import LOAD_MODES, LOAD_PRESETS, build_load_profile, preset
from afterbay.profiles.profile import Profile, resample
from afterbay.profiles.report import Gaps, ImportReport, ProfileFileError, TextCell
from afterbay.profiles.solar import SolarProfile, clear_sky_solar, scale_solar, typical_year_solar
from afterbay.profiles.standard_loads import STANDARD_LOADS, StandardLoad, standard_load_profile
from afterbay.profiles.statistics import (
    LoadStatistics,
    SeasonalStatistics,
    SolarStatistics,
    load_statistics,
    seasonal_statistics,
    solar_statistics,
)

__all__ = [
    "LOAD_MODES",
    "LOAD_PRESETS",
    "STANDARD_LOADS",
    "Gaps",
    "ImportReport",
    "LoadStatistics",
    "Profile",
    "ProfileFileError",
    "SeasonalStatistics",
    "SolarProfile",
    "SolarStatistics",
    "StandardLoad",
    "TextCell",
    "build_load_profile",
    "clear_sky_solar",
    "load_statistics",
    "preset",
    "read_profile",
    "resample",
    "scale_solar",
    "seasonal_statistics",
    "solar_statistics",
    "standard_load_profile",
    "typical_year_solar",
]
