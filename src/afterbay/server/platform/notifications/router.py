"""Routes of `/api/v1/notifications`: one's own messages and channels."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from afterbay.server.errors import documented
from afterbay.server.platform.idempotency.access import Idempotent
from afterbay.server.platform.identity.access import CurrentUser, Person
from afterbay.server.platform.notifications import service
from afterbay.server.platform.notifications.schemas import (
    ChannelIn,
    ChannelOut,
    NotificationOut,
    SentOut,
    UnreadOut,
)
from afterbay.server.platform.notifications.tasks import deliver
from afterbay.server.rest.paging import Page, PageQuery, show_page
from afterbay.server.rest.sessions import DbSession

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/notifications", tags=["notifications"], responses=documented(401, 422))


@router.get("")
def list_notifications(
    request: Request,
    response: Response,
    session: DbSession,
    user: CurrentUser,
    page: PageQuery,
    unread: Annotated[bool, Query(description="Only what was not read yet")] = False,
) -> Page[NotificationOut]:
    """List your messages, newest first."""
    found = service.find_notifications(session, user, page, unread=unread)
    return show_page(request, response, found, NotificationOut.model_validate)


@router.get("/unread")
def count_unread(session: DbSession, user: CurrentUser) -> UnreadOut:
    """Tell how many messages wait for you."""
    return UnreadOut.model_validate(service.count_unread(session, user))


@router.post("/read")
def mark_all_read(session: DbSession, user: CurrentUser) -> UnreadOut:
    """Note that you read everything."""
    return UnreadOut.model_validate(service.mark_read(session, user, datetime.now(UTC)))


@router.post("/{notification_id}/read", responses=documented(404))
def mark_read(notification_id: UUID, session: DbSession, user: CurrentUser) -> UnreadOut:
    """Note that you read one message."""
    return UnreadOut.model_validate(service.mark_read(session, user, datetime.now(UTC), notification_id))


@router.get("/channels")
def list_channels(session: DbSession, user: CurrentUser) -> Sequence[ChannelOut]:
    """List the ways by which you are told outside the app."""
    return [ChannelOut.model_validate(channel) for channel in service.list_channels(session, user)]


@router.post("/channels", status_code=201, response_model=ChannelOut, responses=documented(403, 409))
def add_channel(
    body: ChannelIn, request: Request, session: DbSession, person: Person, once: Idempotent
) -> JSONResponse:
    """Add an e-mail address or a webhook; the key of a webhook is shown this once."""
    # A token that leaked must not have the account's news sent elsewhere.
    user, hosts = person.principal, request.app.state.settings.webhook_hosts

    def make() -> ChannelOut:
        made = service.add_channel(
            session, user, kind=body.kind, target=body.target, kinds=body.kinds, allowed_hosts=hosts
        )
        return ChannelOut.model_validate(made)

    return once.answer(session, user, make, status=201)


@router.delete("/channels/{channel_id}", status_code=204, responses=documented(403, 404))
def remove_channel(channel_id: UUID, session: DbSession, person: Person) -> None:
    """Remove one of your channels."""
    service.remove_channel(session, person.principal, channel_id)


@router.post("/channels/{channel_id}/test", status_code=202, responses=documented(403, 404))
def test_channel(channel_id: UUID, session: DbSession, person: Person) -> SentOut:
    """Send yourself a trial by one channel."""
    return SentOut(notification_id=service.send_test(session, person.principal, channel_id, deliver=deliver))
