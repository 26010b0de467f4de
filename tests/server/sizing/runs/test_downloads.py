"""Every file that leaves the server opens again and says what the library says."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from openpyxl import load_workbook
from sqlalchemy import update

import afterbay
from afterbay.server.platform.audit.service import AuditQuery, find_events
from afterbay.server.sizing.service.runs_files import folder_of
from afterbay.server.sizing.tables import Project as ProjectRow
from afterbay.sizing.project import load_project
from afterbay.sizing.report import SHEETS

if TYPE_CHECKING:
    from server.sizing.runs.conftest import Bench


@pytest.fixture
def run(bench: Bench) -> str:
    return bench.run(bench.project())


def _say_at_once(bench: Bench, run: str) -> None:
    """Put what a report says of rule and weather where it is kept, for tests that are about something else."""
    bench.storage.put(f"{folder_of(UUID(run))}/words-{afterbay.__version__}.json", b'[["A rule."], ["Some weather."]]')


def test_the_csv_of_80_mwh_has_a_row_for_each_hour_and_counts_the_delivered_ones(bench: Bench, run: str) -> None:
    answer = bench.ask("GET", f"/exports/{run}/csv?index=1")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="Block_sun_hourly.csv"'
    assert len(rows) == 8760
    assert sum(float(row["unserved"]) < 0.001 for row in rows) == 5844


def test_tables_of_options_and_years_hold_the_results(bench: Bench, run: str) -> None:
    cases = list(csv.DictReader(io.StringIO(bench.ask("GET", f"/exports/{run}/csv?table=cases").text)))
    years = list(csv.DictReader(io.StringIO(bench.ask("GET", f"/exports/{run}/csv?table=years").text)))

    found = bench.get(f"/simulations/{run}/results")
    rows = found["optimization_results"]
    assert [float(row["delivery_pct"]) for row in cases] == [row["metrics"]["delivery_pct"] for row in rows]
    assert [row["recommended"] for row in cases] == ["False", "False", "False", "True"]
    projection = bench.get(f"/simulations/{run}/projection")["years"]
    assert [float(row["delivery_pct"]) for row in years] == projection["delivery_pct"]
    assert len(years) == 20


def test_the_workbook_opens_with_its_six_sheets_and_the_numbers_of_the_run(bench: Bench, run: str) -> None:
    answer = bench.ask("GET", f"/exports/{run}/excel")

    assert answer.status_code == 200, answer.text
    book = load_workbook(io.BytesIO(answer.content), read_only=True)
    assert tuple(book.sheetnames) == SHEETS == ("Summary", "Cases", "Hourly", "Monthly", "Finance", "Assumptions")
    head, *cases = book["Cases"].iter_rows(values_only=True)
    place = head.index("Delivery [%]")
    found = bench.get(f"/simulations/{run}/results")
    assert [row[place] for row in cases[:4]] == [
        row["metrics"]["delivery_pct"] for row in found["optimization_results"]
    ]
    assert book["Hourly"].max_row == 8761
    summary = [cell for row in book["Summary"].iter_rows(values_only=True) for cell in row if cell is not None]
    assert bench.get(f"/simulations/{run}")["input_hash"] in summary
    npv = bench.get(f"/simulations/{run}/projection")["finance"]["npv_usd"]
    assert any(isinstance(cell, float) and cell * 1e6 == pytest.approx(npv) for cell in summary)
    again = bench.ask("GET", f"/exports/{run}/excel")
    assert again.content == answer.content


def test_the_pdf_is_one_and_every_download_is_in_the_trail(bench: Bench, run: str) -> None:
    answer = bench.ask("GET", f"/exports/{run}/pdf")

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert answer.content.rstrip().endswith(b"%%EOF")
    with bench.sessions() as session:
        (event,) = find_events(session, AuditQuery(resource_id=run, action="simulation.exported"))
    assert (event.details["format"], event.actor) == ("pdf", bench.engineer.email)


def test_a_name_that_is_a_formula_stays_a_text_in_every_file(bench: Bench) -> None:
    project = bench.project()
    with bench.sessions.begin() as session:
        named = update(ProjectRow).where(ProjectRow.id == project)
        session.execute(named.values(name='=HYPERLINK("http://x","y")', customer_reference="+1+1"))
    run = bench.run(project)
    _say_at_once(bench, run)

    book = load_workbook(io.BytesIO(bench.ask("GET", f"/exports/{run}/excel").content), read_only=True)

    cells = [cell for row in book["Summary"].iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells if str(cell.value).startswith(("=", "+"))} == {"s"}
    answer = bench.ask("GET", f"/exports/{run}/csv?table=cases")
    assert answer.headers["content-disposition"] == 'attachment; filename="HYPERLINK_http_x_y_cases.csv"'


def test_the_project_file_of_a_run_gives_the_same_inputs_to_the_command(bench: Bench, run: str) -> None:
    answer = bench.ask("GET", f"/exports/{run}/json")

    document = json.loads(answer.text)
    for kind in ("load", "solar"):
        name = document["setup_config"][f"{kind}_file"]
        (bench.folder / name).write_bytes(bench.storage.get(f"profiles/{UUID(name.removesuffix('.parquet'))}.parquet"))
    (bench.folder / "project.json").write_text(answer.text)

    project = load_project(bench.folder / "project.json")

    assert project.input_hash == bench.get(f"/simulations/{run}")["input_hash"]


def test_a_study_without_a_match_is_about_the_nearest_size(bench: Bench) -> None:
    run = bench.run(bench.project(sizing_config={"capacity_max": 120}))
    _say_at_once(bench, run)

    book = load_workbook(io.BytesIO(bench.ask("GET", f"/exports/{run}/excel").content), read_only=True)

    summary = [str(cell) for row in book["Summary"].iter_rows(values_only=True) for cell in row if cell is not None]
    assert any(text.startswith("No size in this range reaches the goal") for text in summary)
