"""What the commands of `afterbay agent` do."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from afterbay.cli import output
from afterbay.cli.failures import INTERRUPTED
from afterbay.cli.tables import table

if TYPE_CHECKING:
    from afterbay.fleet.agent import AgentSettings

__all__ = ["data_folder", "launch_here", "read_options", "run_here", "show_check", "show_status"]


def read_options(
    headend: str | None, assets: Path | None, site: str | None, asset: str | None, data: Path | None
) -> AgentSettings:
    """Return the settings of the options, and of the environment where an option is not given."""
    from afterbay.fleet.agent import read_agent_settings

    return read_agent_settings(
        headend=headend,
        assets=None if assets is None else str(assets),
        site=site,
        asset=asset,
        data=None if data is None else str(data),
    )


def run_here(settings: AgentSettings, *, log_json: bool) -> None:
    """Run an agent in this process until Ctrl-C or SIGTERM."""
    from afterbay.fleet.agent import end_with_parent, log_to_stderr, run_agent

    log_to_stderr(as_json=log_json)
    interrupted = threading.Event()

    async def run() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        def ask(number: int) -> None:
            if number == signal.SIGINT:
                interrupted.set()
            stop.set()

        def end() -> None:
            loop.call_soon_threadsafe(stop.set)

        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):  # Windows: Ctrl-C comes as KeyboardInterrupt
                loop.add_signal_handler(number, ask, number)
        end_with_parent(os.environ, end)
        await run_agent(settings, stop)

    asyncio.run(run())
    if interrupted.is_set():
        raise typer.Exit(INTERRUPTED)


def launch_here(
    assets: Path | None, headend: str | None, only: list[str], data: Path | None, *, log_json: bool
) -> None:
    """Start one agent per asset and end them all with this process.

    Raises:
        NotFoundError: If there is no assets file.
    """
    import random

    from platformdirs import user_data_path

    from afterbay.core.errors import NotFoundError
    from afterbay.fleet.agent import Launcher, log_to_stderr
    from afterbay.fleet.inventory import find_inventory

    assets = assets or find_inventory(os.environ, Path.cwd())
    if assets is None:
        raise NotFoundError("there is no assets.yaml here or one folder up -> name one with --assets, or ASSETS_PATH")
    log_to_stderr(as_json=log_json)
    environ = dict(os.environ)
    if headend is not None:
        environ["HEADEND_GRPC"] = headend
    folder = data or user_data_path("afterbay") / "agent" / "launch"
    launcher = Launcher(assets, folder, environ, random=random.random, only=only)
    stop, interrupted = threading.Event(), threading.Event()

    def ask(number: int, _: Any) -> None:
        if number == signal.SIGINT:
            interrupted.set()
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        launcher.run(stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if interrupted.is_set():
        raise typer.Exit(INTERRUPTED)


def show_check(settings: AgentSettings, *, timeout_s: float, as_json: bool) -> str | None:
    """Print each step of the way to the headend; return the name of the one that failed."""
    from afterbay.fleet.agent import check_link

    steps = asyncio.run(check_link(settings, timeout_s=timeout_s))
    failed = next((step.name for step in steps if step.result == "failed"), None)
    if as_json:
        output.json_document(
            {
                "headend": settings.headend,
                "ok": failed is None,
                "steps": [
                    {"name": step.name, "result": step.result, "told": step.told, "next_move": step.next_move}
                    for step in steps
                ],
            }
        )
        return failed
    rows = [(step.name.replace("_", " "), step.result, _move(step.told, step.next_move)) for step in steps]
    output.lines(table(("STEP", "RESULT", ""), rows, left=(0, 1, 2)))
    return failed


def data_folder(assets: Path | None, site: str | None, asset: str | None, data: Path | None) -> Path:
    """Return the folder that is meant: named, or that of the agent that the environment describes."""
    named = str(data) if data is not None else os.environ.get("AFTERBAY_AGENT_DATA", "").strip()
    if named:
        return Path(named)
    # The headend does not matter for where an agent keeps its memory.
    return read_options(os.environ.get("HEADEND_GRPC") or "127.0.0.1:50051", assets, site, asset, None).data


def show_status(folder: Path, *, as_json: bool) -> bool:
    """Print how an agent is; return whether it runs and is well."""
    from afterbay.fleet.agent import agent_status

    status = agent_status(folder)
    devices = status.get("devices", [])
    troubles = [device["trouble"] for device in devices if device.get("trouble")]
    link = status.get("link", {})
    failing = status["spool"].get("failing")
    well = bool(status["running"] and link.get("connected") and not troubles and not failing)
    if as_json:
        output.json_document({**status, "ok": well})
        return well
    lines = [
        ("gateway", str(status.get("gateway_id", "-"))),
        ("agent", f"running, process {status['pid']}" if status["running"] else "does not run"),
        ("headend", _link(link)),
        ("last tick", _tick(status)),
        ("waiting", _waiting(status["spool"])),
        ("dropped", f"{status.get('samples_dropped', 0):,} samples"),
        ("devices", "; ".join(dict.fromkeys(troubles)) if troubles else f"{len(devices)}, all answer"),
    ]
    if failing:
        lines.append(("disk", f"takes nothing: {failing}"))
    names = status.get("assets", {})
    for lease in status.get("leases", []):
        until = f"until {lease['valid_until']}" if lease["valid_until"] else "until it is replaced"
        lines.append(("command", f"{names.get(lease['asset_id'], lease['asset_id'])} {lease['mw']:+g} MW, {until}"))
    output.lines(f"{name:<10} {told}" for name, told in lines)
    return well


def _move(told: str, next_move: str) -> str:
    return f"{told} -> {next_move}" if next_move else told


def _link(link: dict[str, Any]) -> str:
    if link.get("connected"):
        return f"connected since {link.get('since', '-')}"
    return f"not connected{': ' + str(link['reason']) if link.get('reason') else ''}"


def _tick(status: dict[str, Any]) -> str:
    if "at" not in status:
        return "none yet"
    ago_s = (datetime.now(UTC) - datetime.fromisoformat(status["at"])).total_seconds()
    return (
        f"{ago_s:.0f} s ago, took {status['last_tick_ms']:g} ms; {status['ticks']:,} ticks, "
        f"{status['overruns']:,} left out"
    )


def _waiting(spool: dict[str, Any]) -> str:
    oldest = spool.get("oldest_at_us")
    since = f", the oldest from {datetime.fromtimestamp(oldest / 1e6, UTC):%Y-%m-%d %H:%M:%S} UTC" if oldest else ""
    return f"{spool['samples']:,} samples in {spool['bytes'] / 1e6:.1f} MB{since}"
