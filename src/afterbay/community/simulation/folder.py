"""Results of a run in a folder: Parquet parts, one for each block, each written whole.

```
scenario.json       what the run was made of, its digests, what is kept
daily/part-00000.parquet    local day x house: sums of every flow, shared energy by level
nodes/...           step x node: flows of the grid and its transformers
houses/...          step x house: every flow of the houses whose series is kept
meters/...          step x house: the meter of every house, when it is kept
checkpoint.npz      what the last finished block left; gone when the run is complete
```
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.community.simulation.columns import DAILY_COLUMNS, HOUSE_COLUMNS, NODE_COLUMNS, level_columns
from afterbay.community.step import DeviceState, MeterBlock
from afterbay.core.errors import ConflictError, InvalidInputError, MissingExtraError, NotFoundError, Problem
from afterbay.core.output_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from afterbay.community.simulation.horizon import LocalDays
    from afterbay.community.simulation.shares import SharedDays
    from afterbay.community.step import TreeArrays
    from afterbay.core.compiled import Floats, Indices
    from afterbay.core.timeline import Timeline

__all__ = ["FolderResults", "read_scenario_file"]

_SCENARIO = "scenario.json"
_CHECKPOINT = "checkpoint.npz"


class FolderResults:
    """The tables of one run; a part that is there is complete."""

    def __init__(
        self,
        path: Path,
        tree: TreeArrays,
        timeline: Timeline,
        days: LocalDays,
        chosen: Indices,
        *,
        keep_meters: bool,
    ) -> None:
        """Name the folder of a run; nothing is read or written yet."""
        self.path, self._tree, self._timeline, self._days, self._chosen = path, tree, timeline, days, chosen
        self._keep_meters = keep_meters
        self._levels = int(tree.depth.max(initial=0)) + 1

    def begin(self, scenario: dict[str, Any]) -> None:
        """Make the folder and write down what the run is made of."""
        if self.path.exists() and not self.path.is_dir():
            raise InvalidInputError(Problem("folder", f"{self.path}, a file", "a folder", "give another name"))
        try:
            for table in self._tables():
                (self.path / table).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInputError(
                Problem("folder", f"{self.path} ({error.strerror})", "a place that can be written", "choose another")
            ) from None
        write_whole(self.path / _SCENARIO, json.dumps(scenario, allow_nan=False).encode())

    @contextmanager
    def alone(self, *, make: bool) -> Iterator[None]:
        """Keep other processes from writing into the folder meanwhile; the lock ends with the process.

        Args:
            make: Whether to make the folder; one that is not there needs no lock otherwise.

        Raises:
            ConflictError: If another process writes into it.
            InvalidInputError: If it cannot be made.
        """
        if make and not self.path.exists():
            try:
                self.path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InvalidInputError(
                    Problem(
                        "folder", f"{self.path} ({error.strerror})", "a place that can be written", "choose another"
                    )
                ) from None
        if sys.platform == "win32" or not self.path.is_dir():
            yield
            return
        import fcntl

        # The folder itself is locked, so that no further file lies beside the tables.
        held = os.open(self.path, os.O_RDONLY)
        try:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConflictError(
                    f"{self.path}: another run writes there -> wait for it, or name another folder"
                ) from None
            except OSError:
                pass  # a file system without locks
            yield
        finally:
            os.close(held)

    def keep(self, days: SharedDays) -> None:
        """Write the parts of a block, then the checkpoint behind it."""
        part = f"part-{days.first_day:05d}.parquet"
        n_days, houses = days.daily.shape[0], self._tree.n_houses
        dates = np.array(self._days.dates[days.first_day : days.first_day + n_days], dtype="datetime64[D]")
        levels = days.levels.reshape(n_days, -1, houses)
        self._write(
            "daily",
            part,
            {"date": np.repeat(dates, houses)},
            ("house", self._tree.house_names, np.tile(np.arange(houses, dtype=np.int32), n_days)),
            {
                **{name: days.daily[:, place] for place, name in enumerate(DAILY_COLUMNS)},
                **{name: levels[:, place] for place, name in enumerate(level_columns(self._levels))},
            },
        )
        n_steps = days.nodes.shape[1]
        stamps = self._stamps(days.first_step, n_steps)
        self._write(
            "nodes",
            part,
            {"timestamp_utc": np.repeat(stamps, self._tree.n_nodes)},
            ("node", self._tree.node_names, np.tile(np.arange(self._tree.n_nodes, dtype=np.int32), n_steps)),
            {name: days.nodes[place] for place, name in enumerate(NODE_COLUMNS)},
        )
        if self._chosen.size:
            self._write(
                "houses",
                part,
                {"timestamp_utc": np.repeat(stamps, self._chosen.size)},
                ("house", self._tree.house_names, np.tile(self._chosen.astype(np.int32), n_steps)),
                {name: days.series[place] for place, name in enumerate(HOUSE_COLUMNS)},
            )
        if self._keep_meters:
            self._write(
                "meters",
                part,
                {"timestamp_utc": np.repeat(stamps, houses)},
                ("house", self._tree.house_names, np.tile(np.arange(houses, dtype=np.int32), n_steps)),
                {"net_kwh": days.meters.net_kwh},
            )
        done = io.BytesIO()
        np.savez(done, next_day=np.array(days.first_day + n_days), **days.state._asdict())
        write_whole(self.path / _CHECKPOINT, done.getvalue())

    def finish(self, scenario: dict[str, Any]) -> None:
        """Mark the run as complete."""
        write_whole(self.path / _SCENARIO, json.dumps(scenario, allow_nan=False).encode())
        (self.path / _CHECKPOINT).unlink(missing_ok=True)

    def resume(self) -> tuple[int, DeviceState] | None:
        """Return the first day that is not done and what the days before left; None when there is none."""
        try:
            with np.load(self.path / _CHECKPOINT, allow_pickle=False) as kept:
                next_day = int(kept["next_day"])
                state = DeviceState(*(kept[name] for name in DeviceState._fields))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError):
            raise InvalidInputError(
                Problem(_CHECKPOINT, "a file that cannot be read", "the checkpoint of a run", "start the run anew")
            ) from None
        # Parts behind the checkpoint belong to a block that was cut short.
        for table in self._tables():
            for part in (self.path / table).glob("part-*.parquet"):
                if int(part.stem.removeprefix("part-")) >= next_day:
                    part.unlink()
        return next_day, state

    def clear(self) -> None:
        """Remove every part of an earlier run, and nothing else."""
        for table in ("daily", "nodes", "houses", "meters"):
            for part in (self.path / table).glob("part-*.parquet"):
                part.unlink()
        (self.path / _CHECKPOINT).unlink(missing_ok=True)

    def daily(self, column: str) -> Floats:
        """Return a daily sum of every house, shape (days, H)."""
        return self._read("daily", column).reshape(-1, self._tree.n_houses)

    def levels(self, side: str) -> Floats:
        """Return `bought` or `sold` by transformers crossed, shape (days, L, H)."""
        return np.stack([self.daily(f"{side}_{level}_kwh") for level in range(self._levels)], axis=1)

    def nodes(self, column: str) -> Floats:
        """Return the series of every node, shape (n_steps, N)."""
        return self._read("nodes", column).reshape(-1, self._tree.n_nodes)

    def series(self, column: str) -> Floats:
        """Return the series of the chosen houses, shape (n_steps, chosen)."""
        if not self._chosen.size:
            return np.empty((self._timeline.count, 0))
        return self._read("houses", column).reshape(-1, self._chosen.size)

    def meters(self) -> Iterator[MeterBlock] | None:
        """Return the stored meter readings block by block, or None when they were not kept."""
        return self._meter_blocks() if self._keep_meters else None

    def _meter_blocks(self) -> Iterator[MeterBlock]:
        parquet = _parquet()
        for part in self._parts("meters"):
            net = parquet.read_table(part, columns=["net_kwh"])["net_kwh"].to_numpy()
            day = int(part.stem.removeprefix("part-"))
            yield MeterBlock(int(self._days.starts[day]), net.reshape(-1, self._tree.n_houses))

    def _tables(self) -> Sequence[str]:
        kept = ["daily", "nodes"]
        if self._chosen.size:
            kept.append("houses")
        if self._keep_meters:
            kept.append("meters")
        return kept

    def _parts(self, table: str) -> list[Path]:
        parts = sorted((self.path / table).glob("part-*.parquet"))
        if not parts:
            raise NotFoundError(f"{self.path / table}: no part of a run is here; was the run started?")
        return parts

    def _read(self, table: str, column: str) -> Floats:
        parquet = _parquet()
        parts = [parquet.read_table(part, columns=[column])[column].to_numpy() for part in self._parts(table)]
        return np.concatenate(parts)

    def _stamps(self, first: int, count: int) -> np.ndarray:
        start = np.datetime64(self._timeline.label(first).replace(tzinfo=None), "s")
        return start + np.arange(count) * np.timedelta64(int(self._timeline.step.total_seconds()), "s")

    def _write(
        self,
        table: str,
        part: str,
        times: dict[str, np.ndarray],
        names: tuple[str, Sequence[str], np.ndarray],
        values: dict[str, Floats],
    ) -> None:
        parquet = _parquet()
        import pyarrow as pa

        label, words, codes = names
        columns: dict[str, Any] = {}
        for name, stamps in times.items():
            kind = pa.date32() if name == "date" else pa.timestamp("s", tz="UTC")
            columns[name] = (
                pa.array(stamps).cast(kind) if name == "date" else pa.array(stamps.astype("datetime64[s]"), kind)
            )
        columns[label] = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(words))
        for name, column in values.items():
            columns[name] = pa.array(np.ascontiguousarray(column).reshape(-1))
        content = io.BytesIO()
        parquet.write_table(
            pa.table(columns), content, compression="zstd", compression_level=1, use_dictionary=[label, *times]
        )
        write_whole(self.path / table / part, content.getvalue())


def read_scenario_file(path: Path) -> dict[str, Any]:
    """Read what a run in a folder was made of.

    Raises:
        NotFoundError: If there is no run in the folder.
        InvalidInputError: If its description cannot be read.
    """
    try:
        content = json.loads((path / _SCENARIO).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFoundError(f"{path}: holds no community run (no {_SCENARIO})") from None
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            Problem(str(path / _SCENARIO), str(error)[:80], "the description of a run", "run it again")
        ) from None
    if not isinstance(content, dict):
        raise InvalidInputError(Problem(str(path / _SCENARIO), type(content).__name__, "an object", "run it again"))
    return content


def _parquet() -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "parquet", "writing and reading a run's folder") from None
    return parquet
