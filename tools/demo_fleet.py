"""Show a fleet at work: headend, gateways and agents as processes of their own, a site told a power, and its answer.

Everything runs on free ports of this machine, in memory and in a folder that is removed at the end. Whatever
happens, every process that was started here is ended here.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from afterbay.client import Fleet, connect
from afterbay.core.errors import AfterbayError
from afterbay.fleet.inventory import Inventory, read_inventory

ROOT = Path(__file__).resolve().parents[1]
GATEWAYS = ("North Quay", "Mill Lane")
SITE = "North Quay"
MW = 4.0
"""Small, so that the demo fleet's honest ramp of 10 MW/min reaches it while one watches."""
_START_S = 40.0
_END_S = 8.0
_ASKED: set[int] = set()


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, default=ROOT / "examples" / "fleet.yaml", help="assets file")
    options = parser.parse_args(arguments)
    inventory = read_inventory(options.assets)
    # A polite end (SIGTERM) stops the children as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="afterbay-demo-")))
            show(stack, folder, options.assets.resolve(), inventory)
    except (AfterbayError, RuntimeError) as error:
        print(f"demo: {error}; everything that it started is stopped", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted; everything that it started is stopped", file=sys.stderr)
        return 130
    print("demo: done; everything that it started is stopped")
    return 0


def show(stack: ExitStack, folder: Path, assets: Path, inventory: Inventory) -> None:
    """Start a fleet, tell a site a power, and show that it is reached."""
    began = time.monotonic()
    places = stack.enter_context(_headend(folder, assets))
    _say(f"headend: page and REST {places['http']}, agents dial in on {places['grpc']}")
    others = [asset for asset in inventory.assets if _site_name(inventory, asset.site_id) not in GATEWAYS]
    whom = [("--site", name) for name in GATEWAYS] + [("--asset", asset.name) for asset in others]
    agents = [stack.enter_context(_agent(folder, assets, str(places["grpc"]), *one)) for one in whom]
    # All are asked at once, and then waited for one after the other.
    stack.callback(_ask_to_end, agents)
    client = stack.enter_context(connect(str(places["http"])))
    fleet = client.fleet
    _wait_until_all_report(fleet, dict(zip((name for _, name in whom), agents, strict=True)), folder)
    singles = ", ".join(asset.name for asset in others)
    _say(f"gateways of {' and '.join(GATEWAYS)}, one agent each for {singles}: all connected "
         f"after {time.monotonic() - began:.0f} s")  # fmt: skip
    url = ["--url", str(places["http"])]
    _command("fleet", "agents", *url)
    order = ["--site", SITE, "--discharge", f"{MW:g}", "--for", "15min", "--note", "demo", "--wait", "--yes"]
    reached = _command("fleet", "dispatch", *order, *url)
    # The next sample of every asset shows what was reached.
    time.sleep(4.5)
    _command("fleet", "list", *url)
    _command("fleet", "log", *url)
    if reached != 0:
        raise RuntimeError(f"the power was not reached (exit code {reached})")


@contextmanager
def _headend(folder: Path, assets: Path) -> Iterator[dict[str, Any]]:
    """Run a headend on free ports; yield what it says about itself."""
    words = ["headend", "--assets", str(assets), "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--json"]
    with _process(folder, words, "headend") as (process, out):
        text = ""
        ends = time.monotonic() + _START_S
        while time.monotonic() < ends and process.poll() is None:
            text = out.read_text(encoding="utf-8")
            try:
                places: dict[str, Any] = json.loads(text)
            except ValueError:
                time.sleep(0.1)
                continue
            yield places
            return
        raise RuntimeError(f"the headend did not start:\n{_tail(folder / 'headend.err')}")


@contextmanager
def _agent(folder: Path, assets: Path, headend: str, option: str, name: str) -> Iterator[subprocess.Popen[bytes]]:
    words = ["agent", "run", "--assets", str(assets), "--headend", headend, option, name]
    label = _label(name)
    with _process(folder, [*words, "--data", str(folder / label)], label) as (process, _):
        yield process


@contextmanager
def _process(folder: Path, words: list[str], label: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run a command of afterbay until the block ends; kindly at first, and then not."""
    # What the caller's shell says about another fleet is not meant for this one.
    ours = ("ASSET", "SITE", "GATEWAY_", "HEADEND_", "OPCUA_", "DATABASE_URL", "RESET_DB", "AFTERBAY_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    out, err = folder / f"{label}.out", folder / f"{label}.err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "afterbay", *words],
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environ, cwd=folder,
        )  # fmt: skip
        try:
            yield process, out
        finally:
            _end(process)


def _ask_to_end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        # Asked once: the second time is not kind.
        if process.poll() is None and process.pid not in _ASKED:
            _ASKED.add(process.pid)
            process.terminate()


def _end(process: subprocess.Popen[bytes]) -> None:
    _ask_to_end([process])
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_all_report(fleet: Fleet, agents: dict[str, subprocess.Popen[bytes]], folder: Path) -> None:
    ends = time.monotonic() + _START_S
    missing: list[str] = ["nobody"]
    while time.monotonic() < ends:
        now = fleet.connection.now()
        missing = [asset.name for asset in fleet.assets() if not asset.counts(now) or asset.connected is not True]
        if not missing:
            return
        for name, process in agents.items():
            if process.poll() is not None:
                raise RuntimeError(f"the agent of {name} ended:\n{_tail(folder / f'{_label(name)}.err')}")
        time.sleep(0.25)
    raise RuntimeError(f"not connected after {_START_S:.0f} s: {', '.join(missing)}")


def _command(*words: str) -> int:
    """Show a command and what it prints; return its exit code."""
    shown = [f"'{word}'" if " " in word else word for word in words if not word.startswith("http")]
    print(f"\n$ afterbay {' '.join(word for word in shown if word != '--url')}", flush=True)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AFTERBAY_")}
    done = subprocess.run(
        [sys.executable, "-m", "afterbay", *words], check=False, timeout=120, env=environ, stdin=subprocess.DEVNULL
    )
    return done.returncode


def _say(text: str) -> None:
    print(text, flush=True)


def _label(name: str) -> str:
    return name.lower().replace(" ", "-")


def _tail(file: Path) -> str:
    return "\n".join(file.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])


def _site_name(inventory: Inventory, site_id: str) -> str:
    site = inventory.site(site_id)
    return "" if site is None else site.name


if __name__ == "__main__":
    # A demo that hangs is worse than one that fails.
    watchdog = threading.Timer(150.0, lambda: os.kill(os.getpid(), signal.SIGTERM))
    watchdog.daemon = True
    watchdog.start()
    sys.exit(main())
