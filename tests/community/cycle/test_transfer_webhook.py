"""Transfer by HTTP, against a server on this machine: whole or not at all, and the key only where it belongs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from community_endpoints import RESULTS, Endpoint, serve

from afterbay.community.cycle.transfer import Patience, TickForm, TransferError, WebhookTransfer, digest_of, try_again
from afterbay.community.cycle.transfer.webhook import post_json
from afterbay.core.errors import InvalidInputError

FORM = TickForm(datetime(2024, 9, 11, 14, 15, tzinfo=UTC), 0.9, 42, "home-20240911_1415")
INPUT = b"user_id,panel_count\r\na,12\r\n"
NAME = "users_input_20240911_141500.csv"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serve() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_proxy_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("AFTERBAY_TRANSFER_KEY", raising=False)


def _patiently(endpoint: Endpoint, waits: list[float]) -> bytes:
    transfer = WebhookTransfer(endpoint.url, timeout_s=5)

    def there_and_back() -> bytes:
        return transfer.fetch("results", transfer.send(NAME, INPUT, FORM))

    return try_again(there_and_back, Patience(), sleep=waits.append, random=lambda: 0.0).answer


def test_the_form_is_that_of_the_workflow_and_its_answer_leads_to_the_results(endpoint: Endpoint) -> None:
    transfer = WebhookTransfer(endpoint.url)

    receipt = transfer.send(NAME, INPUT, FORM)
    results = transfer.fetch("results", receipt)

    post = endpoint.posts[0]
    assert post.fields == {"timestamp": "2024-09-11T14:15:00+00:00", "weather_factor": "0.9", "seed": "42"}
    assert (post.file_name, post.content) == (NAME, INPUT)
    assert post.headers["idempotency-key"] == "home-20240911_1415"
    assert receipt.sha256 == digest_of(INPUT)
    assert receipt.answer is not None
    assert receipt.answer.record_count == 1
    assert results == RESULTS


def test_three_failures_are_survived_with_waits_that_double(endpoint: Endpoint) -> None:
    endpoint.fail = [500, 502, 429]
    waits: list[float] = []

    assert _patiently(endpoint, waits) == RESULTS

    assert waits == [1.0, 2.0, 4.0]
    assert len(endpoint.posts) == 4


def test_a_busy_server_is_waited_for_as_long_as_it_asks(endpoint: Endpoint) -> None:
    endpoint.fail, endpoint.headers = [503], {"Retry-After": "7"}
    waits: list[float] = []

    assert _patiently(endpoint, waits) == RESULTS

    assert waits == [7.0]


def test_whoever_asks_for_an_hour_is_not_waited_for(endpoint: Endpoint) -> None:
    endpoint.fail, endpoint.headers = [503], {"Retry-After": "3600"}
    waits: list[float] = []

    with pytest.raises(TransferError, match="503"):
        _patiently(endpoint, waits)

    assert waits == []


def test_a_date_in_retry_after_is_read(endpoint: Endpoint) -> None:
    endpoint.fail, endpoint.headers = [503], {"Retry-After": "Wed, 11 Sep 2024 14:15:00 GMT"}
    waits: list[float] = []

    assert _patiently(endpoint, waits) == RESULTS

    assert waits == [1.0]


@pytest.mark.parametrize("code", [400, 401, 403, 404, 413, 422, 301])
def test_what_cannot_go_well_is_asked_once(endpoint: Endpoint, code: int) -> None:
    endpoint.fail = [code]

    with pytest.raises(TransferError, match=str(code)):
        _patiently(endpoint, [])

    assert len(endpoint.posts) == 1


def test_a_truncated_download_is_fetched_again(endpoint: Endpoint) -> None:
    endpoint.cut, endpoint.cuts = 10, 1

    assert _patiently(endpoint, []) == RESULTS

    assert len(endpoint.gets) == 2


def test_a_download_that_is_always_truncated_fails(endpoint: Endpoint) -> None:
    endpoint.cut, endpoint.cuts = 10, 99

    with pytest.raises(TransferError, match="broke off"):
        _patiently(endpoint, [])


def test_results_with_another_checksum_than_announced_are_refused(endpoint: Endpoint) -> None:
    endpoint.answer = {"sha256": digest_of(b"something else")}

    with pytest.raises(TransferError, match="checksum"):
        _patiently(endpoint, [])


def test_a_checksum_in_the_header_is_compared_too(endpoint: Endpoint) -> None:
    endpoint.result_headers = {"X-Checksum-SHA256": digest_of(RESULTS).upper()}
    assert _patiently(endpoint, []) == RESULTS

    endpoint.result_headers = {"X-Checksum-SHA256": digest_of(b"")}
    with pytest.raises(TransferError, match="checksum"):
        _patiently(endpoint, [])


def test_an_input_that_arrived_changed_is_noticed(endpoint: Endpoint) -> None:
    endpoint.answer = {"received_sha256": digest_of(INPUT)}
    assert _patiently(endpoint, []) == RESULTS

    endpoint.answer = {"received_sha256": digest_of(INPUT[:-1])}
    with pytest.raises(TransferError, match="arrived with another checksum"):
        _patiently(endpoint, [])


def test_a_server_that_hangs_is_given_up(endpoint: Endpoint) -> None:
    endpoint.hang = threading.Event()

    with pytest.raises(TransferError, match=r"no answer within 0\.05 s"):
        WebhookTransfer(endpoint.url, timeout_s=0.05).send(NAME, INPUT, FORM)


def test_a_download_that_trickles_beyond_its_time_is_given_up(endpoint: Endpoint) -> None:
    moments = iter([0.0, 500.0, 1000.0, 1500.0])

    with pytest.raises(TransferError, match="not all there in time"):
        WebhookTransfer(endpoint.url, clock=lambda: next(moments)).fetch("results.csv")


def test_nobody_there_is_a_failure_that_may_pass() -> None:
    with serve() as gone:
        url = gone.url

    with pytest.raises(TransferError, match="cannot be reached") as caught:
        WebhookTransfer(url, timeout_s=5).send(NAME, INPUT, FORM)

    assert caught.value.passing


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"status": "failed"}, "'failed', not completed"),
        ({"record_count": None}, "record_count"),
        ({"record_count": "1"}, "record_count"),
        ({"result_file": 5}, "result_file"),
    ],
)
def test_an_answer_that_is_no_notification_is_told(endpoint: Endpoint, answer: dict[str, object], message: str) -> None:
    endpoint.answer = answer

    with pytest.raises(TransferError, match=message):
        _patiently(endpoint, [])


@pytest.mark.parametrize(("code", "raw"), [(200, None), (202, b"")], ids=["says so", "without a word"])
def test_a_webhook_may_simulate_later(endpoint: Endpoint, code: int, raw: bytes | None) -> None:
    endpoint.answer, endpoint.code, endpoint.raw_answer = {"status": "accepted"}, code, raw
    transfer = WebhookTransfer(endpoint.url)

    receipt = transfer.send(NAME, INPUT, FORM)

    assert receipt.answer is None
    assert transfer.fetch("results_20240911_1415.csv", receipt) == RESULTS


def test_an_answer_that_is_no_json_is_told(endpoint: Endpoint) -> None:
    endpoint.raw_answer = b"<html>"

    with pytest.raises(TransferError, match="no JSON document"):
        _patiently(endpoint, [])


def test_the_key_comes_from_the_environment_and_goes_to_its_owner_only(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFTERBAY_TRANSFER_KEY", "secret")
    transfer = WebhookTransfer(endpoint.url)

    with serve() as other:
        transfer.fetch("results", transfer.send(NAME, INPUT, FORM))
        endpoint.answer = {"result_file": f"{other.root}/results.csv"}
        with pytest.raises(TransferError, match="neither there nor at https"):
            transfer.fetch("results", transfer.send(NAME, INPUT, FORM))

    assert endpoint.posts[0].headers["authorization"] == "Bearer secret"
    assert endpoint.gets[0]["authorization"] == "Bearer secret"
    assert other.gets == []


def test_results_at_another_host_are_fetched_without_the_key(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFTERBAY_TRANSFER_KEY", "secret")
    endpoint.answer = {"result_file": "https://bucket.example.org/results.csv?X-Amz-Signature=abc"}
    transfer = WebhookTransfer(endpoint.url)
    receipt = transfer.send(NAME, INPUT, FORM)
    asked: list[tuple[str, dict[str, str]]] = []

    def refuse(_method: str, url: str, *, headers: dict[str, str], **_: object) -> None:
        asked.append((url, headers))
        raise TransferError("far away")

    monkeypatch.setattr("afterbay.community.cycle.transfer.webhook._exchange", refuse)
    with pytest.raises(TransferError, match="far away"):
        transfer.fetch("results.csv", receipt)

    assert asked == [("https://bucket.example.org/results.csv?X-Amz-Signature=abc", {})]


@pytest.mark.parametrize("place", ["http://169.254.169.254/keys", "https://127.0.0.1/x", "file:///etc/passwd"])
def test_an_answer_cannot_lead_to_places_that_only_we_reach(endpoint: Endpoint, place: str) -> None:
    endpoint.answer = {"result_file": place}

    with pytest.raises(TransferError, match="neither there nor at https"):
        _patiently(endpoint, [])


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/simulate", "http://127.0.0.1.example.org/x", "http://192.168.1.5/x", "ftp://127.0.0.1/x",
        "https://", "https://user:secret@example.org/", "http://[::1",
    ],
)  # fmt: skip
def test_an_address_in_the_clear_or_with_a_password_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        WebhookTransfer(url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:8000/x", "http://[::1]:8000/x", "https://example.org/x"])
def test_loopback_and_tls_are_allowed(url: str) -> None:
    assert WebhookTransfer(url).label == url


def test_a_label_holds_no_query() -> None:
    assert WebhookTransfer("https://example.org/x?token=secret#a").label == "https://example.org/x"


def test_an_error_quotes_no_query(endpoint: Endpoint) -> None:
    endpoint.fail = [500]

    with pytest.raises(TransferError) as caught:
        WebhookTransfer(f"{endpoint.url}?token=secret").send(NAME, INPUT, FORM)

    assert "secret" not in str(caught.value)


def test_a_file_beside_the_webhook_is_found_with_its_size(endpoint: Endpoint) -> None:
    transfer = WebhookTransfer(endpoint.url)
    assert transfer.find("results.csv") == len(RESULTS)

    endpoint.fail = [404]
    assert transfer.find("results.csv") is None


def test_a_message_is_posted_as_json(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_KEY", "secret")

    answer = post_json(endpoint.url, {"alert": "late"}, key_variable="ALERT_KEY")

    assert endpoint.posts[0].fields == {"alert": "late"}
    assert endpoint.posts[0].headers["authorization"] == "Bearer secret"
    assert answer["status"] == "completed"


def test_a_webhook_simulates_at_the_other_end_only() -> None:
    with pytest.raises(InvalidInputError, match="remote"):
        WebhookTransfer("https://example.org/x", worker="local")
