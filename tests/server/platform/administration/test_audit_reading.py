from __future__ import annotations

import csv
import io

import pytest
from fastapi import FastAPI
from server_identity import audit, client_of, person, sign_in
from sqlalchemy.orm import Session, sessionmaker
from starlette.testclient import TestClient

from afterbay.server.platform.administration.service import AUDIT_COLUMNS
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.identity.service import Identity
from afterbay.server.principal import SYSTEM

AUDIT = "/api/v1/admin/audit"


@pytest.fixture
def root(app: FastAPI, identity: Identity, sessions: sessionmaker[Session]) -> TestClient:
    """A client of an administrator, in a system where things happened."""
    person(sessions, identity, "root@example.org", is_admin=True)
    client = client_of(app)
    sign_in(client, "root@example.org")
    with sessions.begin() as session:
        for number in range(7):
            log_action(
                session, SYSTEM, "bess-sizing", "project.created", f"p{number}", {"name": f"=HYPERLINK({number})"}
            )
        log_action(session, SYSTEM, "bess-sizing", "project.deleted", "=1+1", after="-2")
    return client


def test_pages_of_the_trail_have_every_event_once_newest_first(root: TestClient) -> None:
    found, address = [], f"{AUDIT}?module=bess-sizing&limit=3"
    while address:
        answer = root.get(address)
        found += [one["resource_id"] for one in answer.json()["items"]]
        address = answer.headers.get("link", "").partition("<")[2].partition(">")[0]

    assert found == ["=1+1", *(f"p{number}" for number in reversed(range(7)))]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("action=project.created", 7),
        ("action=project.*", 8),
        ("resource_id=p3", 1),
        ("q=P3", 1),
        ("actor=root&action=sign-in.*", 1),
        ("from=2000-01-01T00:00:00Z&module=bess-sizing", 8),
        ("to=2000-01-01T00:00:00Z", 0),
        ("actor_id=00000000-0000-0000-0000-000000000000&module=bess-sizing", 8),
    ],
)
def test_events_are_found_by_what_they_tell(query: str, count: int, root: TestClient) -> None:
    assert len(root.get(f"{AUDIT}?{query}").json()["items"]) == count


@pytest.mark.parametrize("cursor", ["x", "-1", "1e3", "٣", "9" * 19])
def test_a_cursor_of_another_list_is_refused(cursor: str, root: TestClient) -> None:
    assert root.get(AUDIT, params={"cursor": cursor}).status_code == 422


def test_the_whole_trail_leaves_as_csv_that_no_spreadsheet_executes(
    root: TestClient, sessions: sessionmaker[Session]
) -> None:
    answer = root.get(f"{AUDIT}?module=bess-sizing", headers={"Accept": "text/csv"})

    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="audit.csv"' in answer.headers["content-disposition"]
    assert rows[0] == list(AUDIT_COLUMNS)
    assert len(rows) == 9
    assert rows[1][AUDIT_COLUMNS.index("resource_id")] == "'=1+1"
    assert not [cell for row in rows[1:] for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert audit(sessions)[-1][0] == "audit.exported"


def test_reading_the_trail_is_in_the_trail(root: TestClient, sessions: sessionmaker[Session]) -> None:
    root.get(AUDIT)

    assert audit(sessions)[-1][:2] == ("audit.read", "root@example.org")


def test_kinds_of_events_are_listed_to_choose_from(root: TestClient) -> None:
    found = root.get(f"{AUDIT}/actions").json()

    assert {"module": "bess-sizing", "action": "project.deleted"} in found


def test_a_format_that_nobody_makes_is_refused(root: TestClient) -> None:
    assert root.get(AUDIT, headers={"Accept": "application/xml"}).status_code == 406
