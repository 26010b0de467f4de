"""Shapes of signing in, of links and of tokens."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

__all__ = ["AcceptIn", "Address", "GrantOut", "LinkIn", "LinkOut", "LoginIn", "LogoutOut", "MeOut", "MethodsOut",
           "ModeIn", "Name", "PasswordIn", "RefreshIn", "SessionOut", "TokenIn", "TokenMade", "TokenOut",
           "TokensOut"]  # fmt: skip

Address = Annotated[str, Field(min_length=3, max_length=320, examples=["ada@example.org"])]
Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["Ada Lovelace"])]
Password = Annotated[
    SecretStr, Field(min_length=1, max_length=1_000, json_schema_extra={"format": "password", "writeOnly": True})
]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=500, json_schema_extra={"writeOnly": True})]
ModeIn = Annotated[
    Literal["cookie", "token"],
    Field(description="`cookie`: cookies for a browser. `token`: tokens in the answer, for programs"),
]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LoginIn(_In):
    """Who signs in, and how the session is to be carried."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ada@example.org", "password": "four horses graze", "mode": "token"}]}
    )

    email: Address
    password: Password
    mode: ModeIn = "cookie"


class RefreshIn(_In):
    """A refresh token of `token` mode; browsers send a cookie instead, and no body."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": "afr_0123456789"}]})

    refresh_token: Secret


class PasswordIn(_In):
    """A change of the own password."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"old_password": "four horses graze", "new_password": "eleven kites over hills"}]
        }
    )

    old_password: Password
    new_password: Password


class LinkIn(_In):
    """The secret of a one-time link."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "afl_0123456789"}]})

    token: Secret


class AcceptIn(_In):
    """Using a one-time link."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"token": "afl_0123456789", "password": "four horses graze", "mode": "token"}]}
    )

    token: Secret
    password: Password
    name: Name | None = None
    email: Address | None = Field(None, description="Of the first administrator only")
    mode: ModeIn = "cookie"


class TokenIn(_In):
    """A personal token to be made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "nightly study", "scopes": ["sizing:read", "sizing:export"], "days": 30}]
        }
    )

    name: Annotated[str, Field(min_length=1, max_length=200, description="What it is for", examples=["nightly study"])]
    scopes: Annotated[
        list[Annotated[str, Field(max_length=100)]],
        Field(min_length=1, max_length=50, description="`module:action`", examples=[["sizing:read", "sizing:export"]]),
    ]
    days: Annotated[int, Field(ge=1, le=3660, description="Life in days", json_schema_extra={"unit": "d"})] = 90


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class TokensOut(_Out):
    """A session that began or goes on."""

    user_id: UUID
    mode: Literal["cookie", "token"]
    expires_in: int = Field(description="Life of the access token", json_schema_extra={"unit": "s"})
    refresh_expires_in: int = Field(description="Life of the refresh token", json_schema_extra={"unit": "s"})
    token_type: Literal["Bearer"] | None = Field(None, description="In `token` mode")
    access_token: str | None = Field(None, description="In `token` mode; send as `Authorization: Bearer`")
    refresh_token: str | None = Field(None, description="In `token` mode; good for one use")
    csrf_token: str | None = Field(None, description="In `cookie` mode; send as `X-CSRF-Token` with changes")


class GrantOut(_Out):
    """The role of a user in a module."""

    module: str
    role: str
    source: str = Field(description="`manual`, or `oidc`: follows the claims of the provider")
    granted_at: datetime
    expires_at: datetime | None


class MeOut(_Out):
    """Who asks."""

    id: UUID
    email: str
    name: str
    is_admin: bool
    has_password: bool
    permissions: dict[str, list[str]] = Field(description="What this user, or this token, may do, by module")
    scopes: list[str] | None = Field(description="Of the token that asks; null: no limit")
    session_id: UUID | None
    grants: list[GrantOut]


class SessionOut(_Out):
    """A session that is alive."""

    id: UUID
    mode: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str
    user_agent: str
    current: bool = Field(False, description="The one that asks")


class LogoutOut(_Out):
    """How many sessions ended."""

    sessions_ended: int


class LinkOut(_Out):
    """What a link is for."""

    purpose: str = Field(description="`first`, `invite` or `reset`")
    email: str = Field(description="Empty for the first administrator, who says it")
    name: str
    expires_at: datetime


class TokenOut(_Out):
    """A personal token."""

    id: UUID
    name: str
    hint: str = Field(description="Its last four characters")
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    last_used_address: str


class TokenMade(TokenOut):
    """A token that was just made."""

    token: str = Field(description="Shown this once; we keep no copy")


class MethodsOut(_Out):
    """How one may sign in here."""

    password: bool = True
    single_sign_on: str | None = Field(description="What the provider is called; null: there is none")
    password_min: int
    forgotten_password: bool = Field(description="A link for a new one can be mailed: `POST /api/v1/auth/forgotten`")
