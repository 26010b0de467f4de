"""Cars: sessions from habits, drawn day by day, or from a file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.recipes.clock import DAY_S, wall_seconds, zone_named
from afterbay.community.recipes.files import check_same_file
from afterbay.community.recipes.recipe import Recipe
from afterbay.community.recipes.sessions import SessionSet
from afterbay.community.recipes.stream import stream_keys, uniforms
from afterbay.core.checks import is_number
from afterbay.core.errors import Problems, ProfileError

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from afterbay.core.compiled import Floats
    from afterbay.core.timeline import Timeline

__all__ = ["CarPattern", "car_pattern", "cars_from_file"]

_COLUMNS = ("arrival", "departure", "energy_kwh", "flexible_kwh")
_QUARTER_S = 900


@dataclass(frozen=True, slots=True)
class CarPattern:
    """The habits of one car; its sessions are drawn for the days of a run."""

    name: str
    recipe: Recipe
    keys: tuple[int, int]
    arrival_h: tuple[float, float]
    """Mean and spread of the arrival [h local]."""
    departure_h: tuple[float, float]
    daily_kwh: float
    """Mean energy of a session at the charger [kWh]."""
    energy_spread: float
    flexible_share: float
    """Share of the energy that may wait until departure [fraction]."""
    weekdays: tuple[int, ...]
    """Days with an arrival, Monday is 0."""
    charger_kw: float | None

    @property
    def digest(self) -> str:
        """SHA-256 of the recipe, from which every session follows."""
        return self.recipe.digest

    def drawn(self, timeline: Timeline, time_zone: str) -> tuple[SessionSet, int]:
        """Draw the sessions that touch a timeline.

        Args:
            timeline: The steps of the run.
            time_zone: Clock of the habits.

        Returns:
            The sessions, and how many had their energy cut to what the charger gives in the stay.
        """
        edges = np.array([round(moment.timestamp()) for moment in (timeline.start, timeline.end)], dtype=np.int64)
        shown = wall_seconds(edges, time_zone, None)
        days = np.arange(shown[0] // DAY_S - 2, shown[1] // DAY_S + 1)
        days = days[np.isin((days + 3) % 7, self.weekdays)]
        overnight = self.departure_h[0] <= self.arrival_h[0]
        arrival_h, departure_h = self._hours(days, overnight=overnight)
        arrive = _utc(days * DAY_S + _quarters(arrival_h), time_zone)
        depart = _utc((days + int(overnight)) * DAY_S + _quarters(departure_h), time_zone)
        energy = self.daily_kwh * (1.0 + self.energy_spread * (2.0 * uniforms(self.keys, days * 16 + 9) - 1.0))
        touching = (depart > edges[0]) & (arrive < edges[1]) & (depart > arrive)
        arrive, depart, energy = arrive[touching], depart[touching], energy[touching]
        cut = 0
        if self.charger_kw is not None:
            reach = self.charger_kw * (depart - arrive) / 3600.0
            cut = int((energy > reach).sum())
            energy = np.minimum(energy, reach)
        found = SessionSet(
            self.name,
            arrive.astype("datetime64[s]"),
            depart.astype("datetime64[s]"),
            energy,
            energy * self.flexible_share,
            self.recipe,
        )
        return found, cut

    def _hours(self, days: NDArray[np.int64], *, overnight: bool) -> tuple[Floats, Floats]:
        """Return arrival and departure [h local], held apart so that no two sessions meet."""
        bell = [sum(uniforms(self.keys, days * 16 + part) for part in range(at, at + 4)) - 2.0 for at in (0, 4)]
        # The sum of four uniform numbers has variance 1/3 and never leaves its bounds.
        arrival = self.arrival_h[0] + np.sqrt(3.0) * self.arrival_h[1] * bell[0]
        departure = self.departure_h[0] + np.sqrt(3.0) * self.departure_h[1] * bell[1]
        between = 0.5 * (self.arrival_h[0] + self.departure_h[0])
        if overnight:
            return np.clip(arrival, between + 0.25, 23.75), np.clip(departure, 0.25, between)
        return np.clip(arrival, 0.0, between - 0.25), np.clip(departure, between + 0.25, 24.0)


def car_pattern(
    name: str,
    *,
    daily_kwh: float = 8.0,
    arrival_h: float = 18.0,
    arrival_spread_h: float = 1.5,
    departure_h: float = 7.5,
    departure_spread_h: float = 0.75,
    energy_spread: float = 0.5,
    flexible_share: float = 0.8,
    weekdays: Sequence[int] = (0, 1, 2, 3, 4, 5, 6),
    charger_kw: float | None = None,
    seed: int = 0,
    key: str | None = None,
) -> CarPattern:
    """Return the habits of a car.

    A departure hour that is not after the arrival hour is on the next day. Arrivals and departures
    scatter as a bell that ends at 3.5 spreads and is cut half way between the two hours, so that
    sessions never overlap; both fall on quarter hours.

    Args:
        name: Name of the profile.
        daily_kwh: Mean energy of a session at the charger [kWh].
        arrival_h: Mean arrival [h local].
        arrival_spread_h: Its standard deviation [h].
        departure_h: Mean departure [h local].
        departure_spread_h: Its standard deviation [h].
        energy_spread: Energies are even between (1 - spread) and (1 + spread) of the mean [-], 0..1.
        flexible_share: Share of the energy that may wait until departure [-]; the rest is charged at once.
        weekdays: Days with an arrival, Monday is 0.
        charger_kw: Power of the charger [kW]; with it no session gets more than it can deliver.
        seed: Seed of the street.
        key: What tells this car from the others; by default its name.

    Raises:
        InvalidInputError: With all inputs that cannot be used.
    """
    problems = Problems()
    for where, value, low, high in (
        ("daily_kwh", daily_kwh, 0.0, 1000.0),
        ("arrival_h", arrival_h, 0.0, 24.0),
        ("departure_h", departure_h, 0.0, 24.0),
        ("arrival_spread_h", arrival_spread_h, 0.0, 6.0),
        ("departure_spread_h", departure_spread_h, 0.0, 6.0),
        ("energy_spread", energy_spread, 0.0, 1.0),
        ("flexible_share", flexible_share, 0.0, 1.0),
        ("charger_kw", 1.0 if charger_kw is None else charger_kw, 0.1, 1000.0),
    ):
        if not is_number(value) or not low <= value <= high:
            problems.add(where, value, f"{low:g}..{high:g}", "give a number in this range")
    if is_number(arrival_h) and is_number(departure_h) and abs(arrival_h - departure_h) < 1.0:
        problems.add("departure_h", f"{departure_h} with arrival {arrival_h}", "an hour or more between them")
    days = tuple(sorted(set(weekdays)))
    if not days or not set(days) <= set(range(7)):
        problems.add("weekdays", repr(weekdays), "numbers 0 (Monday) to 6", "name at least one day")
    problems.raise_if_any()
    own = name if key is None else key
    recipe = Recipe(
        "car",
        {
            "daily_kwh": daily_kwh,
            "arrival_h": arrival_h,
            "arrival_spread_h": arrival_spread_h,
            "departure_h": departure_h,
            "departure_spread_h": departure_spread_h,
            "energy_spread": energy_spread,
            "flexible_share": flexible_share,
            "weekdays": days,
            "charger_kw": charger_kw,
            "key": own,
        },
        seed,
    )
    return CarPattern(
        name,
        recipe,
        stream_keys(seed, f"car {own}"),
        (float(arrival_h), float(arrival_spread_h)),
        (float(departure_h), float(departure_spread_h)),
        float(daily_kwh),
        float(energy_spread),
        float(flexible_share),
        days,
        charger_kw,
    )


def cars_from_file(
    name: str, path: str | os.PathLike[str], *, zone: str | None = None, file_sha256: str | None = None
) -> SessionSet:
    """Return the sessions of a CSV file with the columns arrival, departure, energy_kwh, flexible_kwh.

    Args:
        name: Name of the profile.
        path: The file, UTF-8, one session a row; times such as 2024-03-01T18:15 or with an offset.
        zone: Clock of times without an offset.
        file_sha256: Digest of the file when it was first used; another file is refused.

    Raises:
        ProfileError: With all rows that cannot be used.
        InvalidInputError: With all sessions that no car can have.
    """
    local = None if zone is None else zone_named(zone)
    digest = check_same_file(Path(path), file_sha256)
    problems = Problems()
    rows: list[tuple[float, float, float, float]] = []
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            given = tuple(reader.fieldnames or ())
            if sorted(given) != sorted(_COLUMNS):
                problems.add(f"{path}, line 1", ", ".join(given) or "no header", ", ".join(_COLUMNS), "name them so")
                raise ProfileError(problems.found)
            for line, row in enumerate(reader, start=2):
                try:
                    times = [datetime.fromisoformat(row[column].strip()) for column in _COLUMNS[:2]]
                    numbers = [float(row[column]) for column in _COLUMNS[2:]]
                    if any(moment.tzinfo is None for moment in times):
                        if local is None:
                            problems.add(f"{path}, line {line}", "a time without a zone", "a known clock", "give zone=")
                            continue
                        times = [moment if moment.tzinfo else moment.replace(tzinfo=local) for moment in times]
                    rows.append((times[0].timestamp(), times[1].timestamp(), numbers[0], numbers[1]))
                except (ValueError, AttributeError, TypeError):
                    got = ", ".join(f"{value}" for value in row.values())
                    problems.add(f"{path}, line {line}", got, "two times and two numbers", "correct the row")
    except (UnicodeDecodeError, csv.Error):
        problems.add(str(path), "a file that is no text in UTF-8", "a CSV file", "export it again")
    if problems:
        raise ProfileError(problems.found)
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    recipe = Recipe("car_file", {"path": str(path), "zone": zone, "file_sha256": digest})
    moments = np.rint(table[:, :2]).astype(np.int64).astype("datetime64[s]")
    return SessionSet(name, moments[:, 0], moments[:, 1], table[:, 2], table[:, 3], recipe)


def _quarters(hours: Floats) -> NDArray[np.int64]:
    return np.rint(hours * 4.0).astype(np.int64) * _QUARTER_S


def _utc(wall_s: NDArray[np.int64], time_zone: str) -> NDArray[np.int64]:
    """Return the moments at which the clock on the wall shows these quarter hours; skipped ones move on."""
    if time_zone == "UTC" or not len(wall_s):
        return wall_s
    first_day = int(wall_s.min()) // DAY_S
    table = _utc_of_quarters(time_zone, first_day, int(wall_s.max()) // DAY_S + 1 - first_day)
    return table[(wall_s - first_day * DAY_S) // _QUARTER_S]


@lru_cache(maxsize=8)
def _utc_of_quarters(time_zone: str, first_day: int, n_days: int) -> NDArray[np.int64]:
    """Return the moment of every quarter hour on the wall; all cars of a run share one table."""
    import pandas as pd

    wall_s = first_day * DAY_S + _QUARTER_S * np.arange(96 * n_days, dtype=np.int64)
    index = pd.DatetimeIndex(wall_s.astype("datetime64[s]"))
    second_pass = np.zeros(len(index), dtype=bool)
    placed = index.tz_localize(zone_named(time_zone), ambiguous=second_pass, nonexistent="shift_forward")
    return placed.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)
