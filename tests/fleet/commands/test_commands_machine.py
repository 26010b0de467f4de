"""A headend's record and two agents' books over a network that loses, repeats and reorders, with clocks that jump.

No command is applied twice, outlives its length, or moves an asset that it does not mean; no state is reached by a
way that the table does not have.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace
from typing import Any

from fleet_orders import FLEET, MILL, NORTH, PAIR, A, B, C, at, present
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from afterbay.core.errors import ConflictError
from afterbay.fleet.commands import (
    FINAL,
    TRANSITIONS,
    Command,
    CommandRecord,
    CommandRequest,
    LeaseBook,
    Moment,
    check_request,
    may_follow,
    split_power,
)
from afterbay.fleet.messages import Acknowledgement, Lease

TARGETS: tuple[dict[str, str], ...] = (
    {"asset_id": A},
    {"asset_id": B},
    {"asset_id": C},
    {"site_id": NORTH},
    {"site_id": MILL},
    {"group_id": PAIR},
)
INDEX = st.integers(0, 1_000)


@dataclass
class Agent:
    """One gateway: its book, its clocks, and what it was seen doing."""

    asset_ids: tuple[str, ...]
    book: LeaseBook
    wall_off_s: float = 0.0
    boot: int = 0
    connected: bool = True
    jumped: bool = False
    began: dict[tuple[str, str], float] = field(default_factory=dict)
    over: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True)
class Parcel:
    """A message on its way."""

    agent: int
    content: Lease | Acknowledgement


class CommandsMachine(RuleBasedStateMachine):
    """Everything that can happen to commands."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.record = CommandRecord(keep_finished=10_000)
        self.network: list[Parcel] = []
        self.final: dict[str, Command] = {}
        self.requests: list[tuple[str, CommandRequest, Any]] = []
        self.ids = itertools.count()
        self.agents = [
            Agent(ids, LeaseBook([asset for asset in FLEET.assets if asset.id in ids])) for ids in ((A, B), (C,))
        ]

    def moment(self, agent: Agent) -> Moment:
        return Moment(at(self.now_s + agent.wall_off_s), 5_000.0 + self.now_s, f"boot-{agent.boot}")

    def post(self, agent: int, *words: Acknowledgement | None) -> None:
        self.network += [Parcel(agent, word) for word in words if word is not None]

    def send(self, command: Command, asset_ids: tuple[str, ...], lease: Lease) -> None:
        """Put a lease on the streams of those that serve its assets."""
        for number, agent in enumerate(self.agents):
            served = tuple(each for each in asset_ids if each in agent.asset_ids)
            if served and agent.connected:
                self.network.append(Parcel(number, replace(lease, members=lease.members and served)))
                if not lease.cancel:
                    self.record.sent(command.id, at(self.now_s), asset_ids=served)
        if not lease.cancel and any(part.state == "submitted" for part in command.parts):
            self.record.queue(command.id, at(self.now_s))

    @rule(
        whom=st.sampled_from(TARGETS),
        mw=st.sampled_from([0.0, 5.0, -7.5, 30.0, 500.0]),
        duration_s=st.sampled_from([None, 1.0, 30.0, 600.0, 600.0]),
        within_s=st.sampled_from([None, 20.0, 300.0]),
        hold_s=st.sampled_from([None, 25.0]),
        begin_s=st.sampled_from([None, None, 10.0, 60.0]),
        fallback_mw=st.sampled_from([0.0, 2.0]),
        well=st.booleans(),
    )
    def submit(
        self,
        whom: dict[str, str],
        mw: float,
        duration_s: float | None,
        within_s: float | None,
        hold_s: float | None,
        begin_s: float | None,
        fallback_mw: float,
        well: bool,
    ) -> None:
        request = CommandRequest(
            mw=mw,
            duration_s=duration_s,
            deliver_within_s=within_s,
            hold_offline_s=hold_s,
            fallback_mw=fallback_mw,
            **whom,  # type: ignore[arg-type]
        )
        offline = tuple(each for agent in self.agents if not agent.connected for each in agent.asset_ids)
        try:
            checked = check_request(request, FLEET, present(offline=offline))
        except ConflictError:
            return
        command_id = f"command-{next(self.ids)}"
        begin = None if begin_s is None else at(self.now_s + begin_s)
        made = self.record.submit(
            checked, command_id=command_id, now=at(self.now_s), actor="ada", key=f"key-{command_id}", not_before=begin
        )
        assert made.is_new
        self.requests.append((f"key-{command_id}", request, (checked, begin)))
        self.send(made.command, checked.target.asset_ids, made.command.lease())
        if well:
            for number in (0, 1):
                self.all_goes_well(number, 1.0)

    @precondition(lambda self: self.requests)
    @rule(index=INDEX)
    def submit_again(self, index: int) -> None:
        key, _, (checked, begin) = self.requests[index % len(self.requests)]
        before = self.record.by_key(key)

        again = self.record.submit(
            checked, command_id=f"command-{next(self.ids)}", now=at(self.now_s), actor="bob", key=key, not_before=begin
        )

        assert not again.is_new
        assert again.command is before

    @precondition(lambda self: self.network)
    @rule(index=INDEX, fate=st.sampled_from(["arrives", "arrives", "arrives", "arrives twice", "is lost"]))
    def message(self, index: int, fate: str) -> None:
        parcel = self.network[index % len(self.network)]
        if fate != "arrives twice":
            self.network.remove(parcel)
        if fate == "is lost":
            return
        if isinstance(parcel.content, Acknowledgement):
            self.record.acknowledge(parcel.content, at(self.now_s))
        else:
            self.arrive(parcel.agent, parcel.content)

    def arrive(self, number: int, lease: Lease) -> None:
        agent = self.agents[number]
        now = self.moment(agent)
        if lease.asset_id is not None:
            self.post(number, agent.book.offer(lease, now))
        elif lease.cancel:
            self.post(number, *agent.book.cancel(lease.id, now, asset_ids=lease.members))
        else:
            mine = [each for key, each in present().items() if key in lease.members and key in agent.asset_ids]
            self.post(number, *agent.book.offer_split(lease, split_power(lease.mw, mine), now))

    @rule(number=st.integers(0, 1), share=st.sampled_from([1.0, 1.0, 0.5]))
    def all_goes_well(self, number: int, share: float) -> None:
        """Everything arrives in order, the device does as told, and the headend hears of it."""
        if not self.agents[number].connected:
            self.link_comes_or_goes(number)
        for parcel in [each for each in self.network if each.agent == number]:
            self.network.remove(parcel)
            if isinstance(parcel.content, Lease):
                self.arrive(number, parcel.content)
            else:
                self.record.acknowledge(parcel.content, at(self.now_s))
        self.agent_ticks(number)
        self.device_is_told(number, accepted=True)
        self.device_delivers(number, share, "soc_min" if share < 1.0 else None)
        for parcel in [each for each in self.network if each.agent == number]:
            if isinstance(parcel.content, Acknowledgement):
                self.network.remove(parcel)
                self.record.acknowledge(parcel.content, at(self.now_s))

    @rule(seconds=st.sampled_from([0.1, 1.0, 9.0, 9.0, 40.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds
        self.record.due(at(self.now_s))

    @rule(number=st.integers(0, 1))
    def agent_ticks(self, number: int) -> None:
        agent = self.agents[number]
        self.post(number, *agent.book.due(self.moment(agent)))
        wait_s = agent.book.next_change(self.moment(agent))
        assert wait_s is None or wait_s >= 0.0

    @rule(number=st.integers(0, 1), accepted=st.sampled_from([True, True, True, False]))
    def device_is_told(self, number: int, accepted: bool) -> None:
        agent = self.agents[number]
        now = self.moment(agent)
        for asset_id in agent.asset_ids:
            told = agent.book.setpoint(asset_id, now)
            if not told.is_written:
                self.post(number, agent.book.written(asset_id, told.lease_id, now, accepted=accepted))

    @rule(number=st.integers(0, 1), share=st.sampled_from([1.0, 0.5]), by=st.sampled_from([None, "ramp", "soc_min"]))
    def device_delivers(self, number: int, share: float, by: Any) -> None:
        agent = self.agents[number]
        now = self.moment(agent)
        for asset_id in agent.asset_ids:
            power = agent.book.setpoint(asset_id, now).mw * share
            self.post(number, agent.book.report(asset_id, power, by, now))

    @rule(number=st.integers(0, 1), seconds=st.sampled_from([-3600.0, -20.0, 20.0, 3600.0]))
    def agent_clock_jumps(self, number: int, seconds: float) -> None:
        self.agents[number].wall_off_s += seconds
        self.agents[number].jumped = True

    @rule(number=st.integers(0, 1), down_s=st.sampled_from([0.0, 1.0, 15.0, 900.0]), reboots=st.booleans())
    def agent_restarts(self, number: int, down_s: float, reboots: bool) -> None:
        agent = self.agents[number]
        saved = json.loads(json.dumps(agent.book.to_dict(self.moment(agent))))
        self.now_s += down_s
        agent.boot += reboots
        assets = [asset for asset in FLEET.assets if asset.id in agent.asset_ids]
        agent.book = LeaseBook.from_dict(saved, assets, self.moment(agent))
        agent.book.link(agent.connected, self.moment(agent))

    @rule(down_s=st.sampled_from([0.0, 1.0, 15.0, 900.0]))
    def headend_restarts(self, down_s: float) -> None:
        saved = json.loads(json.dumps(self.record.to_dict()))
        self.now_s += down_s
        self.record = CommandRecord.from_dict(saved, at(self.now_s), keep_finished=10_000)
        for agent in self.agents:
            self.drop_link(agent)

    @rule(number=st.integers(0, 1))
    def link_comes_or_goes(self, number: int) -> None:
        agent = self.agents[number]
        now = at(self.now_s)
        if agent.connected:
            self.drop_link(agent)
            self.record.stream_lost(agent.asset_ids, now)
            return
        agent.connected = True
        agent.book.link(True, self.moment(agent))
        self.record.raise_sequence(agent.book.last_seq)
        self.post(number, *agent.book.acknowledgements())
        for command, waiting in self.record.to_deliver(agent.asset_ids, now):
            self.send(command, waiting, command.lease())
        for command, waiting in self.record.to_cancel(agent.asset_ids):
            self.send(command, waiting, command.cancel_lease())

    def drop_link(self, agent: Agent) -> None:
        if agent.connected:
            agent.connected = False
            agent.book.link(False, self.moment(agent))

    @precondition(lambda self: self.record.live())
    @rule(index=INDEX)
    def cancel(self, index: int) -> None:
        live = self.record.live()
        command = self.record.cancel(live[index % len(live)].id, at(self.now_s), actor="ada")
        for each, waiting in self.record.to_cancel():
            if each.id == command.id:
                self.send(each, waiting, each.cancel_lease())

    @invariant()
    def only_allowed_ways_were_taken(self) -> None:
        for command in self.record.recent(10_000):
            for who in (None, *command.members):
                states = [change.state for change in command.history if change.asset_id == who]
                if who is not None and states:
                    states.insert(0, "submitted")
                for before, after in itertools.pairwise(states):
                    assert before == after or may_follow(before, after), (command.id, who, states)
            assert (command.state in FINAL) == all(part.state in FINAL for part in command.parts)

    @invariant()
    def what_is_over_stays_as_it_is(self) -> None:
        for command in self.record.recent(10_000):
            if command.is_final:
                assert self.final.setdefault(command.id, command) == command

    @invariant()
    def sequence_and_key_belong_to_one_command(self) -> None:
        commands = self.record.recent(10_000)
        assert len({command.seq for command in commands}) == len(commands)
        assert len({command.key for command in commands}) == len(commands)

    @invariant()
    def no_command_outlives_its_length_or_moves_another_asset_or_begins_twice(self) -> None:
        for agent in self.agents:
            for asset_id in agent.asset_ids:
                told = agent.book.setpoint(asset_id, self.moment(agent))
                for key in agent.began.keys() - agent.over:
                    if key[1] == asset_id and key[0] != told.lease_id:
                        agent.over.add(key)
                if told.lease_id is None:
                    continue
                key = (told.lease_id, asset_id)
                assert key not in agent.over, "began twice"
                command = self.record.get(told.lease_id)
                assert command is not None
                assert asset_id in command.members
                began_s = agent.began.setdefault(key, self.now_s)
                if command.duration_s is not None:
                    assert self.now_s - began_s <= command.duration_s + 1e-6
                if not agent.jumped:
                    now = at(self.now_s)
                    assert command.valid_until is None or now < command.valid_until
                    assert command.not_before is None or now >= command.not_before
                    assert command.deliver_by is None or at(began_s) <= command.deliver_by
                if command.target == "asset":
                    assert told.mw == command.mw

    @invariant()
    def words_of_agents_are_states(self) -> None:
        for agent in self.agents:
            assert all(ack.state in TRANSITIONS for ack in agent.book.acknowledgements())

    def teardown(self) -> None:
        """Whatever happened: once every end has passed, every command that has an end is over."""
        self.now_s += 1e6  # beyond every end, also by a clock that was set back again and again
        self.record.due(at(self.now_s))
        assert all(command.valid_until is None for command in self.record.live())
        for agent in self.agents:
            agent.book.due(self.moment(agent))
            for lease in agent.book.leases():
                assert lease.valid_until is None


CommandsMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestCommands = CommandsMachine.TestCase
