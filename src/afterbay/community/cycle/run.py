"""`run_simulation`, as the workflow document calls it: an input file in, a results file out."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from afterbay.community.cycle.contract import STEP, read_moment, step_index
from afterbay.community.cycle.rows import results_csv, results_frame
from afterbay.community.cycle.state import CycleState, start_micro
from afterbay.community.cycle.state_file import Memory, state_before, write_memory
from afterbay.community.cycle.sun import DEFAULT_PLACE, Place
from afterbay.community.cycle.tick import run_ticks
from afterbay.community.cycle.users_file import read_users
from afterbay.community.cycle.validation import validate_results
from afterbay.community.cycle.weather import DEFAULT_FACTOR, ConstantWeather, Weather
from afterbay.core.checks import is_number
from afterbay.core.errors import AfterbayError, InvalidInputError, OutOfRangeError, PhysicsError, Problem
from afterbay.core.output_file import check_file, write_whole

if TYPE_CHECKING:
    import os
    from datetime import datetime

    from afterbay.community.cycle.users import Users

__all__ = ["STATE_NAME", "run_simulation", "seed_of"]

STATE_NAME = "cycle_state.csv"
_LOG = logging.getLogger("afterbay.cycle")
_MOST_STEPS = 35_136


def run_simulation(
    input_file: str | os.PathLike[str],
    output_file: str | os.PathLike[str],
    steps: float,
    start_time: datetime | str,
    weather: float | Weather = DEFAULT_FACTOR,
    seed: int | None = None,
    *,
    run_id: str = "",
    place: Place = DEFAULT_PLACE,
    state_file: str | os.PathLike[str] | None = STATE_NAME,
    raise_errors: bool = False,
) -> bool:
    """Simulate one or more quarter hours for the users of a file and write the results.

    Args:
        input_file: Users, as the contract has them.
        output_file: Results; all steps go into one file. It appears whole or not at all.
        steps: Quarter hours, 1 to 35,136; a float is taken when it is whole.
        start_time: First quarter hour in ISO 8601; without a zone it is UTC.
        weather: A factor from 0 to 1.5, or a provider.
        seed: Any whole number; by default the number of the first quarter hour, so that a repeated run gives
            the same numbers and another quarter hour others.
        run_id: Name of the run; another name is another stream of chance.
        place: For users without a place of their own, and the wall clock of the households.
        state_file: What remembers the batteries, beside the results unless its path says otherwise; None: every
            battery begins as the input says, or at 50 %.
        raise_errors: Raise instead of returning False.

    Returns:
        Whether the results were written. A failure is explained in the log `afterbay.cycle`.

    Raises:
        AfterbayError: What went wrong, with `raise_errors` only.
    """
    try:
        _simulate(Path(input_file), Path(output_file), steps, start_time, weather, seed, run_id, place, state_file)
    except AfterbayError as error:
        if raise_errors:
            raise
        _LOG.error("simulation failed, nothing was written: %s", error)
        return False
    return True


def seed_of(moment: datetime | str) -> int:
    """Return the seed of a quarter hour: its number since 1970."""
    return step_index(read_moment(moment))


def _simulate(
    input_file: Path,
    output_file: Path,
    steps: float,
    start_time: datetime | str,
    weather: float | Weather,
    seed: int | None,
    run_id: str,
    place: Place,
    state_file: str | os.PathLike[str] | None,
) -> None:
    memory = None if state_file is None else output_file.parent / state_file
    check_file(output_file, ".csv")
    _check_apart(input_file, output_file, memory)
    first = read_moment(start_time)
    moments = [first + STEP * index for index in range(_whole(steps))]
    provider = _provider(weather)
    users = read_users(input_file)
    for line in users.report.lines():
        _LOG.info("%s", line)
    before = CycleState() if memory is None else state_before(memory, first)
    begin = _said_first(before, users.users)
    after, ticks = run_ticks(
        begin, users.users, provider, moments, seed_of(first) if seed is None else _seed(seed), run_id, place=place
    )
    report = validate_results(results_frame(ticks), users.users, begin, expected=moments)
    if not report.ok:
        raise PhysicsError("\n".join(report.lines()))
    content = results_csv(ticks)
    if memory is None:
        write_whole(output_file, content)
        return
    # The state goes first: should the machine stop in between, the same run again gives the same results.
    kept = memory.read_bytes() if memory.exists() else None
    write_memory(memory, Memory(first, moments[-1], before, after))
    try:
        write_whole(output_file, content)
    except BaseException:
        with contextlib.suppress(OSError):
            memory.unlink() if kept is None else write_whole(memory, kept)
        raise


def _said_first(remembered: CycleState, users: Users) -> CycleState:
    """Return the state without the users whose stored energy the input gives: whoever sent it knows better."""
    said = users.take(np.flatnonzero(~np.isnan(users.soc_start_kwh)))
    known = remembered.micro_of(said.keys)
    others = int(((known >= 0) & (known != start_micro(said, CycleState()))).sum())
    if others:
        _LOG.warning("soc_start_kwh of %d users is not what the last run left; the input is followed", others)
    return remembered.without(said.keys) if len(said) else remembered


def _check_apart(*files: Path | None) -> None:
    named = [file.resolve() for file in files if file is not None]
    if len(set(named)) < len(named):
        raise InvalidInputError(
            Problem("files", ", ".join(map(str, named)), "input, output and state as files of their own", "rename one")
        )


def _whole(steps: float) -> int:
    if not (is_number(steps) and float(steps).is_integer() and 1 <= steps <= _MOST_STEPS):
        allowed = f"a whole number from 1 to {_MOST_STEPS:,}"
        raise OutOfRangeError(Problem("steps", repr(steps), allowed, "count quarter hours: 4 is an hour"))
    return int(steps)


def _provider(weather: float | Weather) -> Weather:
    return cast("Weather", weather) if hasattr(weather, "factors") else ConstantWeather(weather)


def _seed(seed: object) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise OutOfRangeError(Problem("seed", repr(seed), "a whole number, or None", "leave it out"))
    return seed
