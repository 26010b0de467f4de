"""The quarry of the examples as a study, once for all tests of the report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from afterbay.sizing.project import Project, load_project
from afterbay.sizing.recommendation import calculate_recommendations
from afterbay.sizing.report import Study, study_of
from afterbay.sizing.simulation import HourlyResults
from afterbay.sizing.sweep import SweepResult, sweep

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "red_rock_quarry.yaml"
MADE_ON = date(2026, 11, 21)


@dataclass(frozen=True)
class Case:
    """A project that was run."""

    project: Project
    result: SweepResult
    recommendation: dict[str, Any]
    hourly: HourlyResults


@pytest.fixture(scope="session")
def quarry() -> Case:
    """The example project, run."""
    pytest.importorskip("pvlib", reason="the example's sun needs the extra 'solar'")
    return run(EXAMPLE)


@pytest.fixture(scope="session")
def study(quarry: Case) -> Study:
    """Its study, without pictures."""
    return study_of(quarry.project, quarry.result, quarry.recommendation, made_on=MADE_ON, customer="Red Rock Ltd.")


def run(file: Path, **overrides: Any) -> Case:
    """Run a project; the hours are those of the size that its report is about."""
    project = load_project(file, overrides)
    result = sweep(project.params(), project.template, project.grid, costs=project.costs)
    recommendation = calculate_recommendations(result.rows(), project.goal, costs=project.costs)
    about = recommendation["recommended"] or recommendation["best_reached"]
    return Case(project, result, recommendation, result.simulate(about["index"]))


@pytest.fixture(scope="session")
def run_case() -> Any:
    """`run`, for tests with projects of their own."""
    return run
