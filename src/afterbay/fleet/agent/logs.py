"""What the agent logs: one event per line, with its fields, and never a secret."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

__all__ = ["log_to_stderr", "say"]

_log = logging.getLogger("afterbay.agent")
_log.addHandler(logging.NullHandler())
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "alarm": logging.ERROR, "critical": logging.CRITICAL}


def say(event: str, *, severity: str = "info", **fields: Any) -> None:
    """Log an event; fields without a value are left out."""
    level = _LEVELS.get(severity, logging.INFO)
    if _log.isEnabledFor(level):
        known = {key: value for key, value in fields.items() if value not in (None, "")}
        _log.log(level, event, extra={"fields": known})


def log_to_stderr(*, as_json: bool = False, level: int = logging.INFO) -> None:
    """Write the log to stderr: readable lines, or one JSON document per line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(as_json))
    _log.handlers[:] = [handler]
    _log.setLevel(level)
    _log.propagate = False


class _Lines(logging.Formatter):
    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = dict(getattr(record, "fields", {}))
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info).splitlines()[-1]
        head = {"at": at, "level": record.levelname.lower(), "event": record.getMessage()}
        if self._as_json:
            return json.dumps({**head, **fields}, ensure_ascii=False, default=str)
        words = (f"{key}={json.dumps(value, ensure_ascii=False, default=str)}" for key, value in fields.items())
        return " ".join((at, head["level"], head["event"], *words))
