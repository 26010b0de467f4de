"""Compile what the tests run, once, before many processes would do the same at the same time."""

from __future__ import annotations

import time

from afterbay.community.recipes import ProfileLibrary, elm_street_profiles
from afterbay.community.settlement import settle, standard_rules
from afterbay.community.sharing import SHARING_RULES, share_block
from afterbay.community.simulation import horizon, run_community
from afterbay.community.topology import elm_street
from afterbay.core.errors import MissingExtraError


def main() -> None:
    """Run a day of Elm Street under every rule."""
    start = time.perf_counter()
    grid = elm_street()
    try:
        profiles: ProfileLibrary = elm_street_profiles(seed=1)
    except MissingExtraError as missing:
        print(f"kernels are compiled by the tests that need them: {missing}")
        return
    run = run_community(grid, profiles, horizon=horizon("2023-06-01", 1, time_zone=grid.time_zone))
    for block in run.blocks():
        for rule in SHARING_RULES.values():
            share_block(run.tree, rule, block.net_kwh)
    settle(run, standard_rules())
    print(f"kernels ready after {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
