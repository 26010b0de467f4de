"""The database of one's own is named by its folder, wherever its address came from."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from afterbay.server.database import shown_database
from afterbay.server.db import read_url
from afterbay.server.postgres import EmbeddedPostgres
from afterbay.server.settings import read_settings, stated


def test_a_worker_that_is_given_the_address_names_the_folder_too(tmp_path: Path) -> None:
    address = f"postgresql://postgres@/afterbay?host={quote(str(tmp_path / 'postgres' / 'socket'), safe='')}"

    for given in (None, "embedded", address):
        settings = read_settings(data_dir=tmp_path, database_url=given)
        assert shown_database(settings, read_url(address)) == f"embedded in {tmp_path / 'postgres'}"


def test_another_database_is_named_by_its_address_without_its_password(tmp_path: Path) -> None:
    address = "postgresql://bess:hunter2@db.example:5432/bess"
    settings = read_settings(data_dir=tmp_path, database_url=address)

    assert shown_database(settings, read_url(address)) == "postgresql://bess:***@db.example:5432/bess"


@pytest.mark.parametrize("given", [None, "embedded", "Embedded:"])
def test_the_settings_name_the_folder_of_the_embedded_database(
    given: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "AFTERBAY_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    settings = read_settings(data_dir=tmp_path, database_url=given)

    (shown,) = (one.value for one in stated(settings) if one.name == "database_url")

    assert shown == f"embedded in {EmbeddedPostgres(tmp_path / 'postgres').data}"
