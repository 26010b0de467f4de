"""`afterbay fleet from-study, compare`: from plan to plant, and the plant beside its plan."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afterbay.cli import numbers, output
from afterbay.cli.requests import read_day
from afterbay.cli.runfolder import find_run
from afterbay.cli.tables import table
from afterbay.core.errors import InvalidInputError, NotFoundError, Problem
from afterbay.fleet.inventory import Inventory, find_inventory, read_inventory, to_entry, write_inventory
from afterbay.plant import (
    DayComparison,
    asset_from_study,
    compare_day,
    option_of_asset,
    place_asset,
    plan_day,
    read_telemetry_file,
    site_named,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from afterbay.client import Fleet
    from afterbay.fleet.messages import Telemetry
    from afterbay.sizing.stored_run import StoredRun

__all__ = ["compare_asset", "make_from_study"]


def make_from_study(
    study: Path,
    option: str,
    *,
    site: str,
    new_site: bool,
    name: str | None,
    ramp: float | None,
    device: str | None,
    assets: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Put the battery of an option into an assets file; doing it again changes nothing."""
    run = find_run(study)
    for warning in run.stale:
        output.warn(warning)
    file = assets or find_inventory(os.environ, Path.cwd())
    if file is None:
        raise NotFoundError("there is no assets.yaml here -> name one: --assets FILE (with --new-site it is made)")
    before = read_inventory(file) if file.exists() else Inventory()
    if not file.exists() and not new_site:
        raise NotFoundError(f"there is no {file} -> --new-site makes it, with the site {site!r}")
    with_site, place = site_named(before, site, make=new_site)
    asset = asset_from_study(run, option, place, name=name, ramp_rate_mw_per_min=ramp, device=device)
    given = {"name": name, "ramp_rate_mw_per_min": ramp, "device": device}
    after = place_asset(with_site, asset, keeps=tuple(field for field, value in given.items() if value is None))
    verb = "unchanged" if after == before else "updated" if before.asset(asset.id) is not None else "added"
    if not dry_run and verb != "unchanged":
        write_inventory(file, after)
    written = after.asset(asset.id)
    entry = {} if written is None else to_entry(written)
    if as_json:
        output.json_document({"written": not dry_run and verb != "unchanged", "change": verb, "file": str(file),
                              "site": to_entry(place), "asset": entry})  # fmt: skip
        return
    would = "would be " if dry_run and verb != "unchanged" else ""
    output.lines([f"{entry['name']} at {place.name}: {would}{verb} in {file}"])
    output.lines(f"  {key}: {value}" for key, value in entry.items())
    if not dry_run and verb != "unchanged":
        output.note("a headend that runs takes it with: afterbay fleet assets apply " + str(file))


def compare_asset(
    fleet: Callable[[], Fleet],
    name: str,
    *,
    study: Path,
    option: str | None,
    day: str,
    plan: str | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """Lay a day of an asset's telemetry beside the plan of an option."""
    run = find_run(study)
    for warning in run.stale:
        output.warn(warning)
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        raise InvalidInputError(Problem("--date", day, "a date such as 2026-06-21", "give one")) from None
    if file is not None:
        samples = _of_asset(read_telemetry_file(file), name)
        asset_id, site_id = (samples[0].asset_id, samples[0].site_id) if samples else ("", "")
        number = option or _option(run, asset_id, site_id)
        found = compare_day(samples, _plan(run, number, wanted, plan))
    else:
        asset = fleet().asset(name)
        number = option or _option(run, asset.id, asset.state.site_id)
        planned = _plan(run, number, wanted, plan)
        # The sample after midnight tells the last moments of the day.
        samples = asset.history(planned.start - timedelta(minutes=1), planned.end + timedelta(minutes=1))
        found = compare_day(samples, planned)
    if as_json:
        output.json_document({"asset": name, "date": day, **found.to_dict()})
    else:
        output.lines(_lines(found, name, wanted))


def _plan(run: StoredRun, option: str, day: date, plan: str | None) -> Any:
    number = None if plan is None else read_day(plan, run.simulate(run.row_of(option)), run.start)
    return plan_day(run, option, day, plan=number)


def _option(run: StoredRun, asset_id: str, site_id: str) -> str:
    number = option_of_asset(run, asset_id, site_id)
    if number is None:
        output.warn("this asset was not made from this study by from-study; it is compared with its best option")
        return "best"
    return str(number)


def _of_asset(samples: list[Telemetry], name: str) -> list[Telemetry]:
    """Return the samples of the asset that is named, by id or its beginning; a file with one asset needs no name."""
    ids = {one.asset_id for one in samples}
    chosen = {one for one in ids if one.casefold().startswith(name.casefold())} or (ids if len(ids) == 1 else set())
    if len(chosen) != 1:
        shown = ", ".join(sorted(one[:8] or "no id" for one in ids)[:6]) or "none"
        raise NotFoundError(f"the file has samples of {shown}, not of one asset {name!r} -> give its id")
    return [one for one in samples if one.asset_id in chosen]


def _lines(found: DayComparison, name: str, day: date) -> list[str]:
    plan = found.plan
    whole = plan.dt_h * len(plan.power_mw)
    counted = found.counted_out_mwh is not None and found.counted_in_mwh is not None
    rows = [
        _row("energy out", found.planned_out_mwh, found.planned_out_covered_mwh, found.actual_out_mwh, "MWh"),
        _row("energy in", found.planned_in_mwh, found.planned_in_covered_mwh, found.actual_in_mwh, "MWh"),
    ]
    if counted:
        energies = f"{_number(found.counted_out_mwh)} out, {_number(found.counted_in_mwh)} in"
        rows.append(["by its counters", "", "", energies, ""])
    rows.append(["cycles", _number(found.planned_cycles, 2), "", _number(found.actual_cycles, 2), ""])
    unknown = f", {numbers.hours(found.unknown_hours)} not known" if found.unknown_hours else ""
    delivered = f"{numbers.hours(found.delivered_hours)}{unknown}"
    rows.append(["hours of discharge", numbers.hours(found.planned_hours), "", delivered, ""])
    soc = found.mean_soc_difference_pct
    shown = "—" if soc is None else f"{numbers.signed(numbers.plain(soc, 1))} points"
    rows.append(["mean state of charge", "", "", "", shown])
    start = plan.start if plan.start.tzinfo is not None else plan.start.replace(tzinfo=UTC)
    lines = [
        f"{name}, {day}, beside option {plan.option} ({plan.label}), from {_utc(start)} to {_utc(plan.end)}",
        f"data for {numbers.hours(found.covered_h)} of {numbers.hours(whole)}, {found.samples:,} samples",
        "",
        *table(("", "PLANNED", "WHERE DATA ARE", "PLANT", "DIFFERENCE"), rows),
        "",
    ]
    if found.reasons:
        cells = [
            [reason.text, numbers.hours(reason.hours), f"{numbers.signed(_number(reason.net_mwh, 2))} MWh",
             f"{_number(reason.absolute_mwh, 2)} MWh"]
            for reason in found.reasons
        ]  # fmt: skip
        lines += [*table(("WHY IT DIFFERS", "TIME", "NET", "WITHOUT SIGN"), cells), ""]
    elif found.covered_h > 0.0:
        lines += ["the plant did what was planned, where there are data", ""]
    if found.missing_h > 1e-6:
        count = len(found.gaps)
        out = _number(found.planned_out_mwh - found.planned_out_covered_mwh)
        into = _number(found.planned_in_mwh - found.planned_in_covered_mwh)
        gaps = f"{count} gap{'s' if count > 1 else ''}"
        lines.append(
            f"no data for {numbers.hours(found.missing_h)} in {gaps}, where the plan has {out} MWh out and "
            f"{into} MWh in: nothing is said about them"
        )
    return [*lines, *(f"note: {note}" for note in found.notes)]


def _row(label: str, planned: float, covered: float, actual: float, unit: str) -> list[str]:
    difference = numbers.signed(_number(actual - covered))
    return [label, *(f"{_number(value)} {unit}" for value in (planned, covered, actual)), f"{difference} {unit}"]


def _number(value: float | None, digits: int = 1) -> str:
    return "—" if value is None else numbers.plain(value, digits)


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%d %b %Y %H:%M} UTC"
