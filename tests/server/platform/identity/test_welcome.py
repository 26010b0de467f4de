from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from starlette.testclient import TestClient


class Page(HTMLParser):
    """Collects what a page names, and which of its fields have a label."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inputs: dict[str, bool] = {}
        self.handlers: list[str] = []
        self._in_label = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action") and value]
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]
        self._in_label += tag == "label"
        if tag == "input":
            self.inputs[str(named["id"])] = self._in_label > 0

    def handle_endtag(self, tag: str) -> None:
        self._in_label -= tag == "label"


def test_the_page_loads_nothing_and_runs_nothing_but_itself(client: TestClient) -> None:
    answer = client.get("/welcome")

    page = Page()
    page.feed(answer.text)
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    (script,) = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    allowed = f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
    assert page.addresses == ["data:,", "api/v1/auth/oidc/login"]
    assert page.handlers == []
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == allowed
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_every_field_of_the_page_has_a_label_and_takes_a_password_manager(client: TestClient) -> None:
    answer = client.get("/welcome")

    page = Page()
    page.feed(answer.text)
    assert page.inputs == {"email": True, "name": True, "password": True, "again": True}
    assert 'autocomplete="username"' in answer.text
    assert '"new-password" : "current-password"' in answer.text


def test_the_secret_of_a_link_never_comes_to_the_server_in_an_address(client: TestClient) -> None:
    text = client.get("/welcome").text

    assert "location.hash" in text
    assert "history.replaceState" in text
    assert "innerHTML" not in text
    assert "localStorage" not in text
