"""What somebody asks for, before anything is decided about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["LONGEST_S", "CommandRequest", "check_begin", "check_form", "read_request"]

LONGEST_S = 366 * 86_400.0
"""Longest duration or wait that a command may name [s]."""

_LONGEST_NOTE = 500
_SIGNS = {
    "discharge": 1, "discharging": 1, "export": 1, "generate": 1,
    "charge": -1, "charging": -1, "import": -1, "consume": -1,
    "idle": 0, "stop": 0, "standby": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRequest:
    """A power for an asset, a site or a group; the narrowest that is named is meant."""

    mw: float
    """+ leaves the asset [MW]."""
    asset_id: str | None = None
    site_id: str | None = None
    group_id: str | None = None
    duration_s: float | None = None
    """None: until it is replaced [s]."""
    strict: bool = False
    """Refuse instead of clamping."""
    mode: str | None = None
    """A word of older clients (`charge`, `discharge`, `idle`); it must not contradict the sign."""
    deliver_within_s: float | None = None
    """Queue it for an asset that is offline, this long [s]; None: refuse."""
    hold_offline_s: float | None = None
    """Longest hold while the headend is out of reach [s]; None: to its end."""
    fallback_mw: float = 0.0
    """What follows the end, of all assets together [MW]."""
    note: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return the fields by name, as they were asked for."""
        return asdict(self)


def read_request(body: Mapping[str, object]) -> CommandRequest:
    """Read a request from named values; names that are not known are ignored.

    Raises:
        InvalidInputError: With every problem found: NaN, infinity, true or text as a number, a duration that is
            not above 0, nobody named, a mode that contradicts the sign.
    """
    known = {each.name: body[each.name] for each in fields(CommandRequest) if body.get(each.name) is not None}
    known.setdefault("mw", body.get("mw"))
    request = CommandRequest(**known)  # type: ignore[arg-type]
    check_form(request)
    return request


def check_form(request: CommandRequest) -> None:
    """Refuse a request that is not well formed, whatever the fleet looks like.

    Raises:
        InvalidInputError: With every problem found.
    """
    problems = Problems()
    # A caller may have put anything there, whatever the types say.
    strict: object = request.strict
    note: object = request.note
    if not is_number(request.mw):
        problems.add("mw", request.mw, "a finite number [MW], + leaves the asset", "0 stops it")
    if not is_number(request.fallback_mw):
        problems.add("fallback_mw", request.fallback_mw, "a finite number [MW]", "leave it out for 0")
    for name in ("duration_s", "deliver_within_s", "hold_offline_s"):
        _check_time(name, getattr(request, name), problems)
    names = ("asset_id", "site_id", "group_id")
    for name in names:
        value = getattr(request, name)
        if value is not None and not (isinstance(value, str) and value):
            problems.add(name, value, "an id as text", "leave it out, or name one")
    if all(getattr(request, name) is None for name in names):
        problems.add("target", "none", "asset_id, site_id or group_id", "name whom the power is for")
    if not isinstance(strict, bool):
        problems.add("strict", strict, "true or false", "leave it out to clamp instead")
    if not (isinstance(note, str) and len(note) <= _LONGEST_NOTE):
        problems.add("note", str(note)[:40], f"text of at most {_LONGEST_NOTE} letters", "shorten it")
    sign = _SIGNS.get(request.mode.strip().lower()) if isinstance(request.mode, str) else None
    if sign is not None and is_number(request.mw) and _contradicts(sign, request.mw):
        way = "discharges" if request.mw > 0.0 else "charges"
        problems.add("mode", f"{request.mode!r} with mw {request.mw:g}, which {way}", "a mode that agrees with mw",
                     "the sign alone says it: leave mode out")  # fmt: skip
    problems.raise_if_any()


def check_begin(request: CommandRequest, not_before: datetime | None, now: datetime) -> None:
    """Refuse a begin that is too far away, or that leaves nothing of the duration.

    Raises:
        InvalidInputError: In words.
    """
    if not_before is None:
        return
    wait_s = (not_before - now).total_seconds()
    if wait_s > LONGEST_S:
        problem = Problem(
            "not_before", not_before.isoformat(), f"at most {LONGEST_S / 86_400:g} days ahead", "begin sooner"
        )
        raise InvalidInputError(problem)
    if request.duration_s is not None and wait_s + request.duration_s <= 0.0:
        over = f"{not_before.isoformat()}, which with duration_s {request.duration_s:g} is over"
        raise InvalidInputError(Problem("not_before", over, "an end that is to come", "leave it out to begin at once"))


def _check_time(name: str, value: object, problems: Problems) -> None:
    if value is not None and not (is_number(value) and 0.0 < value <= LONGEST_S):  # type: ignore[operator]
        problems.add(name, value, f"a number above 0, up to {LONGEST_S:g} [s]", "leave it out for none")


def _contradicts(sign: int, mw: float) -> bool:
    return mw != 0.0 and (sign == 0 or (sign > 0) != (mw > 0.0))
