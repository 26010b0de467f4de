"""Headend, gateway and database are killed and come back: nothing is lost, doubled or made from nothing."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fleet_processes import TICK_S, A, Agent, B, C, Headend, until, write_assets

from afterbay.server.postgres import EmbeddedPostgres

ABC = (A, B, C)
_numbers = count(1)


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    # Not pytest's folder: its path is long, and the path of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="afterbay-plug-"))
    server = EmbeddedPostgres(folder / "pg", {"fsync": "off", "full_page_writes": "off"})
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> str:
    return postgres.ensure_database(f"plug{next(_numbers)}")


@pytest.fixture
def headend(tmp_path: Path, database_url: str) -> Iterator[Headend]:
    with Headend.running(tmp_path / "h", write_assets(tmp_path), {"DATABASE_URL": database_url}) as running:
        yield running


@pytest.fixture
def gateway(tmp_path: Path, headend: Headend) -> Iterator[Agent]:
    with Agent.running(tmp_path / "g", headend.assets, headend.grpc) as running:
        headend.connected(*ABC)
        yield running


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def all_arrived(url: str, agent: Agent) -> None:
    """End an agent kindly and hold what it numbered against what the database has."""
    assert agent.stop() == 0
    numbered = ask(url, "SELECT asset_id::text, count(*), count(DISTINCT seq), max(seq) - min(seq) + 1 "
                        "FROM telemetry GROUP BY 1")  # fmt: skip

    assert len(numbered) == 3
    assert all(rows == different == span > 0 for _, rows, different, span in numbered), numbered


def no_energy_from_nothing(url: str, efficiency: float = 0.92) -> None:
    """Between any two samples of A the stored energy changed by what passed its terminals, through the efficiency."""
    rows = ask(url, "SELECT soc_mwhr, energy_in_mwh, energy_out_mwh FROM telemetry "
                    f"WHERE asset_id = '{A}' ORDER BY seq")  # fmt: skip
    first_soc, first_in, first_out = rows[0]

    for soc, energy_in, energy_out in rows:
        foreseen = first_soc + (energy_in - first_in) * efficiency - (energy_out - first_out) / efficiency
        assert soc == pytest.approx(foreseen, abs=1e-9)


def samples_under(url: str, command_id: str) -> tuple[int, datetime]:
    """Return how many samples of A a command was in force for, and when it last was."""
    query = f"SELECT count(*), max(ts) FROM telemetry WHERE asset_id = '{A}' AND lease_id = '{command_id}'"
    ((number, last),) = ask(url, query)
    return number, last


def test_a_headend_that_is_killed_and_back_finds_a_command_ended_on_time_and_every_sample(
    headend: Headend, gateway: Agent, database_url: str
) -> None:
    command = headend.dispatch(asset_id=A, mw=6.0, duration_s=3.0)
    active = headend.reaches(command["id"], "active")
    ends = datetime.fromisoformat(active["valid_until"])
    headend.kill()
    # Nobody is left to tell the agent anything.
    time.sleep(3.5)
    headend.start()
    headend.connected(*ABC)

    after = headend.reaches(command["id"], "completed")
    # The present comes first, what waited in the spool follows.
    _, last = until(lambda: (found := samples_under(database_url, command["id"]))[0] > 15 and found)
    assert timedelta(seconds=-1.0) < last - ends < timedelta(seconds=2 * TICK_S)
    until(lambda: headend.telemetry(A)["current_mw"] == 0.0)
    assert headend.telemetry(A)["lease_id"] is None
    assert [change["state"] for change in after["history"]][-1] == "completed"
    all_arrived(database_url, gateway)
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

    time.sleep(1.0)
    gateway.start()
    headend.connected(*ABC)
    headend.reaches(command["id"], "completed", "expired")

    _, last = samples_under(database_url, command["id"])
    assert last - ends < timedelta(seconds=2 * TICK_S)
    until(lambda: headend.telemetry(A)["current_mw"] == 0.0)
    all_arrived(database_url, gateway)
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
    until(lambda: headend.ask("GET", "/health").json["status"] == "ok", within_s=30.0, what="health is well again")
    assert headend.get("/health")["buffered_bytes"] == 0
    all_arrived(database_url, gateway)
    no_energy_from_nothing(database_url)
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
