"""Commands under any order of orders, answers, cancels, losses and restarts: only allowed ways, nothing twice."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from fleet_link import ASSETS, SITE, Clock, connect, inventory, register, waiting
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from afterbay.core.errors import AfterbayError
from afterbay.fleet.commands import LeaseBook, Moment
from afterbay.fleet.commands.request import CommandRequest
from afterbay.fleet.commands.states import FINAL, TRANSITIONS, may_follow
from afterbay.fleet.headend import Headend, Restored, Stream
from afterbay.fleet.messages import Acknowledgement, Lease
from afterbay.fleet.wire import agent_message

A, B = ASSETS[:2]


class Commands(RuleBasedStateMachine):
    """One gateway with two assets and the real book of leases, behind a link that loses, repeats and reorders."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.headend = self.new_headend()
        self.stream: Stream | None = None
        self.book = LeaseBook(inventory().assets[:2])
        self.leases: list[Lease] = []
        self.begun: dict[tuple[str, str], int] = {}
        self.sequences: dict[str, int] = {}
        self.keys = 0

    def new_headend(self) -> Headend:
        return Headend(inventory(), clock=self.clock, monotonic=self.clock.monotonic, silence_s=1e9)

    @property
    def moment(self) -> Moment:
        return Moment(self.clock.now, self.clock.seconds, "boot")

    def answer(self, ack: Acknowledgement) -> None:
        if self.stream is not None:
            self.headend.hear(self.stream, agent_message(ack))

    @rule()
    def connects(self) -> None:
        self.stream = connect(self.headend, register([A, B]))

    @rule()
    def link_is_lost(self) -> None:
        if self.stream is not None:
            waiting(self.stream)  # what was on its way is gone
            self.headend.close_stream(self.stream, "lost")
            self.stream = None

    @rule()
    def headend_restarts(self) -> None:
        commands = self.headend.commands(limit=10_000)
        self.headend = self.new_headend()
        self.headend.restore(Restored(commands=commands))
        self.stream = None

    @rule(
        asset_id=st.sampled_from([A, B]),
        mw=st.floats(-20, 20),
        duration_s=st.none() | st.floats(1, 100),
        queue=st.booleans(),
        later_s=st.none() | st.floats(1, 50),
        repeat=st.booleans(),
    )
    def operator_orders(
        self, asset_id: str, mw: float, duration_s: float | None, queue: bool, later_s: float | None, repeat: bool
    ) -> None:
        self.keys += 1
        request = CommandRequest(
            mw=mw, asset_id=asset_id, duration_s=duration_s, deliver_within_s=30.0 if queue else None
        )
        begin = None if later_s is None else self.clock.now + timedelta(seconds=later_s)
        for _ in range(1 + repeat):
            try:
                self.headend.submit(request, actor="maria", key=str(self.keys), not_before=begin)
            except AfterbayError:
                return

    @rule(which=st.integers(0, 50))
    def operator_cancels(self, which: int) -> None:
        commands = self.headend.commands()
        if commands:
            try:
                self.headend.cancel(commands[which % len(commands)].id, actor="maria")
            except AfterbayError:
                assert commands[which % len(commands)].is_final

    @rule(count=st.integers(1, 5), repeat=st.booleans())
    def agent_reads(self, count: int, repeat: bool) -> None:
        if self.stream is None:
            return
        for _ in range(count):
            message = self.stream.outbox.take()
            if not isinstance(message, Lease):
                continue
            self.leases.append(message)
            for _ in range(1 + repeat):
                self.offer(message)

    @rule(which=st.integers(0, 50))
    def an_old_lease_arrives_again(self, which: int) -> None:
        if self.leases:
            self.offer(self.leases[which % len(self.leases)])

    def offer(self, lease: Lease) -> None:
        if lease.cancel:
            for ack in self.book.cancel(lease.id, self.moment):
                self.answer(ack)
            return
        assert self.sequences.setdefault(lease.id, lease.seq) == lease.seq, "one command, one sequence"
        self.answer(self.book.offer(lease, self.moment))

    @rule()
    def agent_ticks(self) -> None:
        for ack in self.book.due(self.moment):
            self.answer(ack)
        for asset_id in (A, B):
            setpoint = self.book.setpoint(asset_id, self.moment)
            if setpoint.lease_id is not None and not setpoint.is_written:
                key = (setpoint.lease_id, asset_id)
                self.begun[key] = self.begun.get(key, 0) + 1
                written = self.book.written(asset_id, setpoint.lease_id, self.moment)
                if written is not None:
                    self.answer(written)

    @rule(which=st.integers(0, 50), state=st.sampled_from(sorted(TRANSITIONS)), asset_id=st.sampled_from([A, B]))
    def agent_talks_nonsense(self, which: int, state: str, asset_id: str) -> None:
        commands = self.headend.commands()
        if commands:
            command = commands[which % len(commands)]
            self.answer(Acknowledgement(command.id, asset_id, state, self.clock.now))

    @rule(seconds=st.floats(0.1, 40))
    def time_passes(self, seconds: float) -> None:
        self.clock.forward(seconds)
        self.headend.tick()

    @invariant()
    def every_way_is_allowed_and_written_down(self) -> None:
        for command in self.headend.commands():
            lived = [change.state for change in command.history if change.asset_id is None]
            assert lived[0] == "submitted"
            assert lived[-1] == command.state
            for before, after in pairwise(lived):
                assert before == after or may_follow(before, after), lived
            assert all(state not in FINAL for state in lived[:-1]), "what is over stays over"
            assert all(change.actor for change in command.history)
            moments = [change.at for change in command.history]
            assert moments == sorted(moments)

    @invariant()
    def nothing_begins_twice_nor_after_its_end(self) -> None:
        assert all(count == 1 for count in self.begun.values())
        for asset_id in (A, B):
            setpoint = self.book.setpoint(asset_id, self.moment)
            assert setpoint.valid_until is None or setpoint.valid_until > self.clock.now

    @invariant()
    def the_site_is_never_named(self) -> None:
        assert all(lease.asset_id in {A, B} and lease.site_id != SITE for lease in self.leases)


Commands.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestCommands = Commands.TestCase
