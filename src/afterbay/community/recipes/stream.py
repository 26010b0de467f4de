"""Random numbers keyed by who and when, so that order and subset never matter.

The numbers are those of the compiled household stream: a hash of two 32-bit keys and a counter.
"""

from __future__ import annotations

import hashlib
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from afterbay.core.compiled import Floats

__all__ = ["normals", "stream_keys", "uniforms"]

_MASK = 0xFFFFFFFF


def stream_keys(seed: int | None, key: str) -> tuple[int, int]:
    """Return the two 32-bit keys of a stream: its own for every seed and key."""
    digest = hashlib.sha256(f"{0 if seed is None else seed}/{key}".encode()).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")


def uniforms(keys: tuple[int, int], counters: NDArray[np.int64]) -> Floats:
    """Return the numbers of a stream at these counters (whole numbers below 2**32), in [0, 1)."""
    first = _mixed((counters & _MASK) ^ keys[0])
    return np.asarray(_mixed(first ^ keys[1]) / 4294967296.0, dtype=np.float64)


def normals(keys: tuple[int, int], counters: NDArray[np.int64]) -> Floats:
    """Return standard normal numbers at these counters."""
    middle = uniforms(keys, counters) + 0.5 / 4294967296.0
    inverse = NormalDist().inv_cdf
    return np.array([inverse(share) for share in middle.reshape(-1).tolist()]).reshape(middle.shape)


def _mixed(x: NDArray[np.int64]) -> NDArray[np.int64]:
    x = ((x ^ (x >> 16)) * 0x21F0AAAD) & _MASK
    x = ((x ^ (x >> 15)) * 0x735A2D97) & _MASK
    return x ^ (x >> 15)
