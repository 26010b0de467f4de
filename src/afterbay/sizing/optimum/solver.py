"""A linear model as arrays, and the solver behind it: HiGHS, imported when it is needed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core.errors import InvalidInputError, MissingExtraError, Problem

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["BATTERY_WEIGHT", "LinearModel", "Solution", "solve"]

FloatArray = NDArray[np.float64]
Places = NDArray[np.int64]

BATTERY_WEIGHT: Final = 1e-5
"""Cost of discharging, in the units of a model: the battery never charges and discharges at once for nothing."""


class LinearModel:
    """Least cost over columns within bounds, subject to rows within bounds; filled block by block.

    A block is an array of columns or rows, so that a year of hours is a handful of calls.
    """

    def __init__(self) -> None:
        self._columns: list[tuple[FloatArray, FloatArray, FloatArray]] = []
        self._rows: list[tuple[FloatArray, FloatArray]] = []
        self._entries: list[tuple[Places, Places, FloatArray]] = []
        self.column_count = 0
        self.row_count = 0

    def columns(
        self, count: int, *, lower: ArrayLike = 0.0, upper: ArrayLike = np.inf, cost: ArrayLike = 0.0
    ) -> Places:
        """Add `count` columns; bounds and cost are one number or one per column. Returns their places."""
        self._columns.append((_spread(lower, count), _spread(upper, count), _spread(cost, count)))
        self.column_count += count
        return np.arange(self.column_count - count, self.column_count)

    def rows(self, count: int, *, lower: ArrayLike = -np.inf, upper: ArrayLike = np.inf) -> Places:
        """Add `count` empty rows; bounds are one number or one per row. Returns their places."""
        self._rows.append((_spread(lower, count), _spread(upper, count)))
        self.row_count += count
        return np.arange(self.row_count - count, self.row_count)

    def put(self, rows: Places, columns: Places, values: ArrayLike) -> None:
        """Set one entry per pair of row and column; a pair may be set once only."""
        rows, columns = np.broadcast_arrays(rows, columns)
        self._entries.append((rows, columns, _spread(values, rows.shape[0])))

    @property
    def cost(self) -> FloatArray:
        """Cost of every column."""
        return np.concatenate([cost for _, _, cost in self._columns])

    @property
    def is_sound(self) -> bool:
        """Are all costs and entries finite, and all bounds numbers? Infinite bounds are no bounds."""
        bounds = [
            *(part for block in self._columns for part in block[:2]),
            *(part for block in self._rows for part in block),
        ]
        finite = [*(cost for _, _, cost in self._columns), *(values for _, _, values in self._entries)]
        return all(np.isfinite(part).all() for part in finite) and not any(np.isnan(part).any() for part in bounds)

    def for_solver(self, highspy: ModuleType) -> Any:
        """Return the model in the solver's own record."""
        lower, upper, cost = (np.concatenate(part) for part in zip(*self._columns, strict=True))
        row_lower, row_upper = (np.concatenate(part) for part in zip(*self._rows, strict=True))
        rows, columns, values = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        # Zeros are dropped here: the solver would warn about them one by one.
        kept = values != 0.0
        rows, columns, values = rows[kept], columns[kept], values[kept]
        order = np.lexsort((rows, columns))
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = self.column_count, self.row_count
        model.col_cost_, model.col_lower_, model.col_upper_ = cost, lower, upper
        model.row_lower_, model.row_upper_ = row_lower, row_upper
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = np.searchsorted(columns[order], np.arange(self.column_count + 1)).astype(np.int32)
        model.a_matrix_.index_ = rows[order].astype(np.int32)
        model.a_matrix_.value_ = values[order]
        return model


class Solution(NamedTuple):
    """What the solver found."""

    values: FloatArray
    """Value of every column."""
    cost: float
    """Least cost."""
    status: str
    """The solver's own word, `Optimal`."""
    solve_s: float
    """Time of the solver [s]."""


def solve(
    model: LinearModel, *, what: str, method: str = "simplex", then: FloatArray | None = None, time_limit_s: float
) -> tuple[Solution, ...]:
    """Solve a model, and again from the same corner under other costs.

    Args:
        model: The model.
        what: Its name in an error, such as `optimum.bound`.
        method: `simplex` or `ipm`.
        then: Costs of a second run that starts where the first ended, shape (columns,).
        time_limit_s: Longest time of each run [s].

    Returns:
        One solution, or two with `then`.

    Raises:
        MissingExtraError: If the solver is not installed.
        InvalidInputError: If there is no solution, no least cost, or none within the time.
    """
    highspy = _import_solver()
    engine = highspy.Highs()
    for option, value in (
        ("output_flag", False),
        ("solver", method),
        ("time_limit", float(time_limit_s)),
        # One thread and a fixed seed: the same input gives the same dispatch everywhere.
        ("threads", 1),
        ("random_seed", 0),
    ):
        engine.setOptionValue(option, value)
    if not model.is_sound or engine.passModel(model.for_solver(highspy)) == highspy.HighsStatus.kError:
        raise InvalidInputError(
            Problem(what, "numbers that the solver cannot hold", "sizes and prices up to about 1e15", "check the units")
        )
    found = [_run(engine, highspy, what, time_limit_s)]
    if then is not None:
        engine.changeColsCost(model.column_count, np.arange(model.column_count, dtype=np.int32), then)
        # The clock of the solver runs on over both.
        engine.setOptionValue("time_limit", engine.getRunTime() + float(time_limit_s))
        found.append(_run(engine, highspy, what, time_limit_s))
    return tuple(found)


def _run(engine: Any, highspy: ModuleType, what: str, time_limit_s: float) -> Solution:
    began = time.perf_counter()
    engine.run()
    taken = time.perf_counter() - began
    status = engine.getModelStatus()
    word = str(engine.modelStatusToString(status))
    if status != highspy.HighsModelStatus.kOptimal:
        raise InvalidInputError(_unsolved(highspy.HighsModelStatus, status, word, what, time_limit_s))
    values = np.array(engine.getSolution().col_value, dtype=np.float64)
    return Solution(values, float(engine.getInfo().objective_function_value), word, taken)


def _unsolved(states: Any, status: object, word: str, what: str, time_limit_s: float) -> Problem:
    if status == states.kInfeasible:
        return Problem(
            what,
            "limits that contradict each other: no dispatch meets them all",
            "at least one way to serve the load",
            "raise a limit on a size, or allow the generator",
        )
    if status in (states.kUnbounded, states.kUnboundedOrInfeasible):
        return Problem(
            what, "a cost that falls without end, or limits that contradict", "prices >= 0", "check prices and limits"
        )
    if status == states.kTimeLimit:
        return Problem(
            what,
            f"no optimum within {time_limit_s:g} s",
            "a horizon and a time limit that fit each other",
            "raise time_limit_s or shorten the profiles",
        )
    return Problem(
        what,
        f"the solver stopped with {word!r}",
        "numbers of similar size: MW and MWh of one plant",
        "check profiles and sizes for values far apart, such as kW among MW",
    )


def _import_solver() -> ModuleType:
    try:
        import highspy
    except ImportError:
        raise MissingExtraError("highspy", "optimum", "the best possible dispatch") from None
    return highspy


def _spread(values: ArrayLike, count: int) -> FloatArray:
    return np.broadcast_to(np.asarray(values, dtype=np.float64), (count,))
