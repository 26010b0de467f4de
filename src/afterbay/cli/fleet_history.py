"""`afterbay fleet history`: the past of one asset as a table, CSV, Parquet or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from afterbay.cli import numbers, output
from afterbay.cli.fleet_words import NOTHING, direction, signed_mw
from afterbay.cli.tables import table
from afterbay.core.errors import InvalidInputError, Problem
from afterbay.core.output_file import check_file, write_whole

if TYPE_CHECKING:
    from afterbay.client import Fleet
    from afterbay.fleet.messages import Telemetry

__all__ = ["show_history"]

_MOST_ROWS = 40


def show_history(
    fleet: Fleet,
    name: str,
    *,
    start: str,
    end: str,
    step: str | None,
    as_csv: bool,
    parquet: Path | None,
    as_json: bool,
) -> None:
    """Show samples of an asset, oldest first.

    Raises:
        InvalidInputError: If several forms are asked for at once.
        UnavailableError: If the headend has no database.
    """
    forms = [name for name, wanted in (("--csv", as_csv), ("--parquet", parquet), ("--json", as_json)) if wanted]
    if len(forms) > 1:
        raise InvalidInputError(Problem("form", " and ".join(forms), "one of them", "choose one"))
    if parquet is not None:
        check_file(parquet, ".parquet")
    asset = fleet.asset(name)
    samples = asset.history(start, end, step=step)
    if as_csv:
        from afterbay.plant import telemetry_csv

        typer.echo(telemetry_csv(samples), nl=False)
    elif parquet is not None:
        from afterbay.plant import telemetry_parquet

        write_whole(parquet, telemetry_parquet(samples))
        output.note(f"written: {parquet}, {len(samples):,} samples of {asset.name}")
    elif as_json:
        from afterbay.plant import telemetry_rows

        output.json_document({"asset_id": asset.id, "name": asset.name, "samples": telemetry_rows(samples)})
    else:
        output.lines(_lines(samples, asset.name))


def _lines(samples: list[Telemetry], name: str) -> list[str]:
    if not samples:
        return [f"no samples of {name} in this time"]
    shown = samples[-_MOST_ROWS:]
    rows = [
        [
            f"{one.timestamp:%d %b %H:%M:%S}",
            direction(one.mw, one.status, one.asset_type),
            signed_mw(one.setpoint_mw),
            NOTHING if one.soc_pct is None else numbers.percent(one.soc_pct),
            NOTHING if one.soc_mwh is None else numbers.energy(one.soc_mwh),
            one.fault_code or one.limited_by or "",
            "" if one.quality == "good" else one.quality,
        ]
        for one in shown
    ]
    head = ("UTC", "POWER", "SETPOINT", "SOC", "ENERGY", "LIMITED BY", "QUALITY")
    more = f" (the last {len(shown)} are shown; --csv gives all)" if len(shown) < len(samples) else ""
    return [*table(head, rows, left=(0, 1, 5, 6)), "", f"{len(samples):,} samples of {name}{more}"]
