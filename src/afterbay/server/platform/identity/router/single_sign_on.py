"""Single sign-on: to the provider and back."""

import logging
from typing import Annotated, Any, Final

from fastapi import APIRouter, Cookie, Query, Request
from fastapi.responses import RedirectResponse

from afterbay.core.errors import AfterbayError, NotFoundError
from afterbay.server.db import session_scope
from afterbay.server.errors import documented
from afterbay.server.platform.identity import service
from afterbay.server.platform.identity.access import CurrentCaller, CurrentIdentity
from afterbay.server.platform.identity.router.carrying import set_cookies
from afterbay.server.platform.identity.service import Identity, Provider, Start, same_secret

__all__ = ["router"]

router = APIRouter(prefix="/oidc")
_log = logging.getLogger(__name__)
_COOKIE: Final = "afterbay_oidc"
_PURPOSE: Final = "oidc"
_LIFE_S: Final = 600
Word = Annotated[str | None, Query(max_length=4_000)]


@router.get("/login", status_code=303, response_class=RedirectResponse, responses=documented(403, 404, 422, 503))
def begin(
    request: Request,
    identity: CurrentIdentity,
    goes_to: Annotated[str, Query(alias="next", max_length=500, description="Path of ours to come back to")] = "/",
) -> RedirectResponse:
    """Go to the provider."""
    provider, now = _provider(identity), identity.clock()
    started = provider.start(_callback(request, identity), now)
    kept = {"state": started.state, "nonce": started.nonce, "verifier": started.verifier, "next": _local(goes_to)}
    answer = RedirectResponse(started.url, 303, headers={"Cache-Control": "no-store"})
    # Lax: it has to come along when the provider sends the browser back.
    answer.set_cookie(_COOKIE, identity.keys.sign(_PURPOSE, kept, now=now, life_s=_LIFE_S), max_age=_LIFE_S,
                      path=_path(request), secure=identity.settings.secure_cookies, httponly=True,
                      samesite="lax")  # fmt: skip
    return answer


@router.get("/callback", status_code=303, response_class=RedirectResponse, responses=documented(404, 422))
def come_back(
    request: Request,
    identity: CurrentIdentity,
    caller: CurrentCaller,
    code: Word = None,
    state: Word = None,
    iss: Word = None,
    error: Word = None,
    cookie: Annotated[str | None, Cookie(alias=_COOKIE, max_length=4_000)] = None,
) -> RedirectResponse:
    """Come back from the provider; what went wrong is said on the page of signing in."""
    provider, now = _provider(identity), identity.clock()
    kept: dict[str, Any] = identity.keys.read(_PURPOSE, cookie, now=now) or {} if cookie else {}
    # Whoever began the sign-in must be who ends it: else somebody could sign a victim in as themselves.
    if not kept or not same_secret(state, str(kept["state"])):
        return _leave(request, identity, "/welcome#problem=began-elsewhere")
    if error or not code:
        return _leave(request, identity, "/welcome#problem=cancelled")
    started = Start("", str(kept["state"]), str(kept["nonce"]), str(kept["verifier"]))
    try:
        claims = provider.finish(_callback(request, identity), code, started, now, issuer=iss)
        with session_scope(request.app.state.sessions) as session:
            found = service.sign_in_by_claims(session, identity, caller, provider.settings, claims)
    except AfterbayError as problem:
        # The browser is told no more than that it failed; whoever runs the server has to know why.
        _log.warning("single sign-on failed: %s", problem)
        return _leave(request, identity, "/welcome#problem=failed")
    if isinstance(found, str):
        return _leave(request, identity, f"/welcome#problem={found}")
    answer = _leave(request, identity, str(kept["next"]))
    set_cookies(request, answer, identity, found)
    return answer


def _leave(request: Request, identity: Identity, address: str) -> RedirectResponse:
    answer = RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})
    answer.delete_cookie(_COOKIE, path=_path(request), secure=identity.settings.secure_cookies, httponly=True,
                         samesite="lax")  # fmt: skip
    return answer


def _provider(identity: Identity) -> Provider:
    if identity.provider is None:
        raise NotFoundError("single sign-on is not set up here -> sign in with a password")
    return identity.provider


def _callback(request: Request, identity: Identity) -> str:
    path = str(request.app.url_path_for("come_back"))
    base = identity.settings.public_url or str(request.base_url)
    return base.rstrip("/") + path


def _path(request: Request) -> str:
    return str(request.app.url_path_for("begin")).rpartition("/")[0]


def _local(path: str) -> str:
    """Return a path of ours; anything that a browser would take elsewhere is the first page."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_ours and path.isprintable() and "\\" not in path else "/"
