"""A run on disk: written whole or not at all, and read again with the inputs it was made from."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import afterbay
from afterbay.core.errors import AfterbayError, InvalidInputError, NotFoundError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
    "find_run",
    "hourly_csv",
    "prepare",
    "reading",
    "table_csv",
    "write_file",
    "write_inputs",
]

FORMAT: Final = "afterbay-run/1"
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
    sources = [project.path, *project.files]
    grid = project.grid
    return {
        "format": FORMAT,
        "versions": {"afterbay": afterbay.__version__, "python": sys.version.split()[0], "numpy": np.__version__},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "complete": result.complete,
        "cases": len(grid),
        "cases_finished": len(result),
        "project": {
            "name": project.name,
            "description": project.description,
            "customer_reference": project.customer_reference,
        },
        "sources": [{"path": str(path.resolve()), "sha256": _digest(path)} for path in sources],
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
        "results": {
            "option": (result.index + 1).tolist(),
            **{name: column.tolist() for name, column in result.sizes.items()},
            "capital_cost_usd": result.capital_cost_usd.tolist(),
            **{name: _finite(column) for name, column in result.metrics.items()},
        },
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


@dataclass(frozen=True, eq=False)
class StoredRun:
    """A run that was written earlier."""

    folder: Path
    facts: dict[str, Any]

    @property
    def results(self) -> dict[str, list[Any]]:
        """Columns by name; `option` is the number of each row."""
        columns: dict[str, list[Any]] = self.facts["results"]
        return columns

    @property
    def start(self) -> datetime | None:
        """Start of the first step, if there is a calendar."""
        return datetime.fromisoformat(self.facts["start"]) if self.facts["start"] else None

    @cached_property
    def stale(self) -> list[str]:
        """Why the inputs are no longer those of this run, in sentences."""
        found = []
        for source in self.facts["sources"]:
            path = Path(source["path"])
            if not path.is_file():
                found.append(f"{path.name} is no longer where it was; these are the results of the recorded inputs")
            elif _digest(path) != source["sha256"]:
                found.append(f"{path.name} changed since this run; these results are of the earlier inputs, run again")
        version = self.facts["versions"]["afterbay"]
        if version != afterbay.__version__:
            found.append(f"this run was made by afterbay {version}, this is {afterbay.__version__}")
        return found

    def row_of(self, option: str) -> int:
        """Return the row of an option, `best` or its number.

        Raises:
            NotFoundError: If the run has no such option.
        """
        if option == "best":
            choice = self.facts["recommendation"]
            return int((choice["recommended"] or choice["best_reached"])["index"])
        numbers = self.results["option"]
        if not option.isdigit() or int(option) not in numbers:
            raise NotFoundError(f"there is no option {option!r} -> best, or a number {numbers[0]}..{numbers[-1]}")
        return numbers.index(int(option))

    def simulate(self, row: int) -> HourlyResults:
        """Run one option again from the recorded inputs, with every hour."""
        from afterbay.sizing.grid import SizeGrid
        from afterbay.sizing.project import params_of_config, profile_hash
        from afterbay.sizing.sweep import sweep

        facts, results = self.facts, self.results
        load_mw, solar_mw = self._profiles()
        if profile_hash(facts["config"], load_mw, solar_mw, facts["dt_h"]) != facts["input_hash"]:
            raise InvalidInputError(
                Problem(
                    str(self.folder),
                    "inputs that do not match their hash",
                    "the files as they were written",
                    "run the project again",
                )
            )
        solar = results.get("solar_capacity")
        grid = SizeGrid(
            (results["capacity"][row],),
            (results["duration"][row],),
            (results["dg_capacity"][row],),
            (solar[row],) if solar else None,
            facts["grid"]["solar_base_mw"],
        )
        params = params_of_config(facts["config"], load_mw, solar_mw, facts["dt_h"], grid)
        return sweep(params, facts["template"]["number"], grid).simulate(0)

    def _profiles(self) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.float64]]]:
        try:
            file = self.folder / "inputs.npz"
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
                return held["load_mw"], held["solar_mw"]
        except FileNotFoundError:
            raise NotFoundError(f"{self.folder} has no inputs.npz -> run the project again") from None
        except Exception as error:
            raise _broken(self.folder / "inputs.npz", str(error)) from None


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
    file = folder / "run.json"
    try:
        facts = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise NotFoundError(f"there is no run in {folder} -> afterbay size run {named}") from None
    except (ValueError, OSError, RecursionError) as error:
        raise _broken(file, str(error)) from None
    needed = ("config", "results", "recommendation", "sources", "input_hash", "grid", "template")
    if not isinstance(facts, dict) or facts.get("format") != FORMAT or any(name not in facts for name in needed):
        raise _broken(file, "another format")
    if not isinstance(facts.get("complete"), bool):
        raise _broken(file, "a damaged run: complete is neither true nor false")
    return StoredRun(folder, facts)


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Say that a run is damaged where its facts are not there, or not of the kind that was written."""
    try:
        yield
    except AfterbayError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError) as error:
        why = f"a damaged run ({type(error).__name__}: {error})"
        raise _broken(folder / "run.json", why) from error


def _broken(file: Path, why: str) -> InvalidInputError:
    return InvalidInputError(
        Problem(str(file), why, f"a run of the format {FORMAT}", "run the project again into a new --out")
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _finite(column: Any) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in column.tolist()]
