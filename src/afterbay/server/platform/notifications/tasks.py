"""The job that delivers a message by one channel; and what people are told of jobs, quotas and grants."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID, uuid4

from afterbay.core.errors import AfterbayError, InvalidInputError, NotFoundError
from afterbay.server.platform.identity.service import FORGOTTEN_S, find_account, link_for_mail
from afterbay.server.platform.jobs.bodies import Subject, body, subject_of
from afterbay.server.platform.jobs.service import enqueue
from afterbay.server.platform.modules.service import manifests
from afterbay.server.platform.notifications.sending import SendingSettings, send_email, send_webhook
from afterbay.server.platform.notifications.service import Message, note_delivery, notify, read_delivery
from afterbay.server.principal import SYSTEM
from afterbay.server.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from afterbay.server.platform.jobs.context import JobContext
    from afterbay.server.platform.jobs.view import JobView
    from afterbay.server.platform.modules.service import Quotas
    from afterbay.server.principal import Principal

__all__ = [
    "TASK",
    "deliver",
    "mail_link",
    "run_delivery",
    "run_link",
    "sending_settings",
    "tell_of_grant",
    "tell_of_job",
    "tell_of_share",
    "wire_quotas",
]

TASK: Final = "notifications.deliver"
_LINK_TASK: Final = "notifications.mail_link"
_SLOT_S: Final = 600
"""In so much time one account gets one link, however often it is asked for [s]."""


def deliver(session: Session, principal: Principal, args: Mapping[str, Any], key: str) -> UUID:
    """Start a delivery in the transaction of the session; the same key twice is one delivery."""
    return enqueue(
        session, principal, task=TASK, args=args, module="platform", resource_id=UUID(str(args["notification_id"])),
        key=key,
    )  # fmt: skip


def sending_settings() -> SendingSettings:
    """Return how messages leave this server, as its environment says."""
    settings = read_settings()
    url = settings.smtp_url.get_secret_value() if settings.smtp_url else None
    return SendingSettings(url, settings.smtp_from, settings.public_url, settings.webhook_hosts)


def tell_of_job(session: Session, ended: JobView) -> None:
    """Tell whoever started a job that it ended, if it belongs to a module and did not end by a wish."""
    if ended.module not in manifests() or ended.owner_id == SYSTEM.id or ended.state not in ("succeeded", "failed"):
        return
    name, failed = manifests()[ended.module].name, ended.state == "failed"
    subject = subject_of(session, ended) or Subject(f"{name}, a job", f"/api/v1/jobs/{ended.id}", ended.message)
    detail = str((ended.error or {}).get("detail", "")) if failed else subject.outcome
    title = f"{subject.name} {'failed' if failed else 'is finished'}"
    notify(session, SYSTEM, ended.owner_id, f"job.{ended.state}", title, detail, subject.link, deliver=deliver)


def tell_of_grant(session: Session, principal: Principal, user_id: UUID, module: str, role: str | None) -> None:
    """Tell a user that an administrator changed what they may do; `role` None: nothing any more."""
    name = manifests()[module].name if module in manifests() else module
    title = f"{name}: you are {role} now" if role else f"{name}: your role was taken away"
    notify(session, principal, user_id, "grant.changed", title, f"changed by {principal.email}", deliver=deliver)


def tell_of_share(session: Session, principal: Principal, email: str, what: str, link: str) -> None:
    """Tell somebody that something was shared with them, if the address has an account; nobody learns whether."""
    try:
        account = find_account(session, email)
    except NotFoundError:
        return
    title = f"{principal.name or principal.email} shared {what} with you"
    notify(session, principal, account.id, "project.shared", title, "", link, deliver=deliver)


def mail_link(session: Session, user_id: UUID | None, now: datetime) -> None:
    """Let a one-time link be made and mailed to somebody who forgot a password; None: to nobody.

    Nobody costs the same work as somebody, so that the time of the answer tells nothing.
    """
    whose = user_id or uuid4()
    key = f"link:{whose}:{int(now.timestamp()) // _SLOT_S}"
    enqueue(session, SYSTEM, task=_LINK_TASK, args={"user_id": str(whose)}, module="platform", resource_id=whose,
            key=key)  # fmt: skip


class _Parts(Protocol):
    @property
    def quotas(self) -> Quotas: ...


def wire_quotas(parts: _Parts) -> None:
    """Let users be told when they come near a quota."""

    def near(session: Session, principal: Principal, module: str, quota: str, used: int, most: int) -> None:
        title = f"{manifests()[module].name}: {used} of {most} used ({quota})"
        body_text = "When it is used up you get 429. An administrator can allow more."
        notify(session, SYSTEM, principal.id, "quota.near", title, body_text, "/api/v1/modules", deliver=deliver)

    parts.quotas.on_near = near


@body(TASK)
def run_delivery(job: JobContext, args: dict[str, Any]) -> dict[str, Any]:
    """Send a message, once; what cannot be sent now is tried again by the queue."""
    notification_id, channel_id = UUID(args["notification_id"]), UUID(args["channel_id"])
    with job.session() as session:
        found = read_delivery(session, notification_id, channel_id)
    if found is None or found.sent:
        return {"sent": False}
    now = datetime.now(UTC)
    try:
        if found.kind == "email":
            send_email(sending_settings(), found.target, found.message, now)
        else:
            send_webhook(sending_settings(), found.target, found.secret, found.message, now)
    except AfterbayError as error:
        with job.session() as session:
            note_delivery(session, notification_id, channel_id, None, str(error))
        if isinstance(error, InvalidInputError):
            return {"sent": False, "error": str(error)}  # trying again would not help; the channel shows it
        raise
    with job.session() as session:
        note_delivery(session, notification_id, channel_id, now, None)
    return {"sent": True}


@body(_LINK_TASK)
def run_link(job: JobContext, args: dict[str, Any]) -> dict[str, Any]:
    """Make a link and mail it; what cannot be sent now is tried again with a new link, and the older one is over."""
    now = datetime.now(UTC)
    with job.session() as session:
        made = link_for_mail(session, UUID(args["user_id"]), now)
    if made is None:
        return {"sent": False}
    address, link = made
    text = (
        f"Somebody, probably you, forgot the password of {address} at afterbay. This link sets a new one. It works "
        f"once, for {FORGOTTEN_S // 60} minutes. If it was not you, nothing happens: the old password stays as it is."
    )
    message = Message(uuid4(), "link", "A new password for afterbay", text, link.path, now, None)
    send_email(sending_settings(), address, message, now)
    return {"sent": True}
