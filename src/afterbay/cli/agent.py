"""`afterbay agent`: the edge agent, for one asset or a whole site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from afterbay.cli import output
from afterbay.cli.failures import GOAL_NOT_REACHED, UNAVAILABLE

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    **output.told(
        "Run the edge agent that drives assets and reports them to a headend.",
        "afterbay agent run --headend 127.0.0.1:50051 --assets assets.yaml --site 'North Quay'",
        "afterbay agent check",
    ),
)

_Headend = Annotated[str | None, typer.Option(help="host:port of the headend (HEADEND_GRPC).")]
_Assets = Annotated[Path | None, typer.Option(help="Assets file (ASSETS_PATH).")]
_Site = Annotated[str | None, typer.Option(help="Serve all assets of this site, by id or name (GATEWAY_SITE_ID).")]
_Asset = Annotated[str | None, typer.Option(help="Serve this asset alone, by id or name (ASSET_ID).")]
_Data = Annotated[Path | None, typer.Option(help="Folder of the spool and the state (AFTERBAY_AGENT_DATA).")]
_Json = Annotated[bool, output.JSON_OPTION]
_LogJson = Annotated[bool, typer.Option("--log-json", help="Log one JSON document per line.")]


@app.command(
    **output.told(
        "Run an agent until Ctrl-C; what is not given comes from the environment.",
        "GATEWAY_SITE_ID=... ASSETS_PATH=assets.yaml HEADEND_GRPC=127.0.0.1:50051 afterbay agent run",
        "afterbay agent run --headend https://headend.example:50051 --assets assets.yaml --asset NQ-1",
    )
)
def run(
    headend: _Headend = None,
    assets: _Assets = None,
    site: _Site = None,
    asset: _Asset = None,
    data: _Data = None,
    log_json: _LogJson = False,
) -> None:
    """Run an agent until Ctrl-C; what is not given comes from the environment."""
    from afterbay.cli.agent_running import read_options, run_here

    run_here(read_options(headend, assets, site, asset, data), log_json=log_json)


@app.command(
    **output.told(
        "Try the way to the headend: address, port, certificate, token, claim, clock.",
        "afterbay agent check",
        "afterbay agent check --headend headend.example:50051 --assets assets.yaml --site 'North Quay' --json",
    )
)
def check(
    headend: _Headend = None,
    assets: _Assets = None,
    site: _Site = None,
    asset: _Asset = None,
    timeout: Annotated[float, typer.Option(min=0.1, max=120.0, help="Longest wait for one step [s].")] = 5.0,
    as_json: _Json = False,
) -> None:
    """Try the way to the headend: address, port, certificate, token, claim, clock."""
    from afterbay.cli.agent_running import read_options, show_check

    failed = show_check(read_options(headend, assets, site, asset, None), timeout_s=timeout, as_json=as_json)
    if failed is not None:
        raise typer.Exit(GOAL_NOT_REACHED if failed in ("certificate", "own_certificate", "claim") else UNAVAILABLE)


@app.command(
    **output.told(
        "Start one agent per asset of a file and keep them running until Ctrl-C.",
        "afterbay agent launch",
        "afterbay agent launch --assets assets.yaml --asset HM-1 --asset HM-PV",
    )
)
def launch(
    assets: Annotated[
        Path | None, typer.Option(help="Assets file; default: ASSETS_PATH, assets.yaml here or one folder up.")
    ] = None,
    headend: _Headend = None,
    asset: Annotated[list[str] | None, typer.Option(help="Only these assets, by id or name.")] = None,
    data: _Data = None,
    log_json: _LogJson = False,
) -> None:
    """Start one agent per asset of a file and keep them running until Ctrl-C."""
    from afterbay.cli.agent_running import launch_here

    launch_here(assets, headend, asset or [], data, log_json=log_json)


@app.command(
    **output.told(
        "Show how an agent is, from its data folder; it need not run.",
        "afterbay agent status --data out/north-quay",
        "afterbay agent status --json",
    )
)
def status(
    assets: _Assets = None,
    site: _Site = None,
    asset: _Asset = None,
    data: _Data = None,
    fail: Annotated[bool, typer.Option("--fail-on-alert", help="Exit 8 when it does not run, or is not well.")] = False,
    as_json: _Json = False,
) -> None:
    """Show how an agent is, from its data folder; it need not run."""
    from afterbay.cli.agent_running import data_folder, show_status

    well = show_status(data_folder(assets, site, asset, data), as_json=as_json)
    if fail and not well:
        raise typer.Exit(GOAL_NOT_REACHED)
