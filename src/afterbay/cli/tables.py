"""Plain aligned tables: the same text on a terminal, in a file and in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterbay.cli.output import bold

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["table"]


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,), strong: Collection[int] = ()
) -> list[str]:
    """Return lines of text; columns are right-aligned but those in `left`, rows in `strong` are bold.

    Args:
        head: Titles, one per column.
        rows: Cells as text.
        left: Columns to align left, from 0.
        strong: Rows to make bold on a terminal, from 0.
    """
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()

    return [bold(line(head)), *(bold(line(row)) if place in strong else line(row) for place, row in enumerate(rows))]
