"""A run on disk: written whole or not at all; `afterbay.sizing.stored_run` reads it again."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import afterbay
from afterbay.core.errors import InvalidInputError, NotFoundError, Problem
from afterbay.sizing.stored_run import FORMAT, StoredRun, file_digest, read_run, reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from afterbay.sizing.project import Project
    from afterbay.sizing.simulation import HourlyResults
    from afterbay.sizing.sweep import SweepResult

__all__ = [
    "FILES",
    "FORMAT",
    "StoredRun",
    "cases_csv",
    "default_folder",
    "facts_of",
    "facts_of_columns",
    "find_run",
    "hourly_csv",
    "prepare",
    "reading",
    "table_csv",
    "write_file",
    "write_inputs",
]

FILES: Final = ("run.json", "inputs.npz", "cases.csv", "hourly.csv", "pareto.png", "carpet.png", "worst_day.png")
"""All that a run folder of ours holds; nothing else in a folder is touched."""


def default_folder(name: str) -> Path:
    """Return the folder of a project's run: `out/<name>`, with signs that every file system takes."""
    plain = re.sub(r"[^\w.-]+", "_", name).strip("._") or "run"
    return Path("out") / plain[:80]


def prepare(folder: Path) -> None:
    """Make the folder and see that it can be written, before anybody waits for results.

    Raises:
        InvalidInputError: If it cannot, or holds files of these names that are not of a run.
    """
    _keep_what_is_not_ours(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".afterbay.{os.getpid()}.tmp"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InvalidInputError(
            Problem("--out", f"{folder}: {reason}", "a folder that can be written", "choose another --out")
        ) from None


def _keep_what_is_not_ours(folder: Path) -> None:
    held = [name for name in FILES if os.path.lexists(folder / name)]
    if not held:
        return
    try:
        facts = json.loads((folder / "run.json").read_bytes())
    except (ValueError, OSError, RecursionError):
        facts = None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise InvalidInputError(
            Problem(
                "--out",
                f"{folder} with {', '.join(held)}, but no run of afterbay",
                "a new folder, an empty one, or that of an earlier run",
                "choose another --out, or move these files away",
            )
        )


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file beside its place and move it there, so that it is never half there."""
    # Reading a run needs no engine, so that only a writer waits for it.
    from afterbay.core.output_file import write_whole

    write_whole(path, content.encode() if isinstance(content, str) else content)


def facts_of(project: Project, result: SweepResult, overrides: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return what `run.json` records of inputs and results; recommendation and reasons are added by the caller."""
    columns = {
        "option": (result.index + 1).tolist(),
        **{name: column.tolist() for name, column in result.sizes.items()},
        "capital_cost_usd": result.capital_cost_usd.tolist(),
        **{name: _finite(column) for name, column in result.metrics.items()},
    }
    return facts_of_columns(project, columns, overrides, seconds, complete=result.complete)


def facts_of_columns(
    project: Project, columns: dict[str, list[Any]], overrides: dict[str, Any], seconds: float, *, complete: bool
) -> dict[str, Any]:
    """Return the same of options that were computed elsewhere, as columns by name."""
    sources = [project.path, *project.files]
    grid = project.grid
    return {
        "format": FORMAT,
        "versions": {"afterbay": afterbay.__version__, "python": sys.version.split()[0], "numpy": np.__version__},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "complete": complete,
        "cases": len(grid),
        "cases_finished": len(columns["option"]),
        "project": {
            "name": project.name,
            "description": project.description,
            "customer_reference": project.customer_reference,
        },
        "sources": [{"path": str(path.resolve()), "sha256": file_digest(path)} for path in sources],
        "overrides": overrides,
        "input_hash": project.input_hash,
        "config": project.config,
        "grid": {
            "bess_mwh": grid.bess_mwh,
            "durations_h": grid.durations_h,
            "dg_mw": grid.dg_mw,
            "solar_mw": grid.solar_mw,
            "solar_base_mw": grid.solar_base_mw,
        },
        "template": {"number": project.template.number, "label": project.template.label},
        "dt_h": project.load.dt_h,
        "start": project.start.isoformat() if project.start else None,
        "costs": project.costs.to_dict(),
        "assumptions": list(project.assumptions),
        "warnings": list(project.warnings),
        "results": columns,
    }


def hourly_csv(results: HourlyResults, start: datetime | None, steps: slice = slice(None)) -> str:
    """Return the steps of a run as CSV text, with a time column where there is a calendar."""
    from datetime import timedelta

    columns: list[Sequence[Any]] = [getattr(results, name)[steps].tolist() for name in results.columns]
    names = list(results.columns)
    if start is not None:
        step = timedelta(hours=results.params.dt_h)
        first = steps.start or 0
        names.insert(0, "time")
        columns.insert(0, [(start + step * (first + row)).isoformat() for row in range(len(columns[0]))])
    return _csv(names, zip(*columns, strict=True))


def cases_csv(facts: dict[str, Any]) -> str:
    """Return the options of a run as CSV text, numbered as everywhere else."""
    results, choice = facts["results"], facts["recommendation"]
    best = choice["recommended"]["index"] if choice["recommended"] else None
    extra = {
        "dominated": choice["dominated"],
        "recommended": [row == best for row in range(len(results["option"]))],
    }
    return _csv([*results, *extra], zip(*results.values(), *extra.values(), strict=True))


def table_csv(results: dict[str, list[Any]], rows: Sequence[int]) -> str:
    """Return some options as CSV text, with every metric."""
    return _csv(list(results), ([column[row] for column in results.values()] for row in rows))


def _csv(names: list[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()


def write_inputs(folder: Path, project: Project) -> None:
    """Keep the profiles, so that an option can be run again whatever becomes of the files."""
    raw = io.BytesIO()
    np.savez_compressed(raw, load_mw=project.load.values, solar_mw=project.solar.values)
    write_file(folder / "inputs.npz", raw.getvalue())


def find_run(named: Path) -> StoredRun:
    """Return the run in a folder, or the run of a project file in its usual folder.

    Raises:
        NotFoundError: If there is none.
        InvalidInputError: If what is there is no run of ours.
    """
    if not named.exists():
        raise NotFoundError(f"there is no {named} -> give a run folder or a project file")
    folder = named if named.is_dir() else named.parent
    if named.is_file() and named.name != "run.json":
        from afterbay.sizing.project.document import read_document

        folder = default_folder(str(read_document(named).values.get("name") or named.stem))
    if not (folder / "run.json").exists():
        raise NotFoundError(f"there is no run in {folder} -> afterbay size run {named}")
    return read_run(folder)


def _finite(column: Any) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in column.tolist()]
