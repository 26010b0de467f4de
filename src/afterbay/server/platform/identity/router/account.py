"""The own account: who am I, my sessions, my password."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from afterbay.server.errors import documented
from afterbay.server.platform.identity import service
from afterbay.server.platform.identity.access import CurrentCaller, CurrentIdentity, Person, Session
from afterbay.server.platform.identity.router.carrying import refused
from afterbay.server.platform.identity.schemas import GrantOut, MeOut, PasswordIn, SessionOut
from afterbay.server.rest.sessions import DbSession

__all__ = ["router"]

router = APIRouter()


@router.get("/me", responses=documented(401))
def me(session: DbSession, identity: CurrentIdentity, signed_in: Session) -> MeOut:
    """Who asks, and what they may do."""
    user = signed_in.principal
    account = service.get_account(session, user.id)
    permissions = {}
    for module, roles in identity.roles.items():
        actions = sorted({action for allowed in roles.values() for action in allowed if user.may(module, action)})
        if actions:
            permissions[module] = actions
    return MeOut(
        id=user.id, email=user.email, name=user.name, is_admin=user.is_admin, has_password=account.has_password,
        permissions=permissions, scopes=None if user.scopes is None else sorted(user.scopes),
        session_id=signed_in.session_id, grants=[GrantOut.model_validate(one) for one in account.grants],
    )  # fmt: skip


@router.get("/sessions", responses=documented(401, 403))
def my_sessions(session: DbSession, identity: CurrentIdentity, person: Person) -> list[SessionOut]:
    """Where this user is signed in."""
    found = service.list_sessions(session, identity, person.principal.id)
    return [
        SessionOut.model_validate(one).model_copy(update={"current": one.id == person.session_id}) for one in found
    ]  # fmt: skip


@router.delete("/sessions/{session_id}", status_code=204, responses=documented(401, 403, 404))
def end_my_session(session_id: UUID, session: DbSession, identity: CurrentIdentity, person: Person) -> None:
    """Sign out somewhere else."""
    service.end_session(session, identity, person.principal, person.principal.id, session_id)


@router.post("/password", status_code=204, response_model=None, responses=documented(401, 403, 409, 422, 429))
def change_password(
    request: Request,
    body: PasswordIn,
    session: DbSession,
    identity: CurrentIdentity,
    caller: CurrentCaller,
    person: Person,
) -> Response | None:
    """Change the own password; every other session ends."""
    answer = service.change_password(
        session, identity, person.principal, caller, body.old_password.get_secret_value(),
        body.new_password.get_secret_value(), keep=person.session_id,
    )  # fmt: skip
    if answer is not None:
        return refused(request, answer, "the old password is wrong", challenge=False)
    return None
