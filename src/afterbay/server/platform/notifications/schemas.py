"""Wire shapes of notifications and channels."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from afterbay.server.units import Line

__all__ = ["ChannelIn", "ChannelOut", "NotificationOut", "SentOut", "UnreadOut"]


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class NotificationOut(_Out):
    """One message to you."""

    id: UUID
    kind: str = Field(examples=["job.succeeded"])
    title: str
    body: str
    link: str = Field(description="Path of what it is about, or empty")
    created_at: datetime
    read_at: datetime | None = Field(description="null: not read yet")


class UnreadOut(_Out):
    """How many messages wait for you."""

    unread: int


class ChannelIn(BaseModel):
    """A way to be told outside the app."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "email", "target": "ada@example.org", "kinds": ["job.failed"]}]}
    )

    kind: Literal["email", "webhook"]
    target: Line = Field(examples=["you@example.org", "https://example.org/hook"])
    kinds: list[Annotated[str, Field(max_length=50)]] = Field(
        [], max_length=20, description="Kinds of message that go this way; empty: all"
    )


class ChannelOut(_Out):
    """A way to be told outside the app."""

    id: UUID
    kind: str
    target: str
    kinds: list[str]
    enabled: bool
    created_at: datetime
    last_error: str | None = Field(None, description="What went wrong with the last failed delivery")
    secret: str | None = Field(None, description="Key of the signature of a webhook; only in the answer that made it")


class SentOut(BaseModel):
    """A trial that is on its way."""

    notification_id: UUID
