from __future__ import annotations

import json
import math
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from afterbay.community.powerflow import PowerFlowLimits, check_day, solve_network
from afterbay.community.recipes import ProfileLibrary, flat, series
from afterbay.community.simulation import horizon, run_community
from afterbay.community.topology import Network, SolarArray, read_network, set_fields
from afterbay.core.errors import InvalidInputError, MissingExtraError, NotFoundError, OutOfRangeError
from shared_data import shared_path

pytest.importorskip("pandapower")

START = datetime(2023, 6, 1, tzinfo=UTC)
R_OHM, X_OHM = 0.2, 0.05
LENGTH_M, RATED_A = 250.0, 100.0
UNITY = PowerFlowLimits(power_factor_import=1.0)


def two_buses(tmp_path: Path, *, length_m: float = LENGTH_M, more: tuple[dict[str, object], ...] = ()) -> Network:
    """Return a source and a house at the end of one line."""
    per_km = 1000.0 / LENGTH_M
    line = {
        "id": "line", "kind": "line", "from": "source", "to": "end", "length_m": length_m, "c_nf_per_km": 0.0,
        "r_ohm_per_km": R_OHM * per_km, "x_ohm_per_km": X_OHM * per_km, "max_i_a": RATED_A,
    }  # fmt: skip
    content = {
        "name": "two buses",
        "nodes": [
            {"id": "source", "kind": "grid", "vn_kv": 0.4, "parent": None},
            {"id": "end", "kind": "connection", "vn_kv": 0.4, "parent": "source"},
        ],
        "edges": [line, *more],
        "loads": [{"id": "load", "node": "end", "p_kw": 1.0}],
    }
    path = tmp_path / "network.json"
    path.write_text(json.dumps(content))
    return read_network(path)


def times(count: int) -> tuple[datetime, ...]:
    return tuple(START + step * timedelta(minutes=15) for step in range(count))


def by_hand(p_kw: float, q_kvar: float) -> tuple[float, float]:
    """Return voltage at the end [pu] and current [A] by the closed solution of two buses.

    V2^2 is the larger root of V2^4 + (2 (PR + QX) - V1^2) V2^2 + (P^2 + Q^2)(R^2 + X^2) = 0, with line-to-line
    voltage [V] and three-phase power [W].
    """
    p, q, v1 = p_kw * 1e3, q_kvar * 1e3, 400.0
    half = v1**2 / 2.0 - (p * R_OHM + q * X_OHM)
    v2 = math.sqrt(half + math.sqrt(half**2 - (p**2 + q**2) * (R_OHM**2 + X_OHM**2)))
    return v2 / v1, math.hypot(p, q) / (math.sqrt(3.0) * v2)


@pytest.mark.parametrize("power_kw", [0.0, 5.0, 20.0, -15.0])
@pytest.mark.parametrize("power_factor", [1.0, 0.95, 0.9])
def test_two_buses_agree_with_the_closed_solution(tmp_path: Path, power_kw: float, power_factor: float) -> None:
    limits = PowerFlowLimits(power_factor_import=power_factor, power_factor_export=power_factor)

    solved = solve_network(two_buses(tmp_path), ("H-1.1",), np.array([[-power_kw]]), times(1), limits)

    q_kvar = abs(power_kw) * math.tan(math.acos(power_factor))
    voltage, current = by_hand(power_kw, q_kvar)
    assert solved.voltage_pu[0, 1] == pytest.approx(voltage, abs=1e-8)
    assert solved.line_loading[0, 0] == pytest.approx(current / RATED_A, abs=1e-7)
    assert solved.loss_kw[0] == pytest.approx(3.0 * current**2 * R_OHM / 1e3, abs=1e-5)
    assert solved.source_kw[0] == pytest.approx(power_kw + solved.loss_kw[0], abs=1e-5)


def test_a_voltage_below_the_band_is_reported_with_its_worst_time(tmp_path: Path) -> None:
    taken = np.array([[-5.0], [-80.0], [-90.0], [-5.0]])

    solved = solve_network(two_buses(tmp_path), ("H-1.1",), taken, times(4), UNITY)

    low = next(one for one in solved.violations if one.kind == "voltage low")
    assert low.part == "end"
    assert low.at == START + timedelta(minutes=30)
    assert low.hours == 0.5
    assert low.value == pytest.approx(by_hand(90.0, 0.0)[0], abs=1e-7)
    over = next(one for one in solved.violations if one.kind == "line overload")
    assert over.value == pytest.approx(by_hand(90.0, 0.0)[1] / RATED_A, abs=1e-6)
    assert "end" in solved.summary
    assert "2 parts outside" in solved.summary
    assert "limit 0.9" in str(low)
    assert solved.to_dict()["violations"][0]["at"].startswith("2023-06-01T00:30")


def test_export_lifts_the_voltage_over_the_band(tmp_path: Path) -> None:
    solved = solve_network(
        two_buses(tmp_path), ("H-1.1",), np.array([[60.0]]), times(1), PowerFlowLimits(highest_pu=1.05)
    )

    assert [one.kind for one in solved.violations] == ["voltage high"]
    assert solved.source_kw[0] < 0.0


def test_a_load_beyond_collapse_is_reported_and_not_invented(tmp_path: Path) -> None:
    solved = solve_network(two_buses(tmp_path), ("H-1.1",), np.array([[-5.0], [-900.0]]), times(2), UNITY)

    assert solved.violations[0].kind == "no solution"
    assert solved.violations[0].hours == 0.25
    assert np.isnan(solved.voltage_pu[1]).all()
    assert np.isnan(solved.steps()["lowest_pu"].iloc[1])
    assert solved.to_dict()["violations"][0]["value"] is None
    none = solve_network(two_buses(tmp_path), ("H-1.1",), np.array([[-900.0]]), times(1), UNITY)
    assert none.summary.startswith("No step has a solution")


def test_a_line_without_length_is_a_joint(tmp_path: Path) -> None:
    network = two_buses(tmp_path, length_m=0.0)

    solved = solve_network(network, ("H-1.1",), np.array([[-50.0]]), times(1))

    assert solved.voltage_pu[0] == pytest.approx([1.0, 1.0])
    assert np.isnan(solved.line_loading[0, 0])
    assert solved.violations == ()


def test_an_open_line_carries_nothing(tmp_path: Path) -> None:
    second = {
        "id": "second", "kind": "line", "from": "source", "to": "end", "length_m": 1.0, "r_ohm_per_km": 0.1,
        "x_ohm_per_km": 0.1, "c_nf_per_km": 0.0, "max_i_a": 100.0, "open_switch": True,
    }  # fmt: skip

    solved = solve_network(two_buses(tmp_path, more=(second,)), ("H-1.1",), np.array([[-20.0]]), times(1), UNITY)

    assert solved.lines == ("line",)
    assert solved.voltage_pu[0, 1] == pytest.approx(by_hand(20.0, 0.0)[0], abs=1e-8)


def test_a_day_of_a_run_is_solved_from_its_meters(tmp_path: Path) -> None:
    network = two_buses(tmp_path)
    grid = set_fields(network.grid, "H-1.1", solar=(SolarArray("sun", 20.0),))
    steps = horizon("2023-06-01", 2)
    sun = np.repeat([0.0, 1.0], 96)
    library = ProfileLibrary([flat("load-H-1.1", 8.0), series("sun", sun, unit="kW/kW", start=steps.start)])
    run = run_community(grid, library, "none", steps)

    first = check_day(network, run, "2023-06-01", UNITY, every_steps=48)
    second = check_day(network, run, "highest export", UNITY, every_steps=48)

    assert first.times == (steps.start, steps.start + timedelta(hours=12))
    assert first.dt_h == 12.0
    assert first.demand_kw == pytest.approx([8.0, 8.0])
    assert first.voltage_pu[:, 1] == pytest.approx(np.full(2, by_hand(8.0, 0.0)[0]))
    assert second.times[0] == steps.start + timedelta(days=1)
    assert second.demand_kw == pytest.approx([-12.0, -12.0])
    assert second.voltages()["highest_pu"].iloc[1] > 1.0
    assert check_day(network, run, "highest import", UNITY, every_steps=96).times[0] == steps.start
    with pytest.raises(NotFoundError, match="2023-06-01 to 2023-06-02"):
        check_day(network, run, "2024-01-01")
    with pytest.raises(InvalidInputError, match="a date such as"):
        check_day(network, run, "yesterday")
    with pytest.raises(InvalidInputError, match="every_steps"):
        check_day(network, run, "2023-06-01", every_steps=0)


def test_houses_without_a_bus_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        solve_network(two_buses(tmp_path), ("H-1.1", "H-1.2", "H-1.3"), np.zeros((1, 3)), times(1))

    assert [problem.where for problem in caught.value.problems] == ["house H-1.2", "house H-1.3"]


def test_powers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    for net_kw in (np.zeros((2, 1)), np.array([[np.nan]])):
        with pytest.raises(InvalidInputError, match="net_kw"):
            solve_network(two_buses(tmp_path), ("H-1.1",), net_kw, times(1))


def test_limits_are_checked_together() -> None:
    with pytest.raises(InvalidInputError) as caught:
        PowerFlowLimits(lowest_pu=1.2, power_factor_import=0.0)

    assert [problem.where for problem in caught.value.problems] == ["lowest_pu", "power_factor_import"]
    assert not isinstance(caught.value, OutOfRangeError)


def test_the_european_feeder_keeps_its_band_under_measured_loads() -> None:
    network = read_network(shared_path("data/topology_ieee_european_lv.json"))
    profiles = pd.read_parquet(shared_path("data/loads_ieee_european_lv_1day_1min.parquet"))
    houses = network.grid.house_names
    quarter_hours = profiles.to_numpy().reshape(96, 15, -1).mean(axis=1)[:, : len(houses)]
    busy = np.argsort(quarter_hours.sum(axis=1))[[0, 48, 95]]

    solved = solve_network(network, houses, -quarter_hours[busy], tuple(times(96)[at] for at in busy))

    assert len(houses) == 55
    assert len(solved.buses) == 907
    assert solved.violations == ()
    assert solved.source_kw == pytest.approx(solved.demand_kw + solved.loss_kw, abs=1e-3)
    assert (np.diff(solved.source_kw) > 0.0).all()
    lowest = solved.voltage_pu.min(axis=1)
    assert (np.diff(lowest) < 0.0).all()
    assert 0.95 < lowest[-1] < 0.995
    # Apparent power at the transformer over its rating of 800 kVA, at a power factor near that of the houses.
    assert solved.transformer_loading[-1, 0] == pytest.approx(solved.source_kw[-1] / 0.95 / 800.0, rel=0.02)
    loadings = solved.loadings()
    assert loadings["kind"].value_counts().to_dict() == {"line": 905, "transformer": 1}
    assert loadings.loc[loadings["highest_fraction"].idxmax(), "kind"] == "line"


def test_without_pandapower_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandapower", None)

    with pytest.raises(MissingExtraError, match=r"afterbay\[powerflow\]"):
        solve_network(two_buses(tmp_path), ("H-1.1",), np.zeros((1, 1)), times(1))


def test_an_open_ring_of_a_real_network_is_solved_as_the_tree_that_it_is() -> None:
    network = read_network(shared_path("data/topology_schutterwald_sub.json"))
    houses = network.grid.house_names

    solved = solve_network(network, houses, np.array([[-1.0] * len(houses), [1.0] * len(houses)]), times(2), UNITY)

    assert len(houses) == 123
    assert solved.source_kw == pytest.approx(solved.demand_kw + solved.loss_kw, abs=1e-3)
    assert not {line.id for line in network.lines.values() if not line.is_closed} & set(solved.lines)
    # Iron losses are there in both directions: 1.35 kW, and what flows adds to them.
    assert (solved.loss_kw > 1.35).all()
    assert solved.voltage_pu[0].min() < 1.0 < solved.voltage_pu[1].max()
