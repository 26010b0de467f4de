"""Laws of sharing under every rule, checked from meters, tree and what the rule reports."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from community_neighbourhoods import Neighbourhood, neighbourhoods, permuted, run_whole
from hypothesis import given, settings
from hypothesis import strategies as st

import plain_python
from afterbay.community.sharing import SHARING_RULES, SharedBlock, Sharing, block, share_block
from afterbay.community.sharing.share_kernels import share_steps
from afterbay.core.compiled import Floats

_RUNS = settings(max_examples=30, deadline=None)
_CLOSE = 1e-9
_DIVISIONS = ("proportional", "equal", "order", "priority", "static", "cascade")


@st.composite
def _rules(draw: st.DrawFn, *, scopes: tuple[str, ...] = ("grid", "transformer"), ordered: bool = True) -> Sharing:
    inner = ("proportional", "equal", "order") if ordered else ("proportional", "equal")
    return Sharing(
        buyers=draw(st.sampled_from([name for name in _DIVISIONS if ordered or name != "order"])),
        within=draw(st.sampled_from(inner)),
        sellers=draw(st.sampled_from((*inner, "priority"))),
        sellers_within=draw(st.sampled_from(inner)),
        scope=draw(st.sampled_from(scopes)),
        once=draw(st.booleans()),
    )


def _net(case: Neighbourhood, seed: int) -> Floats:
    """Meters of a run or, one time in two, of chance, with quiet houses and equal ones among them."""
    if seed % 2:
        return run_whole(case)[0].net_kwh
    rng = np.random.default_rng(seed)
    net = rng.normal(0.0, 1.0, (24, len(case.houses)))
    net[rng.random(net.shape) < 0.3] = 0.0
    return np.where(rng.random(net.shape) < 0.3, np.round(net), net)


def _share(case: Neighbourhood, rule: Sharing, net: Floats, threads: int = 1) -> SharedBlock:
    days = np.append(np.arange(0, net.shape[0], 12), net.shape[0])
    return share_block(case.tree, rule, net, dt_h=case.dt_h, days=days, threads=threads)


@_RUNS
@given(neighbourhoods(), _rules(), st.integers(0, 99))
def test_nobody_gives_or_gets_more_than_it_has_or_needs(case: Neighbourhood, rule: Sharing, seed: int) -> None:
    net = _net(case, seed)

    found = _share(case, rule, net)
    scale = max(1.0, float(np.abs(net).sum(axis=1).max()))
    for column in (found.bought_kwh, found.sold_kwh, found.paid_kwh, found.matched_kwh):
        assert column.min() >= 0.0
    assert (found.bought_kwh <= np.maximum(-net, 0.0) * (1 + _CLOSE)).all()
    assert (found.sold_kwh <= np.maximum(net, 0.0) * (1 + _CLOSE)).all()
    assert np.minimum(found.bought_kwh, found.sold_kwh).max() == 0.0
    assert (found.paid_kwh <= found.sold_kwh + _CLOSE * scale).all()
    assert np.abs(found.paid_kwh.sum(axis=1) - found.bought_kwh.sum(axis=1)).max() <= _CLOSE * scale


@_RUNS
@given(neighbourhoods(), st.sampled_from(["grid", "transformer"]), st.booleans(), st.integers(0, 99))
def test_sharing_by_node_gives_what_sharing_by_house_gives(
    case: Neighbourhood, scope: str, once: bool, seed: int
) -> None:
    net, rule = _net(case, seed), Sharing(scope=scope, once=once)  # type: ignore[arg-type]

    found = _share(case, rule, net)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block, "share_proportionally", share_steps)
        general = _share(case, rule, net)
    scale = max(1.0, float(np.abs(net).sum()))
    for name in SharedBlock.__dataclass_fields__:
        assert np.abs(getattr(found, name) - getattr(general, name)).max() <= _CLOSE * scale, name


@_RUNS
@given(neighbourhoods(), _rules(), st.integers(0, 99))
def test_levels_add_up_to_what_was_shared(case: Neighbourhood, rule: Sharing, seed: int) -> None:
    net = _net(case, seed)

    found = _share(case, rule, net)
    scale = max(1.0, float(np.abs(net).sum()))
    starts = np.arange(0, net.shape[0], 12)
    for total, levels in (
        (found.bought_kwh, found.bought_level_kwh), (found.sold_kwh, found.sold_level_kwh),
    ):  # fmt: skip
        assert np.abs(np.add.reduceat(total, starts) - levels.sum(axis=1)).max() <= _CLOSE * scale
        depth = case.tree.depth[case.tree.tree.house_node]
        for level in range(levels.shape[1]):
            assert levels[:, level, depth < level].max(initial=0.0) == 0.0


@_RUNS
@given(neighbourhoods(losses=False), _rules(), st.integers(0, 99))
def test_without_losses_bought_sold_paid_and_matched_agree(case: Neighbourhood, rule: Sharing, seed: int) -> None:
    net = _net(case, seed)

    found = _share(case, rule, net)
    scale = max(1.0, float(np.abs(net).sum(axis=1).max()))
    bought = found.bought_kwh.sum(axis=1)
    assert np.abs(found.sold_kwh.sum(axis=1) - bought).max() <= _CLOSE * scale
    assert np.abs(found.matched_kwh.sum(axis=1) - bought).max() <= _CLOSE * scale
    assert np.abs(found.paid_kwh - found.sold_kwh).max() <= _CLOSE * scale
    if rule.scope == "grid" and rule.buyers != "static":
        left = np.minimum(np.maximum(net, 0.0).sum(axis=1), np.maximum(-net, 0.0).sum(axis=1)) - bought
        assert np.abs(left).max() <= _CLOSE * scale


@_RUNS
@given(neighbourhoods(), _rules(scopes=("transformer",)), st.integers(0, 99))
def test_a_transformer_scope_shares_at_each_bus_alone(case: Neighbourhood, rule: Sharing, seed: int) -> None:
    net = _net(case, seed)

    found, tree = _share(case, rule, net), case.tree.tree
    scale = max(1.0, float(np.abs(net).sum(axis=1).max()))
    for node in range(case.tree.n_nodes):
        own = slice(tree.first_house[node], tree.own_end[node])
        bought, sold = found.bought_kwh[:, own].sum(axis=1), found.sold_kwh[:, own].sum(axis=1)
        assert np.abs(bought - sold).max() <= _CLOSE * scale
        assert np.abs(bought - found.matched_kwh[:, node]).max() <= _CLOSE * scale
        supply, demand = np.maximum(net[:, own], 0.0).sum(axis=1), np.maximum(-net[:, own], 0.0).sum(axis=1)
        if rule.buyers not in ("static", "cascade"):
            assert np.abs(np.minimum(supply, demand) - bought).max() <= _CLOSE * scale
    assert found.bought_level_kwh[:, 1:].max(initial=0.0) == 0.0


@_RUNS
@given(neighbourhoods(limits=0.0), _rules(scopes=("grid",)))
def test_what_is_left_on_paper_is_what_crosses_the_substation(case: Neighbourhood, rule: Sharing) -> None:
    tree = case.tree
    tree = replace(tree, tree=tree.tree._replace(no_load_kw=np.zeros(tree.n_nodes)))
    net = run_whole(case)[0].net_kwh
    rule = replace(rule, once=False, buyers="priority" if rule.buyers in ("static", "cascade") else rule.buyers)

    found = share_block(tree, rule, net, dt_h=case.dt_h)
    arrays = tree.tree
    left, nodes = net + found.bought_kwh - found.sold_kwh, np.zeros((net.shape[0], tree.n_nodes))
    up_left, down_left = np.maximum(left, 0.0), np.maximum(-left, 0.0)
    loss = arrays.load_loss_per_kw / case.dt_h
    for node in range(tree.n_nodes - 1, -1, -1):
        own = slice(arrays.first_house[node], arrays.own_end[node])
        nodes[:, node] += net[:, own].sum(axis=1)
        flow = nodes[:, node]
        if node:
            up, down = np.maximum(flow, 0.0), np.maximum(-flow, 0.0)
            arrived = np.maximum(up * arrays.eta_up[node] - loss[node] * up**2, 0.0)
            nodes[:, arrays.parent[node]] += arrived - down / arrays.eta_down[node] - loss[node] * down**2
    # Residuals carried to the substation with the mean efficiency of each transformer at its flow.
    top_up, top_down = np.zeros(net.shape[0]), np.zeros(net.shape[0])
    for house in range(net.shape[1]):
        up_factor, down_factor, node = np.ones(net.shape[0]), np.ones(net.shape[0]), int(arrays.house_node[house])
        while node:
            flow = nodes[:, node]
            up_factor *= np.maximum(arrays.eta_up[node] - loss[node] * np.maximum(flow, 0.0), 1e-9)
            down_factor *= 1.0 / arrays.eta_down[node] + loss[node] * np.maximum(-flow, 0.0)
            node = int(arrays.parent[node])
        top_up += up_left[:, house] * up_factor
        top_down += down_left[:, house] * down_factor
    scale = max(1.0, float(np.abs(net).sum(axis=1).max()))
    assert np.abs(top_up - np.maximum(nodes[:, 0], 0.0)).max() <= 1e-8 * scale
    assert np.abs(top_down - np.maximum(-nodes[:, 0], 0.0)).max() <= 1e-8 * scale


@_RUNS
@given(neighbourhoods(), _rules(ordered=False), st.integers(0, 99))
def test_the_order_of_houses_changes_nothing_unless_the_rule_says_so(
    case: Neighbourhood, rule: Sharing, seed: int
) -> None:
    other, came_from = permuted(case, seed)
    net = _net(case, seed)

    one, two = _share(case, rule, net), _share(other, rule, net[:, came_from])
    scale = max(1.0, float(np.abs(net).sum(axis=1).max()))
    for name in ("bought_kwh", "sold_kwh", "paid_kwh", "buyer_fee", "seller_fee"):
        assert np.abs(getattr(two, name) - getattr(one, name)[:, came_from]).max() <= _CLOSE * scale, name
    assert np.abs(two.matched_kwh - one.matched_kwh).max() <= _CLOSE * scale


@_RUNS
@given(neighbourhoods(), _rules(ordered=False), st.integers(0, 99))
def test_two_alike_at_one_bus_are_treated_alike(case: Neighbourhood, rule: Sharing, seed: int) -> None:
    net = np.round(_net(case, seed))

    found, tree = _share(case, rule, net), case.tree.tree
    scale = max(1.0, float(np.abs(net).sum(axis=1).max()))
    rows = np.array([tree.house_node, tree.house_class, np.round(tree.house_key * 1e9)]).T
    for house in range(1, len(case.houses)):
        for twin in np.flatnonzero((rows[:house] == rows[house]).all(axis=1)):
            same = net[:, house] == net[:, twin]
            for column in (found.bought_kwh, found.sold_kwh, found.paid_kwh):
                assert np.abs(column[same, house] - column[same, twin]).max(initial=0.0) <= _CLOSE * scale


@_RUNS
@given(neighbourhoods(), st.sampled_from(["static", "cascade", "dynamic"]), st.integers(0, 99))
def test_fees_are_the_sums_along_the_way_of_what_moves_there(case: Neighbourhood, name: str, seed: int) -> None:
    net = _net(case, seed)

    found, tree = _share(case, SHARING_RULES[name], net), case.tree.tree
    for column, fees in (("", tree.fee_per_kwh), ("_kwh", tree.fee_fraction)):
        way = np.zeros(case.tree.n_nodes)
        for node in range(1, case.tree.n_nodes):
            way[node] = way[tree.parent[node]] + fees[node]
        local = tree.local_fee_per_kwh[0] if column == "" else 0.0
        scale = max(1.0, float(np.abs(net).sum()))
        buyer = found.bought_kwh * (way[tree.house_node] + local)
        assert np.abs(getattr(found, f"buyer_fee{column}") - buyer).max() <= _CLOSE * scale
        seller = found.paid_kwh * way[tree.house_node]
        assert np.abs(getattr(found, f"seller_fee{column}") - seller).max() <= _CLOSE * scale


@settings(max_examples=12, deadline=None)
@given(neighbourhoods(days=3), _rules(), st.integers(0, 99), st.integers(2, 4))
def test_threads_and_blocks_change_no_bit(case: Neighbourhood, rule: Sharing, seed: int, threads: int) -> None:
    net = _net(case, seed)

    one, many = _share(case, rule, net), _share(case, rule, net, threads)
    parts = [share_block(case.tree, rule, net[at : at + 12], dt_h=case.dt_h) for at in range(0, net.shape[0], 12)]
    for name in SharedBlock.__dataclass_fields__:
        assert getattr(many, name).tobytes() == getattr(one, name).tobytes(), name
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert joined.tobytes() == getattr(one, name).tobytes(), name


@settings(max_examples=12, deadline=None)
@given(neighbourhoods(most_houses=12), _rules(), st.integers(0, 49))
def test_compiled_code_and_plain_python_share_to_the_same_bit(case: Neighbourhood, rule: Sharing, seed: int) -> None:
    net = _net(case, 2 * seed)

    compiled = _share(case, rule, net)
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (("share", "share_steps"), ("proportional", "share_proportionally")):
            plain = plain_python.plain_copy(f"afterbay.community.sharing.{module}_kernels")
            patch.setattr(block, name, getattr(plain, name))
        found = _share(case, rule, net)
    for name in SharedBlock.__dataclass_fields__:
        assert getattr(found, name).tobytes() == getattr(compiled, name).tobytes(), name
