"""Questions to the tables of identity."""

from afterbay.server.platform.identity.repository.credentials import LinkRepository, TokenRepository
from afterbay.server.platform.identity.repository.delays import DelayRepository
from afterbay.server.platform.identity.repository.sessions import SessionRepository
from afterbay.server.platform.identity.repository.users import UserQuery, UserRepository

__all__ = [
    "DelayRepository",
    "LinkRepository",
    "SessionRepository",
    "TokenRepository",
    "UserQuery",
    "UserRepository",
]
