"""`afterbay size check`: a project in words, before anything is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from afterbay.cli import numbers
from afterbay.sizing.project.words import rules_in_words

if TYPE_CHECKING:
    from afterbay.sizing.project import Project

__all__ = ["check_document", "check_lines"]


def check_lines(project: Project) -> list[str]:
    """Return the import reports, the assumptions, the rules and the sizes, as lines."""
    lines = [f"{project.name}: this project can be run"]
    for title, series in (("Load", project.load), ("Solar", project.solar)):
        if series.report is not None:
            lines += ["", f"{title} file", *(f"  {line}" for line in series.report.lines())]
    lines += ["", "Profiles", *(f"  {line}" for line in _energy_lines(project))]
    lines += ["", "Assumptions", *(f"  {sentence}" for sentence in project.assumptions)]
    lines += ["", "Rules", *(f"  {line}" for line in rules_in_words(project))]
    return [*lines, "", "Sizes", *(f"  {line}" for line in _size_lines(project))]


def check_document(project: Project) -> dict[str, Any]:
    """Return the same as plain values."""
    reports = {"load": project.load.report, "solar": project.solar.report}
    return {
        "valid": True,
        "name": project.name,
        "input_hash": project.input_hash,
        "template": {"number": project.template.number, "label": project.template.label},
        "rules": rules_in_words(project),
        "cases": len(project.grid),
        "goal": project.goal.to_dict(),
        "costs": project.costs.to_dict(),
        "config": project.config,
        "assumptions": list(project.assumptions),
        "warnings": list(project.warnings),
        "reports": {name: report.to_dict() if report else None for name, report in reports.items()},
    }


def _energy_lines(project: Project) -> list[str]:
    dt_h = project.load.dt_h
    load, solar = (float(series.values.sum()) * dt_h for series in (project.load, project.solar))
    return [
        f"{len(project.load.values):,} steps of {dt_h * 60:g} min",
        f"load {numbers.energy(load)}, at most {numbers.power(float(project.load.values.max()))}",
        f"solar {numbers.energy(solar)}, at most {numbers.power(float(project.solar.values.max()))}",
        f"the sun makes {solar / load:.2f} x the energy you need",
    ]


def _size_lines(project: Project) -> list[str]:
    grid = project.grid
    axes = [("battery", grid.bess_mwh, "MWh"), ("duration", grid.durations_h, "h"), ("generator", grid.dg_mw, "MW")]
    if grid.solar_mw is not None:
        axes.append(("solar", grid.solar_mw, "MW"))
    lines = [f"{name}: {_listed(values)} {unit}" for name, values, unit in axes]
    count = len(grid)
    return [*lines, f"{count:,} case{'s' if count != 1 else ''} to run"]


def _listed(values: tuple[float, ...]) -> str:
    shown = [f"{value:,g}" for value in values]
    return ", ".join(shown) if len(shown) <= 8 else f"{', '.join(shown[:3])}, ... {shown[-1]} ({len(shown)} sizes)"
