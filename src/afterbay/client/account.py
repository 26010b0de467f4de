"""The own account on a server: who one is, one's jobs, one's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from afterbay.client.rest import Rest

__all__ = ["Account"]

_JOBS: Final = "/api/v1/jobs"
_NOTIFICATIONS: Final = "/api/v1/notifications"


class Account:
    """Who is signed in, and what goes on for them."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def me(self) -> dict[str, Any]:
        """Return who is signed in, and what they may do."""
        return dict(self._rest.get("/api/v1/auth/me"))

    def jobs(self, **filters: Any) -> list[dict[str, Any]]:
        """Return your jobs, newest first.

        Args:
            filters: `state`, `task`, `module`, `resource_id`, as the API takes them.
        """
        return [*self._rest.pages(_JOBS, filters)]

    def job(self, job_id: str) -> dict[str, Any]:
        """Return how far a job is: `state`, `progress` (0..1), `message`, `eta_s` [s], `error`, `result`."""
        return dict(self._rest.get(f"{_JOBS}/{job_id}"))

    def cancel_job(self, job_id: str) -> dict[str, Any]:
        """Cancel a job: one that waits at once, one that runs at its next step."""
        document, _ = self._rest.connection.ask("DELETE", f"{_JOBS}/{job_id}")
        return dict(document)

    def retry_job(self, job_id: str) -> dict[str, Any]:
        """Run a job again that failed or was cancelled."""
        return self._rest.post(f"{_JOBS}/{job_id}/retry")

    def notifications(self, *, unread: bool = False) -> list[dict[str, Any]]:
        """Return your messages, newest first."""
        return [*self._rest.pages(_NOTIFICATIONS, {"unread": unread})]

    def mark_read(self, notification_id: str | None = None) -> int:
        """Note that you read one message, or all; returns how many wait."""
        path = f"{_NOTIFICATIONS}/{notification_id}/read" if notification_id else f"{_NOTIFICATIONS}/read"
        return int(self._rest.post(path)["unread"])
