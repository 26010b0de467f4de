"""The twenty years of the original application, in the columns that its defects leave alone."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from afterbay.sizing import SimulationParams
from afterbay.sizing.degradation import DegradationConfig
from afterbay.sizing.projection import Projection, ProjectionConfig, project_years
from shared_data import shared_path


def _case() -> dict[str, Any]:
    (case,) = json.loads(shared_path("golden/sizing/other/multi_year.json").read_text())["cases"]
    return dict(case)


def _projection(case: dict[str, Any]) -> Projection:
    with np.load(shared_path("golden/sizing/profiles.npz")) as stored:
        solar = stored["solar_main"]
    capacity = case["year1_bol_mwh"]
    params = SimulationParams(
        load_profile=np.full(8760, 25.0),
        solar_profile=solar,
        bess_capacity=capacity,
        bess_charge_power=capacity / case["duration_hr"],
        bess_discharge_power=capacity / case["duration_hr"],
        dg_capacity=case["dg_mw"],
        dg_takeover_mode=case["rules_overrides"]["dg_takeover_mode"],
        dg_charges_bess=False,
    )
    config = ProjectionConfig(
        fixed_loss_fraction_per_year=case["annual_degradation"],
        solar_loss_fraction_per_year=0.0,
        degradation=DegradationConfig(),
    )
    return project_years(params, case["rules_overrides"]["inferred_template"], config)


def test_twenty_years_equal_the_reference_in_every_unaffected_column() -> None:
    case = _case()
    found = _projection(case)

    years = case["yearly"]
    assert len(years) == len(found) == 20
    columns = {
        "_capacity": found.states["start_mwh"],
        "_solar_gen": found.metrics["total_solar_generation"],
        "_solar_to_load": found.metrics["total_solar_to_load"],
        "_bess_to_load": found.metrics["total_bess_to_load"],
        "_dg_to_load": found.metrics["total_dg_to_load"],
        "_solar_curtailed": found.metrics["total_solar_curtailed"],
        "_dg_curtailed": found.metrics["total_dg_curtailed"],
        "_dg_gen": found.metrics["total_dg_generation"],
        "Delivery Hrs": found.metrics["hours_full_delivery"],
        "DG Hrs": found.metrics["dg_runtime_hours"],
    }
    for name, column in columns.items():
        # The reference prints its capacity with three decimals; energies carry all of theirs.
        close = {"abs": 6e-4} if name == "_capacity" else {"rel": 1e-9, "abs": 0.02}
        assert column.tolist() == pytest.approx([year[name] for year in years], **close), name  # type: ignore[arg-type]


def test_months_add_up_to_the_year() -> None:
    found = _projection(_case())

    run = found.simulate(2)

    ends = np.cumsum([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) * 24
    months = np.add.reduceat(run.bess_to_load, np.concatenate([[0], ends[:-1]]))
    assert months.sum() == pytest.approx(found.metrics["total_bess_to_load"][1], rel=1e-12)
