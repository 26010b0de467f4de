from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from study_files import DAYS, SUN, problems_of, write

from afterbay.profiles import SolarProfile
from afterbay.sizing.project import load_project
from afterbay.sizing.project import profiles as project_profiles
from afterbay.sizing.project import solar as project_solar


@pytest.fixture
def modelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replace the weather model by two days of block sun; return the calls it gets."""
    from datetime import datetime

    calls: list[dict[str, Any]] = []

    def model(**options: Any) -> SolarProfile:
        calls.append(options)
        facts: dict[str, str | float] = {
            "dc_ac_ratio": 1.2, "tilt_degrees": 35.0, "azimuth_degrees": 180.0, "latitude": 36.1, "longitude": -80.0,
        }  # fmt: skip
        size = options["capacity_mw"]
        values = np.array(SUN * DAYS) / 30.0 * size
        return SolarProfile(values, size, size / 1.2, "a model", facts, datetime(2019, 1, 1, tzinfo=UTC), 1.0, 0.0)

    monkeypatch.setattr(project_solar, "typical_year_solar", model)
    monkeypatch.setattr(project_solar, "solar_cache_folder", lambda: tmp_path / "cache")
    return calls


def test_a_modelled_sun_is_kept_for_the_same_inputs_only(tmp_path: Path, modelled: list[dict[str, Any]]) -> None:
    file = write(tmp_path, setup_config={"solar_file": None, "solar_source": "typical_year", "solar_capacity_mw": 50})

    first, again = load_project(file), load_project(file)
    load_project(file, {"setup_config.tilt": 20})

    assert len(modelled) == 2
    assert again.solar.values.tolist() == first.solar.values.tolist()
    assert again.start == first.start
    assert again.assumptions == first.assumptions
    assert first.grid.solar_base_mw is None
    assert again.input_hash == first.input_hash


@pytest.mark.parametrize("damage", [b"", b"no archive", b"PK\x03\x04"])
def test_a_broken_cache_is_made_anew(tmp_path: Path, modelled: list[dict[str, Any]], damage: bytes) -> None:
    file = write(tmp_path, setup_config={"solar_file": None, "solar_source": "typical_year"})
    first = load_project(file)
    kept = next((tmp_path / "cache").glob("*.npz"))
    kept.write_bytes(damage)

    again = load_project(file)

    assert len(modelled) == 2
    assert again.solar.values.tolist() == first.solar.values.tolist()


def test_a_clear_sky_needs_a_place(tmp_path: Path) -> None:
    found = problems_of(write(tmp_path, setup_config={"solar_file": None, "solar_source": "clear_sky"}))

    assert [problem.split(":")[0] for problem in found] == ["setup_config.latitude", "setup_config.longitude"]


def test_a_clear_sky_over_a_place_fills_a_year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pvlib")
    monkeypatch.setattr(project_solar, "solar_cache_folder", lambda: tmp_path / "cache")
    setup = {
        "solar_file": None, "solar_source": "clear_sky", "latitude": 35.2, "longitude": 25.0, "year": 2024,
        "solar_capacity_mw": 12,
    }  # fmt: skip

    project = load_project(write(tmp_path, setup_config=setup))

    assert len(project.load.values) == 8784
    assert 0.0 < project.solar.values.max() <= 10.0
    assert project_profiles.solar_series is not None
    assert any("12 MWp of panels, at most 10.0 MW" in sentence for sentence in project.assumptions)
