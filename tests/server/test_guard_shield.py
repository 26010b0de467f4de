from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from afterbay.core.errors import InvalidInputError
from afterbay.server.guard import Shield, ShieldRules, shield_rules
from afterbay.server.settings import read_address, read_settings

PROXY = "10.0.0.5"
BEHIND = ShieldRules(frozenset({PROXY}), loopback_only=False, secure=True)
HTTPS = {"x-forwarded-proto": "https"}


@pytest.fixture
def client_of() -> Iterator[Callable[..., TestClient]]:
    opened: list[TestClient] = []

    def make(rules: ShieldRules, address: str = PROXY, host: str = "localhost") -> TestClient:
        app = FastAPI()

        @app.api_route("/api/v1/me", methods=["GET", "POST"])
        @app.get("/readyz")
        def me(request: Request) -> dict[str, Any]:
            return {"address": request.client.host if request.client else "", "scheme": request.url.scheme}

        opened.append(TestClient(Shield(app, rules), base_url=f"http://{host}", client=(address, 4000)))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.mark.parametrize(("host", "status"), [("localhost", 200), ("127.0.0.1:8000", 200), ("evil.example", 421)])
def test_a_page_elsewhere_cannot_point_its_name_here(
    client_of: Callable[..., TestClient], host: str, status: int
) -> None:
    assert client_of(ShieldRules(), host=host).get("/api/v1/me").status_code == status


def test_browsers_get_their_rules_also_with_a_refusal(client_of: Callable[..., TestClient]) -> None:
    for answer in (client_of(ShieldRules()).get("/api/v1/me"), client_of(ShieldRules(), host="x.y").get("/api/v1/me")):
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "'unsafe-eval'" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in answer.headers


def test_behind_a_proxy_browsers_are_told_to_stay_with_tls(client_of: Callable[..., TestClient]) -> None:
    answer = client_of(BEHIND).get("/api/v1/me", headers={**HTTPS, "x-forwarded-for": "203.0.113.9"})

    assert answer.json() == {"address": "203.0.113.9", "scheme": "https"}
    assert "max-age" in answer.headers["strict-transport-security"]


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [("198.51.100.1, 203.0.113.9", "203.0.113.9"), (f"203.0.113.9, {PROXY}", "203.0.113.9"), ("", PROXY),
     ("203.0.113.9, forged", PROXY), ("2001:db8::1", "2001:db8::1")],
)  # fmt: skip
def test_nobody_can_forge_the_address_that_is_recorded(
    client_of: Callable[..., TestClient], forwarded: str, address: str
) -> None:
    answer = client_of(BEHIND).get("/api/v1/me", headers={**HTTPS, "x-forwarded-for": forwarded})

    assert answer.json()["address"] == address


def test_only_the_proxy_is_answered_and_a_probe_of_this_machine(client_of: Callable[..., TestClient]) -> None:
    assert client_of(BEHIND, "10.0.0.6").get("/api/v1/me", headers=HTTPS).status_code == 403
    assert client_of(BEHIND, "10.0.0.6").get("/readyz").status_code == 403
    assert client_of(BEHIND, "127.0.0.1").get("/api/v1/me", headers=HTTPS).status_code == 403
    assert client_of(BEHIND, "127.0.0.1").get("/readyz").status_code == 200


def test_plain_http_is_sent_to_https_and_nothing_secret_is_taken(client_of: Callable[..., TestClient]) -> None:
    client = client_of(BEHIND, host="afterbay.example")

    answer = client.get("/api/v1/me?a=b%20c", follow_redirects=False)

    assert answer.status_code == 308
    assert answer.headers["location"] == "https://afterbay.example/api/v1/me?a=b%20c"
    assert client.post("/api/v1/me", headers={"x-forwarded-proto": "http"}).status_code == 403


def test_off_loopback_tls_or_a_named_proxy_is_needed() -> None:
    outside = read_address("0.0.0.0:8000")

    with pytest.raises(InvalidInputError, match="TLS or a named proxy"):
        shield_rules(read_settings(listen=outside))
    with pytest.raises(InvalidInputError, match="not looked up"):
        shield_rules(read_settings(listen=outside, trusted_proxies=("proxy.local",)))

    rules = shield_rules(read_settings(listen=outside, trusted_proxies=(PROXY,)))
    assert rules == BEHIND
    assert shield_rules(read_settings()) == ShieldRules()
