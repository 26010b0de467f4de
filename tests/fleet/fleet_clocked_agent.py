"""An agent on a wall clock that can be set while it runs: the words of `afterbay agent run`, in a process of its own.

CLOCK_OFFSET_FILE names a file with the seconds that its wall clock is ahead of the machine's. Everything else is the
agent as it is; its clocks are an argument.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from afterbay.fleet.agent import log_to_stderr, read_agent_settings, run_agent
from afterbay.fleet.agent.running import machine_clocks

__all__ = ["main"]


async def _run(words: argparse.Namespace, offset: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    machine = machine_clocks()

    def utc() -> datetime:
        return machine.utc() + timedelta(seconds=float(offset.read_text()))

    settings = read_agent_settings(headend=words.headend, assets=words.assets, site=words.site)
    await run_agent(settings, stop, clocks=replace(machine, utc=utc))


def main() -> None:
    """Run an agent until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs=2)
    parser.add_argument("--headend", required=True)
    parser.add_argument("--assets", required=True)
    parser.add_argument("--site", required=True)
    parser.add_argument("--log-json", action="store_true")
    words = parser.parse_args()
    log_to_stderr(as_json=words.log_json)
    asyncio.run(_run(words, Path(os.environ["CLOCK_OFFSET_FILE"])))


if __name__ == "__main__":
    main()
