"""`afterbay profile`: look at a file of load or sun before you use it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from afterbay.cli import output
from afterbay.core.errors import NotFoundError

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    **output.told(
        "Profiles of load and sun.",
        "afterbay profile inspect solar.csv",
        "afterbay profile inspect load.csv --unit kW --zone Europe/Berlin",
    ),
)


@app.callback()
def _group() -> None:
    """Keep `inspect` a command of its own although it is the only one yet."""


@app.command(
    **output.told(
        "Say all that was found in a profile file, and whether it can be used.",
        "afterbay profile inspect solar.csv",
        "afterbay profile inspect load.csv --unit kW --zone Europe/Berlin --gaps fill",
    )
)
def inspect(
    file: Annotated[Path, typer.Argument(help="CSV (plain or gzip) or Parquet file.")],
    column: Annotated[str | None, typer.Option(help="Column to read.")] = None,
    quantity: Annotated[str | None, typer.Option(help="load or solar.")] = None,
    unit: Annotated[str | None, typer.Option(help="MW, kW, W, MWh or kWh.")] = None,
    zone: Annotated[str | None, typer.Option(help="Clock of the stamps, such as Europe/Berlin.")] = None,
    date_order: Annotated[str | None, typer.Option(help="day_first or month_first.")] = None,
    gaps: Annotated[str, typer.Option(help="reject, keep or fill.")] = "reject",
    duplicates: Annotated[str, typer.Option(help="reject, first or mean.")] = "reject",
    negatives: Annotated[str, typer.Option(help="reject, keep or zero.")] = "reject",
    leap_day: Annotated[str, typer.Option(help="keep or drop.")] = "keep",
    step_h: Annotated[float | None, typer.Option(help="Step in hours of a file without stamps.")] = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Say all that was found in a profile file, and whether it can be used."""
    from afterbay.profiles import ProfileFileError, read_profile

    # Whatever else keeps a file from being read is the reader's to say.
    with suppress(PermissionError):
        if not file.exists():
            raise NotFoundError(f"there is no {file} -> check the path")
    options: dict[str, Any] = {"unit": unit, "zone": zone, "date_order": date_order, "gaps": gaps}
    options |= {"duplicates": duplicates, "negatives": negatives, "leap_day": leap_day, "dt_h": step_h}
    options |= {"column": column, "quantity": quantity}
    try:
        profile = read_profile(file, **options)
    except ProfileFileError as error:
        # The report is the answer to the question, also when the file cannot be used; with --json the
        # problem document stands alone.
        if not as_json:
            output.lines(error.report.lines())
        raise
    facts = _facts(profile)
    if as_json:
        output.json_document({"report": profile.report.to_dict(), "statistics": facts})
        return
    output.lines(profile.report.lines())
    output.lines(f"{name}: {value:,.4g}" for name, value in facts.items())


def _facts(profile: Any) -> dict[str, float]:
    """Return what the numbers are like: lowest, mean, highest, and energy where there is a step."""
    import numpy as np

    values = profile.values[np.isfinite(profile.values)]
    if not values.size:
        return {}
    unit = profile.report.values_unit
    facts = {f"lowest ({unit})": values.min(), f"mean ({unit})": values.mean(), f"highest ({unit})": values.max()}
    if unit == "MW" and profile.dt_h is not None:
        facts["energy (MWh)"] = values.sum() * profile.dt_h
    return {name: float(value) for name, value in facts.items()}
