"""Where the energy that a house used came from: its own roof, its neighbours, the utility, or the day before.

A meter does not tell solar from stored energy, so the sums of a day are taken apart by the balance of the
house, and a battery is a pool in which all energy is mixed. Equations: docs/concepts/community-results.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from afterbay.community.simulation import CommunityRun
    from afterbay.core.compiled import Floats

__all__ = ["Origins", "origins", "stored_before_kwh"]


@dataclass(frozen=True, slots=True, eq=False)
class Origins:
    """The energy of each house and local day by origin [kWh], shape (days, n_houses) each."""

    own_kwh: Floats
    """Local generation that the house used itself, at once or through its battery; the battery's part may have
    been bought from neighbours before it was stored."""
    own_generation_kwh: Floats
    """The part of it that the house generated itself."""
    shared_kwh: Floats
    """Local generation of neighbours that the house used as it came."""
    given_kwh: Floats
    """Own generation that arrived at neighbours' meters."""
    generation_charged_kwh: Floats
    """Own generation that went into the own batteries."""
    generation_exported_kwh: Floats
    """Own generation that went out through the meter as it was made."""
    battery_used_kwh: Floats
    """Discharge that the house used itself, whatever its origin."""
    battery_exported_kwh: Floats
    """Discharge that went out through the meter."""
    meter_used_kwh: Floats
    """Import that the house used as it came."""
    meter_charged_kwh: Floats
    """Import that went into the batteries."""


def origins(run: CommunityRun) -> Origins:
    """Take the daily sums of a run apart.

    In every mode but community a battery never sends energy out through the meter, and the parts are exact. In
    community mode the least discharge is taken for export that the balance of the day allows.
    """
    own, charge, discharge = (run.daily(f"{name}_kwh") for name in ("own_use", "charge", "discharge"))
    imported, exported = run.daily("import_kwh"), run.daily("export_kwh")
    bought, sold, paid = run.daily("bought_kwh"), run.daily("sold_kwh"), run.daily("paid_kwh")
    unserved = run.daily("unserved_connection_kwh") + run.daily("unserved_network_kwh")
    need = np.maximum(run.daily("load_kwh") + run.daily("car_kwh") - own - unserved, 0.0)
    stored = run.daily("stored_kwh")

    out = np.maximum(discharge - need, imported + discharge - need - charge)
    out = np.clip(out, 0.0, np.minimum(discharge, exported))
    used = np.minimum(discharge - out, need)
    meter_used = np.minimum(need - used, imported)
    # Rounding leaves dust where nothing is stored; dust would be divided by later.
    meter_charged = np.where(charge > 0.0, np.clip(imported - meter_used, 0.0, charge), 0.0)
    generation_charged = charge - meter_charged
    generation_exported = exported - out

    # Of what neighbours were sold on a day, this share is local; the rest is what batteries held before the run.
    from_neighbours = np.minimum(_share(bought, imported), 1.0)
    days, houses = own.shape
    local, own_part = np.zeros(houses), np.zeros(houses)
    before = stored_before_kwh(run)
    of_own, of_local, given, shared = (np.zeros((days, houses)) for _ in range(4))
    for day in range(days):
        pool = before + charge[day]
        own_in = own_part * before + generation_charged[day]
        own_part = np.minimum(_share(own_in, pool), 1.0)
        # A pool holds today's purchases too; what they are made of is taken from the pools as they stood.
        first_guess = np.minimum(_share(local * before + generation_charged[day], pool), 1.0)
        sent = generation_exported[day] + first_guess * out[day]
        pure = min(float(sent.sum()) / total, 1.0) if (total := float(exported[day].sum())) > 0.0 else 0.0
        local_in = local * before + generation_charged[day] + pure * from_neighbours[day] * meter_charged[day]
        local = np.minimum(_share(local_in, pool), 1.0)
        of_own[day] = own_part * used[day]
        of_local[day] = local * used[day]
        given[day] = paid[day] * np.minimum(_share(generation_exported[day] + own_part * out[day], exported[day]), 1.0)
        shared[day] = pure * from_neighbours[day] * meter_used[day]
        before = stored[day]
    return Origins(
        own_kwh=own + of_local,
        own_generation_kwh=own + of_own,
        shared_kwh=shared,
        given_kwh=np.minimum(given, sold),
        generation_charged_kwh=generation_charged,
        generation_exported_kwh=generation_exported,
        battery_used_kwh=used,
        battery_exported_kwh=out,
        meter_used_kwh=meter_used,
        meter_charged_kwh=meter_charged,
    )


def stored_before_kwh(run: CommunityRun) -> Floats:
    """Return the energy in the batteries of each house before the first step [kWh], shape (n_houses,)."""
    return np.array(
        [
            sum(min(max(b.initial_soc, b.min_soc), b.max_soc) * b.capacity_kwh for b in house.batteries)
            for house, _ in run.grid.every_house()
        ]
    )


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0.0)
