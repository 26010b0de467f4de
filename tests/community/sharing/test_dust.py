"""What rounding leaves at a bus is not traded further up: it would bring a house into a market it has no part in."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from afterbay.community.sharing import SHARING_RULES, Pool, SharingRule, share_block
from afterbay.community.step import tree_arrays
from afterbay.community.topology import Grid, House, Transformer


class _OwnProportional:
    """The compiled rule once more, in plain Python, with the rounding of its own."""

    name, scope, level_by_level = "own", "grid", True

    def share(self, pool: Pool) -> tuple[np.ndarray, np.ndarray]:
        amount = min(pool.offers_kwh.sum(), pool.needs_kwh.sum())
        given = pool.offers_kwh / pool.offers_kwh.sum() * amount
        received = pool.needs_kwh / pool.needs_kwh.sum() * amount
        return np.minimum(given, pool.offers_kwh), np.minimum(received, pool.needs_kwh)


@pytest.mark.parametrize("rule", ["proportional", "equal", "priority", "own"])
def test_no_dust_goes_up(rule: str) -> None:
    below = Transformer("T-1", houses=tuple(House(f"a{place}") for place in range(7)))
    above = Transformer("T-2", transformers=(below,), houses=tuple(House(f"b{place}") for place in range(3)))
    tree = tree_arrays(Grid(transformers=(above,)))
    net = np.random.default_rng(4).uniform(-3.0, 3.0, (400, 10))
    chosen = cast("SharingRule", _OwnProportional() if rule == "own" else SHARING_RULES[rule])

    matched = share_block(tree, chosen, net).matched_kwh

    assert matched[:, 1].any()
    assert not ((matched > 0.0) & (matched < 1e-9)).any()
