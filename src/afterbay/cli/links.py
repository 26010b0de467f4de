"""Where a one-time link leads: what users type into a browser, not where a database is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from afterbay.server.settings import Settings

__all__ = ["link_base"]


def link_base(settings: Settings, url: str | None) -> tuple[str, str]:
    """Return what a link begins with, and a doubt about it in words; empty: there is none.

    In this order: what is given, `AFTERBAY_PUBLIC_URL`, the server that runs on this data folder, `AFTERBAY_LISTEN`.

    Args:
        settings: Of this command.
        url: Given by the user.

    Raises:
        InvalidInputError: If `url` is no address.
    """
    from afterbay.client.connection import check_url
    from afterbay.server.listening import reached_at

    if url is not None:
        try:
            return check_url(url, token=False), ""
        except InvalidInputError:
            allowed = "http://host:port or https://host, as users reach the server"
            raise InvalidInputError(Problem("--url", url, allowed, "give the address in full")) from None
    if settings.public_url:
        return settings.public_url.rstrip("/"), ""
    found = reached_at(settings.data_dir)
    if found is not None:
        return found, ""
    scheme = "https" if settings.secure else "http"
    base = f"{scheme}://{settings.listen}"
    return base, f"no server runs on {settings.data_dir} now: the link works when one does at {base} -> or say --url"
