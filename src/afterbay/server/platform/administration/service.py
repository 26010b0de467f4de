"""What administration adds to identity and the trail: who may look after whose grants, and the trail as a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Final
from uuid import UUID

from afterbay.core.errors import InvalidInputError, NotAllowedError, Problem
from afterbay.server.platform.audit.service import AuditQuery, all_events, find_events, log_action
from afterbay.server.platform.identity.service import (
    Account,
    Identity,
    Link,
    SessionView,
    UserQuery,
    find_accounts,
    get_account,
    list_sessions,
)
from afterbay.server.principal import Principal
from afterbay.server.rest.paging import PageRequest, Slice

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.audit.service import AuditRecord

__all__ = ["AUDIT_COLUMNS", "audit_csv", "list_user_sessions", "list_users", "need_manager", "need_manager_of",
           "page_of_events", "read_user", "record_export", "url_of"]  # fmt: skip

AUDIT_COLUMNS: Final = ("id", "at", "actor", "actor_id", "module", "action", "resource_id", "details", "before",
                        "after", "address", "request_id")  # fmt: skip
_MANAGES: Final = "manage_users"
# A spreadsheet would take these for the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_CHUNK: Final = 65_536


def need_manager(identity: Identity, principal: Principal) -> None:
    """Refuse who looks after the users of no module.

    Raises:
        NotAllowedError: If there is no module where this principal may.
    """
    if not any(principal.may(module, _MANAGES) for module in identity.roles):
        raise NotAllowedError("only who looks after the users of a module may do this -> ask an administrator")


def need_manager_of(principal: Principal, module: str) -> None:
    """Refuse who does not look after the users of a module.

    Raises:
        NotAllowedError: If this principal may not.
    """
    principal.need(module, _MANAGES)


def url_of(link: Link, base: str) -> str:
    """Return a link in full, for whoever is to send it.

    Args:
        link: With its secret.
        base: Where users reach us.
    """
    return base.rstrip("/") + link.path


def list_users(session: Session, principal: Principal, wanted: UserQuery, page: PageRequest) -> Slice[Account]:
    """Return one page of users; that somebody read about people is recorded.

    Raises:
        InvalidInputError: If the cursor is none of this list.
    """
    found = find_accounts(session, wanted, page)
    log_action(session, principal, "platform", "users.listed", "", {"users": len(found.items)})
    return found


def read_user(session: Session, principal: Principal, user_id: UUID) -> Account:
    """Return a user; that somebody read about them is recorded.

    Raises:
        NotFoundError: If there is none.
    """
    account = get_account(session, user_id)
    log_action(session, principal, "platform", "user.read", user_id)
    return account


def list_user_sessions(session: Session, identity: Identity, principal: Principal, user_id: UUID) -> list[SessionView]:
    """Return where a user is signed in; that somebody looked is recorded.

    Raises:
        NotFoundError: If there is no such user.
    """
    get_account(session, user_id)
    log_action(session, principal, "platform", "user.sessions-read", user_id)
    return list_sessions(session, identity, user_id)


def page_of_events(session: Session, principal: Principal, wanted: AuditQuery, page: PageRequest) -> Slice[AuditRecord]:
    """Return one page of the trail, newest first; that somebody read it is recorded with the first page.

    Raises:
        InvalidInputError: If the cursor is none of this list.
    """
    before = None
    if page.cursor is not None:
        if not page.cursor.isascii() or not page.cursor.isdecimal() or len(page.cursor) > 18:
            move = "leave the cursor out to begin at the first page"
            raise InvalidInputError(Problem("/cursor", "no cursor of this list", "a next_cursor", move))
        before = int(page.cursor)
    else:
        log_action(session, principal, "platform", "audit.read", "", {"filter": _filter(wanted)})
    found = find_events(session, wanted, before_id=before, limit=page.limit + 1)
    shown = found[: page.limit]
    return Slice(shown, str(shown[-1].id) if len(found) > page.limit else None)


def record_export(session: Session, principal: Principal, wanted: AuditQuery) -> None:
    """Record that somebody takes the trail away."""
    log_action(session, principal, "platform", "audit.exported", "", {"filter": _filter(wanted)})


def audit_csv(session: Session, wanted: AuditQuery) -> Iterator[bytes]:
    """Yield the trail as CSV in blocks, newest first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(AUDIT_COLUMNS)
    for event in all_events(session, wanted):
        writer.writerow([_cell(event, name) for name in AUDIT_COLUMNS])
        if text.tell() >= _CHUNK:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _cell(event: AuditRecord, name: str) -> str:
    value = getattr(event, name)
    if value is None:
        return ""
    if name == "at":
        return str(value.isoformat())
    shown = json.dumps(value, ensure_ascii=False, sort_keys=True) if name in ("details", "before", "after") else value
    text = str(shown)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _filter(wanted: AuditQuery) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(wanted).items() if value not in (None, "")}
