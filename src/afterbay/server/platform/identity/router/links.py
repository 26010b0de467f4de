"""One-time links. Their secret comes in the body: addresses end up in logs."""

from fastapi import APIRouter, Request, Response

from afterbay.server.errors import documented
from afterbay.server.platform.identity import service
from afterbay.server.platform.identity.access import CurrentCaller, CurrentIdentity
from afterbay.server.platform.identity.router.carrying import carry
from afterbay.server.platform.identity.schemas import AcceptIn, LinkIn, LinkOut, TokensOut
from afterbay.server.rest.sessions import DbSession

__all__ = ["router"]

router = APIRouter(prefix="/links")


@router.post("/look", responses=documented(404, 422))
def look_at_link(body: LinkIn, response: Response, session: DbSession, identity: CurrentIdentity) -> LinkOut:
    """What a link is for; it can still be used afterwards."""
    response.headers["Cache-Control"] = "no-store"
    return LinkOut.model_validate(service.look_at_link(session, identity, body.token.get_secret_value()))


@router.post("/accept", responses=documented(404, 422))
def accept_link(
    request: Request,
    response: Response,
    body: AcceptIn,
    session: DbSession,
    identity: CurrentIdentity,
    caller: CurrentCaller,
) -> TokensOut:
    """Use a link: set name and password, and sign in. It works once."""
    tokens = service.accept_link(
        session, identity, caller, body.token.get_secret_value(), body.password.get_secret_value(), mode=body.mode,
        name=body.name, email=body.email,
    )  # fmt: skip
    return carry(request, response, identity, tokens)
