"""`simulation_log_YYYYMMDD.log`: what was done, without anybody's id, key or address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["CycleLog", "log_name", "redact"]

_ID: Final = re.compile(r"[0-9a-z]{8}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{12}", re.IGNORECASE)
_QUERY: Final = re.compile(r"(https?://[^\s?]+)\?\S+", re.IGNORECASE)
_PASSWORD: Final = re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/@]+@", re.IGNORECASE)
_BEARER: Final = re.compile(r"(bearer)\s+\S+", re.IGNORECASE)
_MOST: Final = 2_000


def redact(text: str) -> str:
    """Return a text in one line without user ids, keys, passwords and signatures."""
    plain = " ".join(text.split())
    for pattern, instead in ((_ID, "[user]"), (_QUERY, r"\1?[...]"), (_PASSWORD, r"\1[...]@"), (_BEARER, r"\1 [...]")):
        plain = pattern.sub(instead, plain)
    return plain[:_MOST]


def log_name(moment: datetime) -> str:
    """Return the name of the log of a day (UTC)."""
    return f"simulation_log_{moment.astimezone(UTC):%Y%m%d}.log"


@dataclass(frozen=True, slots=True)
class CycleLog:
    """The log files in a folder, one a day."""

    folder: Path
    clock: Callable[[], datetime]
    echo: Callable[[str], None] | None = None
    """Gets every line too."""

    def write(self, text: str, level: Literal["INFO", "WARNING", "ERROR"] = "INFO", **facts: object) -> None:
        """Write one line: time, level, text and facts as name=value.

        A line that cannot be written is echoed only: a full disk must not end a watch.
        """
        now = self.clock().astimezone(UTC)
        told = "".join(f" {name}={_short(value)}" for name, value in facts.items() if value is not None)
        line = f"{now:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + f"Z {level} {redact(text + told)}"
        path = self.folder / log_name(now)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
        except OSError as error:
            line += f" (not in {path.name}: {error.strerror})"
        if self.echo is not None:
            self.echo(line)


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
