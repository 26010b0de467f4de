"""The rows of a tick: ten columns per user, kept as whole microkilowatt-hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.cycle import rows_kernels
from afterbay.community.cycle.contract import ENERGY_COLUMNS, RESULT_COLUMNS, stamp
from afterbay.community.cycle.users import Ids, Keys
from afterbay.core.compiled import Floats, Indices

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pandas as pd

__all__ = ["MICRO", "Rows", "results_csv", "results_frame"]

MICRO = 1_000_000
_BYTES_PER_ROW = 36 + 19 + 10 + len(ENERGY_COLUMNS) * 23


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The results of one tick; row i is user i of the tick."""

    user_id: Ids
    keys: Keys
    moment: datetime
    """Start of the quarter hour (UTC)."""
    micro: Indices
    """Energies in millionths of a kWh, in the order of `ENERGY_COLUMNS`, shape (n, 8)."""

    def __len__(self) -> int:
        return len(self.user_id)

    def kwh(self, column: str) -> Floats:
        """Return one energy column [kWh], shape (n,): the number that stands in the file."""
        values: Floats = self.micro[:, ENERGY_COLUMNS.index(column)] / MICRO
        return values

    def total_kwh(self, column: str) -> float:
        """Return the sum of one energy column [kWh], exact to the last digit."""
        return int(self.micro[:, ENERGY_COLUMNS.index(column)].sum()) / MICRO

    def frame(self) -> pd.DataFrame:
        """Return the rows as a frame: ids as text, timestamps in UTC, energies in kWh."""
        import pandas as pd

        columns: dict[str, object] = {
            "user_id": self.user_id.astype("U36").astype(object),
            "timestamp": pd.DatetimeIndex([self.moment]).as_unit("us").repeat(len(self)),
        }
        return pd.DataFrame(columns | {name: self.kwh(name) for name in ENERGY_COLUMNS})


def results_frame(ticks: Sequence[Rows]) -> pd.DataFrame:
    """Return the rows of some ticks as one frame."""
    import pandas as pd

    return pd.concat([rows.frame() for rows in ticks], ignore_index=True)


def results_csv(ticks: Sequence[Rows]) -> bytes:
    """Return the content of a results file: header, then the rows of each tick."""
    header = np.frombuffer((",".join(RESULT_COLUMNS) + "\n").encode(), dtype=np.uint8)
    text = np.empty(len(header) + _BYTES_PER_ROW * sum(len(rows) for rows in ticks), dtype=np.uint8)
    text[: len(header)] = header
    place = len(header)
    for rows in ticks:
        ids = np.frombuffer(rows.user_id.tobytes(), dtype=np.uint8).reshape(len(rows), 36)
        marks = np.frombuffer(stamp(rows.moment).encode(), dtype=np.uint8)
        place = rows_kernels.write_rows(ids, marks, rows.micro, text, place)
    return text[:place].tobytes()
