"""Lock-out: after a few failures each further one makes the next attempt wait longer.

Counted for the account as it was typed, whether it exists or not, so that waiting tells nothing; and for the network
address, so that one place cannot try one password on many accounts. An attempt counts before it is checked: many at
once do not get more tries than one after another.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from afterbay.server.platform.identity.repository import DelayRepository

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.identity.service.identity import Caller, Identity

__all__ = ["begin_attempt", "clear_account", "delay_s", "forgive_attempt", "is_locked"]


@dataclass(frozen=True, slots=True)
class _Rule:
    free: int
    """Failures that cost nothing."""
    first_s: int
    longest_s: int
    forgotten_s: int


_ACCOUNT: Final = _Rule(free=4, first_s=30, longest_s=900, forgotten_s=86_400)
_ADDRESS: Final = _Rule(free=50, first_s=30, longest_s=900, forgotten_s=3_600)


def delay_s(failures: int, rule: _Rule = _ACCOUNT) -> int:
    """Return how long the next attempt waits after so many failures [s]."""
    over = failures - rule.free
    # The exponent is bounded first: a count in the thousands would make an enormous number.
    return 0 if over <= 0 else min(rule.first_s * 2 ** min(over - 1, 20), rule.longest_s)


def begin_attempt(session: Session, identity: Identity, caller: Caller, key: str) -> int:
    """Count an attempt as failed until it is known to be right, or return how long to wait [s].

    Args:
        session: Database; the count must be committed before the attempt is checked.
        identity: Clock.
        caller: From where.
        key: Of the account, `email_key`.
    """
    now = identity.clock()
    rules = _rules(caller, key)
    rows = DelayRepository(session).hold(list(rules), now)
    waits = [row.locked_until for row in rows.values() if row.locked_until is not None and row.locked_until > now]
    if waits:
        return math.ceil((max(waits) - now).total_seconds())
    for name, row in rows.items():
        rule = rules[name]
        fresh = now - row.last_at > timedelta(seconds=rule.forgotten_s)
        row.failures, row.last_at = (0 if fresh else row.failures) + 1, now
        row.locked_until = _until(now, row.failures, rule)
    session.flush()
    return 0


def forgive_attempt(session: Session, identity: Identity, caller: Caller, key: str) -> None:
    """Take an attempt back that turned out right: the account begins anew, the address loses this one failure."""
    rules, now = _rules(caller, key), identity.clock()
    repository = DelayRepository(session)
    for name, row in repository.hold(list(rules), now).items():
        if rules[name] is _ACCOUNT:
            row.failures, row.locked_until = 0, None
        else:
            row.failures = max(row.failures - 1, 0)
            row.locked_until = _until(now, row.failures, _ADDRESS)
    session.flush()


def clear_account(session: Session, key: str) -> bool:
    """Forget the failures of an account; False if there were none."""
    return DelayRepository(session).clear(_hash("account", key))


def is_locked(session: Session, identity: Identity, key: str) -> bool:
    """Must an account wait?"""
    until = DelayRepository(session).locked_until(_hash("account", key))
    return until is not None and until > identity.clock()


def _rules(caller: Caller, key: str) -> dict[bytes, _Rule]:
    rules = {_hash("account", key): _ACCOUNT}
    if caller.address:
        rules[_hash("address", caller.address)] = _ADDRESS
    return rules


def _until(now: datetime, failures: int, rule: _Rule) -> datetime | None:
    wait_s = delay_s(failures, rule)
    return now + timedelta(seconds=wait_s) if wait_s else None


def _hash(kind: str, text: str) -> bytes:
    # People type passwords into the wrong field; the table must not keep them.
    return hashlib.sha256(f"{kind}:{text}".encode("utf-8", "surrogatepass")).digest()
