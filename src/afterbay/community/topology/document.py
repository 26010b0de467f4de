"""A grid as a JSON document, and back: the same grid, or every reason why the text is none.

A document nests (`transformers` and `houses` inside their parent) or lists (`nodes`, each with its `kind` and its
`parent`). Written documents nest. A field that is left out has the default of the document's version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from afterbay.community.topology.bounds import MOST_LEVELS
from afterbay.community.topology.flat import read_nodes
from afterbay.community.topology.records import Grid
from afterbay.community.topology.shapes import plain, read_fields
from afterbay.core.errors import InvalidInputError, NotFoundError, Problem, Problems
from afterbay.core.output_file import check_file, write_whole

__all__ = ["DOCUMENT_VERSION", "grid_from_document", "grid_from_json", "grid_to_document", "grid_to_json"]
__all__ += ["read_grid", "write_grid"]

DOCUMENT_VERSION: Final = 1
_LARGEST_BYTES: Final = 200_000_000


class _Object(dict[str, Any]):
    """A JSON object that remembers the keys it was given twice; JSON itself keeps the last, silently."""

    __slots__ = ("doubled",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        seen: set[str] = set()
        self.doubled = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]


def grid_to_document(grid: Grid) -> dict[str, Any]:
    """Return a grid as JSON values; what is at its default is left out.

    Raises:
        InvalidInputError: If transformers are nested deeper than a document may be.
    """
    levels = {grid.name: 0}
    for transformer, parent in grid.every_transformer():
        levels[transformer.name] = level = levels[parent] + 1
        if level > MOST_LEVELS:
            raise InvalidInputError(
                Problem(transformer.name, f"{level} levels deep", f"at most {MOST_LEVELS} levels", "check the parents")
            )
    return {"version": DOCUMENT_VERSION, **plain(grid)}


def grid_to_json(grid: Grid) -> str:
    """Return a grid as JSON text.

    Raises:
        InvalidInputError: If a number is not finite, or transformers are nested too deep.
    """
    try:
        document = grid_to_document(grid)
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False, default=lambda number: number.item())
        text.encode()
    except (ValueError, AttributeError) as error:
        if isinstance(error, InvalidInputError):
            raise
        wrong = [finding.problem for finding in grid.check() if finding.severity == "error"]
        raise InvalidInputError(
            wrong or Problem(grid.name, str(error), "values that JSON knows", "run the check of the grid")
        ) from None
    return text


def grid_from_json(text: str | bytes) -> Grid:
    """Read a grid from JSON text.

    Args:
        text: A document; bytes are UTF-8.

    Raises:
        InvalidInputError: With every problem found; each names its place, such as `transformers[0].houses[2].type`.
    """
    return _parse(text, "the document")


def grid_from_document(values: Mapping[str, Any]) -> Grid:
    """Read a grid from JSON values.

    The form is checked here: keys, types, parents. What the values mean together is the matter of `Grid.check`.

    Raises:
        InvalidInputError: With every problem found.
    """
    problems = Problems()
    version = values.get("version")
    if version != DOCUMENT_VERSION or isinstance(version, bool):
        shown = "nothing" if version is None else repr(version)
        problems.add("version", shown, str(DOCUMENT_VERSION), "was it written by a newer afterbay? Then update")
    fields = read_fields(Grid, values, "", problems, besides=("version", "nodes"))
    if "nodes" in values:
        both = [key for key in ("transformers", "houses") if key in values]
        if both:
            problems.add("nodes", f"nodes beside {' and '.join(both)}", "either of them", "keep one of the two")
        fields |= read_nodes(values["nodes"], fields.get("name", "S-1"), problems)
    problems.raise_if_any()
    return Grid(**fields)


def read_grid(path: Path | str) -> Grid:
    """Read a grid from a JSON file.

    Raises:
        NotFoundError: If there is no such file.
        InvalidInputError: If it is no such document, with every problem found.
    """
    path = Path(path)
    if path.is_dir():
        raise _refused(path, "a folder", "a grid as JSON", "name the file inside it")
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            got = f"{path.stat().st_size:,} bytes"
            raise _refused(path, got, f"a grid of at most {_LARGEST_BYTES:,} bytes", "is this the right file?")
        content = path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"there is no grid file {path} -> check the path") from None
    except (OSError, ValueError) as error:
        if isinstance(error, InvalidInputError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise _refused(path, reason, "a file that can be read", "check its permissions") from None
    return _parse(content, str(path))


def write_grid(grid: Grid, path: Path | str) -> None:
    """Write a grid to a JSON file, whole or not at all.

    Raises:
        InvalidInputError: If the grid cannot be a document, or the file cannot be written.
    """
    path = Path(path)
    check_file(path, ".json")
    write_whole(path, (grid_to_json(grid) + "\n").encode())


def _parse(text: str | bytes, source: str) -> Grid:
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        if not decoded.strip():
            raise _refused(source, "an empty text", "a grid as JSON", "write one with write_grid")
        values = json.loads(decoded, object_pairs_hook=_Object)
    except UnicodeDecodeError as error:
        got = f"no UTF-8 text (byte {error.start})"
        raise _refused(source, got, "a grid as JSON, in UTF-8", "is this the right file?") from None
    except json.JSONDecodeError as error:
        at = f"{source}, line {error.lineno}, column {error.colno}"
        raise _refused(at, error.msg, "valid JSON", "mend this line; was the file cut off?") from None
    except RecursionError:
        raise _refused(source, "brackets nested too deep", "a grid as JSON", "is this the right file?") from None
    except ValueError as error:  # a whole number of thousands of digits
        if isinstance(error, InvalidInputError):
            raise
        raise _refused(source, str(error), "valid JSON", "mend the number") from None
    if not isinstance(values, Mapping):
        raise _refused(source, "no object at the top", "a grid as JSON", 'begin with {"version": 1, "name": "S-1"')
    return grid_from_document(values)


def _refused(where: object, got: str, allowed: str, move: str) -> InvalidInputError:
    return InvalidInputError(Problem(str(where), got, allowed, move))
