"""The options of a run: simulated, in parts where they are many, kept as a file, and shown as rows."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from afterbay.sizing import layout as at
from afterbay.sizing.grid import SizeGrid
from afterbay.sizing.sweep import SweepResult, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from afterbay.sizing.params import SimulationParams
    from afterbay.sizing.project import Project
    from afterbay.sizing.templates import Template

__all__ = ["SweepPart", "SweptPart", "join_parts", "parts_of", "read_sweep", "rows_of", "sweep_bytes", "sweep_part"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

_CASE: Final = "case."
_TOTAL: Final = "total."


@dataclass(frozen=True, slots=True, eq=False)
class SweepPart:
    """Some options of a sweep, to be simulated elsewhere."""

    params: SimulationParams
    template: Template
    grid: SizeGrid
    places: NDArray[np.int64]
    """Which options of the whole grid these are, shape (m,)."""


@dataclass(frozen=True, slots=True, eq=False)
class SweptPart:
    """What the kernel read and found for some options."""

    places: NDArray[np.int64]
    cases: FloatArray
    """`layout.CASE`, shape (m, 36)."""
    totals: FloatArray
    """`layout.TOTALS`, shape (m, 53)."""


def parts_of(project: Project, most_cases: int) -> list[SweepPart]:
    """Cut a grid along its longest axis into parts of about `most_cases` options.

    Args:
        project: The project of the run.
        most_cases: Options of one part, as near as the axis allows.
    """
    grid, params = project.grid, project.params()
    axes: dict[str, Sequence[float]] = {
        "bess_mwh": grid.bess_mwh,
        "durations_h": grid.durations_h,
        "dg_mw": grid.dg_mw,
        "solar_mw": (0.0,) if grid.solar_mw is None else grid.solar_mw,
    }
    lengths = [len(axis) for axis in axes.values()]
    places = np.arange(len(grid)).reshape(lengths)
    longest = int(np.argmax(lengths))
    name = list(axes)[longest]
    step = max(1, most_cases * lengths[longest] // len(grid))
    found = []
    for first in range(0, lengths[longest], step):
        kept = {key: tuple(values) for key, values in axes.items()}
        kept[name] = kept[name][first : first + step]
        part = SizeGrid(
            kept["bess_mwh"],
            kept["durations_h"],
            kept["dg_mw"],
            None if grid.solar_mw is None else kept["solar_mw"],
            grid.solar_base_mw,
        )
        where = np.take(places, range(first, min(first + step, lengths[longest])), axis=longest)
        found.append(SweepPart(params, project.template, part, where.ravel()))
    return found


def sweep_part(part: SweepPart) -> SweptPart:
    """Simulate some options in one thread; the same bits as within the whole sweep."""
    result = sweep(part.params, part.template, part.grid, jobs=1)
    return SweptPart(part.places, result.cases, result.totals)


def join_parts(project: Project, parts: Sequence[SweptPart]) -> SweepResult:
    """Return the sweep of a whole grid from all its parts.

    Args:
        project: The project of the run.
        parts: Every part of `parts_of`, in any order.
    """
    count = len(project.grid)
    cases, totals = np.zeros((count, len(at.CASE))), np.zeros((count, len(at.TOTALS)))
    for part in parts:
        cases[part.places] = part.cases
        totals[part.places] = part.totals
    return _result(project, cases, totals, np.arange(count))


def sweep_bytes(result: SweepResult) -> bytes:
    """Return a sweep as a Parquet file: sizes, capital cost and metrics, then what the kernel read and found."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, FloatArray | NDArray[np.int64]] = {
        "index": result.index,
        **result.sizes,
        "capital_cost_usd": result.capital_cost_usd,
        **result.metrics,
    }
    columns |= {f"{_CASE}{name}": result.cases[:, place] for place, name in enumerate(at.CASE)}
    columns |= {f"{_TOTAL}{name}": result.totals[:, place] for place, name in enumerate(at.TOTALS)}
    raw = io.BytesIO()
    pq.write_table(pa.table(columns), raw, compression="zstd")
    return raw.getvalue()


def read_sweep(project: Project, content: bytes) -> SweepResult:
    """Return a sweep from the file that `sweep_bytes` made.

    Args:
        project: The project of the run.
        content: The file.
    """
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(content))
    cases = np.column_stack([table[f"{_CASE}{name}"].to_numpy() for name in at.CASE])
    totals = np.column_stack([table[f"{_TOTAL}{name}"].to_numpy() for name in at.TOTALS])
    return _result(project, cases, totals, table["index"].to_numpy())


def rows_of(result: SweepResult) -> Iterator[dict[str, Any]]:
    """Yield the plan's rows: `{capacity, duration, power, dg_capacity, metrics}`, with index and capital cost."""
    for index, row in zip(result.index.tolist(), result.rows(), strict=True):
        yield {"index": index, **row}


def _result(project: Project, cases: FloatArray, totals: FloatArray, index: NDArray[np.int64]) -> SweepResult:
    return SweepResult(project.params(), project.template, project.grid, cases, totals, index, project.costs)
