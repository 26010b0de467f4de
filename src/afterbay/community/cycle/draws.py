"""Random numbers that belong to a run, a user and a step, whoever else is simulated and in whatever order.

Counter-based: a number is a hash of its key, nothing is drawn in sequence. Only whole numbers and squares are
used, so that every machine gets the same bits.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from afterbay.community.cycle.users import Keys
from afterbay.core.compiled import Floats

__all__ = ["Words", "hash_words", "key_words", "stream_of", "uniform_pair"]

Words = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_HALF_SCALE = 1.0 / 2**32


def stream_of(*parts: object) -> int:
    """Return the 64-bit number of a stream, from its parts as text; every part counts."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "big")


def key_words(keys: Keys) -> Words:
    """Return each 16-byte key as two words, shape (n, 2)."""
    return np.ascontiguousarray(keys).view(">u8").reshape(len(keys), 2).astype(np.uint64)


def hash_words(stream: int, words: Words, step: int) -> Words:
    """Hash stream, two words of a key and step to one word each, shape (n,).

    Args:
        stream: A number of `stream_of`.
        words: Keys, shape (n, 2).
        step: Any whole number.

    Source: the finaliser of SplitMix64 (G. L. Steele et al., "Fast splittable pseudorandom number generators",
        OOPSLA 2014), once per part of the key.
    """
    mixed = _mix(words[:, 0] ^ np.uint64(stream))
    mixed = _mix(mixed ^ words[:, 1])
    return _mix(mixed ^ np.uint64(step % 2**64))


def uniform_pair(words: Words) -> tuple[Floats, Floats]:
    """Split each word into two numbers in (0, 1), shape (n,) each."""
    high = (words >> np.uint64(32)).astype(np.float64)
    low = (words & np.uint64(0xFFFFFFFF)).astype(np.float64)
    return (high + 0.5) * _HALF_SCALE, (low + 0.5) * _HALF_SCALE


def _mix(words: Words) -> Words:
    words = words + _GOLDEN
    words = (words ^ (words >> np.uint64(30))) * _FIRST
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    return words ^ (words >> np.uint64(31))
