"""The seven steps of a cycle as they really are."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from afterbay.community.cycle.contract import ENERGY_COLUMNS, LATEST_INPUT, input_name, results_name
from afterbay.community.cycle.quarantine import quarantine_name, recompute, write_quarantine
from afterbay.community.cycle.rows import MICRO, Rows, results_csv
from afterbay.community.cycle.runner import Done, Plan
from afterbay.community.cycle.schedule import cycle_id
from afterbay.community.cycle.tick import tick
from afterbay.community.cycle.transfer import TickForm, TransferError, try_again
from afterbay.community.cycle.users import Users, parse_ids
from afterbay.community.cycle.users_file import read_users, users_csv
from afterbay.community.cycle.validation import validate_results
from afterbay.community.cycle.weather import FileWeather, read_weather_file
from afterbay.core.errors import InvalidInputError, NotFoundError, Problem
from afterbay.core.output_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    import pandas as pd

    from afterbay.community.cycle.runner import Clocks, Work
    from afterbay.community.cycle.runner_settings import CycleSettings
    from afterbay.community.cycle.state import CycleState
    from afterbay.community.cycle.store import EnergyStore
    from afterbay.community.cycle.transfer import Receipt, Transfer

__all__ = ["CycleSteps", "newest_users"]

_LOOK_S: Final = 2.0
_INFLOWS: Final = ("generation_kwh", "battery_discharge_kwh", "grid_import_kwh")
_OUTFLOWS: Final = ("consumption_kwh", "battery_charge_kwh", "grid_export_kwh")
_ROUNDING_KWH: Final = 4e-6
"""What six columns with six decimals can leave over per row [kWh]."""


def newest_users(path: Path) -> Path:
    """Return the users file: `path` itself, or the newest one in that folder.

    Raises:
        NotFoundError: If there is none.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise NotFoundError(f"there is no {path} -> give a users file or a folder of them as users: in cycle.yaml")
    if (path / LATEST_INPUT).is_file():
        return path / LATEST_INPUT
    stamped = sorted(path.glob("users_input_????????_??????.csv"))
    if not stamped:
        raise NotFoundError(f"{path} holds no {LATEST_INPUT} and no users_input_YYYYMMDD_HHMMSS.csv")
    return stamped[-1]


@dataclass(frozen=True, slots=True)
class CycleSteps:
    """The steps of a cycle on given settings."""

    settings: CycleSettings
    transfers: Sequence[Transfer]
    store: EnergyStore
    clocks: Clocks
    random: Callable[[], float]
    seed: Callable[[datetime], int]
    """The seed of a quarter hour."""

    def plan(self) -> Plan:
        """Return the steps by name."""
        return Plan(
            {
                "export": self.export,
                "transfer": self.transfer,
                "simulate": self.simulate,
                "fetch": self.fetch,
                "validate": self.validate,
                "store": self.put,
                "clean up": self.clean_up,
            },
            len(self.transfers),
        )

    def export(self, work: Work) -> Done:
        """Read who takes part, and write the input file with what each battery holds."""
        found = read_users(newest_users(self.settings.users))
        users = found.users
        if self.settings.contract == 1:
            users = users.take(np.flatnonzero(users.panel_count > 0))
        if not len(users):
            raise InvalidInputError(
                Problem(found.report.path, "no user who takes part", "users with panels", "panel_count above 0")
            )
        state = self.store.state(self.settings.run, work.at, users.keys)
        weather = self.settings.weather
        if isinstance(weather, FileWeather):
            # Somebody brings a newer one while the watch runs.
            weather = read_weather_file(weather.path)
        work.held |= {"state": state, "users": users, "weather": weather, "input": self._input_file(users, state)}
        work.facts |= {"users": len(users), "left_out": found.report.rows - len(users)}
        return Done(len(users), note="; ".join(found.report.lines()[1:]))

    def _input_file(self, users: Users, state: CycleState) -> bytes:
        contract = self.settings.contract
        away = any(transfer.worker == "remote" for transfer in self.transfers)
        version = contract or (2 if away else users.version)
        stored = state.micro_of(users.keys) / MICRO
        # What the battery holds wins over a figure that the users file has had since it was made.
        start = np.where(stored >= 0.0, np.minimum(stored, users.battery_capacity_kwh), users.soc_start_kwh)
        return users_csv(replace(users, soc_start_kwh=start, version=version))

    def transfer(self, work: Work) -> Done:
        """Send the input file by the route of the moment."""
        transfer, content = self.transfers[work.route], work.held["input"]
        form = TickForm(
            work.at,
            float(work.held["weather"].factors(work.held["users"], work.at).mean()),
            self.seed(work.at),
            f"{self.settings.run}-{cycle_id(work.at)}",
        )
        name = input_name(work.at)

        def send() -> Receipt:
            if transfer.worker == "remote":
                # Results of an earlier try would be taken for those of this one.
                transfer.remove(results_name(work.at))
                if not transfer.label.startswith("http"):
                    transfer.send(LATEST_INPUT, content)
            return transfer.send(name, content, form)

        receipt = self._patiently(work, send)
        work.held["receipt"] = receipt
        work.facts["route"] = transfer.label
        note = f"{name} to {transfer.label}, {receipt.size:,} bytes, sha256 {receipt.sha256[:12]}"
        return Done(work.facts["users"], work.attempts, note)

    def simulate(self, work: Work) -> Done:
        """Simulate here, or wait for whoever does."""
        transfer, receipt = self.transfers[work.route], work.held["receipt"]
        if receipt.answer is not None:
            return Done(receipt.answer.record_count, note=f"by {transfer.label}")
        if transfer.worker == "remote":
            return Done(work.facts["users"], note=f"by {transfer.label}, {self._await_results(work, transfer):,} bytes")
        content = self._patiently(work, lambda: transfer.fetch(receipt.name, receipt))
        with tempfile.TemporaryDirectory(prefix="afterbay-") as folder:
            path = Path(folder) / receipt.name
            path.write_bytes(content)
            users = read_users(path).users
        rows = self._tick(work, users)
        results = results_csv([rows])
        self._patiently(work, lambda: transfer.send(results_name(work.at), results))
        return Done(len(rows), note="here")

    def _tick(self, work: Work, users: Users) -> Rows:
        settings = self.settings
        _, rows = tick(
            work.held["state"],
            users,
            work.held["weather"],
            work.at,
            self.seed(work.at),
            settings.run,
            place=settings.place,
        )
        return rows

    def _await_results(self, work: Work, transfer: Transfer) -> int:
        name, ends, before = results_name(work.at), self.clocks.monotonic() + self.settings.results_wait_s, None
        while True:
            size: int | None = self._patiently(work, lambda: transfer.find(name))
            # Twice the same size: whoever writes there may not do it in one step.
            if size and size == before:
                return size
            before = size
            if self.clocks.monotonic() >= ends:
                waited = f"within {self.settings.results_wait_s:g} s"
                raise TransferError(f"{transfer.label}: no {name} {waited}", passing=False)
            self.clocks.sleep(_LOOK_S)

    def fetch(self, work: Work) -> Done:
        """Bring the results."""
        transfer, receipt, name = self.transfers[work.route], work.held["receipt"], results_name(work.at)

        def bring() -> bytes:
            content = transfer.fetch(name, receipt)
            count = content.rstrip(b"\r\n").count(b"\n")
            if receipt.answer is not None and receipt.answer.record_count != count:
                raise TransferError(f"{name}: {count:,} rows arrived of {receipt.answer.record_count:,}")
            return content

        content = self._patiently(work, bring)
        work.held["results"] = content
        note = f"{name} from {transfer.label}, {len(content):,} bytes"
        return Done(content.rstrip(b"\r\n").count(b"\n"), work.attempts, note)

    def validate(self, work: Work) -> Done:
        """Keep good rows, set bad ones apart and compute those users once more."""
        users, state = work.held["users"], work.held["state"]
        with tempfile.TemporaryDirectory(prefix="afterbay-") as folder:
            path = Path(folder) / results_name(work.at)
            path.write_bytes(work.held["results"])
            report = validate_results(path, users, state, expected=work.at)
        if report.file_problems:
            raise InvalidInputError(
                [Problem(report.name, told, "a results file of the contract", "") for told in report.file_problems]
            )
        quarantine = self.settings.folder / "quarantine" / quarantine_name(report.name)
        quarantine.unlink(missing_ok=True)
        if len(report.bad):
            quarantine.parent.mkdir(parents=True, exist_ok=True)
            write_quarantine(report, quarantine)
        settings = self.settings
        mended = recompute(
            report,
            users,
            state,
            work.held["weather"],
            [work.at],
            self.seed(work.at),
            settings.run,
            place=settings.place,
        )
        rows = _rows_of(mended.frame, work.at)
        again = len(mended.users)
        work.facts |= {
            "rows": report.rows,
            "valid": len(report.good),
            "rules": report.counts,
            "quarantined": len(report.bad),
            "repaired": again,
            "covered": len(rows),
            **_balance(rows),
        }
        work.held["rows"] = rows
        told = [*report.lines(), *([f"{again:,} users computed again"] if again else [])]
        return Done(len(rows), note="; ".join(told))

    def put(self, work: Work) -> Done:
        """Store the rows, each once."""
        stored = self.store.put(self.settings.run, work.held["rows"])
        work.facts |= {"new": stored.new, "already": stored.already, "differing": stored.differing}
        return Done(stored.new + stored.already, note=str(stored))

    def clean_up(self, work: Work) -> Done:
        """Take the input away, now that its results are stored; what cannot be reached is tried next time again."""
        path = self.settings.folder / "leftovers.json"
        names = [input_name(work.at)]
        if self.transfers[work.route].worker == "remote":
            names.append(LATEST_INPUT)
        old = work.at - timedelta(days=self.settings.keep_results_days)
        waiting = _leftovers(path) | {(route, name) for route in range(work.route + 1) for name in names}
        waiting |= {(route, results_name(old)) for route in range(len(self.transfers))}
        left = set()
        for route, name in sorted(waiting):
            if route >= len(self.transfers):
                continue
            try:
                self.transfers[route].remove(name)
            except TransferError:
                left.add((route, name))
        if left:
            write_whole(path, json.dumps(sorted(left)).encode())
        else:
            path.unlink(missing_ok=True)
        self.store.compact(self.settings.run, (work.at - timedelta(days=1)).date())
        return Done(0, note=f"{len(left):,} files could not be removed yet" if left else "")

    def _patiently(self, work: Work, action: Callable[[], Any]) -> Any:
        def failed(attempt: int, _: TransferError) -> None:
            work.attempts = attempt

        tried = try_again(action, self.settings.patience, sleep=self.clocks.sleep, random=self.random, failed=failed)
        work.attempts = tried.attempts
        return tried.answer


def _rows_of(frame: pd.DataFrame, at: datetime) -> Rows:
    """Return the rows of one quarter hour of a checked frame."""
    part = frame[frame["timestamp"] == at]
    ids = np.array(part["user_id"].tolist(), dtype="S36")
    kwh = part[list(ENERGY_COLUMNS)].to_numpy(dtype=np.float64)
    return Rows(ids, parse_ids(ids)[0], at, np.rint(kwh * MICRO).astype(np.int64))


def _balance(rows: Rows) -> dict[str, float]:
    """Return what the community's sums leave over, and what rounding explains [kWh]."""
    left = sum(rows.total_kwh(name) for name in _INFLOWS) - sum(rows.total_kwh(name) for name in _OUTFLOWS)
    return {"balance_kwh": round(left, 6), "balance_limit_kwh": round(_ROUNDING_KWH * (len(rows) + 1), 6)}


def _leftovers(path: Path) -> set[tuple[int, str]]:
    try:
        return {(int(route), str(name)) for route, name in json.loads(path.read_bytes())}
    except (OSError, ValueError, TypeError):
        return set()
