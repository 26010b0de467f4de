"""`afterbay login` and `afterbay logout`: which server the command works for, and who one is there."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from afterbay.cli import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from afterbay.client.connection import Connection
    from afterbay.client.login import Login
    from afterbay.core.errors import Problem

__all__ = ["app", "logout_app", "sign_in"]

app = typer.Typer(
    invoke_without_command=True,
    subcommand_metavar="",
    rich_markup_mode=None,
    **output.told(
        "Sign in on a server once; `size run --remote` and `project` use it. A token is kept, never the password.",
        "afterbay login",
        "afterbay login --url https://afterbay.example.org --email ada@example.org < password.txt",
        "afterbay login --status",
    ),
)
logout_app = typer.Typer(
    invoke_without_command=True,
    subcommand_metavar="",
    rich_markup_mode=None,
    **output.told("Sign out: the token ends on the server and is forgotten here.", "afterbay logout"),
)
_UNTIL_WARNED_S = 7 * 86_400.0


@app.callback()
def login(
    url: Annotated[
        str | None, typer.Option(help="Address of the server (AFTERBAY_URL); default: that of the last login.")
    ] = None,
    email: Annotated[str | None, typer.Option(help="Your address; asked for if it is not given.")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How long the token lives [days].")] = 90,
    scope: Annotated[
        list[str] | None, typer.Option(help="MODULE:ACTION, to allow the token less; default: sizing, all you may.")
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Only say who is signed in, and where.")] = False,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Sign in on a server."""
    from afterbay.client.login import keep_login
    from afterbay.core.errors import AfterbayError

    if status:
        _show_status(as_json=as_json)
        return
    address = _address(url)
    email = email or _ask("E-mail")
    password = _password()
    made, ended = sign_in(address, email, password, days, scope or [])
    try:
        path = keep_login(made)
    except AfterbayError:
        # A token that nobody has is only a risk.
        with suppress(AfterbayError):
            _end(made)
        raise
    if as_json:
        output.json_document({**_document(made), "kept_in": str(path)})
        return
    output.lines([f"signed in as {made.email} at {made.url}, until {made.expires_at[:10]}"])
    output.note(f"the token is kept in {path}, for you alone; afterbay logout ends it")
    if ended:
        output.note("the token of the login before is ended")


@logout_app.callback()
def logout(as_json: Annotated[bool, output.JSON_OPTION] = False) -> None:
    """Sign out."""
    from afterbay.client.login import forget_login, read_login
    from afterbay.core.errors import AfterbayError, InvalidInputError

    try:
        known = read_login()
    except InvalidInputError:
        # What cannot be read is forgotten all the same.
        known = None
    told = "nobody was signed in"
    try:
        if known is not None:
            _end(known)
            told = f"signed out at {known.url}; the token is ended"
    except AfterbayError as error:
        told = f"signed out here; the token may live on at {known.url if known else ''} until it is revoked there"
        output.warn(str(error))
    if forget_login() and known is None:
        told = "the login that could not be read is forgotten"
    output.told_lines([told], as_json=as_json)


def sign_in(url: str, email: str, password: str, days: int = 90, scopes: Sequence[str] = ()) -> tuple[Login, bool]:
    """Make a token by a password; returns the new login, and whether the one before at this place was ended.

    Args:
        url: Address of the server.
        email: Who.
        password: Theirs; it is sent once and kept nowhere.
        days: Life of the token [days].
        scopes: What the token may; empty: all that they may in sizing.

    Raises:
        NotAllowedError: If address or password is wrong, or they may do nothing there.
    """
    import platform

    from afterbay.client.login import Login, read_login
    from afterbay.core.errors import AfterbayError, InvalidInputError, NotAllowedError

    try:
        before = read_login()
    except InvalidInputError:
        before = None
    with _connection(url) as way:
        body = {"email": email, "password": password, "mode": "token"}
        tokens, _ = way.ask("POST", "/api/v1/auth/login", body=body)
        session = {"Authorization": f"Bearer {tokens['access_token']}"}
        try:
            me, _ = way.ask("GET", "/api/v1/auth/me", headers=session)
            wanted = [*scopes] or _scopes_of(me)
            if not wanted:
                raise NotAllowedError(
                    f"{me['email']} may do nothing in sizing -> ask an administrator for a role: "
                    f"afterbay user grant {me['email']} sizing engineer"
                )
            asked = {"name": f"afterbay command on {platform.node() or 'a machine'}"[:200], "scopes": wanted,
                     "days": days}  # fmt: skip
            made, _ = way.ask("POST", "/api/v1/auth/tokens", body=asked, headers=session)
            if scopes:
                _check_use(way, made["token"], wanted, _scopes_of(me))
        finally:
            # Only the token is to live on.
            way.send("POST", "/api/v1/auth/logout", headers=session)
    ended = False
    if before is not None and before.url == url:
        try:
            _end(before)
            ended = True
        except AfterbayError as error:
            output.warn(f"the token of the login before could not be ended: {error}")
    return Login(url, made["token"], me["email"], made["name"], made["expires_at"]), ended


def _check_use(way: Connection, token: str, wanted: Sequence[str], may: Sequence[str]) -> None:
    """End a token that may do nothing, because its owner may do nothing of what it was made for."""
    from afterbay.core.errors import NotAllowedError

    headers = {"Authorization": f"Bearer {token}"}
    me, _ = way.ask("GET", "/api/v1/auth/me", headers=headers)
    if not any(me["permissions"].values()):
        way.send("POST", "/api/v1/auth/logout", headers=headers)
        raise NotAllowedError(
            f"{me['email']} may not do {', '.join(wanted)}, so a token of theirs may not either; in sizing they may: "
            f"{', '.join(may) or 'nothing'} -> name less in --scope, or ask an administrator for a role"
        )


def _scopes_of(me: dict[str, Any]) -> list[str]:
    """Return all that somebody may do in sizing, but not with other people's accounts."""
    actions = me["permissions"].get("bess-sizing", [])
    return [f"sizing:{action}" for action in actions if action != "manage_users"]


def _show_status(*, as_json: bool) -> None:
    from afterbay.client.login import read_login
    from afterbay.core.errors import NotAllowedError

    known = read_login()
    now = datetime.now(UTC)
    if known is None:
        raise NotAllowedError("nobody is signed in -> afterbay login")
    if known.is_over(now):
        raise NotAllowedError(f"the login at {known.url} ran out on {known.expires_at[:10]} -> afterbay login")
    with _connection(known.url, known.token) as way:
        me = way.get("/api/v1/auth/me")
    if as_json:
        output.json_document({**_document(known), "permissions": me["permissions"]})
        return
    actions = ", ".join(me["permissions"].get("bess-sizing", [])) or "nothing"
    output.lines([f"{me['email']} at {known.url}, until {known.expires_at[:10]}; in sizing: {actions}"])
    if (datetime.fromisoformat(known.expires_at) - now).total_seconds() < _UNTIL_WARNED_S:
        output.warn("it runs out soon: afterbay login makes a new one")


def _end(known: Login) -> None:
    with _connection(known.url, known.token) as way:
        way.send("POST", "/api/v1/auth/logout")


def _connection(url: str, token: str | None = None) -> Connection:
    from afterbay.client.connection import DEFAULT_PLATFORM_URL, Connection

    return Connection(url, token, default=DEFAULT_PLATFORM_URL)


def _address(url: str | None) -> str:
    import os

    from afterbay.client.connection import DEFAULT_PLATFORM_URL, check_url
    from afterbay.client.login import read_login
    from afterbay.core.errors import InvalidInputError

    named = url or os.environ.get("AFTERBAY_URL", "").strip()
    if not named:
        try:
            before = read_login()
        except InvalidInputError:
            before = None
        named = before.url if before else DEFAULT_PLATFORM_URL
    try:
        # The password is about to go there: not in the clear to another machine.
        return check_url(named, token=True)
    except InvalidInputError as error:
        where = "--url" if url else "AFTERBAY_URL"
        raise InvalidInputError([_of_a_server(one, where) for one in error.problems]) from None


def _of_a_server(problem: Problem, where: str) -> Problem:
    """The check knows headends: their port is another, and their token is not a password."""
    from afterbay.client.connection import DEFAULT_PLATFORM_URL, DEFAULT_URL
    from afterbay.core.errors import Problem

    allowed = problem.allowed.replace(DEFAULT_URL, DEFAULT_PLATFORM_URL)
    got = problem.got.replace("with a token", "for a password")
    return Problem(where, got, allowed, problem.next_move.replace("headend's", "server's"))


def _ask(what: str) -> str:
    from afterbay.core.errors import InvalidInputError, Problem

    if not output.is_terminal(sys.stdin):
        raise InvalidInputError(Problem("--email", "nothing", "the address of your account", "give --email"))
    return str(typer.prompt(what, err=True)).strip()


def _password() -> str:
    """Return the password: asked for on a terminal, else the first line of what is piped in."""
    from afterbay.core.errors import InvalidInputError, Problem

    if output.is_terminal(sys.stdin):
        return str(typer.prompt("Password", hide_input=True, err=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise InvalidInputError(Problem("password", "nothing", "one line on stdin", "echo it in, or use a terminal"))
    return line


def _document(known: Login) -> dict[str, Any]:
    return {"url": known.url, "email": known.email, "token_name": known.name, "expires_at": known.expires_at}
