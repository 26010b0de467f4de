from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from server_database import ASSET, INVENTORY, OTHER
from server_rest import with_rest

from afterbay.fleet.headend import Headend
from afterbay.fleet.messages import AssetDescriptor, Heartbeat, Hello, Register
from afterbay.fleet.wire import agent_message
from afterbay.server.fleet.simulation import LocalGateway

FLAT = {
    "asset_id", "site_id", "site_name", "timestamp", "soc_mwhr", "soc_pct", "capacity_mwhr", "current_mw",
    "setpoint_mw", "max_mw", "min_mw", "status",
}  # fmt: skip
CORE = {"mw", "mw_setpoint", "online", "status", "fault_code", "details"}
LISTED = {
    "id", "site_id", "site_name", "name", "location", "capacity_mwhr", "max_mw", "min_mw", "efficiency",
    "ramp_rate_mw_per_min", "min_soc_pct", "max_soc_pct", "soc_mwhr", "soc_pct", "current_mw", "status",
}  # fmt: skip


def _is_problem(answer: httpx2.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["detail"]
    return body


def test_assets_have_the_documents_names_and_their_newest_values(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        found = (await client.get("/assets")).json()

        assert [one["name"] for one in found] == [asset.name for asset in INVENTORY.assets]
        assert found[0].keys() >= LISTED
        assert (found[0]["soc_pct"], found[0]["online"]) == (50.0, True)
        one = (await client.get(f"/assets/{ASSET.id.upper()}")).json()
        assert one["capacity_mwhr"] == ASSET.capacity_mwh
        _is_problem(await client.get("/assets/nobody"), 404)

    with_rest(work, tmp_path)


def test_telemetry_has_the_flat_names_and_the_common_core(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        found = (await client.get(f"/telemetry/{ASSET.id}")).json()

        assert found.keys() >= FLAT | CORE
        assert found["timestamp"].endswith("Z")
        assert found["mw"] == found["current_mw"]
        assert found["soc_mwhr"] == 60.0

    with_rest(work, tmp_path)


def test_nothing_is_made_up_for_an_asset_that_never_reported(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        _is_problem(await client.get(f"/telemetry/{ASSET.id}"), 404)
        _is_problem(await client.get(f"/heartbeat/{ASSET.id}"), 404)
        row = (await client.get(f"/assets/{ASSET.id}")).json()
        assert (row["soc_mwhr"], row["current_mw"], row["online"]) == (None, None, False)
        agents = (await client.get("/agents")).json()
        assert len(agents) == len(INVENTORY.assets)
        assert not any(agent["connected"] or agent["sessions"] for agent in agents)

    with_rest(work, tmp_path, simulate=False)


def test_tick_and_clock_of_an_agent_are_shown(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        before = (await client.get(f"/assets/{ASSET.id}")).json()
        stream = headend.open_stream("10.0.0.1:1")
        assets = (AssetDescriptor(ASSET.id, ASSET.site_id), AssetDescriptor(OTHER.id, OTHER.site_id, tick_s=60.0))
        headend.hear(stream, agent_message(Register("gw", assets, Hello("gw", tick_s=0.5))))
        headend.hear(stream, agent_message(Heartbeat("", headend.now(), 75.0)))

        agents = {row["asset_id"]: row for row in (await client.get("/agents")).json()}
        listed = {row["id"]: row for row in (await client.get("/assets")).json()}

        assert before["tick_s"] is None
        assert [agents[one]["tick_s"] for one in (ASSET.id, OTHER.id)] == [0.5, 60.0]
        assert [listed[one]["tick_s"] for one in (ASSET.id, OTHER.id)] == [0.5, 60.0]
        assert agents[ASSET.id]["clock_skew_s"] == 75.0
        assert (await client.get(f"/assets/{OTHER.id}")).json()["tick_s"] == 60.0

    with_rest(work, tmp_path, simulate=False)


def test_without_a_database_everything_works_but_history(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        plain = ("/assets", "/sites", "/groups", "/agents", "/events", "/dispatch/history")
        for path in (*plain, f"/heartbeat/{ASSET.id}", f"/events/{ASSET.id}/history"):
            assert (await client.get(path)).status_code == 200, path
        for path in (f"/telemetry/{ASSET.id}/history", f"/heartbeat/{ASSET.id}/history"):
            assert "DATABASE_URL" in _is_problem(await client.get(path), 503)["detail"]
        health = await client.get("/health")
        assert (health.status_code, health.json()["status"], health.json()["db"]) == (200, "ok", "disabled")

    with_rest(work, tmp_path)


def test_a_site_is_the_sum_of_its_assets(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        site = (await client.get("/sites")).json()[0]

        aggregate = site["aggregate"]
        assert site["assets"] == sorted([ASSET.id, OTHER.id])
        assert (aggregate["asset_count"], aggregate["capacity_mwhr"], aggregate["max_mw"]) == (2, 200.0, 100.0)
        assert aggregate["efficiency"] == pytest.approx((120 * 0.92 + 80 * 0.90) / 200)
        assert (aggregate["soc_mwhr"], aggregate["soc_pct"]) == (100.0, 50.0)
        assert (await client.get(f"/sites/{site['site_id']}")).json()["site_name"] == site["site_name"]
        _is_problem(await client.get("/sites/x"), 404)

    with_rest(work, tmp_path)


def test_an_asset_that_is_added_is_in_the_yaml_and_is_operated_at_once(tmp_path: Path) -> None:
    new = {"site_id": ASSET.site_id, "name": "NQ-3", "capacity_mwhr": 10, "max_mw": 5, "min_mw": -5,
           "efficiency": 0.9, "ramp_rate_mw_per_min": 600}  # fmt: skip

    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        made = await client.post("/assets", json=new)
        assert made.status_code == 201
        where = made.headers["location"]
        identity = made.json()["id"]
        assert where == f"/assets/{identity}"
        assert (await client.get(f"/telemetry/{identity}")).json()["soc_mwhr"] == 5.0
        # The others went on as they were.
        assert (await client.get(f"/telemetry/{ASSET.id}")).json()["soc_mwhr"] == 60.0
        assert identity in [asset["id"] for asset in yaml.safe_load((tmp_path / "assets.yaml").read_text())["assets"]]

        changed = await client.put(where, json={**new, "max_mw": 4})
        assert changed.json()["max_mw"] == 4.0
        assert (await client.delete(where)).status_code == 204
        _is_problem(await client.get(where), 404)
        assert identity not in (tmp_path / "assets.yaml").read_text()

    with_rest(work, tmp_path)


def test_an_asset_under_a_command_is_removed_only_after_the_command_was_ended(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        endless = await client.post("/dispatch", json={"asset_id": OTHER.id, "mw": 1.0})
        command = endless.json()["id"]

        problem = _is_problem(await client.delete(f"/assets/{OTHER.id}"), 409)

        assert f"DELETE /dispatch/{command}" in json.dumps(problem)
        assert headend.inventory.asset(OTHER.id) is not None
        assert (await client.delete(f"/dispatch/{command}")).status_code == 202
        assert (await client.delete(f"/assets/{OTHER.id}")).status_code == 204
        assert headend.inventory.asset(OTHER.id) is None

    with_rest(work, tmp_path)


def test_a_change_that_cannot_be_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        body = {"site_id": ASSET.site_id, "name": "X", "capacity_mwhr": -1, "max_mw": 1, "min_mw": 2, "efficiency": 92}
        problem = _is_problem(await client.post("/assets", json=body), 422)
        assert len(problem["errors"]) >= 3
        _is_problem(await client.post("/assets", json={**body, "id": ASSET.id}), 422)
        _is_problem(await client.put(f"/assets/{ASSET.id}", json={"id": OTHER.id}), 422)
        _is_problem(await client.delete(f"/sites/{ASSET.site_id}"), 409)
        _is_problem(await client.delete("/assets/nobody"), 404)
        assert not (tmp_path / "assets.yaml").exists()
        assert headend.inventory is INVENTORY

    with_rest(work, tmp_path)


def test_sites_and_groups_come_and_go(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        site = await client.post("/sites", json={"name": "Harbour", "time_zone": "Europe/London"})
        assert site.status_code == 201
        put = await client.put(site.headers["location"], json={"name": "Harbour 2", "export_limit_mw": 5})
        assert (put.json()["site_name"], put.json()["export_limit_mw"]) == ("Harbour 2", 5.0)
        assert (await client.delete(site.headers["location"])).status_code == 204

        group = await client.post("/groups", json={"name": "Both", "asset_ids": [ASSET.id, OTHER.id]})
        assert (await client.get(group.headers["location"])).json()["asset_ids"] == [ASSET.id, OTHER.id]
        put = await client.put(group.headers["location"], json={"name": "One", "asset_ids": [ASSET.id]})
        assert put.json()["name"] == "One"
        assert (await client.delete(group.headers["location"])).status_code == 204

    with_rest(work, tmp_path)


def test_a_sample_can_be_pushed_for_an_asset_that_no_agent_serves(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        told = {"asset_id": ASSET.id, "current_mw": 12.5, "soc_mwhr": 30, "details": {"fan": True}}
        assert (await client.post("/telemetry", json=told)).status_code == 202
        found = (await client.get(f"/telemetry/{ASSET.id}")).json()
        assert (found["current_mw"], found["status"], found["max_mw"]) == (12.5, "discharging", 60.0)
        assert (found["site_id"], found["details"], found["origin"]) == (ASSET.site_id, {"fan": True}, "unknown")
        for wrong in ({"current_mw": "5"}, {"current_mw": True}, {"current_mw": 1, "status": "a\x00b"},
                      {"current_mw": 1, "timestamp": "2026-01-01T00:00:00"}, {"current_mw": 1, "soc_pct": 101},
                      {"current_mw": 1, "details": {"x\x00": 1}},
                      {"current_mw": 1, "timestamp": "0001-01-01T00:00:00+14:00"},
                      {"current_mw": 1, "timestamp": "9999-12-31T23:59:59-14:00"}):  # fmt: skip
            _is_problem(await client.post("/telemetry", json={"asset_id": ASSET.id, **wrong}), 422)
        _is_problem(await client.post("/telemetry", json={"asset_id": "nobody", "mw": 1}), 404)

    with_rest(work, tmp_path, simulate=False)


def test_a_sample_for_an_asset_that_an_agent_serves_is_a_conflict(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        _is_problem(await client.post("/telemetry", json={"asset_id": ASSET.id, "mw": 1}), 409)

    with_rest(work, tmp_path)


def test_an_event_is_kept_and_shown(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        body = {"asset_id": ASSET.id, "event_type": "INSPECTION", "message": "fans"}
        made = await client.post("/events", json=body)
        assert (made.status_code, made.json()["severity"]) == (201, "warning")
        assert (await client.get(f"/events/{ASSET.id}/history")).json()[0]["id"] == made.json()["id"]
        assert (await client.get(f"/events/{OTHER.id}/history")).json() == []
        _is_problem(await client.post("/events", json={**body, "severity": "funny"}), 422)
        _is_problem(await client.post("/events", json={**body, "asset_id": "nobody"}), 404)

    with_rest(work, tmp_path)


def test_the_page_fetches_nothing_from_elsewhere(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        page = await client.get("/")

        assert page.headers["content-type"].startswith("text/html")
        assert "connect-src 'self'" in page.headers["content-security-policy"]
        for elsewhere in ("http://", "https://", "//cdn", "@import", "<script src", '<link rel="stylesheet'):
            assert elsewhere not in page.text

    with_rest(work, tmp_path)


def test_openapi_has_units_examples_and_problems(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        api = (await client.get("/openapi.json")).json()

        power = api["components"]["schemas"]["TelemetryOut"]["properties"]["current_mw"]
        assert power["unit"] == "MW"
        dispatch = api["paths"]["/dispatch"]["post"]
        assert set(dispatch["requestBody"]["content"]["application/json"]["examples"]) == {"asset", "site", "queued"}
        for path, methods in api["paths"].items():
            for method, one in methods.items():
                for status in ("401", "422", "500"):
                    assert "application/problem+json" in one["responses"][status]["content"], (path, method, status)
        assert "HTTPValidationError" not in api["components"]["schemas"]

    with_rest(work, tmp_path)
