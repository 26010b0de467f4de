"""Memory that is used again and again."""

from __future__ import annotations

import numpy as np

__all__ = ["keep_freed_memory"]


def keep_freed_memory() -> None:
    """Have this process keep large arrays that it frees, instead of giving them back and asking again.

    Blocks of a run make and drop the same arrays every day. The usual C library of Linux hands such memory back to the
    system each time, at the price of the work itself, until a large piece has once been freed. It is never touched.
    """
    np.empty(24 * 1024**2, dtype=np.uint8)
