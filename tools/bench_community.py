"""Measure the community and the solar cycle beside plain references, in one run; part of `make bench`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from afterbay.community.cycle import run_simulation
from afterbay.community.recipes import ProfileLibrary, clear_sky_site, households
from afterbay.community.settlement import settle, standard_rules
from afterbay.community.settlement.auction import clear_book
from afterbay.community.settlement.orders import Order, order_book
from afterbay.community.sharing import Sharing, share_block
from afterbay.community.simulation import horizon, run_community
from afterbay.community.simulation.physics import Physics
from afterbay.community.topology import Grid, HomeBattery, House, LoadSeries, SolarArray, Tariff, Transformer
from afterbay.core.compiled import Floats
from afterbay.core.timeline import Timeline

ETA_UP, ETA_DOWN = 0.97, 0.98


def three_levels(n_houses: int) -> Grid:
    """Return a grid with 20 houses to a transformer and 10 transformers to the next; all have batteries."""
    tops: list[Transformer] = []
    number = 0
    while number < n_houses:
        below: list[Transformer] = []
        for _ in range(10):
            houses = []
            for _ in range(20):
                houses.append(
                    House(
                        f"H-{number}",
                        loads=(LoadSeries(f"load-{number}"),),
                        solar=(SolarArray("sun", 4.0),) if number % 2 == 0 else (),
                        batteries=(HomeBattery(8.0, 3.0, 3.0),),
                    )
                )
                number += 1
            below.append(
                Transformer(
                    f"T-{number}", rated_kw=50.0, forward_efficiency=ETA_DOWN, backward_efficiency=ETA_UP,
                    houses=tuple(houses),
                )
            )  # fmt: skip
        tops.append(
            Transformer(
                f"S-{number}", rated_kw=400.0, forward_efficiency=ETA_DOWN, backward_efficiency=ETA_UP,
                transformers=tuple(below),
            )
        )  # fmt: skip
    return Grid(transformers=tuple(tops))


def library(n_houses: int) -> ProfileLibrary:
    """Return a household of its own for every house, and one sun."""
    sun = clear_sky_site("sun", latitude=50.0, longitude=8.0, variability=0.3, seed=1)
    loads = households([f"load-{number}" for number in range(n_houses)], seed=1)
    return ProfileLibrary([*loads.values(), sun])


def _numpy_day(load: Floats, sun: Floats, stored: Floats, groups: int, tops: int) -> float:
    """Step all houses at once: self-supply, battery, pro rata at three levels. Returns what the grid gave [kWh]."""
    dt, imported = 0.25, 0.0
    for step in range(load.shape[1]):
        own = np.minimum(load[:, step], sun[:, step])
        surplus, deficit = sun[:, step] - own, load[:, step] - own
        charge = np.minimum(np.minimum(surplus, 3.0), (8.0 - stored) / 0.95 / dt)
        stored += charge * 0.95 * dt
        give = np.minimum(np.minimum(deficit, 3.0), (stored - 0.8) * 0.95 / dt)
        stored -= give / 0.95 * dt
        offer, need = (surplus - charge) * dt, (deficit - give) * dt
        for size, eta_up, eta_down in ((groups, ETA_UP, ETA_DOWN), (tops, ETA_UP, ETA_DOWN), (1, 1.0, 1.0)):
            s, d = offer.reshape(size, -1).sum(1), need.reshape(size, -1).sum(1)
            matched = np.minimum(s, d)
            share_up = np.divide(matched, s, out=np.zeros_like(s), where=s > 0.0)
            share_down = np.divide(matched, d, out=np.zeros_like(d), where=d > 0.0)
            offer, need = (s - s * share_up) * eta_up, (d - d * share_down) / eta_down
        imported += float(need.sum())
    return imported


def _python_day(load: list[list[float]], sun: list[list[float]], stored: list[float]) -> float:
    """Step house by house, as it is first written; 20 houses to a transformer, 10 to the next."""
    dt, imported, count = 0.25, 0.0, len(load)
    for step in range(len(load[0])):
        offers, needs = [0.0] * (count // 20), [0.0] * (count // 20)
        for house in range(count):
            own = min(load[house][step], sun[house][step])
            surplus, deficit = sun[house][step] - own, load[house][step] - own
            charge = min(surplus, 3.0, (8.0 - stored[house]) / 0.95 / dt)
            stored[house] += charge * 0.95 * dt
            give = min(deficit, 3.0, (stored[house] - 0.8) * 0.95 / dt)
            stored[house] -= give / 0.95 * dt
            offers[house // 20] += (surplus - charge) * dt
            needs[house // 20] += (deficit - give) * dt
        for size, eta_up, eta_down in ((10, ETA_UP, ETA_DOWN), (len(offers) // 10, ETA_UP, ETA_DOWN), (1, 1.0, 1.0)):
            up, down = [], []
            for offer, need in zip(offers, needs, strict=True):
                matched = min(offer, need)
                up.append((offer - matched) * eta_up)
                down.append((need - matched) / eta_down)
            offers = [sum(up[at : at + size]) for at in range(0, len(up), size)]
            needs = [sum(down[at : at + size]) for at in range(0, len(down), size)]
        imported += sum(needs)
    return imported


def _steps(grid: Grid, profiles: ProfileLibrary) -> None:
    """Compare a week of 1,000 houses with the references, then quote a house-step."""
    days, houses = 7, 1000
    steps = horizon("2023-06-01", days)
    physics = Physics(grid, profiles, steps, threads=1)
    names = [f"load-{number}" for number in range(houses)]
    load = profiles.reader(names, steps, "UTC").read(0, steps.count)
    sun = np.zeros_like(load)
    sun[::2] = profiles.reader(["sun"], steps, "UTC").read(0, steps.count)[0] * 4.0
    list(physics.run())
    start = time.perf_counter()
    runs = list(physics.run())
    ours_s = time.perf_counter() - start
    net = np.concatenate([run.block.net_kwh for run in runs])
    imported = sum(float(run.block.nodes_kwh[0, :, 0].sum()) for run in runs)
    share_block(physics.tree, Sharing(), net)
    start = time.perf_counter()
    share_block(physics.tree, Sharing(), net, days=np.arange(days + 1) * 96)
    share_s = time.perf_counter() - start
    start = time.perf_counter()
    by_numpy = _numpy_day(load, sun, np.full(houses, 4.0), houses // 20, houses // 200)
    numpy_s = time.perf_counter() - start
    some = 200
    plain = [series.tolist() for series in load[:some, :96]], [series.tolist() for series in sun[:some, :96]]
    start = time.perf_counter()
    _python_day(*plain, [4.0] * some)
    python_s = time.perf_counter() - start
    if abs(by_numpy - imported) > 1e-6 * imported:
        raise SystemExit(f"the reference and the step disagree: {by_numpy} against {imported} kWh from the grid")
    count = houses * steps.count
    rows = [
        ("afterbay: profiles, houses, network, daily sums", ours_s / count),
        ("afterbay: sharing pro rata at three levels", share_s / count),
        ("NumPy, all houses of a step at once", numpy_s / count),
        ("plain Python, house by house", python_s / (some * 96)),
    ]
    ours = (ours_s + share_s) / count
    print("\nA quarter hour of a house with battery in a three-level tree, one core")
    for name, seconds in rows:
        print(f"  {name:<50} {seconds * 1e6:8.4f} us   {seconds / ours:8.1f} x")
    _mesa(ours)


def _users_file(folder: Path, count: int) -> Path:
    rng = np.random.default_rng(3)
    lines = ["user_id,panel_wattage,panel_count,battery_capacity_kwh,inverter_capacity_kw,household_size"]
    for number in range(count):
        name = uuid.UUID(bytes=rng.bytes(16), version=4)
        lines.append(f"{name},400.0,{number % 20 + 1},{number % 3 * 6.5},5.0,{number % 5 + 1}")
    path = folder / "users_input_20240911_141500.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _mesa(ours: float) -> None:
    from afterbay.community.cycle import ConstantWeather, read_users
    from afterbay.community.cycle.mesa_model import solar_model

    with tempfile.TemporaryDirectory() as folder:
        users = read_users(_users_file(Path(folder), 500)).users
    model = solar_model(users, datetime(2023, 6, 1, tzinfo=UTC), ConstantWeather(0.9), 1)
    model.step()
    start = time.perf_counter()
    for _ in range(24):
        model.step()
    seconds = (time.perf_counter() - start) / (len(users) * 24)
    print(f"  {'Mesa, one agent per household, collected':<50} {seconds * 1e6:8.4f} us   {seconds / ours:8.1f} x")


def _years() -> None:
    print("\nA year of quarter hours, every house a recipe of its own, streamed to Parquet (each in a fresh process)")
    for count in (1_000, 10_000):
        run = [sys.executable, __file__, "--year", str(count)]
        told = subprocess.run(run, check=True, capture_output=True, text=True)
        print(told.stdout, end="")


def one_year(n_houses: int) -> None:
    """Run a year in this process and print what it took; twice for the small one, so that nothing is compiled."""
    grid, steps = three_levels(n_houses), horizon("2023-01-01", 365)
    start = time.perf_counter()
    profiles = library(n_houses)
    made_s = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        run_community(grid, profiles, horizon=horizon("2023-01-01", 2), folder=Path(folder) / "warm")
        start = time.perf_counter()
        run = run_community(grid, profiles, horizon=steps, folder=Path(folder) / "run", series=(grid.house_names[0],))
        seconds = time.perf_counter() - start
    each_ns = seconds / (n_houses * steps.count) * 1e9
    print(f"  {n_houses:>6,} houses: {seconds:6.1f} s, {each_ns:5.1f} ns a house-step, recipes made in {made_s:.1f} s, "
          f"peak memory {_peak_mb():,.0f} MB")  # fmt: skip
    if n_houses <= 1_000:
        tariffed = run_community(replace(grid, tariffs={"all": Tariff(0.30, 0.08)}), profiles, horizon=steps)
        settle(tariffed, standard_rules(), daily=False, threads=1)
        start = time.perf_counter()
        settled = settle(tariffed, standard_rules(), daily=False)
        seconds = time.perf_counter() - start
        print(f"         settled under {len(settled.rules)} rules, physics run again in it: {seconds:6.1f} s")
        start = time.perf_counter()
        for _ in physics_of(tariffed.grid, profiles, steps).run():
            pass
        print(f"         the physics alone: {time.perf_counter() - start:6.1f} s")
    del run


def physics_of(grid: Grid, profiles: ProfileLibrary, steps: Timeline) -> Physics:
    """Return the physics of a community on all cores."""
    return Physics(grid, profiles, steps)


def _auction() -> None:
    rng = np.random.default_rng(5)
    orders = [
        Order(number, "bid" if number % 2 else "offer", float(rng.uniform(0.1, 2.0)), float(rng.uniform(0.05, 0.35)))
        for number in range(10_000)
    ]
    book = order_book(orders)
    clear_book(book)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        clear_book(book)
        times.append(time.perf_counter() - start)
    bids = sorted((order for order in orders if order.side == "bid"), key=lambda order: -order.price)
    start = time.perf_counter()
    offers = sorted((order for order in orders if order.side == "offer"), key=lambda order: order.price)
    sum(order.qty_kwh for order in bids), sum(order.qty_kwh for order in offers)
    print(f"\nA uniform-price auction of 10,000 orders: {min(times) * 1e3:.2f} ms "
          f"(sorting one side in plain Python alone: {(time.perf_counter() - start) * 1e3:.2f} ms)")  # fmt: skip


def _cycle() -> None:
    with tempfile.TemporaryDirectory() as folder:
        users = _users_file(Path(folder), 100_000)
        results = Path(folder) / "results_20240911_1415.csv"
        run_simulation(users, results, 1, "2024-09-11T14:15:00", 0.9, 1, raise_errors=True)
        start = time.perf_counter()
        run_simulation(users, results, 1, "2024-09-11T14:15:00", 0.9, 1, raise_errors=True)
        print(f"\nA tick of 100,000 users, files read, checked and written: {time.perf_counter() - start:.2f} s")


def _peak_mb() -> float:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def main() -> None:
    """Print every measurement."""
    if sys.argv[1:2] == ["--year"]:
        one_year(int(sys.argv[2]))
        return
    _steps(three_levels(1_000), library(1_000))
    _auction()
    _cycle()
    _years()


if __name__ == "__main__":
    main()
