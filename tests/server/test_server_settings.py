from __future__ import annotations

from pathlib import Path

import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.server.db import read_url, shown_url
from afterbay.server.guard import check_exposure
from afterbay.server.settings import Address, is_loopback, read_address, read_settings

TOKEN = "a-token-that-is-long-enough"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith(("AFTERBAY_", "HEADEND_", "RUST_")) or name in ("DATABASE_URL", "RESET_DB"):
            monkeypatch.delenv(name)


def test_the_documents_names_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_URL": "postgres://bess:besspassword@localhost:5432/bess",
        "RESET_DB": "yes",
        "HEADEND_GRPC_ADDR": "127.0.0.1:50099",
        "HEADEND_HTTP_ADDR": "[::1]:3009",
        "RUST_LOG": "der_headend=trace,debug",
    }.items():
        monkeypatch.setenv(name, value)

    settings = read_settings()

    assert settings.database == "postgres://bess:besspassword@localhost:5432/bess"
    assert settings.reset_db
    assert settings.grpc == Address("127.0.0.1", 50099)
    assert settings.http == Address("::1", 3009)
    assert settings.log_level == "debug"


def test_without_anything_it_listens_on_loopback_and_has_no_database() -> None:
    settings = read_settings()

    assert (str(settings.http), str(settings.grpc)) == ("127.0.0.1:3001", "127.0.0.1:50051")
    assert settings.database is None
    assert not settings.reset_db


@pytest.mark.parametrize(("word", "meant"), [("1", True), ("TRUE", True), ("on", True), ("0", False), ("nein", False)])
def test_reset_db_is_read_as_the_original_reads_it(monkeypatch: pytest.MonkeyPatch, word: str, meant: bool) -> None:
    monkeypatch.setenv("RESET_DB", word)

    assert read_settings().reset_db is meant


def test_a_name_that_begins_with_afterbay_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADEND_HTTP_ADDR", "127.0.0.1:1")
    monkeypatch.setenv("AFTERBAY_HTTP_ADDR", "127.0.0.1:2")

    assert read_settings().http.port == 2
    assert read_settings(http="127.0.0.1:3").http.port == 3


def test_a_secret_is_not_shown_in_the_error_about_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERBAY_FLEET_TOKENS", "ann:short-secret")

    with pytest.raises(InvalidInputError) as raised:
        read_settings().tokens()

    assert "short-secret" not in str(raised.value)
    assert "16" in str(raised.value)


@pytest.mark.parametrize("text", ["localhost", "127.0.0.1:x", ":80", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HEADEND_HTTP_ADDR", text)

    with pytest.raises(InvalidInputError, match=r"HEADEND_HTTP_ADDR.*host:port"):
        read_settings()
    with pytest.raises(ValueError, match="host:port"):
        read_address(text)


@pytest.mark.parametrize(
    ("host", "here"), [("127.0.0.1", True), ("::1", True), ("LOCALHOST", True), ("0.0.0.0", False), ("db", False)]
)
def test_loopback_is_told_from_the_rest(host: str, here: bool) -> None:
    assert is_loopback(host) is here


def test_off_loopback_needs_tokens_and_tls_or_a_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEADEND_HTTP_ADDR", "0.0.0.0:3001")

    with pytest.raises(InvalidInputError) as raised:
        check_exposure(read_settings())
    assert len(raised.value.problems) == 2

    tokens = tmp_path / "tokens"
    tokens.write_text(f"# who may call\nann:{TOKEN}\n")
    monkeypatch.setenv("AFTERBAY_FLEET_TOKENS_FILE", str(tokens))
    monkeypatch.setenv("AFTERBAY_TRUSTED_PROXIES", "10.0.0.7")
    rules = check_exposure(read_settings())
    assert rules.tokens == {TOKEN: "ann"}
    assert rules.proxies == {"10.0.0.7"}
    assert rules.secure


def test_on_loopback_nothing_is_needed() -> None:
    rules = check_exposure(read_settings())

    assert not rules.tokens
    assert rules.loopback_only


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_all_ways_to_write_a_postgresql_address_mean_the_same(scheme: str) -> None:
    url = read_url(f"{scheme}://bess:secret@localhost:5432/bess")

    assert url.drivername == "postgresql+psycopg"
    assert shown_url(url) == "postgresql://bess:***@localhost:5432/bess"


@pytest.mark.parametrize("text", ["mysql://x/y", "nonsense", "sqlite:///x.db"])
def test_another_database_is_refused_without_showing_its_address(text: str) -> None:
    with pytest.raises(InvalidInputError, match="postgresql://") as raised:
        read_url(text)

    assert text not in str(raised.value)


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("AFTERBAY_COMPUTE_PROCESSES", "many", "a whole number from 1 to 1,024"),
        ("AFTERBAY_COMPUTE_PROCESSES", "-3", "a whole number from 1 to 1,024"),
        ("AFTERBAY_MAX_UPLOAD_MB", "10001", "a whole number from 1 to 10,000"),
        ("AFTERBAY_TELEMETRY_KEEP_DAYS", "-1", "a whole number from 0"),
        ("AFTERBAY_LOG_FORMAT", "xml", "'console' or 'json'"),
    ],
)
def test_what_a_variable_may_say_is_told_in_our_words(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, allowed: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(InvalidInputError) as refused:
        read_settings()

    (problem,) = refused.value.problems
    assert (problem.where, problem.got, problem.allowed) == (variable, repr(value), allowed)
