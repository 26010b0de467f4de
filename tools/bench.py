"""Measure what the engine promises, beside plain references, in one run: `make bench`.

Absolute times drift with the machine; the ratios and the reference lines are what to quote.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from afterbay.sizing import DISPATCH_TEMPLATES, SimulationParams
from afterbay.sizing import layout as at
from afterbay.sizing.case import case_row
from afterbay.sizing.grid import SizeGrid, inclusive_range
from afterbay.sizing.optimum import bound
from afterbay.sizing.projection import ProjectionConfig, project_cases, project_years
from afterbay.sizing.simulation import run_simulation
from afterbay.sizing.sweep import run_rows, sweep

HOURS = 8760
ROOT = Path(__file__).resolve().parents[1]


def _year() -> tuple[np.ndarray, np.ndarray]:
    hour = np.arange(HOURS)
    season = 1.0 - 0.5 * np.cos(hour / HOURS * 2 * np.pi)
    clouds = np.random.default_rng(3).uniform(0.3, 1.0, HOURS)
    sun = np.clip(-np.cos((hour % 24) / 24 * 2 * np.pi), 0.0, None) * 45.0 * season * clouds
    return np.full(HOURS, 25.0), sun


def _best(work: Callable[[], object], times: int = 5) -> float:
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def _mixed_cases(count: int) -> np.ndarray:
    """Every template and mode in turn, all features on: origin, fuel curve, limits, cycle charging."""
    rng = np.random.default_rng(7)
    load, solar = np.full(24, 25.0), np.zeros(24)
    rows = []
    for number in range(count):
        capacity, variable = float(rng.uniform(20, 300)), number % 3 == 0
        duration = float(rng.choice([2, 4]))
        params = SimulationParams(
            load_profile=load,
            solar_profile=solar,
            bess_capacity=capacity,
            bess_charge_power=capacity / duration,
            bess_discharge_power=capacity / duration,
            bess_daily_cycle_limit=1.0 if number % 4 == 0 else None,
            dg_capacity=float(rng.choice([5, 10, 25, 30])),
            dg_takeover_mode=number % 2 == 0,
            dg_charges_bess=True,
            dg_operating_mode="variable" if variable else "binary",
            cycle_charging_enabled=variable,
            dg_fuel_curve_enabled=True,
            allow_emergency_dg_day=True,
            allow_emergency_dg_night=True,
            binary_delivery=number % 5 == 0,
        )
        rows.append(case_row(params, DISPATCH_TEMPLATES[number % 7]))
    return np.array(rows)


def _reference_year(load: np.ndarray, solar: np.ndarray) -> float:
    """Run T1 the way it is first written: plain Python and one row object per hour."""
    from afterbay.sizing.simulation import HourlyResult

    capacity, power, eta, rating = 100.0, 25.0, 0.87**0.5, 10.0
    floor, ceiling, energy = 5.0, 95.0, 50.0
    rows = []
    for step, (demand, sun) in enumerate(zip(load.tolist(), solar.tolist(), strict=True)):
        direct = min(sun, demand)
        rest, spare = demand - direct, sun - direct
        stored = max(min(spare, power, (ceiling - energy) / eta), 0.0)
        energy += stored * eta
        given = max(min(rest, power, (energy - floor) * eta), 0.0)
        energy -= given / eta
        rest -= given
        running = rest > 0.001
        from_dg = min(rating, rest) if running else 0.0
        rows.append(
            HourlyResult(
                t=step + 1,
                day=step // 24 + 1,
                hour_of_day=step % 24,
                load=demand,
                solar=sun,
                solar_to_load=direct,
                solar_to_bess=stored,
                solar_curtailed=spare - stored,
                bess_to_load=given,
                dg_to_load=from_dg,
                dg_running=running,
                dg_output_mw=rating if running else 0.0,
                unserved=rest - from_dg,
                soc=energy,
                soc_pct=energy / capacity * 100.0,
            )
        )
    return sum(row.unserved for row in rows)


def _engine() -> None:
    load, solar = _year()
    params = SimulationParams(
        load_profile=load,
        solar_profile=solar,
        bess_charge_power=25.0,
        bess_discharge_power=25.0,
        dg_capacity=10.0,
        dg_takeover_mode=False,
    )
    ours = float(run_simulation(params, 1).unserved.sum())
    theirs = _reference_year(load, solar)
    if abs(ours - theirs) > 1e-6 * max(theirs, 1.0):
        raise SystemExit(f"the reference and the engine disagree: {theirs} against {ours} MWh not served")
    plain_s = _best(lambda: _reference_year(load, solar), 3)
    cases = _mixed_cases(280)
    run_rows(cases[:8], load, solar, 1.0, jobs=1)
    one_s = _best(lambda: run_rows(cases, load, solar, 1.0, jobs=1)) / len(cases)
    kept_s = _best(lambda: run_simulation(params, 1), 20)
    print("One year of hours, all templates and features mixed, one core")
    print(f"  engine               {one_s / HOURS * 1e9:8.1f} ns per hour-step   {1 / one_s:10,.0f} cases/s/core")
    print(f"  plain Python, rows   {plain_s / HOURS * 1e9:8.1f} ns per hour-step   {1 / plain_s:10,.0f} cases/s/core")
    print(f"  ratio                {plain_s / one_s:8,.0f} x (the reference does T1 alone, without totals or checks)")
    print(f"  one case with every hour kept: {kept_s * 1e3:.2f} ms")


def _sweeps() -> None:
    load, solar = _year()
    params = SimulationParams(load_profile=load, solar_profile=solar, dg_takeover_mode=False)
    small = SizeGrid(inclusive_range(50, 200, 25), (2.0, 4.0), inclusive_range(0, 20, 5))
    large = _mixed_cases(10_000)
    process = psutil.Process()
    before = process.memory_info().rss
    small_s = _best(lambda: sweep(params, 1, small).rows())
    one_s = _best(lambda: run_rows(large, load, solar, 1.0, jobs=1), 2)
    all_s = _best(lambda: run_rows(large, load, solar, 1.0), 3)
    peak = _peak_mb()
    print(f"\nSweeps on {os.cpu_count()} cores")
    print(f"  70 cases with metrics and rows   {small_s * 1e3:8.1f} ms")
    print(f"  10,000 mixed cases, all cores    {all_s:8.2f} s   one core {one_s:.2f} s   ratio {one_s / all_s:.2f} x")
    print(f"  peak memory of this process      {peak:8.0f} MB   (before the sweeps {before / 1e6:.0f} MB)")


def _lifetimes() -> None:
    load, solar = _year()
    params = SimulationParams(load_profile=load, solar_profile=solar, dg_capacity=10.0, dg_takeover_mode=False)
    config = ProjectionConfig(fixed_loss_fraction_per_year=None)
    project_years(params, 1, config)
    one_s = _best(lambda: project_years(params, 1, config), 10)
    start = time.perf_counter()
    project_cases(_mixed_cases(10_000), [(load, solar)], config)
    many_s = time.perf_counter() - start
    print("\nTwenty years with swings counted in the dispatch pass")
    print(f"  one case                         {one_s * 1e3:8.1f} ms   {one_s / 20 * 1e3:.2f} ms per year")
    print(f"  10,000 mixed cases, all cores    {many_s:8.1f} s   peak memory {_peak_mb():.0f} MB")
    bound_s = _best(lambda: bound(params), 2)
    print(f"  perfect foresight of one year    {bound_s:8.2f} s")


def _reports() -> None:
    """Time the two files of the demo project, which stands with its pictures drawn."""
    from datetime import date

    from afterbay.sizing import calculate_recommendations
    from afterbay.sizing.project import load_project
    from afterbay.sizing.report import standard_pictures, study_of, write_pdf, write_workbook

    project = load_project(ROOT / "examples" / "red_rock_quarry.yaml")
    result = sweep(project.params(), project.template, project.grid, costs=project.costs)
    choice = calculate_recommendations(result, project.goal, costs=project.costs)
    hourly = result.simulate(choice["recommended"]["index"])
    pictures = standard_pictures(project, result, choice, hourly)
    study = study_of(project, result, choice, made_on=date(2026, 1, 1), hourly=hourly, pictures=pictures)
    with tempfile.TemporaryDirectory() as folder:
        pdf_s = _best(lambda: write_pdf(study, Path(folder) / "report.pdf"), 2)
        book_s = _best(lambda: write_workbook(study, Path(folder) / "report.xlsx"), 2)
    print("\nThe report of the demo project")
    print(f"  PDF {pdf_s:.2f} s   workbook with every hour {book_s:.2f} s")


def _peak_mb() -> float:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


_START = """
import numpy as np
from afterbay.sizing import SimulationParams, run_simulation
run_simulation(SimulationParams(load_profile=np.ones(24), solar_profile=np.ones(24)), 1)
"""


def _starts() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "AFTERBAY_CACHE_DIR": folder}

        def start() -> None:
            subprocess.run([sys.executable, "-c", _START], check=True, env=environment)

        cold = _best(start, 1)
        warm = _best(start, 3)
        print("\nA fresh process up to its first result")
        print(f"  without the kernel cache {cold:6.2f} s   with it {warm:.2f} s   ratio {cold / warm:.1f} x")
        _command(environment)


def _command(environment: dict[str, str]) -> None:
    project = ROOT / "examples" / "seventy_cases.yaml"
    if not project.exists():
        return
    with tempfile.TemporaryDirectory() as out:
        command = [str(Path(sys.executable).with_name("afterbay")), "size", "run", str(project), "--out", out]

        def run() -> None:
            subprocess.run([*command, "--no-charts"], check=True, env=environment, capture_output=True)

        run()
        print(f"  `afterbay size run`, 70 cases, warm cache: {_best(run, 3):.2f} s")


def main() -> None:
    """Print every measurement."""
    _engine()
    _sweeps()
    _starts()
    _lifetimes()
    _reports()
    print(f"\n{len(at.TOTALS)} totals and the physics check are computed for every case of every line above.")


if __name__ == "__main__":
    main()
