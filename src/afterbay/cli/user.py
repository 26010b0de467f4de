"""`afterbay user`: accounts and grants, on the database itself; for the first day, and for when nobody can sign in."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from afterbay.cli import output
from afterbay.cli.links import link_base
from afterbay.cli.surroundings import server_settings
from afterbay.cli.tables import table

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from afterbay.server.platform.identity.service import Account, Identity, Link
    from afterbay.server.principal import Principal
    from afterbay.server.settings import Settings

__all__ = ["Opened", "app", "command_words", "opened"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    **output.told(
        "Look after users and what they may do, directly on the database (DATABASE_URL, or the embedded one).",
        "afterbay user add ada@example.org --name Ada --grant sizing:engineer",
        "afterbay user link ada@example.org",
        "afterbay user list",
    ),
)
Database = Annotated[
    str | None, typer.Option("--database", help="Database (DATABASE_URL); default: the one in the data folder.")
]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder of everything kept (AFTERBAY_DATA_DIR).")]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="Address of the user.")]
Url = Annotated[
    str | None,
    typer.Option("--url", help="What the link begins with; default: AFTERBAY_PUBLIC_URL, else the server that runs."),
]
Module = Annotated[str, typer.Argument(metavar="MODULE", help="sizing, community or fleet.")]


class Opened:
    """A session on the database, and who acts: whoever may run this command."""

    def __init__(self, session: Session, identity: Identity, settings: Settings) -> None:
        from afterbay.server.principal import SYSTEM

        self.session = session
        self.identity = identity
        self.actor: Principal = replace(SYSTEM, email=f"command of {_who()}", address="this machine")
        self.settings = settings

    def account(self, email: str) -> Account:
        """Return the user with an address.

        Raises:
            NotFoundError: If there is none.
        """
        from afterbay.core.errors import NotFoundError
        from afterbay.server.platform.identity.service import find_account

        try:
            return find_account(self.session, email)
        except NotFoundError as error:
            raise NotFoundError(f"{error} -> afterbay user list shows all, afterbay user add makes one") from None


@contextmanager
def opened(database: str | None, data_dir: Path | None) -> Iterator[Opened]:
    """Give a session on the database that commits at the end.

    Raises:
        UnavailableError: If the database does not answer.
    """
    from afterbay.server.database import open_database
    from afterbay.server.db import session_scope
    from afterbay.server.platform_app import make_platform_identity

    settings = server_settings(database_url=database, data_dir=data_dir)
    identity = make_platform_identity(settings)
    with open_database(settings) as found, session_scope(found.sessions) as session:
        yield Opened(session, identity, settings)


@app.command(
    **output.told(
        "Make a user, and print the one-time link that lets them set a password.",
        "afterbay user add ada@example.org --name Ada --grant sizing:engineer --grant fleet:viewer",
        "afterbay user add root@example.org --admin",
    )
)
def add(
    email: Email,
    name: Annotated[str, typer.Option(help="Name of the user.")] = "",
    admin: Annotated[bool, typer.Option("--admin", help="Administrator of the platform.")] = False,
    grant: Annotated[list[str] | None, typer.Option(help="MODULE:ROLE; may be given several times.")] = None,
    url: Url = None,
    database: Database = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Make a user."""
    from afterbay.core.errors import ConflictError
    from afterbay.server.platform.identity.service import create_link, create_user, give_grant, module_of

    with opened(database, data_dir) as place:
        base = link_base(place.settings, url)
        with command_words():
            try:
                account = create_user(place.session, place.identity, place.actor, email, name, is_admin=admin)
            except ConflictError as error:
                raise ConflictError(f"{error} -> a new link: afterbay user link {email}") from None
        for word in grant or ():
            module, _, role = word.partition(":")
            with command_words(f"--grant {word}"):
                account = give_grant(place.session, place.identity, place.actor, account.id, module_of(module), role)
        made = create_link(place.session, place.identity, place.actor, account.id)
    _show_link(account, base, made, as_json=as_json)


@app.command(
    "list", **output.told("List users and their roles.", "afterbay user list", "afterbay user list ada --json")
)
def list_(
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="Part of the address or name.")] = "",
    database: Database = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """List users."""
    from afterbay.server.platform.identity.service import UserQuery, find_accounts
    from afterbay.server.rest.paging import LARGEST_PAGE, PageRequest

    found: list[Account] = []
    with opened(database, data_dir) as place:
        cursor = None
        while True:
            page = find_accounts(place.session, UserQuery(text), PageRequest(LARGEST_PAGE, cursor))
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        now = place.identity.clock()
    if as_json:
        output.json_document({"users": [_document(one) for one in found]})
    elif not found:
        output.note("no user yet: afterbay user add EMAIL --admin" if not text else f"no user with {text!r}")
    else:
        rows = [[one.email, one.name, _state(one), _roles(one, now), _day(one.last_sign_in_at)] for one in found]
        output.lines(table(("E-MAIL", "NAME", "STATE", "ROLES", "LAST SIGN-IN"), rows, left=range(5)))


@app.command(
    **output.told(
        "Print a new one-time link, for a forgotten password; links made before are over.",
        "afterbay user link ada@example.org",
    )
)
def link(
    email: Email,
    url: Url = None,
    database: Database = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Print a new one-time link."""
    from afterbay.server.platform.identity.service import create_link

    with opened(database, data_dir) as place:
        base = link_base(place.settings, url)
        account = place.account(email)
        made = create_link(place.session, place.identity, place.actor, account.id)
    _show_link(account, base, made, as_json=as_json)


@app.command(
    **output.told(
        "Close an account: signed out everywhere at once, tokens and links end. Nothing is deleted.",
        "afterbay user disable ada@example.org",
    )
)
def disable(
    email: Email,
    database: Database = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Close an account."""
    _switch(email, database, data_dir, is_active=False, as_json=as_json)


@app.command(**output.told("Open a closed account again.", "afterbay user enable ada@example.org"))
def enable(
    email: Email,
    database: Database = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Open a closed account again."""
    _switch(email, database, data_dir, is_active=True, as_json=as_json)


@app.command(
    **output.told(
        "Let somebody try again at once whose sign-in failed too often.", "afterbay user unlock ada@example.org"
    )
)
def unlock(
    email: Email,
    database: Database = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Let somebody try again at once."""
    from afterbay.server.platform.identity.service import unlock_user

    with opened(database, data_dir) as place:
        account = place.account(email)
        unlock_user(place.session, place.actor, account.id)
    _show(account, f"{account.email} may sign in now", as_json=as_json)


@app.command(
    **output.told(
        "Give a role in a module, in place of another one there.",
        "afterbay user grant ada@example.org sizing engineer",
        "afterbay user grant bob@example.org fleet operator --until 2026-12-31T00:00Z",
    )
)
def grant(
    email: Email,
    module: Module,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="admin, engineer, viewer, operator.")],
    until: Annotated[str | None, typer.Option(help="When it ends, with a zone; default: never.")] = None,
    database: Database = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Give a role in a module."""
    from afterbay.server.platform.identity.service import give_grant, module_of

    with opened(database, data_dir) as place, command_words():
        account = give_grant(
            place.session, place.identity, place.actor, place.account(email).id, module_of(module), role,
            expires_at=_moment(until),
        )  # fmt: skip
    _show(account, f"{account.email} is {role} in {module_of(module)}", as_json=as_json)


@app.command(**output.told("Take a role in a module away.", "afterbay user revoke ada@example.org fleet"))
def revoke(
    email: Email,
    module: Module,
    database: Database = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Take a role in a module away."""
    from afterbay.server.platform.identity.service import module_of, take_grant

    with opened(database, data_dir) as place:
        user_id = place.account(email).id
        account = take_grant(place.session, place.identity, place.actor, user_id, module_of(module))
    _show(account, f"{account.email} has no role in {module_of(module)}", as_json=as_json)


def _switch(email: str, database: str | None, data_dir: Path | None, *, is_active: bool, as_json: bool) -> None:
    from afterbay.server.platform.identity.service import UserChange, change_user

    with opened(database, data_dir) as place:
        user_id = place.account(email).id
        change = UserChange(is_active=is_active)
        account = change_user(place.session, place.identity, place.actor, user_id, change)
    _show(account, f"{account.email} is {'open' if is_active else 'closed'}", as_json=as_json)


def _show(account: Account, sentence: str, *, as_json: bool) -> None:
    if as_json:
        output.json_document(_document(account))
    else:
        output.lines([sentence])


def _show_link(account: Account, base: tuple[str, str], made: Link, *, as_json: bool) -> None:
    start, doubt = base
    url = f"{start}{made.path}"
    if doubt:
        output.warn(doubt)
    if as_json:
        output.json_document({**_document(account), "link": url, "link_expires_at": made.expires_at.isoformat()})
        return
    output.note(f"Give this link to {account.email}; it works once, until {made.expires_at:%Y-%m-%d %H:%M} UTC:")
    output.lines([url])
    if not account.grants and not account.is_admin:
        output.note(f"they may do nothing yet: afterbay user grant {account.email} sizing engineer")


@contextmanager
def command_words(where: str = "") -> Iterator[None]:
    """Name the words of the command line in problems, which name the fields of a request."""
    from afterbay.core.errors import InvalidInputError

    words = {"/email": "EMAIL", "/role": "ROLE", "/module": "MODULE", "/expires_at": "--until", "/name": "--name",
             "/scopes": "--scope", "/days": "--days"}  # fmt: skip
    try:
        yield
    except InvalidInputError as error:
        raise InvalidInputError(
            [replace(one, where=where or words.get(one.where, one.where), got=one.got or "nothing")
             for one in error.problems]
        ) from None  # fmt: skip


def _document(account: Account) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [plain(one) for one in value]
        return value if value is None or isinstance(value, bool | int | str) else str(value)

    found: dict[str, Any] = plain(asdict(account))
    return found


def _state(account: Account) -> str:
    if not account.is_active:
        return "closed"
    return "administrator" if account.is_admin else "open"


def _roles(account: Account, now: datetime) -> str:
    return ", ".join(
        f"{one.module}:{one.role}{'' if one.expires_at is None else f' until {one.expires_at:%Y-%m-%d}'}"
        for one in account.grants
        if one.expires_at is None or one.expires_at > now
    )


def _day(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def _moment(text: str | None) -> datetime | None:
    from datetime import datetime

    from afterbay.core.errors import InvalidInputError, Problem

    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidInputError(Problem("--until", text, "a time with its zone", "such as 2026-12-31T18:00Z"))
    return found


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
