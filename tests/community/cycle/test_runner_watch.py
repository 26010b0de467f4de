"""The watch on a clock of its own: days of crashes and failures, and in the end no gap, no double, no drift."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from community_cycle_clock import NOON, FakeTime, cycle_folder, service_on
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.community.cycle.contract import STEP, quarter_of
from afterbay.community.cycle.ledger import STEPS
from afterbay.community.cycle.runner import Done, Plan, Work
from afterbay.community.cycle.runner_service import CycleService
from afterbay.community.cycle.runner_watch import Watch, watch
from afterbay.community.cycle.transfer import TransferError
from afterbay.core.errors import ConflictError


class CrashError(BaseException):
    """The machine is switched off."""


class World:
    """A cycle in memory whose battery counts the quarter hours it went through."""

    def __init__(self) -> None:
        self.inputs: set[datetime] = set()
        self.rows: dict[datetime, int] = {}
        self.began: list[tuple[datetime, datetime]] = []
        self.before: Callable[[str, datetime], None] = lambda _name, _at: None
        self.after: Callable[[str, datetime], None] = lambda _name, _at: None

    def plan(self) -> Plan:
        steps = {name: self._step(name, action) for name, action in zip(STEPS, self._actions(), strict=True)}
        return Plan(steps)

    def _actions(self) -> list[Callable[[Work], None]]:
        def export(work: Work) -> None:
            earlier = [at for at in self.rows if at < work.at]
            work.held["soc"] = self.rows[max(earlier)] if earlier else 0

        def store(work: Work) -> None:
            soc = work.held["soc"] + 1
            # What is stored stays; and what would be stored again must be the same.
            assert self.rows.setdefault(work.at, soc) == soc

        def clean_up(work: Work) -> None:
            assert work.at in self.rows, "the input is taken away before its rows are stored"
            self.inputs.discard(work.at)

        def nothing(work: Work) -> None:
            pass

        return [export, lambda work: self.inputs.add(work.at), nothing, nothing, nothing, store, clean_up]

    def _step(self, name: str, action: Callable[[Work], None]) -> Callable[[Work], Done]:
        def step(work: Work) -> Done:
            self.before(name, work.at)
            action(work)
            self.after(name, work.at)
            return Done(1)

        return step


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)


def _service(folder: Path, time: FakeTime, world: World) -> CycleService:
    return replace(service_on(cycle_folder(folder, store="elsewhere"), time), plan=world.plan())


def _watch(folder: Path, time: FakeTime, world: World, until: datetime) -> CycleService:
    """Watch until a moment; a crash ends the process, which is started again ten seconds later."""
    time.ends = until
    while not time.stopped():
        service = _service(folder, time, world)
        try:
            watch(
                Watch(
                    cycle=service.run,
                    ledger=service.ledger,
                    log=service.log,
                    clocks=service.clocks,
                    stopped=time.stopped,
                    looked=lambda _: None,
                    known=lambda: None,
                    reach=service.settings.backfill,
                )
            )
        except CrashError:
            time.pass_by(seconds=10)
    return service


def _assert_no_gap_and_no_double(world: World) -> None:
    times = sorted(world.rows)
    assert all(later - earlier == STEP for earlier, later in pairwise(times)), "a gap"
    assert [world.rows[at] for at in times] == list(range(1, len(times) + 1)), "a battery that did not go on"
    assert world.inputs <= {at for at in world.inputs if at not in world.rows}, "an input that was left behind"


def test_two_days_without_trouble_are_192_cycles_on_time_without_drift(tmp_path: Path) -> None:
    time, world = FakeTime(NOON + timedelta(minutes=7, seconds=3)), World()
    world.after = lambda _name, _at: time.pass_by(seconds=1.7)

    service = _watch(tmp_path, time, world, NOON + timedelta(days=2, minutes=10))

    records = service.records()
    assert len(records) == 192
    assert {record.state for record in records} == {"ok"}
    # Each begins within a nap's grain of its quarter hour, the last as the first.
    late = [(record.began - record.at).total_seconds() for record in records if record.began]
    assert max(late) < 0.1
    _assert_no_gap_and_no_double(world)
    assert max(time.naps) <= 15.0


@settings(max_examples=12)
@given(
    troubles=st.lists(
        st.tuples(
            st.integers(0, 30),  # the how-manieth step that is begun
            st.sampled_from(["crash before", "crash after", "fail", "late", "very late"]),
        ),
        max_size=6,
    ),
    first_s=st.integers(0, 3600),
)
def test_whatever_crashes_or_fails_between_any_two_steps_no_quarter_hour_is_lost_or_doubled(
    tmp_path_factory: pytest.TempPathFactory, troubles: list[tuple[int, str]], first_s: int
) -> None:
    time, world = FakeTime(NOON + timedelta(seconds=first_s)), World()
    plan = sorted(troubles)
    count, place = [0], [0]

    def before(name: str, at: datetime) -> None:
        count[0] += 1
        if place[0] < len(plan) and plan[place[0]][0] <= count[0] - place[0] * 5:
            kind = plan[place[0]][1]
            if kind != "crash after":
                place[0] += 1
            if kind == "crash before":
                raise CrashError
            if kind == "fail":
                raise TransferError("nobody there")
            if kind.endswith("late"):
                time.pass_by(minutes=40 if kind == "very late" else 2)

    def after(name: str, at: datetime) -> None:
        if place[0] < len(plan) and plan[place[0]][1] == "crash after" and plan[place[0]][0] <= count[0] - place[0] * 5:
            place[0] += 1
            raise CrashError

    world.before, world.after = before, after
    service = _watch(tmp_path_factory.mktemp("watch"), time, world, time.now + timedelta(hours=4))

    _assert_no_gap_and_no_double(world)
    last = max(world.rows)
    assert quarter_of(time.now) - last <= STEP
    records = {record.at: record.state for record in service.records()}
    assert all(records[at] in ("ok", "late", "backfilled") for at in world.rows)
    assert len(world.rows) >= 10


def test_a_night_without_a_watch_is_made_up_for_in_order(tmp_path: Path) -> None:
    time, world = FakeTime(NOON - timedelta(minutes=1)), World()
    _watch(tmp_path, time, world, NOON + timedelta(hours=1))
    time.pass_by(hours=9)

    service = _watch(tmp_path, time, world, time.now + timedelta(minutes=20))

    _assert_no_gap_and_no_double(world)
    states = [record.state for record in service.records()]
    assert states[:4] == ["ok"] * 4
    assert states[4:-2] == ["backfilled"] * (len(states) - 6)
    assert set(states[-2:]) <= {"ok", "late"}
    log = (tmp_path / "cycle" / "logs" / "simulation_log_20240911.log").read_text()
    assert "20240911_1330 missed" in log


def test_what_is_older_than_the_reach_stays_missed_and_is_said_once(tmp_path: Path) -> None:
    time, world = FakeTime(NOON - timedelta(minutes=1)), World()
    _watch(tmp_path, time, world, NOON + timedelta(minutes=10))
    time.pass_by(hours=36)

    _watch(tmp_path, time, world, time.now + timedelta(minutes=40))

    times = sorted(world.rows)
    assert times[1] - times[0] == timedelta(hours=12)
    log = "".join(path.read_text() for path in sorted((tmp_path / "cycle" / "logs").iterdir()))
    assert log.count("47 quarter hours after 20240911_1200 stay missed") == 1


def test_a_failing_cycle_is_tried_again_and_holds_the_younger_ones_back(tmp_path: Path) -> None:
    time, world = FakeTime(NOON - timedelta(minutes=1)), World()
    tries: list[datetime] = []

    def before(name: str, at: datetime) -> None:
        if name == "transfer" and time.now < NOON + timedelta(minutes=50):
            tries.append(time.now)
            raise TransferError("nobody there", passing=False)

    world.before = before
    service = _watch(tmp_path, time, world, NOON + timedelta(minutes=61))

    minutes = [round((moment - NOON).total_seconds() / 60, 1) for moment in tries]
    assert minutes == [0.0, 1.0, 3.0, 7.0, 15.0, 30.0, 45.0]
    assert [record.state for record in service.records()] == ["backfilled"] * 4 + ["ok"]
    _assert_no_gap_and_no_double(world)


def test_a_cycle_longer_than_a_quarter_hour_is_told_as_an_overlap(tmp_path: Path) -> None:
    time, world = FakeTime(NOON - timedelta(minutes=1)), World()
    slow = [True]

    def before(name: str, at: datetime) -> None:
        if name == "simulate" and slow:
            slow.pop()
            time.pass_by(minutes=16)

    world.before = before
    time.ends = NOON + timedelta(minutes=35)
    service = _service(tmp_path, time, world)
    service.watch(time.stopped)

    assert [record.state for record in service.records()] == ["ok", "late", "ok"]
    log = (tmp_path / "cycle" / "logs" / "simulation_log_20240911.log").read_text()
    assert "20240911_1200 overlaps the next quarter hour next=20240911_1215" in log
    assert "alert slow raised" in log
    assert "alert slow cleared" in log


def test_a_clock_that_is_set_back_doubles_nothing(tmp_path: Path) -> None:
    time, world = FakeTime(NOON - timedelta(minutes=1)), World()
    back = [True]

    def after(name: str, at: datetime) -> None:
        if name == "clean up" and at == NOON + STEP and back:
            back.pop()
            time.now -= timedelta(hours=1)

    world.after = after
    service = _watch(tmp_path, time, world, NOON + timedelta(hours=1))

    assert [record.tries for record in service.records()] == [1, 1, 1, 1]
    _assert_no_gap_and_no_double(world)
    assert "the clock was set back" in (tmp_path / "cycle" / "logs" / "simulation_log_20240911.log").read_text()


def test_another_process_that_runs_a_cycle_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    time, world = FakeTime(NOON - timedelta(seconds=5)), World()
    service = _service(tmp_path, time, world)
    busy = [True, True]

    def run(self: CycleService, at: datetime, **_: object) -> object:
        if busy:
            busy.pop()
            raise ConflictError("held by process 1")
        return real(self, at)

    real = CycleService.run
    monkeypatch.setattr(CycleService, "run", run)
    time.ends = NOON + timedelta(minutes=1)

    assert service.watch(time.stopped) == 1

    record = service.records()[0]
    assert record.began == NOON + timedelta(seconds=10)
    assert record.state == "ok"


def test_a_disk_that_is_full_for_an_hour_ends_no_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    time, world = FakeTime(NOON - timedelta(minutes=1)), World()
    service = _service(tmp_path, time, world)
    time.ends = NOON + timedelta(hours=2, minutes=1)
    open_file = Path.open

    def full(self: Path, mode: str = "r", *words: Any, **more: Any) -> Any:
        if mode != "rb" and "lock" not in self.name and NOON + STEP < time.now < NOON + timedelta(hours=1, minutes=20):
            raise OSError(28, "No space left on device")
        return open_file(self, mode, *words, **more)

    monkeypatch.setattr(Path, "open", full)
    service.watch(time.stopped)

    _assert_no_gap_and_no_double(world)
    assert max(world.rows) == NOON + timedelta(hours=2)
    assert {record.state for record in service.records()} <= {"ok", "late", "backfilled"}


def test_a_cycle_is_watched_by_one(tmp_path: Path) -> None:
    time, world = FakeTime(NOON), World()
    service = _service(tmp_path, time, world)
    seen: list[str] = []

    def stopped() -> bool:
        with pytest.raises(ConflictError) as caught:
            _service(tmp_path, FakeTime(NOON), world).watch(lambda: True)
        seen.append(str(caught.value))
        return True

    service.watch(stopped)

    assert "(the watch)" in seen[0]
    assert service.watching_since() is None


def test_alerts_reach_the_hook_while_the_watch_only_waits(tmp_path: Path) -> None:
    time, world = FakeTime(NOON - timedelta(minutes=1)), World()
    told: list[tuple[str, str, datetime]] = []

    def before(name: str, at: datetime) -> None:
        if name == "transfer" and at > NOON and time.now < NOON + timedelta(minutes=44):
            raise TransferError("nobody there for a1b2c3d4-e5f6-4890-9234-567890abcdef")

    world.before = before
    time.ends = NOON + timedelta(minutes=61)
    _service(tmp_path, time, world).watch(
        time.stopped, lambda alert: told.append((alert.condition, alert.state, alert.time))
    )

    conditions = [(condition, state) for condition, state, _ in told]
    assert conditions.count(("failed", "raised")) == conditions.count(("failed", "cleared")) == 1
    assert ("not_on_time", "raised") in conditions
    assert len(conditions) == len(set(conditions))
    log = (tmp_path / "cycle" / "logs" / "simulation_log_20240911.log").read_text()
    assert "a1b2c3d4" not in log
    assert "[user]" in log
