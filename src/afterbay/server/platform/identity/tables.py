"""Rows of identity. Secrets are kept as hashes only: a copy of the database signs nobody in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Integer, LargeBinary, String, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from afterbay.server.db import Base

__all__ = ["ApiToken", "GrantRow", "OidcIdentity", "OneTimeLink", "RefreshToken", "SessionRow", "SignInDelay", "User"]

_TIME = DateTime(timezone=True)
_NOW = func.now()
_USER = "users.id"


class User(Base):
    """A person who may sign in."""

    __tablename__ = "users"
    __table_args__ = (
        Index("ux_users_email_key", "email_key", unique=True),
        Index("idx_users_created", "created_at", "id"),
        Index("idx_users_administrators", "id", postgresql_where=text("is_admin AND is_active")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(400))
    """The address in one way of writing it, by which it is found."""
    name: Mapped[str] = mapped_column(String(200), server_default="")
    password_hash: Mapped[str | None] = mapped_column(Text)
    """None: no password yet, or only single sign-on."""
    is_admin: Mapped[bool] = mapped_column(server_default=text("false"))
    admin_source: Mapped[str] = mapped_column(String(20), server_default="manual")
    """Who made an administrator of them: `manual`, or `oidc` by the provider's claims."""
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    updated_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    password_changed_at: Mapped[datetime | None] = mapped_column(_TIME)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(_TIME)


class SessionRow(Base):
    """One sign-in: a family of refresh tokens that lives and dies together."""

    __tablename__ = "sessions"
    __table_args__ = (Index("idx_sessions_user", "user_id", "created_at"), Index("idx_sessions_expiry", "expires_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(_USER, ondelete="CASCADE"))
    mode: Mapped[str] = mapped_column(String(10))
    """`cookie` for browsers, `token` for programs; a refresh token works in its own mode only."""
    csrf_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    last_seen_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    expires_at: Mapped[datetime] = mapped_column(_TIME)
    """However often it is refreshed."""
    ended_at: Mapped[datetime | None] = mapped_column(_TIME)
    end_reason: Mapped[str] = mapped_column(String(40), server_default="")
    address: Mapped[str] = mapped_column(String(100), server_default="")
    user_agent: Mapped[str] = mapped_column(String(300), server_default="")


class RefreshToken(Base):
    """One refresh token of a session; a used one stays, so that its second use is noticed."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index("idx_refresh_tokens_session", "session_id", "generation"),)

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    generation: Mapped[int] = mapped_column(Integer)
    issued_at: Mapped[datetime] = mapped_column(_TIME)
    expires_at: Mapped[datetime] = mapped_column(_TIME)
    used_at: Mapped[datetime | None] = mapped_column(_TIME)


class ApiToken(Base):
    """A token that a person made for a program of theirs."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        Index("ux_api_tokens_hash", "token_hash", unique=True),
        Index("idx_api_tokens_user", "user_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(_USER, ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hint: Mapped[str] = mapped_column(String(12))
    """Its last four characters, to tell tokens apart."""
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    expires_at: Mapped[datetime] = mapped_column(_TIME)
    last_used_at: Mapped[datetime | None] = mapped_column(_TIME)
    last_used_address: Mapped[str] = mapped_column(String(100), server_default="")
    revoked_at: Mapped[datetime | None] = mapped_column(_TIME)


class GrantRow(Base):
    """The role of a user in a module."""

    __tablename__ = "grants"

    user_id: Mapped[UUID] = mapped_column(ForeignKey(_USER, ondelete="CASCADE"), primary_key=True)
    module: Mapped[str] = mapped_column(String(50), primary_key=True)
    role: Mapped[str] = mapped_column(String(50))
    source: Mapped[str] = mapped_column(String(20), server_default="manual")
    """`manual`, or `oidc`: comes and goes with the provider's claims."""
    granted_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    granted_by: Mapped[UUID]
    expires_at: Mapped[datetime | None] = mapped_column(_TIME)


class OneTimeLink(Base):
    """A link that lets somebody in once: the first administrator, an invited user, a forgotten password."""

    __tablename__ = "one_time_links"
    __table_args__ = (
        Index("ux_one_time_links_hash", "token_hash", unique=True),
        Index("idx_one_time_links_user", "user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey(_USER, ondelete="CASCADE"))
    """None: of the first administrator, who is made when the link is used."""
    purpose: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    created_by: Mapped[UUID]
    expires_at: Mapped[datetime] = mapped_column(_TIME)
    closed_at: Mapped[datetime | None] = mapped_column(_TIME)
    """When it was used, or replaced by another."""


class OidcIdentity(Base):
    """An account at a provider that belongs to a user."""

    __tablename__ = "oidc_identities"
    __table_args__ = (Index("idx_oidc_identities_user", "user_id"),)

    issuer: Mapped[str] = mapped_column(String(500), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(_USER, ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(320), server_default="")
    linked_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    last_used_at: Mapped[datetime | None] = mapped_column(_TIME)


class SignInDelay(Base):
    """How often signing in failed, for an account or an address; unknown accounts are counted like known ones."""

    __tablename__ = "sign_in_delays"
    __table_args__ = (Index("idx_sign_in_delays_last", "last_at"),)

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[datetime] = mapped_column(_TIME)
    locked_until: Mapped[datetime | None] = mapped_column(_TIME)
