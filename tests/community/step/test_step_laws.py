"""Laws of the step that hold in every neighbourhood and in every step, checked from what it reports."""

from __future__ import annotations

import numpy as np
from community_neighbourhoods import Neighbourhood, Walk, neighbourhoods, walk
from hypothesis import given, settings

from afterbay.core.compiled import Floats

_RUNS = settings(max_examples=30, deadline=None)
_CLOSE = 1e-9


def _scale(found: Walk) -> float:
    return max(1.0, float(np.abs(found.nodes_kwh).max()), *(float(column.max()) for column in found.series.values()))


def _arrival(case: Neighbourhood, node: int, up: Floats) -> Floats:
    tree = case.tree.tree
    return np.asarray(np.maximum(up * tree.eta_up[node] - tree.load_loss_per_kw[node] / case.dt_h * up**2, 0.0))


def _draw(case: Neighbourhood, node: int, down: Floats) -> Floats:
    tree = case.tree.tree
    square = tree.load_loss_per_kw[node] / case.dt_h * down**2
    return np.asarray(down / tree.eta_down[node] + square + tree.no_load_kw[node] * case.dt_h)


def _least_draw(case: Neighbourhood) -> Floats:
    """Losses without load cannot be shed: a limit below them gives way."""
    least = np.zeros(case.tree.n_nodes)
    for node in range(case.tree.n_nodes - 1, 0, -1):
        least[case.tree.tree.parent[node]] += _draw(case, node, np.asarray(least[node]))
    return least


@_RUNS
@given(neighbourhoods())
def test_every_house_balances_in_every_step(case: Neighbourhood) -> None:
    found = walk(case)

    flow = found.series
    cut = flow["curtailed_connection_kwh"] + flow["curtailed_network_kwh"]
    unserved = flow["unserved_connection_kwh"] + flow["unserved_network_kwh"]
    brought = flow["solar_kwh"] + flow["wind_kwh"] - cut + flow["discharge_kwh"] + flow["import_kwh"] + unserved
    taken = flow["load_kwh"] + flow["car_kwh"] + flow["charge_kwh"] + flow["export_kwh"]
    assert np.abs(brought - taken).max() <= _CLOSE * _scale(found)
    assert np.abs(flow["export_kwh"] - flow["import_kwh"] - found.net_kwh).max() == 0.0
    rows = case.profiles
    load = np.stack([sum((rows[int(s.profile[5:])] * s.scale for s in house.loads), np.zeros(case.n_steps))
                     for house in case.houses], axis=1)  # fmt: skip
    assert np.abs(flow["load_kwh"] - load * case.dt_h).max() <= _CLOSE * _scale(found)


@_RUNS
@given(neighbourhoods())
def test_every_node_balances_and_sees_what_arrives_from_below(case: Neighbourhood) -> None:
    found = walk(case)

    tree, close = case.tree.tree, _CLOSE * _scale(found)
    down, up, loss, supply, demand, _, _ = found.nodes_kwh
    assert np.abs(supply - demand - up + down).max() <= close
    assert np.minimum(up, down).max() == 0.0
    for node in range(case.tree.n_nodes):
        net = found.net_kwh[:, tree.first_house[node] : tree.own_end[node]]
        brought, taken = np.maximum(net, 0.0).sum(axis=1), np.maximum(-net, 0.0).sum(axis=1)
        for child in np.flatnonzero(tree.parent == node):
            brought = brought + _arrival(case, int(child), up[:, child])
            taken = taken + _draw(case, int(child), down[:, child])
        assert np.abs(supply[:, node] - brought).max() <= close
        assert np.abs(demand[:, node] - taken).max() <= close
        if node > 0:
            lost = up[:, node] - _arrival(case, node, up[:, node]) + _draw(case, node, down[:, node]) - down[:, node]
            assert np.abs(loss[:, node] - lost).max() <= close


@_RUNS
@given(neighbourhoods())
def test_what_enters_the_grid_is_used_stored_or_lost(case: Neighbourhood) -> None:
    found = walk(case)

    flow, nodes = found.series, found.nodes_kwh
    brought = flow["export_kwh"].sum(axis=1) + nodes[0, :, 0]
    taken = flow["import_kwh"].sum(axis=1) + nodes[1, :, 0] + nodes[2].sum(axis=1)
    assert np.abs(brought - taken).max() <= _CLOSE * max(_scale(found), float(brought.max()))
    assert nodes[2].min() >= -_CLOSE * _scale(found)


@_RUNS
@given(neighbourhoods())
def test_stored_energy_changes_by_exactly_what_goes_in_and_out(case: Neighbourhood) -> None:
    found = walk(case)

    devices, dt_h = case.devices, case.dt_h
    given_kwh, taken_kwh = np.maximum(found.power_kw, 0.0) * dt_h, np.maximum(-found.power_kw, 0.0) * dt_h
    expected = taken_kwh * devices.eta_charge - given_kwh / devices.eta_discharge
    close = _CLOSE * np.maximum(devices.ceiling_kwh, 1.0)
    assert (np.abs(np.diff(found.stored_kwh, axis=0) - expected) <= close).all()
    assert (found.stored_kwh >= devices.floor_kwh - close).all()
    assert (found.stored_kwh <= devices.ceiling_kwh + close).all()
    of_house = np.repeat(np.arange(len(case.houses)), np.diff(devices.first_battery))
    for name, column in (("charge_kwh", taken_kwh), ("discharge_kwh", given_kwh), ("stored_kwh", found.stored_kwh[1:]),
                         ("battery_loss_kwh", taken_kwh - given_kwh - expected)):  # fmt: skip
        by_house = np.zeros(found.net_kwh.shape)
        np.add.at(by_house.T, of_house, column.T)
        assert np.abs(found.series[name] - by_house).max() <= _CLOSE * _scale(found), name


@_RUNS
@given(neighbourhoods())
def test_no_flow_is_negative_or_beyond_its_limit(case: Neighbourhood) -> None:
    found = walk(case)

    devices, tree, dt_h = case.devices, case.tree.tree, case.dt_h
    close = _CLOSE * _scale(found)
    for name, column in found.series.items():
        assert column.min() >= (0.0 if name in ("import_kwh", "export_kwh") else -close), name
        assert not np.signbit(column[column == 0.0]).any() or name not in ("import_kwh", "export_kwh")
    assert found.nodes_kwh.min() >= -close
    assert (found.power_kw <= devices.discharge_kw + close).all()
    assert (found.power_kw >= -devices.charge_kw - close).all()
    assert (found.car_kw >= 0.0).all()
    assert (found.car_kw <= devices.charger_kw + close).all()
    assert (found.series["import_kwh"] <= devices.import_kw * dt_h + close).all()
    assert (found.series["export_kwh"] <= devices.export_kw * dt_h + close).all()
    down, up = found.nodes_kwh[0], found.nodes_kwh[1]
    assert (up <= tree.export_kw * dt_h + close).all()
    assert (down <= np.maximum(tree.import_kw * dt_h, _least_draw(case)) + close).all()


@_RUNS
@given(neighbourhoods())
def test_a_house_never_exports_while_load_or_connection_leaves_it_short(case: Neighbourhood) -> None:
    found = walk(case)

    flow, close = found.series, _CLOSE * _scale(found)
    unserved = flow["unserved_connection_kwh"] + flow["unserved_network_kwh"]
    assert np.minimum(flow["export_kwh"], unserved).max() <= close
    cut = flow["curtailed_connection_kwh"] + flow["curtailed_network_kwh"]
    assert np.minimum(flow["import_kwh"], cut).max() <= close
    single = np.diff(case.devices.first_battery) == 1
    assert np.minimum(flow["charge_kwh"], flow["discharge_kwh"])[:, single].max(initial=0.0) <= close


@_RUNS
@given(neighbourhoods())
def test_a_car_gets_its_energy_before_it_leaves_or_the_rest_is_booked_as_missed(case: Neighbourhood) -> None:
    found = walk(case)

    devices = case.devices
    close = _CLOSE * _scale(found)
    missed = np.zeros(found.net_kwh.shape)
    house_of = np.repeat(np.arange(len(case.houses)), np.diff(devices.first_car))
    for car in range(devices.charger_kw.size):
        allowed = np.zeros(case.n_steps, dtype=bool)
        for stay in range(devices.first_session[car], devices.first_session[car + 1]):
            first, last = max(int(devices.arrive[stay]), 0), int(devices.depart[stay])
            allowed[first:last] = True
            if last <= 0 or first >= case.n_steps:
                continue
            got = found.car_kw[first:last, car].sum() * case.dt_h
            asked = devices.must_kwh[stay] + devices.flexible_kwh[stay]
            assert got <= asked + close
            if last < case.n_steps:
                missed[last, house_of[car]] += asked - got
            elif last == case.n_steps or first < case.n_steps:
                left = found.state.must_left_kwh[car] + found.state.flexible_left_kwh[car]
                assert abs(got + left - asked) <= close
        assert found.car_kw[~allowed, car].max(initial=0.0) == 0.0
    assert np.abs(found.series["car_missed_kwh"] - missed).max() <= close


@settings(max_examples=30, deadline=None)
@given(neighbourhoods(limits=0.0))
def test_without_limits_every_car_that_can_be_charged_in_its_stay_is(case: Neighbourhood) -> None:
    found = walk(case)

    devices = case.devices
    house_of = np.repeat(np.arange(len(case.houses)), np.diff(devices.first_car))
    due = np.zeros(found.net_kwh.shape)
    for car in range(devices.charger_kw.size):
        for stay in range(devices.first_session[car], devices.first_session[car + 1]):
            first, last = max(int(devices.arrive[stay]), 0), int(devices.depart[stay])
            if 0 < last < case.n_steps:
                fits = (last - first) * case.dt_h * devices.charger_kw[car]
                due[last, house_of[car]] += max(devices.must_kwh[stay] + devices.flexible_kwh[stay] - fits, 0.0)
    assert np.abs(found.series["car_missed_kwh"] - due).max() <= _CLOSE * _scale(found)


@_RUNS
@given(neighbourhoods(losses=False))
def test_what_limits_cost_is_booked_at_the_node_and_at_the_houses_alike(case: Neighbourhood) -> None:
    found = walk(case)

    tree, close = case.tree.tree, _CLOSE * _scale(found)
    _, _, _, _, _, curtailed, unserved = found.nodes_kwh
    assert np.abs(found.series["curtailed_network_kwh"].sum(axis=1) - curtailed.sum(axis=1)).max() <= close
    assert np.abs(found.series["unserved_network_kwh"].sum(axis=1) - unserved.sum(axis=1)).max() <= close
    assert curtailed[:, ~np.isfinite(tree.export_kw)].max(initial=0.0) == 0.0
    assert unserved[:, ~np.isfinite(tree.import_kw)].max(initial=0.0) == 0.0


@_RUNS
@given(neighbourhoods())
def test_a_connection_curtails_and_starves_only_at_its_limit(case: Neighbourhood) -> None:
    found = walk(case)

    flow, close = found.series, _CLOSE * _scale(found)
    let_out = flow["export_kwh"] + flow["curtailed_network_kwh"] - case.devices.export_kw * case.dt_h
    assert np.abs(let_out[flow["curtailed_connection_kwh"] > close]).max(initial=0.0) <= close
    starved = flow["unserved_connection_kwh"] > close
    given_kwh = np.zeros(starved.shape)
    house_of = np.repeat(np.arange(len(case.houses)), np.diff(case.devices.first_battery))
    spare = (case.devices.discharge_kw - found.power_kw) * case.dt_h
    spare = np.minimum(spare, (found.stored_kwh[1:] - case.devices.floor_kwh) * case.devices.eta_discharge)
    np.add.at(given_kwh.T, house_of, spare.T)
    assert given_kwh[starved].max(initial=0.0) <= close
