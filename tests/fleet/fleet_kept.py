"""What a database kept of a fleet, held against what its agents did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from fleet_processes import A, Agent

from afterbay.fleet.agent import Spool, SpoolLimits

__all__ = ["all_arrived", "ask", "no_energy_from_nothing", "samples_under"]


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def all_arrived(url: str, agent: Agent) -> None:
    """End an agent kindly and hold the numbers that it gave against those that the database has."""
    agent.stop_when_delivered()
    spool = Spool(agent.folder / "data", SpoolLimits(), datetime.now(UTC))
    last = dict(spool.numbering)
    spool.close()
    kept = ask(url, "SELECT asset_id::text, count(*), count(DISTINCT seq), max(seq) - min(seq) + 1, max(seq) "
                    "FROM telemetry GROUP BY 1")  # fmt: skip

    assert len(kept) == 3
    assert all(rows == different == span > 0 for _, rows, different, span, _ in kept), kept
    assert {asset_id: newest for asset_id, *_, newest in kept} == last


def no_energy_from_nothing(url: str, efficiency: float = 0.92) -> None:
    """Between any two samples of A the stored energy changed by what passed its terminals, through the efficiency."""
    rows = ask(url, "SELECT soc_mwhr, energy_in_mwh, energy_out_mwh FROM telemetry "
                    f"WHERE asset_id = '{A}' ORDER BY seq")  # fmt: skip
    first_soc, first_in, first_out = rows[0]

    for soc, energy_in, energy_out in rows:
        foreseen = first_soc + (energy_in - first_in) * efficiency - (energy_out - first_out) / efficiency
        assert soc == pytest.approx(foreseen, abs=1e-9)


def samples_under(url: str, command_id: str) -> tuple[int, datetime]:
    """Return how many samples of A a command was in force for, and the time of the last of them."""
    query = f"SELECT count(*), max(ts) FROM telemetry WHERE asset_id = '{A}' AND lease_id = '{command_id}'"
    ((number, last),) = ask(url, query)
    return number, last
