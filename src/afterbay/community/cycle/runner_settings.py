"""`cycle.yaml`: what a cycle runs on, read once and checked whole."""

from __future__ import annotations

import difflib
import shlex
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from afterbay.community.cycle.clouds import CloudWeather
from afterbay.community.cycle.sun import DEFAULT_PLACE, Place
from afterbay.community.cycle.transfer import Patience, Route, open_transfer
from afterbay.community.cycle.transfer.webhook import check_url
from afterbay.community.cycle.weather import DEFAULT_FACTOR, ConstantWeather, read_weather_file
from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, NotFoundError, Problem, Problems

if TYPE_CHECKING:
    from afterbay.community.cycle.weather import Weather

__all__ = ["SAMPLE", "CycleSettings", "read_settings"]

SAMPLE: Final = """\
# A 15-minute solar cycle. Folders and files are relative to this file.
run: home                  # name of the run: another name is another stream of chance and another history
users: users.csv           # users_input file, or a folder with users_input_*.csv (the newest is taken)
folder: cycle              # records, logs, health
store: store               # every row, once, as Parquet
transfers:                 # tried in this order
  - exchange               # a folder; also file://, https://, s3://, gs://
weather: 0.9               # a factor, a file (timestamp,factor), or clouds
# seed: 42                 # default: follows from the quarter hour
# place: {latitude: 51.51, longitude: -0.13, time_zone: Europe/London}
# alerts: {url: "https://example.org/alerts"}   # or command: [./tell.sh]
"""
_LARGEST_BYTES: Final = 100_000
_KEYS: Final = (
    "run", "users", "folder", "store", "transfers", "weather", "seed", "place", "alerts", "contract",
    "backfill_hours", "keep_results_days", "patience", "results_wait_s",
)  # fmt: skip
_ROUTE_KEYS: Final = ("url", "worker", "key_variable", "notify_url", "endpoint", "timeout_s")


@dataclass(frozen=True, slots=True)
class CycleSettings:
    """The settings of a cycle; paths are absolute or relative to where we are."""

    path: Path
    run: str
    users: Path
    folder: Path
    store: Path
    routes: tuple[Route, ...]
    weather: Weather
    seed: int | None = None
    place: Place = DEFAULT_PLACE
    alert_command: tuple[str, ...] = ()
    alert_url: str | None = None
    contract: int | None = None
    """1: exactly the six columns go out; 2: all columns; None: those of the users file, and the stored energy
    for a worker at the other end."""
    backfill: timedelta = timedelta(hours=24)
    """How far back missed quarter hours are made up for."""
    keep_results_days: int = 7
    """How long results stay where they were exchanged [days]; 0: until they are stored."""
    patience: Patience = field(default_factory=Patience)
    results_wait_s: float = 180.0
    """How long to wait for results of a worker at the other end [s]."""

    @property
    def base(self) -> Path:
        """Folder that relative addresses start from."""
        return self.path.parent


def read_settings(path: Path) -> CycleSettings:
    """Read a configuration file.

    Raises:
        NotFoundError: If there is none.
        InvalidInputError: With every problem of it.
    """
    values = _document(path)
    problems = Problems()
    for key in values:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, n=1)
            problems.add(
                str(key), "a key that is not known", ", ".join(_KEYS), f"did you mean {near[0]}?" if near else ""
            )
    read = _Reader(path.parent, values, problems)
    command, url = read.alerts()
    settings: dict[str, Any] = {
        "run": read.text("run", "home"),
        "users": read.path("users", None),
        "folder": read.path("folder", "cycle"),
        "store": read.path("store", "store"),
        "routes": read.routes(),
        "weather": read.weather(),
        "seed": read.whole("seed", None, 0, 2**63 - 1),
        "place": read.place(),
        "contract": read.whole("contract", None, 1, 2),
        "backfill": timedelta(hours=read.number("backfill_hours", 24.0, 0.0, 24.0 * 31.0)),
        "keep_results_days": read.whole("keep_results_days", 7, 0, 3650),
        "patience": read.patience(),
        "results_wait_s": read.number("results_wait_s", 180.0, 0.0, 3600.0),
    }
    problems.raise_if_any()
    return CycleSettings(path, alert_command=command, alert_url=url, **settings)


def _document(path: Path) -> dict[Any, Any]:
    import yaml

    move = "afterbay cycle init makes one"
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InvalidInputError(Problem(str(path), "a large file", f"at most {_LARGEST_BYTES:,} bytes", move))
        text = path.read_text(encoding="utf-8-sig")
        values = yaml.safe_load(text)
    except FileNotFoundError:
        raise NotFoundError(f"there is no {path} -> {move}") from None
    except OSError as error:
        raise InvalidInputError(Problem(str(path), error.strerror or "no file", "a file", move)) from None
    except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}" if mark is not None else str(path)
        raise InvalidInputError(Problem(where, "text that is no YAML", "key: value lines", move)) from None
    if not isinstance(values, dict):
        raise InvalidInputError(Problem(str(path), type(values).__name__, "key: value lines", move))
    return values


class _Reader:
    """Takes values of the right kind, and notes what is wrong with the others."""

    def __init__(self, base: Path, values: dict[Any, Any], problems: Problems) -> None:
        self._base = base
        self._values = values
        self._problems = problems

    def text(self, key: str, default: str | None) -> str:
        value = self._values.get(key, default)
        # A run named 2024 is a number to YAML.
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not value.strip():
            self._problems.add(key, "nothing" if value is None else value, "text", f"add {key}: ...")
            return ""
        return value

    def path(self, key: str, default: str | None) -> Path:
        return self._base / self.text(key, default)

    def number(self, key: str, default: float, low: float, high: float) -> float:
        value = self._values.get(key, default)
        if not (is_number(value) and low <= value <= high):
            self._problems.add(key, value, f"a number from {low:g} to {high:g}", f"such as {default:g}")
            return default
        return float(value)

    def whole(self, key: str, default: int | None, low: int, high: int) -> int | None:
        value = self._values.get(key, default)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self._problems.add(key, value, f"a whole number from {low} to {high}", "leave it out for the default")
            return default
        return value

    def routes(self) -> tuple[Route, ...]:
        given = self._values.get("transfers", ["exchange"])
        entries = given if isinstance(given, list) else [given]
        if not entries:
            self._problems.add("transfers", "none", "at least one address", "such as - exchange")
        return tuple(
            route for place, entry in enumerate(entries, 1) if (route := self._route(place, entry)) is not None
        )

    def _route(self, place: int, entry: Any) -> Route | None:
        where = f"transfers, entry {place}"
        fields = {"url": entry} if isinstance(entry, str) else entry
        if not isinstance(fields, dict) or not isinstance(fields.get("url"), str):
            self._problems.add(where, entry, "an address, or url: with settings", "such as - exchange")
            return None
        wrong = [str(name) for name in fields if name not in _ROUTE_KEYS]
        if wrong:
            self._problems.add(where, ", ".join(wrong), ", ".join(_ROUTE_KEYS), "a key itself is never kept here")
            return None
        texts = all(isinstance(fields.get(name, ""), str) for name in _ROUTE_KEYS if name != "timeout_s")
        seconds = fields.get("timeout_s", 60.0)
        if (
            not texts
            or not (is_number(seconds) and seconds > 0)
            or fields.get("worker", "local") not in ("local", "remote")
        ):
            self._problems.add(where, entry, "worker local or remote, timeout_s above 0, else text", "mend it")
            return None
        route = Route(**fields)
        try:
            open_transfer(route, base=self._base)
        except InvalidInputError as error:
            self._problems.extend(
                Problem(f"{where}: {problem.where}", problem.got, problem.allowed, problem.next_move)
                for problem in error.problems
            )
        return route

    def weather(self) -> Weather:
        value = self._values.get("weather", DEFAULT_FACTOR)
        try:
            if value == "clouds":
                return CloudWeather(seed=self.whole("seed", 0, 0, 2**63 - 1) or 0)
            if isinstance(value, str):
                return read_weather_file(self._base / value)
            return ConstantWeather(value)
        except InvalidInputError as error:
            self._problems.extend(error.problems)
        except NotFoundError as error:
            self._problems.add("weather", str(error), "a number, a file that exists, or clouds", "such as 0.9")
        return ConstantWeather()

    def place(self) -> Place:
        value = self._values.get("place")
        if value is None:
            return DEFAULT_PLACE
        move = "such as {latitude: 51.51, longitude: -0.13, time_zone: Europe/London}"
        if not isinstance(value, dict) or set(value) != {"latitude", "longitude", "time_zone"}:
            self._problems.add("place", value, "latitude, longitude and time_zone", move)
            return DEFAULT_PLACE
        for name, most in (("latitude", 90.0), ("longitude", 180.0)):
            if not (is_number(value[name]) and -most <= value[name] <= most):
                self._problems.add(f"place.{name}", value[name], f"degrees from -{most:g} to {most:g}", move)
                return DEFAULT_PLACE
        try:
            ZoneInfo(value["time_zone"])
        except (ValueError, TypeError, OSError, LookupError):
            self._problems.add("place.time_zone", value["time_zone"], "a zone such as Europe/London", move)
            return DEFAULT_PLACE
        return Place(float(value["latitude"]), float(value["longitude"]), value["time_zone"])

    def alerts(self) -> tuple[tuple[str, ...], str | None]:
        value = self._values.get("alerts")
        if value is None:
            return (), None
        allowed = "command: and url:, one or both"
        if not isinstance(value, dict) or set(value) - {"command", "url"}:
            self._problems.add("alerts", value, allowed, "such as {url: https://example.org/alerts}")
            return (), None
        command, url = value.get("command"), value.get("url")
        if isinstance(command, str):
            try:
                command = shlex.split(command)
            except ValueError:
                command = 0
        if command is not None and not (
            isinstance(command, list) and command and all(isinstance(w, str) for w in command)
        ):
            self._problems.add("alerts.command", command, "a command with its words", "such as [./tell.sh, loud]")
            command = None
        if url is not None:
            try:
                check_url(url if isinstance(url, str) else "", "alerts.url")
            except InvalidInputError as error:
                self._problems.extend(error.problems)
        return tuple(command or ()), url

    def patience(self) -> Patience:
        value = self._values.get("patience", {})
        allowed = "attempts, first_s, most_s, jitter"
        if not isinstance(value, dict) or set(value) - {"attempts", "first_s", "most_s", "jitter"}:
            self._problems.add("patience", value, allowed, "such as {attempts: 4, first_s: 1}")
            return Patience()
        try:
            return Patience(**value)
        except InvalidInputError as error:
            self._problems.extend(error.problems)
            return Patience()
