"""A run on a server: how far it is, what came of it, and its files."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from afterbay.client.frames import options_frame, parquet_frame, steps_frame, years_frame
from afterbay.client.problems import error_of
from afterbay.client.rest import SIZING, given
from afterbay.core.errors import (
    AfterbayError,
    CancelledError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    Problem,
    UnavailableError,
)
from afterbay.core.output_file import write_whole

if TYPE_CHECKING:
    import pandas as pd

    from afterbay.client.rest import Rest

__all__ = ["Run", "sizes"]

_ENDED: Final = ("completed", "failed", "cancelled")
_SIZES: Final = ("capacity", "duration", "dg_capacity", "solar_capacity", "years")
_FORMATS: Final = ("csv", "excel", "pdf", "json")
_PAGE: Final = 5_000
_HOURS: Final = 10_000
_REPORT_S: Final = 120.0
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

    def __init__(self, rest: Rest, document: dict[str, Any]) -> None:
        self._rest = rest
        self.document = document
        self._at = f"{SIZING}/simulations/{document['id']}"

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
        self.document = dict(self._rest.get(f"{self._at}/status"))
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
            raise self._failure()
        if self.status == "cancelled":
            raise CancelledError(f"run {self.id} was cancelled")
        return self

    def _failure(self) -> AfterbayError:
        """Return why it failed, with every problem if the server kept them."""
        text = f"run {self.id} failed: {self.document.get('error_message') or 'no reason was kept'}"
        try:
            job = self._rest.get(f"/api/v1/jobs/{self.document['job_id']}")
        except (NotFoundError, NotAllowedError):
            return AfterbayError(text)
        error = job.get("error") or {}
        return error_of(422, error, text, f"run {self.id}") if error.get("errors") else AfterbayError(text)

    def cancel(self) -> None:
        """Stop it; of a run that ended, delete the results."""
        self._rest.delete(self._at)

    def results(self) -> dict[str, Any]:
        """Return the first page of options with everything that belongs to the run: `physics`, `stale`, `units`."""
        return dict(self._rest.get(f"{self._at}/results"))

    def rows(self) -> list[dict[str, Any]]:
        """Return all options in the sizing plan's shape: sizes, cost and `metrics`."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self._rest.get(f"{self._at}/results", limit=_PAGE, cursor=cursor)
            found += page["optimization_results"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def options(self) -> pd.DataFrame:
        """Return all options: a row for each size by its `index`, sizes and metrics with units in their names."""
        return options_frame(self.rows(), self.results()["units"])

    def recommendations(self) -> dict[str, Any]:
        """Return what to build and why; or what blocks the goal and what would help."""
        return dict(self._rest.get(f"{self._at}/recommendations"))

    def hourly(self, index: int | None = None) -> pd.DataFrame:
        """Return the steps of an option (None: the recommended one), with units in the names.

        Rows are named by `time_utc`, the start of each step; by `time` where no zone is known, by `step` where there
        is no calendar.
        """
        wanted = {"Accept": "application/vnd.apache.parquet"}
        try:
            answer = self._rest.connection.send("GET", f"{self._at}/hourly", params=given(index=index), headers=wanted)
            return parquet_frame(answer.content)
        except NotAllowedError:
            # Who may look and not export gets pages.
            return self._hourly_by_pages(index)

    def _hourly_by_pages(self, index: int | None) -> pd.DataFrame:
        columns: dict[str, list[Any]] = {}
        first: str | None = None
        while True:
            page = self._rest.get(f"{self._at}/hourly", **{"index": index, "from": first, "limit": _HOURS})
            for name, values in page["columns"].items():
                columns.setdefault(name, []).extend(values)
            first = page["next_cursor"]
            if first is None:
                return steps_frame(columns, page["units"])

    def projection(self, index: int | None = None, **assumptions: Any) -> dict[str, Any]:
        """Return an option over its years, with finance; `assumptions` as the API takes them.

        Args:
            index: The option; None: the recommended one.
            assumptions: `years`, `loss_pct`, `solar_loss_pct`, `discount_pct`, `energy_price_usd_per_mwh` and others.
        """
        return dict(self._rest.get(f"{self._at}/projection", index=index, **assumptions))

    def years(self, index: int | None = None, **assumptions: Any) -> pd.DataFrame:
        """Return the years of an option: a row for each `year` from 1. Arguments as for `projection`."""
        return years_frame(self.projection(index, **assumptions)["years"])

    def explain(self, index: int | None = None, *, at: str | None = None, day: str | None = None) -> dict[str, Any]:
        """Say why a step (`at`) or a day of an option went as it did, or why the option stands where it does."""
        return dict(self._rest.get(f"{self._at}/explain", index=index, at=at, day=day))

    def download(self, form: str, *, index: int | None = None, table: str | None = None) -> bytes:
        """Return a file of the run.

        Args:
            form: `csv`, `excel`, `pdf` or `json` (the project file).
            index: The option of a CSV; None: the recommended one.
            table: What a CSV holds: `hourly`, `cases`, `years`.

        Raises:
            InvalidInputError: For another form.
        """
        if form not in _FORMATS:
            raise InvalidInputError(Problem("form", form, ", ".join(_FORMATS)))
        path = f"{SIZING}/exports/{self.id}/{form}"
        # A report is made when it is asked for the first time.
        answer = self._rest.connection.send("GET", path, params=given(index=index, table=table), timeout=_REPORT_S)
        return bytes(answer.content)

    def export(self, form: str, path: str | Path, *, index: int | None = None, table: str | None = None) -> Path:
        """Download a file of the run; what stood at the path stays until the new one is whole.

        Args as for `download`.

        Raises:
            InvalidInputError: For another form, or if the file cannot be written.
        """
        target = Path(path)
        write_whole(target, self.download(form, index=index, table=table))
        return target


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
