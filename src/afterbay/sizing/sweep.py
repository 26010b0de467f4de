"""Run every size: battery energy x duration x generator x solar, on all cores, keeping only totals."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import InvalidInputError, PhysicsError, Problem
from afterbay.sizing import kernels
from afterbay.sizing import layout as at
from afterbay.sizing.case import case_row, hours_of_day
from afterbay.sizing.cost import CapitalCosts, capital_cost_usd
from afterbay.sizing.grid import SizeGrid
from afterbay.sizing.metrics import SummaryMetrics, metric_columns, metrics_at
from afterbay.sizing.physics import worst_violation
from afterbay.sizing.simulation import HourlyResults, run_simulation
from afterbay.sizing.templates import Template, resolve_template

if TYPE_CHECKING:
    import pandas as pd

    from afterbay.sizing.params import SimulationParams

__all__ = ["SweepResult", "params_of_size", "run_rows", "sweep"]

FloatArray = NDArray[np.float64]
Progress = Callable[[int, int], None]

_CASES_PER_TASK = 32
"""About 10 ms of work for a year of hours: small enough to stop at once, large enough to be worth a thread."""


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult:
    """The cases of a sweep as columns of the same length; `rows()` gives the plan's rows."""

    params: SimulationParams
    template: Template
    grid: SizeGrid
    cases: FloatArray
    """`layout.CASE` of the finished cases, shape (m, 36)."""
    totals: FloatArray
    """`layout.TOTALS` of the finished cases, shape (m, 53)."""
    index: NDArray[np.int64]
    """Which case of the grid each one is, shape (m,)."""
    costs: CapitalCosts

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        reached = self.metrics["delivery_pct"]
        span = f", delivery {reached.min():.1f} to {reached.max():.1f} %" if len(self) else ""
        return f"<SweepResult {self.template.label}: {len(self):,} of {len(self.grid):,} cases{span}>"

    def _checked(self, index: int) -> int:
        if isinstance(index, bool) or not isinstance(index, (int, np.integer)) or not 0 <= index < len(self):
            raise InvalidInputError(
                Problem("index", repr(index), f"a case 0..{len(self) - 1}", "count the finished cases from 0")
            )
        return int(index)

    @property
    def complete(self) -> bool:
        """Did every case of the grid finish? A cancelled sweep keeps what it has."""
        return len(self.index) == len(self.grid)

    @cached_property
    def sizes(self) -> dict[str, FloatArray]:
        """The sizes of each case: capacity [MWh], duration [h], power, dg_capacity, solar_capacity [MW]."""
        return {name: column[self.index] for name, column in self.grid.columns.items()}

    @cached_property
    def metrics(self) -> dict[str, FloatArray]:
        """Every metric of `SummaryMetrics` as a column, shape (m,)."""
        return dict(metric_columns(self.cases, self.totals))

    @cached_property
    def capital_cost_usd(self) -> FloatArray:
        """Capital cost of each case [USD], shape (m,)."""
        sizes = {name: column.tolist() for name, column in self.sizes.items()}
        solar = sizes.get("solar_capacity", [0.0] * len(self))
        plants = zip(sizes["capacity"], sizes["power"], sizes["dg_capacity"], solar, strict=True)
        return np.array([capital_cost_usd(*plant, costs=self.costs) for plant in plants])

    def metrics_of(self, index: int) -> SummaryMetrics:
        """Return the metrics of one finished case."""
        return metrics_at(self.metrics, self._checked(index))

    def rows(self) -> list[dict[str, Any]]:
        """Return the plan's rows: sizes, `capital_cost_usd` and `metrics` of each finished case."""
        return list(self._rows())

    def _rows(self) -> Iterator[dict[str, Any]]:
        sizes = {name: column.tolist() for name, column in self.sizes.items()}
        costs = self.capital_cost_usd.tolist()
        for row in range(len(self)):
            yield {
                **{name: column[row] for name, column in sizes.items()},
                "capital_cost_usd": costs[row],
                "metrics": self.metrics_of(row).to_dict(),
            }

    def to_frame(self) -> pd.DataFrame:
        """Return the cases as a pandas frame: sizes, capital cost and every metric."""
        import pandas as pd

        return pd.DataFrame({**self.sizes, "capital_cost_usd": self.capital_cost_usd, **self.metrics})

    def params_of(self, index: int) -> SimulationParams:
        """Return the params of one finished case, ready for `run_simulation`."""
        index = self._checked(index)
        return _params_of(self.params, self.sizes, self.cases, index)

    def simulate(self, index: int) -> HourlyResults:
        """Run one finished case again and keep every hour; its totals are the same bits."""
        return run_simulation(self.params_of(index), self.template)


def params_of_size(
    params: SimulationParams, template_id: int | Template, grid: SizeGrid, index: int
) -> SimulationParams:
    """Return the params of one size of a grid as a sweep over it would, without running any.

    Args:
        params: The plant apart from the sizes of the grid, which replace those of `params`.
        template_id: 0..6 or a `Template`.
        grid: The sizes.
        index: Which, from 0.

    Raises:
        UnknownTemplateError: If there is no such template.
        InvalidInputError: If the grid has no such size, or asks for solar sizes and the profile has no sun.
    """
    if not 0 <= index < len(grid):
        raise InvalidInputError(Problem("index", repr(index), f"a size 0..{len(grid) - 1}", "count the sizes from 0"))
    return _params_of(params, grid.columns, _grid_cases(params, resolve_template(template_id), grid), index)


def run_rows(
    cases: FloatArray,
    load_mw: FloatArray,
    solar_mw: FloatArray,
    dt_h: float,
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Run many cases over the same profiles.

    Args:
        cases: `layout.CASE`, shape (m, 36).
        load_mw: Load [MW], shape (n,).
        solar_mw: Solar before `solar_scale` [MW], shape (n,).
        dt_h: Length of a step [h].
        jobs: Threads; default: all cores. The result does not depend on it.
        progress: Called with (finished, all) as tasks finish, in the calling thread.
        cancelled: Asked between tasks; True stops, and what is finished stays.

    Returns:
        `layout.TOTALS`, shape (m, 53), and which cases are finished, shape (m,).

    Raises:
        PhysicsError: If a case breaks a balance or a bound.
    """
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
        raise InvalidInputError(Problem("jobs", repr(jobs), "a whole number from 1, or None", "None takes all cores"))
    count = len(cases)
    totals = np.zeros((count, len(at.TOTALS)))
    done = np.zeros(count, dtype=bool)
    hours = hours_of_day(dt_h)
    stop = threading.Event()

    def task(first: int, last: int) -> tuple[int, int]:
        if not stop.is_set():
            kernels.dispatch_many(cases[first:last], load_mw, solar_mw, hours, totals[first:last])
            done[first:last] = True
        return first, last

    with ThreadPoolExecutor(max_workers=jobs or os.cpu_count() or 1) as pool:
        waiting: set[Future[tuple[int, int]]] = {
            pool.submit(task, first, min(first + _CASES_PER_TASK, count)) for first in range(0, count, _CASES_PER_TASK)
        }
        try:
            while waiting:
                finished, waiting = wait(waiting, timeout=0.1, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
                if progress is not None and not stop.is_set():
                    progress(int(done.sum()), count)
                if cancelled is not None and cancelled():
                    stop.set()
        except BaseException:
            stop.set()
            raise
    broken = worst_violation(cases[done], totals[done], float(load_mw.max()), float(solar_mw.max()))
    if broken is not None:
        sizes = dict(zip(at.CASE, cases[done][broken].tolist(), strict=True))
        raise PhysicsError(f"a case of the sweep breaks physics -> a defect of ours: report it with {sizes}")
    return totals, done


def sweep(
    params: SimulationParams,
    template_id: int | Template,
    grid: SizeGrid,
    *,
    costs: CapitalCosts | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> SweepResult:
    """Simulate every size of a grid under one template.

    Args:
        params: The plant apart from the sizes of the grid, which replace those of `params`.
        template_id: 0..6 or a `Template`.
        grid: The sizes.
        costs: For the capital cost of each case; default: `CapitalCosts()`.
        jobs: Threads; default: all cores.
        progress: Called with (finished, all).
        cancelled: True stops the sweep; the result then holds the finished cases only.

    Raises:
        UnknownTemplateError: If there is no such template.
        InvalidInputError: If the grid asks for solar sizes and the profile has no sun.
        PhysicsError: If a case breaks a balance or a bound.
    """
    template = resolve_template(template_id)
    if not isinstance(grid, SizeGrid):
        raise InvalidInputError(Problem("grid", type(grid).__name__, "a SizeGrid", "make it with SizeGrid(...)"))
    cases = _grid_cases(params, template, grid)
    totals, done = run_rows(
        cases,
        params.load_mw,
        params.solar_mw,
        params.dt_h,
        jobs=jobs,
        progress=progress,
        cancelled=cancelled,
    )
    return SweepResult(params, template, grid, cases[done], totals[done], np.flatnonzero(done), costs or CapitalCosts())


def _params_of(
    params: SimulationParams, columns: Mapping[str, FloatArray], cases: FloatArray, index: int
) -> SimulationParams:
    sizes = {name: float(column[index]) for name, column in columns.items()}
    changes: dict[str, Any] = {
        "bess_capacity": sizes["capacity"],
        "bess_charge_power": sizes["power"],
        "bess_discharge_power": sizes["power"],
        "dg_capacity": sizes["dg_capacity"],
        "dg_enabled": sizes["dg_capacity"] > 0.0,
    }
    scale = float(cases[index, at.SOLAR_SCALE])
    if scale == 1.0 and all(getattr(params, name) == value for name, value in changes.items()):
        # To check them again would take longer than to run them.
        return params
    return replace(params, solar_profile=params.solar_mw * scale, **changes)


def _grid_cases(params: SimulationParams, template: Template, grid: SizeGrid) -> FloatArray:
    cases = np.tile(case_row(params, template), (len(grid), 1))
    columns = grid.columns
    cases[:, at.CAPACITY] = columns["capacity"]
    cases[:, at.CHARGE_POWER] = columns["power"]
    cases[:, at.DISCHARGE_POWER] = columns["power"]
    cases[:, at.DG_RATING] = columns["dg_capacity"]
    if grid.solar_mw is not None:
        base = grid.solar_base_mw or float(params.solar_mw.max())
        if base <= 0.0:
            raise InvalidInputError(
                Problem(
                    "solar_profile",
                    "zeros only",
                    "a profile with sun, because the grid varies the solar capacity",
                    "give a solar profile or leave the solar axis out",
                )
            )
        cases[:, at.SOLAR_SCALE] = columns["solar_capacity"] / base
    return cases
