"""The dependency that endpoints use: `once: Idempotent`, then `return once.answer(...)`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from afterbay.server.platform.idempotency.service import Answer, answer_once, check_key, fingerprint_of
from afterbay.server.principal import Principal

__all__ = ["Idempotent", "Once"]


@dataclass(frozen=True, slots=True)
class Once:
    """A request that may come twice."""

    key: str | None
    method: str
    path: str
    body: bytes
    """Raw; empty for an upload, whose endpoint gives the content's hash."""

    def answer(
        self,
        session: Session,
        principal: Principal,
        make: Callable[[], Any],
        *,
        status: int = 200,
        headers: Callable[[Any], Mapping[str, str]] | None = None,
        content: str = "",
    ) -> JSONResponse:
        """Return the answer of this request, made now or kept from the first time.

        Args:
            session: In which `make` has its effect.
            principal: Who asks.
            make: Does what is asked and returns what is shown (a model, a record, JSON).
            status: Status of a success.
            headers: Headers made from what `make` returned, such as `Location`.
            content: Hash of an upload's content.

        Raises:
            InvalidInputError: If the key belongs to another request.
        """

        def made() -> Answer:
            shown = make()
            return Answer(status, jsonable_encoder(shown), dict(headers(shown)) if headers else {})

        fingerprint = fingerprint_of(self.method, self.path, self.body + content.encode())
        answer = answer_once(session, principal, self.key, fingerprint, made)
        more = {"Idempotent-Replayed": "true"} if answer.replayed else {}
        return JSONResponse(answer.body, answer.status, headers={**answer.headers, **more})


async def _once(request: Request, idempotency_key: Annotated[str | None, Header()] = None) -> Once:
    upload = request.headers.get("content-type", "").startswith("multipart/")
    body = b"" if upload else await request.body()
    path = request.url.path + ("?" + request.url.query if request.url.query else "")
    return Once(check_key(idempotency_key), request.method, path, body)


Idempotent = Annotated[Once, Depends(_once)]
