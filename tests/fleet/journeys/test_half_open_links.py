"""A link whose packets vanish while both ends believe in it: both notice, and the gap is told later, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet_kept import all_arrived, ask, no_energy_from_nothing, samples_under
from fleet_processes import A, Agent, B, C, Headend, until, write_assets
from fleet_proxy import Proxy

ABC = (A, B, C)


@pytest.fixture
def headend(tmp_path: Path, database_url: str) -> Iterator[Headend]:
    with Headend.running(tmp_path / "h", write_assets(tmp_path), {"DATABASE_URL": database_url}) as running:
        yield running


def _replayed(url: str) -> int:
    return int(ask(url, "SELECT count(*) FROM telemetry WHERE origin = 'replay'")[0][0])


def test_a_lost_connection_is_replaced_and_the_command_that_it_swallowed_expires(
    headend: Headend, tmp_path: Path, database_url: str
) -> None:
    impatient = {"AFTERBAY_AGENT_SILENCE_S": "1"}
    with (
        Proxy(headend.grpc) as wire,
        Agent.running(tmp_path / "g", headend.assets, wire.address, environ=impatient) as agent,
    ):
        headend.connected(*ABC)
        holds = headend.dispatch(asset_id=B, mw=2.0)
        headend.reaches(holds["id"], "active")
        until(lambda: headend.telemetry(B)["current_mw"] == pytest.approx(2.0))
        wire.lose()
        # The headend cannot know yet that nobody hears it.
        swallowed = headend.dispatch(asset_id=A, mw=5.0, deliver_within_s=1.0)
        assert swallowed["state"] == "sent"
        lost = until(lambda: agent.log("headend_lost"), what="the agent notices")[0]
        assert "no word from the headend for 1 s" in lost["reason"]

        wire.speak()
        until(lambda: len(agent.log("headend_connected")) > 1, what="the agent is back")
        # It might have arrived for all the headend knows: the agent is asked, and answers that it comes too late.
        expired = headend.reaches(swallowed["id"], "expired")
        assert "by this agent's clock" in expired["history"][-1]["reason"]
        until(lambda: headend.rows()[A]["reconnects"] == 1)
        until(lambda: headend.rows()[A]["sessions"][1]["reason"] == "reconnected")
        again = headend.dispatch(asset_id=A, mw=4.0)
        headend.reaches(again["id"], "active")
        assert headend.command(swallowed["id"])["state"] == "expired"
        assert headend.command(holds["id"])["state"] == "active"
        all_arrived(database_url, agent)

    assert samples_under(database_url, swallowed["id"])[0] == 0
    assert _replayed(database_url) > 0
    no_energy_from_nothing(database_url)


@pytest.mark.long
def test_both_ends_notice_a_lost_connection_by_keepalive_alone(
    headend: Headend, tmp_path: Path, database_url: str
) -> None:
    with Proxy(headend.grpc) as wire, Agent.running(tmp_path / "g", headend.assets, wire.address) as agent:
        headend.connected(*ABC)
        ends = headend.dispatch(asset_id=B, mw=2.0, duration_s=20.0)
        headend.reaches(ends["id"], "active")
        wire.lose()
        # Pings go out every 20 s, and 10 s are given to their answers.
        gone = until(lambda: not (row := headend.rows()[A])["connected"] and row, what="the headend notices")
        assert gone["sessions"][0]["reason"] == "connection lost"
        lost = until(lambda: agent.log("headend_lost"), what="the agent notices")[0]
        assert "ping timeout" in lost["reason"]
        refused = headend.ask("POST", "/dispatch", {"asset_id": A, "mw": 1.0})
        assert refused.status == 409
        waits = headend.dispatch(asset_id=A, mw=5.0, deliver_within_s=1.0)
        headend.reaches(waits["id"], "expired")

        wire.speak()
        headend.connected(*ABC)
        headend.reaches(ends["id"], "completed")
        assert headend.command(waits["id"])["state"] == "expired"
        all_arrived(database_url, agent)

    assert samples_under(database_url, waits["id"])[0] == 0
    assert _replayed(database_url) > 3 * 100
    no_energy_from_nothing(database_url)
