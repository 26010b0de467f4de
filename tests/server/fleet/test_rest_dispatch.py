from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from server_database import ASSET, INVENTORY, OTHER
from server_rest import with_rest

from afterbay.fleet.commands import CommandRequest, interval_key
from afterbay.fleet.headend import Headend
from afterbay.fleet.messages import Acknowledgement, AssetDescriptor, Hello, Register
from afterbay.fleet.wire import agent_message
from afterbay.server.fleet.simulation import LocalGateway

DOCUMENTED = {"id", "asset_id", "mw", "duration_s", "status", "reason", "submitted_at"}
OURS = {"requested_mw", "clamped", "state", "target", "allocations", "shortfall_mw", "predicted_end"}


async def _state(client: httpx2.AsyncClient, where: str, wanted: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with asyncio.timeout(10):
        while found.get("state") != wanted:
            await asyncio.sleep(0.01)
            found = (await client.get(where)).json()
    return found


def test_a_command_is_accepted_followed_and_obeyed(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        answer = await client.post("/dispatch", json={"asset_id": ASSET.id, "mw": 10.0, "note": "evening"})

        assert answer.status_code == 202
        body = answer.json()
        assert body.keys() >= DOCUMENTED | OURS
        assert (body["status"], body["mw"], body["clamped"], body["target"]) == ("accepted", 10.0, False, "asset")
        assert answer.headers["location"] == f"/dispatch/{body['id']}"
        found = await _state(client, answer.headers["location"], "active")
        assert [change["state"] for change in found["history"]][:2] == ["submitted", "sent"]
        assert (found["actor"], found["note"], found["ack_status"]) == ("operator", "evening", "applied")
        listed = (await client.get("/dispatch/history")).json()
        assert [one["id"] for one in listed] == [body["id"]]
        assert (listed[0]["asset_name"], listed[0]["site_name"]) == (ASSET.name, "North Quay")
        assert (await client.get("/dispatch/history", params={"asset_id": OTHER.id})).json() == []
        assert gateway is not None
        await gateway.tick()
        assert (await client.get(f"/telemetry/{ASSET.id}")).json()["setpoint_mw"] == 10.0
        assert (await client.get(f"/telemetry/{OTHER.id}")).json()["setpoint_mw"] == 0.0

    with_rest(work, tmp_path)


def test_what_is_beyond_a_limit_is_clamped_or_refused_when_strict(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        body = {"asset_id": ASSET.id, "mw": 100.0}
        answer = (await client.post("/dispatch", json=body)).json()
        assert (answer["requested_mw"], answer["mw"], answer["clamped"]) == (100.0, 60.0, True)
        assert answer["reason"]
        assert (await client.post("/dispatch", json={**body, "strict": True})).status_code == 422
        long = {"asset_id": ASSET.id, "mw": 60.0, "duration_s": 86400}
        assert (await client.post("/dispatch", json=long)).json()["predicted_end"] is not None
        assert (await client.post("/dispatch", json={**long, "strict": True})).status_code == 422

    with_rest(work, tmp_path)


def test_the_asset_wins_over_the_site_and_an_unknown_one_moves_nothing(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        both = {"asset_id": ASSET.id, "site_id": ASSET.site_id, "mw": 5.0}
        answer = (await client.post("/dispatch", json=both)).json()
        assert (answer["target"], answer["asset_id"]) == ("asset", ASSET.id)
        assert [part["asset_id"] for part in answer["parts"]] == [ASSET.id]
        before = len(headend.commands())

        assert (await client.post("/dispatch", json={**both, "asset_id": "nobody"})).status_code == 404
        assert len(headend.commands()) == before

    with_rest(work, tmp_path)


def test_a_site_is_split_by_capacity_and_so_is_a_group(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        answer = (await client.post("/dispatch", json={"site_id": ASSET.site_id, "mw": 12.0})).json()
        shares = {part["asset_id"]: part["mw"] for part in answer["allocations"]}
        assert shares == pytest.approx({ASSET.id: 7.2, OTHER.id: 4.8})
        group = INVENTORY.groups[0]
        answer = (await client.post("/dispatch/preview", json={"group_id": group.id, "mw": 50.0})).json()
        assert sum(part["mw"] for part in answer["allocations"]) == pytest.approx(50.0)
        assert len(answer["allocations"]) == len(group.asset_ids)

    with_rest(work, tmp_path)


def test_the_same_key_is_accepted_once(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        headers = {"Idempotency-Key": "evening-peak"}
        body = {"asset_id": ASSET.id, "mw": 5.0}
        first = await client.post("/dispatch", json=body, headers=headers)
        again = await client.post("/dispatch", json=body, headers=headers)
        other = await client.post("/dispatch", json={**body, "mw": 6.0}, headers=headers)

        assert again.json()["id"] == first.json()["id"]
        assert (again.json()["duplicate"], again.headers["idempotent-replayed"]) == (True, "true")
        assert other.status_code == 422
        assert "evening-peak" in other.json()["detail"]
        assert len(headend.commands()) == 1
        assert (await client.post("/dispatch", json=body, headers={"Idempotency-Key": "x" * 201})).status_code == 422

    with_rest(work, tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        '{"asset_id": "%s", "mw": NaN}',
        '{"asset_id": "%s", "mw": Infinity}',
        '{"asset_id": "%s", "mw": 1e400}',
        '{"asset_id": "%s", "mw": true}',
        '{"asset_id": "%s", "mw": "5"}',
        '{"asset_id": "%s", "mw": null}',
        '{"asset_id": "%s"}',
        '{"mw": 5}',
        '{"asset_id": "%s", "mw": 5, "duration_s": -1}',
        '{"asset_id": "%s", "mw": 5, "duration_s": 0}',
        '{"asset_id": "%s", "mw": 5, "duration_s": true}',
        '{"asset_id": "%s", "mw": 5, "deliver_within_s": -5}',
        '{"asset_id": "%s", "mw": 5, "mode": "charge"}',
        '{"asset_id": "%s", "mw": -5, "mode": "discharge"}',
        '{"asset_id": "%s", "mw": 5, "note": "a\\u0000b"}',
        '{"asset_id": "%s", "mw": 5, "note": "\\ud800"}',
        '{"asset_id": "%s", "mw": 5, "strict": "yes"}',
        '{"asset_id": 7, "mw": 5}',
        "[]",
        "5",
    ],
)
def test_what_cannot_be_meant_is_refused_and_moves_nothing(content: str, tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        raw = content.replace("%s", ASSET.id)
        for path in ("/dispatch", "/dispatch/preview"):
            answer = await client.post(path, content=raw, headers={"Content-Type": "application/json"})
            assert answer.status_code == 422, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
        assert headend.commands() == ()

    with_rest(work, tmp_path)


def test_a_body_that_is_no_json_is_another_error_and_a_page_elsewhere_cannot_send_one(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        broken = await client.post("/dispatch", content='{"mw":', headers={"Content-Type": "application/json"})
        assert broken.status_code == 400
        # What a form of another site can send without asking first.
        simple = f'{{"asset_id": "{ASSET.id}", "mw": 5}}'
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            answer = await client.post("/dispatch", content=simple, headers={"Content-Type": kind})
            assert answer.status_code == 415
        large = await client.post("/dispatch", content=b" " * 2_000_000)
        assert large.status_code == 413
        assert headend.commands() == ()

    with_rest(work, tmp_path)


def test_unknown_keys_and_a_mode_that_agrees_are_ignored(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        body = {"asset_id": ASSET.id, "mode": "discharge", "mw": 10.0, "colour": "blue"}
        assert (await client.post("/dispatch", json=body)).status_code == 202

    with_rest(work, tmp_path)


def test_an_asset_that_is_offline_is_a_conflict_unless_it_may_wait(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        body = {"asset_id": ASSET.id, "mw": 5.0}
        assert (await client.post("/dispatch", json=body)).status_code == 409
        queued = await client.post("/dispatch", json={**body, "deliver_within_s": 60})
        assert (queued.status_code, queued.json()["state"]) == (202, "queued")
        assert queued.json()["deliver_by"] is not None

    with_rest(work, tmp_path, simulate=False)


def test_a_command_can_be_cancelled_once(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        for method, path, body in (("DELETE", "", None), ("POST", "/cancel", {"reason": "changed my mind"})):
            sent = await client.post("/dispatch", json={"asset_id": ASSET.id, "mw": 5.0})
            where = sent.headers["location"]
            await _state(client, where, "active")

            ended = await client.request(method, where + path, json=body)

            assert ended.status_code == 202
            found = await _state(client, where, "cancelled")
            assert body is None or any(body["reason"] in change["reason"] for change in found["history"])
            assert (await client.delete(where)).status_code == 409
        assert (await client.delete("/dispatch/nothing")).status_code == 404
        assert (await client.get("/dispatch/nothing")).status_code == 404

    with_rest(work, tmp_path)


def test_a_begin_at_the_end_of_time_or_that_leaves_nothing_is_refused(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        for begin in ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2001-01-01T00:00:00Z"):
            body = {"asset_id": ASSET.id, "mw": 5.0, "duration_s": 60, "not_before": begin}
            answer = await client.post("/dispatch", json=body)
            assert answer.status_code == 422, answer.text
            assert "not_before" in answer.json()["detail"]
        assert headend.commands() == ()

    with_rest(work, tmp_path)


def test_a_preview_foresees_and_sends_nothing(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        body = {"asset_id": ASSET.id, "mw": 30.0, "duration_s": 7200}
        found = (await client.post("/dispatch/preview", json=body)).json()

        assert found["ramp_s"] == pytest.approx(180.0)
        assert "empty in 1 h 5" in found["sentence"]
        asset = found["assets"][0]
        assert asset["limited"]
        assert asset["path"][-1]["soc_mwhr"] == pytest.approx(0.0, abs=1e-9)
        assert asset["shortfall_mwh"] > 0
        assert headend.commands() == ()

    with_rest(work, tmp_path)


def test_a_command_says_itself_why_it_was_refused_or_did_not_arrive(tmp_path: Path) -> None:
    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        stream = headend.open_stream("10.0.0.1:1")
        claim = Register("gw", (AssetDescriptor(ASSET.id, ASSET.site_id),), Hello("gw"))
        headend.hear(stream, agent_message(claim))
        sent = (await client.post("/dispatch", json={"asset_id": ASSET.id, "mw": 5.0})).json()
        assert (sent["state"], sent["reason"]) == ("sent", "")

        ack = Acknowledgement(sent["id"], ASSET.id, "failed", headend.now(), "the breaker is open")
        headend.hear(stream, agent_message(ack))

        found = (await client.get(f"/dispatch/{sent['id']}")).json()
        assert (found["state"], found["reason"]) == ("failed", "the breaker is open")
        (listed,) = (await client.get("/dispatch/history")).json()
        assert listed["reason"] == "the breaker is open"
        waiting = await client.post("/dispatch", json={"asset_id": OTHER.id, "mw": 5.0, "deliver_within_s": 60})
        assert (waiting.json()["state"], waiting.json()["reason"]) == ("queued", "offline")

    with_rest(work, tmp_path, simulate=False)


def test_a_schedule_is_accepted_once_and_a_repetition_completes_what_was_cut_short(tmp_path: Path) -> None:
    now = datetime.now(UTC)

    def body(*powers: float, starts_s: float = -1.0) -> dict[str, object]:
        begin = now + timedelta(seconds=starts_s)
        ends = [begin + timedelta(minutes=15 * place) for place in range(len(powers) + 1)]
        rows = [
            {"start": start.isoformat(), "end": end.isoformat(), "mw": mw}
            for start, end, mw in zip(ends, ends[1:], powers, strict=False)
        ]
        return {"asset_id": ASSET.id, "intervals": rows}

    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        async def post(content: dict[str, object], key: str | None = "tomorrow") -> httpx2.Response:
            headers = {} if key is None else {"Idempotency-Key": key}
            return await client.post("/dispatch/schedule", json=content, headers=headers)

        first = (await post(body(5.0, -5.0))).json()
        again = await post(body(5.0, -5.0))

        assert first["schedule_id"] == "tomorrow"
        assert {one["schedule_id"] for one in first["commands"]} == {"tomorrow"}
        # The first interval runs already, and would begin a little later each time.
        assert [one["id"] for one in again.json()["commands"]] == [one["id"] for one in first["commands"]]
        assert again.headers["idempotent-replayed"] == "true"
        for other in (body(5.0, -6.0), body(5.0), body(5.0, -5.0, 3.0), body(5.0, -5.0, starts_s=60.0)):
            assert (await post(other)).status_code == 422
        assert (await post({**body(5.0, -5.0), "asset_id": OTHER.id})).status_code == 422
        assert len(headend.commands()) == 2

        # A gateway that did not read ended the first time in the middle.
        headend.submit(CommandRequest(mw=1.0, asset_id=ASSET.id, duration_s=900.0), actor="x",
                       key=interval_key("half", 0, 2), not_before=now)  # fmt: skip
        half = (await post(body(1.0, 2.0, starts_s=0.0), key="half")).json()["commands"]
        assert [(one["mw"], one["duplicate"]) for one in half] == [(1.0, True), (2.0, False)]
        unnamed = (await post(body(7.0), key=None)).json()
        assert len(unnamed["schedule_id"]) == 36
        assert unnamed["commands"][0]["schedule_id"] == unnamed["schedule_id"]
        alone = (await client.post("/dispatch", json={"asset_id": OTHER.id, "mw": 1.0})).json()
        assert alone["schedule_id"] is None

    with_rest(work, tmp_path)


def test_a_schedule_is_accepted_whole_or_not_at_all(tmp_path: Path) -> None:
    now = datetime.now(UTC)

    def interval(start: int, end: int, mw: float) -> dict[str, object]:
        begin, finish = (now + timedelta(minutes=minutes) for minutes in (start, end))
        return {"start": begin.isoformat(), "end": finish.isoformat(), "mw": mw}

    async def work(client: httpx2.AsyncClient, headend: Headend, gateway: LocalGateway | None) -> None:
        body = {"asset_id": ASSET.id, "intervals": [interval(5, 10, 5.0), interval(10, 20, -5.0)]}
        overlap = {**body, "intervals": [interval(5, 15, 5.0), interval(10, 20, -5.0)]}
        assert (await client.post("/dispatch/schedule", json=overlap)).status_code == 422
        endless = {"start": "9999-12-31T23:00:00-14:00", "end": "9999-12-31T23:59:59-14:00", "mw": 5.0}
        ancient = {"start": "0001-01-01T00:00:00+14:00", "end": interval(0, 5, 0.0)["end"], "mw": 5.0}
        far = [interval(1440 * 370, 1440 * 370 + 10, 5.0)]
        for last in ([endless], [ancient], far):
            refused = {**body, "intervals": [*body["intervals"], *last], "allow_gaps": True}
            answer = await client.post("/dispatch/schedule", json=refused)
            assert answer.status_code == 422, answer.text
        assert headend.commands() == ()

        answer = await client.post("/dispatch/schedule", json=body)

        assert answer.status_code == 202, answer.text
        commands = answer.json()["commands"]
        assert [command["mw"] for command in commands] == [5.0, -5.0]
        assert all(command["not_before"] and command["valid_until"] for command in commands)

    with_rest(work, tmp_path)
