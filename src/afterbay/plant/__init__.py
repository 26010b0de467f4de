"""From plan to plant: a sized option becomes an asset, and its telemetry is laid beside its plan.

`asset_from_study` makes an entry of `assets.yaml` from an option of `afterbay size`, `place_asset` puts it into an
inventory without making it twice; `plan_day` is what the option was to do on a day, and `compare_day` what became
of it, with the reasons. `read_telemetry_file` reads what `afterbay fleet history` writes.
"""

from afterbay.plant.comparison import DayComparison, Reason, compare_day
from afterbay.plant.study import PlanDay, asset_from_study, option_of_asset, place_asset, plan_day, site_named
from afterbay.plant.telemetry_file import (
    read_telemetry_file,
    telemetry_csv,
    telemetry_parquet,
    telemetry_rows,
)

__all__ = [
    "DayComparison",
    "PlanDay",
    "Reason",
    "asset_from_study",
    "compare_day",
    "option_of_asset",
    "place_asset",
    "plan_day",
    "read_telemetry_file",
    "site_named",
    "telemetry_csv",
    "telemetry_parquet",
    "telemetry_rows",
]
