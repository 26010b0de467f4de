"""Alerts: one when a condition appears, one when it is gone, none in between, also across restarts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from afterbay.community.cycle.transfer import TransferError, post_json
from afterbay.core.errors import AfterbayError
from afterbay.core.output_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from afterbay.community.cycle.log import CycleLog

__all__ = ["Alert", "AlertBook", "command_hook", "url_hook"]

_AGAIN: Final = timedelta(minutes=1)
_HOOK_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Alert:
    """One message."""

    condition: str
    """One of `health.CONDITIONS`."""
    state: Literal["raised", "cleared"]
    message: str
    since: datetime
    """When the condition appeared (UTC)."""
    time: datetime
    """When this was said (UTC)."""

    def to_dict(self) -> dict[str, str]:
        """Return the fields as plain values."""
        return {
            "condition": self.condition,
            "state": self.state,
            "message": self.message,
            "since": self.since.isoformat(),
            "time": self.time.isoformat(),
        }


class AlertBook:
    """Which conditions hold, and what is still to be told; kept in a file."""

    def __init__(self, path: Path, hook: Callable[[Alert], None] | None, log: CycleLog) -> None:
        self._path = path
        self._hook = hook
        self._log = log
        self._open, self._outbox = _read(path)
        self._rest_until: datetime | None = None

    def update(self, found: Mapping[str, str], now: datetime) -> list[Alert]:
        """Compare what holds now with what held before, and tell the difference.

        A hook that fails is asked again after a minute; its failure is logged and disturbs nothing.

        Args:
            found: What holds, in words, by condition.
            now: The moment (UTC).

        Returns:
            What is new.
        """
        new = [Alert(name, "raised", words, now, now) for name, words in found.items() if name not in self._open]
        for alert in new:
            self._open[alert.condition] = alert
        for name in [name for name in self._open if name not in found]:
            gone = self._open.pop(name)
            new.append(Alert(name, "cleared", gone.message, gone.since, now))
        for alert in new:
            self._log.write(f"alert {alert.condition} {alert.state}", "WARNING", message=alert.message)
        if new:
            self._outbox += new
            self._keep()
        if self._outbox:
            self._deliver(now)
        return new

    def _deliver(self, now: datetime) -> None:
        if self._rest_until is not None and now < self._rest_until:
            return
        self._rest_until = None
        while self._outbox:
            try:
                if self._hook is not None:
                    self._hook(self._outbox[0])
            except Exception as error:  # whatever a hook does, the cycle goes on
                told = str(error) if isinstance(error, AfterbayError) else f"{type(error).__name__}: {error}"
                self._log.write("alert not delivered", "ERROR", why=told)
                self._rest_until = now + _AGAIN
                return
            self._outbox.pop(0)
            # After each one: told twice after a crash is better than never told.
            self._keep()

    def _keep(self) -> None:
        document = {
            "open": [alert.to_dict() for alert in self._open.values()],
            "outbox": [alert.to_dict() for alert in self._outbox],
        }
        write_whole(self._path, json.dumps(document, indent=1, ensure_ascii=False).encode())


def command_hook(command: Sequence[str]) -> Callable[[Alert], None]:
    """Return a hook that runs a command with the alert as JSON on its standard input; no shell reads it."""

    def tell(alert: Alert) -> None:
        import subprocess

        try:
            subprocess.run(  # noqa: S603 - the command is the operator's own
                list(command), input=json.dumps(alert.to_dict()).encode(), check=True, timeout=_HOOK_S,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.CalledProcessError as error:
            raise TransferError(f"the alert command ended with {error.returncode}") from None
        except subprocess.TimeoutExpired:
            raise TransferError(f"the alert command took more than {_HOOK_S:g} s") from None
        except OSError as error:
            raise TransferError(f"the alert command cannot be run: {error.strerror}") from None

    return tell


def url_hook(url: str, key_variable: str = "AFTERBAY_ALERT_KEY") -> Callable[[Alert], None]:
    """Return a hook that posts the alert as JSON; a key in the environment goes along as Bearer."""
    return lambda alert: _post(url, alert, key_variable)


def _post(url: str, alert: Alert, key_variable: str) -> None:
    post_json(url, alert.to_dict(), key_variable=key_variable, timeout_s=_HOOK_S)


def _read(path: Path) -> tuple[dict[str, Alert], list[Alert]]:
    try:
        document: Any = json.loads(path.read_bytes())
        alerts = [_alert(entry) for entry in document["open"]]
        return {alert.condition: alert for alert in alerts}, [_alert(entry) for entry in document["outbox"]]
    except (OSError, ValueError, KeyError, TypeError):
        # Without its memory the book tells again, which is the safe side.
        return {}, []


def _alert(entry: Any) -> Alert:
    return Alert(
        entry["condition"],
        "raised" if entry["state"] == "raised" else "cleared",
        entry["message"],
        datetime.fromisoformat(entry["since"]),
        datetime.fromisoformat(entry["time"]),
    )
