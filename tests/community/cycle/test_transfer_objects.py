"""Transfer through an object store, against an S3 on this machine; and one contract for every transfer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from community_endpoints import serve

from afterbay.community.cycle.transfer import (
    DirectoryTransfer,
    ObjectTransfer,
    Route,
    TickForm,
    Transfer,
    TransferError,
    digest_of,
    open_transfer,
)
from afterbay.core.errors import InvalidInputError

FORM = TickForm(datetime(2024, 9, 11, 14, 15, tzinfo=UTC), 0.9, 42)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 on this machine with a bucket `cycle`."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    import httpx2

    httpx2.put(f"{address}/cycle", trust_env=False).raise_for_status()
    try:
        yield address
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name, value in (("ACCESS_KEY_ID", "testing"), ("SECRET_ACCESS_KEY", "testing-secret"), ("REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)


@pytest.fixture
def store(s3: str) -> ObjectTransfer:
    return ObjectTransfer("s3://cycle/solar_sim", endpoint=s3)


def _keep_the_contract(transfer: Transfer) -> None:
    name, content = "users_input_20240911_141500.csv", b"user_id\n" + b"x" * 100_000
    transfer.remove(name)
    assert transfer.find(name) is None
    with pytest.raises(TransferError):
        transfer.fetch(name)

    transfer.send(name, b"older")
    receipt = transfer.send(name, content)

    assert (receipt.size, receipt.sha256) == (len(content), digest_of(content))
    assert transfer.find(name) == len(content)
    assert transfer.fetch(name) == content

    transfer.remove(name)
    transfer.remove(name)
    assert transfer.find(name) is None
    with pytest.raises(TransferError, match="plain file name"):
        transfer.send("../x", b"")


def test_a_folder_keeps_the_contract(tmp_path: Path) -> None:
    _keep_the_contract(DirectoryTransfer(tmp_path))


def test_an_object_store_keeps_the_contract(store: ObjectTransfer) -> None:
    _keep_the_contract(store)


def test_a_real_place_keeps_the_contract() -> None:
    url = os.environ.get("AFTERBAY_TEST_TRANSFER_URL")
    if not url:
        pytest.skip("needs a folder or bucket of your own in AFTERBAY_TEST_TRANSFER_URL, with its keys")

    _keep_the_contract(open_transfer(Route(url)))


def test_a_signed_link_works_without_a_key_and_names_its_end(store: ObjectTransfer) -> None:
    import httpx2

    store.send("results.csv", b"rows")

    link = store.link("results.csv")

    assert httpx2.get(link, trust_env=False).content == b"rows"
    assert "X-Amz-Expires=900" in link
    assert "X-Amz-Signature=" in link


def test_a_signed_link_takes_the_results_in(store: ObjectTransfer) -> None:
    import httpx2

    httpx2.put(store.link("results_20240911_1415.csv", "PUT"), content=b"rows", trust_env=False).raise_for_status()

    assert store.fetch("results_20240911_1415.csv") == b"rows"


def test_a_worker_is_told_by_webhook_and_needs_no_key_of_the_store(s3: str) -> None:
    import httpx2

    with serve() as worker:
        worker.raw_answer = b""
        store = ObjectTransfer(
            "s3://cycle/told", "remote", worker.url, endpoint=s3, result_name=lambda form: f"results_{form.seed}.csv"
        )
        receipt = store.send("users_input_20240911_141500.csv", b"users", FORM)

    told = worker.posts[0].fields
    assert receipt.answer is None
    assert told["weather_factor"] == "0.9"
    assert told["sha256"] == digest_of(b"users")
    assert httpx2.get(told["input_url"], trust_env=False).content == b"users"
    httpx2.put(told["result_url"], content=b"rows", trust_env=False).raise_for_status()
    assert store.fetch(told["result_file"]) == b"rows"


def test_a_worker_may_answer_at_once(s3: str) -> None:
    with serve() as worker:
        worker.answer = {"sha256": digest_of(b"rows")}
        store = ObjectTransfer("s3://cycle/told", "remote", worker.url, endpoint=s3)
        receipt = store.send("users_input_20240911_141500.csv", b"users", FORM)
    assert receipt.answer is not None

    store.send("results.csv", b"row")
    with pytest.raises(TransferError, match="checksum"):
        store.fetch("results.csv", receipt)


def test_a_bucket_that_is_not_there_is_told_without_keys(s3: str) -> None:
    with pytest.raises(TransferError) as caught:
        ObjectTransfer("s3://nowhere/x", endpoint=s3).send("a.csv", b"")

    assert "s3://nowhere/x" in str(caught.value)
    assert "testing" not in str(caught.value)
    assert "Signature" not in str(caught.value)


def test_nobody_there_is_a_failure_that_may_pass() -> None:
    with serve() as gone:
        address = gone.root

    with pytest.raises(TransferError, match="no answer") as caught:
        ObjectTransfer("s3://cycle/x", endpoint=address, timeout_s=5).send("a.csv", b"")

    assert caught.value.passing


@pytest.mark.parametrize("endpoint", ["http://minio.example.org:9000", "ftp://127.0.0.1.example.org"])
def test_a_store_in_the_clear_is_refused_off_this_machine(endpoint: str) -> None:
    with pytest.raises(InvalidInputError, match="https"):
        ObjectTransfer("s3://cycle/x", endpoint=endpoint)


def test_a_store_in_the_clear_is_refused_also_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://minio.example.org:9000")

    with pytest.raises(InvalidInputError, match="https"):
        ObjectTransfer("s3://cycle/x")


def test_a_webhook_in_the_clear_is_refused_too() -> None:
    with pytest.raises(InvalidInputError, match=r"transfer\.notify"):
        ObjectTransfer("s3://cycle/x", "remote", "http://example.org/hook")
