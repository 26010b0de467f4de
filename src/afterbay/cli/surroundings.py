"""What the server's commands find around them: variables that are misspelt, a data folder that cannot be used."""

from __future__ import annotations

import difflib
import logging
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from afterbay.cli import output
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterbay.server.settings import Settings

__all__ = ["OTHER_VARIABLES", "check_data_dir", "end_whatever_runs", "misspelt", "server_settings"]

_PREFIX: Final = "AFTERBAY_"
OTHER_VARIABLES: Final = frozenset(
    {
        "AFTERBAY_AGENT_CA", "AFTERBAY_AGENT_CERT", "AFTERBAY_AGENT_DATA", "AFTERBAY_AGENT_DEVICE",
        "AFTERBAY_AGENT_HEARTBEAT_S", "AFTERBAY_AGENT_HOLD_OFFLINE_S", "AFTERBAY_AGENT_KEY",
        "AFTERBAY_AGENT_PARENT_PIPE", "AFTERBAY_AGENT_PROXY", "AFTERBAY_AGENT_SERVER_NAME",
        "AFTERBAY_AGENT_SILENCE_S", "AFTERBAY_AGENT_TICK_S", "AFTERBAY_AGENT_TOKEN", "AFTERBAY_AGENT_TOKEN_FILE",
        "AFTERBAY_ALERT_KEY", "AFTERBAY_ASSETS", "AFTERBAY_CACHE_DIR", "AFTERBAY_CERTS", "AFTERBAY_CONFIG_DIR",
        "AFTERBAY_DEBUG", "AFTERBAY_HOST", "AFTERBAY_IMAGE", "AFTERBAY_JOURNEYS", "AFTERBAY_PORTS_ON",
        "AFTERBAY_SPOOL_MAX_AGE_H", "AFTERBAY_SPOOL_MAX_MB", "AFTERBAY_TOKEN", "AFTERBAY_TRANSFER_KEY", "AFTERBAY_URL",
    }
)  # fmt: skip
"""Variables of ours that are no settings of the server: of clients, agents, the cycle and the containers."""


def server_settings(**given: Any) -> Settings:
    """Return the settings, after a warning for each variable that means nothing and a look at the data folder.

    Args:
        given: What the command line says, by name; None: nothing.

    Raises:
        InvalidInputError: If a setting or the data folder cannot be used.
    """
    from afterbay.server.database import is_embedded
    from afterbay.server.settings import read_settings

    for sentence in misspelt(os.environ):
        output.warn(sentence)
    settings = read_settings(**given)
    if is_embedded(settings):
        # With a database elsewhere there may be none, and nothing to put into it.
        check_data_dir(settings.data_dir)
    return settings


def end_whatever_runs() -> None:
    """End this process at once if a thread is still in a kernel: the interpreter would wait for it."""
    if threading.active_count() > 1:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def misspelt(environment: Mapping[str, str]) -> list[str]:
    """Return a sentence for every variable that looks like one of ours and is none."""
    from afterbay.server.settings import Settings, stated

    # What they are called does not depend on their values.
    known = OTHER_VARIABLES | {one.variable for one in stated(Settings.model_construct(), environment={})}
    found = sorted(name for name in environment if name.startswith(_PREFIX) and name not in known)
    return [_sentence(name, known) for name in found]


def _sentence(name: str, known: frozenset[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), 1, 0.8)
    move = f"did you mean {near[0]}?" if near else "afterbay config shows every one"
    return f"{name} means nothing here and is ignored -> {move}"


def check_data_dir(folder: Path) -> None:
    """See that the data folder can be made and written, before anything is started in it.

    Raises:
        InvalidInputError: If it cannot.
    """
    probe = folder / f".written-by-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe.touch()
        probe.unlink()
    except OSError as error:
        got = f"{folder} ({error.strerror or error})"
        move = "name another: --data-dir or AFTERBAY_DATA_DIR"
        raise InvalidInputError(Problem("data folder", got, "a folder that this user may write to", move)) from None
