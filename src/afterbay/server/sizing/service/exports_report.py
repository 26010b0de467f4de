"""The report of a run: the study that `afterbay size report` writes, as a workbook and as a PDF."""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import afterbay
from afterbay.core.errors import NotFoundError
from afterbay.server.sizing.service.runs_files import folder_of
from afterbay.server.sizing.service.runs_years import live

if TYPE_CHECKING:
    from collections.abc import Callable

    from afterbay.server.sizing.service.results import FinishedRun
    from afterbay.server.sizing.service.runs_years import Lifetime
    from afterbay.sizing.params import SimulationParams
    from afterbay.sizing.project import Project
    from afterbay.sizing.projection import Projection
    from afterbay.sizing.report import Picture
    from afterbay.sizing.templates import Template

__all__ = ["report_bytes"]

_WEATHER_YEARS: Final = 50
"""Drawn years behind P50 and P90, as `afterbay size report` has it."""


def report_bytes(run: FinishedRun, form: str) -> bytes:
    """Return the report of a run about its recommended option, or the nearest to the goal.

    Args:
        run: The run.
        form: xlsx or pdf.

    Raises:
        MissingExtraError: If a package that writes reports is not installed.
    """
    from afterbay.sizing.report import money_of, study_of, write_pdf, write_workbook

    lifetime = live(run.project, run.shown, run.row.config_snapshot["financial"])
    # The optimum and the drawn weather need nothing of the pictures, and little of the interpreter.
    with ThreadPoolExecutor(max_workers=2) as pool:
        words = _words(pool, run, lifetime)
        pictures = _pictures(run, lifetime) if form == "pdf" else {}
        rule_gap, certainty = words()
    study = study_of(
        run.project,
        run.sweep,
        run.choice,
        made_on=_day(run),
        hourly=lifetime.hourly,
        years=lifetime.projection,
        money=money_of(lifetime.finance),
        pictures=pictures,
        rule_gap=rule_gap,
        certainty=certainty,
    )
    write = write_pdf if form == "pdf" else write_workbook
    with tempfile.TemporaryDirectory() as folder:
        return write(study, Path(folder) / f"report.{form}").read_bytes()


def _pictures(run: FinishedRun, lifetime: Lifetime) -> dict[str, Picture]:
    from afterbay.sizing.report import lifetime_pictures, standard_pictures
    from afterbay.sizing.uncertainty import tornado

    hourly = lifetime.hourly
    shaken = tornado(hourly.params, hourly.template)
    return {
        **standard_pictures(run.project, run.sweep, run.choice, hourly),
        **lifetime_pictures(hourly, lifetime.projection, lifetime.finance, shaken),
    }


def _words(pool: ThreadPoolExecutor, run: FinishedRun, lifetime: Lifetime) -> Callable[[], tuple[list[str], list[str]]]:
    """Begin what a report says of the rule and of other weather; returns how to wait for it.

    It is kept beside the run, so that workbook and PDF share the work.
    """
    key = f"{folder_of(run.id)}/words-{afterbay.__version__}.json"
    try:
        kept = json.loads(run.storage.get(key))
    except NotFoundError:
        params, template = lifetime.hourly.params, lifetime.hourly.template
        price = lifetime.finance.config.energy_price_usd_per_mwh
        rule = pool.submit(_rule_words, params, template, price)
        sure = pool.submit(_certainty, run.project, lifetime)

        def wait() -> tuple[list[str], list[str]]:
            made = rule.result(), sure.result()
            run.storage.put(key, json.dumps(made).encode())
            return made

        return wait
    return lambda: (kept[0], kept[1])


def _rule_words(params: SimulationParams, template: Template, price_usd_per_mwh: float | None) -> list[str]:
    from afterbay.sizing.optimum import better_template, gap

    left = gap(params, template, price_usd_per_mwh=price_usd_per_mwh)
    return [*left.lines(), *better_template(params, template, known=left).lines()]


def _certainty(project: Project, lifetime: Lifetime) -> list[str]:
    from afterbay.sizing.uncertainty import npv_of, resample_months, weather_spread

    params, money = lifetime.hourly.params, lifetime.finance.config
    weather = resample_months(
        params.load_mw, params.solar_mw, years=_WEATHER_YEARS, seed=0, dt_h=params.dt_h, start=project.start
    )

    def value(plant: SimulationParams, lived: Projection) -> float:
        return npv_of(plant, lived, finance=money)

    config = lifetime.projection.config
    return list(weather_spread(params, lifetime.hourly.template, weather, value=value, config=config).lines())


def _day(run: FinishedRun) -> date:
    """Return the day on which the run was made, so that its report is the same whenever it is asked for."""
    moment = run.row.completed_at or run.row.created_at
    return moment.date()
