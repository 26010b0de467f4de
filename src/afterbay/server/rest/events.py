"""Server-sent events: with ids, so that a reader who was cut off goes on where it was."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from anyio import CancelScope, to_thread
from fastapi import Depends, Header, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import StreamingResponse

__all__ = ["EVENT_STREAM", "Event", "LastEventId", "event_response", "poll_events"]

EVENT_STREAM: Final = "text/event-stream"
_HEARTBEAT_S: Final = 15.0
_RETRY_MS: Final = 2_000
_LONGEST_ID: Final = 200


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    id: str
    """In one line; a reader sends the last one it saw."""
    data: Any
    """What the encoder of FastAPI can show as JSON."""
    kind: str = ""
    """Name of the event; empty: `message`."""


async def _last_event_id(
    header: Annotated[
        str | None, Header(alias="Last-Event-ID", max_length=_LONGEST_ID, description="Go on after this event")
    ] = None,
    query: Annotated[
        str | None,
        Query(alias="last_event_id", max_length=_LONGEST_ID, description="The same, where headers cannot be set"),
    ] = None,
) -> str | None:
    return header or query or None


LastEventId = Annotated[str | None, Depends(_last_event_id)]


def event_response(
    request: Request, source: AsyncIterator[Event], *, heartbeat_s: float = _HEARTBEAT_S
) -> StreamingResponse:
    """Return a stream of events; ends with its source, with its reader, and when the server stops.

    Args:
        request: Of the reader.
        source: Events; closed at the end, so that its `finally` runs.
        heartbeat_s: After so long without an event a comment is sent, for proxies and for noticing who left [s].
    """
    stopping: asyncio.Event | None = getattr(request.app.state, "stopping", None)
    stream = _written(source, stopping, heartbeat_s)
    return StreamingResponse(
        stream, media_type=EVENT_STREAM, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


async def poll_events(
    ask: Callable[[str | None], Sequence[Event]], last_id: str | None, *, every_s: float = 0.5
) -> AsyncIterator[Event]:
    """Give what `ask` finds after the last event, asked again and again.

    Args:
        ask: Plain function that takes the last id and returns what came since, oldest first; runs in a thread.
        last_id: Where the reader was; None: `ask` decides where to begin.
        every_s: Pause between two questions that found nothing [s].
    """
    while True:
        found = await to_thread.run_sync(ask, last_id)
        for event in found:
            yield event
            last_id = event.id
        if not found:
            await asyncio.sleep(every_s)


async def _written(
    source: AsyncIterator[Event], stopping: asyncio.Event | None, heartbeat_s: float
) -> AsyncIterator[bytes]:
    yield f"retry: {_RETRY_MS}\n\n".encode()
    stop = None if stopping is None else asyncio.create_task(stopping.wait())
    upcoming: asyncio.Task[Event | None] | None = None
    try:
        while True:
            upcoming = upcoming or asyncio.create_task(_next(source))
            waited: list[asyncio.Task[Any]] = [upcoming] if stop is None else [upcoming, stop]
            done, _ = await asyncio.wait(waited, timeout=heartbeat_s, return_when=asyncio.FIRST_COMPLETED)
            if stop in done:
                return
            if not done:
                yield b": still here\n\n"
                continue
            event = upcoming.result()
            if event is None:
                return
            upcoming = None
            yield _shown(event)
    finally:
        # The reader may have gone: what was begun for it still has to end well.
        with CancelScope(shield=True):
            for task in (upcoming, stop):
                if task is not None:
                    task.cancel()
                    await asyncio.wait((task,))
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()


async def _next(source: AsyncIterator[Event]) -> Event | None:
    # A task cannot end with StopAsyncIteration.
    return await anext(source, None)


def _shown(event: Event) -> bytes:
    data = json.dumps(jsonable_encoder(event.data), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    kind = f"event: {_one_line(event.kind)}\n" if event.kind else ""
    return f"id: {_one_line(event.id)}\n{kind}data: {data}\n\n".encode()


def _one_line(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable())
