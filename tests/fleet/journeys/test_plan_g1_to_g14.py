"""The test plan of the original, G1 to G14, on real processes."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet_processes import CAMPUS, SITE, A, Agent, B, C, D, Headend, Process, until, write_assets

ABC = (A, B, C)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plan")


@pytest.fixture(scope="module")
def headend(folder: Path) -> Iterator[Headend]:
    with Headend.running(folder / "headend", write_assets(folder)) as running:
        yield running


@pytest.fixture(scope="module")
def before_any_agent(headend: Headend) -> dict[str, dict[str, object]]:
    return headend.rows()


@pytest.fixture(scope="module")
def gateway(folder: Path, headend: Headend, before_any_agent: object) -> Iterator[Agent]:
    with Agent.running(folder / "gateway", headend.assets, headend.grpc) as running:
        headend.connected(*ABC)
        yield running


def _at_rest(headend: Headend, *asset_ids: str) -> None:
    """Bring assets back to 0 MW, so that one test leaves nothing to the next."""
    for asset_id in asset_ids:
        headend.dispatch(asset_id=asset_id, mw=0.0)
    until(lambda: all(abs(headend.telemetry(key)["current_mw"]) < 1e-9 for key in asset_ids), what="all at rest")


def test_g2_before_any_agent_every_asset_has_a_row_that_says_not_connected(
    before_any_agent: dict[str, dict[str, object]],
) -> None:
    assert set(before_any_agent) == {A, B, C, D}
    assert all(row["connected"] is False and row["sessions"] == [] for row in before_any_agent.values())


def test_g1_a_gateway_with_three_assets_shows_three_rows_one_peer_and_one_open_session_each(
    headend: Headend, gateway: Agent
) -> None:
    rows = headend.rows()

    assert all(rows[key]["connected"] for key in ABC)
    assert len({rows[key]["peer"] for key in ABC}) == 1
    for key in ABC:
        assert [session["disconnected_at"] for session in rows[key]["sessions"]].count(None) == 1
    assert rows[D]["connected"] is False


def test_g3_assets_lists_all_of_the_file(headend: Headend, gateway: Agent) -> None:
    assert {row["name"] for row in headend.get("/assets")} == {"A", "B", "C", "D"}


def test_g4_telemetry_of_each_asset_is_its_own_and_advances(headend: Headend, gateway: Agent) -> None:
    first = {key: headend.telemetry(key) for key in ABC}
    until(lambda: all(headend.telemetry(key)["timestamp"] > first[key]["timestamp"] for key in ABC))

    assert {first[key]["asset_id"] for key in ABC} == set(ABC)
    assert [first[key]["capacity_mwhr"] for key in ABC] == [120.0, 40.0, 40.0]


def test_g5_a_power_for_one_asset_moves_it_and_no_neighbour(headend: Headend, gateway: Agent) -> None:
    _at_rest(headend, *ABC)
    accepted = headend.dispatch(asset_id=A, mw=5.0)
    headend.reaches(accepted["id"], "active")
    moved = until(lambda: (found := headend.telemetry(A))["current_mw"] == pytest.approx(5.0) and found)

    assert moved["setpoint_mw"] == 5.0
    assert [headend.telemetry(key)["current_mw"] for key in (B, C)] == [0.0, 0.0]


def test_g6_a_power_for_a_site_is_split_by_capacity_the_same_each_time(headend: Headend, gateway: Agent) -> None:
    shares = []
    for _ in range(2):
        _at_rest(headend, *ABC)
        accepted = headend.dispatch(site_id=SITE, mw=12.0)
        headend.reaches(accepted["id"], "active")
        until(lambda: abs(sum(headend.telemetry(key)["current_mw"] for key in ABC) - 12.0) < 1e-6)
        shares.append([headend.telemetry(key)["setpoint_mw"] for key in ABC])

    assert shares[0] == pytest.approx([7.2, 2.4, 2.4])
    assert shares[0] == shares[1]
    split = gateway.log("split")[-1]
    assert split["num_assets"] == 3
    assert split["shortfall_mw"] == pytest.approx(0.0)


def test_g7_a_stream_stays_up_without_flapping(headend: Headend, gateway: Agent) -> None:
    before, first = headend.rows()[A], headend.telemetry(A)["seq"]
    streams = headend.get("/health")["streams"]
    # Heartbeats come every half second here; the five minutes of the plan are a journey of their own.
    until(lambda: headend.telemetry(A)["seq"] > first + 20)
    after = headend.rows()[A]

    assert after["connected"]
    assert after["reconnects"] == before["reconnects"]
    assert after["connected_at"] == before["connected_at"]
    assert headend.get("/health")["streams"] == streams


@pytest.mark.long
def test_g7_a_stream_stays_up_for_five_minutes_as_an_agent_runs_by_itself(folder: Path) -> None:
    as_usual = {"AFTERBAY_AGENT_HEARTBEAT_S": "30"}
    with (
        Headend.running(folder / "steady-headend", write_assets(folder)) as headend,
        Agent.running(folder / "steady", headend.assets, headend.grpc, environ=as_usual, tick_s=4.0) as agent,
    ):
        before = headend.connected(*ABC)
        ends = time.monotonic() + 300.0
        while time.monotonic() < ends:
            rows, health = headend.rows(), headend.get("/health")
            for key in ABC:
                assert rows[key]["connected"]
                assert rows[key]["connected_at"] == before[key]["connected_at"]
                assert rows[key]["reconnects"] == before[key]["reconnects"]
                assert len(rows[key]["sessions"]) == 1
            assert health["streams"] == 1
            time.sleep(1.0)
        assert agent.log("headend_lost") == []
        ticks = agent.stop_when_delivered()
        health = headend.get("/health")

    assert ticks >= 70
    assert (health["samples_received"], health["samples_duplicate"]) == (3 * ticks, 0)


def test_g11_a_setpoint_with_both_ids_moves_the_asset_alone(headend: Headend, gateway: Agent) -> None:
    _at_rest(headend, *ABC)
    accepted = headend.dispatch(asset_id=B, site_id=SITE, mw=3.0)
    headend.reaches(accepted["id"], "active")
    until(lambda: headend.telemetry(B)["current_mw"] == pytest.approx(3.0))

    assert accepted["target"] == "asset"
    assert [headend.telemetry(key)["current_mw"] for key in (A, C)] == [0.0, 0.0]


def test_g9_a_killed_agent_is_not_connected_and_a_restarted_one_has_one_new_open_session(
    headend: Headend, gateway: Agent
) -> None:
    gateway.kill()
    gone = until(lambda: not (row := headend.rows()[A])["connected"] and row, what="the dead agent's row says so")
    assert all(session["disconnected_at"] for session in gone["sessions"])

    gateway.start()
    rows = headend.connected(*ABC)

    assert [session["disconnected_at"] for session in rows[A]["sessions"]].count(None) == 1
    assert len(rows[A]["sessions"]) == len(gone["sessions"]) + 1


def test_g8_the_launcher_gives_each_asset_a_process_and_a_peer_of_its_own(folder: Path) -> None:
    assets = write_assets(folder)
    with Headend.running(folder / "launch-headend", assets) as headend:
        launcher = Agent(folder / "launcher", assets, headend.grpc, ())
        words = ["agent", "launch", "--assets", str(assets), "--headend", headend.grpc, "--data",
                 str(folder / "launcher" / "data"), "--asset", "A", "--asset", "D"]  # fmt: skip
        process = Process(folder / "launcher", "launcher", words, {"AFTERBAY_AGENT_TICK_S": "0.2"})
        try:
            rows = headend.connected(A, D)
            assert launcher.port_of(rows[A]["peer"]) != launcher.port_of(rows[D]["peer"])
            assert rows[B]["connected"] is False
            assert rows[D]["site_id"] == CAMPUS
            assert process.stop() == 0
            until(lambda: not any(row["connected"] for row in headend.rows().values()), what="the children end too")
        finally:
            process.end()


def test_g10_with_a_wrong_port_rows_stay_unconnected_and_the_agent_goes_on_trying(folder: Path) -> None:
    assets = write_assets(folder)
    with Headend.running(folder / "lonely-headend", assets) as headend:
        # A port that was ours a moment ago, and on which nobody listens.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            wrong = f"127.0.0.1:{listener.getsockname()[1]}"
        with Agent.running(folder / "lost-agent", assets, wrong) as agent:
            until(lambda: "headend_lost" in agent.said, what="the agent says that it cannot connect")
            assert agent.process is not None
            assert agent.process.child.poll() is None
            assert not any(row["connected"] for row in headend.rows().values())


def test_g14_a_power_for_an_asset_that_is_offline_is_refused_or_waits_for_it_as_asked(
    folder: Path, headend: Headend
) -> None:
    refused = headend.ask("POST", "/dispatch", {"asset_id": D, "mw": 4.0})
    assert refused.status == 409
    assert "deliver_within_s" in refused.text

    late = headend.dispatch(asset_id=D, mw=9.0, deliver_within_s=0.5)
    headend.reaches(late["id"], "expired")
    waits = headend.dispatch(asset_id=D, mw=4.0, deliver_within_s=60.0)
    assert headend.command(waits["id"])["state"] == "queued"
    with Agent.running(folder / "campus", headend.assets, headend.grpc, ("--site", "Campus-Test")):
        headend.reaches(waits["id"], "active")
        until(lambda: headend.telemetry(D)["current_mw"] == pytest.approx(4.0))

    assert headend.command(late["id"])["state"] == "expired"
