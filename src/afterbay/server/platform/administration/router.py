"""REST of administration, the stream of all that a user follows at once, and the way back for who forgot a password."""

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from afterbay.core.errors import NotFoundError
from afterbay.server.db import session_scope
from afterbay.server.errors import documented
from afterbay.server.platform.administration import service
from afterbay.server.platform.administration.schemas import (
    ActionOut,
    AuditOut,
    ForgottenIn,
    ForgottenOut,
    GrantIn,
    LinkMade,
    UserDetail,
    UserIn,
    UserMade,
    UserOut,
    UserPatch,
)
from afterbay.server.platform.administration.streams import all_events, check_place, read_topics
from afterbay.server.platform.audit.service import AuditQuery, known_actions
from afterbay.server.platform.identity import service as identities
from afterbay.server.platform.identity.access import Administrator, CurrentCaller, CurrentIdentity, CurrentUser
from afterbay.server.platform.identity.schemas import LogoutOut, SessionOut, TokenOut
from afterbay.server.platform.identity.service import Account, Identity, Link, UserChange, UserQuery
from afterbay.server.platform.jobs.feed import feed_of
from afterbay.server.platform.notifications.tasks import mail_link, tell_of_grant
from afterbay.server.principal import Principal
from afterbay.server.rest.etags import IfMatch, check_if_match, etag
from afterbay.server.rest.events import EVENT_STREAM, LastEventId, event_response
from afterbay.server.rest.negotiation import wanted
from afterbay.server.rest.paging import Page, PageQuery, show_page
from afterbay.server.rest.sessions import DbSession
from afterbay.server.units import Line, Moment

__all__ = ["admin_router", "events_router", "forgotten_router"]


admin_router = APIRouter(prefix="/admin", tags=["admin"], responses=documented(401, 403))
events_router = APIRouter(tags=["jobs"], responses=documented(401, 422))
forgotten_router = APIRouter(tags=["auth"], responses=documented(404, 422))


@forgotten_router.post("/auth/forgotten", status_code=202)
def forgot_password(
    body: ForgottenIn, response: Response, session: DbSession, identity: CurrentIdentity, caller: CurrentCaller
) -> ForgottenOut:
    """Have a one-time link mailed for a new password; the answer is the same for every address.

    404 where the server sends no mail, or does not know its own address (`AFTERBAY_SMTP_URL`, `AFTERBAY_SMTP_FROM`,
    `AFTERBAY_PUBLIC_URL`).
    """
    if not identity.settings.mails_links:
        raise NotFoundError("no links are mailed from here -> ask an administrator for one")
    mail_link(session, identities.ask_for_link(session, caller, body.email), identity.clock())
    response.headers["Cache-Control"] = "no-store"
    return ForgottenOut()


@events_router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"description": "Events `job` and `notification`", "content": {EVENT_STREAM: {}}}},
)
def follow(
    request: Request,
    user: CurrentUser,
    last_id: LastEventId,
    topics: Annotated[
        str, Query(max_length=100, description="Some of jobs, notifications; separated by commas")
    ] = "jobs,notifications",
) -> StreamingResponse:
    """Follow your jobs and messages in one stream (server-sent events)."""
    chosen, place = read_topics(topics), check_place(last_id)
    state = request.app.state
    return event_response(request, all_events(feed_of(state), state.sessions, user, chosen, place))


async def _manager(user: CurrentUser, identity: CurrentIdentity) -> Principal:
    service.need_manager(identity, user)
    return user


async def _manager_of(module: Annotated[str, Path(max_length=50)], user: CurrentUser) -> Principal:
    service.need_manager_of(user, module)
    return user


Manager = Annotated[Principal, Depends(_manager)]
ManagerOf = Annotated[Principal, Depends(_manager_of)]


@admin_router.get("/users", responses=documented(422))
def list_users(
    request: Request,
    response: Response,
    session: DbSession,
    manager: Manager,
    page: PageQuery,
    q: Annotated[Line, Query(description="Part of the address or name")] = "",
    active: bool | None = None,
    administrators: bool | None = None,
    module: Annotated[Line, Query(description="With a role in this module")] = "",
) -> Page[UserOut]:
    """Users by address."""
    found = service.list_users(session, manager, UserQuery(q, active, administrators, module), page)
    return show_page(request, response, found, UserOut.model_validate)


@admin_router.post("/users", status_code=201, responses=documented(409, 422))
def create_user(
    request: Request,
    response: Response,
    body: UserIn,
    session: DbSession,
    identity: CurrentIdentity,
    administrator: Administrator,
) -> UserMade:
    """Make a user, and the one-time link that lets them set a password."""
    account = identities.create_user(
        session, identity, administrator, body.email, body.name, is_admin=body.is_admin
    )  # fmt: skip
    link = identities.create_link(session, identity, administrator, account.id)
    _tell_version(response, account)
    response.headers["Location"] = str(request.url_for("get_user", user_id=account.id).path)
    response.headers["Cache-Control"] = "no-store"
    return UserMade(user=UserOut.model_validate(account), link=_shown_link(request, identity, link))


@admin_router.get("/users/{user_id}", responses=documented(404))
def get_user(
    user_id: UUID, response: Response, session: DbSession, identity: CurrentIdentity, manager: Manager
) -> UserDetail:
    """A user."""
    account = service.read_user(session, manager, user_id)
    _tell_version(response, account)
    locked = identities.account_is_locked(session, identity, account)
    return UserDetail(**UserOut.model_validate(account).model_dump(), locked=locked)


@admin_router.patch("/users/{user_id}", responses=documented(404, 409, 412, 422))
def change_user(
    user_id: UUID,
    body: UserPatch,
    response: Response,
    session: DbSession,
    identity: CurrentIdentity,
    administrator: Administrator,
    if_match: IfMatch = None,
) -> UserOut:
    """Change a user; `is_active: false` signs them out everywhere at once."""
    check_if_match(if_match, etag(identities.get_account(session, user_id).version))
    change = UserChange(body.name, body.email, body.is_admin, body.is_active)
    account = identities.change_user(session, identity, administrator, user_id, change)
    _tell_version(response, account)
    return UserOut.model_validate(account)


@admin_router.post("/users/{user_id}/link", status_code=201, responses=documented(404, 409))
def create_link(
    user_id: UUID,
    request: Request,
    response: Response,
    session: DbSession,
    identity: CurrentIdentity,
    administrator: Administrator,
) -> LinkMade:
    """Make a one-time link for a forgotten password; links made before are over."""
    response.headers["Cache-Control"] = "no-store"
    return _shown_link(request, identity, identities.create_link(session, identity, administrator, user_id))


@admin_router.post("/users/{user_id}/unlock", status_code=204, responses=documented(404))
def unlock_user(user_id: UUID, session: DbSession, administrator: Administrator) -> None:
    """Let somebody try again at once whose sign-in failed too often."""
    identities.unlock_user(session, administrator, user_id)


@admin_router.put("/users/{user_id}/grants/{module}", responses=documented(404, 422))
def give_grant(
    user_id: UUID,
    module: str,
    body: GrantIn,
    response: Response,
    session: DbSession,
    identity: CurrentIdentity,
    manager: ManagerOf,
) -> UserOut:
    """Give a role in a module, in place of another one there."""
    account = identities.give_grant(
        session, identity, manager, user_id, module, body.role, expires_at=body.expires_at
    )  # fmt: skip
    tell_of_grant(session, manager, user_id, module, body.role)
    _tell_version(response, account)
    return UserOut.model_validate(account)


@admin_router.delete("/users/{user_id}/grants/{module}", responses=documented(404))
def take_grant(
    user_id: UUID,
    module: str,
    response: Response,
    session: DbSession,
    identity: CurrentIdentity,
    manager: ManagerOf,
) -> UserOut:
    """Take a role in a module away."""
    account = identities.take_grant(session, identity, manager, user_id, module)
    tell_of_grant(session, manager, user_id, module, None)
    _tell_version(response, account)
    return UserOut.model_validate(account)


@admin_router.get("/users/{user_id}/sessions", responses=documented(404))
def list_user_sessions(
    user_id: UUID, session: DbSession, identity: CurrentIdentity, administrator: Administrator
) -> list[SessionOut]:
    """Where a user is signed in."""
    found = service.list_user_sessions(session, identity, administrator, user_id)
    return [SessionOut.model_validate(one) for one in found]


@admin_router.delete("/users/{user_id}/sessions", responses=documented(404))
def end_user_sessions(
    user_id: UUID, session: DbSession, identity: CurrentIdentity, administrator: Administrator
) -> LogoutOut:
    """Sign a user out everywhere; personal tokens stay."""
    identities.get_account(session, user_id)
    return LogoutOut(sessions_ended=identities.end_all_sessions(session, identity, administrator, user_id))


@admin_router.delete("/users/{user_id}/sessions/{session_id}", status_code=204, responses=documented(404))
def end_user_session(
    user_id: UUID, session_id: UUID, session: DbSession, identity: CurrentIdentity, administrator: Administrator
) -> None:
    """End one session of a user."""
    identities.end_session(session, identity, administrator, user_id, session_id)


@admin_router.get("/users/{user_id}/tokens", responses=documented(404))
def list_user_tokens(user_id: UUID, session: DbSession, administrator: Administrator) -> list[TokenOut]:
    """The personal tokens of a user, without their secrets."""
    service.read_user(session, administrator, user_id)
    return [TokenOut.model_validate(one) for one in identities.list_tokens(session, user_id)]


@admin_router.delete("/users/{user_id}/tokens/{token_id}", status_code=204, responses=documented(404))
def revoke_user_token(
    user_id: UUID, token_id: UUID, session: DbSession, identity: CurrentIdentity, administrator: Administrator
) -> None:
    """End a personal token of a user."""
    identities.revoke_token(session, identity, administrator, token_id, owner_id=user_id)


async def _audit_query(
    actor: Annotated[Line, Query(description="Part of who did it")] = "",
    actor_id: UUID | None = None,
    module: Line = "",
    action: Annotated[Line, Query(description="An action, or its beginning and a star: `user.*`")] = "",
    resource_id: Line = "",
    q: Annotated[Line, Query(description="Part of actor, action or resource")] = "",
    since: Annotated[Moment | None, Query(alias="from", description="Not before this time")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Before this time")] = None,
) -> AuditQuery:
    return AuditQuery(actor_id, actor, module, action, resource_id, q, since, until)


@admin_router.get(
    "/audit",
    response_model=Page[AuditOut],
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **documented(406, 422)},
)
def read_audit(
    request: Request,
    response: Response,
    session: DbSession,
    administrator: Administrator,
    page: PageQuery,
    query: Annotated[AuditQuery, Depends(_audit_query)],
    accept: Annotated[str | None, Header(max_length=1_000)] = None,
) -> Page[AuditOut] | Response:
    """The trail, newest first: who did what. With `Accept: text/csv` all of it, not a page."""
    if wanted(accept, ("json", "csv")) == "csv":
        service.record_export(session, administrator, query)
        headers = {"Content-Disposition": 'attachment; filename="audit.csv"', "Cache-Control": "no-store"}
        return StreamingResponse(_csv(request, query), media_type="text/csv; charset=utf-8", headers=headers)
    return show_page(
        request, response, service.page_of_events(session, administrator, query, page), AuditOut.model_validate
    )  # fmt: skip


@admin_router.get("/audit/actions")
def list_actions(session: DbSession, _: Administrator) -> list[ActionOut]:
    """Every kind of event that the trail has, to choose from."""
    return [ActionOut(module=module, action=action) for module, action in known_actions(session)]


def _csv(request: Request, query: AuditQuery) -> Iterator[bytes]:
    # The session of the request is closed when the answer begins; a long trail is read while it is sent.
    with session_scope(request.app.state.sessions) as session:
        yield from service.audit_csv(session, query)


def _tell_version(response: Response, account: Account) -> None:
    response.headers["ETag"] = etag(account.version)


def _shown_link(request: Request, identity: Identity, link: Link) -> LinkMade:
    url = service.url_of(link, identity.settings.public_url or str(request.base_url))
    return LinkMade(url=url, purpose=link.purpose, expires_at=link.expires_at)
