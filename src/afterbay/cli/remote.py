"""`afterbay size run --remote`: the same run, computed on a server, told and written as if it were local."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from afterbay.cli import output, runfolder
from afterbay.cli.failures import INTERRUPTED
from afterbay.cli.progress import show_progress
from afterbay.cli.project_words import profile_files
from afterbay.cli.running import write_run
from afterbay.core.errors import NotAllowedError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from afterbay.client import BESSAPIClient, Run
    from afterbay.sizing.project import Project

__all__ = ["Done", "collect", "follow", "run_remote"]

_SIZES: Final = ("capacity", "duration", "power", "dg_capacity", "solar_capacity")
_PATIENCE_S: Final = 5.0
_COPY: Final = "server"
"""Folder in a run folder with the project and profiles of the server."""


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """A finished run of a server."""

    facts: dict[str, Any]
    """As `run.json` has them; with only what is shown where the profiles may not be had."""
    folder: Path | None
    project: Project | None


def run_remote(word: str, overrides: dict[str, Any], out: Path | None) -> Done:
    """Run a project on the server of the login.

    Args:
        word: A project file, which is brought first; or name or id of a project that is there.
        overrides: What the user set in place of the project's answers, by path.
        out: Where the run is written; None: as a local run.

    Raises:
        NotFoundError: If there is neither such a file nor such a project.
        InvalidInputError: With every problem of the project.
        AfterbayError: If the run fails.
    """
    from afterbay.client import BESSAPIClient

    path = Path(word)
    with BESSAPIClient() as client:
        if path.suffix.lower() in (".yaml", ".yml", ".json") or path.is_file():
            from afterbay.cli.remote_project import bring_project
            from afterbay.sizing.project import load_project

            project = load_project(path, overrides)
            for warning in project.warnings:
                output.warn(warning)
            folder = out or runfolder.default_folder(project.name)
            runfolder.prepare(folder)
            brought = bring_project(client, project, overrides)
            for sentence in brought.told:
                output.note(sentence)
            run = _follow(client, brought.project["id"], {})
            return collect(client, run, folder, project=project, overrides=overrides)
        found = client.find_project(word)
        folder = out or runfolder.default_folder(found["name"])
        runfolder.prepare(folder)
        run = _follow(client, found["id"], _override(overrides))
        return collect(client, run, folder, overrides=overrides)


def _follow(client: BESSAPIClient, project_id: str, override: dict[str, Any]) -> Run:
    return follow(client.simulate(project_id, config_override=override), client.connection.url)


def follow(run: Run, url: str) -> Run:
    """Show how a run goes on until it ended; Ctrl-C leaves it going, or cancels it if that is wanted."""
    total = int(run.document.get("cases") or 100)
    try:
        output.note(f"run {run.id} at {url}")
        with show_progress(total) as update:
            return run.wait(on_progress=_progress(total, update))
    except KeyboardInterrupt:
        _leave(run)
        raise typer.Exit(INTERRUPTED) from None
    except UnavailableError:
        output.note(f"the run may go on without us; come back with: afterbay project results {run.id}")
        raise


def _progress(total: int, update: Callable[[int, int], None]) -> Callable[[dict[str, Any]], None]:
    began, said = time.monotonic(), False

    def show(document: dict[str, Any]) -> None:
        nonlocal said
        update(round(float(document.get("progress") or 0.0) * total), total)
        if not said and document["status"] == "pending" and time.monotonic() - began > _PATIENCE_S:
            said = True
            output.note("it waits for a worker; is one running there? afterbay worker")

    return show


def _leave(run: Run) -> None:
    cancel = False
    if output.is_terminal(sys.stdin) and output.is_terminal():
        try:
            cancel = typer.confirm("\nCancel the run on the server?", default=False, err=True)
        except typer.Abort:
            output.note("")
    if cancel:
        run.cancel()
        output.note(f"run {run.id} is cancelled")
    else:
        output.note(f"the run goes on; come back with: afterbay project results {run.id}")


def collect(
    client: BESSAPIClient,
    run: Run,
    folder: Path,
    *,
    project: Project | None = None,
    overrides: dict[str, Any] | None = None,
) -> Done:
    """Bring the results of a finished run here, and write them as a run folder.

    Args:
        client: Whose server.
        run: The run.
        folder: Where it goes.
        project: What was run, if it is here; None: it is fetched, if the user may have it.
        overrides: What the user set, to be recorded.
    """
    rows, results = run.rows(), run.results()
    if project is None:
        project = _fetch(client, run, folder)
    simulation, choice = results["simulation"], dict(results["recommendation"])
    nearest = choice.pop("nearest")
    columns = _columns(rows)
    facts: dict[str, Any] = {"complete": True, "cases": len(rows), "cases_finished": len(rows), "results": columns,
                             "input_hash": simulation["input_hash"]}  # fmt: skip
    if project is not None:
        seconds = float(simulation["duration_seconds"] or 0.0)
        facts = runfolder.facts_of_columns(project, columns, overrides or {}, seconds, complete=True)
    facts |= {
        "recommendation": choice,
        "nearest": nearest,
        "physics": results["physics"],
        "hourly_option": columns["option"][results["shown_index"]],
        "remote": {"url": client.connection.url, "project_id": simulation["project_id"], "simulation_id": run.id,
                   "input_hash": simulation["input_hash"]},
    }  # fmt: skip
    for sentence in results["stale"]["lines"]:
        output.warn(sentence)
    if project is None:
        return Done(facts, None, None)
    write_run(folder, project, facts, run.download("csv", table="hourly").decode())
    return Done(facts, folder, project)


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return options as the columns of a run folder, in its order."""
    from afterbay.sizing.metrics import SummaryMetrics

    sizes = [name for name in _SIZES if rows[0].get(name) is not None]
    metrics = [name for name in SummaryMetrics.__dataclass_fields__ if name in rows[0]["metrics"]]
    return {
        "option": [row["index"] + 1 for row in rows],
        **{name: [row[name] for row in rows] for name in (*sizes, "capital_cost_usd")},
        **{name: [row["metrics"][name] for row in rows] for name in metrics},
    }


def _fetch(client: BESSAPIClient, run: Run, folder: Path) -> Project | None:
    """Return what a run was made from, kept beside it; None where the user may not have it."""
    from afterbay.sizing.project import load_project

    place = folder / _COPY
    try:
        document = json.loads(run.download("json"))
        runfolder.prepare(folder)
        place.mkdir(exist_ok=True)
        for name, profile_id in profile_files(document).items():
            client.profiles.download(profile_id, place / name)
    except (NotFoundError, NotAllowedError) as error:
        output.note(f"no run folder: project or profiles may not be downloaded ({error})")
        return None
    file = place / "project.json"
    runfolder.write_file(file, json.dumps(document, indent=1, ensure_ascii=False))
    return load_project(file)


def _override(overrides: dict[str, Any]) -> dict[str, Any]:
    """Return what the user set as the API takes it: nested, prices under `financial_config`."""
    found: dict[str, Any] = {}
    for name, value in overrides.items():
        parts = name.split(".")
        if parts[0] == "costs":
            parts.insert(0, "financial_config")
        place = found
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = value
    return found
