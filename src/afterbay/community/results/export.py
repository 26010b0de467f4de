"""Write tables as Parquet or CSV: whole files only, the same bytes for the same run."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from afterbay.community.results.frames import houses_frame, kpis_frame, nodes_frame, series_frame
from afterbay.core.errors import InvalidInputError, MissingExtraError, Problem
from afterbay.core.output_file import check_file, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from afterbay.community.simulation import CommunityRun

__all__ = ["export_run", "write_frame"]

_ENDINGS = (".csv", ".parquet")


def write_frame(frame: pd.DataFrame, path: Path | str) -> Path:
    """Write one table; the ending of the name says how.

    In CSV, times carry their offset from UTC, numbers all their digits, an unknown value is an empty cell.

    Args:
        frame: A table of this package.
        path: A file ending in `.csv` or `.parquet`, in a folder that exists.

    Raises:
        InvalidInputError: If the file cannot be written.
        MissingExtraError: If it is Parquet and pyarrow is not installed.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in _ENDINGS:
        raise InvalidInputError(
            Problem("path", str(path), f"a name that ends in {' or '.join(_ENDINGS)}", "give the file this ending")
        )
    check_file(path, ending)
    # A frame with an index of its own (a comparison) keeps it as its first column.
    table = frame.reset_index() if frame.index.name else frame
    write_whole(path, _as_csv(table) if ending == ".csv" else _as_parquet(table))
    return path


def export_run(
    run: CommunityRun,
    folder: Path | str,
    baseline: CommunityRun | None = None,
    *,
    kind: Literal["csv", "parquet"] = "parquet",
) -> tuple[Path, ...]:
    """Write every table of a run into a folder that exists.

    The files are `kpis`, `houses_by_day`, `houses_by_month`, `houses_by_year`, `nodes_by_step`, `nodes_by_day` and,
    when series were kept, `chosen_houses_by_step`. Every file appears whole or not at all.

    Raises:
        InvalidInputError: If the folder cannot be written, or the baseline differs in more than batteries.
        MissingExtraError: If `kind` is parquet and pyarrow is not installed.
    """
    if kind not in ("csv", "parquet"):
        raise InvalidInputError(Problem("kind", repr(kind), "csv or parquet", "choose one of them"))
    place = Path(folder)
    if not place.is_dir():
        raise InvalidInputError(Problem("folder", str(place), "a folder that exists", f"make the folder {place} first"))
    tables: dict[str, Callable[[], pd.DataFrame]] = {
        "kpis": lambda: kpis_frame(run, baseline),
        "houses_by_day": lambda: houses_frame(run, "day"),
        "houses_by_month": lambda: houses_frame(run, "month"),
        "houses_by_year": lambda: houses_frame(run, "year"),
        "nodes_by_step": lambda: nodes_frame(run, "step"),
        "nodes_by_day": lambda: nodes_frame(run, "day"),
    }
    if run.chosen:
        tables["chosen_houses_by_step"] = lambda: series_frame(run)
    # One table at a time: the days of ten thousand houses are large.
    return tuple(write_frame(make(), place / f"{name}.{kind}") for name, make in tables.items())


def _as_csv(frame: pd.DataFrame) -> bytes:
    table = frame.copy()
    for name in table.select_dtypes("datetimetz").columns:
        labels = table[name].drop_duplicates()
        # A year of stamps is repeated for every house; each is put into words once.
        table[name] = table[name].map(dict(zip(labels, (stamp.isoformat() for stamp in labels), strict=True)))
    return table.to_csv(index=False, lineterminator="\n").encode()


def _as_parquet(frame: pd.DataFrame) -> bytes:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "parquet", "writing a Parquet file") from None
    content = io.BytesIO()
    parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), content, compression="zstd")
    return content.getvalue()
