"""From plan to plant: a sized option of a study as an asset, and its day as something to compare with.

The study counts round-trip efficiency in percent, the fleet one way as a fraction: the square root is taken here
and nowhere else.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import InvalidInputError, NotFoundError, Problem
from afterbay.core.units import one_way_efficiency, percent_to_fraction
from afterbay.fleet.inventory.editing import add_asset, add_site, replace_asset
from afterbay.fleet.inventory.records import Asset, Inventory, Site
from afterbay.sizing.days import count_days, day_steps
from afterbay.sizing.stored_run import StoredRun, read_run, reading

if TYPE_CHECKING:
    from afterbay.sizing.simulation import HourlyResults

__all__ = ["PlanDay", "asset_from_study", "option_of_asset", "place_asset", "plan_day", "site_named"]

FloatArray = NDArray[np.float64]

_NAMESPACE: Final = uuid.UUID("6f1f2c1e-5f4e-5b7b-9d53-0f4c3f1a2b70")
_STUDY_RAMP_MW_PER_MIN: Final = 1000.0
"""A study steps by the hour and knows no ramp; this is the documents' rate, too fast to be seen."""


@dataclass(frozen=True, slots=True)
class PlanDay:
    """What an option was to do on one day. Power in MW, + leaves the battery; steps are labelled by their start."""

    option: int
    label: str
    start: datetime
    """Of the first step, on the day that it is compared with."""
    dt_h: float
    power_mw: FloatArray
    """Mean over each step, shape (n,)."""
    soc_pct: FloatArray
    """At the start of the day and at the end of each step, shape (n + 1,)."""
    capacity_mwh: float
    usable_mwh: float
    max_mw: float

    @property
    def end(self) -> datetime:
        """End of the last step."""
        return self.start + timedelta(hours=self.dt_h * len(self.power_mw))


def asset_from_study(
    run: StoredRun | Path | str,
    option: str | int,
    site: Site,
    *,
    name: str | None = None,
    ramp_rate_mw_per_min: float | None = None,
    device: str | None = None,
) -> Asset:
    """Return the battery of an option as an asset of a site; the same option there always has the same id.

    Args:
        run: A run of `afterbay size`, or its folder.
        option: `best`, or the number of an option.
        site: Where it is to stand.
        name: None: the project's name and the option's number.
        ramp_rate_mw_per_min: A study knows none; None: 1000 MW/min.
        device: Where it is reached; None: the simulator.

    Raises:
        NotFoundError: If there is no such run or option.
        InvalidInputError: If the run is damaged, or the option has no battery.
    """
    stored = run if isinstance(run, StoredRun) else read_run(Path(run))
    row = stored.row_of(str(option))
    with reading(stored.folder):
        setup, number = stored.facts["config"]["setup_config"], int(stored.results["option"][row])
        capacity, power = float(stored.results["capacity"][row]), float(stored.results["power"][row])
        project = str(stored.facts["project"]["name"] or stored.folder.name)
        efficiency = one_way_efficiency(percent_to_fraction(setup["bess_efficiency"]))
        low, high = float(setup["bess_min_soc"]), float(setup["bess_max_soc"])
    if capacity <= 0.0 or power <= 0.0:
        got = f"{number}: {capacity:g} MWh, {power:g} MW"
        raise InvalidInputError(Problem("option", got, "an option with a battery", "choose one of another size"))
    return Asset(
        id=_asset_id(stored, number, site.id),
        site_id=site.id,
        name=name or f"{project} {number}",
        capacity_mwh=capacity,
        max_mw=power,
        min_mw=-power,
        efficiency=efficiency,
        ramp_rate_mw_per_min=_STUDY_RAMP_MW_PER_MIN if ramp_rate_mw_per_min is None else ramp_rate_mw_per_min,
        min_soc_pct=low,
        max_soc_pct=high,
        device=device or "sim:",
    )


def option_of_asset(run: StoredRun, asset_id: str, site_id: str) -> int | None:
    """Return the number of the option that an asset was made of, or None if it was not made of this run."""
    numbers = (int(number) for number in run.results["option"])
    return next((number for number in numbers if _asset_id(run, number, site_id) == asset_id), None)


def place_asset(
    inventory: Inventory,
    asset: Asset,
    *,
    keeps: tuple[str, ...] = ("name", "ramp_rate_mw_per_min", "device"),
) -> Inventory:
    """Return the inventory with the asset in it; one that is there already gets the study's battery.

    What the study does not know (its device, a limit by heat, a reserve) stays as somebody wrote it, and so do the
    fields in `keeps`.

    Raises:
        InvalidInputError: If the whole cannot be operated.
    """
    before = inventory.asset(asset.id)
    if before is None:
        return add_asset(inventory, asset)
    battery = ("capacity_mwh", "max_mw", "min_mw", "efficiency", "min_soc_pct", "max_soc_pct")
    told = tuple(name for name in ("name", "ramp_rate_mw_per_min", "device") if name not in keeps)
    return replace_asset(inventory, replace(before, **{field: getattr(asset, field) for field in (*battery, *told)}))


def site_named(inventory: Inventory, name: str, *, make: bool = False) -> tuple[Inventory, Site]:
    """Return a site by id or name, and the inventory; with `make` one that is not there is added.

    Raises:
        NotFoundError: If there is none.
        InvalidInputError: If two sites have this name.
    """
    wanted = name.strip().casefold()
    found = [site for site in inventory.sites if wanted in (site.id.casefold(), site.name.casefold())]
    if len(found) > 1:
        raise InvalidInputError(Problem("site", f"{name}, twice", "one site", "give its id"))
    if found:
        return inventory, found[0]
    if not make:
        known = ", ".join(site.name for site in inventory.sites[:6]) or "none"
        raise NotFoundError(f"no site is called {name!r} -> there is {known}; --new-site makes one")
    site = Site(str(uuid.uuid5(_NAMESPACE, f"site/{wanted}")), name.strip())
    return add_site(inventory, site), site


def plan_day(
    run: StoredRun, option: str | int, day: date, *, plan: int | None = None, zone: tzinfo | None = None
) -> PlanDay:
    """Return what an option was to do on a calendar day.

    The day begins and ends in the study's own clock, which knows no change of clocks, so it always has 24 hours.

    Args:
        run: The study.
        option: `best`, or the number of an option.
        day: Day of the plant.
        plan: Day of the study, from 1; None: the same month and day of the study's year.
        zone: Clock of the plant's day; None: the study's, or UTC when it has no calendar.

    Raises:
        NotFoundError: If the study has no such day.
    """
    row = run.row_of(str(option))
    with reading(run.folder):
        hourly = run.simulate(row)
        number = int(run.results["option"][row])
        label = f"{run.results['capacity'][row]:g} MWh / {run.results['power'][row]:g} MW"
    chosen = _same_day(run, hourly, day) if plan is None else plan
    steps = day_steps(hourly, chosen)
    params = hourly.params
    before = params.bess_initial_soc * 100.0 if steps.start == 0 else float(hourly.soc_pct[steps.start - 1])
    clock = zone or (run.start.tzinfo if run.start is not None else None) or UTC
    return PlanDay(
        option=number,
        label=label,
        start=datetime(day.year, day.month, day.day, tzinfo=clock).astimezone(UTC),
        dt_h=params.dt_h,
        power_mw=np.asarray(hourly.bess_power[steps], dtype=np.float64),
        soc_pct=np.concatenate(([before], hourly.soc_pct[steps])),
        capacity_mwh=params.bess_capacity,
        usable_mwh=params.usable_mwh,
        max_mw=float(run.results["power"][row]),
    )


def _same_day(run: StoredRun, hourly: HourlyResults, day: date) -> int:
    if run.start is None:
        last = count_days(hourly)
        raise NotFoundError(f"the study has no calendar -> say which of its days is meant, 1..{last}: --plan-day")
    first = run.start.date()
    for year in (first.year, first.year + 1):
        try:
            place = (day.replace(year=year) - first).days + 1
        except ValueError:
            continue
        if 1 <= place <= count_days(hourly):
            return place
    last_day = date.fromordinal(first.toordinal() + count_days(hourly) - 1)
    raise NotFoundError(
        f"the study has no {day:%d %B}: it goes from {first} to {last_day} -> name one of its days: --plan-day"
    )


def _asset_id(run: StoredRun, number: int, site_id: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{run.facts['input_hash']}/{number}/{site_id.lower()}"))
