"""Heavy work gives the same bits wherever it is done, and survives the death of those who do it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from server_chunks import dies_always, dies_once, lingers, refuses, slow_square, square, totals, where
from server_workers import wait_until

from afterbay.core.errors import CancelledError, InvalidInputError, UnavailableError
from afterbay.server.platform.jobs.compute import open_compute
from afterbay.server.platform.jobs.compute.cluster import ClusterCompute
from afterbay.server.platform.jobs.compute.inline import SmallFirst
from afterbay.server.platform.jobs.compute.processes import ProcessCompute


@pytest.fixture
def processes() -> Iterator[ProcessCompute]:
    compute = ProcessCompute(2)
    yield compute
    compute.close()


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_results_come_in_order_each_told_once(processes: ProcessCompute) -> None:
    told: list[tuple[int, float]] = []

    results = processes.map(square, [3.0, 1.0, 2.0], on_done=lambda index, result: told.append((index, result)))

    assert results == [9.0, 1.0, 4.0]
    assert sorted(told) == [(0, 9.0), (1, 1.0), (2, 4.0)]


def test_processes_give_the_same_bits_as_this_one(processes: ProcessCompute) -> None:
    assert processes.map(totals, [1, 2]) == [totals(1), totals(2)]


def test_the_work_of_a_process_that_dies_is_done_again(processes: ProcessCompute, tmp_path: Path) -> None:
    told: list[int] = []

    results = processes.map(
        dies_once, [(str(tmp_path), number) for number in range(8)], on_done=lambda index, _: told.append(index)
    )

    assert (tmp_path / "died").exists()
    assert results == list(range(8))
    assert sorted(told) == list(range(8))


def test_a_chunk_that_kills_every_process_is_given_up_by_name(processes: ProcessCompute) -> None:
    with pytest.raises(UnavailableError, match=r"chunk 1 died 3 times.*more memory"):
        processes.map(dies_always, [0, 1, 2])

    assert processes.map(square, [2.0]) == [4.0]


def test_an_error_of_the_function_is_the_error_of_the_map(processes: ProcessCompute) -> None:
    with pytest.raises(ValueError, match="two is not liked"):
        processes.map(refuses, [1, 2, 3])

    assert processes.map(square, [2.0]) == [4.0]


def test_a_check_that_raises_ends_the_work_and_its_processes(processes: ProcessCompute, tmp_path: Path) -> None:
    def check() -> None:
        if any(tmp_path.iterdir()):
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        processes.map(lingers, [str(tmp_path)] * 2, check=check)

    pids = [int(one.name) for one in tmp_path.iterdir()]
    wait_until(lambda: not any(_alive(pid) for pid in pids))


def test_processes_start_when_they_are_needed_and_end_when_they_are_not() -> None:
    compute = ProcessCompute(2, idle_s=0.3)
    assert compute.pids() == []

    compute.map(where, range(4))
    pids = compute.pids()

    assert 1 <= len(pids) <= 2
    wait_until(lambda: not compute.pids() and not any(_alive(pid) for pid in pids))
    assert compute.map(square, [3.0]) == [9.0]
    compute.close()


def test_processes_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\nfrom server_chunks import lingers\n"
        "from afterbay.server.platform.jobs.compute.processes import ProcessCompute\n"
        "if __name__ == '__main__':\n    ProcessCompute(2).map(lingers, [sys.argv[1]] * 2)\n"
    )
    folder = tmp_path / "pids"
    folder.mkdir()
    paths = os.pathsep.join(
        [str(Path(totals.__code__.co_filename).parent), *(p for p in sys.path if p.endswith("src"))]
    )
    parent = subprocess.Popen([sys.executable, str(script), str(folder)], env={**os.environ, "PYTHONPATH": paths})
    try:
        wait_until(lambda: len(list(folder.iterdir())) == 2)
    finally:
        parent.kill()
        parent.wait(10)

    wait_until(lambda: not any(_alive(int(one.name)) for one in folder.iterdir()))


def test_small_work_stays_here_and_big_work_goes_away() -> None:
    class Heavy:
        label = "elsewhere"

        def __init__(self) -> None:
            self.given: list[Any] = []

        def map(
            self, function: Callable[[Any], Any], chunks: Any, *, on_done: Any = None, check: Any = None
        ) -> list[Any]:
            self.given = list(chunks)
            for index, chunk in enumerate(chunks):
                on_done(index, function(chunk))
            return [function(chunk) for chunk in chunks]

        def close(self) -> None: ...

    seconds = iter([0.0, *(0.01 * step for step in range(1, 100))])
    heavy, told = Heavy(), dict[int, float]()
    small = SmallFirst(heavy, budget_s=0.5, clock=lambda: next(seconds))
    assert small.map(square, [1.0, 2.0, 3.0], on_done=told.__setitem__) == [1.0, 4.0, 9.0]
    assert heavy.given == []

    big = SmallFirst(heavy, budget_s=0.5, clock=iter([0.0, 0.4, 0.9]).__next__)
    assert big.map(square, [1.0, 2.0, 3.0], on_done=told.__setitem__) == [1.0, 4.0, 9.0]
    assert heavy.given == [2.0, 3.0]
    assert told == {0: 1.0, 1: 4.0, 2: 9.0}


@pytest.mark.parametrize("address", ["", "localhost:8786", "tcp://10.0.0.1:8786", "http://127.0.0.1:1", "tls://"])
def test_a_scheduler_in_the_clear_beyond_this_machine_is_refused(address: str) -> None:
    with pytest.raises(InvalidInputError, match="AFTERBAY_DASK"):
        ClusterCompute(address)


class Cluster:
    """A scheduler and two workers of a Dask cluster, each a process."""

    def __init__(self, folder: Path) -> None:
        paths = [str(Path(totals.__code__.co_filename).parent), *(p for p in sys.path if p.endswith("src"))]
        self._environment = {
            **os.environ, "PYTHONPATH": os.pathsep.join(paths), "DASK_DISTRIBUTED__DIAGNOSTICS__NVML": "false",
            "DASK_TEMPORARY_DIRECTORY": str(folder), "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "30s",
        }  # fmt: skip
        self._folder = folder
        file = folder / "scheduler.json"
        self.scheduler = self._start(
            "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)
        )
        self.workers = [
            self._start("dask_worker", "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard",
                        "--scheduler-file", str(file))
            for _ in range(2)
        ]  # fmt: skip

        def address() -> str | None:
            import json

            try:
                return str(json.loads(file.read_text())["address"])
            except (OSError, ValueError):
                return None

        self.address = wait_until(address, seconds=60)

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
            env=self._environment, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def stop(self) -> None:
        for one in (*self.workers, self.scheduler):
            one.kill()
            one.wait(10)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    pytest.importorskip("distributed")
    started = Cluster(tmp_path)
    try:
        yield started
    finally:
        started.stop()


@pytest.mark.filterwarnings("default")
def test_a_cluster_loses_nothing_when_a_worker_is_killed_and_gives_the_same_bits(cluster: Cluster) -> None:
    compute = open_compute(dask=cluster.address, small_s=0.0)
    told: list[int] = []

    def on_done(index: int, _result: float) -> None:
        told.append(index)
        if len(told) == 10:
            cluster.workers[0].kill()

    try:
        wait_until(lambda: compute.map(square, [1.0, 2.0]) == [1.0, 4.0], seconds=60)
        assert compute.map(totals, [1, 2, 3]) == [totals(1), totals(2), totals(3)]

        results = compute.map(slow_square, [float(number) for number in range(40)], on_done=on_done)

        assert results == [float(number) ** 2 for number in range(40)]
        assert sorted(told) == list(range(40))
        assert cluster.workers[0].wait(5) == -signal.SIGKILL
        with pytest.raises(ValueError, match="two is not liked"):
            compute.map(refuses, [1, 2, 3])

        threading.Timer(0.5, cluster.scheduler.kill).start()
        with pytest.raises(UnavailableError, match="Dask at tcp://127"):
            ClusterCompute(cluster.address, away_s=1.0).map(slow_square, [1.0] * 200)
    finally:
        compute.close()


@pytest.mark.filterwarnings("default")
def test_a_cluster_that_does_not_answer_is_unavailable() -> None:
    pytest.importorskip("distributed")
    began = time.monotonic()

    with pytest.raises(UnavailableError, match="does not answer"):
        ClusterCompute("tcp://127.0.0.1:9", connect_s=1.0).map(square, [1.0])

    assert time.monotonic() - began < 30
