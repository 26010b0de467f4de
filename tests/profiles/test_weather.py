from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from afterbay.core.errors import ProfileError
from afterbay.profiles import typical_year_solar
from afterbay.profiles.weather import packaged_year, read_weather

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def epw(rows: int = 8760) -> str:
    """A small EnergyPlus year: noon sun every day, labelled by hours 1..24 of mixed years."""
    lines = ["LOCATION,Testville,XX,YYY,TMY,999999,50.0,8.0,1.0,100.0"] + ["NOTE"] * 7
    for i in range(rows):
        day = np.datetime64("2019-01-01") + i // 24
        _year, month, date = str(day).split("-")
        hour = i % 24 + 1
        sun = 400 if 9 <= hour <= 16 else 0
        cells = [f"{1990 + int(month)}", str(int(month)), str(int(date)), str(hour), "60", "flags"]
        cells += ["10", "5", "50", "100000", "0", "0", "300", str(sun), str(sun), str(sun // 4)]
        cells += ["0", "0", "0", "0", "0", "2"] + ["0"] * 13
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def test_the_packaged_year_is_a_whole_year_of_local_hours() -> None:
    weather = read_weather(packaged_year())

    assert weather.ghi.shape == (8760,)
    assert weather.utc_offset_h == -5.0
    # Known yield of the site in the typical year [kWh/m2].
    assert weather.ghi.sum() / 1000 == pytest.approx(1566, rel=0.01)
    assert not weather.ghi.reshape(365, 24)[:, :4].any()


def test_an_energyplus_file_of_mixed_years_is_one_year(write: Callable[..., Path]) -> None:
    path = write(epw(), "site.epw")

    weather = read_weather(path)
    solar = typical_year_solar(1.0, weather_path=path)

    assert (weather.latitude, weather.utc_offset_h, weather.altitude) == (50.0, 1.0, 100.0)
    assert weather.ghi.reshape(365, 24)[0].nonzero()[0].tolist() == list(range(8, 16))
    assert len(solar.values) == 8760
    assert solar.start.isoformat() == "2019-01-01T00:00:00+01:00"
    assert "Testville" in solar.source


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ("time,load\n1,2\n", "cannot be read as one"),
        ("", "cannot be read as one"),
        (b"\x00\xff\xfe\x80", "cannot be read as one"),
        (epw(48), "48 rows"),
    ],
)
def test_another_format_is_refused_without_a_stack_trace(
    write: Callable[..., Path], content: str | bytes, got: str
) -> None:
    with pytest.raises(ProfileError, match=got):
        typical_year_solar(1.0, weather_path=write(content, "site.epw"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"nowhere.epw: got No such file"):
        read_weather(tmp_path / "nowhere.epw")
