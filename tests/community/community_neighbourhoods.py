"""Random neighbourhoods with all that drives them, and how to run them: for laws of the step and of sharing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from afterbay.community.step import Block, CommunityStep, DeviceState, Sessions, TreeArrays, tree_arrays
from afterbay.community.step.devices import components_of, devices_of, initial_state
from afterbay.community.step.layout import FLOWS, Devices
from afterbay.community.topology import (
    BATTERY_MODES,
    ElectricVehicle,
    Flag,
    Grid,
    HomeBattery,
    House,
    LoadSeries,
    SolarArray,
    Transformer,
    WindTurbine,
)
from afterbay.core.compiled import Floats, Indices

__all__ = ["Neighbourhood", "Walk", "neighbourhoods", "permuted", "run_whole", "walk"]

_FLAGS = (("Priority", "Hospital"), ("Priority", "School"))
_LOADS, _SUNS, _WINDS = 5, 2, 1


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """A grid with its profiles. Rows of `profiles` are loads, suns and wind; T steps."""

    grid: Grid
    profiles: Floats
    stays: dict[str, Sessions]
    steps_per_day: int

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        printer.text(f"{self.n_steps} steps of {self.dt_h:g} h, {str(self.stays)[:1500]}, {str(self.grid)[:4000]}")

    @property
    def houses(self) -> list[House]:
        return [house for house, _ in self.grid.every_house()]

    @property
    def tree(self) -> TreeArrays:
        return tree_arrays(self.grid)

    @property
    def n_steps(self) -> int:
        return int(self.profiles.shape[1])

    @property
    def dt_h(self) -> float:
        return 24.0 / self.steps_per_day

    @property
    def hour(self) -> Floats:
        return np.asarray(np.arange(self.n_steps) % self.steps_per_day * self.dt_h)

    @property
    def devices(self) -> Devices:
        return devices_of(self.houses, self.stays.__getitem__, np.full(len(self.houses), 1.5))

    def step(self, *, chosen: Sequence[int] | None = None, threads: int = 1) -> CommunityStep:
        rows = [f"load-{row}" for row in range(_LOADS)] + [f"sun-{row}" for row in range(_SUNS)] + ["wind-0"]
        houses = self.houses
        return CommunityStep(
            self.tree.tree, components_of(houses, rows.index), self.devices, self.dt_h,
            chosen=range(len(houses)) if chosen is None else chosen, threads=threads,
        )  # fmt: skip

    def start(self) -> DeviceState:
        return initial_state(self.houses, self.devices)

    def block(self, step: CommunityStep, state: DeviceState, first: int, last: int) -> Block:
        starts = np.arange(first, last, self.steps_per_day) if first % self.steps_per_day == 0 else np.array([first])
        days = np.append(starts, last) - first
        profiles = np.ascontiguousarray(self.profiles[:, first:last])
        return step.run(profiles, self.hour[first:last], days, state, first=first)


@dataclass(frozen=True, eq=False)
class Walk:
    """A run step by step: what every device did. H houses, B batteries, C cars."""

    net_kwh: Floats
    series: dict[str, Floats]
    """Every flow of every house, shape (T, H) each."""
    nodes_kwh: Floats
    """Shape (flows, T, N)."""
    daily_kwh: Floats
    stored_kwh: Floats
    """Shape (T + 1, B)."""
    power_kw: Floats
    """Shape (T, B)."""
    car_kw: Floats
    """Shape (T, C)."""
    state: DeviceState


def run_whole(case: Neighbourhood, *, threads: int = 1, days: int | None = None) -> list[Block]:
    """Run in blocks of `days` days (None: one block); every house's series is kept."""
    step, state = case.step(threads=threads), case.start()
    length = case.n_steps if days is None else days * case.steps_per_day
    return [
        case.block(step, state, first, min(first + length, case.n_steps)) for first in range(0, case.n_steps, length)
    ]


def walk(case: Neighbourhood) -> Walk:
    """Run in blocks of one step and look at every device after each."""
    step, state = case.step(), case.start()
    blocks, stored, power, cars = [], [state.stored_kwh.copy()], [], []
    for first in range(case.n_steps):
        blocks.append(case.block(step, state, first, first + 1))
        stored.append(state.stored_kwh.copy())
        power.append(state.power_kw.copy())
        cars.append(state.car_power_kw.copy())
    series = np.concatenate([block.series_kwh for block in blocks], axis=1)
    return Walk(
        np.concatenate([block.net_kwh for block in blocks]),
        dict(zip(FLOWS, series, strict=True)),
        np.concatenate([block.nodes_kwh for block in blocks], axis=1),
        np.concatenate([block.daily_kwh for block in blocks]),
        np.array(stored), np.array(power), np.array(cars), state,
    )  # fmt: skip


def permuted(case: Neighbourhood, seed: int) -> tuple[Neighbourhood, Indices]:
    """Return the same neighbourhood with the houses of every bus in another order, and where each came from."""
    rng = np.random.default_rng(seed)

    def shuffled(node: Any) -> Any:
        order = rng.permutation(len(node.houses))
        below = tuple(shuffled(child) for child in node.transformers)
        return replace(node, houses=tuple(node.houses[place] for place in order), transformers=below)

    other = replace(case, grid=shuffled(case.grid))
    before = {name: place for place, name in enumerate(case.grid.house_names)}
    return other, np.array([before[name] for name in other.grid.house_names], dtype=np.int64)


def _battery(rng: np.random.Generator, modes: Sequence[str]) -> HomeBattery:
    mode: Any = modes[int(rng.integers(len(modes)))]
    low, high = rng.choice([0.0, 0.1, 0.4]), rng.choice([0.6, 1.0])
    window = np.round(rng.uniform(0.0, 24.0, 4), 1)
    return HomeBattery(
        float(rng.choice([0.5, 6.0, 20.0])), float(rng.choice([0.0, 1.0, 5.0])), float(rng.choice([0.0, 1.0, 5.0])),
        float(low), float(high), float(rng.uniform(low, high)),
        float(rng.choice([1.0, 0.95, 0.7])), float(rng.choice([1.0, 0.95, 0.7])), mode,
        reserve_soc=float(rng.choice([0.0, 0.3, high])),
        charge_from_h=float(window[0]), charge_to_h=float(window[1]),
        discharge_from_h=float(window[2]), discharge_to_h=float(window[3]),
        grid_charge=bool(rng.random() < 0.5), solar_peak_fraction=float(rng.choice([0.0, 0.0, 0.4])),
        load_peak_fraction=float(rng.choice([0.0, 0.0, 0.6])), base_share=float(rng.choice([0.0, 0.3])),
        dynamic_share=float(rng.choice([0.4, 1.0])), voluntary_storage=True,
    )  # fmt: skip


def _limit(rng: np.random.Generator, chance: float, scale: float) -> float | None:
    return float(rng.choice([0.0, rng.uniform(0.0, scale)], p=[0.1, 0.9])) if rng.random() < chance else None


def _house(rng: np.random.Generator, name: str, modes: Sequence[str], key: float | None, limits: float) -> House:
    sun = tuple(
        SolarArray(f"sun-{rng.integers(_SUNS)}", float(rng.uniform(1.0, 8.0)),
                   float(rng.uniform(0.5, 5.0)) if rng.random() < 0.3 else None)
        for _ in range(rng.choice([0, 1, 2], p=[0.5, 0.4, 0.1]))
    )  # fmt: skip
    return House(
        name,
        import_kw=_limit(rng, 0.4 * limits, 4.0),
        export_kw=_limit(rng, 0.4 * limits, 4.0),
        flags=tuple(Flag(*flag) for flag in _FLAGS if rng.random() < 0.2),
        loads=tuple(
            LoadSeries(f"load-{rng.integers(_LOADS)}", float(rng.uniform(0.0, 2.0))) for _ in range(rng.integers(0, 3))
        ),
        solar=sun,
        wind=(WindTurbine("wind-0", float(rng.uniform(0.5, 3.0))),) if rng.random() < 0.15 else (),
        batteries=tuple(_battery(rng, modes) for _ in range(rng.choice([0, 1, 2, 3], p=[0.4, 0.4, 0.15, 0.05]))),
        cars=tuple(
            ElectricVehicle(f"{name}-car-{car}", float(rng.choice([2.3, 7.4, 11.0])))
            for car in range(rng.choice([0, 1, 2], p=[0.75, 0.2, 0.05]))
        ),
        key=key,
    )


def _stays(rng: np.random.Generator, n_steps: int) -> Sessions:
    """Sessions that do not overlap; one may have begun before the run, one may outlast it."""
    count = int(rng.integers(0, 5))
    edges = np.sort(rng.choice(np.arange(-8, n_steps + 8), 2 * count, replace=False)).astype(np.int64)
    arrive, depart = edges[::2].copy(), edges[1::2].copy()
    if count > 1 and rng.random() < 0.3:
        depart[0] = arrive[1]  # one car leaves as the next comes
    return arrive, depart, rng.uniform(0.0, 6.0, count), rng.uniform(0.0, 20.0, count)


def _profiles(rng: np.random.Generator, n_steps: int, steps_per_day: int) -> Floats:
    angle = (np.arange(n_steps) % steps_per_day) / steps_per_day * 2 * np.pi
    loads = rng.gamma(0.7, 0.8, (_LOADS, n_steps)) * (rng.random((_LOADS, n_steps)) > 0.1)
    suns = np.clip(-np.cos(angle), 0.0, None) * rng.uniform(0.2, 1.0, (_SUNS, n_steps))
    return np.ascontiguousarray(np.concatenate([loads, suns, rng.uniform(0.0, 0.6, (_WINDS, n_steps))]))


@st.composite
def neighbourhoods(
    draw: st.DrawFn, *, most_houses: int = 200, days: int = 2, modes: Sequence[str] = BATTERY_MODES,
    limits: float = 1.0, one_limit: bool = False, losses: bool | None = None, most_depth: int = 5,
) -> Neighbourhood:  # fmt: skip
    """Draw a neighbourhood.

    Args:
        draw: Hypothesis.
        most_houses: Most houses; small cases are as likely as large ones.
        days: Days of the run.
        modes: Modes of the batteries.
        limits: How likely limits are, 0 for none.
        one_limit: Whether only one node has a limit on its import, and nothing else has any.
        losses: Whether transformers lose energy; None: some do.
        most_depth: Most transformers above one another.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_houses = draw(st.one_of(st.integers(1, min(8, most_houses)), st.integers(1, most_houses)))
    depth = draw(st.integers(1, most_depth))
    steps_per_day = draw(st.sampled_from([24, 48]))
    lossy = draw(st.booleans()) if losses is None else losses
    limits = 0.0 if one_limit else limits
    n_nodes = depth + 1 + int(rng.integers(0, max(n_houses // 4, 3)))
    parent, level = [-1], [0]
    for node in range(1, n_nodes):
        above = node - 1 if node <= depth else int(rng.choice(np.flatnonzero(np.array(level) < depth)))
        parent.append(above)
        level.append(level[above] + 1)
    home = rng.integers(0, n_nodes, n_houses)
    keys = rng.random(n_houses) * (rng.random(n_houses) < 0.8)
    keyed = bool(rng.random() < 0.5) and keys.sum() > 0.0
    houses = [
        _house(rng, f"H-{at}", modes, float(keys[at] / keys.sum()) if keyed else None, limits) for at in range(n_houses)
    ]
    below = [int((home == node).sum()) for node in range(n_nodes)]
    for node in range(n_nodes - 1, 0, -1):
        below[parent[node]] += below[node]
    chosen = int(rng.integers(0, n_nodes)) if one_limit else -1

    def fields(node: int) -> dict[str, Any]:
        tight = 0.6 * below[node]
        found: dict[str, Any] = {
            "import_limit_kw": _limit(rng, 1.0 if node == chosen else 0.3 * limits, tight),
            "export_limit_kw": _limit(rng, 0.3 * limits, tight),
            "houses": tuple(houses[at] for at in np.flatnonzero(home == node)),
            "transformers": tuple(build(child) for child in range(1, n_nodes) if parent[child] == node),
            "local_fee_per_kwh": float(rng.choice([0.0, 0.01])),
        }
        if node > 0:
            found |= {
                "rated_kw": float(rng.uniform(1.0, 3.0) * max(below[node], 1)),
                "allow_export": bool(rng.random() > 0.15 * limits),
                "fee_per_kwh": float(rng.choice([0.0, 0.02])),
                "fee_fraction": float(rng.choice([0.0, 0.1])),
            }
            if lossy:
                found |= {
                    "forward_efficiency": float(rng.uniform(0.8, 1.0)),
                    "backward_efficiency": float(rng.uniform(0.8, 1.0)),
                    "no_load_loss_kw": float(rng.choice([0.0, 0.05])),
                    "load_loss_kw": float(rng.choice([0.0, 0.05, 0.4]) * found["rated_kw"] / 3.0),
                }
        return found

    def build(node: int) -> Transformer:
        return Transformer(f"T-{node}", **fields(node))

    grid = Grid(priority=_FLAGS, **fields(0))
    n_steps = days * steps_per_day
    stays = {car.profile: _stays(rng, n_steps) for house in houses for car in house.cars}
    return Neighbourhood(grid, _profiles(rng, n_steps, steps_per_day), stays, steps_per_day)
