"""Ageing of two cells that were tested for years, as their published models describe it.

Capacity is lost to time along k·t^p and to throughput along k·cycles^p; the factors k follow temperature, state
of charge, depth and rate. The load is cut into blocks, at the end of a swing after a full cycle or else after a
day. Each block has its own k; a loss continues from where its curve stands with the new k.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core.errors import Problems

__all__ = ["LFP_250AH", "NMC_75AH", "CellLife", "CellModel", "cell_life"]

FloatArray = NDArray[np.float64]

_ZERO_CELSIUS_K = 273.15
_DAYS_PER_YEAR = 365
_STORAGE_RATE_PER_H = 0.01
_LEAST_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class CellModel:
    """A cell: what its capacity loss depends on, and where it was tested."""

    name: str
    chemistry: str
    source: str
    temperature_c: tuple[float, float]
    """Tested while cycling [°C]."""
    depth: tuple[float, float]
    """Tested depth of the swings [-]."""
    charge_per_h: float
    """Greatest charging rate tested [1/h]."""
    discharge_per_h: float
    """Greatest discharging rate tested [1/h]."""
    time_power: float
    """Exponent of the days [-]."""
    time_factor: Callable[[FloatArray, FloatArray], FloatArray]
    """Factor of the days from temperature [K] and anode potential [V]."""
    cycle_power: float
    """Exponent of the equivalent full cycles [-]."""
    cycle_factor: Callable[[FloatArray, float, float], FloatArray]
    """Factor of the cycles from temperature [K], depth [-] and mean rate [1/h]."""
    collapse_cycles: Callable[[FloatArray, float, float], FloatArray] | None = None
    """Cycles at which active material runs out, from temperature [K], depth [-] and mean SOC [-]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellLife:
    """Capacity of a cell over the years; each array has one value per year, from year 0."""

    model: CellModel
    years: FloatArray
    """0, 1, 2, ... [a]."""
    relative_capacity: FloatArray
    """Share of the capacity when new [-]; use it as `retention` of `capacity_path`."""
    time_loss: FloatArray
    """Share lost to time [-]."""
    cycle_loss: FloatArray
    """Share of the lithium lost to cycles [-]."""
    equivalent_full_cycles: FloatArray
    """Throughput over twice the capacity when new [-]."""
    warnings: tuple[str, ...]
    """Where the load leaves the range of the tests; empty when it does not."""


def _lfp_time(kelvin: FloatArray, potential: FloatArray) -> FloatArray:
    return np.asarray(8.37e4 * np.exp((-5.21e3 - 3.56e3 * potential) / kelvin))


def _lfp_cycle(kelvin: FloatArray, depth: float, rate: float) -> FloatArray:
    warmth = np.exp(2.19e3 / kelvin) + np.exp(-1.55e5 / kelvin)
    return np.asarray((4.38e-8 + 1.55e-8 * depth + 1.68e-7 * rate) * warmth)


_NMC_REFERENCE_K = 35.0 + _ZERO_CELSIUS_K
_NMC_REFERENCE_V = 0.123


def _nmc_time(kelvin: FloatArray, potential: FloatArray) -> FloatArray:
    warmth = kelvin / _NMC_REFERENCE_K
    return np.asarray(2.66e7 * np.exp((-17.8 - 5.21 * potential / _NMC_REFERENCE_V) / warmth))


def _nmc_cycle(kelvin: FloatArray, depth: float, _rate: float) -> FloatArray:
    return np.asarray(3.80e3 * np.exp(-18.4 * _NMC_REFERENCE_K / kelvin + 1.04 * math.exp(depth**2)))


def _nmc_collapse(kelvin: FloatArray, depth: float, mean_soc: float) -> FloatArray:
    celsius = kelvin - _ZERO_CELSIUS_K
    cycles = 1e4 + 153.0 * (celsius - 55.0) * depth * mean_soc / 0.6
    # Far below the tested temperatures the straight line would reach a negative life.
    return np.asarray(np.maximum(cycles, 1.0))


_TOOL = "implemented by NREL as BLAST-Lite 1.1.1 (Apache-2.0)"

LFP_250AH = CellModel(
    name="LFP-graphite, prismatic, 250 Ah",
    chemistry="LFP",
    source=f"P. Gasper et al., J. Energy Storage 73 (2023) 109042, doi:10.1016/j.est.2023.109042; {_TOOL}",
    temperature_c=(10.0, 45.0),
    depth=(0.8, 1.0),
    charge_per_h=0.65,
    discharge_per_h=1.0,
    time_power=0.526,
    time_factor=_lfp_time,
    cycle_power=0.828,
    cycle_factor=_lfp_cycle,
)
NMC_75AH = CellModel(
    name="NMC-graphite, pouch, 75 Ah",
    chemistry="NMC",
    source=f"K. Smith et al., American Control Conference 2017, doi:10.23919/ACC.2017.7963578; {_TOOL}",
    temperature_c=(0.0, 45.0),
    depth=(0.8, 1.0),
    charge_per_h=1.0,
    discharge_per_h=1.0,
    time_power=0.357,
    time_factor=_nmc_time,
    cycle_power=0.778,
    cycle_factor=_nmc_cycle,
    collapse_cycles=_nmc_collapse,
)
_COLLAPSE_POWER = 10.0
_MATERIAL_WHEN_NEW = 1.01
# The published model starts just above zero, which is worth some 1200 cycles of its S-shaped curve.
_COLLAPSED_WHEN_NEW = 1e-8


def _anode_potential(soc: FloatArray) -> FloatArray:
    """Return the potential of graphite against lithium [V] at a state of charge [-].

    Source: M. Safari, C. Delacourt, J. Electrochem. Soc. 158 (2011) A562, doi:10.1149/1.3567007; stoichiometry of
    M. Schimpe et al., J. Electrochem. Soc. 165 (2018) A181, doi:10.1149/2.1181714jes.
    """
    x = 0.0085 + soc * (0.78 - 0.0085)
    return np.asarray(
        0.6379
        + 0.5416 * np.exp(-305.5309 * x)
        - 0.0440 * np.tanh((x - 0.1958) / 0.1088)
        - 0.1978 * np.tanh((x - 1.0571) / 0.0854)
        - 0.6875 * np.tanh((x + 0.0117) / 0.0529)
        - 0.0175 * np.tanh((x - 0.5692) / 0.0875)
    )


def cell_life(
    model: CellModel,
    soc: ArrayLike,
    *,
    years: int = 20,
    temperature_c: ArrayLike = 25.0,
    dt_h: float = 1.0,
    keeps_energy: bool = True,
) -> CellLife:
    """Age a cell under a load that repeats until the years are over.

    Args:
        model: `LFP_250AH` or `NMC_75AH`.
        soc: State of charge at equal steps [-], shape (n,), at least two; after the last the first follows.
        years: Years of 365 days [a].
        temperature_c: Cell temperature [°C], one value or shape (n,).
        dt_h: Length of a step [h], at most a day.
        keeps_energy: Swings carry the energy they carry when new, so that they deepen as the cell fades, up to
            0 and 1. False: `soc` holds at every age, and the energy shrinks.

    Returns:
        Capacity at the end of each year.

    Raises:
        InvalidInputError: With every problem found.

    Source: `model.source`; the block rule is that of BLAST-Lite: the step between two blocks belongs to neither,
    and time counts inside blocks.
    """
    share, celsius = _checked(soc, temperature_c, years, dt_h)
    blocks = _Blocks(share, dt_h)
    kelvin = celsius + _ZERO_CELSIUS_K
    days = [0.0]
    states = [_State()]
    first = 0
    while days[-1] < years * _DAYS_PER_YEAR:
        rows = blocks.rows(first)
        first += rows.size
        states.append(_age(model, states[-1], share[rows], kelvin[rows], dt_h, keeps_energy=keeps_energy))
        days.append(days[-1] + (rows.size - 1) * dt_h / 24.0)
    whole = np.arange(years + 1, dtype=np.float64)
    capacity, at_time, at_cycles, _, cycles = (
        np.interp(whole * _DAYS_PER_YEAR, days, column) for column in np.array(states).T
    )
    return CellLife(
        model=model,
        years=whole,
        relative_capacity=capacity,
        time_loss=at_time,
        cycle_loss=at_cycles,
        equivalent_full_cycles=cycles,
        warnings=_outside(model, share, celsius, dt_h),
    )


class _State(NamedTuple):
    capacity: float = 1.0
    time_loss: float = 0.0
    cycle_loss: float = 0.0
    collapsed: float = _COLLAPSED_WHEN_NEW
    cycles: float = 0.0


def _age(
    model: CellModel, state: _State, soc: FloatArray, kelvin: FloatArray, dt_h: float, *, keeps_energy: bool
) -> _State:
    """Return the state after one block."""
    health = max(state.capacity, _LEAST_SHARE)
    if keeps_energy:
        soc = np.clip(soc[0] + (soc - soc[0]) / health, 0.0, 1.0)
    moved = np.abs(np.diff(soc))
    depth = float(soc.max() - soc.min())
    cycles = float(moved.sum()) / 2.0 * health
    rate = _mean_rate(moved / dt_h) * health

    time_factor = _mean(model.time_factor(kelvin, _anode_potential(soc)))
    time_loss = _follow(state.time_loss, moved.size * dt_h / 24.0, time_factor, model.time_power)
    cycle_factor = _mean(model.cycle_factor(kelvin, depth, rate))
    cycle_loss = _follow(state.cycle_loss, cycles, cycle_factor, model.cycle_power)
    capacity, collapsed = 1.0 - time_loss - cycle_loss, state.collapsed
    if model.collapse_cycles is not None:
        life = _mean(model.collapse_cycles(kelvin, depth, float(soc.mean())))
        collapsed = _collapse(state.collapsed, cycles, life)
        capacity = min(capacity, _MATERIAL_WHEN_NEW - collapsed)
    return _State(max(capacity, 0.0), time_loss, cycle_loss, collapsed, state.cycles + cycles)


def _follow(loss: float, step: float, factor: float, power: float) -> float:
    """Continue factor·x^power from where it equals `loss`; exact, so the length of a step does not matter."""
    if step <= 0.0 or factor <= 0.0:
        return loss
    return float(factor * ((loss / factor) ** (1.0 / power) + step) ** power)


def _collapse(loss: float, cycles: float, life: float) -> float:
    """Continue tanh((x / life)^power / 2), the S-shaped loss of active material, from where it equals `loss`."""
    if loss >= 1.0:
        return 1.0
    there = (2.0 * math.atanh(loss)) ** (1.0 / _COLLAPSE_POWER)
    return math.tanh((there + cycles / life) ** _COLLAPSE_POWER / 2.0)


def _mean(values: FloatArray) -> float:
    """Return the mean over time of a quantity that is known at both ends of each step."""
    return float(np.sum(values[1:] + values[:-1])) / (2.0 * (values.size - 1))


def _mean_rate(rates: FloatArray) -> float:
    """Return the mean rate as the parameters expect it: storage is rest, the outer steps count half."""
    active = np.where(rates < _STORAGE_RATE_PER_H, 0.0, rates)
    return float(np.sum(active) - (active[0] + active[-1]) / 2.0) / active.size


def _turning_points(soc: FloatArray) -> NDArray[np.int64]:
    """Return the steps at which the direction changes; of a plateau the last."""
    moving = np.flatnonzero(np.diff(soc) != 0.0)
    rising = np.diff(soc)[moving] > 0.0
    return np.asarray(moving[1:][rising[1:] != rising[:-1]], dtype=np.int64)


class _Blocks:
    """Finds the blocks of a load that repeats."""

    def __init__(self, soc: FloatArray, dt_h: float) -> None:
        self._steps = soc.size
        self._day = int(24.0 / dt_h + 1e-9) + 1
        # A block may begin anywhere in the second repetition and is a day long at most.
        repeated = np.concatenate([soc] * (self._day // self._steps + 3))
        self._turning = _turning_points(repeated)
        self._cycles = np.concatenate(([0.0], np.cumsum(np.abs(np.diff(repeated))))) / 2.0

    def rows(self, first: int) -> NDArray[np.int64]:
        """Return the steps of the block that begins at a step, as rows of the load."""
        # Day and cycle are counted from the step that ended the block before.
        before = first % self._steps + self._steps - 1
        low, high = np.searchsorted(self._turning, (before + 1, before + self._day))
        turns = self._turning[low:high]
        full = turns[self._cycles[turns] - self._cycles[before] > 1.0]
        end = int(full[0]) if full.size else before + self._day
        return np.arange(before + 1, end + 1) % self._steps


def _checked(soc: ArrayLike, temperature_c: ArrayLike, years: object, dt_h: object) -> tuple[FloatArray, FloatArray]:
    """Return state of charge [-] and temperature [°C], each of shape (n,)."""
    problems = Problems()
    if isinstance(years, bool) or not (isinstance(years, (int, np.integer)) and 1 <= years <= 100):
        problems.add("years", years, "a whole number of years 1..100", "give the years to look ahead")
    if not (isinstance(dt_h, (int, float, np.number)) and 0.0 < float(dt_h) <= 24.0):
        problems.add("dt_h", dt_h, "hours above 0, up to 24", "give the step length in hours")
    share = _series("soc", soc, (0.0, 1.0), "a share 0..1, not percent", problems)
    if share.size < 2:
        problems.add("soc", f"{share.size} steps", "two or more", "give one value per step")
    celsius = _series("temperature_c", np.atleast_1d(np.asarray(temperature_c)), (-40.0, 80.0), "°C", problems)
    if celsius.size not in (1, share.size):
        problems.add("temperature_c", f"{celsius.size} values", f"one, or {share.size} as soc", "repeat or cut it")
    problems.raise_if_any()
    return share, np.broadcast_to(celsius, share.shape)


def _series(name: str, values: ArrayLike, bounds: tuple[float, float], unit: str, problems: Problems) -> FloatArray:
    least, most = bounds
    try:
        series = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        problems.add(name, type(values).__name__, f"numbers {least:g}..{most:g}", unit)
        return np.full(2, least)
    wrong = np.argwhere(~((series >= least - 1e-9) & (series <= most + 1e-9)))
    if series.ndim != 1:
        problems.add(name, f"shape {series.shape}", "one dimension", "give one value per step")
        return np.full(2, least)
    if wrong.size:
        row = int(wrong[0, 0])
        problems.add(name, f"{series[row]:g} at step {row}", f"{least:g}..{most:g}", f"give {unit}")
    return np.clip(series, least, most)


def _outside(model: CellModel, soc: FloatArray, celsius: FloatArray, dt_h: float) -> tuple[str, ...]:
    """Say in which respects the load leaves the tests of the cell."""
    found = []
    low, high = model.temperature_c
    if celsius.min() < low or celsius.max() > high:
        found.append(f"temperature {celsius.min():g}..{celsius.max():g} °C, tested {low:g}..{high:g} °C while cycling")
    rates = np.diff(soc, append=soc[0]) / dt_h
    if not np.any(rates):
        return tuple(found)
    depth = float(soc.max() - soc.min())
    # Half a percent is less than a tester can hold.
    if not model.depth[0] - 0.005 <= depth <= model.depth[1] + 0.005:
        found.append(f"swings of {depth:.0%}, tested {model.depth[0]:.0%}..{model.depth[1]:.0%}")
    for word, rate, most in (
        ("charging", float(rates.max()), model.charge_per_h),
        ("discharging", float(-rates.min()), model.discharge_per_h),
    ):
        if rate > most:
            found.append(f"{word} at {rate:.2f} of the capacity per hour, tested to {most:g}")
    return tuple(found)
