"""What households own and how they live: the constants of the household stream.

The figures are round numbers of ours, chosen once so that 85 built houses look like 85 measured ones
(docs/concepts/community-profiles.md shows both side by side). No measured value is kept here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from afterbay.core.compiled import Floats

__all__ = ["APPLIANCES", "RHYTHMS", "RHYTHM_SHARES", "Rhythm", "Use", "appliance_table"]

AWAKE, MORNING, SUPPER, MIDDAY, EVENING, TIMER = range(6)
"""When an event may start: up and in, after getting up, around supper, at midday, until bed, by a timer."""


@dataclass(frozen=True, slots=True)
class Use:
    """One way in which an appliance is used."""

    name: str
    kw: float
    hours: float
    """Mean duration [h]."""
    when: int
    weekend: float
    """Events at a weekend over events on a weekday [-]."""
    cold_share: float
    """Share of the events that follows the cold [-]."""
    timer_h: float
    per_day: float
    """Events a day in a household of 3,900 kWh."""
    ownership: float
    """Share of households that have it [-]."""
    with_: int | None = None
    """Row of the use that it comes with; None: on its own."""


APPLIANCES: tuple[Use, ...] = (
    Use("kettle", 2.4, 0.06, AWAKE, 1.1, 0.0, 0.0, 4.0, 0.97),
    Use("breakfast", 1.1, 0.10, MORNING, 1.0, 0.0, 0.0, 1.2, 0.90),
    Use("hob", 1.5, 0.50, SUPPER, 1.0, 0.0, 0.0, 0.9, 0.60),
    Use("hob at midday", 1.6, 0.40, MIDDAY, 1.6, 0.0, 0.0, 0.6, 0.60, with_=2),
    Use("oven", 1.7, 0.70, SUPPER, 1.3, 0.0, 0.0, 0.4, 0.70),
    Use("microwave", 1.3, 0.12, AWAKE, 1.0, 0.0, 0.0, 1.0, 0.90),
    Use("shower", 7.5, 0.10, MORNING, 1.0, 0.0, 0.0, 0.7, 0.22),
    Use("shower in the evening", 7.5, 0.10, EVENING, 1.0, 0.0, 0.0, 0.4, 0.22, with_=6),
    Use("water heater", 2.8, 0.90, TIMER, 1.0, 0.2, 5.5, 0.9, 0.15),
    Use("washing, heating", 2.0, 0.40, AWAKE, 1.4, 0.0, 0.0, 0.6, 0.95),
    Use("washing, running", 0.25, 1.00, AWAKE, 1.4, 0.0, 0.0, 0.6, 0.95, with_=9),
    Use("dryer", 2.2, 1.00, AWAKE, 1.3, 0.3, 0.0, 0.4, 0.50),
    Use("dishwasher", 1.8, 0.60, AWAKE, 1.0, 0.0, 0.0, 0.6, 0.40),
    Use("television", 0.16, 2.50, EVENING, 1.1, 0.0, 0.0, 1.3, 0.95),
    Use("computer", 0.12, 3.00, AWAKE, 1.1, 0.0, 0.0, 0.9, 0.80),
    Use("iron and vacuum", 1.6, 0.40, AWAKE, 1.2, 0.0, 0.0, 0.25, 0.80),
    Use("heater", 1.3, 3.00, AWAKE, 1.1, 0.95, 0.0, 1.2, 0.45),
    Use("storage heater", 1.7, 3.50, TIMER, 1.0, 0.8, 0.3, 1.0, 0.14),
)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A day: wake, leave, return, sleep [h]; above 24 it is the next morning."""

    hours: tuple[float, float, float, float]
    home_chance: float
    """Chance to stay at home on a weekday [-]."""


RHYTHMS: Mapping[str, Rhythm] = {
    "day_worker": Rhythm((7.1, 9.0, 16.3, 23.6), 0.40),
    "home_worker": Rhythm((7.8, 11.5, 14.0, 23.9), 0.85),
    "night_worker": Rhythm((14.5, 21.0, 30.5, 32.0), 0.30),
}
RHYTHM_SHARES = (0.30, 0.62, 0.08)
"""How often each rhythm is drawn for an unspecified household."""


def appliance_table() -> Floats:
    """Return the appliances as the kernel reads them, shape (n_appliances, 6)."""
    return np.array([(use.kw, use.hours, use.when, use.weekend, use.cold_share, use.timer_h) for use in APPLIANCES])
