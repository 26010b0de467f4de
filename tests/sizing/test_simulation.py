from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from plants_by_hand import plain

from afterbay.core.errors import InvalidInputError
from afterbay.sizing import HourlyResult, SimulationParams, calculate_metrics, run_simulation


def test_the_example_of_the_plan_runs_as_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    def load_solar_profile() -> list[float]:
        return [max(0.0, 60.0 * float(np.sin((hour % 24 - 6) / 12 * np.pi))) for hour in range(8760)]

    params = SimulationParams(
        load_profile=[25.0] * 8760,
        solar_profile=load_solar_profile(),
        bess_capacity=100.0,
        bess_charge_power=25.0,
        bess_discharge_power=25.0,
        bess_efficiency=0.87,
        bess_min_soc=0.05,
        bess_max_soc=0.95,
        dg_enabled=True,
        dg_capacity=10.0,
    )
    hourly_results = run_simulation(params, template_id=1)
    metrics = calculate_metrics(hourly_results, params)
    print(f"Delivery Rate: {metrics.delivery_pct:.1f}%")
    print(f"Green Hours: {metrics.green_hours}")
    print(f"DG Runtime: {metrics.dg_runtime_hours} hours")

    said = capsys.readouterr().out
    assert said.splitlines()[0].startswith("Delivery Rate: ")
    assert metrics.green_hours == int(metrics.green_hours)
    assert "." not in said.splitlines()[1]


def test_columns_and_rows_say_the_same() -> None:
    params = plain([5.0, 5.0, 0.0], [0.0, 9.0, 3.0], bess_initial_soc=0.4, dg_capacity=3.0)
    run = run_simulation(params, 1)

    rows = list(run)

    assert all(isinstance(row, HourlyResult) for row in rows)
    for name in run.columns:
        assert [getattr(row, name) for row in rows] == getattr(run, name).tolist(), name
    assert run[-1] == rows[-1]
    with pytest.raises(IndexError, match="3 steps"):
        run[3]
    with pytest.raises(AttributeError, match="solar_to_load"):
        _ = run.solar_to_lod


def test_a_row_of_plain_numbers_serialises() -> None:
    run = run_simulation(plain([5.0]), 0)

    row = run[0]

    assert type(row.load) is float
    assert type(row.dg_running) is bool
    assert type(row.dg_mode) is str
    assert type(row.t) is int


def test_the_frame_has_a_row_per_step_and_units() -> None:
    run = run_simulation(plain([5.0] * 48, dt_h=0.5), 0)

    frame = run.to_frame(datetime(2024, 1, 1, tzinfo=UTC))

    assert len(frame) == 48
    assert frame.index[1].isoformat() == "2024-01-01T00:30:00+00:00"
    assert frame.attrs["units"]["soc"] == "MWh"
    assert frame.attrs["units"]["load"] == "MW"
    assert run.to_frame().index[0] == 1


@pytest.mark.parametrize("dt_h", [0.5, 0.25, 1 / 12])
def test_a_finer_step_serves_the_same_energy_when_nothing_changes_within_the_hour(dt_h: float) -> None:
    per_hour = round(1 / dt_h)
    load, solar = [6.0, 6.0, 0.0, 6.0], [10.0, 0.0, 3.0, 0.0]
    coarse = plain(load, solar, dg_capacity=0.0)
    fine = plain(list(np.repeat(load, per_hour)), list(np.repeat(solar, per_hour)), dt_h=dt_h)

    hourly = calculate_metrics(run_simulation(coarse, 0), coarse)
    finer = calculate_metrics(run_simulation(fine, 0), fine)

    assert finer.total_bess_to_load == pytest.approx(hourly.total_bess_to_load)
    assert finer.total_unserved == pytest.approx(hourly.total_unserved)
    assert finer.hours_with_load == pytest.approx(hourly.hours_with_load)


def test_a_step_that_does_not_exist_has_no_reason() -> None:
    run = run_simulation(plain([5.0]), 0)

    for step in (0, 2, True, "1"):
        with pytest.raises(InvalidInputError, match=r"1\.\.1"):
            run.reason_codes(step)  # type: ignore[arg-type]
