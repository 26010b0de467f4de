"""A typical year of sun and air from a TMY3 or EPW file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from afterbay.core.errors import MissingExtraError, Problem, ProfileError

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

__all__ = ["Weather", "packaged_year", "read_weather"]

_HOURS = 8760
_NEEDED = ("ghi", "dni", "dhi", "temp_air", "wind_speed")
_ALLOWED = "a TMY3 file (.csv) or an EnergyPlus file (.epw) of 8,760 h"


@dataclass(frozen=True, slots=True, eq=False)
class Weather:
    """8,760 hours of local standard time; row 0 is the hour from midnight to 01:00 on 1 January."""

    source: str
    latitude: float
    longitude: float
    altitude: float
    """Height above the sea [m]."""
    utc_offset_h: float
    ghi: NDArray[np.float64]
    """Sun on the horizontal, mean of the hour [W/m2], shape (8760,); so `dni` and `dhi`."""
    dni: NDArray[np.float64]
    dhi: NDArray[np.float64]
    temp_air: NDArray[np.float64]
    """[degrees C], shape (8760,)."""
    wind_speed: NDArray[np.float64]
    """[m/s], shape (8760,)."""


def packaged_year() -> Path:
    """Return the typical year that comes with pvlib: Greensboro, North Carolina (TMY3 723170).

    Raises:
        MissingExtraError: If pvlib is not installed.
    """
    try:
        import pvlib
    except ImportError:
        raise MissingExtraError("pvlib", "solar", "a solar profile from the weather") from None
    return Path(pvlib.__file__).parent / "data" / "723170TYA.CSV"


def read_weather(path: str | os.PathLike[str]) -> Weather:
    """Read a typical year.

    The months of a typical year come from different years and its rows are labelled by the end of
    the hour. Only the order of the rows counts here, so that neither can shift the sun.

    Raises:
        ProfileError: If the file is missing, in another format, or not 8,760 whole rows.
        MissingExtraError: If pvlib is not installed.
    """
    try:
        from pvlib.iotools import read_epw, read_tmy3
    except ImportError:
        raise MissingExtraError("pvlib", "solar", "reading a typical year") from None
    file = Path(path)
    try:
        with file.open("rb") as stream:
            is_epw = stream.readline().upper().startswith(b"LOCATION")
    except OSError as error:
        raise _refused(file, error.strerror or "unreadable") from None
    try:
        data, meta = read_epw(file) if is_epw else read_tmy3(file, map_variables=True)
        columns = {name: data[name].to_numpy(dtype="float64") for name in _NEEDED}
        place = {name: float(meta[name]) for name in ("latitude", "longitude", "altitude", "TZ")}
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        # Whatever the other library stumbles over, the file is not what it should be.
        raise _refused(file, f"a file that cannot be read as one ({type(error).__name__})") from None
    if len(data) != _HOURS:
        raise _refused(file, f"{len(data):,} rows")
    gaps = [name for name, values in columns.items() if not np.isfinite(values).all()]
    if gaps:
        raise _refused(file, f"missing values in {', '.join(gaps)}")
    name = str(meta.get("Name", meta.get("city", ""))).strip('" ')
    kind = "EPW" if is_epw else "TMY3"
    return Weather(
        f"{kind} {file.name} ({name})",
        place["latitude"],
        place["longitude"],
        place["altitude"],
        place["TZ"],
        columns["ghi"],
        columns["dni"],
        columns["dhi"],
        columns["temp_air"],
        columns["wind_speed"],
    )


def _refused(file: Path, got: str) -> ProfileError:
    return ProfileError(Problem(str(file), got, _ALLOWED, "check the path and the format"))
