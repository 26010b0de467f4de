"""Versions of a resource: `ETag` on the way out, `If-Match` and `If-None-Match` on the way in."""

from typing import Annotated, ClassVar

from fastapi import Header

from afterbay.core.errors import ConflictError
from afterbay.server.errors import StatusError

__all__ = [
    "IfMatch",
    "IfNoneMatch",
    "PreconditionFailedError",
    "PreconditionNeededError",
    "check_if_match",
    "etag",
    "is_unchanged",
    "need_if_match",
]

_LONGEST = 1_000
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=_LONGEST, description="ETag of the version that this change starts from"),
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", max_length=_LONGEST, description="ETag of the version you have")
]


class PreconditionFailedError(StatusError, ConflictError):
    """Somebody else changed it since it was read."""

    status: ClassVar[int] = 412
    code: ClassVar[str] = "changed-meanwhile"


class PreconditionNeededError(StatusError):
    """This change is made only with the version that it starts from."""

    status: ClassVar[int] = 428
    code: ClassVar[str] = "precondition-needed"


def etag(version: int | str) -> str:
    """Return the `ETag` of a version."""
    return f'"{version}"'


def check_if_match(given: str | None, current: str) -> None:
    """Refuse a change that starts from another version than today's; no header means any (decision of the API).

    Args:
        given: The `If-Match` header: None, `*`, or one or more tags.
        current: Today's tag, made by `etag`.

    Raises:
        PreconditionFailedError: If none of the tags is today's. Weak tags never are.
    """
    if given is None or given.strip() == "*" or current in _tags(given):
        return
    raise PreconditionFailedError(
        f"somebody changed this meanwhile: it is version {current}, you started from {given[:100]} "
        "-> get it again, look at what changed, and send your change with the new ETag"
    )


def need_if_match(given: str | None, current: str) -> None:
    """Like `check_if_match`, for what is changed with a version only.

    Raises:
        PreconditionNeededError: If there is no `If-Match`.
        PreconditionFailedError: If none of the tags is today's.
    """
    if given is None:
        raise PreconditionNeededError("this change needs the version it starts from -> send If-Match with its ETag")
    check_if_match(given, current)


def is_unchanged(if_none_match: str | None, current: str) -> bool:
    """Tell whether a reader has today's version already, so that 304 is the answer."""
    if if_none_match is None:
        return False
    # A reader's copy may have come through a cache that weakened its tag.
    return if_none_match.strip() == "*" or current in {tag.removeprefix("W/") for tag in _tags(if_none_match)}


def _tags(header: str) -> set[str]:
    return {tag.strip() for tag in header.split(",")}
