import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from afterbay.server.rest.events import Event, LastEventId, event_response, poll_events

Client = Callable[[Any], TestClient]


async def numbers(after: int, until: int, ended: list[str] | None = None) -> AsyncIterator[Event]:
    try:
        for number in range(after + 1, until + 1):
            yield Event(str(number), {"n": number}, "number")
    finally:
        if ended is not None:
            ended.append("closed")


def ids(text: str) -> list[str]:
    return [line.removeprefix("id: ") for line in text.splitlines() if line.startswith("id: ")]


@pytest.fixture
def client(app: FastAPI, client_of: Client) -> TestClient:
    @app.get("/events")
    async def events(request: Request, last: LastEventId) -> StreamingResponse:
        return event_response(request, numbers(int(last or 0), 5))

    return client_of(app)


def test_events_have_ids_names_and_one_line_of_json(client: TestClient) -> None:
    answer = client.get("/events")

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert 'id: 3\nevent: number\ndata: {"n":3}\n\n' in answer.text
    assert ids(answer.text) == ["1", "2", "3", "4", "5"]


def test_who_was_cut_off_goes_on_behind_the_last_event(client: TestClient) -> None:
    assert ids(client.get("/events", headers={"Last-Event-ID": "3"}).text) == ["4", "5"]
    assert ids(client.get("/events?last_event_id=4").text) == ["5"]


async def read(response: StreamingResponse, until: Callable[[str], bool]) -> str:
    text = ""
    async for part in response.body_iterator:
        text += part.decode() if isinstance(part, bytes) else str(part)
        if until(text):
            await response.body_iterator.aclose()  # type: ignore[attr-defined]
            return text
    return text


def request_of(app: FastAPI) -> Request:
    return Request({"type": "http", "app": app, "headers": [], "method": "GET", "path": "/"})


def test_a_quiet_stream_shows_that_it_lives(app: FastAPI) -> None:
    async def quiet() -> AsyncIterator[Event]:
        await asyncio.sleep(3600)
        yield Event("1", None)

    response = event_response(request_of(app), quiet(), heartbeat_s=0.01)

    assert ": still here" in asyncio.run(read(response, lambda text: "still" in text))


def test_a_reader_who_leaves_ends_the_source(app: FastAPI) -> None:
    ended: list[str] = []

    asyncio.run(read(event_response(request_of(app), numbers(0, 10**6, ended)), lambda text: "id: 3" in text))

    assert ended == ["closed"]


def test_a_server_that_stops_ends_every_stream(app: FastAPI) -> None:
    async def run() -> str:
        app.state.stopping = asyncio.Event()

        async def never() -> AsyncIterator[Event]:
            yield Event("1", "first")
            app.state.stopping.set()
            await asyncio.sleep(3600)

        return await asyncio.wait_for(read(event_response(request_of(app), never()), lambda _: False), 5)

    assert ids(asyncio.run(run())) == ["1"]


def test_nothing_is_lost_or_doubled_between_two_questions(app: FastAPI) -> None:
    kept = [Event(str(number), number) for number in range(1, 8)]
    asked: list[str | None] = []

    def ask(last: str | None) -> Sequence[Event]:
        asked.append(last)
        if len(asked) % 2 == 0:
            return []
        return [event for event in kept if int(event.id) > int(last or 0)][:3]

    response = event_response(request_of(app), poll_events(ask, "1", every_s=0.001))

    assert ids(asyncio.run(read(response, lambda text: "id: 7" in text))) == ["2", "3", "4", "5", "6", "7"]
    assert asked[0] == "1"


def test_no_event_can_break_out_of_its_line(app: FastAPI) -> None:
    async def nasty() -> AsyncIterator[Event]:
        yield Event("1\nevent: forged", "a\n\ndata: forged\u2028", "kind\r\nid: 9")

    text = asyncio.run(read(event_response(request_of(app), nasty()), lambda _: False))

    assert [line.partition(":")[0] for line in text.splitlines() if line] == ["retry", "id", "event", "data"]
