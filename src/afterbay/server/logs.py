"""The server's log: lines for a person or JSON for a machine, with request ids and without secrets."""

from __future__ import annotations

import logging
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping
    from typing import TextIO

__all__ = ["LogFormat", "hide_secrets", "log_context", "set_up_logs"]

LogFormat = Literal["console", "json"]
_HIDDEN: Final = "***"
_SECRET_NAMES: Final = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|authori[sz]ation|cookie|csrf|api_?key|private_?key|credential|jwt|otp|dsn",
    re.IGNORECASE,
)
_SECRET_TEXTS: Final = (
    # user:password@ of an address
    (re.compile(r"(?<=://)([^\s:/@?#]*):([^\s@/]+)@"), r"\1:***@"),
    (re.compile(r"\b(Bearer|Basic)\s+[^\s,;\"']+", re.IGNORECASE), r"\1 ***"),
    (re.compile(r"\baft_[A-Za-z0-9_-]+"), _HIDDEN),
    # what an identity provider sends back
    (re.compile(r"([?&](?:code|state|nonce)=)[^&\s\"']+"), r"\1***"),
    # three parts of base64url: a JSON web token
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?"), _HIDDEN),
    (re.compile(r"\$argon2\w*\$\S+"), _HIDDEN),
    (
        re.compile(
            r"\b(password|passwd|secret|(?:\w+_)?token|api_?key|client_secret|authorization)"
            r"(\"?\s*[=:]\s*\"?)[^\s&\"',;}]+",
            re.IGNORECASE,
        ),
        r"\1\2***",
    ),
)
_NOISY: Final = {"alembic": logging.WARNING, "uvicorn.error": logging.WARNING, "uvicorn.access": logging.WARNING,
                 "procrastinate": logging.WARNING, "psycopg.pool": logging.ERROR, "httpx": logging.WARNING,
                 "distributed": logging.WARNING, "matplotlib": logging.WARNING, "obstore": logging.WARNING}  # fmt: skip


def set_up_logs(level: str = "info", kind: LogFormat = "console", stream: TextIO | None = None) -> None:
    """Send every log of this process through one format; what was set up before is replaced.

    Args:
        level: Name of the lowest level that is shown.
        kind: Lines for a person, or one JSON document a line.
        stream: Where to; None: stderr.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: Any = structlog.processors.JSONRenderer() if kind == "json" else _console
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            hide_secrets,
            last,
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # What a library tells itself: only when somebody looks for a defect.
    for name, lowest in _NOISY.items():
        logging.getLogger(name).setLevel(logging.NOTSET if level == "debug" else lowest)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


@contextmanager
def log_context(**facts: str) -> Iterator[None]:
    """Add facts to every line that is logged inside, also by the threads of this request."""
    with structlog.contextvars.bound_contextvars(**facts):
        yield


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what must not be in a log: values with a secret's name, and secrets inside of texts."""
    return {name: _without_secrets(value, name) for name, value in event.items()}


def _without_secrets(value: Any, name: str = "") -> Any:
    if name and _SECRET_NAMES.search(name) and value not in (None, "", True, False):
        return _HIDDEN
    if isinstance(value, dict):
        return {key: _without_secrets(one, str(key)) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_without_secrets(one) for one in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = value if isinstance(value, str) else str(value)
    for pattern, shown in _SECRET_TEXTS:
        text = pattern.sub(shown, text)
    return text


def _console(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """One line for a person: time, level, logger, sentence, facts; a trace below."""
    rest = dict(event)
    said = str(rest.pop("event", ""))
    trace = rest.pop("exception", None)
    head = f"{rest.pop('timestamp', '')} {str(rest.pop('level', '')).upper():<7} {rest.pop('logger', '')}: {said}"
    facts = " ".join(f"{name}={value}" for name, value in rest.items())
    # No line of a message may look like a line of the log.
    line = "".join(sign if sign.isprintable() else " " for sign in f"{head} {facts}").rstrip()
    return f"{line}\n{trace}" if trace else line
