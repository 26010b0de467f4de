"""A run on a server: how far it is, what came of it, and its files."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from afterbay.core.errors import AfterbayError, CancelledError, InvalidInputError, Problem, UnavailableError
from afterbay.core.output_file import write_whole

if TYPE_CHECKING:
    import pandas as pd

    from afterbay.client.connection import Connection

__all__ = ["Run", "sizes"]

_SIZING: Final = "/api/v1/bess-sizing"
_ENDED: Final = ("completed", "failed", "cancelled")
_SIZES: Final = ("capacity", "duration", "dg_capacity", "solar_capacity", "years")
_FORMATS: Final = ("csv", "excel", "pdf", "json")
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0


def sizes(options: Mapping[str, Any]) -> dict[str, float]:
    """Return the options of a run as the API takes them: numbers, by name.

    Raises:
        InvalidInputError: For a name that there is not.
    """
    unknown = [name for name in options if name not in _SIZES]
    if unknown:
        raise InvalidInputError(Problem("options", ", ".join(unknown), ", ".join(_SIZES)))
    return {name: value if name == "years" else float(value) for name, value in options.items() if value is not None}


class Run:
    """One run of a project. `document` is what the server said last."""

    def __init__(self, connection: Connection, document: dict[str, Any]) -> None:
        self._connection = connection
        self.document = document

    def __repr__(self) -> str:
        return f"Run({self.id}, {self.status})"

    @property
    def id(self) -> str:
        """The run's id."""
        return str(self.document["id"])

    @property
    def status(self) -> str:
        """pending, running, completed, failed or cancelled, when it was asked last."""
        return str(self.document["status"])

    def refresh(self) -> dict[str, Any]:
        """Ask how far it is; return status, `progress` (0..1), `message` and `eta_s` [s]."""
        self.document = dict(self._connection.get(f"{_SIZING}/simulations/{self.id}/status"))
        return self.document

    def wait(
        self,
        timeout_s: float | None = None,
        *,
        on_progress: Callable[[dict[str, Any]], None] | None = None,
        progress: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Run:
        """Wait until it ended.

        Args:
            timeout_s: Longest wait [s]; None: as long as it takes.
            on_progress: Told of every answer.
            progress: Draw a bar.
            clock: Seconds of a clock that only goes forward [s].
            sleep: How to wait between two questions.

        Raises:
            AfterbayError: If it failed, with its reason.
            CancelledError: If somebody cancelled it.
            UnavailableError: If it did not end in time; it goes on.
        """
        if progress:
            with _bar() as show:
                return self.wait(timeout_s, on_progress=show, clock=clock, sleep=sleep)
        began, pause = clock(), _FIRST_PAUSE_S
        while True:
            document = self.refresh()
            if on_progress is not None:
                on_progress(document)
            if self.status in _ENDED:
                break
            if timeout_s is not None and clock() - began >= timeout_s:
                done = round(100 * float(document.get("progress", 0.0)))
                raise UnavailableError(f"run {self.id} is {self.status}, {done} % done -> ask again later: it goes on")
            sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)
        if self.status == "failed":
            raise AfterbayError(f"run {self.id} failed: {self.document.get('error_message') or 'no reason was kept'}")
        if self.status == "cancelled":
            raise CancelledError(f"run {self.id} was cancelled")
        return self

    def cancel(self) -> None:
        """Stop it, or delete its results if it ended."""
        self._connection.send("DELETE", f"{_SIZING}/simulations/{self.id}")

    def results(self) -> dict[str, Any]:
        """Return the first page of options with everything that belongs to the run."""
        return dict(self._connection.get(f"{_SIZING}/simulations/{self.id}/results"))

    def options(self) -> pd.DataFrame:
        """Return all options: a row for each size, metrics as columns with their units in the names."""
        import pandas as pd

        rows: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self._connection.get(f"{_SIZING}/simulations/{self.id}/results", limit=5_000, cursor=cursor)
            rows.extend({**{name: value for name, value in row.items() if name != "metrics"}, **row["metrics"]}
                        for row in page["optimization_results"])  # fmt: skip
            cursor = page["next_cursor"]
            if cursor is None:
                return pd.DataFrame(rows).set_index("index")

    def recommendations(self) -> dict[str, Any]:
        """Return what to build and why; or what blocks the goal and what would help."""
        return dict(self._connection.get(f"{_SIZING}/simulations/{self.id}/recommendations"))

    def hourly(self, index: int | None = None) -> pd.DataFrame:
        """Return the steps of an option (None: the recommended one), as the Parquet file holds them."""
        import pandas as pd

        answer = self._connection.send(
            "GET", f"{_SIZING}/simulations/{self.id}/hourly", params=_given(index=index),
            headers={"Accept": "application/vnd.apache.parquet"},
        )  # fmt: skip
        return pd.read_parquet(io.BytesIO(answer.content))

    def projection(self, index: int | None = None, **assumptions: Any) -> dict[str, Any]:
        """Return an option over its years, with finance; `assumptions` as the API takes them."""
        path = f"{_SIZING}/simulations/{self.id}/projection"
        return dict(self._connection.get(path, index=index, **assumptions))

    def explain(self, index: int | None = None, *, at: str | None = None, day: str | None = None) -> dict[str, Any]:
        """Say why a step (`at`) or a day of an option went as it did, or why the option stands where it does."""
        return dict(self._connection.get(f"{_SIZING}/simulations/{self.id}/explain", index=index, at=at, day=day))

    def export(self, form: str, path: str | Path, *, index: int | None = None, table: str | None = None) -> Path:
        """Download a file of the run; what stood at the path stays until the new one is whole.

        Args:
            form: `csv`, `excel`, `pdf` or `json` (the project file).
            path: Where to put it.
            index: The option of a CSV; None: the recommended one.
            table: What a CSV holds: `hourly`, `cases`, `years`.

        Raises:
            InvalidInputError: For another form.
        """
        if form not in _FORMATS:
            raise InvalidInputError(Problem("form", form, ", ".join(_FORMATS)))
        answer = self._connection.send(
            "GET", f"{_SIZING}/exports/{self.id}/{form}", params=_given(index=index, table=table)
        )
        target = Path(path)
        write_whole(target, answer.content)
        return target


def _given(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _bar() -> Any:
    from contextlib import contextmanager

    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    @contextmanager
    def shown() -> Any:
        with Progress(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), transient=True) as bars:
            task = bars.add_task("waiting", total=1.0)

            def show(document: dict[str, Any]) -> None:
                done = float(document.get("progress", 0.0))
                bars.update(task, completed=done, description=str(document.get("message") or document["status"]))

            yield show

    return shown()
