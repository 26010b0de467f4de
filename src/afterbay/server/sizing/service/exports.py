"""What leaves the system: files of a run, each recorded in the audit trail."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

import afterbay
from afterbay.core.errors import NotFoundError
from afterbay.server.platform.audit.service import log_action
from afterbay.server.sizing.service.exports_report import report_bytes
from afterbay.server.sizing.service.results import FinishedRun, open_run, projection_of_run
from afterbay.server.sizing.service.results_hourly import hourly_file
from afterbay.server.sizing.service.runs import MODULE
from afterbay.server.sizing.service.runs_files import folder_of
from afterbay.server.sizing.service.runs_years import YearsAsked
from afterbay.sizing.project.keys import SECTIONS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.storage import Storage
    from afterbay.server.principal import Principal

__all__ = ["Download", "Table", "export_config", "export_csv", "export_hourly", "export_report"]

Table = Literal["hourly", "cases", "years"]
_ENDINGS: Final = {"csv": "csv", "parquet": "parquet", "arrow": "arrows"}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Download:
    """A file to be sent."""

    name: str
    content: bytes


def export_csv(
    session: Session, principal: Principal, storage: Storage, simulation_id: UUID, table: Table, index: int | None
) -> Download:
    """Return a table of a run as CSV.

    Args:
        session: In whose transaction the download is recorded.
        principal: Who asks.
        storage: Where the files of runs are.
        simulation_id: The run.
        table: The steps of an option, all options, or the years of an option.
        index: The option; None: the one that is shown.

    Raises:
        NotFoundError: If there is no such run that the principal may see.
        NotAllowedError: If it may not export.
        ConflictError: If the run has no results.
        OutOfRangeError: If the run has no such option.
    """
    run = _opened(session, principal, storage, simulation_id)
    chosen = run.index_of(index)
    if table == "cases":
        text = _cases_csv(run)
    elif table == "years":
        years = projection_of_run(run, chosen, YearsAsked())["years"]
        text = _csv(list(years), zip(*years.values(), strict=True))
    else:
        text = hourly_file(run, chosen, "csv", None, None).decode()
    _record(session, principal, run, "csv", {"table": table, "index": None if table == "cases" else chosen})
    return Download(_name(run, table, "csv"), text.encode())


def export_hourly(
    session: Session,
    principal: Principal,
    run: FinishedRun,
    index: int,
    form: str,
    first: str | None,
    end: str | None,
) -> Download:
    """Return steps of an option as csv, parquet or arrow; errors as `export_csv`."""
    principal.need(MODULE, "export")
    content = hourly_file(run, index, form, first, end)
    _record(session, principal, run, form, {"table": "hourly", "index": index, "from": first, "to": end})
    return Download(_name(run, "hourly", _ENDINGS[form]), content)


def export_report(
    session: Session, principal: Principal, storage: Storage, simulation_id: UUID, form: Literal["xlsx", "pdf"]
) -> Download:
    """Return the report of a run; once it was made, the same bytes again.

    Args:
        session: In whose transaction the download is recorded.
        principal: Who asks.
        storage: Where the files of runs are.
        simulation_id: The run.
        form: xlsx or pdf.

    Raises:
        MissingExtraError: If a package that writes reports is not installed.
    """
    run = _opened(session, principal, storage, simulation_id)
    key = f"{folder_of(run.id)}/report-{afterbay.__version__}.{form}"
    try:
        content = storage.get(key)
    except NotFoundError:
        content = report_bytes(run, form)
        storage.put(key, content)
    _record(session, principal, run, form, {})
    return Download(_name(run, "report", form), content)


def export_config(session: Session, principal: Principal, storage: Storage, simulation_id: UUID) -> Download:
    """Return what a run was made from as a project file, which `afterbay size run` takes.

    Profiles stand in it under the names with which they download.
    """
    run = _opened(session, principal, storage, simulation_id)
    facts = run.row.config_snapshot["run"]
    document = {name: facts[name] for name in ("name", "description", "customer_reference") if facts[name]}
    for name in (section for section in SECTIONS if section):
        # As they were written: 50 and 50.0 have different hashes of inputs.
        document[name] = {
            key: value
            for key, value in facts["config"][name].items()
            if value is not None and _written(value) != _written(SECTIONS[name][key].default)
        }
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    _record(session, principal, run, "json", {})
    return Download(_name(run, "project", "json"), text.encode())


def _written(value: Any) -> str:
    return json.dumps(value, default=dict)


def _opened(session: Session, principal: Principal, storage: Storage, simulation_id: UUID) -> FinishedRun:
    run = open_run(session, principal, storage, simulation_id)
    principal.need(MODULE, "export")
    return run


def _record(session: Session, principal: Principal, run: FinishedRun, form: str, more: Mapping[str, Any]) -> None:
    details = {"format": form, "project_id": run.row.project_id, **more}
    log_action(session, principal, MODULE, "simulation.exported", run.id, details)


def _cases_csv(run: FinishedRun) -> str:
    """Return the options as `afterbay size run` writes them into cases.csv, counted from 0."""
    result, choice = run.sweep, run.choice
    best = choice["recommended"]["index"] if choice["recommended"] else None
    columns: dict[str, Sequence[Any]] = {
        "index": result.index.tolist(),
        **{name: column.tolist() for name, column in result.sizes.items()},
        "capital_cost_usd": result.capital_cost_usd.tolist(),
        **{name: column.tolist() for name, column in result.metrics.items()},
        "dominated": choice["dominated"],
        "recommended": [place == best for place in range(len(result))],
    }
    return _csv(list(columns), zip(*columns.values(), strict=True))


def _csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_safe(value) for value in row] for row in rows)
    return text.getvalue()


def _safe(value: Any) -> Any:
    """Let no text of a table begin as a formula; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _name(run: FinishedRun, what: str, ending: str) -> str:
    """Return a file name that every system takes, with the project's name in it."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", str(run.row.config_snapshot["run"]["name"])).strip("._") or "run"
    return f"{plain[:60]}_{what}.{ending}"
