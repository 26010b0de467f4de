"""Shapes of administration."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from afterbay.server.platform.identity.schemas import Address, GrantOut, Name
from afterbay.server.units import Moment

__all__ = ["ActionOut", "AuditOut", "ForgottenIn", "ForgottenOut", "GrantIn", "LinkMade", "UserDetail", "UserIn",
           "UserMade", "UserOut", "UserPatch"]  # fmt: skip


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class UserIn(_In):
    """A user to be made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "grace@example.org", "name": "Grace Hopper"}]})

    email: Address
    name: Name = ""
    is_admin: bool = False


class ForgottenIn(_In):
    """Who forgot a password."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@example.org"}]})

    email: Address


class ForgottenOut(BaseModel):
    """What is said to everybody who asks, whether there is such an account or not."""

    told: str = "if this address has an account with a password here, a mail with a link is on its way"


class UserPatch(_In):
    """What becomes different about a user; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Grace B. Hopper"}]})

    email: Address | None = None
    name: Name | None = None
    is_admin: bool | None = None
    is_active: bool | None = Field(None, description="false: signed out everywhere at once, tokens and links end")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("say at least one thing that changes")
        return self


class GrantIn(_In):
    """A role in a module."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"role": "engineer", "expires_at": "2099-12-31T00:00:00Z"}]}
    )

    role: Annotated[str, Field(min_length=1, max_length=50, examples=["engineer"])]
    expires_at: Moment | None = Field(None, description="null: until it is taken away")


class UserOut(BaseModel):
    """A user."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str
    name: str
    is_admin: bool
    is_active: bool
    has_password: bool
    version: int
    created_at: datetime
    updated_at: datetime
    last_sign_in_at: datetime | None
    grants: list[GrantOut]


class UserDetail(UserOut):
    """A user, with what is asked for one at a time."""

    locked: bool = Field(description="Signing in failed too often; it waits, or is unlocked here")


class LinkMade(BaseModel):
    """A one-time link that was just made; give it to the user, it is shown this once."""

    url: str
    purpose: str
    expires_at: datetime


class UserMade(BaseModel):
    """A user that was just made, with the link that lets them in."""

    user: UserOut
    link: LinkMade


class AuditOut(BaseModel):
    """One event of the trail."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    actor_id: UUID
    actor: str
    module: str
    action: str
    resource_id: str
    details: dict[str, Any]
    before: Any
    after: Any
    address: str
    request_id: str


class ActionOut(BaseModel):
    """A kind of event that the trail has."""

    module: str
    action: str
