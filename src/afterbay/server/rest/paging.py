"""Lists in pages: a cursor that nobody reads, an order that does not change between two pages."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from afterbay.core.errors import InvalidInputError, Problem

__all__ = ["LARGEST_PAGE", "Order", "Page", "PageQuery", "PageRequest", "Slice", "Sort", "fetch_page", "read_page",
           "read_sort", "show_page"]  # fmt: skip

LARGEST_PAGE = 200
_USUAL = 50
_LONGEST_CURSOR = 2_000
_NEXT = "leave the cursor out to begin at the first page"

Item = TypeVar("Item")
Row = TypeVar("Row")
Column = ColumnElement[Any] | InstrumentedAttribute[Any]


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(None, description="Give it as `cursor` for the next page; null: this is the last")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is asked for."""

    limit: int = _USUAL
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """By what a list is ordered."""

    name: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """The columns behind a `Sort`; the id makes every place in the list unique."""

    sort: Sort
    column: Column
    """Never null: wrap it in `coalesce` where it may be."""
    id_column: Column


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    """Rows of one page."""

    items: Sequence[Row]
    next_cursor: str | None


async def read_page(
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Most items in this page")] = _USUAL,
    cursor: Annotated[
        str | None, Query(max_length=_LONGEST_CURSOR, description="`next_cursor` of the page before")
    ] = None,
) -> PageRequest:
    """Return which page a request asks for."""
    return PageRequest(limit, cursor or None)


PageQuery = Annotated[PageRequest, Depends(read_page)]


def read_sort(given: str | None, allowed: Collection[str], default: str) -> Sort:
    """Return the order of `?sort=name` or `?sort=-name`.

    Args:
        given: What the request says; None: `default`.
        allowed: Names without a sign.
        default: With its sign.

    Raises:
        InvalidInputError: For a name that is not allowed.
    """
    text = given or default
    name = text.removeprefix("-")
    if name not in allowed:
        choice = ", ".join(sorted(allowed))
        raise InvalidInputError(Problem("/sort", repr(text[:100]), choice, "write -name for the largest first"))
    return Sort(name, text.startswith("-"))


def fetch_page(session: Session, query: Select[Any], page: PageRequest, order: Order) -> Slice[Any]:
    """Ask for one page of a query's first column or entity.

    Args:
        session: To ask.
        query: Filtered, without order and limit.
        page: Which page.
        order: How the whole list is ordered.

    Raises:
        InvalidInputError: If the cursor is none of this list.
    """
    column, identity, down = order.column, order.id_column, order.sort.descending
    if page.cursor is not None:
        value, last_id = _read_cursor(page.cursor, order.sort)
        here = tuple_(column, identity)
        query = query.where(here < (value, last_id) if down else here > (value, last_id))
    ordered = query.add_columns(column, identity).order_by(
        *((one.desc() if down else one) for one in (column, identity))
    )
    rows = session.execute(ordered.limit(page.limit + 1)).all()
    shown = rows[: page.limit]
    last = shown[-1] if len(rows) > page.limit else None
    cursor = None if last is None else _write_cursor(order.sort, last[-2], last[-1])
    return Slice([row[0] for row in shown], cursor)


def show_page(request: Request, response: Response, found: Slice[Row], show: Callable[[Row], Item]) -> Page[Item]:
    """Return a page as it is sent, and put the address of the next one into `Link`."""
    if found.next_cursor is not None:
        kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        address = f"{request.url.path}?{urlencode([*kept, ('cursor', found.next_cursor)])}"
        response.headers["Link"] = f'<{address}>; rel="next"'
    return Page(items=[show(row) for row in found.items], next_cursor=found.next_cursor)


def _write_cursor(sort: Sort, value: Any, last_id: Any) -> str:
    sign = "-" if sort.descending else ""
    text = json.dumps([f"{sign}{sort.name}", _written(value), _written(last_id)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str, sort: Sort) -> tuple[Any, Any]:
    """Return the sort value and the id of the last row of the page before."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        order, value, last_id = json.loads(text)
        found = _read(value), _read(last_id)
    except (binascii.Error, ValueError, TypeError, KeyError, RecursionError, OverflowError):
        raise InvalidInputError(Problem("/cursor", "no cursor of this list", "a next_cursor", _NEXT)) from None
    if order != f"{'-' if sort.descending else ''}{sort.name}":
        raise InvalidInputError(Problem("/cursor", f"a cursor of a list by {order!s:.50}", "the same sort", _NEXT))
    return found


def _written(value: Any) -> list[Any]:
    if isinstance(value, datetime):
        return ["t", value.isoformat()]
    if isinstance(value, UUID):
        return ["u", str(value)]
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(f"a list cannot be ordered by {type(value).__name__}")
    return [{int: "i", float: "f", str: "s"}[type(value)], value]


_PARTS: dict[str, Callable[[Any], Any]] = {"t": datetime.fromisoformat, "u": UUID, "i": int, "f": float, "s": str}


def _read(written: Any) -> Any:
    kind, value = written
    if kind == "i" and (isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63):
        raise ValueError("no integer of a database")
    if kind == "s" and (not isinstance(value, str) or re.search("[\0\ud800-\udfff]", value)):
        raise ValueError("no text of a database")
    return _PARTS[kind](value)
