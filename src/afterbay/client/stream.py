"""Server-sent events from a headend: what changes, as it changes; a lost connection is taken up again."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from afterbay.client.problems import error_of
from afterbay.client.trust import trouble_of
from afterbay.core.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from afterbay.client.connection import Connection

__all__ = ["Update", "events_of", "updates"]

_SILENCE_S = 45.0
"""A headend says something (a comment at least) several times in this time."""
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0


@dataclass(frozen=True, slots=True)
class Update:
    """Something that changed."""

    kind: str
    """telemetry, command, session, event or inventory; connected or lost for the stream itself."""
    document: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""


def updates(
    connection: Connection,
    path: str,
    params: Mapping[str, Any],
    *,
    seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Update]:
    """Yield what changes until `seconds` have passed; None: for ever.

    After a connection that failed the stream is asked for again, after a pause that grows, from the last event on.

    Raises:
        AfterbayError: If the headend refuses the stream (unknown address, no token).
        UnavailableError: If nobody answers at the first attempt.
    """
    import httpx2

    ends = None if seconds is None else clock() + seconds
    pause, last_id, met = _FIRST_PAUSE_S, "", False
    while ends is None or clock() < ends:
        left = _SILENCE_S if ends is None else max(min(_SILENCE_S, ends - clock()), 0.05)
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        timeout = httpx2.Timeout(left, connect=5.0)
        try:
            with connection.http.stream("GET", path, params=dict(params), headers=headers, timeout=timeout) as answer:
                _check(answer, connection.url + path)
                met, pause = True, _FIRST_PAUSE_S
                yield Update("connected")
                for update in events_of(answer.iter_lines()):
                    if ends is not None and clock() >= ends:
                        return
                    if update is not None:
                        last_id = update.id or last_id
                        yield update
        except httpx2.TransportError as error:
            if not met:
                why = trouble_of(error, connection.url) or f"{connection.url}{path}: {error or 'no answer in time'}"
                raise UnavailableError(why) from None
        except UnavailableError:
            if not met:
                raise
        if ends is not None and clock() >= ends:
            return
        yield Update("lost")
        # Full jitter: a thousand desks do not come back in the same moment.
        sleep(random.uniform(0.0, pause))  # noqa: S311
        pause = min(pause * 2.0, _LONGEST_PAUSE_S)


def events_of(lines: Iterable[str]) -> Iterator[Update | None]:
    """Yield the events in the lines of a stream, and None for every line that ends none.

    The comments that keep a stream alive come out as None, so that a reader can look at the clock.
    """
    data: list[str] = []
    kind, identity = "message", ""
    for line in lines:
        if not line:
            document = _object("\n".join(data)) if data else None
            yield None if document is None else Update(kind, document, identity)
            kind, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif name == "id" and "\x00" not in value:
            identity = value
        yield None


def _check(answer: Any, where: str) -> None:
    if answer.status_code >= 400:
        answer.read()
        try:
            document = answer.json()
        except ValueError:
            document = None
        raise error_of(answer.status_code, document, answer.text, f"GET {where}")
    if "text/event-stream" not in answer.headers.get("content-type", ""):
        raise UnavailableError(f"{where}: no stream of events -> is this a headend's address?")


def _object(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
