"""`afterbay fleet`: look at a fleet and tell it what to do, through a headend's REST."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afterbay.cli import fleet_schedule, fleet_study, output
from afterbay.cli.failures import GOAL_NOT_REACHED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from afterbay.cli.fleet_sending import Order
    from afterbay.client import Fleet

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    **output.told(
        "Look at a fleet and tell it what to do.",
        "afterbay fleet list --watch",
        "afterbay fleet dispatch --site 'Mill Lane' --discharge 20 --for 1h --wait",
    ),
)
assets_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    **output.told(
        "Check a file of sites, assets and groups, or put it into a headend.",
        "afterbay fleet assets validate assets.yaml",
        "afterbay fleet assets apply assets.yaml --dry-run",
    ),
)
app.add_typer(assets_app, name="assets")

_Url = Annotated[
    str | None, typer.Option("--url", envvar="AFTERBAY_URL", help="The headend's REST; default: http://127.0.0.1:3001.")
]
_Json = Annotated[bool, output.JSON_OPTION]
_Dry = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_Watch = Annotated[bool, typer.Option("--watch", "-w", help="Go on showing it, until Ctrl-C.")]
_Seconds = Annotated[str | None, typer.Option("--during", help="With --watch: end after so long, such as 20s.")]
_Named = Annotated[str, typer.Argument(help="Asset: id, unique name, or the beginning of either.", metavar="ASSET")]
_Asset = Annotated[str | None, typer.Option(help="Asset: id, unique name, or the beginning of either.")]
_Site = Annotated[str | None, typer.Option(help="Site: id, unique name, or the beginning of either.")]
_Group = Annotated[str | None, typer.Option(help="Group: id, unique name, or the beginning of either.")]
_Discharge = Annotated[float | None, typer.Option(help="Give so much [MW].")]
_Charge = Annotated[float | None, typer.Option(help="Take so much [MW].")]
_Stop = Annotated[bool, typer.Option("--stop", help="Go to 0 MW and stay there.")]
_Mw = Annotated[float | None, typer.Option(help="Signed power [MW]; + leaves the asset.")]
_For = Annotated[
    str | None,
    typer.Option("--for", help="How long, such as 15min or 1h30m, or until-replaced; default: 1h, a stop holds."),
]
_Note = Annotated[str, typer.Option(help="For the log.")]
_Strict = Annotated[bool, typer.Option("--strict", help="Refuse instead of clamping to what is possible.")]
_Within = Annotated[str | None, typer.Option(help="Wait so long for an asset that is offline; default: refuse.")]
_Fallback = Annotated[float, typer.Option("--then", help="What follows the end [MW].")]


@contextmanager
def _fleet(url: str | None) -> Iterator[Fleet]:
    from afterbay.client import connect

    with connect(url) as client:
        yield client.fleet


@app.command(
    name="list",
    **output.told(
        "Show every asset: power, state of charge, and how old the values are.",
        "afterbay fleet list",
        "afterbay fleet list --watch",
    ),
)
def list_assets(
    url: _Url = None,
    watch: _Watch = False,
    during: _Seconds = None,
    fail: Annotated[bool, typer.Option("--fail-on-stale", help="Exit 8 when an asset is stale or offline.")] = False,
    as_json: _Json = False,
    as_ndjson: Annotated[bool, typer.Option("--ndjson", help="With --watch: a JSON document per sample.")] = False,
) -> None:
    """Show every asset: power, state of charge, and how old the values are."""
    from afterbay.cli.fleet_looking import list_document, list_lines

    with _fleet(url) as fleet:
        if watch or as_ndjson:
            from afterbay.cli.fleet_watching import watch_assets

            watch_assets(fleet, seconds=_span(during), as_ndjson=as_ndjson or as_json)
            return
        assets = fleet.assets()
        now = fleet.connection.now()
        if as_json:
            output.json_document(list_document(fleet, assets, now))
        else:
            output.lines(list_lines(assets, now))
    if fail and not all(asset.counts(now) for asset in assets):
        raise typer.Exit(GOAL_NOT_REACHED)


@app.command(
    **output.told(
        "Show everything that is known of one asset.",
        "afterbay fleet show NQ-1",
        "afterbay fleet show NQ-1 --json",
    )
)
def show(asset: _Named, url: _Url = None, as_json: _Json = False) -> None:
    """Show everything that is known of one asset."""
    from afterbay.cli.fleet_looking import show_asset

    with _fleet(url) as fleet:
        show_asset(fleet, asset, as_json=as_json)


@app.command(
    **output.told(
        "Show the past of one asset (a headend with a database).",
        "afterbay fleet history NQ-1 --from 6h",
        "afterbay fleet history NQ-1 --from 2026-11-20 --to 2026-11-21 --csv > day.csv",
    )
)
def history(
    asset: _Named,
    start: Annotated[str, typer.Option("--from", help="First moment (UTC unless it has a zone), or 6h ago.")] = "1h",
    end: Annotated[str, typer.Option("--to", help="Moment after the last one.")] = "now",
    step: Annotated[str | None, typer.Option(help="Means over steps so long, such as 1min.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with every column.")] = False,
    parquet: Annotated[Path | None, typer.Option(help="Write a Parquet file (needs pyarrow).")] = None,
    url: _Url = None,
    as_json: _Json = False,
) -> None:
    """Show the past of one asset (a headend with a database)."""
    from afterbay.cli.fleet_history import show_history

    with _fleet(url) as fleet:
        show_history(fleet, asset, start=start, end=end, step=step, as_csv=as_csv, parquet=parquet, as_json=as_json)


@app.command(
    **output.told(
        "Tell an asset, a site or a group a power; what it does is shown before it is sent.",
        "afterbay fleet dispatch --asset NQ-1 --discharge 30 --for 1h --wait",
        "afterbay fleet dispatch --site 'Mill Lane' --charge 20 --dry-run",
    )
)
def dispatch(
    asset: _Asset = None,
    site: _Site = None,
    group: _Group = None,
    discharge: _Discharge = None,
    charge: _Charge = None,
    stop: _Stop = False,
    mw: _Mw = None,
    lasts: _For = None,
    note: _Note = "",
    strict: _Strict = False,
    deliver_within: _Within = None,
    fallback_mw: _Fallback = 0.0,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is reached; exit 8 if it is not.")] = False,
    timeout: Annotated[str | None, typer.Option(help="With --wait: longest wait; default: the ramp and 1min.")] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same key is sent once.")] = None,
    yes: _Yes = False,
    dry_run: _Dry = False,
    url: _Url = None,
    as_json: _Json = False,
) -> None:
    """Tell an asset, a site or a group a power; what it does is shown before it is sent."""
    from afterbay.cli.fleet_sending import preview_order, read_mw, send_order

    power = read_mw(discharge=discharge, charge=charge, stop=stop, mw=mw)
    order = _order(asset, site, group, power, lasts, note, strict, deliver_within, fallback_mw)
    with _fleet(url) as fleet:
        if dry_run:
            preview_order(fleet, order, as_json=as_json)
        else:
            send_order(fleet, order, key=key, yes=yes, wait=wait, timeout=timeout, as_json=as_json)


@app.command(
    **output.told(
        "Foresee a command: ramp, state of charge, split; nothing is sent.",
        "afterbay fleet preview --asset NQ-1 --discharge 30 --for 2h",
        "afterbay fleet preview --site 'North Quay' --mw -50 --json",
    )
)
def preview(
    asset: _Asset = None,
    site: _Site = None,
    group: _Group = None,
    discharge: _Discharge = None,
    charge: _Charge = None,
    stop: _Stop = False,
    mw: _Mw = None,
    lasts: _For = None,
    strict: _Strict = False,
    deliver_within: _Within = None,
    fallback_mw: _Fallback = 0.0,
    url: _Url = None,
    as_json: _Json = False,
) -> None:
    """Foresee a command: ramp, state of charge, split; nothing is sent."""
    from afterbay.cli.fleet_sending import preview_order, read_mw

    power = read_mw(discharge=discharge, charge=charge, stop=stop, mw=mw)
    order = _order(asset, site, group, power, lasts, "", strict, deliver_within, fallback_mw)
    with _fleet(url) as fleet:
        preview_order(fleet, order, as_json=as_json)


@app.command(
    **output.told(
        "End a command now; its assets ramp to what follows it.",
        "afterbay fleet cancel 5f0c2a1b",
        "afterbay fleet cancel 5f0c2a1b --reason 'grid asked'",
    )
)
def cancel(
    command: Annotated[str, typer.Argument(help="Id of the command, or its beginning.", metavar="COMMAND")],
    reason: Annotated[str, typer.Option(help="For the log.")] = "",
    dry_run: _Dry = False,
    url: _Url = None,
    as_json: _Json = False,
) -> None:
    """End a command now; its assets ramp to what follows it."""
    from afterbay.cli.fleet_sending import cancel_command

    with _fleet(url) as fleet:
        cancel_command(fleet, command, reason=reason, dry_run=dry_run, as_json=as_json)


@app.command(
    **output.told(
        "Show commands, newest first: who, what, and what became of it.",
        "afterbay fleet log --asset NQ-1",
        "afterbay fleet log --since 1d --state limited --json",
    )
)
def log(
    asset: _Asset = None,
    site: _Site = None,
    state: Annotated[str | None, typer.Option(help="Only those in this state, such as active or rejected.")] = None,
    user: Annotated[str | None, typer.Option(help="Only those that this user sent.")] = None,
    since: Annotated[str | None, typer.Option(help="Such as 12h, 7d, or a time.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many.")] = 200,
    url: _Url = None,
    as_json: _Json = False,
) -> None:
    """Show commands, newest first: who, what, and what became of it."""
    from afterbay.cli.fleet_looking import show_log

    with _fleet(url) as fleet:
        show_log(
            fleet, asset=asset, site=site, state=state, actor=user, since=since, limit=limit, as_json=as_json
        )  # fmt: skip


@app.command(
    **output.told(
        "Show who serves which asset, since when, and from where.",
        "afterbay fleet agents",
        "afterbay fleet agents --watch",
    )
)
def agents(url: _Url = None, watch: _Watch = False, during: _Seconds = None, as_json: _Json = False) -> None:
    """Show who serves which asset, since when, and from where."""
    from afterbay.cli.fleet_looking import show_agents

    with _fleet(url) as fleet:
        if watch:
            from afterbay.cli.fleet_watching import watch_agents

            watch_agents(fleet, seconds=_span(during))
        else:
            show_agents(fleet, as_json=as_json)


@app.command(
    **output.told(
        "Show the groups of assets that are commanded together.",
        "afterbay fleet groups",
        "afterbay fleet groups --json",
    )
)
def groups(url: _Url = None, as_json: _Json = False) -> None:
    """Show the groups of assets that are commanded together."""
    from afterbay.cli.fleet_looking import show_groups

    with _fleet(url) as fleet:
        show_groups(fleet, as_json=as_json)


@assets_app.command(
    **output.told(
        "Check a file of sites, assets and groups; nothing is changed.",
        "afterbay fleet assets validate assets.yaml",
        "afterbay fleet assets validate assets.yaml --json",
    )
)
def validate(
    file: Annotated[Path, typer.Argument(help="Assets file.", metavar="FILE")], as_json: _Json = False
) -> None:
    """Check a file of sites, assets and groups; nothing is changed."""
    from afterbay.cli.fleet_assets import validate_file

    validate_file(file, as_json=as_json)


@assets_app.command(
    **output.told(
        "Make a running headend operate what a file says.",
        "afterbay fleet assets apply assets.yaml --dry-run",
        "afterbay fleet assets apply assets.yaml --prune",
    )
)
def apply(
    file: Annotated[Path, typer.Argument(help="Assets file.", metavar="FILE")],
    prune: Annotated[bool, typer.Option("--prune", help="Remove what is not in the file; history stays.")] = False,
    yes: _Yes = False,
    dry_run: _Dry = False,
    url: _Url = None,
    as_json: _Json = False,
) -> None:
    """Make a running headend operate what a file says."""
    from afterbay.cli.fleet_assets import apply_file

    with _fleet(url) as fleet:
        apply_file(fleet, file, prune=prune, yes=yes, dry_run=dry_run, as_json=as_json)


def _order(
    asset: str | None,
    site: str | None,
    group: str | None,
    mw: float,
    lasts: str | None,
    note: str,
    strict: bool,
    deliver_within: str | None,
    fallback_mw: float,
) -> Order:
    from afterbay.cli.fleet_sending import Order

    return Order(asset, site, group, mw, lasts, note, strict, deliver_within, fallback_mw)


def _span(text: str | None) -> float | None:
    from afterbay.client.times import read_span

    return None if text is None else read_span(text, "--during")


fleet_schedule.add_schedule(app, _fleet)
fleet_study.add_commands(app, _fleet)
