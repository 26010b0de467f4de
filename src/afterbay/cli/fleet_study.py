"""The two commands of `afterbay fleet` that join a study and a fleet."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from afterbay.cli import output

if TYPE_CHECKING:
    from afterbay.client import Fleet

__all__ = ["add_commands"]

_Study = Annotated[Path, typer.Argument(help="Run folder, or the project file of a run.", metavar="STUDY")]
_Json = Annotated[bool, output.JSON_OPTION]


def add_commands(app: typer.Typer, open_fleet: Callable[[str | None], AbstractContextManager[Any]]) -> None:
    """Add `from-study` and `compare`; `open_fleet` gives the fleet at an address."""

    @app.command(
        name="from-study",
        **output.told(
            "Turn a sized option into an asset: the same battery, in assets.yaml.",
            "afterbay fleet from-study out/red-rock-quarry best --site 'Red Rock' --new-site --assets assets.yaml",
            "afterbay fleet from-study out/red-rock-quarry 3 --site 'High Moor' --dry-run",
        ),
    )
    def from_study(
        study: _Study,
        option: Annotated[str, typer.Argument(help="best, or the number of an option.", metavar="OPTION")],
        site: Annotated[str, typer.Option(help="Site in the assets file: its name or id.")],
        new_site: Annotated[bool, typer.Option("--new-site", help="Make the site if it is not there.")] = False,
        name: Annotated[str | None, typer.Option(help="Name of the asset; default: project and option.")] = None,
        ramp: Annotated[float | None, typer.Option(help="Ramp [MW/min]; a study knows none; default: 1000.")] = None,
        device: Annotated[str | None, typer.Option(help="Where it is reached; default: the simulator, sim:.")] = None,
        assets: Annotated[Path | None, typer.Option(help="Assets file; default: ASSETS_PATH, assets.yaml.")] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the entry; write nothing.")] = False,
        as_json: _Json = False,
    ) -> None:
        """Turn a sized option into an asset: the same battery, in assets.yaml."""
        from afterbay.cli.fleet_plant import make_from_study

        make_from_study(
            study, option, site=site, new_site=new_site, name=name, ramp=ramp, device=device, assets=assets,
            dry_run=dry_run, as_json=as_json,
        )  # fmt: skip

    @app.command(
        **output.told(
            "Lay a day of telemetry beside the plan of an option, with the reasons of the difference.",
            "afterbay fleet compare 'Red Rock Quarry 3' --study out/red-rock-quarry --date 2026-06-21",
            "afterbay fleet compare RR --study out/red-rock-quarry --date 2026-06-21 --file day.csv --json",
        )
    )
    def compare(
        asset: Annotated[str, typer.Argument(help="Asset: id, unique name, or a beginning.", metavar="ASSET")],
        study: Annotated[Path, typer.Option(help="Run folder, or the project file of a run.")],
        day: Annotated[str, typer.Option("--date", help="Day of the plant, in the study's own clock.")],
        option: Annotated[
            str | None, typer.Option(help="best or a number; default: the one it was made from, else best.")
        ] = None,
        plan_day: Annotated[
            str | None, typer.Option(help="Day of the study: worst, best, typical, a number or a date; default: same.")
        ] = None,
        file: Annotated[Path | None, typer.Option(help="CSV or Parquet of telemetry in place of a headend.")] = None,
        url: Annotated[str | None, typer.Option("--url", envvar="AFTERBAY_URL", help="The headend's REST.")] = None,
        as_json: _Json = False,
    ) -> None:
        """Lay a day of telemetry beside the plan of an option, with the reasons of the difference."""
        from afterbay.cli.fleet_plant import compare_asset

        with ExitStack() as stack:

            def fleet() -> Fleet:
                found: Fleet = stack.enter_context(open_fleet(url))
                return found

            compare_asset(
                fleet, asset, study=study, option=option, day=day, plan=plan_day, file=file, as_json=as_json
            )  # fmt: skip
