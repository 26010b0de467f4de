"""OWASP API2, broken authentication: what is no good proof of who asks, on routes of the whole platform."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from server_identity import PASSWORD
from server_world import SIZING, World

ME = "/api/v1/auth/me"


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _parts(world: World) -> tuple[dict[str, Any], dict[str, Any], str]:
    token = world.headers["owner"]["Authorization"].removeprefix("Bearer ")
    head, claims, _ = token.split(".")
    read = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, claims)]
    return read[0], read[1], token


def _signed(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    text = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
    return f"{text}.{_b64(hmac.digest(key, text.encode(), 'sha256')) if key else ''}"


def _bad_tokens(world: World) -> dict[str, str]:
    header, claims, token = _parts(world)
    head, body, signature = token.split(".")
    keys, now = world.parts.identity.keys, world.parts.identity.clock()
    other = {**claims, "sub": world.ids["platform_admin"]}
    return {
        "no algorithm": _signed({"alg": "none"}, other, b""),
        "no signature": f"{head}.{body}.",
        "another key": _signed(header, other, b"a key that is not ours, but long enough"),
        "an empty key": _signed({**header, "kid": ""}, other, hashlib.sha256(b"").digest()),
        "a key from a header": _signed(
            {**header, "jwk": {"kty": "oct", "k": _b64(b"a key that is not ours at all....")}}, other,
            b"a key that is not ours at all....",
        ),
        "claims exchanged": f"{head}.{_b64(json.dumps(other).encode())}.{signature}",
        "over": keys.sign("access", claims, now=now - timedelta(days=2), life_s=600),
        "for another purpose": keys.sign("oidc", claims, now=now, life_s=600),
        "for a cookie": keys.sign("access", {**claims, "mode": "cookie"}, now=now, life_s=600),
        "of a session that is none": keys.sign("access", {**claims, "sid": claims["sub"]}, now=now, life_s=600),
        "of a session of another": keys.sign("access", other, now=now, life_s=600),
        "no token at all": "aft_" + "x" * 43,
        "empty": "",
    }  # fmt: skip


@pytest.mark.parametrize("kind", [
    "no algorithm", "no signature", "another key", "an empty key", "a key from a header", "claims exchanged", "over",
    "for another purpose", "for a cookie", "of a session that is none", "of a session of another", "no token at all",
    "empty",
])  # fmt: skip
def test_a_token_that_is_not_good_opens_nothing(world: World, kind: str) -> None:
    answer = world.ask({"Authorization": f"Bearer {_bad_tokens(world)[kind]}"}, "GET", ME)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("scheme", ["Basic {basic}", "bearer", "Token {token}", "Bearer {token} {token}"])
def test_another_scheme_opens_nothing(world: World, scheme: str) -> None:
    basic = base64.b64encode(f"owner@example.org:{PASSWORD}".encode()).decode()
    header = scheme.format(basic=basic, token=_parts(world)[2])

    assert world.ask({"Authorization": header}, "GET", ME).status_code == 401


@pytest.mark.parametrize("name", ["token", "access_token", "authorization", "api_key", "afterbay_session"])
def test_a_token_in_an_address_opens_nothing(world: World, name: str) -> None:
    for who in ("owner", "reader"):
        token = world.headers[who]["Authorization"].removeprefix("Bearer ")

        assert world.ask("nobody", "GET", ME, params={name: token}).status_code == 401


def test_a_change_by_cookie_alone_is_refused(world: World) -> None:
    with world.undone():
        given = {"email": "owner@example.org", "password": PASSWORD}
        login = world.tell("nobody", "POST", "/api/v1/auth/login", json=given)
        cookie = {"Cookie": f"afterbay_session={login.cookies['afterbay_session']}"}
        csrf = login.json()["csrf_token"]
        place = f"{SIZING}/projects"

        read = world.tell(cookie, "GET", place)
        alone = world.tell(cookie, "POST", place, json={"name": "X"})
        wrong = {**cookie, "X-CSRF-Token": "x" * len(csrf)}
        guessed = world.tell(wrong, "POST", place, json={"name": "X"})
        both = world.tell({**cookie, "X-CSRF-Token": csrf}, "POST", place, json={"name": "X"})

    found = (read.status_code, alone.status_code, guessed.status_code, both.status_code)
    assert found == (200, 403, 403, 201)


def test_who_is_not_there_and_who_has_another_password_are_answered_alike(world: World) -> None:
    answers = [
        world.ask("nobody", "POST", "/api/v1/auth/login", json={"email": email, "password": "not the password"})
        for email in ("owner@example.org", "nobody.at.all@example.org")
    ]

    shown = [(one.status_code, {**one.json(), "request_id": ""}) for one in answers]
    assert shown[0] == shown[1]
    assert shown[0][0] == 401
