"""Who gives way first, and that nobody gains by standing earlier in a list."""

from __future__ import annotations

import numpy as np
from community_neighbourhoods import Neighbourhood, neighbourhoods, permuted, run_whole, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.community.step.layout import COMMUNITY, FLOWS

_CURTAILED, _EXPORT, _IMPORT = (FLOWS.index(name) for name in ("curtailed_network_kwh", "export_kwh", "import_kwh"))
_SHED = FLOWS.index("unserved_network_kwh")
_CLOSE = 1e-9


@settings(max_examples=40, deadline=None)
@given(neighbourhoods(), st.integers(0, 9))
def test_the_order_of_houses_below_a_transformer_changes_nothing(case: Neighbourhood, seed: int) -> None:
    other, came_from = permuted(case, seed)

    (one,), (two,) = run_whole(case), run_whole(other)
    scale = max(1.0, float(np.abs(one.nodes_kwh).max()), float(one.series_kwh.max()))
    assert np.abs(two.net_kwh - one.net_kwh[:, came_from]).max() <= _CLOSE * scale
    assert np.abs(two.series_kwh - one.series_kwh[:, :, came_from]).max() <= _CLOSE * scale
    assert np.abs(two.nodes_kwh - one.nodes_kwh).max() <= _CLOSE * scale


@settings(max_examples=60, deadline=None)
@given(neighbourhoods(one_limit=True))
def test_no_house_is_shed_while_one_of_a_lower_class_below_the_limit_still_draws(case: Neighbourhood) -> None:
    (block,) = run_whole(case)

    tree = case.tree.tree
    limited = np.flatnonzero(np.isfinite(tree.import_kw))
    shed, drawn, down = block.series_kwh[_SHED], block.series_kwh[_IMPORT], block.nodes_kwh[0]
    close = _CLOSE * max(1.0, float(drawn.max()))
    for node in limited:
        houses = np.arange(tree.first_house[node], tree.last_house[node])
        for step in np.flatnonzero(shed[:, houses].max(axis=1, initial=0.0) > close):
            worst = min(tree.house_class[house] for house in houses if shed[step, house] > close)
            for house in houses[tree.house_class[houses] > worst]:
                at = tree.house_node[house]
                # A transformer that draws nothing from above has nothing to give back.
                while at > node and down[step, at] > close:
                    at = tree.parent[at]
                assert at > node or drawn[step, house] <= close


@settings(max_examples=40, deadline=None)
@given(neighbourhoods(one_limit=True))
def test_within_a_class_at_a_bus_all_are_shed_by_the_same_share(case: Neighbourhood) -> None:
    (block,) = run_whole(case)

    tree = case.tree.tree
    shed, drawn = block.series_kwh[_SHED], block.series_kwh[_IMPORT]
    close = _CLOSE * max(1.0, float(drawn.max()))
    before = shed + drawn
    share = np.where(before > 1e-6, shed / np.maximum(before, 1e-6), np.nan)
    for node in range(case.tree.n_nodes):
        for rank in np.unique(tree.house_class):
            own = np.arange(tree.first_house[node], tree.own_end[node])
            same = share[:, own[tree.house_class[own] == rank]]
            for row in same[np.isfinite(same).any(axis=1)]:
                assert np.nanmax(row) - np.nanmin(row) <= max(close, 1e-6)


@settings(max_examples=40, deadline=None)
@given(neighbourhoods())
def test_curtailment_takes_the_same_share_of_all_who_export_at_a_bus(case: Neighbourhood) -> None:
    (block,) = run_whole(case)

    tree = case.tree.tree
    cut, sent = block.series_kwh[_CURTAILED], block.series_kwh[_EXPORT]
    before = cut + sent
    share = np.where(before > 1e-6, cut / np.maximum(before, 1e-6), np.nan)
    for node in range(case.tree.n_nodes):
        own = share[:, tree.first_house[node] : tree.own_end[node]]
        for row in own[np.isfinite(own).any(axis=1)]:
            assert np.nanmax(row) - np.nanmin(row) <= 1e-6


@settings(max_examples=40, deadline=None)
@given(neighbourhoods(modes=("community",), limits=0.5))
def test_nothing_leaves_or_enters_a_bus_that_its_community_batteries_could_hold_or_give(case: Neighbourhood) -> None:
    found = walk(case)

    tree, devices, dt_h = case.tree.tree, case.devices, case.dt_h
    down, up, _, _, _, curtailed, unserved = found.nodes_kwh
    close = 1e-6 * max(1.0, float(found.nodes_kwh.max()))
    assert (devices.mode == COMMUNITY).all()
    for house in range(len(case.houses)):
        node, net = tree.house_node[house], found.net_kwh[:, house] / dt_h
        for battery in range(devices.first_battery[house], devices.first_battery[house + 1]):
            power, stored = found.power_kw[:, battery], found.stored_kwh[1:, battery]
            stores = (
                (stored < devices.dynamic_kwh[battery] - close)
                & (power > -devices.charge_kw[battery] + close)
                & (net > -devices.import_kw[house] + close)
            )
            gives = (
                (stored > devices.base_kwh[battery] + close)
                & (power < devices.discharge_kw[battery] - close)
                & (net < devices.export_kw[house] - close)
            )
            assert (up + curtailed)[stores, node].max(initial=0.0) <= close
            assert (down + unserved)[gives, node].max(initial=0.0) <= close
