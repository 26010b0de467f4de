"""Which stream gets which lease, so that together they ask for what was asked, once."""

from __future__ import annotations

import pytest
from fleet_link import ASSETS, NOON, SITE
from hypothesis import given
from hypothesis import strategies as st

from afterbay.fleet.headend.routing import find_routes
from afterbay.fleet.headend.stream import Stream
from afterbay.fleet.messages import Lease
from afterbay.fleet.wire.identity import OPEN

A, B, C, D = ASSETS
SHARES = {A: 7.2, B: 2.4, C: 2.4}


def stream(protocol: int = 1) -> Stream:
    made = Stream("peer", OPEN, NOON, 0.0)
    made.protocol = protocol
    return made


def lease(**target: str) -> Lease:
    return Lease("d1", 12.0, 1, NOON, **target)  # type: ignore[arg-type]


def test_an_asset_moves_alone_whatever_else_its_gateway_serves() -> None:
    gateway = stream()

    (route,) = find_routes(
        lease(asset_id=A, site_id=SITE), [A], all_ids=[A], server_of={A: gateway, B: gateway}.get, shares={}
    )

    assert (route.stream, route.lease.asset_id, route.lease.mw, route.asset_ids) == (gateway, A, 12.0, (A,))


@pytest.mark.parametrize("protocol", [0, 1])
def test_one_gateway_for_the_whole_site_gets_the_whole_and_splits_it_itself(protocol: int) -> None:
    gateway = stream(protocol)

    (route,) = find_routes(
        lease(site_id=SITE), SHARES, all_ids=SHARES, server_of=dict.fromkeys(SHARES, gateway).get, shares=SHARES
    )

    assert (route.lease.asset_id, route.lease.site_id, route.lease.mw) == (None, SITE, 12.0)
    assert route.asset_ids == (A, B, C)


def test_two_gateways_of_a_site_get_their_shares_with_the_assets_meant() -> None:
    one, two = stream(), stream()

    routes = find_routes(
        lease(site_id=SITE), SHARES, all_ids=SHARES, server_of={A: one, B: two, C: two}.get, shares=SHARES
    )

    assert [(route.stream, route.lease.mw, route.lease.members) for route in routes] == [
        (one, 7.2, (A,)),
        (two, 4.8, (B, C)),
    ]


@pytest.mark.parametrize("target", [{"group_id": "g"}, {"site_id": SITE}])
def test_agents_of_the_original_that_share_a_site_get_one_setpoint_per_asset(target: dict[str, str]) -> None:
    servers = {A: stream(0), B: stream(0), C: stream(0)}

    routes = find_routes(lease(**target), SHARES, all_ids=SHARES, server_of=servers.get, shares=SHARES)

    assert [(r.lease.asset_id, r.lease.mw, r.lease.site_id, r.lease.group_id) for r in routes] == [
        (A, 7.2, None, None), (B, 2.4, None, None), (C, 2.4, None, None),
    ]  # fmt: skip


def test_an_agent_of_the_original_never_gets_a_group() -> None:
    gateway = stream(0)

    routes = find_routes(
        lease(group_id="g"), SHARES, all_ids=SHARES, server_of=dict.fromkeys(SHARES, gateway).get, shares=SHARES
    )

    assert [route.lease.asset_id for route in routes] == [A, B, C]


@given(
    st.lists(st.integers(0, 3), min_size=3, max_size=3),
    st.lists(st.integers(0, 1), min_size=4, max_size=4),
    st.booleans(),
)
def test_together_the_leases_ask_for_what_the_reachable_assets_were_to_do_and_reach_each_once(
    serving: list[int], protocols: list[int], of_group: bool
) -> None:
    streams = [None, *(stream(protocol) for protocol in protocols[1:])]
    servers = dict(zip(SHARES, (streams[which] for which in serving), strict=True))
    reachable = [asset_id for asset_id, server in servers.items() if server is not None]

    routes = find_routes(
        lease(**({"group_id": "g"} if of_group else {"site_id": SITE})),
        SHARES, all_ids=SHARES, server_of=servers.get, shares=SHARES,
    )  # fmt: skip

    assert sorted(asset_id for route in routes for asset_id in route.asset_ids) == reachable
    assert sum(route.lease.mw for route in routes) == pytest.approx(sum(SHARES[one] for one in reachable))
    assert all(servers[asset_id] is route.stream for route in routes for asset_id in route.asset_ids)
