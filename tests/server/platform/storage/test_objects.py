"""The store in a bucket: what goes wrong there is said in one sentence, without secrets."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from afterbay.core.errors import InvalidInputError, UnavailableError
from afterbay.server.platform.storage import open_storage
from afterbay.server.platform.storage.objects import ObjectStorage


def test_a_service_that_does_not_answer_is_unavailable(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")  # it would win
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        store = ObjectStorage(
            "s3://afterbay/x", endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}", timeout_s=2.0, retries=0
        )
        for act in (lambda: store.put("a.bin", b"x"), lambda: store.get("a.bin"), lambda: list(store.list())):
            with pytest.raises(UnavailableError, match="no answer") as caught:
                act()
            assert "testing-secret" not in str(caught.value)
        assert not store.healthy().ok


def test_a_bucket_that_is_not_there_is_unavailable_and_not_an_object_that_is_missing(s3: str) -> None:
    store = open_storage("s3://nowhere/x")

    with pytest.raises(UnavailableError, match="no such bucket"):
        store.get("a.bin")
    with pytest.raises(UnavailableError):
        store.put("a.bin", b"x")
    assert not store.healthy().ok


def test_content_that_somebody_else_put_there_is_not_trusted(s3: str) -> None:
    import obstore
    from obstore.store import from_url

    store = open_storage("s3://afterbay/foreign")
    store.put("a.bin", b"ours")
    theirs = from_url("s3://afterbay/foreign", endpoint=s3, client_options={"allow_http": True})
    obstore.put(theirs, "a.bin", b"theirs")

    with pytest.raises(UnavailableError, match="damaged"):
        store.get("a.bin")


def test_plain_http_is_for_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInputError, match="https"):
        ObjectStorage("s3://bucket/x", endpoint="http://store.example.org")


def test_a_large_upload_that_breaks_off_is_not_seen(s3: str, tmp_path: Path) -> None:
    store = open_storage("s3://afterbay/broken")

    with pytest.raises(UnavailableError):
        store.put("a.bin", tmp_path / "missing.bin")

    assert list(store.list()) == []
