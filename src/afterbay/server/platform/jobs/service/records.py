"""Rows as what the other layers see, and principals as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from afterbay.core.errors import AfterbayError, InvalidInputError
from afterbay.server.platform.jobs.view import JobView
from afterbay.server.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterbay.server.platform.jobs.tables import JobRow
    from afterbay.server.platform.jobs.view import JobState

__all__ = ["error_record", "principal_of", "principal_record", "view_of"]

_LONGEST = 4_000
_UNEXPECTED = "unexpected"


def view_of(row: JobRow) -> JobView:
    """Return a row as everybody else sees it."""
    return JobView(
        id=row.id, task=row.task, module=row.module, resource_id=row.resource_id, owner_id=row.owner_id,
        state=cast("JobState", row.state), progress=row.progress, message=row.message, eta_s=row.eta_s,
        attempts=row.attempts, cancel_requested=row.cancel_requested, created_at=row.created_at,
        started_at=row.started_at, finished_at=row.finished_at, not_before=row.not_before, error=row.error,
        result=row.result, version=row.version,
    )  # fmt: skip


def principal_record(principal: Principal) -> dict[str, Any]:
    """Return somebody as JSON."""
    return {
        "id": str(principal.id),
        "email": principal.email,
        "name": principal.name,
        "is_admin": principal.is_admin,
        "permissions": {module: sorted(actions) for module, actions in principal.permissions.items()},
        "scopes": None if principal.scopes is None else sorted(principal.scopes),
        "address": principal.address,
        "request_id": principal.request_id,
    }


def principal_of(record: Mapping[str, Any]) -> Principal:
    """Return who a record tells of."""
    scopes = record["scopes"]
    return Principal(
        id=UUID(record["id"]), email=record["email"], name=record["name"], is_admin=record["is_admin"],
        permissions={module: frozenset(actions) for module, actions in record["permissions"].items()},
        scopes=None if scopes is None else frozenset(scopes), address=record["address"],
        request_id=record["request_id"],
    )  # fmt: skip


def error_record(error: BaseException) -> dict[str, Any]:
    """Return what went wrong as JSON: `{code, detail, errors}`; of a defect no more than that it is one."""
    if not isinstance(error, AfterbayError):
        detail = f"an unexpected error ({type(error).__name__}) -> tell the administrator, the log has more"
        return {"code": _UNEXPECTED, "detail": detail, "errors": []}
    problems = error.problems if isinstance(error, InvalidInputError) else ()
    return {
        "code": _code(error),
        "detail": _plain(str(error)),
        "errors": [{name: _plain(text) for name, text in problem.to_dict().items()} for problem in problems],
    }


def _code(error: AfterbayError) -> str:
    """Return `not-found` of `NotFoundError`, and of its subclasses their own."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


def _plain(text: str) -> str:
    return text.replace("\x00", "")[:_LONGEST]
