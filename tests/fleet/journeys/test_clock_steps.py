"""The wall clock of a running agent is set: commands end by the clock that never jumps, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fleet_kept import all_arrived, no_energy_from_nothing, samples_under
from fleet_processes import TICK_S, A, Agent, B, C, Headend, until, write_assets

ABC = (A, B, C)
PROGRAM = Path(__file__).resolve().parents[1] / "fleet_clocked_agent.py"
HOUR = timedelta(hours=1)


class Clock:
    """The file that an agent's wall clock is set by."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set(timedelta(0))

    def set(self, ahead: timedelta) -> None:
        """Set it ahead of the machine's; in one step, so that nobody reads half a number."""
        half = self.path.with_suffix(".half")
        half.write_text(str(ahead.total_seconds()))
        half.replace(self.path)


@pytest.fixture
def headend(tmp_path: Path, database_url: str) -> Iterator[Headend]:
    with Headend.running(tmp_path / "h", write_assets(tmp_path), {"DATABASE_URL": database_url}) as running:
        yield running


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.fixture
def gateway(tmp_path: Path, headend: Headend, clock: Clock) -> Iterator[Agent]:
    environ = {"CLOCK_OFFSET_FILE": str(clock.path)}
    with Agent.running(
        tmp_path / "g", headend.assets, headend.grpc, environ=environ, program=(str(PROGRAM),)
    ) as running:
        headend.connected(*ABC)
        yield running


def _begin(headend: Headend, url: str, *, duration_s: float) -> tuple[str, datetime]:
    """Command 6 MW at A, wait until a sample shows it in force; return its id and its end by the headend's clock."""
    command = headend.dispatch(asset_id=A, mw=6.0, duration_s=duration_s)
    active = headend.reaches(command["id"], "active")
    until(lambda: samples_under(url, command["id"])[0], what="a sample under the command")
    return command["id"], datetime.fromisoformat(active["valid_until"])


def _steps(headend: Headend, number: int) -> list[Any]:
    """Wait until the operator knows of so many steps; the newest is the first."""
    until(lambda: len(headend.events("CLOCK_STEP")) == number, what=f"{number} steps told")
    return headend.events("CLOCK_STEP")


def test_a_clock_that_is_set_prolongs_no_command_and_neither_loses_nor_doubles_a_sample(
    headend: Headend, gateway: Agent, clock: Clock, database_url: str
) -> None:
    holds = headend.dispatch(asset_id=B, mw=2.0)
    headend.reaches(holds["id"], "active")
    under, under_ends = _begin(headend, database_url, duration_s=3.0)
    clock.set(-HOUR)
    assert "-3600" in _steps(headend, 1)[0]["message"]
    headend.reaches(under, "completed")
    until(lambda: headend.telemetry(A)["current_mw"] == 0.0)

    # By the agent's clock this one ends in an hour: its length is what counts. Nor does a restart believe that clock.
    after, after_ends = _begin(headend, database_url, duration_s=3.0)
    gateway.kill()
    gateway.start()
    headend.connected(*ABC)
    headend.reaches(after, "completed")
    until(lambda: headend.telemetry(A)["current_mw"] == 0.0)

    clock.set(timedelta(0))
    assert "+3600" in _steps(headend, 2)[0]["message"]
    old, _ = _begin(headend, database_url, duration_s=600.0)
    clock.set(HOUR)
    _steps(headend, 3)
    # Which clock is right nobody can tell: the earlier end is the safe one.
    headend.reaches(old, "completed")
    until(lambda: headend.telemetry(A)["current_mw"] == 0.0)
    late = headend.dispatch(asset_id=A, mw=6.0, duration_s=60.0)
    refused = headend.reaches(late["id"], "expired")
    assert "by this agent's clock" in refused["history"][-1]["reason"]
    now = headend.telemetry(B)
    assert now["current_mw"] == pytest.approx(2.0)
    assert now["lease_id"] == holds["id"]

    clock.set(timedelta(0))
    _steps(headend, 4)
    _begin(headend, database_url, duration_s=60.0)
    assert headend.command(holds["id"])["state"] == "active"
    all_arrived(database_url, gateway)
    no_energy_from_nothing(database_url)
    assert samples_under(database_url, late["id"])[0] == 0
    for command_id, ends in ((under, under_ends), (after, after_ends)):
        _, last = samples_under(database_url, command_id)
        # The machine's time of the last sample: its stamp is an hour old if the clock had been set by then.
        last += HOUR if ends - last > HOUR / 2 else timedelta(0)
        assert last - ends < timedelta(seconds=2 * TICK_S)
