"""`afterbay fleet list, show, groups, agents, log`: what only looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from afterbay.cli import numbers, output
from afterbay.cli.fleet_words import NOTHING, age, asset_document, clock, direction, signed_mw, soc, totals, totals_line
from afterbay.cli.tables import table
from afterbay.client.times import read_moment, shown_span, when
from afterbay.core.checks import is_number
from afterbay.fleet.messages import CLOCK_SKEW_S

if TYPE_CHECKING:
    from afterbay.client import AssetState, Command, Fleet

__all__ = [
    "Names",
    "agent_lines",
    "list_document",
    "list_lines",
    "show_agents",
    "show_asset",
    "show_groups",
    "show_log",
]

_HEAD = ("ASSET", "SITE", "POWER", "SETPOINT", "STATE OF CHARGE", "LIMITED BY", "DATA")


def list_lines(assets: Sequence[AssetState], now: datetime) -> list[str]:
    """Return the fleet as a table, by site, with its sums."""
    if not assets:
        return ["no assets yet: point ASSETS_PATH at a YAML file and restart the headend"]
    rows = []
    for asset in sorted(assets, key=lambda one: (one.site_name, one.name)):
        sample = asset.sample
        power = NOTHING if sample is None else direction(sample.mw, sample.status, asset.asset_type)
        if sample is not None and not asset.counts(now):
            # An old value is shown as an old value.
            power = f"({power})"
        rows.append(
            [
                asset.name,
                asset.site_name,
                power,
                NOTHING if sample is None else signed_mw(sample.setpoint_mw),
                soc(asset),
                (sample.fault_code or sample.limited_by or "") if sample is not None else "",
                age(asset, now),
            ]
        )
    return [*table(_HEAD, rows, left=(0, 1, 2, 5, 6)), "", totals_line(assets, now)]


def list_document(fleet: Fleet, assets: Sequence[AssetState], now: datetime) -> dict[str, Any]:
    """Return the fleet as plain values."""
    return {
        "url": fleet.connection.url,
        "at": now.isoformat(),
        "totals": totals(assets, now),
        "assets": [asset_document(asset, now) for asset in assets],
    }


def show_asset(fleet: Fleet, name: str, *, as_json: bool) -> None:
    """Show everything that is known of one asset."""
    asset = fleet.asset(name)
    sample, now = asset.telemetry(), fleet.connection.now()
    agent = next((row for row in fleet.agents() if row.get("asset_id") == asset.id), {})
    newest = fleet.log(limit=1, asset_id=asset.id)
    if as_json:
        telemetry = None if sample is None else fleet.connection.get(f"/telemetry/{asset.id}")
        document = {**asset_document(asset.state, now), "asset": asset.document, "telemetry": telemetry, "agent": agent}
        output.json_document({**document, "command": newest[0].document if newest else None})
        return
    state = asset.state
    facts: list[tuple[str, str]] = [
        ("asset", f"{state.name}  {state.asset_type}  {state.id}"),
        ("site", state.site_name),
        ("data", age(state, now)),
    ]
    if sample is not None:
        limit = f", limited by {sample.limited_by}" if sample.limited_by else ""
        facts.append(("power", f"{direction(sample.mw, sample.status, state.asset_type)}{limit}"))
        facts.append(("setpoint", signed_mw(sample.setpoint_mw)))
        facts.append(("state of charge", soc(state)))
        left_s = state.to_empty_s()
        if left_s is not None:
            facts.append(("empty in" if sample.mw > 0.0 else "full in", f"{shown_span(left_s)} at this power"))
        if sample.energy_out_mwh is not None and sample.energy_in_mwh is not None:
            energies = f"{numbers.energy(sample.energy_out_mwh)} out, {numbers.energy(sample.energy_in_mwh)} in"
            facts.append(("counted", energies))
        if sample.temperature_c is not None:
            facts.append(("temperature", f"{sample.temperature_c:.1f} °C"))
        facts.append(("quality", f"{sample.quality}, {sample.origin}"))
        if sample.fault_code:
            facts.append(("fault", sample.fault_code))
        facts += [
            (name, f"{value:g}" if isinstance(value, float) else str(value)) for name, value in sample.details.items()
        ]
    facts.append(("limits", f"{signed_mw(state.min_mw)} to {signed_mw(state.max_mw)}, {_ramp(state)}"))
    if state.capacity_mwh > 0.0:
        window = f"{state.min_soc_pct:g}..{state.max_soc_pct:g} %"
        facts.append(("capacity", f"{numbers.energy(state.capacity_mwh)}, {window}, {state.efficiency:g} one way"))
    facts.append(("gateway", f"{agent.get('gateway_id') or NOTHING} from {agent.get('peer') or NOTHING}"))
    facts.append(("tick", f"{_tick(agent.get('tick_s'))}, clock {_skew(agent.get('clock_skew_s'))}"))
    for command in newest:
        facts.append(("command", _command(command)))
    for session in agent.get("sessions") or ():
        facts.append(("session", _session(session)))
    width = max(len(label) for label, _ in facts)
    output.lines(f"{label.ljust(width)}  {text}" for label, text in facts)


def agent_lines(rows: Sequence[Mapping[str, Any]], now: datetime) -> list[str]:
    """Return who serves which asset as a table."""
    cells = []
    for row in sorted(rows, key=lambda one: (str(one.get("site_name")), str(one.get("asset_name")))):
        connected = row.get("connected") is True
        since = when(row.get("connected_at")) if connected else _ended(row)
        said = "● connected" if connected else "✕ offline" if since else "◌ never connected"
        heartbeat = when(row.get("last_heartbeat"))
        beat = NOTHING if heartbeat is None else f"{shown_span((now - heartbeat).total_seconds())} ago"
        cells.append(
            [
                str(row.get("asset_name") or row.get("asset_id")), str(row.get("site_name") or ""), said, clock(since),
                str(row.get("gateway_id") or NOTHING), str(row.get("peer") or NOTHING), beat,
                _tick(row.get("tick_s")), _skew(row.get("clock_skew_s")), str(row.get("reconnects", "")),
            ]
        )  # fmt: skip
    if not cells:
        return ["no assets yet: point ASSETS_PATH at a YAML file and restart the headend"]
    head = ("ASSET", "SITE", "AGENT", "SINCE", "GATEWAY", "PEER", "HEARTBEAT", "TICK", "CLOCK", "RECONNECTS")
    met = sum(row.get("connected") is True for row in rows)
    return [*table(head, cells, left=range(9)), "", f"{met} of {len(rows)} assets connected, {now:%H:%M:%S} UTC"]


def show_agents(fleet: Fleet, *, as_json: bool) -> None:
    """Show who serves which asset."""
    rows = fleet.agents()
    if as_json:
        output.json_document({"agents": rows})
    else:
        output.lines(agent_lines(rows, fleet.connection.now()))


def show_groups(fleet: Fleet, *, as_json: bool) -> None:
    """Show the groups and their assets."""
    rows = fleet.groups()
    if as_json:
        output.json_document({"groups": rows})
        return
    if not rows:
        output.lines(["no groups: add groups: to assets.yaml"])
        return
    names = {asset.id: asset.name for asset in fleet.assets()}
    cells = [
        [str(row.get("name")), ", ".join(names.get(one, one) for one in row.get("asset_ids") or ()), str(row.get("id"))]
        for row in rows
    ]
    output.lines(table(("GROUP", "ASSETS", "ID"), cells, left=(0, 1, 2)))


def show_log(
    fleet: Fleet,
    *,
    asset: str | None,
    site: str | None,
    state: str | None,
    actor: str | None,
    since: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show commands, newest first."""
    asset_id = None if asset is None else fleet.asset(asset).id
    site_id = None if site is None else fleet.site(site).id
    first = None if since is None else read_moment(since, fleet.connection.now(), "--since")
    found = [
        command
        for command in fleet.log(limit=limit, asset_id=asset_id, site_id=site_id, since=first)
        if (state is None or command.state == state.lower())
        and (actor is None or command.document.get("actor") == actor)
    ]
    if as_json:
        output.json_document({"commands": [command.document for command in found]})
        return
    if not found:
        output.lines(["no commands"])
        return
    names = Names(fleet)
    rows = [_log_row(command, names) for command in found]
    output.lines(
        table(("SENT", "WHO", "TARGET", "POWER", "FOR", "STATE", "REASON", "ID"), rows, left=(0, 1, 2, 5, 6, 7))
    )


def _command(command: Command) -> str:
    """Say what the newest command of an asset is, and why it is not as asked."""
    why = f": {command.reason}" if command.reason else ""
    return f"{signed_mw(command.mw)}, {command.outcome}{why}  {command.id[:8]}"


def _log_row(command: Command, names: Names) -> list[str]:
    row = command.document
    submitted, seconds = when(row.get("submitted_at")), row.get("duration_s")
    power = signed_mw(command.mw)
    if command.clamped:
        power += f" of {signed_mw(command.requested_mw)}"
    return [
        NOTHING if submitted is None else f"{submitted:%d %b %H:%M:%S}", str(row.get("actor") or NOTHING), names(row),
        power, shown_span(seconds) if seconds else "until replaced", command.outcome, command.reason, command.id[:8],
    ]  # fmt: skip


class Names:
    """Names of assets, sites and groups by id; asked for once, and only what is needed."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._groups: dict[str, str] | None = None

    def __call__(self, row: Mapping[str, Any]) -> str:
        """Return the name of whom a command is for."""
        if row.get("asset_id"):
            return str(row.get("asset_name") or row["asset_id"])
        if row.get("site_id"):
            return f"site {row.get('site_name') or row['site_id']}"
        if self._groups is None:
            self._groups = {str(group.get("id")): str(group.get("name")) for group in self._fleet.groups()}
        group_id = str(row.get("group_id") or "")
        return f"group {self._groups.get(group_id, group_id)}"


def _ramp(state: AssetState) -> str:
    return "ramp not told" if state.ramp_rate_mw_per_min is None else f"{state.ramp_rate_mw_per_min:g} MW/min"


def _tick(seconds: Any) -> str:
    return f"{seconds:g} s" if is_number(seconds) else NOTHING


def _skew(seconds: Any) -> str:
    """Say how an agent's clock stands to the headend's; what is within the way of a message is no difference."""
    if not is_number(seconds):
        return NOTHING
    return "ok" if abs(seconds) <= CLOCK_SKEW_S else f"▲ {seconds:+.1f} s"


def _session(session: Mapping[str, Any]) -> str:
    begun, ended = when(session.get("connected_at")), when(session.get("disconnected_at"))
    until = "now" if ended is None else f"{clock(ended)}{': ' + session['reason'] if session.get('reason') else ''}"
    return f"{NOTHING if begun is None else f'{begun:%d %b %H:%M:%S}'} to {until}  {session.get('peer')}"


def _ended(row: Mapping[str, Any]) -> datetime | None:
    sessions = row.get("sessions") or ()
    return when(sessions[0].get("disconnected_at")) if sessions else None
