"""The page of the stand-alone headend: one file, nothing to build, nothing fetched from elsewhere."""

from functools import cache
from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def _page() -> str:
    return files("afterbay.server.fleet").joinpath("page.html").read_text(encoding="utf-8")


@router.get("/")
async def page() -> HTMLResponse:
    """Show the page."""
    return HTMLResponse(_page(), headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})
