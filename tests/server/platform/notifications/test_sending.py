"""Messages arrive by e-mail and at webhooks, signed; what goes wrong says whether to try again."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller

from afterbay.core.errors import InvalidInputError, UnavailableError
from afterbay.server.platform.notifications.sending import (
    SendingSettings,
    send_email,
    send_webhook,
    signature_of,
)
from afterbay.server.platform.notifications.service import Message

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MESSAGE = Message(
    UUID(int=7), "job.succeeded", "Your run is\nfinished", "70 cases", "/sizing/p/1", NOW, None,
)  # fmt: skip


class _Mailbox:
    def __init__(self, answer: str = "250 OK") -> None:
        self.answer = answer
        self.mails: list[tuple[list[str], bytes]] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if self.answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"


class _Controller(Controller):
    def _trigger_server(self) -> None:
        # It asks the port that it was given, which is 0; the one that it got is known by now.
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def _mail_server(box: _Mailbox) -> Iterator[SendingSettings]:
    controller = _Controller(box, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        yield SendingSettings(
            f"smtp://127.0.0.1:{controller.port}", "afterbay@example.org", "https://storage.example.org/"
        )
    finally:
        controller.stop()


@contextmanager
def _hook(status: int, headers: dict[str, str] | None = None) -> Iterator[tuple[str, list[tuple[Any, bytes]]]]:
    seen: list[tuple[Any, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook?x=1", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


INSIDE = SendingSettings(webhook_hosts=("127.0.0.1",), public_url="https://storage.example.org")


def test_an_e_mail_arrives_with_subject_text_and_link() -> None:
    box = _Mailbox()

    with _mail_server(box) as settings:
        send_email(settings, "anna@example.org", MESSAGE, NOW)

    ((to, raw),) = box.mails
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert to == ["anna@example.org"]
    assert (mail["Subject"], mail["From"], mail["Auto-Submitted"]) == (
        "Your run is finished", "afterbay@example.org", "auto-generated",
    )  # fmt: skip
    text = mail.get_body().get_content()  # type: ignore[union-attr]
    assert text.strip().splitlines() == ["70 cases", "", "https://storage.example.org/sizing/p/1"]


@pytest.mark.parametrize(
    ("answer", "error"), [("550 no such user", InvalidInputError), ("450 later", UnavailableError)]
)
def test_a_mail_server_that_refuses_says_whether_to_try_again(answer: str, error: type[Exception]) -> None:
    with _mail_server(_Mailbox(answer)) as settings, pytest.raises(error):
        send_email(settings, "anna@example.org", MESSAGE, NOW)


def test_a_mail_server_that_is_gone_is_tried_again_and_none_at_all_is_not() -> None:
    with _mail_server(_Mailbox()) as settings:
        pass
    with pytest.raises(UnavailableError):
        send_email(settings, "anna@example.org", MESSAGE, NOW)
    with pytest.raises(InvalidInputError, match="AFTERBAY_SMTP_URL"):
        send_email(SendingSettings(), "anna@example.org", MESSAGE, NOW)


def test_a_webhook_gets_a_body_that_its_owner_can_verify() -> None:
    with _hook(204) as (url, seen):
        send_webhook(INSIDE, url, "key", MESSAGE, NOW)

    ((headers, body),) = seen
    assert headers["Afterbay-Signature"] == signature_of("key", body, int(NOW.timestamp()))
    assert headers["Afterbay-Signature"] != signature_of("another", body, int(NOW.timestamp()))
    assert headers["Host"] == url.split("/")[2]
    assert json.loads(body)["link"] == "https://storage.example.org/sizing/p/1"


def test_a_redirect_is_not_followed() -> None:
    with (
        _hook(200) as (inside, seen),
        _hook(302, {"Location": inside}) as (url, _),
        pytest.raises(InvalidInputError, match="302"),
    ):
        send_webhook(INSIDE, url, "key", MESSAGE, NOW)

    assert seen == []


@pytest.mark.parametrize(
    ("status", "error"), [(500, UnavailableError), (429, UnavailableError), (404, InvalidInputError)]
)
def test_a_webhook_that_refuses_says_whether_to_try_again(status: int, error: type[Exception]) -> None:
    with _hook(status) as (url, _), pytest.raises(error):
        send_webhook(INSIDE, url, "key", MESSAGE, NOW)


def test_a_webhook_to_the_inside_is_not_called_when_it_was_not_allowed() -> None:
    with _hook(200) as (url, seen), pytest.raises(InvalidInputError):
        send_webhook(SendingSettings(), url, "key", MESSAGE, NOW)

    assert seen == []


def test_a_webhook_that_is_gone_is_tried_again() -> None:
    with _hook(200) as (url, _):
        pass
    with pytest.raises(UnavailableError):
        send_webhook(INSIDE, url, "key", MESSAGE, NOW)
