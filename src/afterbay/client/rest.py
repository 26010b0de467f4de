"""The habits of the platform's REST: pages, idempotency keys, entity tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from afterbay.client.connection import Connection

__all__ = ["PROFILES", "SIZING", "Rest", "given"]

SIZING: Final = "/api/v1/bess-sizing"
PROFILES: Final = "/api/v1/profiles"
_PAGE: Final = 200


def given(**params: Any) -> dict[str, Any]:
    """Return what is not None."""
    return {name: value for name, value in params.items() if value is not None}


class Rest:
    """Requests of one signed-in user. It remembers which version of a thing was seen last. Threads may share it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._etags: dict[str, str] = {}

    def get(self, path: str, **params: Any) -> Any:
        """Return a document, whatever it is."""
        return self.connection.get(path, **params)

    def read(self, path: str, **params: Any) -> dict[str, Any]:
        """Return an object, and remember its version."""
        document, headers = self.connection.ask("GET", path, params=given(**params))
        return self.noted(document, headers)

    def pages(self, path: str, filters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the items of all pages."""
        cursor: str | None = None
        while True:
            page = self.connection.get(path, **{"limit": _PAGE, **filters, "cursor": cursor})
            yield from page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def post(self, path: str, body: Any = None, *, key: str | None = None, **more: Any) -> dict[str, Any]:
        """Ask for something once: the same key is the same request, also when it has to be sent again."""
        headers = {"Idempotency-Key": key or str(uuid4())}
        document, answered = self.connection.ask("POST", path, body=body, headers=headers, **more)
        return self.noted(document, answered)

    def change(self, method: str, path: str, body: Any, *, of: str, at: str) -> dict[str, Any]:
        """Change a thing unless somebody else did since it was read.

        Args:
            method: PUT, POST or PATCH.
            path: What to change.
            body: How.
            of: Id of the thing.
            at: Where the thing is read.

        Raises:
            ConflictError: If it changed; read it again.
        """
        headers = self.if_match(of, at)
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid4())
        document, answered = self.connection.ask(method, path, body=body, headers=headers)
        return self.noted(document, answered)

    def delete(self, path: str, *, of: str | None = None, at: str | None = None) -> None:
        """Remove a thing; with `of`, unless somebody changed it since it was read."""
        headers = self.if_match(of, at) if of is not None and at is not None else {}
        self.connection.send("DELETE", path, headers=headers)

    def if_match(self, of: str, at: str) -> dict[str, str]:
        """Return the header that names the version that was seen last; a thing that was never read is read."""
        if of not in self._etags:
            self.read(at)
        known = self._etags.get(of)
        return {"If-Match": known} if known else {}

    def noted(self, document: Any, headers: Mapping[str, str]) -> dict[str, Any]:
        """Return a document after its version was remembered."""
        thing = document.get("project", document) if isinstance(document, dict) else {}
        if isinstance(thing, dict) and "id" in thing and headers.get("etag"):
            self._etags[str(thing["id"])] = headers["etag"]
        return dict(document)
