"""A run of `afterbay size` on disk, read again with the inputs it was made from."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import afterbay
from afterbay.core.errors import AfterbayError, InvalidInputError, NotFoundError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from afterbay.sizing.simulation import HourlyResults

__all__ = ["FORMAT", "StoredRun", "file_digest", "read_run", "reading"]

FORMAT: Final = "afterbay-run/1"


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
            elif file_digest(path) != source["sha256"]:
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


def read_run(folder: Path) -> StoredRun:
    """Return the run in a folder.

    Raises:
        NotFoundError: If there is none.
        InvalidInputError: If what is there is no run of ours.
    """
    file = folder / "run.json"
    try:
        facts = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise NotFoundError(f"there is no run in {folder} -> afterbay size run PROJECT --out {folder}") from None
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


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
