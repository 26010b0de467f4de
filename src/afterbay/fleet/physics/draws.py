"""Random numbers that depend on the seed, the asset and the tick alone.

A draw is a hash, not the next number of a stream: it is the same however many assets tick beside it, in whatever
order, and after a restart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from afterbay.core.compiled import Floats

__all__ = ["Keys", "asset_keys", "normals", "uniforms"]

Keys = NDArray[np.uint64]
_MASK: Final = (1 << 64) - 1
_TICK: Final = 0x9E3779B97F4A7C15
_STREAM: Final = 0xD1B54A32D192ED03


def asset_keys(seed: int, asset_ids: Sequence[str]) -> Keys:
    """Return one key per asset, shape (n,)."""
    digests = (hashlib.sha256(f"{seed}/{asset_id}".encode()).digest() for asset_id in asset_ids)
    return np.array([int.from_bytes(digest[:8], "big") for digest in digests], dtype=np.uint64)


def uniforms(keys: Keys, tick: int, stream: int) -> Floats:
    """Return numbers above 0 and below 1, shape (n,).

    Args:
        keys: Of the assets, shape (n,).
        tick: Number of the tick.
        stream: Tells draws of one tick apart.

    Source: S. Vigna's SplitMix64 finaliser, used as a hash of the counter.
    """
    mixed = keys + np.uint64((tick * _TICK + stream * _STREAM) & _MASK)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed = mixed ^ (mixed >> np.uint64(31))
    return ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def normals(keys: Keys, tick: int, stream: int) -> Floats:
    """Return numbers of the standard normal distribution, shape (n,); takes two streams (Box and Muller)."""
    first, second = uniforms(keys, tick, stream), uniforms(keys, tick, stream + 1)
    return np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * np.pi * second)
