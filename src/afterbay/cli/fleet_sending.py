"""`afterbay fleet dispatch, preview, cancel`: a power, foreseen before it is sent, and what became of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import typer

from afterbay.cli import numbers, output
from afterbay.cli.failures import GOAL_NOT_REACHED, INTERRUPTED
from afterbay.cli.fleet_waiting import wait_for
from afterbay.cli.fleet_words import NOTHING, direction, signed_mw
from afterbay.cli.tables import table
from afterbay.client.times import read_span, shown_span, stamp
from afterbay.core.errors import InvalidInputError, Problem, Problems

if TYPE_CHECKING:
    from afterbay.client import AssetState, Command, Fleet, Preview, Target

__all__ = ["Order", "cancel_command", "named_target", "preview_order", "read_mw", "send_order"]

UNTIL_REPLACED: Final = "until-replaced"
_NOTABLE_SHARE: Final = 0.5
_SETTLE_S: Final = 60.0
_BAD_ENDS = ("limited", "rejected", "failed", "expired", "superseded", "cancelled")


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asks for."""

    asset: str | None
    site: str | None
    group: str | None
    mw: float
    for_: str | None
    note: str
    strict: bool
    deliver_within: str | None
    fallback_mw: float = 0.0

    def words(self) -> dict[str, Any]:
        """Return the words of `Target.dispatch`."""
        # A stop holds: nobody wants it to end by itself.
        span = None if self.for_ == UNTIL_REPLACED or (self.for_ is None and self.mw == 0.0) else self.for_ or "1h"
        return {
            "for_": span,
            "note": self.note,
            "strict": self.strict,
            "deliver_within": self.deliver_within,
            "fallback_mw": self.fallback_mw,
        }


def read_mw(*, discharge: float | None, charge: float | None, stop: bool, mw: float | None) -> float:
    """Return the signed power that one of the four options means [MW].

    Raises:
        InvalidInputError: If not exactly one is given, or `--discharge` or `--charge` is not above 0.
    """
    problems = Problems()
    given = {"--discharge": discharge, "--charge": charge, "--stop": 0.0 if stop else None, "--mw": mw}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        got = " and ".join(named) or "none"
        problems.add("power", got, "one of --discharge, --charge, --stop, --mw", "say what it is to do")
    for name, value in (("--discharge", discharge), ("--charge", charge)):
        if value is not None and not value > 0.0:
            problems.add(name, f"{value:g}", "above 0 MW", "its direction is in its name; --mw takes a sign")
    problems.raise_if_any()
    return discharge if discharge is not None else -charge if charge is not None else mw or 0.0


def find_target(fleet: Fleet, order: Order) -> Target:
    """Return who is meant.

    Raises:
        InvalidInputError: If not exactly one is named.
    """
    return named_target(fleet, asset=order.asset, site=order.site, group=order.group)


def named_target(fleet: Fleet, *, asset: str | None, site: str | None, group: str | None) -> Target:
    """Return who is meant by the one of three options that is given.

    Raises:
        InvalidInputError: If not exactly one is.
    """
    named = {"--asset": asset, "--site": site, "--group": group}
    given = [name for name, value in named.items() if value is not None]
    if len(given) != 1:
        got = " and ".join(given) or "none"
        raise InvalidInputError(Problem("target", got, "one of --asset, --site, --group", "say whom it is for"))
    if asset is not None:
        return fleet.asset(asset)
    return fleet.site(site) if site is not None else fleet.group(str(group))


def preview_order(fleet: Fleet, order: Order, *, as_json: bool) -> None:
    """Foresee an order; nothing is sent."""
    target = find_target(fleet, order)
    preview = target.preview(order.mw, **order.words())
    if as_json:
        output.json_document({"sent": False, "target": _target_document(target), "preview": preview.document})
    else:
        output.lines(_preview_lines(target, preview, order, _names(fleet)))


def send_order(
    fleet: Fleet,
    order: Order,
    *,
    key: str | None,
    yes: bool,
    wait: bool,
    timeout: str | None,
    as_json: bool,
) -> None:
    """Foresee an order, ask where it is a big step, send it once, and follow it if asked to."""
    target = find_target(fleet, order)
    limit_s = None if timeout is None else read_span(timeout, "--timeout")
    preview = target.preview(order.mw, **order.words())
    names = _names(fleet)
    if not as_json:
        output.lines(_preview_lines(target, preview, order, names))
    if not yes and output.is_terminal(sys.stdin) and output.is_terminal():
        sentence = _big_step(target, preview, fleet.assets(), _members(fleet, target))
        if sentence and not typer.confirm(f"{sentence} Send?", err=True):
            output.note("nothing was sent")
            raise typer.Exit(INTERRUPTED)
    command = target.dispatch(order.mw, key=key or str(uuid4()), **order.words())
    if not as_json:
        said = f"  {command.reason}" if command.reason and command.clamped else ""
        output.lines([f"sent       {command.id[:8]}  {command.state}{said}"])
        if not wait:
            output.note(f"how it goes: afterbay fleet log; end it: afterbay fleet cancel {command.id[:8]}")
    if wait:
        longest_s = limit_s if limit_s is not None else (preview.ramp_s or 0.0) + _SETTLE_S
        wait_for(fleet, command, ramp_s=preview.ramp_s, limit_s=longest_s, quiet=as_json)
    if as_json:
        output.json_document(
            {
                "sent": True,
                "target": _target_document(target),
                "preview": preview.document,
                "command": command.document,
                "outcome": command.outcome,
            }
        )
    elif wait:
        output.lines(_outcome_lines(command, names))
    if wait and (command.reached_at is None and command.outcome in _BAD_ENDS):
        raise typer.Exit(GOAL_NOT_REACHED)


def cancel_command(fleet: Fleet, command_id: str, *, reason: str, dry_run: bool, as_json: bool) -> None:
    """End a command now."""
    command = fleet.command(command_id)
    if dry_run:
        text = f"would end {command.id[:8]}, {signed_mw(command.mw)}, {command.outcome}"
    else:
        command.stop(reason)
        text = f"ending     {command.id[:8]}  {command.state}; its assets ramp to {signed_mw(_fallback(command))}"
    if as_json:
        output.json_document({"cancelled": not dry_run, "command": command.document})
    else:
        output.lines([text])


def _preview_lines(target: Target, preview: Preview, order: Order, names: dict[str, str]) -> list[str]:
    words = order.words()
    lasts = "until it is replaced" if words["for_"] is None else f"for {shown_span(read_span(words['for_']))}"
    lines = [f"{target.kind:<10} {target.name}, {lasts}", f"foreseen   {preview.sentence}"]
    if preview.clamped:
        why = str(preview.document.get("reason") or "its limits")
        lines.append(f"clamped    {signed_mw(preview.requested_mw)} asked for, {signed_mw(preview.mw)} possible: {why}")
    if target.kind != "asset" and preview.split:
        rows = [
            [names.get(part.asset_id, part.asset_id), signed_mw(part.raw_mw), signed_mw(part.mw),
             part.reason or ("clamped" if part.clamped else "")]
            for part in preview.split
        ]  # fmt: skip
        lines += ["", *table(("ASSET", "SHARE", "POWER", "WHY NOT ITS SHARE"), rows, left=(0, 3)), ""]
    if abs(preview.shortfall_mw) > 1e-6:
        lines.append(f"shortfall  {signed_mw(preview.shortfall_mw)} of {signed_mw(preview.requested_mw)} by nobody")
    return lines


def _outcome_lines(command: Command, names: dict[str, str]) -> list[str]:
    lines = []
    parts = command.parts
    if len(parts) > 1:
        rows = [
            [names.get(part.asset_id, part.asset_id), signed_mw(part.applied_mw), signed_mw(part.delivered_mw),
             part.state, part.reason]
            for part in parts
        ]  # fmt: skip
        lines += ["", *table(("ASSET", "TOLD", "DELIVERS", "STATE", "REASON"), rows, left=(0, 3, 4)), ""]
    delivered = command.document.get("delivered_mw")
    power = direction(delivered) if isinstance(delivered, (int, float)) else NOTHING
    why = f": {command.reason}" if command.reason else ""
    word = command.outcome if command.outcome in ("reached", "completed") else f"not reached, {command.outcome}{why}"
    until = "" if command.valid_until is None else f"  until {stamp(command.valid_until)[11:19]} UTC"
    return [*lines, f"{'reached' if command.outcome == 'reached' else 'outcome':<10} {word}  {power}{until}"]


def _big_step(target: Target, preview: Preview, assets: list[AssetState], members: set[str]) -> str:
    """Return a sentence for a step that deserves a second look, or an empty text."""
    meant = [asset for asset in assets if asset.id in members]
    now_mw = sum(asset.sample.mw for asset in meant if asset.sample is not None)
    limit = sum(asset.max_mw if preview.mw > 0.0 else -asset.min_mw for asset in meant)
    said = []
    if now_mw * preview.mw < 0.0 and abs(now_mw) > 0.1:
        said.append(f"it turns {target.name} round, which now does {direction(now_mw)}")
    if limit > 0.0 and abs(preview.mw) > _NOTABLE_SHARE * limit:
        said.append(f"it is {numbers.percent(abs(preview.mw) / limit * 100.0)} of the limit of {numbers.power(limit)}")
    return f"{signed_mw(preview.mw)}: {' and '.join(said)}." if said else ""


def _members(fleet: Fleet, target: Target) -> set[str]:
    if target.kind == "asset":
        return {target.id}
    if target.kind == "site":
        return {asset.id for asset in fleet.assets() if asset.site_id == target.id}
    row = next((row for row in fleet.groups() if row.get("id") == target.id), {})
    return {str(one) for one in row.get("asset_ids") or ()}


def _names(fleet: Fleet) -> dict[str, str]:
    return {asset.id: asset.name for asset in fleet.assets()}


def _target_document(target: Target) -> dict[str, str]:
    return {"kind": target.kind, "id": target.id, "name": target.name}


def _fallback(command: Command) -> float:
    value = command.document.get("fallback_mw")
    return float(value) if isinstance(value, (int, float)) else 0.0
