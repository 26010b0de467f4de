"""Signing in and out, and going on."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Header, Request, Response

from afterbay.server.errors import documented
from afterbay.server.platform.identity import service
from afterbay.server.platform.identity.access import CurrentCaller, CurrentIdentity, Person
from afterbay.server.platform.identity.router.carrying import carry, clear_cookies, refused
from afterbay.server.platform.identity.schemas import LoginIn, LogoutOut, MethodsOut, RefreshIn, TokensOut
from afterbay.server.platform.identity.service import (
    CSRF_HEADER,
    REFRESH_COOKIE,
    SESSION_COOKIE,
    Mode,
    Refused,
)
from afterbay.server.rest.sessions import DbSession

__all__ = ["router"]

router = APIRouter()
CsrfHeader = Annotated[str | None, Header(alias=CSRF_HEADER, max_length=200)]
_WRONG = "address or password is wrong -> try again, or ask an administrator for a one-time link"
_OVER = "this session is over -> sign in again"


@router.get("/methods")
def list_methods(identity: CurrentIdentity) -> MethodsOut:
    """How one may sign in here."""
    provider = identity.provider
    return MethodsOut(
        single_sign_on=provider.settings.name if provider else None, password_min=identity.settings.password_min,
        forgotten_password=identity.settings.mails_links,
    )  # fmt: skip


@router.post("/login", response_model=TokensOut, responses=documented(401, 422, 429))
def login(
    request: Request, response: Response, body: LoginIn, identity: CurrentIdentity, caller: CurrentCaller
) -> TokensOut | Response:
    """Sign in with a password."""
    answer = service.sign_in(
        request.app.state.sessions, identity, caller, body.email, body.password.get_secret_value(), body.mode
    )  # fmt: skip
    if isinstance(answer, Refused):
        return refused(request, answer, _WRONG)
    return carry(request, response, identity, answer)


@router.post("/refresh", name="refresh_tokens", response_model=TokensOut, responses=documented(401, 422))
def refresh(
    request: Request,
    response: Response,
    session: DbSession,
    identity: CurrentIdentity,
    caller: CurrentCaller,
    body: RefreshIn | None = None,
    cookie: Annotated[str | None, Cookie(alias=REFRESH_COOKIE, max_length=500)] = None,
    csrf: CsrfHeader = None,
) -> TokensOut | Response:
    """Exchange a refresh token, which works once, for the next tokens."""
    mode: Mode = "token" if body else "cookie"
    token = body.refresh_token.get_secret_value() if body else cookie
    found = service.refresh_session(session, identity, caller, token, mode=mode, csrf=csrf) if token else None
    if found is None:
        return refused(request, Refused(), _OVER)
    return carry(request, response, identity, found)


@router.post("/logout", status_code=204, response_model=None, responses=documented(422))
def logout(
    request: Request,
    response: Response,
    session: DbSession,
    identity: CurrentIdentity,
    caller: CurrentCaller,
    cookie: Annotated[str | None, Cookie(alias=SESSION_COOKIE, max_length=4_000)] = None,
    authorization: Annotated[str | None, Header(max_length=4_000)] = None,
    csrf: CsrfHeader = None,
) -> None:
    """End this session, or the personal token that is shown. One that is over, or is none, gets the same answer."""
    if authorization is not None:
        token = authorization.partition(" ")[2].strip()
        if token.startswith(service.API_TOKEN_PREFIX):
            service.give_up_token(session, identity, caller, token)
        else:
            service.sign_out(session, identity, caller, token, mode="token")
        return
    if cookie is None or service.sign_out(session, identity, caller, cookie, mode="cookie", csrf=csrf):
        clear_cookies(request, response, identity)


@router.post("/logout-everywhere", responses=documented(401, 403))
def logout_everywhere(
    request: Request, response: Response, session: DbSession, identity: CurrentIdentity, person: Person
) -> LogoutOut:
    """End every session of this user; personal tokens stay."""
    ended = service.end_all_sessions(session, identity, person.principal, person.principal.id)
    clear_cookies(request, response, identity)
    return LogoutOut(sessions_ended=ended)
