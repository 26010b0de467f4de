"""Before the first question the kernels are there, and a process that starts with them still ends at once."""

from __future__ import annotations

import subprocess
import sys

_LOADED = """\
from afterbay.server.warming import warm_up
from afterbay.sizing import kernels, projection_kernels

def loaded():
    return [bool(one.signatures) for one in (kernels.dispatch, kernels.dispatch_many, projection_kernels.project_many)]

before = loaded()
warm_up()
print(before, loaded())
"""
_ENDED = """\
from afterbay.cli.surroundings import end_whatever_runs
from afterbay.server.warming import start_warm_up

start_warm_up()
print("ended", flush=True)
end_whatever_runs()
raise SystemExit(3)
"""


def _told(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True
    ).stdout.strip()


def test_the_kernels_of_sweeps_and_years_are_loaded() -> None:
    assert _told(_LOADED) == "[False, False, False] [True, True, True]"


def test_a_process_ends_while_kernels_are_being_loaded() -> None:
    assert _told(_ENDED) == "ended"
