"""What the user asks for in short words: `--set`, `--grid`, `--goal`, an option, a day, an hour."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from afterbay.core.errors import InvalidInputError, NotFoundError, Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from afterbay.sizing.simulation import HourlyResults

__all__ = ["read_day", "read_goal", "read_grid", "read_hour", "read_settings"]

_AXES: Final = {"bess": "capacity", "hours": "durations", "dg": "dg", "solar": "solar"}
_GOAL_NAMES: Final = {
    "delivery": "delivery_target_pct",
    "curtailed": "max_wastage_pct",
    "dg_hours": "max_dg_hours",
    "green": "green_energy_target_pct",
}
_LEAST: Final = {
    "size": "min_bess_size",
    "curtailed": "min_wastage",
    "dg_hours": "min_dg_hours",
    "cycles": "min_cycles",
    "cost": "min_cost",
}
_CLAUSE: Final = re.compile(r"\s*([a-z_]+)\s*(>=|<=|==|=)\s*([^\s].*?)\s*%?\s*$")


def read_settings(settings: Sequence[str]) -> dict[str, Any]:
    """Read `--set section.key=value`; the value is written as in the project file."""
    import yaml

    problems, found = Problems(), {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or "." not in name:
            problems.add("--set", text, "section.key=value", "such as --set setup_config.load_mw=12")
            continue
        try:
            found[name.strip()] = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError, RecursionError):
            problems.add("--set", text, "a value as in the project file", "put text in quotes")
    problems.raise_if_any()
    return found


def read_grid(text: str) -> dict[str, Any]:
    """Read `bess=50:250:50,hours=4,dg=0:10:5`: from:to:step, or numbers with commas.

    Returns:
        Values for `sizing_config`, by path.
    """
    axes: dict[str, list[str]] = {}
    problems, name = Problems(), ""
    for part in text.replace(" ", "").split(","):
        before, equals, after = part.partition("=")
        if equals:
            name = before
            if name not in _AXES:
                problems.add("--grid", part, "bess= (MWh), hours= (h), dg= (MW), solar= (MW)", "choose one of these")
            elif name in axes:
                problems.add("--grid", part, "every axis once", f"join the two {name}=")
        axes.setdefault(name, []).append(after if equals else part)
    values: dict[str, Any] = {}
    for axis, parts in axes.items():
        if axis in _AXES:
            values |= _axis(axis, parts, problems)
        elif not axis:
            problems.add("--grid", text, "axis=numbers", "such as --grid bess=50:250:50,hours=4,dg=0:10:5")
    problems.raise_if_any()
    return values


def _axis(axis: str, parts: list[str], problems: Problems) -> dict[str, Any]:
    key = f"sizing_config.{_AXES[axis]}"
    try:
        if len(parts) == 1 and ":" in parts[0]:
            least, most, step = (float(number) for number in parts[0].split(":"))
            if axis == "hours":
                from afterbay.sizing.grid import inclusive_range

                return {key: list(inclusive_range(least, most, step))}
            # A list in the project file would win over the range, so it is taken away.
            ends: dict[str, Any] = {f"{key}_min": least, f"{key}_max": most, f"{key}_step": step}
            return {**ends, f"{key}_values": None}
        numbers = [float(number) for number in parts]
    except InvalidInputError:
        raise
    except ValueError:
        problems.add("--grid", f"{axis}={','.join(parts)}", "from:to:step, or numbers with commas", "such as 50:250:50")
        return {}
    return {key: numbers} if axis == "hours" else {f"{key}_values": numbers}


def read_goal(text: str) -> dict[str, Any]:
    """Read `delivery>=99,min=cost`: limits and what to keep small, on top of the project's goal.

    Returns:
        Values for `sizing_config.optimization_goal`, by path.
    """
    problems = Problems()
    goal: dict[str, Any] = {}
    for clause in text.split(","):
        match = _CLAUSE.match(clause)
        allowed = "delivery>=99, delivery==99, delivery=max, curtailed<=10, dg_hours<=500, green>=60, min=cost"
        if match is None:
            problems.add("--goal", clause.strip() or "nothing", allowed, "join clauses by commas, in quotes")
            continue
        name, sign, value = match.groups()
        if name == "min" and sign == "=":
            if value in _LEAST:
                goal["optimize_for"] = _LEAST[value]
            else:
                problems.add("--goal", clause.strip(), f"min={'|'.join(_LEAST)}", "choose one of these")
            continue
        if name == "delivery" and value == "max" and sign == "=":
            goal |= {"delivery_mode": "maximize", "delivery_target_pct": None}
            continue
        fits = {"delivery": (">=", "==", "="), "curtailed": ("<=",), "dg_hours": ("<=",), "green": (">=",)}
        number = _number(value)
        if sign not in fits.get(name, ()) or number is None:
            problems.add("--goal", clause.strip(), allowed, "join clauses by commas, in quotes")
            continue
        if name == "delivery":
            goal["delivery_mode"] = "at_least" if sign == ">=" else "exactly"
        goal[_GOAL_NAMES[name]] = number
    problems.raise_if_any()
    return {f"sizing_config.optimization_goal.{name}": value for name, value in goal.items()}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def read_day(text: str, results: HourlyResults, start: datetime | None) -> int:
    """Return the day a word, a number or a date stands for, from 1.

    Raises:
        InvalidInputError: If it is none of these.
        NotFoundError: If the run does not have this day.
    """
    from afterbay.sizing.days import best_day, count_days, typical_day, worst_day

    words = {"worst": worst_day, "best": best_day, "typical": typical_day}
    if text in words:
        return words[text](results)
    last = count_days(results)
    if text.isdigit():
        if not 1 <= int(text) <= last:
            raise NotFoundError(f"there is no day {text} -> this run has days 1..{last}")
        return int(text)
    try:
        wanted = date.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            Problem("--day", text, "worst, best, typical, a number from 1, or a date such as 2019-12-14", "choose one")
        ) from None
    if start is None:
        raise NotFoundError(f"there is no date {text} -> these profiles have no calendar, use a number 1..{last}")
    day = (wanted - start.date()).days + 1
    if not 1 <= day <= last:
        end = date.fromordinal(start.date().toordinal() + last - 1)
        raise NotFoundError(f"there is no day {text} -> this run goes from {start.date()} to {end}")
    return day


def read_hour(text: str, dt_h: float) -> int:
    """Return which step of a day `03:00` or `3` lies in, from 0."""
    match = re.fullmatch(r"(\d{1,2})(?::(\d{2}))?", text.strip())
    if match is None or int(match[1]) > 23 or int(match[2] or 0) > 59:
        raise InvalidInputError(Problem("--hour", text, "00:00 to 23:59", "such as --hour 03:00"))
    return int((int(match[1]) + int(match[2] or 0) / 60.0) / dt_h + 1e-9)
