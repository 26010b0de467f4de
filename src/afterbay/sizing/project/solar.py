"""Modelled sun, kept between runs: the same inputs under the same code need no weather model again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import platformdirs

import afterbay
from afterbay.profiles import SolarProfile, clear_sky_solar, typical_year_solar

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["modelled_solar", "solar_cache_folder"]


def solar_cache_folder() -> Path:
    """Return the folder of modelled suns: `AFTERBAY_CACHE_DIR` or the user's cache folder."""
    return Path(os.environ.get("AFTERBAY_CACHE_DIR") or platformdirs.user_cache_path("afterbay")) / "solar"


def modelled_solar(source: str, options: Mapping[str, Any], weather: Path | None = None) -> SolarProfile:
    """Return a typical year or a clear sky, from the cache if it holds exactly this one.

    Args:
        source: `typical_year` or `clear_sky`.
        options: Arguments of `typical_year_solar` or `clear_sky_solar`.
        weather: Weather file of a typical year; None is the one that pvlib carries.

    Raises:
        InvalidInputError: With all inputs that are out of range.
        MissingExtraError: If pvlib is not installed and the cache does not hold this sun.
    """
    file = solar_cache_folder() / f"{_key(source, options, weather)}.npz"
    kept = _kept(file)
    if kept is not None:
        return kept
    made = (
        typical_year_solar(weather_path=weather, **options) if source == "typical_year" else clear_sky_solar(**options)
    )
    _keep(file, made)
    return made


def _key(source: str, options: Mapping[str, Any], weather: Path | None) -> str:
    """Hash everything that the result depends on: inputs, weather, our code, the versions of the models."""
    digest = hashlib.sha256(json.dumps([source, dict(options)], sort_keys=True).encode())
    digest.update(str(weather and weather.name).encode())
    if weather is not None:
        # A file that cannot be read is refused by the model, which names it.
        with contextlib.suppress(OSError):
            digest.update(weather.read_bytes())
    code = Path(afterbay.__file__).parent / "profiles"
    for source_file in sorted(code.glob("*.py")):
        digest.update(source_file.read_bytes())
    for package in ("pvlib", "pandas", "numpy"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            digest.update(f"{package}{metadata.version(package)}".encode())
    return digest.hexdigest()[:32]


def _kept(file: Path) -> SolarProfile | None:
    """Return a kept sun; whatever is wrong with the file, it is made anew instead."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            values = held["values"]
            facts = json.loads(str(held["facts"]))
        if values.dtype != np.float64 or values.ndim != 1 or not values.size:
            return None
        if not np.isfinite(values).all() or (values < 0.0).any():
            return None
        values.setflags(write=False)
        return SolarProfile(values=values, start=datetime.fromisoformat(facts.pop("start")), **facts)
    except Exception:
        return None


def _keep(file: Path, made: SolarProfile) -> None:
    facts = {
        "capacity_mwp": made.capacity_mwp,
        "ac_limit_mw": made.ac_limit_mw,
        "source": made.source,
        "assumptions": made.assumptions,
        "start": made.start.isoformat(),
        "dt_h": made.dt_h,
        "utc_offset_h": made.utc_offset_h,
    }
    # A cache that cannot be written is no reason to stop. Another process may write the same file: replace whole.
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as stream:
                np.savez(stream, values=made.values, facts=np.array(json.dumps(facts)))
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
