"""Times as people say them."""

from __future__ import annotations

__all__ = ["in_words"]


def in_words(seconds: float) -> str:
    """Return a length of time in its two largest units: `1 h 50 min`, `3 min 0 s`, `3 s`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60.0)
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(seconds / 3600.0)
    return f"{hours // 24} d {hours % 24} h"
