"""Who serves an asset, under any order of connecting, leaving and claiming."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fleet_link import ASSETS, SITE, Clock, connect, inventory, register, waiting
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from afterbay.core.errors import NotFoundError
from afterbay.fleet.headend import Headend, Stream
from afterbay.fleet.inventory.records import Asset, Inventory
from afterbay.fleet.messages import Heartbeat, Notice, Welcome
from afterbay.fleet.wire import agent_message
from afterbay.fleet.wire.identity import Grant

A, B, C, D = ASSETS


def test_a_row_says_how_often_an_asset_ticks_and_how_its_agents_clock_stands() -> None:
    clock = Clock()
    headend = Headend(inventory(), clock=clock, monotonic=clock.monotonic)
    said = register(ASSETS[:2])
    assets = (replace(said.assets[0], tick_s=60.0), said.assets[1])
    stream = connect(headend, replace(said, assets=assets, hello=replace(said.hello, tick_s=0.5)))  # type: ignore[type-var]

    headend.hear(stream, agent_message(Heartbeat("", clock.now, -12.0)))

    assert [(row.tick_s, row.clock_skew_s) for row in headend.agents()][:3] == [
        (60.0, -12.0),
        (0.5, -12.0),
        (None, None),
    ]


def test_the_clock_of_an_agent_that_does_not_speak_of_it_is_read_off_its_heartbeats() -> None:
    clock = Clock()
    headend = Headend(inventory(), clock=clock, monotonic=clock.monotonic)
    stream = connect(headend, register(ASSETS[:1], protocol=0))

    headend.hear(stream, agent_message(Heartbeat(A, clock.now + timedelta(seconds=90))))

    row = headend.agent(A)
    assert (row.tick_s, row.clock_skew_s) == (None, 90.0)


class Comings(RuleBasedStateMachine):
    """Gateways come, claim again and go in any order; a model keeps who should serve what."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.headend = Headend(inventory(), clock=self.clock, monotonic=self.clock.monotonic)
        self.claims: dict[str, list[Stream]] = {asset_id: [] for asset_id in ASSETS}
        self.streams: list[Stream] = []
        self.opened: dict[str, int] = dict.fromkeys(ASSETS, 0)
        self.served: dict[str, Stream | None] = dict.fromkeys(ASSETS)

    def settle(self) -> None:
        for asset_id, claims in self.claims.items():
            server = claims[-1] if claims else None
            if server is not self.served[asset_id] and server is not None:
                self.opened[asset_id] += 1
            self.served[asset_id] = server
        self.clock.forward(1.0)

    @rule(assets=st.sets(st.sampled_from(ASSETS)), gateway=st.sampled_from(["gw-1", "gw-2"]))
    def connects(self, assets: set[str], gateway: str) -> None:
        stream = connect(self.headend, register(assets, gateway=gateway), peer=f"10.0.0.1:{len(self.streams)}")
        self.streams.append(stream)
        for asset_id in assets:
            self.claims[asset_id].append(stream)
        self.settle()

    @rule(which=st.integers(0, 30), assets=st.sets(st.sampled_from(ASSETS)))
    def claims_again(self, which: int, assets: set[str]) -> None:
        if not self.streams:
            return
        stream = self.streams[which % len(self.streams)]
        self.headend.hear(stream, agent_message(register(assets, gateway=stream.gateway_id)))
        for asset_id, claims in self.claims.items():
            if stream in claims:
                claims.remove(stream)
            if asset_id in assets:
                claims.append(stream)
        self.settle()

    @rule(which=st.integers(0, 30), twice=st.booleans())
    def leaves(self, which: int, twice: bool) -> None:
        if not self.streams:
            return
        stream = self.streams.pop(which % len(self.streams))
        for _ in range(1 + twice):
            self.headend.close_stream(stream, "left")
        for claims in self.claims.values():
            if stream in claims:
                claims.remove(stream)
        self.settle()

    @invariant()
    def the_newest_claim_serves_and_at_most_one_session_is_open(self) -> None:
        rows = {row.asset_id: row for row in self.headend.agents()}
        assert tuple(rows) == ASSETS, "one row per configured asset, in order"
        for asset_id, row in rows.items():
            server = self.served[asset_id]
            still_open = [session for session in row.sessions if session.disconnected_at is None]
            assert row.connected == (server is not None)
            assert len(still_open) == row.connected
            assert len(row.sessions) == min(self.opened[asset_id], 5)
            assert row.reconnects == max(self.opened[asset_id] - 1, 0)
            if server is not None:
                assert (row.peer, row.gateway_id) == (server.peer, server.gateway_id)
                assert row.sessions[0] in still_open, "newest first"
            begun = [session.connected_at for session in row.sessions]
            assert begun == sorted(begun, reverse=True)


Comings.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestComings = Comings.TestCase


def test_an_asset_that_never_connected_has_a_row() -> None:
    rows = Headend(inventory()).agents()

    assert [(row.asset_name, row.site_name, row.connected, row.sessions) for row in rows] == [
        ("A", "Gateway-Test", False, ()),
        ("B", "Gateway-Test", False, ()),
        ("C", "Gateway-Test", False, ()),
        ("D", "Campus-Test", False, ()),
    ]


def test_the_assets_of_a_gateway_share_its_peer() -> None:
    headend = Headend(inventory())
    connect(headend, register(), peer="10.1.1.1:5")

    rows = headend.agents()

    assert [(row.connected, row.peer, len(row.sessions)) for row in rows] == [
        (True, "10.1.1.1:5", 1), (True, "10.1.1.1:5", 1), (True, "10.1.1.1:5", 1), (False, None, 0),
    ]  # fmt: skip


def test_a_late_clean_up_of_an_old_stream_does_not_touch_the_new_registration() -> None:
    headend = Headend(inventory())
    old = connect(headend, register([A]), peer="1")
    connect(headend, register([A]), peer="2")

    headend.close_stream(old, "connection lost")

    row = headend.agent(A)
    assert (row.connected, row.peer) == (True, "2")
    assert [session.reason for session in row.sessions] == ["", "reconnected"]
    assert headend.events() == (), "a gateway that comes back is no dispute"


def test_of_two_gateways_the_newer_serves_and_both_are_told() -> None:
    headend = Headend(inventory())
    first = connect(headend, register([A, B], gateway="gw-1"))
    second = connect(headend, register([A], gateway="gw-2"))

    assert headend.agent(A).gateway_id == "gw-2"
    assert headend.agent(B).gateway_id == "gw-1"
    for stream in (first, second):
        (notice,) = (told for told in waiting(stream) if isinstance(told, Notice))
        assert (notice.code, notice.asset_ids) == ("taken_over", (A,))
    (event,) = headend.events(asset_id=A)
    assert event.event_type == "claim_taken_over"
    assert "gw-2" in event.message
    assert "gw-1" in event.message


def test_two_gateways_of_one_name_are_told_apart_by_their_spools() -> None:
    headend = Headend(inventory())
    first = connect(headend, register([A], gateway=SITE, spool="here"), peer="1")
    connect(headend, register([A], gateway=SITE, spool="there"), peer="2")

    (event,) = headend.events(asset_id=A)
    assert event.event_type == "claim_taken_over"
    assert "(2)" in event.message
    assert "(1)" in event.message
    assert [told.code for told in waiting(first) if isinstance(told, Notice)] == ["taken_over"]
    assert headend.agent(A).sessions[1].reason == f"taken over by gateway:{SITE} (2)"


def test_the_gateway_that_stands_by_gets_the_asset_back() -> None:
    headend = Headend(inventory())
    first = connect(headend, register([A], gateway="gw-1"))
    second = connect(headend, register([A], gateway="gw-2"))
    waiting(first)

    headend.close_stream(second, "disconnected")

    assert headend.agent(A).gateway_id == "gw-1"
    assert [told.code for told in waiting(first) if isinstance(told, Notice)] == ["given_back"]
    assert headend.events()[0].event_type == "claim_given_back"


def test_a_gateway_gets_only_the_assets_that_it_is_allowed() -> None:
    headend = Headend(inventory())
    holder = connect(headend, register([A, B], gateway="gw-1"))
    rogue = headend.open_stream("10.6.6.6:1", Grant("rogue", None, frozenset({B}), frozenset()))

    headend.hear(rogue, agent_message(register([A, B], gateway="gw-2")))

    assert headend.agent(A).gateway_id == "gw-1", "newer, and not allowed"
    assert headend.agent(B).gateway_id == "gw-2"
    welcome = waiting(rogue)[0]
    assert isinstance(welcome, Welcome)
    assert (welcome.accepted, dict(welcome.refused)) == ((B,), {A: "not_allowed"})
    assert headend.events(asset_id=A)[0].severity == "alarm"
    assert holder.is_open


def test_a_gateway_cannot_take_another_name_than_its_certificate_gives_it() -> None:
    headend = Headend(inventory())
    rogue = headend.open_stream("10.6.6.6:1", Grant("cert", "north"))

    headend.hear(rogue, agent_message(register([A], gateway="south")))

    assert not rogue.is_open
    assert "calls itself gateway 'south'" in (rogue.outbox.closed_because or "")
    assert not headend.agent(A).connected


def test_an_unknown_asset_is_refused_and_served_once_it_is_in_the_inventory() -> None:
    headend = Headend(inventory())
    stream = connect(headend, register([A, "new"]))
    welcome = waiting(stream)[0]
    assert isinstance(welcome, Welcome)
    assert dict(welcome.refused) == {"new": "unknown_asset"}

    known = inventory()
    headend.replace_inventory(replace(known, assets=(*known.assets, Asset("new", SITE, "N"))))

    assert headend.agent("new").connected
    assert [told.code for told in waiting(stream) if isinstance(told, Notice)] == ["given_back"]


def test_an_asset_that_leaves_the_inventory_leaves_everything_and_its_stream_goes_on() -> None:
    headend = Headend(inventory())
    stream = connect(headend, register([A, B]))

    headend.replace_inventory(Inventory(inventory().sites, inventory().assets[1:]))

    assert [row.asset_id for row in headend.agents()] == [B, C, D]
    assert headend.agent(B).connected
    with pytest.raises(NotFoundError, match="not in the inventory"):
        headend.agent(A)
    assert [told.code for told in waiting(stream) if isinstance(told, Notice)] == ["removed"]


def test_a_heartbeat_without_an_asset_speaks_for_the_whole_stream() -> None:
    clock = Clock()
    headend = Headend(inventory(), clock=clock)
    connect(headend, register([A, B]), Heartbeat("", clock.now), Heartbeat(D, clock.now))

    assert headend.heartbeat(A) == Heartbeat(A, clock.now)
    assert headend.agent(B).last_heartbeat == clock.now
    assert headend.heartbeat(D) is None, "not its asset"


def test_a_silent_stream_is_ended_though_the_connection_looks_alive() -> None:
    clock = Clock()
    headend = Headend(inventory(), clock=clock, monotonic=clock.monotonic, silence_s=90.0)
    silent = connect(headend, register([A], gateway="gw-1"))
    alive = connect(headend, register([B], gateway="gw-2"))
    clock.forward(60.0)
    headend.hear(alive, agent_message(Heartbeat("", clock.now)))
    clock.forward(31.0)

    headend.tick()

    assert not silent.is_open
    assert headend.agent(A).sessions[0].reason == "silent for 90 s"
    assert headend.agent(B).connected
    assert headend.events(asset_id=A)[0].event_type == "gateway_silent"


def test_a_stream_that_waits_for_us_is_not_silent() -> None:
    clock = Clock()
    headend = Headend(inventory(), clock=clock, monotonic=clock.monotonic)
    stream = connect(headend, register([A]))
    stream.held_up = True
    clock.forward(1000.0)

    headend.tick()

    assert headend.agent(A).connected


def test_a_broken_agent_is_no_flood_of_events() -> None:
    headend = Headend(inventory())
    stream = connect(headend, register([A]))
    broken = agent_message(Heartbeat(A, Clock().now))
    broken.heartbeat.timestamp = "later"

    for _ in range(1000):
        headend.hear(stream, broken)

    assert len(headend.events(limit=2000)) == 10
    assert stream.is_open


def test_a_registration_full_of_strange_assets_is_no_flood_of_events() -> None:
    headend = Headend(inventory())

    stream = connect(headend, register([A, *(f"strange-{number}" for number in range(500))]))

    assert headend.agent(A).connected
    assert len(headend.events(limit=1000)) == 17
    assert "484 more assets" in headend.events()[0].message
    welcome = waiting(stream)[0]
    assert isinstance(welcome, Welcome)
    assert len(welcome.refused) == 500


def test_an_agent_of_the_original_hears_nothing_that_it_does_not_know() -> None:
    headend = Headend(inventory())
    first = connect(headend, register([A], gateway="gw-1", protocol=0))
    second = connect(headend, register([A], gateway="gw-2", protocol=0))
    headend.close_stream(second, "gone")

    assert waiting(first) == []
    assert headend.agent(A).gateway_id == "gw-1"
