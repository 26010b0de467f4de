"""The pages at `/` and `/welcome`: where one is, signing in, one-time links. Nothing comes from elsewhere."""

from functools import cache
from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from afterbay.server.rest.pages import page_policy, page_style

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/")
def start() -> HTMLResponse:
    """The page of who comes here without knowing where to go."""
    return _answer("start.html")


@router.get("/welcome")
def welcome() -> HTMLResponse:
    """The page of signing in."""
    return _answer("welcome.html")


def _answer(name: str) -> HTMLResponse:
    page, policy = _page(name)
    return HTMLResponse(
        page,
        headers={
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        },
    )


@cache
def _page(name: str) -> tuple[str, str]:
    """Return a page, and the rule that lets its own script and style run and no other."""
    text = files("afterbay.server.platform.identity.router").joinpath(name).read_text(encoding="utf-8")
    page = text.replace("/* page.css */\n", page_style())
    return page, page_policy(page)
