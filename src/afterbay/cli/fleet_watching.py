"""`--watch`: the fleet redrawn in place on a terminal, a line per change elsewhere."""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from afterbay.cli import output
from afterbay.cli.fleet_looking import agent_lines, list_lines
from afterbay.cli.fleet_words import NOTHING, clock, direction, soc
from afterbay.client.records import read_telemetry, with_sample
from afterbay.client.times import stamp
from afterbay.core.errors import AfterbayError

if TYPE_CHECKING:
    from afterbay.client import AssetState, Fleet, Update
    from afterbay.fleet.messages import Telemetry

__all__ = ["watch_agents", "watch_assets"]

_REDRAW_S = 0.5
_POLL_S = 4.0
_KINDS = ("telemetry", "session", "inventory")
_HINT = "Ctrl-C ends"


class _Board:
    """The newest state of every asset, from the stream or, without one, from polls."""

    def __init__(self, fleet: Fleet, seconds: float | None) -> None:
        self.fleet = fleet
        self.assets: dict[str, AssetState] = {asset.id: asset for asset in fleet.assets()}
        self.trouble = ""
        self._is_outdated = False
        self._news: queue.Queue[Update | list[AssetState] | str] = queue.Queue(maxsize=10_000)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._feed, args=(seconds,), daemon=True, name="fleet-watch")
        self._thread.start()

    def take(self, wait_s: float) -> list[Telemetry]:
        """Take in what is new, waiting for the first; return new samples."""
        samples: list[Telemetry] = []
        while True:
            try:
                news = self._news.get(timeout=wait_s)
            except queue.Empty:
                self._reread()
                return samples
            wait_s = 0.0
            if isinstance(news, list):
                samples += [each.sample for each in news if each.sample and self._is_new(each.sample)]
                self.assets, self.trouble = {asset.id: asset for asset in news}, ""
            elif isinstance(news, str):
                self.trouble = news
            elif (sample := self._sample(news)) is not None:
                samples.append(sample)

    def end(self) -> None:
        """Listen no more."""
        self._ended.set()

    def _sample(self, update: Update) -> Telemetry | None:
        if update.kind == "telemetry":
            sample = read_telemetry(update.document)
            asset = None if sample is None else self.assets.get(sample.asset_id)
            if sample is None or asset is None or not self._is_new(sample):
                return None
            self.assets[asset.id] = with_sample(asset, sample)
            return sample
        if update.kind == "lost":
            now = self.fleet.connection.now()
            self.trouble = f"no connection since {now:%H:%M:%S}; showing last values"
        else:
            # Somebody came or went, or the inventory is another.
            self._is_outdated = True
        return None

    def _reread(self) -> None:
        """Read the fleet as a whole, once for however many came and went."""
        if not self._is_outdated:
            return
        try:
            self.assets = {asset.id: asset for asset in self.fleet.assets()}
            self.trouble, self._is_outdated = "", False
        except AfterbayError as error:
            self.trouble = str(error)

    def _is_new(self, sample: Telemetry) -> bool:
        asset = self.assets.get(sample.asset_id)
        return asset is None or asset.sample is None or sample.timestamp > asset.sample.timestamp

    def _feed(self, seconds: float | None) -> None:
        try:
            for update in self.fleet.changes(seconds, kinds=_KINDS):
                if self._ended.is_set():
                    return
                self._put(update)
        except AfterbayError:
            self._poll()
        except RuntimeError:
            # The client was closed under a stream that nobody listens to any more.
            if not self._ended.is_set():
                raise

    def _poll(self) -> None:
        """Ask every 4 s, where there is no stream."""
        while not self._ended.wait(_POLL_S):
            try:
                self._put(self.fleet.assets())
            except AfterbayError as error:
                self._put(f"{error}; showing last values")

    def _put(self, news: Update | list[AssetState] | str) -> None:
        while not self._ended.is_set():
            try:
                self._news.put(news, timeout=1.0)
            except queue.Full:
                continue
            return


def watch_assets(fleet: Fleet, *, seconds: float | None, as_ndjson: bool) -> None:
    """Watch the fleet until Ctrl-C or for so long."""
    board = _Board(fleet, seconds)
    ends = None if seconds is None else time.monotonic() + seconds
    try:
        if as_ndjson or not output.is_terminal(sys.stdout):
            _print_changes(board, ends, as_ndjson=as_ndjson)
        else:
            with _drawn() as draw:
                while ends is None or time.monotonic() < ends:
                    board.take(_REDRAW_S)
                    lines = list_lines(list(board.assets.values()), fleet.connection.now())
                    draw([*lines, f"✕ {board.trouble}" if board.trouble else _HINT])
                    time.sleep(0.1)
    finally:
        board.end()


def watch_agents(fleet: Fleet, *, seconds: float | None) -> None:
    """Watch who is connected until Ctrl-C or for so long; elsewhere than on a terminal a line per change."""
    ends = None if seconds is None else time.monotonic() + seconds
    before: dict[str, bool] = {}
    rows: list[Mapping[str, Any]] = []
    on_terminal = output.is_terminal(sys.stdout)
    with _drawn() if on_terminal else _nothing() as draw:
        while ends is None or time.monotonic() < ends:
            try:
                rows, trouble = fleet.agents(), ""
            except AfterbayError as error:
                if not rows:
                    raise
                trouble = f"{error}; showing last values"
            now = fleet.connection.now()
            if on_terminal:
                draw([*agent_lines(rows, now), f"✕ {trouble}" if trouble else _HINT])
            for row in [] if on_terminal else rows:
                connected, asset_id = row.get("connected") is True, str(row.get("asset_id"))
                if before.get(asset_id) != connected:
                    before[asset_id] = connected
                    word = "● connected" if connected else "✕ offline"
                    peer = row.get("peer") or NOTHING
                    output.lines([f"{now:%H:%M:%S}  {row.get('asset_name')}  {word}  {peer}"])
            time.sleep(min(1.0, max(ends - time.monotonic(), 0.0)) if ends is not None else 1.0)


def _print_changes(board: _Board, ends: float | None, *, as_ndjson: bool) -> None:
    """Print a line per sample, for a file, a pipe or another program."""
    trouble = ""
    while ends is None or time.monotonic() < ends:
        for sample in board.take(_REDRAW_S):
            asset = board.assets.get(sample.asset_id)
            name = asset.name if asset is not None else sample.asset_id
            if as_ndjson:
                output.lines([json.dumps(_sample_document(sample, name), ensure_ascii=False, allow_nan=False)])
            elif asset is not None:
                power = direction(sample.mw, sample.status, sample.asset_type)
                limit = f"  limited by {sample.limited_by}" if sample.limited_by else ""
                output.lines([f"{clock(sample.timestamp)}  {name}  {power}  {soc(with_sample(asset, sample))}{limit}"])
        sys.stdout.flush()
        if board.trouble and board.trouble != trouble:
            output.warn(board.trouble)
        trouble = board.trouble


def _sample_document(sample: Telemetry, name: str) -> dict[str, Any]:
    return {
        "timestamp": stamp(sample.timestamp),
        "asset_id": sample.asset_id,
        "asset_name": name,
        "mw": sample.mw,
        "setpoint_mw": sample.setpoint_mw,
        "soc_pct": sample.soc_pct,
        "soc_mwh": sample.soc_mwh,
        "status": sample.status,
        "limited_by": sample.limited_by,
        "quality": sample.quality,
    }


@contextmanager
def _drawn() -> Iterator[Callable[[list[str]], None]]:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(Text("..."), console=Console(highlight=False), auto_refresh=False) as live:
        yield lambda lines: live.update(Text.from_ansi("\n".join(lines)), refresh=True)


@contextmanager
def _nothing() -> Iterator[Callable[[list[str]], None]]:
    yield lambda _: None
