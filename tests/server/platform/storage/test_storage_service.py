"""Objects that belong to rows: never a row without its object, and nothing stays that no row needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.orm import Session, sessionmaker

from afterbay.core.errors import NotFoundError, UnavailableError
from afterbay.server.db import session_scope
from afterbay.server.platform.storage import Storage, open_storage, service

RUN = UUID(int=1)
LATER = timedelta(days=2)


@pytest.fixture
def folder(tmp_path: Path) -> Storage:
    return open_storage(tmp_path / "store")


@pytest.fixture(autouse=True)
def _claims(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_claims", {})


def _keep(sessions: sessionmaker[Session], store: Storage, key: str, content: bytes = b"x") -> None:
    with session_scope(sessions) as session:
        service.keep(session, store, key, content, module="bess-sizing", resource_id=RUN)


def test_what_was_kept_is_read_with_the_hash_of_its_row(
    sessions: sessionmaker[Session], folder: Storage, tmp_path: Path
) -> None:
    _keep(sessions, folder, "exports/a.bin", b"content")

    with session_scope(sessions) as session:
        assert service.read(session, folder, "exports/a.bin") == b"content"
        assert service.size_of(session, "bess-sizing", RUN) == 7
        folder.put("exports/a.bin", b"exchanged")
        with pytest.raises(UnavailableError, match="damaged"):
            service.read(session, folder, "exports/a.bin")
        with pytest.raises(NotFoundError):
            service.read(session, folder, "exports/never.bin")


def test_an_object_goes_after_its_row_and_never_before(sessions: sessionmaker[Session], folder: Storage) -> None:
    _keep(sessions, folder, "exports/a.bin")
    _keep(sessions, folder, "exports/b.bin")

    with sessions() as session:
        service.release(session, "exports/a.bin")
        session.rollback()
    assert service.collect_orphans(sessions, folder, before=datetime.now(UTC) + LATER).objects == 0

    with session_scope(sessions) as session:
        service.release_all(session, "bess-sizing", RUN)
        with pytest.raises(NotFoundError):
            service.read(session, folder, "exports/a.bin")
    assert service.collect_orphans(sessions, folder, before=datetime.now(UTC) - LATER).objects == 0
    assert len(list(folder.list())) == 2
    assert service.collect_orphans(sessions, folder, before=datetime.now(UTC) + LATER).objects == 2
    assert list(folder.list()) == []


def test_an_object_whose_change_was_not_made_is_collected_after_the_grace(
    sessions: sessionmaker[Session], folder: Storage
) -> None:
    service.claim("exports/")
    _keep(sessions, folder, "exports/kept.bin")
    with sessions() as session:
        service.keep(session, folder, "exports/lost.bin", b"x", module="bess-sizing", resource_id=RUN)
        session.rollback()

    assert service.collect_orphans(sessions, folder, before=datetime.now(UTC) - LATER).objects == 0
    assert service.collect_orphans(sessions, folder, before=datetime.now(UTC) + LATER).objects == 1
    assert [one.key for one in folder.list()] == ["exports/kept.bin"]


def test_nothing_is_collected_that_nobody_claimed_or_that_somebody_knows(
    sessions: sessionmaker[Session], folder: Storage
) -> None:
    for key in ("mine/known.bin", "mine/unknown.bin", "theirs/a.bin"):
        folder.put(key, b"x")
    service.claim("mine/", lambda session, keys: [key for key in keys if key == "mine/known.bin"])

    gone = service.collect_orphans(sessions, folder, before=datetime.now(UTC) + LATER)

    assert gone.objects == 1
    assert sorted(one.key for one in folder.list()) == ["mine/known.bin", "theirs/a.bin"]
