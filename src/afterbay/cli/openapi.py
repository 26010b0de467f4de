"""`afterbay openapi`: the document of the API, without a server and without a database."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from afterbay.cli import output
from afterbay.cli.failures import GOAL_NOT_REACHED

__all__ = ["app", "check_document"]

_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
app = typer.Typer(
    invoke_without_command=True,
    subcommand_metavar="",
    rich_markup_mode=None,
    **output.told(
        "Print the API's document (OpenAPI 3.1), or compare it with a file.",
        "afterbay openapi > openapi.json",
        "afterbay openapi --file openapi.json --check",
    ),
)


@app.callback()
def openapi(
    file: Annotated[
        Path | None, typer.Option("--file", help="Write there instead; with --check: compare with it.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the file differs or the document has gaps.")
    ] = False,
    fleet: Annotated[bool, typer.Option("--fleet", help="With the routes of a headend.")] = False,
) -> None:
    """Print the document."""
    document = _made(fleet=fleet)
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    if not check:
        if file is None:
            output.lines([text.rstrip("\n")])
        else:
            file.write_text(text, encoding="utf-8")
        return
    found = check_document(document)
    if file is not None:
        found += _differences(file, document)
    output.lines(found or ["the document is complete" + (f" and {file} is up to date" if file else "")])
    if found:
        raise typer.Exit(GOAL_NOT_REACHED)


def check_document(document: dict[str, Any]) -> list[str]:
    """Return what is missing in a document: what a reader of the API, or a program made from it, needs."""
    found: list[str] = []
    names: dict[str, str] = {}
    for path, methods in document["paths"].items():
        for method in (one for one in methods if one in _METHODS):
            operation, where = methods[method], f"{method.upper()} {path}"
            found += [f"{where}: no {part}" for part in ("tags", "summary", "operationId") if not operation.get(part)]
            name = str(operation.get("operationId"))
            if name in names:
                found.append(f"{where}: the same operationId as {names[name]}")
            names[name] = where
            if not any(status.startswith(("2", "3")) for status in operation.get("responses", {})):
                found.append(f"{where}: no successful response")
            if path.startswith("/api/") and "401" not in operation.get("responses", {}):
                found.append(f"{where}: does not say that it needs a sign-in (401)")
    known = {tag["name"] for tag in document.get("tags", ())}
    used = {tag for methods in document["paths"].values() for one in methods.values() for tag in one.get("tags", ())}
    found += [f"tag {tag!r} is not described" for tag in sorted(used - known)]
    return found


def _differences(file: Path, document: dict[str, Any]) -> list[str]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [f"{file} does not exist -> write it with `afterbay openapi --file {file}`"]
    except ValueError:
        return [f"{file} is no JSON -> write it with `afterbay openapi --file {file}`"]
    if kept == document:
        return []
    paths = sorted(
        path for path in {*kept.get("paths", {}), *document["paths"]}
        if kept.get("paths", {}).get(path) != document["paths"].get(path)
    )  # fmt: skip
    where = ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "") or "schemas and texts"
    return [f"{file} is not today's document ({where}) -> write it with `afterbay openapi --file {file}`"]


def _made(*, fleet: bool) -> dict[str, Any]:
    from pydantic import SecretStr
    from sqlalchemy.orm import sessionmaker

    from afterbay.server.db import make_engine, read_url
    from afterbay.server.platform_app import create_platform_app, make_parts
    from afterbay.server.settings import Settings

    # Nothing is connected for a document, and nothing of this machine's settings may get into it.
    engine = make_engine(read_url("postgresql://nobody@localhost/none"))
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_construct(data_dir=Path(folder), secret_key=SecretStr("for-a-document-only-" * 3))
        settings = settings.model_copy(update={"fleet": fleet})
        return create_platform_app(make_parts(settings, engine, sessionmaker(engine))).openapi()
