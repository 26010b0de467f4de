from __future__ import annotations

import numpy as np
import pytest
from plants_by_hand import plain

from afterbay.core.errors import PhysicsError
from afterbay.sizing import layout as at
from afterbay.sizing import run_simulation
from afterbay.sizing.physics import physics_check, worst_violation

_LAWS = [
    at.T_SOLAR_RESIDUAL, at.T_LOAD_RESIDUAL, at.T_DG_RESIDUAL, at.T_SOC_RESIDUAL, at.T_SOC_EXCESS, at.T_BESS_EXCESS,
    at.T_DG_EXCESS, at.T_NEGATIVE, at.T_BOTH_WAYS, at.T_CYCLE_EXCESS, at.T_FUEL_RESIDUAL, at.T_ORIGIN_EXCESS,
]  # fmt: skip


def test_every_result_carries_twelve_laws_that_hold() -> None:
    run = run_simulation(plain([5.0] * 24, [9.0] * 24, dg_capacity=5.0), 4)

    assert run.physics.passed
    assert run.physics.summary == "physics 12/12"
    assert run.physics.to_dict()["passed"] is True


@pytest.mark.parametrize("place", _LAWS)
@pytest.mark.parametrize("residual", [0.01, float("nan")])
def test_a_broken_law_is_loud(place: int, residual: float) -> None:
    params = plain([5.0] * 24, [9.0] * 24, dg_capacity=5.0)
    run = run_simulation(params, 4)
    totals = run.totals.copy()
    totals[place] = residual

    check = physics_check(run.case, totals, params.load_mw, params.solar_mw)

    assert not check.passed
    assert check.summary == "physics 11/12"
    with pytest.raises(PhysicsError, match="defect of ours"):
        check.raise_if_failed()
    many = np.stack([run.totals, totals])
    assert worst_violation(np.stack([run.case, run.case]), many, 5.0, 9.0) == 1
    assert worst_violation(run.case[np.newaxis], run.totals[np.newaxis], 5.0, 9.0) is None


@pytest.mark.parametrize(
    ("column", "change", "law"),
    [
        (at.SOLAR_TO_LOAD, 1.0, at.T_SOLAR_RESIDUAL),
        (at.UNSERVED, 1.0, at.T_LOAD_RESIDUAL),
        (at.DG_CURTAILED, 1.0, at.T_DG_RESIDUAL),
        (at.SOC, 1.0, at.T_SOC_RESIDUAL),
        (at.SOC, 100.0, at.T_SOC_EXCESS),
        (at.SOLAR_TO_BESS, 50.0, at.T_BESS_EXCESS),
        (at.DG_OUTPUT, 50.0, at.T_DG_EXCESS),
        (at.SOLAR_CURTAILED, -50.0, at.T_NEGATIVE),
        (at.DAILY_CYCLES, 5.0, at.T_CYCLE_EXCESS),
        (at.DG_FUEL, 5.0, at.T_FUEL_RESIDUAL),
        (at.SOC_FROM_DG, 50.0, at.T_ORIGIN_EXCESS),
    ],
)
def test_the_residuals_are_computed_from_the_flows(column: int, change: float, law: int) -> None:
    from afterbay.sizing import kernels

    params = plain([5.0] * 24, [9.0] * 24, dg_capacity=5.0, bess_daily_cycle_limit=1.0)
    run = run_simulation(params, 4)
    kept_flows, kept_codes = run.steps_as_arrays()
    flows, codes = kept_flows.copy(), kept_codes.copy()
    flows[7, column] += change
    totals = np.zeros(len(at.TOTALS))

    kernels.total_up(run.case, flows, codes, 24, totals)

    assert totals[law] > 0.5
