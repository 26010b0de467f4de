"""Small communities with known or drawn profiles, run; and runs with a number spoilt on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from afterbay.community.recipes import ProfileLibrary, car_pattern, elm_street_profiles, flat, series
from afterbay.community.simulation import CommunityRun, horizon, run_community
from afterbay.community.step import MeterBlock
from afterbay.community.topology import (
    ElectricVehicle,
    Grid,
    GridDraft,
    HomeBattery,
    LoadSeries,
    SolarArray,
    WindTurbine,
    elm_street,
    two_houses,
)
from afterbay.core.compiled import Floats

__all__ = ["elm_week", "one_house", "random_community", "random_run", "spoilt", "two_house_library", "two_house_run"]

_MODES: tuple[Any, ...] = ("self_consumption", "time_of_use", "solar_only", "community", "reserve")


def two_house_library() -> ProfileLibrary:
    """Return the profiles of journey J9."""
    loads = (flat("load-H-1.1.1", 1.0), flat("load-H-1.1.2", 1.5))
    return ProfileLibrary([*loads, flat("solar-1", 1.0, unit="kW/kW")])


@cache
def two_house_run(rule: str = "proportional", days: int = 1) -> CommunityRun:
    """Return journey J9, run for a day."""
    return run_community(two_houses(), two_house_library(), rule, horizon("2023-06-01", days), series="all")


@cache
def elm_week(start: str = "2023-03-22", rule: str = "proportional") -> CommunityRun:
    """Return Elm Street for eight days around the day that has 23 hours, two houses step by step."""
    grid = elm_street()
    steps = horizon(start, 8, time_zone=grid.time_zone)
    return run_community(grid, elm_street_profiles(), rule, steps, series=("H-1.1.1", "H-1.1.1.2"))


def one_house(
    load_kw: Floats, sun_kw: Floats, *batteries: HomeBattery, days: int = 1, **fields: Any
) -> tuple[Grid, ProfileLibrary, CommunityRun]:
    """Return one house below one transformer, run; `load_kw` and `sun_kw` have a value for each quarter hour."""
    draft = GridDraft(Grid(**fields))
    above = draft.add_transformer("S-1", rated_kw=10.0)
    house = draft.add_house(above)
    draft.set_fields(
        house, loads=(LoadSeries("load"),), solar=(SolarArray("sun", 1.0, inverter_kw=99.0),), batteries=batteries
    )
    grid, steps = draft.freeze(), horizon("2023-06-01", days)
    library = ProfileLibrary(
        [
            series("load", np.tile(load_kw, days), start=steps.start),
            series("sun", np.tile(sun_kw, days), unit="kW/kW", start=steps.start),
        ]
    )
    return grid, library, run_community(grid, library, "proportional", steps, series="all")


def random_community(seed: int) -> tuple[Grid, ProfileLibrary]:
    """Return a community of up to three levels with every kind of device, some limits and some losses."""
    rng = np.random.default_rng(seed)
    draft = GridDraft(Grid(time_zone="Europe/Berlin", emission_kg_per_kwh=0.4))
    parents = ["S-1"]
    for _ in range(int(rng.integers(1, 4))):
        parents.append(
            draft.add_transformer(
                parents[int(rng.integers(0, len(parents)))],
                rated_kw=float(rng.uniform(2.0, 20.0)),
                forward_efficiency=float(rng.choice([1.0, 0.98])),
                backward_efficiency=float(rng.choice([1.0, 0.97])),
                no_load_loss_kw=float(rng.choice([0.0, 0.05])),
                load_loss_kw=float(rng.choice([0.0, 0.1])),
                export_limit_kw=float(rng.uniform(0.5, 5.0)) if rng.random() < 0.3 else None,
                import_limit_kw=float(rng.uniform(1.0, 5.0)) if rng.random() < 0.2 else None,
            )
        )
    for _ in range(int(rng.integers(2, 9))):
        mode = _MODES[int(rng.integers(0, len(_MODES)))]
        battery = HomeBattery(
            float(rng.uniform(2.0, 12.0)), 3.0, 3.0, 0.1, 1.0, float(rng.choice([0.1, 0.5])), mode=mode,
            reserve_soc=0.3 if mode == "reserve" else 0.0, charge_to_h=5.0, grid_charge=bool(rng.random() < 0.5),
            voluntary_storage=mode == "community",
        )  # fmt: skip
        house = draft.add_house(
            parents[int(rng.integers(0, len(parents)))],
            import_kw=float(rng.uniform(2.0, 6.0)) if rng.random() < 0.3 else None,
            export_kw=float(rng.uniform(0.5, 3.0)) if rng.random() < 0.3 else None,
        )
        draft.set_fields(
            house,
            loads=(LoadSeries("load", float(rng.uniform(0.3, 3.0))),),
            solar=(SolarArray("sun", float(rng.uniform(1.0, 8.0))),) if rng.random() < 0.6 else (),
            wind=(WindTurbine("wind", float(rng.uniform(0.5, 2.0))),) if rng.random() < 0.3 else (),
            batteries=(battery,) if rng.random() < 0.7 else (),
            cars=(ElectricVehicle("car"),) if rng.random() < 0.3 else (),
        )
    steps = 96 * 4
    hour = np.arange(steps) % 96 / 4.0
    start = horizon("2023-03-25", 1, time_zone="Europe/Berlin").start
    sun = np.clip(np.sin((hour - 6.0) / 12.0 * np.pi), 0.0, None) * rng.uniform(0.2, 1.0, steps)
    return draft.freeze(), ProfileLibrary(
        [
            series("load", rng.gamma(1.2, 0.6, steps), start=start),
            series("sun", sun, unit="kW/kW", start=start),
            series("wind", rng.uniform(0.0, 0.8, steps), unit="kW/kW", start=start),
            car_pattern("car", daily_kwh=8.0, charger_kw=7.4, seed=seed),
        ]
    )


def random_run(seed: int, rule: str = "proportional") -> CommunityRun:
    """Return a random community, run for three days of which the second has 23 hours."""
    grid, library = random_community(seed)
    return run_community(grid, library, rule, horizon("2023-03-25", 3, time_zone=grid.time_zone), series="all")


@dataclass(frozen=True)
class _Spoilt:
    """The results of another run with a table changed."""

    inner: Any
    table: str
    column: str
    change: Callable[[Floats], Floats]

    def _read(self, table: str, column: str) -> Floats:
        values: Floats = getattr(self.inner, table)(column)
        return self.change(values.copy()) if (table, column) == (self.table, self.column) else values

    def daily(self, column: str) -> Floats:
        return self._read("daily", column)

    def nodes(self, column: str) -> Floats:
        return self._read("nodes", column)

    def series(self, column: str) -> Floats:
        return self._read("series", column)

    def levels(self, side: str) -> Floats:
        values: Floats = self.inner.levels(side)
        return values

    def meters(self) -> Iterator[MeterBlock] | None:
        return None


def spoilt(run: CommunityRun, table: str, column: str, change: Callable[[Floats], Floats]) -> CommunityRun:
    """Return a run of which one column is not what it was."""
    return replace(run, _results=_Spoilt(run._results, table, column, change))
