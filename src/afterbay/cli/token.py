"""`afterbay token`: personal tokens and the keys of sign-ins, on the database and data folder themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from afterbay.cli import output
from afterbay.cli.tables import table
from afterbay.cli.user import Database, DataDir, Email, command_words, opened

if TYPE_CHECKING:
    from afterbay.server.platform.identity.service import TokenView

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    **output.told(
        "Look after personal tokens, directly on the database (DATABASE_URL, or the embedded one).",
        "afterbay token create ada@example.org --name nightly --scope sizing:read --days 30",
        "afterbay token list ada@example.org",
    ),
)


@app.command(
    **output.told(
        "Make a token for a user and print it, this once.",
        "afterbay token create ada@example.org --name nightly --scope sizing:read --scope sizing:export",
        "export AFTERBAY_TOKEN=$(afterbay token create ada@example.org --name ci --scope sizing:write)",
    )
)
def create(
    email: Email,
    name: Annotated[str, typer.Option(help="What it is for.")],
    scope: Annotated[list[str], typer.Option(help="MODULE:ACTION, such as sizing:read; may be given several times.")],
    days: Annotated[int, typer.Option(help="How long it lives [days].")] = 90,
    database: Database = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Make a token."""
    from afterbay.server.platform.identity.service import create_token

    with opened(database, data_dir) as place, command_words():
        user_id = place.account(email).id
        made = create_token(place.session, place.identity, place.actor, name, scope, days=days, user_id=user_id)
    if as_json:
        output.json_document({**_document(made.view), "token": made.secret})
        return
    output.note(f"For {email}, until {made.view.expires_at:%Y-%m-%d}; it is shown this once:")
    output.lines([made.secret])


@app.command("list", **output.told("List the tokens of a user.", "afterbay token list ada@example.org"))
def list_(
    email: Email,
    database: Database = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """List the tokens of a user."""
    from afterbay.server.platform.identity.service import list_tokens

    with opened(database, data_dir) as place:
        found = list_tokens(place.session, place.account(email).id)
        now = place.identity.clock()
    if as_json:
        output.json_document({"tokens": [_document(one) for one in found]})
    elif not found:
        output.note(f"{email} has no token")
    else:
        rows = [
            [
                str(one.id), one.name, f"...{one.hint}", " ".join(one.scopes),
                f"{one.expires_at:%Y-%m-%d}{'' if one.expires_at > now else ' (over)'}",
                "never" if one.last_used_at is None else f"{one.last_used_at:%Y-%m-%d %H:%M} {one.last_used_address}",
            ]
            for one in found
        ]  # fmt: skip
        output.lines(table(("ID", "NAME", "TOKEN", "SCOPES", "UNTIL", "LAST USED"), rows, left=range(6)))


@app.command(
    **output.told("End a token at once.", "afterbay token revoke 0c8b8cf4-6f53-4d0c-9a0b-1d4d3e1f7a55")
)  # fmt: skip
def revoke(
    token_id: Annotated[UUID, typer.Argument(metavar="ID", help="As `afterbay token list` shows it.")],
    database: Database = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """End a token at once."""
    from afterbay.server.platform.identity.service import revoke_token

    with opened(database, data_dir) as place:
        revoke_token(place.session, place.identity, place.actor, token_id)
    output.told_lines([f"the token {token_id} is over"], as_json=as_json)


@app.command(
    "rotate-key",
    **output.told(
        "Put a new key before those that sign sign-ins; servers use it from their next start. Nobody is signed out.",
        "afterbay token rotate-key",
    ),
)
def rotate_key(data_dir: DataDir = None, as_json: Annotated[bool, output.JSON_OPTION] = False) -> None:
    """Put a new key before those that sign sign-ins."""
    from afterbay.core.errors import InvalidInputError, Problem
    from afterbay.server.platform.identity.service import rotate_keys
    from afterbay.server.platform_app import make_platform_identity
    from afterbay.server.settings import read_settings

    settings = make_platform_identity(read_settings(data_dir=data_dir)).settings
    if settings.secret_keys:
        move = "put a new key before the others there: AFTERBAY_SECRET_KEY=new,old"
        raise InvalidInputError(Problem("AFTERBAY_SECRET_KEY", "keys of yours", "no keys, so that ours are used", move))
    keys = rotate_keys(settings.key_file)
    kept = len(keys.secrets) - 1
    output.told_lines(
        [f"a new key signs from the next start on; {kept} older {'is' if kept == 1 else 'are'} still read"],
        as_json=as_json,
    )


def _document(view: TokenView) -> dict[str, Any]:
    return {
        "id": str(view.id),
        "name": view.name,
        "hint": view.hint,
        "scopes": list(view.scopes),
        "created_at": view.created_at.isoformat(),
        "expires_at": view.expires_at.isoformat(),
        "last_used_at": view.last_used_at and view.last_used_at.isoformat(),
        "last_used_address": view.last_used_address,
    }
