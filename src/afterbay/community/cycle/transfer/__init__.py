"""Moving the files of a cycle: a folder, HTTP or an object store behind one interface, chosen by the address."""

from __future__ import annotations

from afterbay.community.cycle.transfer.directory import DirectoryTransfer
from afterbay.community.cycle.transfer.interface import (
    Notification,
    Receipt,
    TickForm,
    Transfer,
    TransferError,
    Worker,
    digest_of,
)
from afterbay.community.cycle.transfer.objects import ObjectTransfer
from afterbay.community.cycle.transfer.retry import Patience, Tried, try_again
from afterbay.community.cycle.transfer.routes import Route, open_transfer
from afterbay.community.cycle.transfer.webhook import WebhookTransfer, post_json

__all__ = [
    "DirectoryTransfer",
    "Notification",
    "ObjectTransfer",
    "Patience",
    "Receipt",
    "Route",
    "TickForm",
    "Transfer",
    "TransferError",
    "Tried",
    "WebhookTransfer",
    "Worker",
    "digest_of",
    "open_transfer",
    "post_json",
    "try_again",
]
