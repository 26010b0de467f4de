"""What is said while a command is waited for: state, power now and ordered, time left; lines where nobody looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from afterbay.cli import fleet_waiting, output
from afterbay.cli.fleet_waiting import wait_for
from afterbay.client import Command
from afterbay.core.errors import UnavailableError
from afterbay.fleet.messages import Telemetry

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SAMPLE = Telemetry("a", "s", NOW, 0.0, 30.0, 60.0, -60.0, "idle")


class Story:
    """A command whose states and powers come one with every look, half a second apart."""

    def __init__(self, states: Sequence[dict[str, Any]], powers: Sequence[float | None], parts: int = 1) -> None:
        self.now_s = 0.0
        self.states = list(states)
        self.powers = list(powers)
        self.parts = [{"asset_id": f"a{place}"} for place in range(parts)]
        self.command = Command(self, self.next(), clock=self.clock, sleep=self.sleep)  # type: ignore[arg-type]

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def next(self) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"id": "c1", "mw": 30.0, "parts": self.parts, **state}

    def get(self, path: str) -> dict[str, Any]:
        """Answer as a headend."""
        return self.next()

    def telemetry(self, asset_id: str) -> Telemetry | None:
        """Return the next sample."""
        power = self.powers.pop(0) if len(self.powers) > 1 else self.powers[0]
        if power is None:
            raise UnavailableError("gone")
        return replace(SAMPLE, mw=power)

    def assets(self) -> list[Any]:
        """Return what a list answers; one asset more than is meant."""
        return [SimpleNamespace(id=f"a{place}", sample=self.telemetry("")) for place in range(len(self.parts) + 1)]

    def wait(self, **more: Any) -> None:
        """Wait for the command."""
        wait_for(self, self.command, clock=self.clock, **{"ramp_s": 4.0, "limit_s": 60.0, **more})  # type: ignore[arg-type]


REACHED = {"state": "active", "reached_at": NOW.isoformat()}


def test_away_from_a_terminal_there_is_a_line_with_every_state(capsys: pytest.CaptureFixture[str]) -> None:
    Story([{"state": "sent"}, {"state": "active"}, REACHED], [0.0, 0.0, 30.0]).wait()

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "sent       0.0 MW now of +30.0 MW, 4 s left",
        "active     0.0 MW now of +30.0 MW, 4 s left",
        "reached    0.0 MW now of +30.0 MW",
    ]


def test_a_power_that_moves_is_told_now_and_then_and_not_with_every_look(capsys: pytest.CaptureFixture[str]) -> None:
    ramping = [{"state": "active"}] * 25

    Story([*ramping, REACHED], [float(power) for power in range(30)]).wait(ramp_s=10.0)

    said = capsys.readouterr().err.splitlines()
    assert [line.split(" MW")[0].split()[1] for line in said] == ["0.0", "+5.0", "+10.0", "+12.0"]
    assert said[1].endswith("5 s left")
    assert said[2].endswith("about to be there")


def test_the_power_of_a_site_is_that_of_all_its_assets(capsys: pytest.CaptureFixture[str]) -> None:
    Story([REACHED], [10.0], parts=3).wait()

    assert "+30.0 MW now of +30.0 MW" in capsys.readouterr().err


def test_a_power_that_nobody_tells_is_no_zero_and_does_not_end_the_wait(capsys: pytest.CaptureFixture[str]) -> None:
    Story([{"state": "limited", "reason": "soc_min"}], [None]).wait(ramp_s=None)

    assert capsys.readouterr().err == "limited    — now of +30.0 MW (soc_min)\n"


def test_a_document_is_not_disturbed(capsys: pytest.CaptureFixture[str]) -> None:
    Story([{"state": "sent"}, REACHED], [0.0]).wait(quiet=True)

    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_one_line_is_drawn_again_and_goes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(output, "is_terminal", lambda stream=None: True)

    def signed_mw(mw: float | None) -> str:
        drawn.append(str(mw))
        return drawn[-1]

    monkeypatch.setattr(fleet_waiting, "signed_mw", signed_mw)

    Story([{"state": "sent"}, {"state": "active"}, REACHED], [0.0]).wait()

    assert drawn == ["0.0", "30.0"] * 3
    assert capsys.readouterr().out == ""
