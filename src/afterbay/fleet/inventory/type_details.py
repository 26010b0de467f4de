"""What `details` of an asset may hold: the inputs of the simulated plant of its type.

They describe a simulated plant only; an asset behind a real device needs none of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from afterbay.core.checks import is_number
from afterbay.fleet.inventory.words import shown, suggest

if TYPE_CHECKING:
    from collections.abc import Callable

    from afterbay.fleet.inventory.records import Asset

    Note = Callable[[str, object, str, str], None]

__all__ = ["DETAIL_KEYS", "DetailKey", "check_details", "minute_of_day"]

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\Z")
_DAY_MIN: Final = 1440


@dataclass(frozen=True, slots=True)
class DetailKey:
    """What may stand under one key of `details`."""

    kind: Literal["number", "whole", "day", "curve", "sessions"]
    least: float = 0.0
    most: float = 1e6
    unit: str = ""
    above_least: bool = False


def _positive(unit: str, most: float = 1e6) -> DetailKey:
    return DetailKey("number", 0.0, most, unit, above_least=True)


DETAIL_KEYS: Final[Mapping[str, Mapping[str, DetailKey]]] = MappingProxyType(
    {
        "storage": {},
        "pv": {
            "dc_mw": _positive("MW"),
            "performance_fraction": _positive("", 1.0),
            "irradiance_wm2": DetailKey("day", 0.0, 1500.0, "W/m2"),
            "latitude": DetailKey("number", -90.0, 90.0, "degrees"),
            "longitude": DetailKey("number", -180.0, 180.0, "degrees"),
        },
        "wind": {
            "cut_in_ms": DetailKey("number", 0.0, 30.0, "m/s"),
            "rated_ms": _positive("m/s", 40.0),
            "cut_out_ms": _positive("m/s", 60.0),
            "power_curve": DetailKey("curve", 0.0, 60.0, "m/s"),
            "wind_ms": DetailKey("day", 0.0, 100.0, "m/s"),
            "mean_wind_ms": _positive("m/s", 30.0),
            "weibull_shape": DetailKey("number", 1.0, 10.0),
            "correlation_h": _positive("h", 1000.0),
        },
        "ev": {
            "points": DetailKey("whole", 1.0, 10_000.0),
            "point_mw": _positive("MW"),
            "sessions": DetailKey("sessions"),
            "sessions_per_day": DetailKey("number", 0.0, 1e6),
            "session_mwh": _positive("MWh"),
            "stay_h": _positive("h", 168.0),
        },
    }
)


def check_details(asset: Asset, note: Note) -> None:
    """Note what is wrong with the details of an asset."""
    known = DETAIL_KEYS.get(asset.asset_type)
    if known is None:
        return
    for key, value in asset.details.items():
        where = f"details.{key}"
        if key not in known:
            allowed = f"details of {asset.asset_type}: {', '.join(known) or 'none'}"
            note(where, "an unknown key", allowed, suggest(key, known))
        else:
            _check_one(where, value, known[key], note)
    if asset.asset_type == "wind":
        _check_wind(asset, note)
    place = ("latitude" in asset.details, "longitude" in asset.details)
    if place[0] != place[1]:
        note("details", "one of latitude and longitude", "both or neither", "give the other one")
    if asset.asset_type == "ev" and "sessions" in asset.details:
        for key in ("sessions_per_day", "session_mwh", "stay_h"):
            if key in asset.details:
                note(f"details.{key}", "beside a list of sessions", "listed sessions or random ones", "drop one")


def minute_of_day(text: object) -> int | None:
    """Return the minute of a time such as 07:30, or None if it is none."""
    found = _TIME.match(text) if isinstance(text, str) else None
    return None if found is None else int(found[1]) * 60 + int(found[2])


def _check_one(where: str, value: object, rule: DetailKey, note: Note) -> None:
    if rule.kind in ("number", "whole"):
        if not _in_range(value, rule) or (rule.kind == "whole" and value != int(value)):  # type: ignore[call-overload]
            note(where, value, _allowed(rule), "give a number in this range")
    elif rule.kind == "day":
        if not isinstance(value, (list, tuple)) or not value or _DAY_MIN % len(value):
            got = f"{len(value)} values" if isinstance(value, (list, tuple)) else shown(value)
            note(where, got, "a day from 00:00 UTC in even steps", "24 values, one per hour, for example")
        elif not all(_in_range(item, rule) for item in value):
            note(where, value, f"each {_allowed(rule)}", "correct these values")
    elif rule.kind == "curve":
        _check_curve(where, value, rule, note)
    else:
        _check_sessions(where, value, note)


def _check_curve(where: str, value: object, rule: DetailKey, note: Note) -> None:
    pairs = value if isinstance(value, (list, tuple)) else ()
    if len(pairs) < 2 or not all(
        isinstance(pair, (list, tuple)) and len(pair) == 2 and _in_range(pair[0], rule) and is_number(pair[1])
        and 0.0 <= pair[1] <= 1.0
        for pair in pairs
    ):  # fmt: skip
        note(where, value, "pairs of wind speed [m/s] and share of max_mw", "such as [[3, 0], [12, 1], [25, 1]]")
    elif any(after[0] <= before[0] for before, after in pairwise(pairs)):
        note(where, value, "wind speeds that rise", "put the pairs in order")


def _check_sessions(where: str, value: object, note: Note) -> None:
    allowed = "a list of {arrive: HH:MM, depart: HH:MM, energy_mwh: number}, UTC, every day"
    if not isinstance(value, (list, tuple)):
        note(where, value, allowed, "give one entry per car")
        return
    for place, session in enumerate(value):
        good = isinstance(session, Mapping) and set(session) == {"arrive", "depart", "energy_mwh"}
        if good:
            start, end = minute_of_day(session["arrive"]), minute_of_day(session["depart"])
            energy = session["energy_mwh"]
            good = start is not None and end is not None and start != end and is_number(energy) and energy > 0.0
        if not good:
            note(f"{where}[{place}]", session, allowed, "correct this entry; times may go past midnight")


def _check_wind(asset: Asset, note: Note) -> None:
    speeds = [asset.details.get(key, usual) for key, usual in (("cut_in_ms", 3), ("rated_ms", 12), ("cut_out_ms", 25))]
    if all(is_number(speed) for speed in speeds) and not speeds[0] < speeds[1] <= speeds[2]:  # type: ignore[operator]
        note("details.rated_ms", shown(speeds), "cut_in_ms < rated_ms <= cut_out_ms", "put them in order")
    if "power_curve" in asset.details:
        for key in ("cut_in_ms", "rated_ms", "cut_out_ms"):
            if key in asset.details:
                note(f"details.{key}", "beside a power_curve", "the curve or the three speeds", "drop one of them")
    if "wind_ms" in asset.details:
        for key in ("mean_wind_ms", "weibull_shape", "correlation_h"):
            if key in asset.details:
                note(f"details.{key}", "beside wind_ms", "a day of wind or a random one", "drop one of them")


def _in_range(value: object, rule: DetailKey) -> bool:
    if not is_number(value):
        return False
    number = float(value)  # type: ignore[arg-type]
    return (rule.least < number if rule.above_least else rule.least <= number) and number <= rule.most


def _allowed(rule: DetailKey) -> str:
    least = f"above {rule.least:g}, up to {rule.most:g}" if rule.above_least else f"{rule.least:g}..{rule.most:g}"
    return f"{'a whole number ' if rule.kind == 'whole' else ''}{least} {rule.unit}".rstrip()
