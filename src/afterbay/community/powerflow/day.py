"""Solve the network for the meters of a day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from afterbay.community.powerflow.limits import PowerFlowLimits
from afterbay.community.powerflow.result import PowerFlowDay
from afterbay.community.powerflow.solver import Solver, check_network
from afterbay.core.errors import InvalidInputError, NotFoundError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from afterbay.community.simulation import CommunityRun
    from afterbay.community.topology import Network
    from afterbay.core.compiled import Floats

__all__ = ["check_day", "solve_network"]


def check_day(
    network: Network,
    run: CommunityRun,
    day: date | str,
    limits: PowerFlowLimits | None = None,
    *,
    every_steps: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> PowerFlowDay:
    """Solve the network for the meters of one local day of a run.

    Args:
        network: The network that the run's grid was made of, by `read_network`; houses keep their names.
        run: A finished run; when its meters were not kept, the physics runs again.
        day: A local date of the run, or "highest import" or "highest export": the day of that peak at the substation.
        limits: Limits and power factors.
        every_steps: Solve every step (1), or only every n-th one, which then stands for the others.
        progress: Called after each solved step with the steps done and the steps in all.

    Raises:
        NotFoundError: If the day is not in the run.
        InvalidInputError: If a house of the run has no bus, or an argument cannot be used.
        MissingExtraError: If pandapower is not installed.
    """
    limits = PowerFlowLimits() if limits is None else limits
    if isinstance(every_steps, bool) or not isinstance(every_steps, int) or not 1 <= every_steps <= 96:
        raise InvalidInputError(
            Problem("every_steps", repr(every_steps), "a whole number 1..96", "1 solves every step, 4 every hour")
        )
    place = _day_of(run, day)
    first, last = int(run.days.starts[place]), int(run.days.starts[place + 1])
    check_network(network, run.tree.house_names)
    net_kw = _meters(run, first, last) / run.timeline.dt_h
    zone = ZoneInfo(run.grid.time_zone)
    picked = range(0, last - first, every_steps)
    times = tuple(run.timeline.label(first + step).astimezone(zone) for step in picked)
    return solve_network(
        network,
        run.tree.house_names,
        net_kw[::every_steps],
        times,
        limits,
        dt_h=run.timeline.dt_h * every_steps,
        progress=progress,
    )


def solve_network(
    network: Network,
    houses: tuple[str, ...],
    net_kw: Floats,
    times: tuple[datetime, ...],
    limits: PowerFlowLimits | None = None,
    *,
    dt_h: float = 0.25,
    progress: Callable[[int, int], None] | None = None,
) -> PowerFlowDay:
    """Solve the network for given powers.

    Args:
        network: From `read_network`.
        houses: Fixed names of the houses.
        net_kw: Mean power through each meter, + out of the house [kW], shape (n_steps, n_houses).
        times: Start of each step.
        limits: Limits and power factors.
        dt_h: Time that a step stands for [h].
        progress: Called after each step with the steps done and the steps in all.

    Raises:
        InvalidInputError: If a house has no bus, or powers and times do not fit together.
        MissingExtraError: If pandapower is not installed.
    """
    limits = PowerFlowLimits() if limits is None else limits
    net = np.asarray(net_kw, dtype=np.float64)
    if net.shape != (len(times), len(houses)) or not np.isfinite(net).all():
        raise InvalidInputError(
            Problem(
                "net_kw", f"shape {net.shape}, or not finite", f"finite, ({len(times)}, {len(houses)})", "see times"
            )
        )
    check_network(network, houses)
    solver = Solver(network, houses, limits.source_pu)
    shape = len(times)
    voltage = np.full((shape, len(solver.buses)), np.nan)
    lines = np.full((shape, len(solver.lines)), np.nan)
    transformers = np.full((shape, len(solver.transformers)), np.nan)
    source, loss = np.full((2, shape), np.nan)
    taken, given = np.maximum(-net, 0.0), np.maximum(net, 0.0)
    reactive = taken * _tangent(limits.power_factor_import) + given * _tangent(limits.power_factor_export)
    for step in range(shape):
        found = solver.solve(taken[step] - given[step], reactive[step])
        if found is not None:
            voltage[step], lines[step] = found.voltage_pu, found.line_loading
            transformers[step] = found.transformer_loading
            source[step], loss[step] = found.source_kw, found.loss_kw
        if progress is not None:
            progress(step + 1, shape)
    return PowerFlowDay(
        times=times,
        dt_h=dt_h,
        limits=limits,
        buses=tuple(bus.id for bus in solver.buses),
        lines=tuple(line.id for line in solver.lines),
        transformers=tuple(transformer.id for transformer in solver.transformers),
        voltage_pu=voltage,
        line_loading=lines,
        transformer_loading=transformers,
        source_kw=source,
        loss_kw=loss,
        demand_kw=-net.sum(axis=1),
    )


def _day_of(run: CommunityRun, day: date | str) -> int:
    if isinstance(day, str) and day in ("highest import", "highest export"):
        column = "down_kwh" if day == "highest import" else "up_kwh"
        step = int(np.argmax(run.nodes(column)[:, 0]))
        return int(np.searchsorted(run.days.starts, step, side="right")) - 1
    try:
        wanted = date.fromisoformat(day) if isinstance(day, str) else day
    except ValueError:
        raise InvalidInputError(
            Problem("day", repr(day), 'a date such as 2023-06-01, "highest import" or "highest export"', "correct it")
        ) from None
    if wanted not in run.days.dates:
        raise NotFoundError(f"day {wanted} is not in this run, which has {run.days.dates[0]} to {run.days.dates[-1]}")
    return run.days.dates.index(wanted)


def _meters(run: CommunityRun, first: int, last: int) -> Floats:
    """Return the meters of some steps [kWh], shape (last - first, n_houses)."""
    parts = []
    for block in run.blocks():
        begin, end = max(first - block.first, 0), min(last - block.first, block.net_kwh.shape[0])
        if begin < end:
            parts.append(block.net_kwh[begin:end])
        if block.first + block.net_kwh.shape[0] >= last:
            break
    return np.concatenate(parts)


def _tangent(power_factor: float) -> float:
    return float(np.sqrt(1.0 - power_factor**2) / power_factor)
