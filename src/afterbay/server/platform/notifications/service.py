"""Decides who is told what, and by which ways."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

from afterbay.core.errors import ConflictError, InvalidInputError, NotFoundError, Problem
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.notifications.addresses import check_webhook
from afterbay.server.platform.notifications.repository import NotificationRepository
from afterbay.server.rest.paging import PageRequest, Slice

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.notifications.tables import Channel, Notification
    from afterbay.server.principal import Principal

__all__ = [
    "KINDS",
    "ChannelView",
    "Message",
    "Outgoing",
    "Unread",
    "add_channel",
    "count_unread",
    "find_notifications",
    "forget_old",
    "list_channels",
    "mark_read",
    "messages_since",
    "note_delivery",
    "notify",
    "read_delivery",
    "remove_channel",
    "send_test",
]

KINDS: Final[Mapping[str, str]] = {
    "job.succeeded": "a job is finished",
    "job.failed": "a job failed",
    "quota.near": "a quota is nearly used up",
    "grant.changed": "what you may do changed",
    "project.shared": "somebody shared a project with you",
    "test": "a trial of a channel",
}
_KEPT: Final = timedelta(days=90)
_FIRST: Final = PageRequest()
_MOST_CHANNELS: Final = 10
_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f<>,;]{1,64}@[A-Za-z0-9.-]{1,250}")


class Deliver(Protocol):
    """Starts the delivery of a message by a channel, in the transaction of the session."""

    def __call__(self, session: Session, principal: Principal, args: Mapping[str, Any], key: str, /) -> object:
        """Start it; the same key twice is one delivery."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one person."""

    id: UUID
    kind: str
    title: str
    body: str
    link: str
    created_at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A way out of the app, without its key except when it is new."""

    id: UUID
    kind: str
    target: str
    kinds: tuple[str, ...]
    enabled: bool
    created_at: datetime
    last_error: str | None = None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way out of the app."""

    message: Message
    kind: str
    target: str
    secret: str
    sent: bool
    """It was sent already."""


@dataclass(frozen=True, slots=True)
class Unread:
    """How many messages wait."""

    unread: int


def notify(
    session: Session,
    actor: Principal,
    user_id: UUID,
    kind: str,
    title: str,
    body: str = "",
    link: str = "",
    *,
    deliver: Deliver,
) -> UUID:
    """Tell somebody something, in the transaction of what happened.

    Args:
        session: The session of what happened.
        actor: Who caused it.
        user_id: Who is told.
        kind: One of `KINDS`.
        title: A sentence.
        body: More sentences.
        link: Path of what it is about.
        deliver: Starts a delivery by e-mail or webhook.

    Raises:
        InvalidInputError: If the kind is unknown.
    """
    if kind not in KINDS:
        raise InvalidInputError(Problem("kind", kind, ", ".join(KINDS)))
    kept = NotificationRepository(session)
    row = kept.add(user_id=user_id, kind=kind, title=_clean(title)[:200], body=_clean(body)[:4000], link=link[:500])
    for channel in kept.channels(user_id):
        if channel.enabled and (not channel.kinds or kind in channel.kinds):
            _start(session, actor, row.id, channel.id, deliver)
    return row.id


def find_notifications(
    session: Session, principal: Principal, page: PageRequest = _FIRST, *, unread: bool = False
) -> Slice[Message]:
    """Return one page of one's own messages, newest first.

    Raises:
        InvalidInputError: If the cursor is none of this list.
    """
    found = NotificationRepository(session).page(principal.id, page, unread=unread)
    return Slice([_message(row) for row in found.items], found.next_cursor)


def count_unread(session: Session, principal: Principal) -> Unread:
    """Return how many messages wait for this user."""
    return Unread(NotificationRepository(session).count_unread(principal.id))


def messages_since(session: Session, user_id: UUID, moment: datetime, limit: int = 100) -> list[Message]:
    """Return somebody's messages since a moment, oldest first; for live delivery."""
    return [_message(row) for row in NotificationRepository(session).after(user_id, moment, limit)]


def mark_read(session: Session, principal: Principal, now: datetime, notification_id: UUID | None = None) -> Unread:
    """Note that one message was read, or all of them; return what is left.

    Raises:
        NotFoundError: If there is no such message to this user.
    """
    kept = NotificationRepository(session)
    if notification_id is not None and kept.find(notification_id, principal.id) is None:
        raise NotFoundError(f"there is no notification {notification_id} for you")
    kept.mark_read(principal.id, now, notification_id)
    return Unread(kept.count_unread(principal.id))


def list_channels(session: Session, principal: Principal) -> list[ChannelView]:
    """Return one's own channels, with what last went wrong."""
    kept = NotificationRepository(session)
    rows = kept.channels(principal.id)
    errors = kept.last_errors([row.id for row in rows])
    return [replace(_channel(row), last_error=errors.get(row.id)) for row in rows]


def add_channel(
    session: Session,
    principal: Principal,
    *,
    kind: str,
    target: str,
    kinds: Sequence[str] = (),
    allowed_hosts: Sequence[str] = (),
) -> ChannelView:
    """Add a way to be told; a webhook's key is in the answer and never shown again.

    Raises:
        InvalidInputError: If the target cannot be used.
        ConflictError: If there are too many.
    """
    unknown = [word for word in kinds if word not in KINDS]
    if unknown:
        raise InvalidInputError(Problem("kinds", ", ".join(unknown), ", ".join(KINDS)))
    if kind == "email":
        if not _EMAIL.fullmatch(target):
            raise InvalidInputError(Problem("target", target[:200], "an e-mail address", "such as you@example.org"))
    elif kind == "webhook":
        check_webhook(target, allowed_hosts)
    else:
        raise InvalidInputError(Problem("kind", kind, "email or webhook"))
    kept = NotificationRepository(session)
    if len(kept.channels(principal.id)) >= _MOST_CHANNELS:
        raise ConflictError(f"you have {_MOST_CHANNELS} channels already -> remove one first")
    secret = secrets.token_urlsafe(32) if kind == "webhook" else None
    row = kept.add_channel(user_id=principal.id, kind=kind, target=target, kinds=list(kinds), secret=secret)
    session.refresh(row)
    log_action(session, principal, "platform", "channel.added", row.id, {"kind": kind, "target": target})
    return replace(_channel(row), secret=secret)


def remove_channel(session: Session, principal: Principal, channel_id: UUID) -> None:
    """Remove one of one's own channels.

    Raises:
        NotFoundError: If there is none with this id.
    """
    kept = NotificationRepository(session)
    row = _own_channel(kept, principal, channel_id)
    log_action(session, principal, "platform", "channel.removed", row.id, {"kind": row.kind, "target": row.target})
    kept.remove_channel(row)


def send_test(session: Session, principal: Principal, channel_id: UUID, *, deliver: Deliver) -> UUID:
    """Send a trial by one channel, whatever kinds it takes.

    Raises:
        NotFoundError: If there is no such channel of this user.
    """
    kept = NotificationRepository(session)
    channel = _own_channel(kept, principal, channel_id)
    row = kept.add(user_id=principal.id, kind="test", title="A trial of your channel", body="It works.", link="")
    _start(session, principal, row.id, channel.id, deliver)
    return row.id


def read_delivery(session: Session, notification_id: UUID, channel_id: UUID) -> Outgoing | None:
    """Return what is to be sent where; None, if the message or the channel is gone."""
    found = NotificationRepository(session).to_deliver(notification_id, channel_id)
    if found is None:
        return None
    row, channel, known = found
    sent = known is not None and known.sent_at is not None
    return Outgoing(_message(row), channel.kind, channel.target, channel.secret or "", sent)


def note_delivery(
    session: Session, notification_id: UUID, channel_id: UUID, sent_at: datetime | None, error: str | None
) -> None:
    """Keep how a delivery ended; one that was sent stays sent."""
    NotificationRepository(session).note_delivery(notification_id, channel_id, sent_at, error)


def forget_old(session: Session, now: datetime) -> int:
    """Delete what is older than 90 days; return how many."""
    return NotificationRepository(session).forget(now - _KEPT)


def _start(session: Session, actor: Principal, notification_id: UUID, channel_id: UUID, deliver: Deliver) -> None:
    args = {"notification_id": str(notification_id), "channel_id": str(channel_id)}
    deliver(session, actor, args, f"deliver:{notification_id}:{channel_id}")


def _own_channel(kept: NotificationRepository, principal: Principal, channel_id: UUID) -> Channel:
    row = kept.find_channel(channel_id, principal.id)
    if row is None:
        raise NotFoundError(f"there is no channel {channel_id} of yours")
    return row


def _message(row: Notification) -> Message:
    return Message(row.id, row.kind, row.title, row.body, row.link, row.created_at, row.read_at)


def _channel(row: Channel) -> ChannelView:
    return ChannelView(row.id, row.kind, row.target, tuple(row.kinds), row.enabled, row.created_at)


def _clean(text: str) -> str:
    return text.replace("\x00", "")
