"""Clouds by chance: a clear-sky index for every cluster and quarter hour that hangs together in time.

Three waves of chance are added: one a day long, one of four hours, one of half an hour. Each runs straight
between random points and is scaled so that it is normally distributed at every moment. The sum, again normal, is
mapped to the distribution of a measured clear-sky index. Any step can be asked without the ones before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from afterbay.community.cycle.draws import stream_of

if TYPE_CHECKING:
    from afterbay.community.cycle.sun import Sky
    from afterbay.community.cycle.users import Users
    from afterbay.core.compiled import Floats

__all__ = ["QUANTILES", "CloudWeather", "clear_sky_index"]

_WAVES: Final = ((timedelta(hours=24), 0.30), (timedelta(hours=4), 0.45), (timedelta(minutes=30), 0.25))
"""Distance of the random points, and share of the variance."""
QUANTILES: Final = (0.0, 0.170, 0.261, 0.356, 0.469, 0.592, 0.734, 0.897, 1.027, 1.111, 1.2)
"""Deciles of global light over a clear sky in quarter hours with the sun above 10 degrees, Düsseldorf 2024
(DWD station data, CC BY 4.0); the highest is cut at 1.2."""
_NORMAL: Final = NormalDist()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CloudWeather:
    """Clouds over a clear sky; users of one cluster are under the same ones.

    The seed is its own, not that of a tick: the sky goes on from tick to tick whatever seed a tick has.
    """

    seed: int = 0
    sky: Sky = "pvlib"
    """Which clear sky the clouds are before; `pvlib` needs the extra `solar`."""

    def factors(self, users: Users, moment: datetime) -> Floats:
        """Return the factor of each user, shape (n,)."""
        clusters, row = np.unique(users.cluster, return_inverse=True)
        values = [clear_sky_index(self.seed, str(cluster), moment) for cluster in clusters]
        return np.array(values, dtype=np.float64)[row.reshape(-1)]


def clear_sky_index(seed: int, cluster: str, moment: datetime) -> float:
    """Return light over clear sky [-] for a cluster in the quarter hour that begins at `moment`, 0..1.2."""
    total = sum(math.sqrt(share) * _wave(seed, cluster, distance, moment) for distance, share in _WAVES)
    place = _NORMAL.cdf(total) * (len(QUANTILES) - 1)
    low = min(int(place), len(QUANTILES) - 2)
    return QUANTILES[low] + (QUANTILES[low + 1] - QUANTILES[low]) * (place - low)


def _wave(seed: int, cluster: str, distance: timedelta, moment: datetime) -> float:
    number, rest = divmod(moment - _EPOCH, distance)
    after = rest / distance
    before = 1.0 - after
    here, there = (_point(seed, cluster, distance, number + step) for step in (0, 1))
    # Divided by its own spread, so that the middle between two points is no calmer than the points.
    return (before * here + after * there) / math.hypot(before, after)


def _point(seed: int, cluster: str, distance: timedelta, number: int) -> float:
    drawn = stream_of("clouds", seed, cluster, distance.total_seconds(), number)
    # 52 bits, so that the number stays below 1.
    return _NORMAL.inv_cdf(((drawn >> 12) + 0.5) / 2**52)
