from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from afterbay.server.logs import LogFormat, hide_secrets, log_context, set_up_logs

SECRETS = {
    "an address": "postgresql://bess:besspassword@db:5432/bess",
    "a header": "Authorization: Bearer abc.def-ghi",
    "a personal token": "used aft_Abc123-xyz today",
    "a session": "cookie eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl was old",
    "a form": "password=hunter2&name=ann",
    "a document": '{"client_secret": "s3cr3t-value", "name": "ann"}',
    "a callback": "GET /api/v1/auth/oidc/callback?code=SplxlOBe&state=af0ifjsl 302",
    "a hash": "stored $argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA",
}
HIDDEN = ("besspassword", "abc.def-ghi", "Abc123", "eyJ", "hunter2", "s3cr3t", "SplxlOBe", "af0ifjsl", "aGFzaA")


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("kind", ["console", "json"])
@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_no_secret_gets_into_a_log_wherever_it_stands(kind: LogFormat, text: str) -> None:
    stream = io.StringIO()
    set_up_logs("info", kind, stream)

    logging.getLogger("ours").info("found %s", text)
    logging.getLogger("ours").info("found", extra={"details": text})
    structlog.get_logger("ours").info("found", nested={"deep": [text]})
    try:
        int(text)
    except ValueError:
        logging.getLogger("ours").exception("failed")

    assert stream.getvalue().count("found") >= 3
    assert "details" in stream.getvalue()
    assert [word for word in HIDDEN if word in stream.getvalue()] == []


@given(
    st.sampled_from(["password", "new_password", "access_token", "Authorization", "Set-Cookie", "client_secret",
                     "api_key", "csrf", "refresh_token", "secret_key"]),
    st.text(min_size=8).filter(lambda text: "*" not in text),
)  # fmt: skip
def test_a_value_with_the_name_of_a_secret_is_never_shown(name: str, value: str) -> None:
    shown = hide_secrets(None, "info", {"event": "x", name: value, "inner": {name: [value]}})

    assert shown[name] == "***"
    assert shown["inner"] == {name: "***"}


def test_what_is_no_secret_stays_readable() -> None:
    line = {
        "event": "project 7 runs, state=running code=409 https://example.com/a?b=1",
        "path": "/api/v1/tokens",
        "n": 3,
    }

    assert hide_secrets(None, "info", dict(line)) == line


def test_json_lines_carry_level_time_logger_and_request() -> None:
    stream = io.StringIO()
    set_up_logs("info", "json", stream)

    with log_context(request_id="r-1"):
        logging.getLogger("afterbay.x").warning("%d left", 3)
    logging.getLogger("afterbay.x").info("outside")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())

    assert (first["event"], first["level"], first["logger"], first["request_id"]) == (
        "3 left",
        "warning",
        "afterbay.x",
        "r-1",
    )
    assert first["timestamp"].endswith("Z")
    assert "request_id" not in second


@pytest.mark.parametrize("kind", ["console", "json"])
def test_nobody_can_forge_a_line(kind: LogFormat) -> None:
    stream = io.StringIO()
    set_up_logs("info", kind, stream)

    logging.getLogger("x").info("GET %s", "/a\n2026-01-01 INFO root: all is well\x1b[2J\x00")

    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_the_level_is_kept_and_libraries_are_quiet() -> None:
    stream = io.StringIO()
    set_up_logs("warning", "console", stream)

    logging.getLogger("afterbay").info("not shown")
    logging.getLogger("alembic.runtime.migration").info("nor this")
    logging.getLogger("afterbay").warning("shown")

    assert "shown" in stream.getvalue()
    assert "not shown" not in stream.getvalue()
    assert "nor this" not in stream.getvalue()
