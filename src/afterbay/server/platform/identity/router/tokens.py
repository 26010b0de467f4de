"""Personal tokens."""

from uuid import UUID

from fastapi import APIRouter, Response

from afterbay.server.errors import documented
from afterbay.server.platform.identity import service
from afterbay.server.platform.identity.access import CurrentIdentity, Person
from afterbay.server.platform.identity.schemas import TokenIn, TokenMade, TokenOut
from afterbay.server.rest.sessions import DbSession

__all__ = ["router"]

router = APIRouter(prefix="/tokens")


@router.get("", responses=documented(401, 403))
def list_tokens(session: DbSession, person: Person) -> list[TokenOut]:
    """The personal tokens of this user, without their secrets."""
    return [TokenOut.model_validate(one) for one in service.list_tokens(session, person.principal.id)]


@router.post("", status_code=201, responses=documented(401, 403, 422))
def create_token(
    body: TokenIn, response: Response, session: DbSession, identity: CurrentIdentity, person: Person
) -> TokenMade:
    """Make a token. It is shown once, and may never do more than its owner may."""
    made = service.create_token(session, identity, person.principal, body.name, body.scopes, days=body.days)
    response.headers["Cache-Control"] = "no-store"
    return TokenMade(**TokenOut.model_validate(made.view).model_dump(), token=made.secret)


@router.delete("/{token_id}", status_code=204, responses=documented(401, 403, 404))
def revoke_token(token_id: UUID, session: DbSession, identity: CurrentIdentity, person: Person) -> None:
    """End a token at once."""
    service.revoke_token(session, identity, person.principal, token_id, owner_id=person.principal.id)
