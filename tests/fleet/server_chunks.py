"""Functions that tests send to other processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np

from afterbay.sizing import SimulationParams, SizeGrid, sweep


def square(number: float) -> float:
    return number * number


def slow_square(number: float) -> float:
    time.sleep(0.15)
    return number * number


def where(number: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def totals(seed: int) -> bytes:
    """Return the totals of a small sweep, to the last bit."""
    profile = np.random.default_rng(seed).uniform(0.0, 2.0, size=240)
    params = SimulationParams(load_profile=[1.0] * 240, solar_profile=profile, dg_capacity=1.0)
    return sweep(
        params, 1, SizeGrid(bess_mwh=(1.0, 2.0), durations_h=(2.0,), dg_mw=(0.0, 1.0)), jobs=1
    ).totals.tobytes()


def dies_once(given: tuple[str, int]) -> int:
    """Kill the process that works on number 3, the first time."""
    folder, number = given
    mark = Path(folder) / "died"
    time.sleep(0.05)
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def dies_always(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def refuses(number: int) -> int:
    if number == 2:
        raise ValueError("two is not liked")
    return number


def lingers(folder: str) -> None:
    """Leave the number of the process, and stay."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(60)
