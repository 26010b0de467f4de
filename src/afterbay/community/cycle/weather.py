"""Where the weather factor comes from: a number, a file, or a clear sky with clouds.

The factor is a share of what a clear sky would give. A provider is anything with `sky` and `factors`.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from afterbay.community.cycle.cells import lines_in_words, number_of, read_cells
from afterbay.community.cycle.contract import as_utc
from afterbay.core.checks import is_number
from afterbay.core.errors import OutOfRangeError, Problem, Problems

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from afterbay.community.cycle.sun import Sky
    from afterbay.community.cycle.users import Users
    from afterbay.core.compiled import Floats

__all__ = ["DEFAULT_FACTOR", "HIGHEST_FACTOR", "ConstantWeather", "FileWeather", "Weather", "read_weather_file"]

DEFAULT_FACTOR: Final = 0.9
"""The document's "default sunny conditions"."""
HIGHEST_FACTOR: Final = 1.5
"""Broken clouds can add light to a clear sky for a while; the nameplate still holds."""
_HOLD: Final = timedelta(hours=1)


class Weather(Protocol):
    """A provider of weather factors."""

    @property
    def sky(self) -> Sky:
        """Which clear sky the factor is a share of."""

    def factors(self, users: Users, moment: datetime) -> Floats:
        """Return the factor of each user in the quarter hour that begins at `moment` (UTC), shape (n,)."""


@dataclass(frozen=True, slots=True)
class ConstantWeather:
    """One factor for everybody, always.

    Raises:
        OutOfRangeError: If it is outside 0..1.5, when the object is made.
    """

    factor: float = DEFAULT_FACTOR

    def __post_init__(self) -> None:
        if not (is_number(self.factor) and 0.0 <= self.factor <= HIGHEST_FACTOR):
            raise OutOfRangeError(
                Problem("weather", repr(self.factor), f"a number from 0 to {HIGHEST_FACTOR:g}", "0.9 is a sunny sky")
            )

    @property
    def sky(self) -> Sky:
        """Which clear sky the factor is a share of."""
        return "formula"

    def factors(self, users: Users, moment: datetime) -> Floats:  # noqa: ARG002
        """Return the factor of each user, shape (n,)."""
        return np.full(len(users), float(self.factor))


@dataclass(frozen=True, slots=True, eq=False)
class FileWeather:
    """Factors from a file, by time and by the `weather_id` of a user; made by `read_weather_file`."""

    path: str
    series: Mapping[str, tuple[tuple[datetime, ...], tuple[float, ...]]]
    """Times (UTC, ascending) and factors by weather id; the empty id is everybody else's."""

    @property
    def sky(self) -> Sky:
        """Which clear sky the factor is a share of."""
        return "formula"

    def factors(self, users: Users, moment: datetime) -> Floats:
        """Return the factor of each user, shape (n,). A factor holds until the next one, for an hour at most.

        Raises:
            InvalidInputError: If the file has no series for a user, or none that covers the moment.
        """
        ids, row = np.unique(users.weather_id, return_inverse=True)
        problems = Problems()
        values = [self._factor(str(name), moment, problems) for name in ids]
        problems.raise_if_any()
        return np.array(values, dtype=np.float64)[row.reshape(-1)]

    def _factor(self, name: str, moment: datetime, problems: Problems) -> float:
        if name not in self.series:
            known = ", ".join(repr(known) for known in self.series)
            problems.add(self.path, f"no factors for weather_id {name!r}", known, "add its rows to the file")
            return 0.0
        times, factors = self.series[name]
        place = bisect_right(times, moment) - 1
        if place < 0 or moment - times[place] >= _HOLD:
            problems.add(
                self.path,
                f"no factor of weather_id {name!r} at {moment.isoformat()}",
                f"a row at this time or less than an hour before; the file has {times[0].isoformat()} to "
                f"{times[-1].isoformat()}",
                "bring a newer file",
            )
            return 0.0
        return factors[place]


def read_weather_file(path: str | os.PathLike[str]) -> FileWeather:
    """Read factors from a file with the columns timestamp, factor and, if wanted, weather_id.

    Args:
        path: A comma-separated file in UTF-8; timestamps in ISO 8601, without a zone they are UTC.

    Raises:
        InvalidInputError: With every problem of the file.
    """
    file = Path(path)
    cells = read_cells(file, ("timestamp", "factor"), ("weather_id",))
    problems = Problems()
    problems.extend(cells.header_problems)
    problems.raise_if_any()
    ids = cells.columns.get("weather_id", ("",) * len(cells))
    found: dict[str, dict[datetime, float]] = {}
    wrong: list[int] = []
    again: list[int] = []
    rows = zip(cells.lines.tolist(), ids, cells.columns["timestamp"], cells.columns["factor"], strict=True)
    for line, name, stamp, cell in rows:
        factor = number_of(cell)
        try:
            moment = as_utc(datetime.fromisoformat(stamp.strip()))
        except (ValueError, OverflowError):
            moment = None
        if moment is None or factor is None or not 0.0 <= factor <= HIGHEST_FACTOR:
            wrong.append(line)
        elif moment in found.setdefault(name.strip(), {}):
            again.append(line)
        else:
            found[name.strip()][moment] = factor
    allowed = f"a time in ISO 8601 and a factor from 0 to {HIGHEST_FACTOR:g}"
    if wrong:
        problems.add(f"{file.name} {lines_in_words(wrong)}", "no time or no factor", allowed, "mend these rows")
    if again:
        problems.add(f"{file.name} {lines_in_words(again)}", "a time that stands further up", "every time once", "")
    if not found and not wrong:
        problems.add(file.name, "no rows", "at least one factor", "export it again")
    problems.raise_if_any()
    ordered = {name: sorted(series.items()) for name, series in sorted(found.items())}
    return FileWeather(
        str(path), {name: (tuple(t for t, _ in pairs), tuple(f for _, f in pairs)) for name, pairs in ordered.items()}
    )
