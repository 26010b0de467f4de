"""The client of a headend: what it reads, what it sends once, and how it bears a bad connection."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import afterbay.client
import fleet_stub
from afterbay.client import Client, Fleet, connect, order_body
from afterbay.client.connection import Connection, check_url
from afterbay.client.stream import events_of, updates
from afterbay.client.times import read_moment, read_span, shown_span
from afterbay.core.errors import (
    AfterbayError,
    ConflictError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    UnavailableError,
)
from fleet_stub import COMMAND, GROUP, NORTH_QUAY, NQ1, NQ2, Stub, running_stub


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running_stub() as found:
        yield found


@pytest.fixture
def client(stub: Stub) -> Iterator[Client]:
    with connect(stub.url) as found:
        yield found


@pytest.fixture
def fleet(client: Client) -> Fleet:
    return client.fleet


@pytest.fixture
def quiet(stub: Stub) -> Iterator[Connection]:
    """A connection that does not wait before it tries again."""
    with Connection(stub.url, sleep=lambda _: None) as found:
        yield found


@pytest.mark.parametrize("word", ["NQ-1", "nq-1", NQ1, NQ1[:6], NQ1.upper()])
def test_an_asset_is_found_by_id_name_or_the_beginning_of_either(fleet: Fleet, word: str) -> None:
    assert fleet[word].id == NQ1


def test_a_beginning_that_two_assets_share_is_refused_and_names_both(fleet: Fleet) -> None:
    with pytest.raises(InvalidInputError, match=r"NQ-1 .*NQ-2 "):
        fleet["NQ"]


def test_a_name_that_nobody_has_is_answered_with_the_nearest(fleet: Fleet) -> None:
    with pytest.raises(NotFoundError, match="did you mean NQ-1"):
        fleet["NQ1"]


def test_values_become_stale_and_leave_the_totals_with_their_age(stub: Stub, fleet: Fleet) -> None:
    said = {}
    for age in (1.0, 5.0, 11.0, 16.0, 25.0):
        stub.ages[NQ1] = age
        asset = next(one for one in fleet.assets() if one.id == NQ1)
        said[age] = (asset.freshness(datetime.now(UTC)), asset.counts(datetime.now(UTC)))

    assert said == {
        1.0: ("live", True), 5.0: ("live", True), 11.0: ("late", True), 16.0: ("late", True), 25.0: ("stale", False),
    }  # fmt: skip


def test_an_asset_whose_agent_is_gone_is_offline_since_its_session_ended(stub: Stub, fleet: Fleet) -> None:
    stub.offline.add(NQ1)

    asset = next(one for one in fleet.assets() if one.id == NQ1)

    assert asset.freshness(stub.now) == "offline"
    assert asset.offline_since == stub.now - timedelta(seconds=40)


def test_an_asset_that_never_sent_anything_has_no_values(stub: Stub, fleet: Fleet) -> None:
    stub.silent.add(NQ1)

    asset = fleet["NQ-1"]

    assert (asset.state.sample, asset.state.freshness(stub.now), asset.telemetry()) == (None, "never", None)


def test_an_unknown_asset_is_not_the_same_as_a_silent_one(fleet: Fleet) -> None:
    with pytest.raises(NotFoundError):
        fleet.telemetry("00000000-0000-4000-8000-000000000000")


def _key(headers: dict[str, str]) -> str:
    return next(value for name, value in headers.items() if name.lower() == "idempotency-key")


def test_a_command_lost_on_its_way_is_sent_again_with_the_same_key_and_moves_once(
    stub: Stub, quiet: Connection
) -> None:
    stub.drop = 2
    fleet = Fleet(quiet)

    command = fleet.submit({"asset_id": NQ1, "mw": 10.0}, "key-1")

    posts = [headers for method, path, _, headers in stub.asked if (method, path) == ("POST", "/dispatch")]
    assert len(posts) == 3
    assert {_key(headers) for headers in posts} == {"key-1"}
    assert command.id == COMMAND


def test_what_is_not_safe_to_repeat_is_not_repeated(stub: Stub, quiet: Connection) -> None:
    stub.drop = 1

    with pytest.raises(UnavailableError, match="may have been done or not"):
        quiet.ask("POST", "/assets", body={})

    assert len(stub.asked) == 1


def test_every_dispatch_has_a_key_of_its_own(stub: Stub, fleet: Fleet) -> None:
    asset = fleet["NQ-1"]
    asset.dispatch(10.0)
    stub.command = None
    asset.dispatch(10.0)

    keys = {_key(headers) for method, path, _, headers in stub.asked if (method, path) == ("POST", "/dispatch")}
    assert len(keys) == 2


def test_a_site_and_a_group_are_told_by_their_own_ids(stub: Stub, fleet: Fleet) -> None:
    fleet.site("north").dispatch(-12.0, for_="15min")
    fleet.group("all").preview(5.0)

    sent = [body for method, path, body, _ in stub.asked if path.startswith("/dispatch")]
    assert sent == [{"site_id": NORTH_QUAY, "mw": -12.0, "duration_s": 900.0}, {"group_id": GROUP, "mw": 5.0}]


def test_a_preview_tells_the_split_and_the_shortfall_and_sends_nothing(stub: Stub, fleet: Fleet) -> None:
    found = fleet.site("North Quay").preview(140.0)

    assert (found.mw, found.requested_mw, found.clamped, found.shortfall_mw) == (120.0, 140.0, True, 20.0)
    assert [(part.asset_id, part.raw_mw, part.mw) for part in found.split] == [(NQ1, 70.0, 60.0), (NQ2, 70.0, 60.0)]
    assert stub.command is None


def test_waiting_ends_when_the_power_is_reached(stub: Stub, fleet: Fleet) -> None:
    command = fleet["NQ-1"].dispatch(30.0)
    stub.states = [{"state": "active"}, {"state": "active", "reached_at": stub.now.isoformat()}]

    command.wait("reached", timeout=10)

    assert (command.outcome, command.reached_at) == ("reached", stub.now)


def test_waiting_ends_when_it_will_never_be_reached(stub: Stub, fleet: Fleet) -> None:
    command = fleet["NQ-1"].dispatch(30.0)
    stub.states = [{"state": "failed", "reason": "the device refused it"}]

    assert command.wait("reached", timeout=10).outcome == "failed"
    assert command.reason == "the device refused it"


def test_waiting_does_not_last_longer_than_was_said(stub: Stub, fleet: Fleet) -> None:
    command = fleet["NQ-1"].dispatch(30.0)

    with pytest.raises(UnavailableError, match="is sent after"):
        command.wait("reached", timeout=0.2)


def test_stopping_a_command_tells_why(stub: Stub, fleet: Fleet) -> None:
    command = fleet["NQ-1"].dispatch(30.0)

    command.stop("grid asked")

    assert (command.state, command.is_final) == ("cancelled", True)
    assert stub.asked[-1][:3] == ("POST", f"/dispatch/{COMMAND}/cancel", {"reason": "grid asked"})


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, InvalidInputError), (401, NotAllowedError), (403, NotAllowedError), (404, NotFoundError),
     (409, ConflictError), (413, InvalidInputError), (422, InvalidInputError), (429, UnavailableError),
     (500, AfterbayError), (503, UnavailableError)],
)  # fmt: skip
def test_a_refusal_is_an_error_of_ours_with_the_headends_reason(
    stub: Stub, fleet: Fleet, status: int, kind: type[AfterbayError]
) -> None:
    stub.answers["GET", "/assets"] = (status, {"title": "No", "detail": "because of the moon", "status": status})

    with pytest.raises(kind, match="because of the moon") as caught:
        fleet.assets()

    assert type(caught.value) is kind


def test_a_problem_comes_back_in_its_parts(stub: Stub, fleet: Fleet) -> None:
    error = {"pointer": "mw", "detail": "got 99, allowed: -60..60 MW", "hint": "less", "value": "99"}
    stub.answers["POST", "/dispatch"] = (422, {"detail": "no", "errors": [error]})

    with pytest.raises(InvalidInputError) as caught:
        fleet["NQ-1"].dispatch(50.0, strict=True)

    (problem,) = caught.value.problems
    assert problem.to_dict() == {"where": "mw", "got": "99", "allowed": "-60..60 MW", "next_move": "less"}


def test_nobody_listening_is_told_with_the_next_move() -> None:
    with pytest.raises(UnavailableError, match="afterbay headend"):
        connect("http://127.0.0.1:9").fleet.assets()


def test_another_server_is_not_taken_for_a_headend(stub: Stub, fleet: Fleet) -> None:
    stub.answers["GET", "/agents"] = (200, "<html>welcome</html>")

    with pytest.raises(UnavailableError, match="not answer as a headend"):
        fleet.assets()


@pytest.mark.parametrize(
    "url", ["127.0.0.1:3001", "ftp://host", "http://", "http://user:secret@host:3001", "http://[::1", "http://h:x"]
)
def test_an_address_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_url(url, token=False)

    assert "secret" not in str(caught.value)


def test_a_token_never_travels_in_the_clear_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERBAY_TOKEN", "a-long-secret-token")

    with pytest.raises(InvalidInputError, match="https://"):
        connect("http://headend.example:3001")
    assert connect("http://127.0.0.1:3001").connection.http.headers["Authorization"] == "Bearer a-long-secret-token"


def test_address_and_token_come_from_the_environment(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERBAY_URL", stub.url + "/")
    monkeypatch.setenv("AFTERBAY_TOKEN", "another-secret-token")

    with connect() as client:
        client.fleet.agents()

    headers = {name.lower(): value for name, value in stub.asked[-1][3].items()}
    assert headers["authorization"] == "Bearer another-secret-token"


@pytest.mark.parametrize(
    ("order", "wrong"),
    [({"mw": float("nan")}, "mw"), ({"mw": True}, "mw"), ({"mw": 1.0, "for_": "soon"}, "for"),
     ({"mw": 1.0, "for_": -5}, "for"), ({"mw": 1.0, "note": "x" * 501}, "note")],
)  # fmt: skip
def test_an_order_that_cannot_be_is_refused_before_it_travels(order: dict[str, Any], wrong: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        order_body(("asset", NQ1), **order)

    assert [problem.where for problem in caught.value.problems] == [wrong]


def test_a_plain_order_carries_nothing_that_the_original_would_not_know() -> None:
    assert order_body(("asset", NQ1), 10) == {"asset_id": NQ1, "mw": 10.0}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90.0), ("15 min", 900.0), ("15m", 900.0), ("1h30m", 5400.0), ("2d", 172_800.0), ("45", 45.0), (7, 7.0),
     (timedelta(minutes=2), 120.0)],
)  # fmt: skip
def test_time_spans_are_read_as_people_write_them(text: Any, seconds: float) -> None:
    assert read_span(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "0", "-1h", "1x", "1h junk", "nan", "inf", "400d", True, None])
def test_what_is_no_time_span_is_refused(text: Any) -> None:
    with pytest.raises(InvalidInputError):
        read_span(text)


def test_a_moment_is_a_time_in_utc_or_a_span_before_now() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    assert read_moment("6h", now) == datetime(2026, 11, 21, 6, tzinfo=UTC)
    assert read_moment("2026-11-20", now) == datetime(2026, 11, 20, tzinfo=UTC)
    assert read_moment("2026-11-20T01:00+01:00", now) == datetime(2026, 11, 20, tzinfo=UTC)
    with pytest.raises(InvalidInputError):
        read_moment("yesterday", now)


@pytest.mark.parametrize(("seconds", "text"), [(6600, "1 h 50 min"), (185, "3 min 5 s"), (0.2, "0 s"), (3600, "1 h")])
def test_time_spans_are_shown_in_their_two_largest_units(seconds: float, text: str) -> None:
    assert shown_span(seconds) == text


def test_history_is_read_page_by_page_oldest_first_and_each_sample_once(
    stub: Stub, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("afterbay.client.fleet._PAGE", 10)
    start = datetime(2026, 11, 20, tzinfo=UTC)
    stub.samples = [
        fleet_stub.sample(NQ1, start + timedelta(seconds=4 * place), float(place), seq=place + 1) for place in range(35)
    ]

    found = fleet.history(NQ1, start, start + timedelta(hours=1))

    assert [one.mw for one in found] == [float(place) for place in range(35)]
    assert [one.mw for one in fleet.history(NQ1, start, start + timedelta(hours=1), limit=3)] == [32.0, 33.0, 34.0]


def _event(document: dict[str, Any], kind: str = "telemetry") -> list[str]:
    return [f"event: {kind}", f"data: {json.dumps(document)}", ""]


def test_a_stream_that_breaks_off_is_taken_up_again_and_says_so(stub: Stub, quiet: Connection) -> None:
    first = _event(fleet_stub.sample(NQ1, stub.now, 1.0))
    second = _event(fleet_stub.sample(NQ1, stub.now, 2.0))
    stub.stream = [first, second]

    found = []
    for update in updates(quiet, "/stream", {}, seconds=30.0, sleep=lambda _: None):
        found.append((update.kind, update.document.get("mw")))
        if update.document.get("mw") == 2.0:
            break

    assert found == [("connected", None), ("telemetry", 1.0), ("lost", None), ("connected", None), ("telemetry", 2.0)]


def test_a_stream_ends_when_its_time_is_over(stub: Stub, fleet: Fleet) -> None:
    stub.stream = [_event(fleet_stub.sample(NQ1, stub.now, 1.0, soc_pct=49.0))]

    found = list(fleet.stream(seconds=0.15))

    assert [(one.asset_id, one.mw, one.soc_pct) for one in found] == [(NQ1, 1.0, 49.0)]


def test_a_stream_that_is_not_there_is_an_error_and_not_a_loop(stub: Stub, fleet: Fleet) -> None:
    stub.answers["GET", "/stream"] = (404, {"detail": "no stream here"})

    with pytest.raises(NotFoundError, match="no stream here"):
        list(fleet.changes(5.0))


def test_events_may_span_lines_and_be_no_json() -> None:
    lines = ["event: event", 'data: {"a":', "data: 1}", "id: 7", "", "data: junk", "", ": quiet", "data: [1]", ""]

    found = [update for update in events_of(lines) if update is not None]

    assert [(update.kind, dict(update.document), update.id) for update in found] == [("event", {"a": 1}, "7")]


def test_the_frame_has_a_row_per_asset_and_marks_what_is_stale(stub: Stub, fleet: Fleet) -> None:
    stub.offline.add(NQ2)

    frame = fleet.frame

    assert list(frame.index) == ["NQ-1", "NQ-2", "ML-1"]
    assert list(frame["stale"]) == [False, True, False]


def test_ages_are_counted_on_the_headends_clock(quiet: Connection) -> None:
    quiet._note_time("Sat, 21 Nov 2020 08:00:00 GMT")

    assert abs(quiet.now() - datetime(2020, 11, 21, 8, tzinfo=UTC)) < timedelta(seconds=5)


def test_the_client_knows_no_server() -> None:
    folder = Path(afterbay.client.__file__).parent
    imported = {
        name
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip

    assert not {name for name in imported if name.startswith(("afterbay.server", "fastapi", "sqlalchemy", "grpc"))}
