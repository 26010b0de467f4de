"""The page of the API's documentation, from the files of an installed package: no browser asks another host."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response

from afterbay.core.errors import MissingExtraError, NotFoundError

__all__ = ["add_documentation"]

_FILES: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
# A file of its own and not in the page: the page's policy allows no inline script.
_START: Final = """\
const cookie = (name) =>
  document.cookie.split("; ").find((one) => one.startsWith(name + "="))?.slice(name.length + 1) ?? "";
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#documentation",
  deepLinking: true,
  filter: true,
  displayRequestDuration: true,
  docExpansion: "none",
  presets: [SwaggerUIBundle.presets.apis],
  requestInterceptor: (request) => {
    const csrf = cookie("afterbay_csrf");
    if (csrf) request.headers["X-CSRF-Token"] = decodeURIComponent(csrf);
    return request;
  },
});
"""
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: API</title>
<link rel="icon" href="/docs/favicon.png"><link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="documentation"></div>
<noscript>This page needs scripts; the document itself is <a href="/openapi.json">openapi.json</a>.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script>
</body>
</html>
"""


def add_documentation(app: FastAPI) -> None:
    """Serve the page at `/docs`, with everything that it needs, and the document at `/openapi.json`."""
    page = _PAGE.format(title=app.title)

    def shown() -> HTMLResponse:
        return HTMLResponse(page)

    def started() -> Response:
        return Response(_START, media_type="text/javascript")

    def file(name: str) -> FileResponse:
        if name not in _FILES:
            raise NotFoundError(f"the documentation has no file {name!r}")
        return FileResponse(_folder() / name, media_type=_FILES[name], headers={"Cache-Control": "max-age=86400"})

    def document() -> JSONResponse:
        # No coroutine: the first time takes long, and is for a thread.
        return JSONResponse(app.openapi())

    app.add_api_route("/openapi.json", document, include_in_schema=False, response_class=JSONResponse)
    app.add_api_route("/docs", shown, include_in_schema=False, response_class=HTMLResponse)
    app.add_api_route("/docs/start.js", started, include_in_schema=False, response_class=Response)
    app.add_api_route("/docs/{name}", file, include_in_schema=False, response_class=FileResponse)


def _folder() -> Path:
    # The package itself is not imported: only its files are wanted.
    spec = find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        raise MissingExtraError("fastapi-offline", "server", "The page of the API's documentation")
    return Path(spec.origin).parent / "static"
