"""OWASP API7 and API10: where the program lets itself be sent, and what it believes of those it asks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from server_identity import CALLER, START
from server_world import World

from afterbay.core.errors import AfterbayError, InvalidInputError
from afterbay.server.platform.identity.service import OidcSettings, Provider, sign_in_by_claims
from afterbay.server.platform.notifications.addresses import resolve_webhook

CHANNELS = "/api/v1/notifications/channels"
INSIDE = [
    "http://example.org/hook", "https://127.0.0.1/hook", "https://127.0.0.1:5432/", "https://localhost/hook",
    "https://[::1]/hook", "https://[::ffff:127.0.0.1]/hook", "https://10.1.2.3/hook", "https://192.168.0.1/hook",
    "https://172.16.0.1/", "https://169.254.169.254/latest/meta-data/", "https://[fd00::1]/", "https://0.0.0.0/",
    "https://metadata.google.internal/", "https://printer.local/", "https://intranet/", "https://2130706433/",
    "https://0x7f000001/", "https://user:password@example.org/", "file:///etc/passwd", "gopher://example.org/",
    "ftp://example.org/", "//example.org/", "https://", "https://exam ple.org/", "https://example.org:0/",
    "https://100.64.0.1/", "javascript:alert(1)", "https://example.org/\r\nX-Injected: 1",
]  # fmt: skip


@pytest.mark.parametrize("target", INSIDE)
def test_a_webhook_does_not_lead_inside(world: World, target: str) -> None:
    answer = world.ask("owner", "POST", CHANNELS, json={"kind": "webhook", "target": target})

    assert answer.status_code == 422


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("url", ["https://rebinds.example.org/hook", "https://127.1/hook", "https://0177.0.0.1/hook"])
def test_a_name_that_leads_inside_when_it_is_called_is_not_called(url: str, address: str) -> None:
    def lookup(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", ("93.184.215.14", 0)), (2, 1, 6, "", (address, 0))]

    with pytest.raises(InvalidInputError):
        resolve_webhook(url, lookup=lookup)


@contextmanager
def _provider(answers: Callable[[str, str], tuple[int, str, bytes]]) -> Iterator[Provider]:
    """Give an identity provider on loopback that answers whatever it likes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = answers(self.path, issuer)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if 300 <= status < 400:
                self.send_header("Location", "http://169.254.169.254/")
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield Provider(OidcSettings(issuer, "afterbay", "", timeout_s=2.0))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _sign_in(provider: Provider) -> None:
    started = provider.start("http://127.0.0.1:8000/back", START)
    provider.finish("http://127.0.0.1:8000/back", "code", started, START)


def _document(issuer: str, **changes: Any) -> bytes:
    known = {"issuer": issuer, "authorization_endpoint": f"{issuer}/auth", "token_endpoint": f"{issuer}/token",
             "jwks_uri": f"{issuer}/jwks", "userinfo_endpoint": f"{issuer}/me"}  # fmt: skip
    return json.dumps({**known, **changes}).encode()


GARBAGE: dict[str, tuple[int, bytes]] = {
    "html": (200, b"<html>maintenance</html>"), "nothing": (200, b""), "list": (200, b"[]"), "null": (200, b"null"),
    "number": (200, b"1e999"), "deep": (200, b"[" * 100_000), "bytes": (200, bytes(range(256))),
    "error": (500, b"{}"), "elsewhere": (302, b""), "refused": (403, b"no"),
}  # fmt: skip


@pytest.mark.parametrize("kind", GARBAGE)
@pytest.mark.parametrize("place", ["/.well-known/openid-configuration", "/jwks"])
def test_a_provider_that_answers_nonsense_is_one_of_our_errors(place: str, kind: str) -> None:
    def answers(path: str, issuer: str) -> tuple[int, str, bytes]:
        if path == place:
            status, body = GARBAGE[kind]
            return status, "application/json", body
        return 200, "application/json", b'{"keys": []}' if path == "/jwks" else _document(issuer)

    with _provider(answers) as provider, pytest.raises(AfterbayError):
        _sign_in(provider)


@pytest.mark.parametrize("changes", [
    {"issuer": "https://evil.example"}, {"token_endpoint": "http://169.254.169.254/token"}, {"jwks_uri": None},
    {"authorization_endpoint": "javascript:alert(1)"}, {"token_endpoint": 7}, {"jwks_uri": ["x"]},
    {"jwks_uri": "file:///etc/passwd"},
])  # fmt: skip
def test_a_provider_that_sends_us_elsewhere_is_not_followed(changes: dict[str, Any]) -> None:
    def answers(path: str, issuer: str) -> tuple[int, str, bytes]:
        return 200, "application/json", _document(issuer, **changes)

    with _provider(answers) as provider, pytest.raises(AfterbayError):
        provider.start("http://127.0.0.1:8000/back", START)


TOKENS: dict[str, bytes] = {
    **{kind: body for kind, (status, body) in GARBAGE.items() if status == 200},
    "no token": b'{"access_token": "x", "token_type": "Bearer"}',
    "number": b'{"access_token": "x", "token_type": "Bearer", "id_token": 7}',
    "no algorithm": b'{"access_token": "x", "id_token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."}',
    "long": b'{"access_token": "x", "token_type": "Bearer", "id_token": "' + b"a." * 500_000 + b'"}',
}


@pytest.mark.parametrize("kind", TOKENS)
def test_tokens_that_are_none_are_one_of_our_errors(kind: str) -> None:
    def answers(path: str, issuer: str) -> tuple[int, str, bytes]:
        found = {"/token": TOKENS[kind], "/jwks": b'{"keys": []}', "/me": b"[]"}
        return 200, "application/json", found.get(path) or _document(issuer)

    with _provider(answers) as provider:
        started = provider.start("http://127.0.0.1:8000/back", START)

        with pytest.raises(AfterbayError):
            provider.finish("http://127.0.0.1:8000/back", "code", started, START)


@pytest.mark.parametrize("verified", [False, "false"])
def test_an_address_that_nobody_verified_opens_no_account(world: World, verified: object) -> None:
    settings = OidcSettings("https://provider.example", "afterbay", "", create_users=True, link_by_email=True)
    shared = f"/api/v1/bess-sizing/projects/{world.ids['project_id']}/shares"
    with world.undone():
        world.tell("owner", "POST", shared, json={"email": "awaited@example.org", "permission": "edit"})
        for email in ("awaited@example.org", "owner@example.org"):
            claims = {"sub": email, "email": email, "email_verified": verified}
            with world.parts.sessions.begin() as session:
                found = sign_in_by_claims(session, world.parts.identity, CALLER, settings, claims)

            assert found == "unknown"
