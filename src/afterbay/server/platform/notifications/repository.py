"""Keeps and finds notifications, channels and deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from afterbay.server.db import Repository
from afterbay.server.platform.notifications.tables import Channel, Delivery, Notification
from afterbay.server.rest.paging import Order, PageRequest, Slice, Sort, fetch_page

__all__ = ["NotificationRepository"]


class NotificationRepository(Repository):
    """Asks and fills the three tables of this slice."""

    def add(self, **columns: Any) -> Notification:
        """Keep a notification; who listens is told when the transaction commits."""
        row = Notification(**columns)
        self.session.add(row)
        self.session.flush()
        return row

    def page(self, user_id: UUID, page: PageRequest, *, unread: bool) -> Slice[Notification]:
        """Return one page of somebody's notifications, newest first."""
        query = select(Notification).where(Notification.user_id == user_id)
        if unread:
            query = query.where(Notification.read_at.is_(None))
        order = Order(Sort("created_at", descending=True), Notification.created_at, Notification.id)
        return fetch_page(self.session, query, page, order)

    def after(self, user_id: UUID, moment: datetime, limit: int) -> Sequence[Notification]:
        """Return somebody's notifications since a moment, oldest first."""
        query = select(Notification).where(Notification.user_id == user_id, Notification.created_at > moment)
        return self.session.scalars(query.order_by(Notification.created_at).limit(limit)).all()

    def find(self, notification_id: UUID, user_id: UUID) -> Notification | None:
        """Return one notification of somebody."""
        query = select(Notification).where(Notification.id == notification_id, Notification.user_id == user_id)
        return self.session.scalars(query).one_or_none()

    def count_unread(self, user_id: UUID) -> int:
        """Return how many somebody has not read."""
        query = select(func.count()).where(Notification.user_id == user_id, Notification.read_at.is_(None))
        return self.session.scalars(query).one()

    def mark_read(self, user_id: UUID, now: datetime, notification_id: UUID | None = None) -> int:
        """Note that somebody read one notification, or all; return how many were new."""
        chosen = update(Notification).where(Notification.user_id == user_id, Notification.read_at.is_(None))
        if notification_id is not None:
            chosen = chosen.where(Notification.id == notification_id)
        return int(getattr(self.session.execute(chosen.values(read_at=now)), "rowcount", 0))

    def forget(self, before: datetime) -> int:
        """Delete notifications that are older; return how many."""
        done = self.session.execute(delete(Notification).where(Notification.created_at < before))
        return int(getattr(done, "rowcount", 0))

    def channels(self, user_id: UUID) -> Sequence[Channel]:
        """Return somebody's channels, oldest first."""
        query = select(Channel).where(Channel.user_id == user_id).order_by(Channel.created_at, Channel.id)
        return self.session.scalars(query).all()

    def add_channel(self, **columns: Any) -> Channel:
        """Keep a channel."""
        row = Channel(**columns)
        self.session.add(row)
        self.session.flush()
        return row

    def find_channel(self, channel_id: UUID, user_id: UUID) -> Channel | None:
        """Return a channel of somebody."""
        query = select(Channel).where(Channel.id == channel_id, Channel.user_id == user_id)
        return self.session.scalars(query).one_or_none()

    def remove_channel(self, channel: Channel) -> None:
        """Delete a channel."""
        self.session.delete(channel)
        self.session.flush()

    def to_deliver(
        self, notification_id: UUID, channel_id: UUID
    ) -> tuple[Notification, Channel, Delivery | None] | None:
        """Return what a delivery is about, with what is known of it; None when one of both is gone."""
        found = self.session.get(Notification, notification_id)
        channel = self.session.get(Channel, channel_id)
        if found is None or channel is None:
            return None
        return found, channel, self.session.get(Delivery, (notification_id, channel_id))

    def note_delivery(
        self, notification_id: UUID, channel_id: UUID, sent_at: datetime | None, error: str | None
    ) -> None:
        """Keep how a delivery ended."""
        row = insert(Delivery).values(
            notification_id=notification_id, channel_id=channel_id, sent_at=sent_at, error=error
        )
        changed = {"sent_at": func.coalesce(Delivery.sent_at, row.excluded.sent_at), "error": row.excluded.error}
        self.session.execute(row.on_conflict_do_update(index_elements=["notification_id", "channel_id"], set_=changed))

    def last_errors(self, channel_ids: Sequence[UUID]) -> dict[UUID, str]:
        """Return what went wrong with the newest failed delivery of each channel."""
        query = (
            select(Delivery.channel_id, Delivery.error)
            .join(Notification, Notification.id == Delivery.notification_id)
            .where(Delivery.channel_id.in_(channel_ids), Delivery.error.is_not(None), Delivery.sent_at.is_(None))
            .order_by(Notification.created_at)
        )
        return {channel: error for channel, error in self.session.execute(query) if error is not None}
