"""`afterbay fleet schedule submit, list, cancel`: intervals of power for one target."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated, Any

import typer

from afterbay.cli import output

__all__ = ["add_schedule"]

_Url = Annotated[
    str | None, typer.Option("--url", envvar="AFTERBAY_URL", help="The headend's REST; default: http://127.0.0.1:3001.")
]
_Json = Annotated[bool, output.JSON_OPTION]
_Asset = Annotated[str | None, typer.Option(help="Asset: id, unique name, or the beginning of either.")]
_Site = Annotated[str | None, typer.Option(help="Site: id, unique name, or the beginning of either.")]
_Group = Annotated[str | None, typer.Option(help="Group: id, unique name, or the beginning of either.")]


def add_schedule(app: typer.Typer, open_fleet: Callable[[str | None], AbstractContextManager[Any]]) -> None:
    """Add `schedule` and its commands; `open_fleet` gives the fleet at an address."""
    schedule = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        **output.told(
            "Send a list of intervals to one target, see what is left of it, end it.",
            "afterbay fleet schedule submit tomorrow.csv --asset NQ-1",
            "afterbay fleet schedule cancel 5f0c2a1b",
        ),
    )
    app.add_typer(schedule, name="schedule")

    @schedule.command(
        **output.told(
            "Send intervals from a file, all or none: columns start, end, mw; + leaves the asset.",
            "afterbay fleet schedule submit tomorrow.csv --asset NQ-1 --dry-run",
            "afterbay fleet schedule submit - --site 'Mill Lane' --allow-gaps < plan.csv",
        )
    )
    def submit(
        file: Annotated[str, typer.Argument(help="CSV or JSON; - reads CSV from stdin.", metavar="FILE")],
        asset: _Asset = None,
        site: _Site = None,
        group: _Group = None,
        allow_gaps: Annotated[
            bool, typer.Option("--allow-gaps", help="0 MW between intervals that do not touch.")
        ] = False,
        strict: Annotated[
            bool, typer.Option("--strict", help="Refuse instead of clamping to what is possible.")
        ] = False,
        key: Annotated[str | None, typer.Option(help="Id of the schedule: the same one is sent once.")] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent; send nothing.")] = False,
        url: _Url = None,
        as_json: _Json = False,
    ) -> None:
        """Send intervals from a file, all or none: columns start, end, mw; + leaves the asset."""
        from afterbay.cli.fleet_scheduling import submit_schedule

        with open_fleet(url) as fleet:
            submit_schedule(
                fleet, file, asset=asset, site=site, group=group, allow_gaps=allow_gaps, strict=strict, key=key,
                dry_run=dry_run, as_json=as_json,
            )  # fmt: skip

    @schedule.command(
        name="list",
        **output.told(
            "Show the intervals of schedules that are not over.",
            "afterbay fleet schedule list",
            "afterbay fleet schedule list --asset NQ-1 --all --json",
        ),
    )
    def list_schedules(
        asset: _Asset = None,
        site: _Site = None,
        everything: Annotated[bool, typer.Option("--all", help="Also what is over.")] = False,
        url: _Url = None,
        as_json: _Json = False,
    ) -> None:
        """Show the intervals of schedules that are not over."""
        from afterbay.cli.fleet_scheduling import show_schedules

        with open_fleet(url) as fleet:
            show_schedules(fleet, asset=asset, site=site, everything=everything, as_json=as_json)

    @schedule.command(
        **output.told(
            "End every interval of a schedule that is not over.",
            "afterbay fleet schedule cancel 5f0c2a1b",
            "afterbay fleet schedule cancel 5f0c2a1b --reason 'prices changed' --dry-run",
        )
    )
    def cancel(
        schedule_id: Annotated[str, typer.Argument(help="Id of the schedule, or its beginning.", metavar="SCHEDULE")],
        reason: Annotated[str, typer.Option(help="For the log.")] = "",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would end; do nothing.")] = False,
        url: _Url = None,
        as_json: _Json = False,
    ) -> None:
        """End every interval of a schedule that is not over."""
        from afterbay.cli.fleet_scheduling import cancel_schedule

        with open_fleet(url) as fleet:
            cancel_schedule(fleet, schedule_id, reason=reason, dry_run=dry_run, as_json=as_json)
