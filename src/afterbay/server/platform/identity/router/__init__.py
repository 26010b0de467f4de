"""REST of identity: `auth_router` for `/api/v1/auth`, `page_router` for the page at `/welcome`."""

from fastapi import APIRouter

from afterbay.server.platform.identity.router import account, links, page, signing_in, single_sign_on, tokens

__all__ = ["auth_router", "page_router"]

auth_router = APIRouter(prefix="/auth", tags=["auth"])
for _part in (signing_in, account, tokens, links, single_sign_on):
    auth_router.include_router(_part.router)
page_router = page.router
