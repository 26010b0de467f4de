"""Headend, gateway and database are killed and come back: nothing is lost, doubled or made from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fleet_kept import all_arrived, ask, no_energy_from_nothing, samples_under
from fleet_processes import TICK_S, A, Agent, B, C, Headend, until, write_assets

from afterbay.server.postgres import EmbeddedPostgres

ABC = (A, B, C)


@pytest.fixture
def headend(tmp_path: Path, database_url: str) -> Iterator[Headend]:
    with Headend.running(tmp_path / "h", write_assets(tmp_path), {"DATABASE_URL": database_url}) as running:
        yield running


@pytest.fixture
def gateway(tmp_path: Path, headend: Headend) -> Iterator[Agent]:
    with Agent.running(tmp_path / "g", headend.assets, headend.grpc) as running:
        headend.connected(*ABC)
        yield running


def test_a_headend_that_is_killed_and_back_finds_a_command_ended_on_time_and_every_sample(
    headend: Headend, gateway: Agent, database_url: str
) -> None:
    command = headend.dispatch(asset_id=A, mw=6.0, duration_s=3.0)
    active = headend.reaches(command["id"], "active")
    ends = datetime.fromisoformat(active["valid_until"])
    # What the agent said of it is written a moment later.
    until(lambda: ask(database_url, "SELECT state FROM dispatches") == [("active",)])
    headend.kill()
    killed = datetime.now(UTC)
    # Nobody is left to tell the agent anything.
    until(lambda: datetime.now(UTC) > ends + timedelta(seconds=0.2))
    headend.start()
    headend.connected(*ABC)

    after = headend.reaches(command["id"], "completed")
    # The present comes first, what waited in the spool follows.
    until(lambda: (found := samples_under(database_url, command["id"]))[0] and found[1] > killed)
    until(lambda: headend.telemetry(A)["current_mw"] == 0.0)
    assert headend.telemetry(A)["lease_id"] is None
    assert [change["state"] for change in after["history"]][-1] == "completed"
    all_arrived(database_url, gateway)
    assert samples_under(database_url, command["id"])[1] - ends < timedelta(seconds=2 * TICK_S)
    no_energy_from_nothing(database_url)


def test_g13_a_headend_that_is_killed_and_back_shows_charge_setpoint_and_the_command_in_force(
    headend: Headend, gateway: Agent, database_url: str
) -> None:
    command = headend.dispatch(asset_id=A, mw=6.0)
    headend.reaches(command["id"], "active")
    until(lambda: headend.telemetry(A)["current_mw"] == pytest.approx(6.0))
    until(lambda: samples_under(database_url, command["id"])[0] > 3)
    gateway.kill()
    headend.kill()
    headend.start()

    restored = headend.telemetry(A)
    assert restored["setpoint_mw"] == 6.0
    assert restored["soc_mwhr"] == pytest.approx(60.0, abs=0.5)
    assert headend.rows()[A]["connected"] is False
    assert headend.command(command["id"])["state"] == "active"

    gateway.start()
    headend.connected(*ABC)
    until(lambda: (now := headend.telemetry(A))["seq"] > restored["seq"] and now["lease_id"] == command["id"])
    all_arrived(database_url, gateway)
    no_energy_from_nothing(database_url)


def test_a_gateway_that_is_killed_under_a_command_ends_it_on_time_and_goes_on_with_its_energy(
    headend: Headend, gateway: Agent, database_url: str
) -> None:
    command = headend.dispatch(asset_id=A, mw=6.0, duration_s=3.0)
    active = headend.reaches(command["id"], "active")
    ends = datetime.fromisoformat(active["valid_until"])
    until(lambda: samples_under(database_url, command["id"])[0] > 2)
    gateway.kill()
    gone = until(lambda: not (row := headend.rows()[A])["connected"] and row)
    assert gone["sessions"][0]["reason"]
    refused = headend.ask("POST", "/dispatch", {"asset_id": A, "mw": 1.0})
    assert refused.status == 409

    gateway.start()
    headend.connected(*ABC)
    headend.reaches(command["id"], "completed", "expired")

    until(lambda: headend.telemetry(A)["current_mw"] == 0.0)
    all_arrived(database_url, gateway)
    assert samples_under(database_url, command["id"])[1] - ends < timedelta(seconds=2 * TICK_S)
    no_energy_from_nothing(database_url)


def test_a_database_that_stops_and_comes_back_misses_nothing_and_the_operator_is_told(
    headend: Headend, gateway: Agent, database_url: str, postgres: EmbeddedPostgres
) -> None:
    until(lambda: ask(database_url, "SELECT count(*) FROM telemetry")[0][0] > 10)
    postgres.kill()
    told = until(lambda: (answer := headend.ask("GET", "/health")).status == 503 and answer, what="health is degraded")
    assert told.json["status"] == "degraded"
    assert told.json["db"] == "error"
    assert told.json["db_error"]
    until(lambda: headend.ask("GET", "/health").json["buffered_bytes"] > 0, what="samples wait on disk")
    # What needs no database goes on.
    command = headend.dispatch(asset_id=B, mw=2.0)
    headend.reaches(command["id"], "active")
    assert headend.ask("GET", f"/telemetry/{A}/history").status == 503

    postgres.start()
    until(lambda: headend.ask("GET", "/health").json["status"] == "ok", what="health is well again")
    assert headend.get("/health")["buffered_bytes"] == 0
    all_arrived(database_url, gateway)
    no_energy_from_nothing(database_url)
    assert ask(database_url, "SELECT state FROM dispatches") == [("active",)]


def test_a_headend_that_is_killed_while_its_database_is_away_finds_again_what_it_kept_on_disk(
    headend: Headend, gateway: Agent, database_url: str, postgres: EmbeddedPostgres
) -> None:
    until(lambda: ask(database_url, "SELECT count(*) FROM telemetry")[0][0] > 10)
    postgres.kill()
    try:
        health = until(lambda: (answer := headend.ask("GET", "/health")).json["buffered_bytes"] > 0 and answer).json
        command = headend.dispatch(asset_id=A, mw=6.0)
        headend.reaches(command["id"], "active")
        # What the agent has a receipt for it has forgotten: of this only the headend's disk knows.
        kept = health["samples_received"] + 3 * 5
        until(lambda: headend.ask("GET", "/health").json["samples_received"] > kept)
        # A power cut takes the gateway too.
        headend.kill()
        gateway.kill()
        buffer = headend.folder / "data" / "headend" / "buffer"
        held = sum(path.stat().st_size for path in buffer.iterdir())
        assert held > 0

        code, told = headend.fails_to_start()
        assert code == 7
        assert "database" in told
        assert "Traceback" not in told
        assert sum(path.stat().st_size for path in buffer.iterdir()) == held
    finally:
        postgres.start()

    headend.start()
    assert headend.command(command["id"])["state"] == "active"
    gateway.start()
    headend.connected(*ABC)
    until(
        lambda: (now := headend.telemetry(A))["lease_id"] == command["id"] and now["current_mw"] == pytest.approx(6.0)
    )
    all_arrived(database_url, gateway)
    no_energy_from_nothing(database_url)
    assert headend.get("/health")["buffered_bytes"] == 0
    assert not any(path.stat().st_size for path in buffer.iterdir())
    assert ask(database_url, "SELECT state FROM dispatches") == [("active",)]


def test_g12_reset_db_empties_the_tables_once_and_does_nothing_without_a_database(
    headend: Headend, gateway: Agent, database_url: str, tmp_path: Path
) -> None:
    until(lambda: ask(database_url, "SELECT count(*) FROM telemetry")[0][0] > 3)
    gateway.stop()
    headend.stop()
    headend.environ["RESET_DB"] = "1"
    headend.start()

    assert ask(database_url, "SELECT count(*) FROM telemetry") == [(0,)]
    assert headend.ask("GET", f"/telemetry/{A}").status == 404
    assert len(headend.get("/assets")) == 4

    with Headend.running(tmp_path / "h2", headend.assets, {"RESET_DB": "1"}) as plain:
        assert "no database is named" in plain.said
        assert plain.get("/health")["db"] == "disabled"
