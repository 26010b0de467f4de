"""Which format an answer takes, by `Accept`; which formats a body may have, by `Content-Type`."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from afterbay.server.errors import StatusError

__all__ = ["MEDIA_TYPES", "MediaTypeError", "NotAcceptableError", "check_media_type", "wanted"]

MEDIA_TYPES: Final[Mapping[str, str]] = {
    "json": "application/json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
"""Media type of each format that the API speaks."""


class NotAcceptableError(StatusError):
    """None of the formats that were asked for is made here."""

    status: ClassVar[int] = 406
    code: ClassVar[str] = "not-acceptable"


class MediaTypeError(StatusError):
    """A body of this format is not read here."""

    status: ClassVar[int] = 415
    code: ClassVar[str] = "media-type"


def wanted(accept: str | None, allowed: Sequence[str] = ("json",)) -> str:
    """Return the format to answer in.

    Args:
        accept: The `Accept` header; None or empty: anything.
        allowed: Names in `MEDIA_TYPES`, the preferred one first.

    Raises:
        NotAcceptableError: If none of them is acceptable.
    """
    if accept is None or not accept.strip():
        return allowed[0]
    ranges = _ranges(accept)
    weights = {name: _weight(MEDIA_TYPES[name], ranges) for name in allowed}
    best = max(allowed, key=weights.__getitem__)  # the first of equals
    if weights[best] > 0:
        return best
    names = ", ".join(MEDIA_TYPES[name] for name in allowed)
    raise NotAcceptableError(f"Accept is {accept[:200]!r}, this answers {names} -> ask for one of these")


def check_media_type(content_type: str | None, allowed: Sequence[str]) -> str:
    """Return the media type of a body, without its parameters.

    Raises:
        MediaTypeError: If it is not one of `allowed`.
    """
    found = (content_type or "").partition(";")[0].strip().lower()
    if found in allowed:
        return found
    raise MediaTypeError(f"Content-Type is {found[:100] or 'missing'}, this reads {', '.join(allowed)}")


def _ranges(accept: str) -> dict[str, float]:
    """Return the weight of each media range; what cannot be read counts as not said."""
    ranges: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                try:
                    quality = min(max(float(value), 0.0), 1.0)
                except ValueError:
                    quality = 0.0
        if name.count("/") == 1:
            ranges[name] = quality
    return ranges


def _weight(media_type: str, ranges: Mapping[str, float]) -> float:
    # The most exact range decides, whatever its place.
    for name in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0
