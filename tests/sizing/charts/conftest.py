"""Plants for the pictures: a year of made-up sun, a constant load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from afterbay.sizing.grid import SizeGrid
from afterbay.sizing.params import SimulationParams
from afterbay.sizing.simulation import HourlyResults, run_simulation
from afterbay.sizing.sweep import SweepResult, sweep

Run = Callable[..., HourlyResults]


def _sun(steps: int, dt_h: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    hours = np.arange(steps) * dt_h
    clouds = np.random.default_rng(seed=11).uniform(0.1, 1.0, size=steps)
    sun: np.ndarray[Any, np.dtype[np.float64]] = 60.0 * np.maximum(0.0, -np.cos(2.0 * np.pi * hours / 24.0))
    return sun * np.repeat(clouds[::24], 24)[:steps]


def _plant(steps: int = 8_760, dt_h: float = 1.0, **changes: Any) -> SimulationParams:
    given: dict[str, Any] = {
        "load_profile": np.full(steps, 10.0),
        "solar_profile": _sun(steps, dt_h),
        "bess_capacity": 100.0,
        "bess_charge_power": 25.0,
        "bess_discharge_power": 25.0,
        "dg_takeover_mode": False,
        "dt_h": dt_h,
    }
    return SimulationParams(**(given | changes))


@pytest.fixture(scope="session")
def run() -> Run:
    """Run a plant: `run(template, steps=..., dt_h=..., **changes)`."""

    def simulate(template: int = 1, **changes: Any) -> HourlyResults:
        return run_simulation(_plant(**changes), template)

    return simulate


@pytest.fixture(scope="session")
def study() -> SweepResult:
    """Five batteries, two durations, three generators over a year."""
    return sweep(_plant(), 1, SizeGrid((50.0, 100.0, 150.0, 200.0, 250.0), (2.0, 4.0), (0.0, 5.0, 10.0)))


@pytest.fixture(scope="session")
def rows(study: SweepResult) -> list[dict[str, Any]]:
    """The rows of the study."""
    return study.rows()
