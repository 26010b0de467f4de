"""The PDF of a study: a fixed template that reads the study as data, so that no text can become markup."""

from __future__ import annotations

import json
import re
import tempfile
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from afterbay.core.errors import InvalidInputError, MissingExtraError, Problem
from afterbay.core.output_file import check_file, write_whole
from afterbay.sizing.report.parts import Cell, Figure, Table, clean_text, shown_number
from afterbay.sizing.report.pictures import PICTURES

if TYPE_CHECKING:
    from afterbay.sizing.physics import PhysicsLaw
    from afterbay.sizing.report.study import Study

__all__ = ["write_pdf"]

_TITLE_SIGNS: Final = 120
_RUNNING_SIGNS: Final = 60
_HASH_SIGNS: Final = 12
_LONGEST_WORD: Final = 40
_QUANTITY: Final = re.compile(r"(\d) (%|[MG]Wh?\b|h\b|M\b)")
"""A number and its unit, which stay on one line."""
_BREAK: Final = "\u200b"
_MOST_CASES: Final = 30
_PAGE_PPI: Final = 110.0
"""Of pages as pictures; a PDF has none."""
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def write_pdf(study: Study, path: str | Path) -> Path:
    """Write the report, conclusion first; the same study gives the same bytes.

    Args:
        study: The study.
        path: The file, ending in `.pdf`, in a folder that exists; replaced only when the new one is complete.

    Returns:
        The path of the file.

    Raises:
        InvalidInputError: If the path cannot be written.
        MissingExtraError: If typst is not installed.
    """
    path = Path(path)
    check_file(path, ".pdf")
    write_whole(path, _compiled(study, "pdf"))
    return path


def _compiled(study: Study, form: Literal["pdf", "png"]) -> Any:
    """Return the PDF, or with `png` one picture of each page."""
    try:
        import typst
    except ImportError:
        raise MissingExtraError("typst", "report", "the PDF of a study") from None
    made = datetime(study.made_on.year, study.made_on.month, study.made_on.day, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        main = root / "document.typ"
        main.write_bytes(files("afterbay.sizing.report").joinpath("document.typ").read_bytes())
        (root / "study.json").write_text(json.dumps(_content(study), allow_nan=False), encoding="utf-8")
        for place, picture in enumerate(study.pictures.values()):
            (root / f"picture-{place}.png").write_bytes(picture.png)
        try:
            # Only the fonts inside typst: the same letters on every machine.
            return typst.compile(main, root=root, format=form, ignore_system_fonts=True, timestamp=made, ppi=_PAGE_PPI)
        except typst.TypstError as error:
            # The template is ours and text is data, so what is left to go wrong are the pictures.
            names = ", ".join(study.pictures) or "none"
            raise InvalidInputError(
                Problem("study.pictures", f"{names} ({error.message})", "PNG files that can be read", "draw them again")
            ) from None


def _content(study: Study) -> dict[str, Any]:
    day = study.made_on
    broken = sum(not law.holds for law in study.physics)
    return {
        "title": _line(study.title, _TITLE_SIGNS),
        "running": _line(study.title, _RUNNING_SIGNS),
        "full_title": _text(study.title) if len(study.title) > _TITLE_SIGNS else "",
        "customer": _line(study.customer, _TITLE_SIGNS),
        "description": _text(study.description),
        "year": day.year,
        "month": day.month,
        "day": day.day,
        "date": f"{day.day} {_MONTHS[day.month - 1]} {day.year}",
        "meets_goal": study.meets_goal,
        "conclusion": _texts(study.conclusion),
        "figures": [_figure(figure) for figure in study.figures],
        "reasons": _texts(study.reasons),
        "risks": _texts(study.risks),
        "cases": _cases(study),
        "balance": _table(study.balance),
        "monthly": _table(study.monthly),
        "years": None if study.years is None else _table(study.years),
        "capital": _table(study.capital),
        "statement": None if study.statement is None else _table(study.statement),
        "money_figures": [_figure(figure) for figure in study.money_figures],
        "assumptions": [
            [_text(one.name), _text(_plain(one.value)), _text(one.unit), _text(one.source)]
            for one in study.assumptions
        ],
        "notes": _texts(study.notes),
        "rule_gap": _texts(study.rule_gap),
        "certainty": _texts(study.certainty),
        "physics": [
            [law.name, f"{law.residual:.2g} {law.unit}", f"{law.allowed:.2g} {law.unit}", _verdict(law)]
            for law in study.physics
        ],
        "physics_words": (
            f"All {len(study.physics)} laws hold in every step." if not broken else f"{broken} laws are broken."
        ),
        "method": _texts(study.method),
        "version": _text(study.version),
        "input_hash": _text(study.input_hash),
        "short_hash": _line(study.input_hash[:_HASH_SIGNS], _HASH_SIGNS),
        "pictures": _pictures(study),
    }  # fmt: skip


def _pictures(study: Study) -> dict[str, list[dict[str, str]]]:
    """Return the pictures of each part, in the order of `PICTURES`."""
    order = [*(name for name in PICTURES if name in study.pictures), *(n for n in study.pictures if n not in PICTURES)]
    places = {name: place for place, name in enumerate(study.pictures)}
    found: dict[str, list[dict[str, str]]] = {part: [] for part in (*PICTURES.values(), "others")}
    for name in order:
        entry = {"name": name, "file": f"picture-{places[name]}.png", "alt": _text(study.pictures[name].alt)}
        found[PICTURES.get(name, "others")].append(entry)
    return found


def _cases(study: Study) -> dict[str, Any]:
    """Return the best options, the one shown first; the workbook has all."""
    table = study.cases
    ranks = table.column("Rank").values
    order = sorted(range(len(table)), key=lambda row: (row != study.shown_case, ranks[row] is None, ranks[row] or 0))
    rows = list(table.rows())
    note = f"{_MOST_CASES} of {len(order):,} options; the workbook has all." if len(order) > _MOST_CASES else ""
    return _table(table, [rows[row] for row in order[:_MOST_CASES]]) | {"note": note}


def _table(table: Table, rows: list[tuple[Cell, ...]] | None = None) -> dict[str, Any]:
    places = [place for place, column in enumerate(table.columns) if column.on_page]
    columns = [table.columns[place] for place in places]
    found = list(table.rows()) if rows is None else rows
    total = None
    if table.total_name:
        total = [table.total_name, *(shown_number(column.total, column.digits) for column in columns[1:])]
    return {
        "title": table.title,
        "headings": [{"name": column.name, "unit": column.unit} for column in columns],
        "numbers": [not any(isinstance(value, str) for value in column.values) for column in columns],
        "rows": [
            [_text(shown_number(row[place], column.digits)) for place, column in zip(places, columns, strict=True)]
            for row in found
        ],
        "total": total,
    }


def _verdict(law: PhysicsLaw) -> str:
    return "holds" if law.holds else "FAILS"


def _figure(figure: Figure) -> dict[str, str]:
    return {
        "name": _text(figure.name),
        "shown": figure.shown,
        "unit": figure.unit if figure.value is not None else "",
        "words": _text(figure.words),
    }


def _plain(value: float | int | str | bool | None) -> str:
    if isinstance(value, float) and not isinstance(value, bool):
        return f"{value:,.10g}"
    return "none" if value is None else shown_number(value, 0)


def _texts(texts: tuple[str, ...]) -> list[str]:
    return [_text(text) for text in texts]


def _line(text: str, most: int) -> str:
    return _text(clean_text(" ".join(text.split()), most))


def _text(text: str) -> str:
    """Return a clean text in which even a word of thousands of letters finds a place to break."""
    words = _QUANTITY.sub("\\1\u00a0\\2", clean_text(text)).split(" ")
    return " ".join(
        _BREAK.join(word[at : at + _LONGEST_WORD] for at in range(0, len(word), _LONGEST_WORD)) or "" for word in words
    )
