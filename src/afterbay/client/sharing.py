"""Who may open a project, what is said about it, what happened to it, and its answers as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from afterbay.client.rest import SIZING

if TYPE_CHECKING:
    from afterbay.client.rest import Rest

__all__ = ["Comments", "Shares", "Versions"]


def _at(project_id: str) -> str:
    return f"{SIZING}/projects/{project_id}"


class Shares:
    """With whom a project is shared."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def all(self, project_id: str) -> list[dict[str, Any]]:
        """Return with whom your project is shared."""
        return [*self._rest.get(f"{_at(project_id)}/shares")]

    def give(self, project_id: str, email: str, permission: str = "view") -> dict[str, Any]:
        """Let somebody open your project, to `view` or to `edit`; given again, it changes how."""
        return self._rest.post(f"{_at(project_id)}/shares", {"email": email, "permission": permission})

    def take(self, project_id: str, email: str) -> None:
        """Take a share back, or give up your own."""
        self._rest.delete(f"{_at(project_id)}/shares/{quote(email, safe='')}")


class Comments:
    """What is said about a project, and what happened to it."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def all(self, project_id: str) -> list[dict[str, Any]]:
        """Return the comments, the oldest first."""
        return [*self._rest.pages(f"{_at(project_id)}/comments", {})]

    def add(self, project_id: str, body: str) -> dict[str, Any]:
        """Say something."""
        return self._rest.post(f"{_at(project_id)}/comments", {"body": body})

    def change(self, project_id: str, comment_id: str, body: str) -> dict[str, Any]:
        """Change a comment of yours."""
        document, _ = self._rest.connection.ask(
            "PUT", f"{_at(project_id)}/comments/{comment_id}", body={"body": body}
        )  # fmt: skip
        return dict(document)

    def delete(self, project_id: str, comment_id: str) -> None:
        """Remove a comment of yours, or any on a project of yours."""
        self._rest.delete(f"{_at(project_id)}/comments/{comment_id}")

    def activity(self, project_id: str, limit: int = 50) -> list[dict[str, Any]]:
        """Return what happened to a project, newest first."""
        return [*self._rest.get(f"{_at(project_id)}/activity", limit=limit)]


class Versions:
    """The answers of a project as they were."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def all(self, project_id: str) -> list[dict[str, Any]]:
        """Return the versions without their answers, newest first."""
        return [*self._rest.pages(f"{_at(project_id)}/versions", {})]

    def get(self, project_id: str, number: int) -> dict[str, Any]:
        """Return one version with its answers."""
        return dict(self._rest.get(f"{_at(project_id)}/versions/{number}"))

    def compare(self, project_id: str, first: int, second: int) -> list[dict[str, Any]]:
        """Return every value that differs between two versions."""
        return [*self._rest.get(f"{_at(project_id)}/versions/diff", **{"from": first, "to": second})]

    def restore(self, project_id: str, number: int) -> dict[str, Any]:
        """Give the project the answers of a version; that makes a new version, nothing is lost."""
        path = f"{_at(project_id)}/versions/{number}/restore"
        return self._rest.change("POST", path, None, of=project_id, at=_at(project_id))
