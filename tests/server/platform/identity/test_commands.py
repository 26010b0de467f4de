"""`afterbay user` and `afterbay token`, on a database of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from server_identity import PASSWORD, Clock, audit, client_of
from sqlalchemy.orm import Session, sessionmaker
from typer.testing import CliRunner

from afterbay.cli import token, user
from afterbay.core.errors import AfterbayError, ConflictError, InvalidInputError, NotFoundError
from afterbay.server.platform.identity.service import Identity

ADA = "ada@example.org"
COMMAND = typer.Typer()
COMMAND.add_typer(user.app, name="user")
COMMAND.add_typer(token.app, name="token")


class Shell:
    """Runs the command against one database."""

    def __init__(self, url: str, folder: Path) -> None:
        self.places = ["--database", url, "--data-dir", str(folder)]

    def __call__(self, *words: str) -> str:
        result = CliRunner().invoke(COMMAND, [*words, *self.places])
        if isinstance(result.exception, AfterbayError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))


@pytest.fixture
def run(platform_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    for name in ("AFTERBAY_SECRET_KEY", "AFTERBAY_PUBLIC_URL", "AFTERBAY_OIDC_ISSUER", "AFTERBAY_LISTEN"):
        monkeypatch.delenv(name, raising=False)
    return Shell(platform_url, tmp_path)


def test_a_user_that_was_added_gets_in_by_the_printed_link(run: Shell, app: Any, clock: Clock) -> None:
    from afterbay.server.platform.identity.service import utc_now

    clock.now = utc_now()
    url = run("user", "add", ADA, "--name", "Ada", "--grant", "sizing:engineer", "--grant", "fleet:viewer").strip()
    client = client_of(app)

    secret = url.partition("#token=")[2]
    answer = client.post("/api/v1/auth/links/accept", json={"token": secret, "password": PASSWORD})

    assert url.startswith("http://127.0.0.1:8000/welcome#token=afl_")
    assert answer.status_code == 200
    assert client.get("/api/v1/auth/me").json()["permissions"] == {
        "bess-sizing": ["create", "export", "read", "update"],
        "fleet": ["read"],
    }


def test_users_are_listed_with_their_roles_and_state(run: Shell) -> None:
    run("user", "add", ADA, "--grant", "sizing:engineer")
    run("user", "add", "root@example.org", "--admin")
    run("user", "disable", ADA)

    lines = run("user", "list").splitlines()
    found = run.json("user", "list", "root")["users"]

    assert lines[0].split() == ["E-MAIL", "NAME", "STATE", "ROLES", "LAST", "SIGN-IN"]
    assert lines[1].split() == [ADA, "closed", "bess-sizing:engineer", "never"]
    assert lines[2].split() == ["root@example.org", "administrator", "never"]
    assert [one["email"] for one in found] == ["root@example.org"]


def test_a_list_longer_than_a_page_is_whole(run: Shell, identity: Identity, sessions: sessionmaker[Session]) -> None:
    from afterbay.server.platform.identity.service import create_user
    from afterbay.server.principal import SYSTEM

    with sessions.begin() as session:
        for number in range(401):
            create_user(session, identity, SYSTEM, f"user{number:03}@example.org")

    assert len(run.json("user", "list")["users"]) == 401


def test_grants_come_and_go(run: Shell) -> None:
    run("user", "add", ADA)

    given = run("user", "grant", ADA, "sizing", "viewer", "--until", "2099-01-01T00:00Z")
    shown = run("user", "list")
    run("user", "revoke", ADA, "sizing")

    assert given == f"{ADA} is viewer in bess-sizing\n"
    assert "bess-sizing:viewer until 2099-01-01" in shown
    assert run.json("user", "list")["users"][0]["grants"] == []


def test_the_command_says_what_it_did_and_the_trail_says_who(run: Shell, sessions: sessionmaker[Session]) -> None:
    run("user", "add", ADA)
    assert run("user", "disable", ADA) == f"{ADA} is closed\n"
    assert run("user", "enable", ADA) == f"{ADA} is open\n"
    assert run("user", "unlock", ADA) == f"{ADA} may sign in now\n"
    link = run("user", "link", ADA).strip()

    trail = audit(sessions)
    assert [action for action, _, _ in trail] == [
        "user.created", "link.created", "user.disabled", "user.enabled", "link.created",
    ]  # fmt: skip
    assert all(actor.startswith("command of ") for _, actor, _ in trail)
    assert link.partition("#token=")[2] not in str(trail)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("user", "link", "nobody@example.org"), NotFoundError),
        (("user", "add", ADA), ConflictError),
        (("user", "add", "no address"), InvalidInputError),
        (("user", "add", "new@example.org", "--grant", "sizing"), InvalidInputError),
        (("user", "grant", ADA, "sun", "viewer"), InvalidInputError),
        (("user", "grant", ADA, "fleet", "owner"), InvalidInputError),
        (("user", "grant", ADA, "fleet", "viewer", "--until", "tomorrow"), InvalidInputError),
        (("user", "grant", ADA, "fleet", "viewer", "--until", "2099-01-01"), InvalidInputError),
        (("user", "revoke", ADA, "fleet"), NotFoundError),
        (("user", "disable", ADA), ConflictError),
        (("token", "create", ADA, "--name", "x", "--scope", "sizing:fly"), InvalidInputError),
        (("token", "create", ADA, "--name", "x", "--scope", "sizing:read", "--days", "0"), InvalidInputError),
        (("token", "revoke", "00000000-0000-0000-0000-000000000000"), NotFoundError),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    words: tuple[str, ...], kind: type[Exception], run: Shell, sessions: sessionmaker[Session]
) -> None:
    run("user", "add", ADA, "--admin")
    before = audit(sessions)

    with pytest.raises(kind):
        run(*words)

    assert audit(sessions) == before


def test_a_token_of_the_command_works_is_listed_and_ends(
    run: Shell, app: Any, clock: Clock, sessions: sessionmaker[Session]
) -> None:
    from afterbay.server.platform.identity.service import utc_now

    clock.now = utc_now()
    run("user", "add", ADA, "--grant", "sizing:viewer")
    secret = run("token", "create", ADA, "--name", "nightly", "--scope", "sizing:read", "--days", "7").strip()
    headers = {"Authorization": f"Bearer {secret}"}

    works = client_of(app).get("/api/v1/auth/me", headers=headers)
    listed = run("token", "list", ADA)
    found = run.json("token", "list", ADA)["tokens"]
    run("token", "revoke", found[0]["id"])

    assert works.json()["permissions"] == {"bess-sizing": ["read"]}
    assert f"...{secret[-4:]}" in listed
    assert secret not in listed
    assert found[0]["scopes"] == ["bess-sizing:read"]
    assert client_of(app).get("/api/v1/auth/me", headers=headers).status_code == 401
    assert run.json("token", "list", ADA)["tokens"] == []


def test_a_key_is_exchanged_without_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AFTERBAY_SECRET_KEY", raising=False)

    found = [CliRunner().invoke(COMMAND, ["token", "rotate-key", "--data-dir", str(tmp_path)]).stdout for _ in range(3)]

    assert [line.split(";")[1] for line in found] == [
        " 1 older is still read\n", " 2 older are still read\n", " 2 older are still read\n",
    ]  # fmt: skip
    monkeypatch.setenv("AFTERBAY_SECRET_KEY", "a key of the operator, long enough for anybody")
    result = CliRunner().invoke(COMMAND, ["token", "rotate-key", "--data-dir", str(tmp_path)])
    assert isinstance(result.exception, InvalidInputError)
