"""How a session travels: in cookies for browsers, in the answer for programs."""

from typing import Final

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from afterbay.server.errors import problem_response
from afterbay.server.platform.identity.schemas import TokensOut
from afterbay.server.platform.identity.service import (
    CSRF_COOKIE,
    REFRESH_COOKIE,
    SESSION_COOKIE,
    Identity,
    Refused,
    Tokens,
)

__all__ = ["carry", "clear_cookies", "refused", "set_cookies", "shown"]

_NO_STORE: Final = "no-store"


def shown(tokens: Tokens) -> TokensOut:
    """Return a session as it is sent; what is in cookies is not in the body."""
    common = {
        "user_id": tokens.user_id,
        "mode": tokens.mode,
        "expires_in": tokens.access_s,
        "refresh_expires_in": tokens.refresh_s,
    }
    if tokens.mode == "cookie":
        return TokensOut.model_validate({**common, "csrf_token": tokens.csrf})
    return TokensOut.model_validate(
        {**common, "token_type": "Bearer", "access_token": tokens.access, "refresh_token": tokens.refresh}
    )  # fmt: skip


def carry(request: Request, response: Response, identity: Identity, tokens: Tokens) -> TokensOut:
    """Put a session where it belongs and return the answer's body."""
    response.headers["Cache-Control"] = _NO_STORE
    if tokens.mode == "cookie":
        set_cookies(request, response, identity, tokens)
    return shown(tokens)


def set_cookies(request: Request, response: Response, identity: Identity, tokens: Tokens) -> None:
    """Set the three cookies of a session."""
    secure = identity.settings.secure_cookies
    # Lax: a link to us from a mail opens signed in. Changes need the CSRF header besides.
    response.set_cookie(SESSION_COOKIE, tokens.access, max_age=tokens.access_s, path="/", secure=secure,
                        httponly=True, samesite="lax")  # fmt: skip
    response.set_cookie(REFRESH_COOKIE, tokens.refresh, max_age=tokens.refresh_s, path=_refresh_path(request),
                        secure=secure, httponly=True, samesite="strict")  # fmt: skip
    # Our page reads this one: that is its purpose.
    response.set_cookie(CSRF_COOKIE, tokens.csrf, max_age=tokens.refresh_s, path="/", secure=secure,
                        httponly=False, samesite="strict")  # fmt: skip


def clear_cookies(request: Request, response: Response, identity: Identity) -> None:
    """Let a browser forget the session."""
    secure = identity.settings.secure_cookies
    response.headers["Cache-Control"] = _NO_STORE
    response.delete_cookie(SESSION_COOKIE, path="/", secure=secure, httponly=True, samesite="lax")
    response.delete_cookie(REFRESH_COOKIE, path=_refresh_path(request), secure=secure, httponly=True,
                           samesite="strict")  # fmt: skip
    response.delete_cookie(CSRF_COOKIE, path="/", secure=secure, samesite="strict")


def refused(request: Request, answer: Refused, detail: str, *, challenge: bool = True) -> JSONResponse:
    """Return a refusal as a response, not as an error: what was counted for it stays."""
    path = request.url.path
    if answer.retry_after_s:
        return problem_response(
            429, f"too many attempts failed -> try again in {answer.retry_after_s} s", instance=path,
            headers={"Retry-After": str(answer.retry_after_s), "Cache-Control": _NO_STORE},
        )  # fmt: skip
    headers = {"Cache-Control": _NO_STORE}
    if challenge:
        headers["WWW-Authenticate"] = 'Bearer realm="afterbay"'
    return problem_response(401 if challenge else 403, detail, instance=path, headers=headers)


def _refresh_path(request: Request) -> str:
    return str(request.app.url_path_for("refresh_tokens"))
