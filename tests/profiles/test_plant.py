from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np

from afterbay.profiles.plant import make_plant, middles, plant_power

START = datetime(2023, 6, 21, tzinfo=timezone(timedelta(hours=1)))
MUNICH = (48.0, 11.6, 500.0)


def day(sun: float, temp_air: float = 20.0) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    sky = {"ghi": np.full(24, sun), "dni": np.full(24, sun), "dhi": np.full(24, sun / 5)}
    plant = make_plant(10.0, 30.0, None, 1.25, 0.14, MUNICH[0])
    return plant_power(plant, middles(START, 1.0, 24), MUNICH, sky, np.full(24, temp_air), np.ones(24))


def test_steps_are_judged_by_their_middle() -> None:
    assert [t.isoformat() for t in middles(START, 0.5, 2)] == [
        "2023-06-21T00:15:00+01:00",
        "2023-06-21T00:45:00+01:00",
    ]


def test_no_light_gives_no_power_and_much_light_gives_the_inverter() -> None:
    assert not day(0.0).any()
    assert day(5_000.0).max() == 10.0 / 1.25


def test_more_light_and_cooler_air_never_give_less() -> None:
    assert (day(400.0) <= day(500.0)).all()
    assert (day(400.0, temp_air=35.0) <= day(400.0, temp_air=5.0)).all()


def test_an_array_faces_the_equator_unless_told() -> None:
    assert make_plant(1.0, 30.0, None, 1.2, 0.1, 48.0).azimuth == 180.0
    assert make_plant(1.0, 30.0, None, 1.2, 0.1, -33.0).azimuth == 0.0
    assert make_plant(1.0, 30.0, 90.0, 1.2, 0.1, 48.0).azimuth == 90.0
