"""Who asks: a browser by its cookie, a program by its bearer token; and what they may do.

```
CurrentUser                            anybody who is signed in, also by a token
Depends(require("bess-sizing", "read"))  who may do this in a module; 403 otherwise
Person                                 signed in themselves: a token may not change its owner's account
Administrator                          administrators of the platform, or their tokens with `platform:admin`
```
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from afterbay.core.errors import NotAllowedError
from afterbay.server.platform.identity.service import (
    API_TOKEN_PREFIX,
    CSRF_HEADER,
    SESSION_COOKIE,
    Caller,
    Identity,
    SignedIn,
    find_by_api_token,
    find_by_session,
    same_secret,
)
from afterbay.server.principal import Principal
from afterbay.server.rest.limits import count_principal
from afterbay.server.rest.parameters import refuse_unknown_parameters
from afterbay.server.rest.sessions import DbSession

__all__ = [
    "Administrator",
    "CurrentCaller",
    "CurrentIdentity",
    "CurrentUser",
    "Person",
    "Session",
    "caller_of",
    "require",
    "unauthorized",
]

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_BEARER = HTTPBearer(auto_error=False, description="An access token of /auth/login, or a personal token (`aft_...`)")
_COOKIE = APIKeyCookie(name=SESSION_COOKIE, auto_error=False, description=f"With {CSRF_HEADER} on changes")


def unauthorized(detail: str = "sign in first, or send `Authorization: Bearer TOKEN`") -> HTTPException:
    """Return the answer to somebody who is not signed in."""
    return HTTPException(401, detail, headers={"WWW-Authenticate": 'Bearer realm="afterbay"'})


async def caller_of(request: Request) -> Caller:
    """Return from where a request comes."""
    return Caller(
        address=request.client.host if request.client else "",
        request_id=str(getattr(request.state, "request_id", "")),
        user_agent=request.headers.get("user-agent", "")[:300],
    )


async def _identity(request: Request) -> Identity:
    identity: Identity = request.app.state.identity
    return identity


CurrentIdentity = Annotated[Identity, Depends(_identity)]
CurrentCaller = Annotated[Caller, Depends(caller_of)]


def _signed_in(
    request: Request,
    session: DbSession,
    identity: CurrentIdentity,
    caller: CurrentCaller,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    cookie: Annotated[str | None, Depends(_COOKIE)],
) -> SignedIn:
    if "authorization" in request.headers:
        # A header that is wrong does not fall back to a cookie: what was asked for is what is checked.
        token = bearer.credentials if bearer else ""
        find = find_by_api_token if token.startswith(API_TOKEN_PREFIX) else find_by_session
        found = find(session, identity, caller, token, mode="token") if token else None
    else:
        found = find_by_session(session, identity, caller, cookie, mode="cookie") if cookie else None
        if found and request.method not in _SAFE and not same_secret(request.headers.get(CSRF_HEADER), found.csrf):
            raise NotAllowedError(f"the header {CSRF_HEADER} is missing or wrong -> send the value of the CSRF cookie")
    if found is None:
        raise unauthorized()
    # The fleet's routes and the log name who asks by this.
    request.state.actor = found.principal.email
    count_principal(request, found.principal.id)
    refuse_unknown_parameters(request)
    return found


Session = Annotated[SignedIn, Depends(_signed_in)]


async def _current_user(signed_in: Session) -> Principal:
    return signed_in.principal


CurrentUser = Annotated[Principal, Depends(_current_user)]


async def _person(signed_in: Session) -> SignedIn:
    if signed_in.principal.scopes is not None:
        raise NotAllowedError("a personal token may not change the account it belongs to -> sign in with a password")
    return signed_in


Person = Annotated[SignedIn, Depends(_person)]


async def _administrator(user: CurrentUser) -> Principal:
    allowed = user.scopes is None or "platform:admin" in user.scopes
    if not user.is_admin or not allowed:
        raise NotAllowedError("only administrators of the platform may do this -> ask one of them")
    return user


Administrator = Annotated[Principal, Depends(_administrator)]


def require(module: str, action: str) -> Callable[..., Awaitable[Principal]]:
    """Return a dependency that gives the user, if they may do something in a module.

    Args:
        module: Id of the module, such as `bess-sizing`.
        action: One of the manifest's permissions, such as `create`.
    """

    async def allowed(user: CurrentUser) -> Principal:
        user.need(module, action)
        return user

    return allowed
