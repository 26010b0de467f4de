"""Single sign-on against a certified provider in a process of its own."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi import FastAPI
from server_identity import ROLES, Clock, app_for, audit, client_of, person
from sqlalchemy.orm import Session, sessionmaker
from starlette.testclient import TestClient

from afterbay.core.errors import InvalidInputError, NotAllowedError, UnavailableError
from afterbay.server.platform.identity import service
from afterbay.server.platform.identity.service import (
    IdentitySettings,
    OidcSettings,
    Provider,
    UserChange,
    make_identity,
    read_role_mapping,
    utc_now,
)
from afterbay.server.principal import SYSTEM

HERE = Path(__file__).parent / "oidc_provider"
LOGIN = "/api/v1/auth/oidc/login"
CALLBACK = "http://127.0.0.1:8000/api/v1/auth/oidc/callback"
CLIENT, SECRET = "afterbay", "a secret of the tests, long enough"
MAPPING = "engineers=bess-sizing:engineer+fleet:viewer, readers=bess-sizing:viewer, it=platform:admin"
ACCOUNTS = {
    "ada": {"email": "ada@example.org", "email_verified": True, "name": "Ada", "groups": ["engineers", "readers"]},
    "eve": {"email": "ada@example.org", "email_verified": False, "name": "Eve", "groups": ["it"]},
    "root": {"email": "root@example.org", "email_verified": True, "name": "Root", "groups": ["it"]},
    "ghost": {"name": "no address"},
}

needs_node = pytest.mark.skipif(
    shutil.which("node") is None or shutil.which("npm") is None,
    reason="the certified provider of single sign-on is a package of npm: install node 20 or later, and npm",
)


def installed() -> Path:
    """Return the provider's folder: made once for each lock, beside the packages of Python."""
    files = [HERE / name for name in ("package.json", "package-lock.json", ".npmrc", "server.mjs")]
    key = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:16]
    folder = Path(sys.prefix) / f"oidc-provider-{key}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=sys.prefix) as draft:
            made = Path(draft) / "made"
            made.mkdir()
            for path in files:
                shutil.copy(path, made)
            subprocess.run(
                ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=made, check=True, timeout=120,
                capture_output=True, text=True,
            )  # fmt: skip
            try:
                made.rename(folder)
            except OSError:
                # Another process of the tests was faster.
                assert folder.exists()
    return folder


def running(*, in_id_token: bool) -> Iterator[str]:
    """Run a provider and give its issuer."""
    common = {"client_id": CLIENT, "redirect_uris": [CALLBACK]}
    clients = [
        {**common, "client_secret": SECRET},
        {**common, "client_id": "public", "token_endpoint_auth_method": "none"},
    ]
    words = json.dumps({"clients": clients, "accounts": ACCOUNTS, "inIdToken": in_id_token})
    process = subprocess.Popen(
        ["node", "server.mjs", words], cwd=installed(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):
                yield json.loads(line)["issuer"]
                return
        pytest.fail("the provider did not start")
    finally:
        process.kill()
        process.wait(10)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    yield from running(in_id_token=True)


@pytest.fixture(scope="module")
def reticent_issuer() -> Iterator[str]:
    """A provider that tells about its users at the userinfo endpoint only."""
    yield from running(in_id_token=False)


def app_with(folder: Path, sessions: sessionmaker[Session], issuer: str, **settings: Any) -> FastAPI:
    oidc = OidcSettings(issuer, CLIENT, SECRET, name="Example", roles=read_role_mapping(MAPPING))
    identity = make_identity(IdentitySettings(folder / "keys", oidc=replace(oidc, **settings)), ROLES)
    return app_for(identity, sessions)


def at_the_provider(address: str, choice: str) -> str:
    """Let a browser sign in at the provider; return the address that it is sent back to."""
    with httpx2.Client() as browser:
        for _ in range(8):
            answer = browser.get(address)
            assert answer.status_code in (302, 303), answer.text
            address = str(answer.url.join(answer.headers["location"]))
            if address.startswith(CALLBACK):
                return address
            if "/interaction/" in address:
                address = f"{address}/{choice}"
    pytest.fail("the provider did not come to an end")


def signs_in(client: TestClient, choice: str = "as/ada", path: str = LOGIN) -> str:
    """Go to the provider and back; return where we end."""
    begun = client.get(path, follow_redirects=False)
    assert begun.status_code == 303, begun.text
    back = at_the_provider(begun.headers["location"], choice)
    ended = client.get(back, follow_redirects=False)
    assert ended.status_code == 303, ended.text
    return str(ended.headers["location"])


@needs_node
def test_somebody_unknown_gets_an_account_with_the_roles_of_their_groups(
    issuer: str, tmp_path: Path, sessions: sessionmaker[Session]
) -> None:
    client = client_of(app_with(tmp_path, sessions, issuer, create_users=True))

    place = signs_in(client, path=f"{LOGIN}?next=/projects/7")
    me = client.get("/api/v1/auth/me").json()

    assert place == "/projects/7"
    assert (me["email"], me["name"], me["is_admin"], me["has_password"]) == ("ada@example.org", "Ada", False, False)
    assert {one["module"]: (one["role"], one["source"]) for one in me["grants"]} == {
        "bess-sizing": ("engineer", "oidc"),
        "fleet": ("viewer", "oidc"),
    }
    assert [action for action, _, _ in audit(sessions)] == [
        "user.created", "identity.linked", "grants.mapped", "sign-in.succeeded",
    ]  # fmt: skip


@needs_node
def test_what_the_id_token_leaves_out_is_asked_for(
    reticent_issuer: str, tmp_path: Path, sessions: sessionmaker[Session]
) -> None:
    client = client_of(app_with(tmp_path, sessions, reticent_issuer, create_users=True))

    signs_in(client)

    assert client.get("/api/v1/auth/me").json()["permissions"]["fleet"] == ["read"]


@needs_node
def test_a_public_client_is_protected_by_pkce_alone(
    issuer: str, tmp_path: Path, sessions: sessionmaker[Session]
) -> None:
    app = app_with(tmp_path, sessions, issuer, create_users=True, client_id="public", client_secret="")

    assert signs_in(client_of(app)) == "/"


@needs_node
def test_the_way_there_carries_state_nonce_and_a_challenge_but_no_secret(
    issuer: str, tmp_path: Path, sessions: sessionmaker[Session]
) -> None:
    client = client_of(app_with(tmp_path, sessions, issuer))

    answer = client.get(LOGIN, follow_redirects=False)

    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    cookie = answer.headers["set-cookie"]
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == CALLBACK
    assert all(len(asked[name]) >= 43 for name in ("state", "nonce", "code_challenge"))
    assert SECRET not in answer.headers["location"]
    assert "code_verifier" not in asked
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/api/v1/auth/oidc;" in cookie


@needs_node
@pytest.mark.parametrize("create", [True, False])
def test_an_unverified_address_never_opens_the_account_with_that_address(
    create: bool, issuer: str, tmp_path: Path, sessions: sessionmaker[Session]
) -> None:
    app = app_with(tmp_path, sessions, issuer, link_by_email=True, create_users=create)
    person(sessions, app.state.identity, "ada@example.org")
    client = client_of(app)

    place = signs_in(client, "as/eve")

    assert place == "/welcome#problem=unknown"
    assert client.get("/api/v1/auth/me").status_code == 401


@needs_node
@pytest.mark.parametrize(("link", "place"), [(True, "/"), (False, "/welcome#problem=unknown")])
def test_a_verified_address_opens_the_local_account_only_where_that_is_configured(
    link: bool, place: str, issuer: str, tmp_path: Path, sessions: sessionmaker[Session]
) -> None:
    app = app_with(tmp_path, sessions, issuer, link_by_email=link)
    person(sessions, app.state.identity, "ada@example.org")

    assert signs_in(client_of(app)) == place


@needs_node
@pytest.mark.parametrize("who", ["ada", "ghost"])
def test_nobody_unknown_gets_in_where_accounts_are_made_by_hand(
    who: str, issuer: str, tmp_path: Path, sessions: sessionmaker[Session]
) -> None:
    app = app_with(tmp_path, sessions, issuer, link_by_email=True)

    assert signs_in(client_of(app), f"as/{who}") == "/welcome#problem=unknown"


@needs_node
def test_a_closed_account_stays_closed(issuer: str, tmp_path: Path, sessions: sessionmaker[Session]) -> None:
    app = app_with(tmp_path, sessions, issuer, create_users=True)
    identity = app.state.identity
    signs_in(client_of(app))
    with sessions.begin() as session:
        account = service.find_account(session, "ada@example.org")
        service.change_user(session, identity, SYSTEM, account.id, UserChange(is_active=False))

    assert signs_in(client_of(app)) == "/welcome#problem=closed"


@needs_node
def test_roles_follow_the_claims_and_grants_made_by_hand_stay(
    issuer: str, tmp_path: Path, sessions: sessionmaker[Session]
) -> None:
    app = app_with(tmp_path, sessions, issuer, create_users=True)
    signs_in(client_of(app))
    with sessions.begin() as session:
        account = service.find_account(session, "ada@example.org")
        service.give_grant(session, app.state.identity, SYSTEM, account.id, "fleet", "operator")
    other = app_with(tmp_path, sessions, issuer, roles=read_role_mapping("readers=bess-sizing:viewer"))

    signs_in(client_of(other))

    with sessions() as session:
        grants = {one.module: one.role for one in service.find_account(session, "ada@example.org").grants}
    assert grants == {"bess-sizing": "viewer", "fleet": "operator"}


@needs_node
def test_an_administrator_by_claims_is_one_only_as_long_as_the_claims_say_so(
    issuer: str, tmp_path: Path, sessions: sessionmaker[Session]
) -> None:
    app = app_with(tmp_path, sessions, issuer, create_users=True)
    signs_in(client_of(app), "as/root")
    with sessions() as session:
        before = service.find_account(session, "root@example.org").is_admin
    other = app_with(tmp_path, sessions, issuer, roles=read_role_mapping("others=platform:admin"))

    signs_in(client_of(other), "as/root")

    with sessions() as session:
        assert (before, service.find_account(session, "root@example.org").is_admin) == (True, False)


@needs_node
def test_a_user_who_says_no_is_told_so(issuer: str, tmp_path: Path, sessions: sessionmaker[Session]) -> None:
    client = client_of(app_with(tmp_path, sessions, issuer, create_users=True))

    assert signs_in(client, "abort") == "/welcome#problem=cancelled"


@needs_node
def test_an_answer_works_only_in_the_browser_that_asked_and_only_once(
    issuer: str, tmp_path: Path, sessions: sessionmaker[Session]
) -> None:
    app = app_with(tmp_path, sessions, issuer, create_users=True)
    attacker, victim = client_of(app), client_of(app)
    back = at_the_provider(attacker.get(LOGIN, follow_redirects=False).headers["location"], "as/ada")
    victim.get(LOGIN, follow_redirects=False)

    elsewhere = victim.get(back, follow_redirects=False).headers["location"]
    kept = dict(attacker.cookies)
    here = attacker.get(back, follow_redirects=False).headers["location"]
    again = client_of(app).get(
        back, follow_redirects=False, headers={"Cookie": f"afterbay_oidc={kept['afterbay_oidc']}"}
    )

    assert elsewhere == "/welcome#problem=began-elsewhere"
    assert here == "/"
    assert again.headers["location"] == "/welcome#problem=failed"


@needs_node
@pytest.mark.parametrize("what", ["code", "verifier", "nonce", "issuer"])
def test_an_exchange_with_anything_changed_is_refused(what: str, issuer: str) -> None:
    provider = Provider(OidcSettings(issuer, CLIENT, SECRET))
    started = provider.start(CALLBACK, utc_now())
    asked = parse_qs(urlsplit(at_the_provider(started.url, "as/ada")).query)
    code, iss = asked["code"][0], asked["iss"][0]
    if what in ("verifier", "nonce"):
        started = replace(started, **{what: "x" * 43})

    with pytest.raises(NotAllowedError, match="did not vouch"):
        provider.finish(
            CALLBACK, "x" if what == "code" else code, started, utc_now(),
            issuer="https://evil.example" if what == "issuer" else iss,
        )  # fmt: skip


@needs_node
def test_a_wrong_secret_is_refused(issuer: str) -> None:
    provider = Provider(OidcSettings(issuer, CLIENT, "a wrong secret of the same kind..."))
    started = provider.start(CALLBACK, utc_now())
    code = parse_qs(urlsplit(at_the_provider(started.url, "as/ada")).query)["code"][0]

    with pytest.raises(NotAllowedError, match="did not vouch"):
        provider.finish(CALLBACK, code, started, utc_now())


@needs_node
def test_a_provider_that_calls_itself_otherwise_is_not_believed(issuer: str) -> None:
    with pytest.raises(NotAllowedError, match="another issuer"):
        Provider(OidcSettings(f"{issuer}/", CLIENT, SECRET)).start(CALLBACK, utc_now())


def test_a_provider_that_does_not_answer_is_not_available() -> None:
    with pytest.raises(UnavailableError, match="does not answer"):
        Provider(OidcSettings("http://127.0.0.1:1", CLIENT, SECRET)).start(CALLBACK, utc_now())


@pytest.mark.parametrize("issuer", ["http://login.example.org", "ftp://x", "login.example.org", ""])
def test_an_issuer_without_tls_is_refused(issuer: str) -> None:
    with pytest.raises(InvalidInputError, match="https://"):
        Provider(OidcSettings(issuer, CLIENT, SECRET))


@pytest.mark.parametrize(
    "goes_to", ["https://evil.example", "//evil.example", "/\\evil.example", "/a\\..\\b", "evil", "/\tx", "/x\ny"]
)
def test_nobody_is_sent_elsewhere_after_signing_in(goes_to: str) -> None:
    from afterbay.server.platform.identity.router.single_sign_on import _local

    assert _local(goes_to) == "/"


def test_without_a_provider_there_is_no_single_sign_on(client: TestClient) -> None:
    assert client.get(LOGIN, follow_redirects=False).status_code == 404
    assert client.get("/api/v1/auth/methods").json() == {
        "password": True, "single_sign_on": None, "password_min": 12, "forgotten_password": False,
    }  # fmt: skip


def test_a_mapping_to_a_role_that_does_not_exist_is_refused_at_the_start(tmp_path: Path, clock: Clock) -> None:
    oidc = OidcSettings("https://login.example.org", CLIENT, roles=read_role_mapping("a=fleet:engineer, b=sun:viewer"))

    with pytest.raises(InvalidInputError) as caught:
        make_identity(IdentitySettings(tmp_path / "keys", oidc=oidc), ROLES, clock=clock)

    assert len(caught.value.problems) == 2


def test_a_mapping_that_cannot_be_read_names_every_part() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_role_mapping("x, =fleet:viewer, a=fleet, b=fleet:, good=fleet:viewer")

    assert len(caught.value.problems) == 4


def test_a_value_of_a_claim_may_hold_an_equals_sign() -> None:
    assert read_role_mapping("cn=it=platform:admin") == {"cn=it": frozenset({("platform", "admin")})}
