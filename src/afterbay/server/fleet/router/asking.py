"""What routes need: the service, who asks, and which part of the past."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header, Query, Request

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.server.fleet.service import FleetService, Span
from afterbay.server.guard import actor_of
from afterbay.server.units import Moment

__all__ = ["Actor", "Fleet", "IdempotencyKey", "Past", "span"]

_MOST = 10_000


def _service(request: Request) -> FleetService:
    service: FleetService = request.app.state.fleet
    return service


def _actor(request: Request) -> str:
    return actor_of(request.scope)


def span(
    since: datetime | None, until: datetime | None, start: datetime | None, end: datetime | None, limit: int
) -> Span:
    """Return a part of the past; `from` and `to` mean the same as the documents' `start` and `end`.

    Raises:
        InvalidInputError: If both forms are given and differ, or it ends before it begins.
    """
    for name, other, one, two in (("from", "start", since, start), ("to", "end", until, end)):
        if one is not None and two is not None and one != two:
            raise InvalidInputError(Problem(name, f"{one.isoformat()} and {other}={two.isoformat()}", "one of the two"))
    begin, finish = since or start, until or end
    if begin is not None and finish is not None and finish <= begin:
        raise InvalidInputError(Problem("to", finish.isoformat(), f"a time after {begin.isoformat()}", "swap the two"))
    return Span(begin, finish, limit)


def _past(
    since: Annotated[Moment | None, Query(alias="from", description="Not before this time")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Before this time")] = None,
    start: Annotated[Moment | None, Query(description="The same as from")] = None,
    end: Annotated[Moment | None, Query(description="The same as to")] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="The newest so many")] = 100,
) -> Span:
    return span(since, until, start, end, limit)


Fleet = Annotated[FleetService, Depends(_service)]
Actor = Annotated[str, Depends(_actor)]
Past = Annotated[Span, Depends(_past)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key with the same request is accepted once, with another request it is refused (422)",
    ),
]
