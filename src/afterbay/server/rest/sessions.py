"""The session of a request: committed before the answer leaves, rolled back on an error."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from afterbay.server.db import session_scope

__all__ = ["DbSession", "open_session"]


def open_session(request: Request) -> Iterator[Session]:
    """Give the session of this request.

    Raises:
        UnavailableError: If the database does not answer.
    """
    with session_scope(request.app.state.sessions) as session:
        yield session


# Function scope: who is told "created" can read it at once, and a commit that fails is an error and no 201.
DbSession = Annotated[Session, Depends(open_session, scope="function")]
