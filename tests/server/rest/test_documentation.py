import re
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from afterbay.server.rest.documentation import add_documentation


def test_the_page_and_all_it_needs_come_from_here(app: FastAPI, client_of: Callable[[Any], TestClient]) -> None:
    add_documentation(app)
    client = client_of(app)

    page = client.get("/docs").text

    assert "<script>" not in page, "the policy of the page allows no inline script"
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert "/docs/swagger-ui-bundle.js" in addresses
    for address in addresses:
        assert address.startswith(("/docs/", "/openapi.json"))
        assert client.get(address).status_code == 200, address


def test_only_the_files_of_the_page_are_served(app: FastAPI, client_of: Callable[[Any], TestClient]) -> None:
    add_documentation(app)

    for name in ("redoc.standalone.js", "..%2Fcore.py", "core.py"):
        assert client_of(app).get(f"/docs/{name}").status_code == 404
