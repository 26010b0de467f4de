from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from server_database import ASSET, INVENTORY, START, ask, batch, sample
from server_rest import with_rest

from afterbay.fleet.headend import Headend
from afterbay.server.db import make_engine, read_url
from afterbay.server.fleet.recorder import open_recorder
from afterbay.server.fleet.simulation import LocalGateway

HISTORY = f"/telemetry/{ASSET.id}/history"


def _samples_of_each(headend: Headend) -> int:
    return headend.health().samples_received // len(INVENTORY.assets)


def _fill(url: str, folder: Path, count: int) -> None:
    async def run() -> None:
        engine = make_engine(read_url(url))
        async with open_recorder(engine, folder / "filling") as recorder:
            await recorder.prepare(INVENTORY)
            await recorder.write(batch(*(sample(seq, mw=float(seq % 10)) for seq in range(1, count + 1))))
        engine.dispose()

    asyncio.run(run())


def test_history_is_the_last_hundred_newest_first_or_what_is_asked_for(database_url: str, tmp_path: Path) -> None:
    _fill(database_url, tmp_path, 250)

    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        rows = (await client.get(HISTORY)).json()
        assert [row["seq"] for row in rows] == list(range(250, 150, -1))
        assert rows[0]["site_name"] == "North Quay"
        since, until = (START + timedelta(seconds=seconds) for seconds in (40, 80))
        for names in (("from", "to"), ("start", "end")):
            span = dict(zip(names, (since.isoformat(), until.isoformat()), strict=True))
            rows = (await client.get(HISTORY, params=span)).json()
            assert [row["seq"] for row in rows] == list(range(19, 9, -1))
        assert len((await client.get(HISTORY, params={"limit": 3})).json()) == 3
        rows = (await client.get(HISTORY, params={"step_s": 40, "limit": 2, "to": until.isoformat()})).json()
        assert [row["timestamp"] for row in rows] == ["2026-11-21T08:00:40Z", "2026-11-21T08:00:00Z"]
        assert rows[0]["current_mw"] == pytest.approx(4.5)
        assert rows[0]["seq"] == 19
        for wrong in ({"from": "yesterday"}, {"from": "2026-01-01T00:00:00"}, {"limit": 0}, {"step_s": 0},
                      {"from": until.isoformat(), "to": since.isoformat()},
                      {"from": since.isoformat(), "start": until.isoformat()}):  # fmt: skip
            assert (await client.get(HISTORY, params=wrong)).status_code == 422, wrong

    with_rest(work, tmp_path, url=database_url, simulate=False)


def test_what_happens_is_in_the_database_and_is_listed(database_url: str, tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        assert gateway is not None
        sent = await client.post("/dispatch", json={"asset_id": ASSET.id, "mw": 10.0})
        await asyncio.sleep(0.05)
        await gateway.tick()
        await client.post("/events", json={"asset_id": ASSET.id, "event_type": "INSPECTION"})
        async with asyncio.timeout(10):
            while ask(database_url, "SELECT count(*) FROM events") == [(0,)]:
                await asyncio.sleep(0.05)

        assert len((await client.get(HISTORY)).json()) == _samples_of_each(headend)
        assert len((await client.get(f"/heartbeat/{ASSET.id}/history")).json()) == 1
        assert (await client.get("/health")).json()["db"] == "ok"
        identity = sent.json()["id"]
        states = ask(database_url, f"SELECT state FROM dispatch_changes WHERE dispatch_id = '{identity}' ORDER BY id")
        assert states[0] == ("submitted",)
        assert ("active",) in states
        assert ask(database_url, f"SELECT mw, is_final FROM dispatches WHERE id = '{identity}'") == [(10.0, False)]

    with_rest(work, tmp_path, url=database_url)


def test_a_restart_restores_energy_setpoint_and_commands(database_url: str, tmp_path: Path) -> None:
    seen: dict[str, object] = {}

    async def before(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        assert gateway is not None
        sent = await client.post("/dispatch", json={"asset_id": ASSET.id, "mw": 30.0, "duration_s": 3600})
        await asyncio.sleep(1.1)
        await gateway.tick()
        seen["id"] = sent.json()["id"]
        seen["before"] = (await client.get(f"/telemetry/{ASSET.id}")).json()

    async def after(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        assert gateway is not None
        await asyncio.sleep(0.05)
        await gateway.tick()
        command = (await client.get(f"/dispatch/{seen['id']}")).json()
        assert command["state"] in ("active", "received"), command
        now = (await client.get(f"/telemetry/{ASSET.id}")).json()
        old = seen["before"]
        assert isinstance(old, dict)
        assert now["setpoint_mw"] == 30.0
        assert now["soc_mwhr"] == pytest.approx(old["soc_mwhr"], abs=0.05)
        assert old["soc_mwhr"] < 60.0
        assert now["seq"] > old["seq"]
        listed = (await client.get("/dispatch/history")).json()
        assert [one["id"] for one in listed] == [seen["id"]]

    with_rest(before, tmp_path, url=database_url)
    with_rest(after, tmp_path, url=database_url)


def test_a_command_that_ended_while_the_headend_was_down_is_not_sent_again(database_url: str, tmp_path: Path) -> None:
    seen: dict[str, str] = {}

    async def before(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        sent = await client.post("/dispatch", json={"asset_id": ASSET.id, "mw": 30.0, "duration_s": 0.3})
        seen["id"] = sent.json()["id"]
        await asyncio.sleep(0.1)

    async def after(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        assert gateway is not None
        await gateway.tick()
        headend.tick()
        command = (await client.get(f"/dispatch/{seen['id']}")).json()
        assert command["state"] not in ("submitted", "queued", "sent", "received"), command
        assert (await client.get(f"/telemetry/{ASSET.id}")).json()["lease_id"] is None

    with_rest(before, tmp_path, url=database_url)
    import time

    time.sleep(0.4)
    with_rest(after, tmp_path, url=database_url)


def test_when_the_database_is_away_health_says_so_and_the_rest_goes_on(database_url: str, tmp_path: Path) -> None:
    import psycopg

    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        assert gateway is not None
        name = database_url.split("@/")[1].split("?")[0]
        admin = database_url.replace(f"@/{name}", "@/postgres")
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
            connection.execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'".encode()
            )
            try:
                await gateway.tick()
                await asyncio.sleep(0.3)
                health = await client.get("/health")
                assert (health.status_code, health.json()["status"]) == (503, "degraded")
                assert health.json()["buffered_bytes"] > 0
                assert (await client.get(HISTORY)).status_code == 503
                assert (await client.get(f"/telemetry/{ASSET.id}")).status_code == 200
                assert (await client.post("/dispatch", json={"asset_id": ASSET.id, "mw": 1.0})).status_code == 202
                listed = await client.get("/dispatch/history")
                assert (len(listed.json()), "database" in listed.headers["warning"]) == (1, True)
            finally:
                connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
        async with asyncio.timeout(20):
            while (await client.get("/health")).json()["status"] != "ok":
                await asyncio.sleep(0.1)
        assert len((await client.get(HISTORY)).json()) == _samples_of_each(headend)

    with_rest(work, tmp_path, url=database_url)
