"""`afterbay cycle`: the 15-minute solar cycle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from afterbay.cli import output
from afterbay.cli.failures import GOAL_NOT_REACHED, INVALID_INPUT

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    **output.told(
        "Run and watch the 15-minute solar cycle.",
        "afterbay cycle run",
        "afterbay cycle status",
    ),
)

_Config = Annotated[Path, typer.Option("--config", "-c", help="Configuration file; `cycle init` makes one.")]
_Json = Annotated[bool, output.JSON_OPTION]
_Dry = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")]
_Id = Annotated[str, typer.Argument(help="Cycle, such as 20240911_1415, or the beginning of it.", metavar="ID")]
_FILE = Path("cycle.yaml")


@app.command(
    **output.told(
        "Write a configuration file to begin with.",
        "afterbay cycle init",
        "afterbay cycle init solar/cycle.yaml",
    )
)
def init(
    config: Annotated[Path, typer.Argument(help="File to make.", metavar="FILE")] = _FILE,
    dry_run: _Dry = False,
    as_json: _Json = False,
) -> None:
    """Write a configuration file to begin with."""
    from afterbay.cli.cycle_running import make_config

    make_config(config, dry_run=dry_run, as_json=as_json)


@app.command(
    **output.told(
        "Run one cycle now; running it again adds nothing.",
        "afterbay cycle run",
        "afterbay cycle run --at 2024-09-11T14:15 --seed 42 --weather 0.9",
    )
)
def run(
    config: _Config = _FILE,
    at: Annotated[str | None, typer.Option(help="Quarter hour (UTC unless it has a zone); default: this one.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed in place of the configured one.")] = None,
    weather: Annotated[float | None, typer.Option(help="Weather factor in place of the configured weather.")] = None,
    dry_run: _Dry = False,
    as_json: _Json = False,
) -> None:
    """Run one cycle now; running it again adds nothing."""
    from afterbay.cli.cycle_running import open_cycle, run_one
    from afterbay.cli.cycle_times import quarter_or_now

    service = open_cycle(config, seed=seed, weather=weather)
    run_one(service, quarter_or_now(at, service), dry_run=dry_run, as_json=as_json)


@app.command(
    **output.told(
        "Watch in the background: a cycle on every quarter hour.",
        "afterbay cycle start",
        "afterbay cycle start --config solar/cycle.yaml",
    )
)
def start(config: _Config = _FILE, dry_run: _Dry = False, as_json: _Json = False) -> None:
    """Watch in the background: a cycle on every quarter hour."""
    from afterbay.cli.cycle_running import open_cycle
    from afterbay.cli.cycle_watching import start_watch

    start_watch(open_cycle(config), dry_run=dry_run, as_json=as_json)


@app.command(
    **output.told(
        "End the watch in the background, after the cycle that is under way.",
        "afterbay cycle stop",
        "afterbay cycle stop --config solar/cycle.yaml",
    )
)
def stop(config: _Config = _FILE, dry_run: _Dry = False, as_json: _Json = False) -> None:
    """End the watch in the background, after the cycle that is under way."""
    from afterbay.cli.cycle_running import open_cycle
    from afterbay.cli.cycle_watching import stop_watch

    stop_watch(open_cycle(config), dry_run=dry_run, as_json=as_json)


@app.command(
    **output.told(
        "Watch here until Ctrl-C: a cycle on every quarter hour, missed ones first.",
        "afterbay cycle watch",
        "afterbay cycle watch --config solar/cycle.yaml",
    )
)
def watch(config: _Config = _FILE) -> None:
    """Watch here until Ctrl-C: a cycle on every quarter hour, missed ones first."""
    from afterbay.cli.cycle_running import open_cycle
    from afterbay.cli.cycle_watching import watch_here

    watch_here(open_cycle(config, echo=True))


@app.command(
    **output.told(
        "Show how the cycle is, and the last day as a strip.",
        "afterbay cycle status",
        "afterbay cycle status --json --fail-on-alert",
    )
)
def status(
    config: _Config = _FILE,
    fail: Annotated[bool, typer.Option("--fail-on-alert", help="Exit 8 when something is out of its target.")] = False,
    as_json: _Json = False,
) -> None:
    """Show how the cycle is, and the last day as a strip."""
    from afterbay.cli.cycle_looking import show_status
    from afterbay.cli.cycle_running import open_cycle

    healthy = show_status(open_cycle(config), as_json=as_json)
    if fail and not healthy:
        raise typer.Exit(GOAL_NOT_REACHED)


@app.command(
    name="list",
    **output.told(
        "List cycles, oldest first.",
        "afterbay cycle list --state failed",
        "afterbay cycle list --since 7d --json",
    ),
)
def list_cycles(
    config: _Config = _FILE,
    state: Annotated[str | None, typer.Option(help="ok, late, failed, missed, running or backfilled.")] = None,
    since: Annotated[str, typer.Option(help="Such as 12h, 7d, or a time; default: a day.")] = "1d",
    as_json: _Json = False,
) -> None:
    """List cycles, oldest first."""
    from afterbay.cli.cycle_looking import show_list
    from afterbay.cli.cycle_running import open_cycle

    show_list(open_cycle(config), state=state, since=since, as_json=as_json)


@app.command(
    **output.told(
        "Show one cycle step by step.",
        "afterbay cycle show 20240911_1415",
        "afterbay cycle show 20240911_1415 --json",
    )
)
def show(cycle: _Id, config: _Config = _FILE, as_json: _Json = False) -> None:
    """Show one cycle step by step."""
    from afterbay.cli.cycle_looking import record_document, record_lines
    from afterbay.cli.cycle_running import open_cycle

    record = open_cycle(config).record(cycle)
    if as_json:
        output.json_document(record_document(record))
    else:
        output.lines(record_lines(record))


@app.command(
    **output.told(
        "Run a cycle again that failed or was missed.",
        "afterbay cycle retry 20240911_1415",
        "afterbay cycle retry 20240911_1415 --dry-run",
    )
)
def retry(cycle: _Id, config: _Config = _FILE, dry_run: _Dry = False, as_json: _Json = False) -> None:
    """Run a cycle again that failed or was missed."""
    from afterbay.cli.cycle_running import open_cycle, run_one

    service = open_cycle(config)
    run_one(service, service.record(cycle).at, dry_run=dry_run, as_json=as_json)


@app.command(
    **output.told(
        "Run every cycle of a time in order; what is stored already stays as it is.",
        "afterbay cycle backfill --from 2024-09-11T10:00 --to 2024-09-11T12:00",
        "afterbay cycle backfill --from 2024-09-11 --to 2024-09-12 --dry-run",
    )
)
def backfill(
    since: Annotated[str, typer.Option("--from", help="First quarter hour.")],
    until: Annotated[str, typer.Option("--to", help="Time after the last quarter hour.")],
    config: _Config = _FILE,
    dry_run: _Dry = False,
    as_json: _Json = False,
) -> None:
    """Run every cycle of a time in order; what is stored already stays as it is."""
    from afterbay.cli.cycle_running import backfill_cycles, open_cycle
    from afterbay.cli.cycle_times import past_range

    service = open_cycle(config)
    backfill_cycles(service, *past_range(since, until, service), dry_run=dry_run, as_json=as_json)


@app.command(
    **output.told(
        "Check a results file by every rule of the contract; nothing is stored.",
        "afterbay cycle validate results_20240911_1415.csv",
        "afterbay cycle validate results_20240911_1415.csv --users users.csv --json",
    )
)
def validate(
    file: Annotated[Path, typer.Argument(help="Results file.", metavar="FILE")],
    users: Annotated[
        Path | None, typer.Option(help="Users file: checks panels, inverters, batteries, coverage.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Check a results file by every rule of the contract; nothing is stored."""
    from afterbay.cli.cycle_looking import show_validation

    if not show_validation(file, users, as_json=as_json):
        raise typer.Exit(INVALID_INPUT)


@app.command(
    name="export-users",
    **output.told(
        "Write the input file of a cycle into a folder, or send it to an address.",
        "afterbay cycle export-users",
        "afterbay cycle export-users s3://bucket/solar_sim --at 2024-09-11T14:15",
    ),
)
def export_users(
    to: Annotated[str, typer.Argument(help="Folder, file://, s3:// or gs://.", metavar="[TO]")] = ".",
    config: _Config = _FILE,
    at: Annotated[str | None, typer.Option(help="Quarter hour of the file; default: this one.")] = None,
    link: Annotated[bool, typer.Option("--link", help="Object stores: print a signed link, good for 15 min.")] = False,
    dry_run: _Dry = False,
    as_json: _Json = False,
) -> None:
    """Write the input file of a cycle into a folder, or send it to an address."""
    from afterbay.cli.cycle_running import open_cycle, send_users
    from afterbay.cli.cycle_times import quarter_or_now

    service = open_cycle(config)
    send_users(service, to, quarter_or_now(at, service), link=link, dry_run=dry_run, as_json=as_json)
