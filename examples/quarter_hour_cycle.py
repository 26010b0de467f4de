"""One quarter hour of the solar cycle, files included: the good cycle of journey J11."""

# %% Three users with panels and one without, as the workflow's export writes them.
import csv
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from afterbay.community.cycle import input_name, read_users, results_name, run_simulation, validate_results

moment = datetime(2024, 9, 11, 14, 15, tzinfo=UTC)
folder = Path(tempfile.mkdtemp())
users_file, results_file = folder / input_name(moment), folder / results_name(moment)
users_file.write_text(
    "user_id,panel_wattage,panel_count,battery_capacity_kwh,inverter_capacity_kw,household_size\n"
    "a1b2c3d4-e5f6-4890-8234-567890abcdef,400.0,12,13.5,5.0,4\n"
    "b2c3d4e5-f6a7-4901-9345-678901bcdef0,350.0,8,10.0,3.5,2\n"
    "c3d4e5f6-a7b8-4012-a456-789012cdef01,450.0,16,20.0,7.0,5\n"
    "d4e5f6a7-b8c9-4123-b567-890123def012,400.0,0,0.0,5.0,3\n",
    encoding="utf-8",
)

# %% One step, seeded by hand; without a seed it would come from the quarter hour.
assert run_simulation(users_file, results_file, steps=1, start_time=moment, weather=0.9, seed=42)
with results_file.open(encoding="utf-8") as stream:
    rows = list(csv.DictReader(stream))
for row in rows:
    print(row["user_id"][:8], row["generation_kwh"], row["consumption_kwh"], row["surplus_kwh"])

# %% Every rule of the contract holds; the user without panels is not in it.
report = validate_results(results_file, read_users(users_file).users)
print("valid" if report.ok else report)
assert report.ok
assert len(rows) == 3
