"""Where a webhook may go: to the outside, and inside only where the operator of the server says so.

Without this, anybody with an account could let the server call what only the server can reach.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from afterbay.core.errors import InvalidInputError, Problem

__all__ = ["check_webhook", "resolve_webhook"]


def check_webhook(url: str, allowed_hosts: Sequence[str] = ()) -> None:
    """Refuse an address that is no place for a webhook, as far as its text tells.

    Raises:
        InvalidInputError: If it is none.
    """
    parts = _parts(url)
    if parts is None:
        raise _refusal(url, "an address such as https://example.org/hook, without a user or a password")
    scheme, host = parts
    if host in allowed_hosts:
        return
    if scheme != "https":
        raise _refusal(url, "https, or a host that AFTERBAY_WEBHOOK_HOSTS names")
    try:
        address = ip_address(host)
    except ValueError:
        if "." not in host or host.endswith((".local", ".internal", ".localhost")):
            raise _refusal(url, "a public host, or one that AFTERBAY_WEBHOOK_HOSTS names") from None
    else:
        if not address.is_global:
            raise _refusal(url, "a public host, or one that AFTERBAY_WEBHOOK_HOSTS names")


def resolve_webhook(
    url: str,
    allowed_hosts: Sequence[str] = (),
    *,
    lookup: Callable[..., Sequence[tuple[object, ...]]] = socket.getaddrinfo,
) -> str:
    """Return the network address that a webhook's host has now; it is the one to call.

    A name may point to the inside, or do so only from the second question on: the address that was checked is
    the address that is called.

    Raises:
        InvalidInputError: If the name points to the inside.
        OSError: If the name has no address.
    """
    check_webhook(url, allowed_hosts)
    _, host = _parts(url) or ("", "")
    found = [str(one[4][0]) for one in lookup(host, None, type=socket.SOCK_STREAM)]  # type: ignore[index]
    if host not in allowed_hosts and not all(ip_address(one.partition("%")[0]).is_global for one in found):
        raise _refusal(url, "a host with public addresses only")
    return found[0]


def _parts(url: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and port != 0
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= 500
    return (parts.scheme, str(parts.hostname).lower().rstrip(".")) if usable and plain else None


def _refusal(url: str, allowed: str) -> InvalidInputError:
    return InvalidInputError(Problem("target", url[:200], allowed, "name another address"))
