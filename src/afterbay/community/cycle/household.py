"""What a household draws in a quarter hour: people, hour, weekday, month, and chance.

All shapes are those of 85 real houses in London, 2013, at the local wall clock (Low Carbon London, UK Power
Networks, CC BY 4.0). They use 10.86 kWh a day on average; with 2.5 people, the mean household there in the
census of 2011, that is 4.36 kWh for the house and 2.6 kWh for each person. This split is an assumption of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np

from afterbay.community.cycle.contract import STEP_H, step_index
from afterbay.community.cycle.draws import hash_words, key_words, stream_of, uniform_pair
from afterbay.core.compiled import Floats

if TYPE_CHECKING:
    from datetime import datetime

    from afterbay.community.cycle.users import Users

__all__ = ["KWH_PER_DAY", "KWH_PER_PERSON_DAY", "MONTH", "WEEKDAY", "WEEKEND", "chance", "daily_kwh", "expected_kwh"]

KWH_PER_DAY: Final = 4.36
KWH_PER_PERSON_DAY: Final = 2.6
WEEKDAY: Final = (
    1.009, 0.904, 0.946, 0.872, 0.769, 0.699, 0.641, 0.604, 0.599, 0.589, 0.608, 0.604,
    0.627, 0.717, 0.748, 0.885, 0.990, 1.011, 0.992, 0.987, 0.969, 0.973, 0.964, 0.958,
    0.969, 0.987, 0.965, 0.968, 0.954, 0.945, 0.970, 0.995, 1.011, 1.116, 1.185, 1.262,
    1.308, 1.387, 1.432, 1.427, 1.403, 1.359, 1.338, 1.309, 1.265, 1.195, 1.055, 0.925,
)  # fmt: skip
"""Power of each half hour of a weekday over the mean of the year, from local midnight."""
WEEKEND: Final = (
    1.089, 0.972, 1.002, 0.911, 0.806, 0.725, 0.652, 0.607, 0.587, 0.573, 0.570, 0.584,
    0.599, 0.659, 0.658, 0.716, 0.771, 0.879, 0.957, 1.012, 1.053, 1.094, 1.110, 1.129,
    1.150, 1.189, 1.215, 1.170, 1.145, 1.146, 1.144, 1.166, 1.199, 1.232, 1.236, 1.331,
    1.366, 1.421, 1.458, 1.448, 1.391, 1.350, 1.317, 1.282, 1.241, 1.181, 1.075, 0.956,
)  # fmt: skip
MONTH: Final = (1.293, 1.254, 1.216, 1.007, 0.865, 0.819, 0.793, 0.778, 0.842, 0.916, 1.068, 1.165)


def daily_kwh(household_size: Floats) -> Floats:
    """Return the mean energy of a day [kWh], shape (n,); nobody at home uses nothing."""
    return np.where(household_size > 0.0, KWH_PER_DAY + KWH_PER_PERSON_DAY * household_size, 0.0)


def expected_kwh(household_size: Floats, moment: datetime, time_zone: str) -> Floats:
    """Return the mean consumption of the quarter hour that begins at `moment` [kWh], shape (n,)."""
    local = moment.astimezone(ZoneInfo(time_zone))
    half_hour = local.hour * 2 + local.minute // 30
    shape = (WEEKEND if local.weekday() >= 5 else WEEKDAY)[half_hour]
    return daily_kwh(household_size) * (shape * MONTH[local.month - 1] * STEP_H / 24.0)


def chance(users: Users, moment: datetime, seed: int, run_id: str) -> Floats:
    """Return a factor of mean 1 on the consumption of each user, keyed by (run, user, step); shape (n,).

    1.5 (u1² + u2²) of two uniform numbers: skewed like a real house, between 0 and 3, standard deviation 0.63
    (half hours of the measured houses: 0.70 in the median house, 0.58 to 0.90 in the middle half of them).
    """
    words = hash_words(stream_of("consumption", seed, run_id), key_words(users.keys), step_index(moment))
    first, second = uniform_pair(words)
    return 1.5 * (first * first + second * second)
