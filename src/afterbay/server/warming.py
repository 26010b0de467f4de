"""The compiled kernels of the sizing, loaded before somebody waits for them."""

from __future__ import annotations

import gc
import logging
import threading

from afterbay.core.errors import MissingExtraError

__all__ = ["start_warm_up", "warm_up"]

_log = logging.getLogger(__name__)


def start_warm_up() -> None:
    """Load the kernels in the background; a process that ends meanwhile must not wait for the thread."""
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()


def warm_up() -> None:
    """Load the compiled kernels of the sizing, those of a sweep first; a day of one size does it."""
    from afterbay.sizing import SimulationParams, SizeGrid, calculate_metrics, project_years, sweep
    from afterbay.sizing.projection import ProjectionConfig

    hours = range(24)
    params = SimulationParams(
        load_profile=[1.0] * len(hours), solar_profile=[max(0.0, 3.0 - abs(hour - 12) / 2.0) for hour in hours],
        dg_capacity=1.0,
    )  # fmt: skip
    result = sweep(params, 1, SizeGrid(bess_mwh=(4.0,), durations_h=(4.0,), dg_mw=(1.0,)), jobs=1)
    hourly = result.simulate(0)
    calculate_metrics(hourly, hourly.params)
    _log.info("the kernels of a sweep are loaded")
    project_years(hourly.params, 1, ProjectionConfig(years=1))
    try:
        from afterbay.sizing.optimum import schedule

        schedule(hourly.params, levels=10)
    except MissingExtraError:
        pass  # reports say what they leave out without it
    gc.freeze()  # as at the start: they stay
    _log.info("the kernels are loaded")
