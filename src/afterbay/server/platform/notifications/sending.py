"""Sends one message by e-mail or to a webhook; knows no database."""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from afterbay.core.errors import InvalidInputError, Problem, UnavailableError
from afterbay.server.platform.notifications.addresses import resolve_webhook

if TYPE_CHECKING:
    from datetime import datetime

    from afterbay.server.platform.notifications.service import Message

__all__ = ["SendingSettings", "send_email", "send_webhook", "signature_of"]

_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class SendingSettings:
    """How messages leave this server."""

    smtp_url: str | None = field(default=None, repr=False)
    """`smtp://user:password@host:587` (STARTTLS), `smtps://...` (TLS), `smtp://127.0.0.1:25` (plain, loopback)."""
    smtp_from: str = ""
    public_url: str = ""
    """Address of this server as people reach it; links in messages begin with it."""
    webhook_hosts: Sequence[str] = ()
    """Hosts inside that webhooks may call."""


def send_email(settings: SendingSettings, to: str, message: Message, now: datetime) -> None:
    """Send a message as an e-mail.

    Raises:
        InvalidInputError: If no mail server is set, or the mail server refuses the address for good.
        UnavailableError: If the mail server does not answer or asks to come again.
    """
    if not settings.smtp_url or not settings.smtp_from:
        problem = Problem("AFTERBAY_SMTP_URL, AFTERBAY_SMTP_FROM", "nothing", "the address of a mail server",
                          "ask the operator of this server to set them")  # fmt: skip
        raise InvalidInputError(problem)
    mail = EmailMessage()
    mail["Subject"] = " ".join(message.title.split())
    mail["From"] = settings.smtp_from
    mail["To"] = to
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = make_msgid(domain=settings.smtp_from.rpartition("@")[2] or "localhost")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n\n".join(part for part in (message.body, _link(settings, message)) if part) or message.title)
    try:
        with _mail_server(settings.smtp_url) as server:
            server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        code = max(code for code, _ in error.recipients.values())
        if code < 500:
            raise UnavailableError(f"the mail server does not take {to} now (code {code})") from None
        raise InvalidInputError(Problem("target", to, "an address that the mail server takes")) from None
    except (OSError, smtplib.SMTPException) as error:
        raise UnavailableError(f"the mail server cannot be used: {type(error).__name__}") from None


def send_webhook(
    settings: SendingSettings,
    url: str,
    secret: str,
    message: Message,
    now: datetime,
    *,
    resolve: Callable[[str, Sequence[str]], str] = resolve_webhook,
) -> None:
    """Post a message to a webhook, signed so that its owner can tell that it is from here.

    The header `Afterbay-Signature` is `t=SECONDS,v1=HEX`, where HEX is HMAC-SHA256 with the channel's key over
    `SECONDS.` and the body. Redirects are not followed: they could lead to the inside.

    Raises:
        InvalidInputError: If the address may not be called, or it says that the message is wrong (4xx).
        UnavailableError: If it does not answer or asks to come again.
    """
    import httpx2

    body = json.dumps(
        {"id": str(message.id), "kind": message.kind, "title": message.title, "body": message.body,
         "link": _link(settings, message), "created_at": message.created_at.isoformat()}
    ).encode()  # fmt: skip
    parts = urlsplit(url)
    try:
        address = resolve(url, settings.webhook_hosts)
        host = f"[{address}]" if ":" in address else address
        place = f"{host}:{parts.port}" if parts.port else host
        headers = {"Host": parts.netloc, "Content-Type": "application/json", "User-Agent": "afterbay",
                   "Afterbay-Signature": signature_of(secret, body, int(now.timestamp()))}  # fmt: skip
        with httpx2.Client(timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False) as client:
            answer = client.post(
                urlunsplit((parts.scheme, place, parts.path or "/", parts.query, "")),
                content=body, headers=headers, extensions={"sni_hostname": parts.hostname or ""},
            )  # fmt: skip
    except (OSError, httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise UnavailableError(f"the webhook does not answer: {type(error).__name__}") from None
    if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
        raise UnavailableError(f"the webhook asks to come again ({answer.status_code})")
    if answer.status_code >= 300:
        problem = Problem("webhook", f"status {answer.status_code}", "a status of 200 to 299", "mend it or remove it")
        raise InvalidInputError(problem)


def signature_of(secret: str, body: bytes, seconds: int) -> str:
    """Return the signature of a webhook's body.

    Args:
        secret: Key of the channel.
        body: The bytes that are sent.
        seconds: When, in seconds since 1970 [s].
    """
    made = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={made}"


def _link(settings: SendingSettings, message: Message) -> str:
    return f"{settings.public_url.rstrip('/')}{message.link}" if message.link and settings.public_url else message.link


def _mail_server(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host, user = parts.hostname or "", unquote(parts.username or "")
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=_TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=_TIMEOUT_S)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
        elif host not in ("127.0.0.1", "::1", "localhost"):
            server.close()
            raise smtplib.SMTPNotSupportedError("no STARTTLS")  # a password would travel in clear
    if user:
        server.login(user, unquote(parts.password or ""))
    return server
