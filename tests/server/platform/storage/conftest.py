"""Stores of every kind: a folder, an S3 on this machine, and the one that the environment names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from afterbay.server.platform.storage import Storage, open_storage

REAL = "AFTERBAY_TEST_STORAGE_URL"
"""Such as s3://bucket/folder, with its keys in the environment: the same contract on a real service."""


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """The address of an S3 on this machine with a bucket `afterbay`."""
    import httpx2
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    httpx2.put(f"{address}/afterbay", trust_env=False).raise_for_status()
    try:
        yield address
    finally:
        server.stop()


@pytest.fixture
def s3(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, with the environment that leads to it."""
    for name, value in (
        ("NO_PROXY", "127.0.0.1"), ("AWS_ACCESS_KEY_ID", "testing"), ("AWS_SECRET_ACCESS_KEY", "testing-secret"),
        ("AWS_REGION", "us-east-1"), ("AWS_ENDPOINT_URL_S3", s3_address),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    return s3_address


@pytest.fixture(params=["folder", "s3", "real"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A store with nothing in it."""
    if request.param == "folder":
        return open_storage(str(tmp_path / "store"))
    if request.param == "s3":
        request.getfixturevalue("s3")
        return open_storage(f"s3://afterbay/{uuid4().hex}")
    if REAL not in os.environ:
        pytest.skip(f"{REAL} names no store")
    return open_storage(f"{os.environ[REAL].rstrip('/')}/{uuid4().hex}")
