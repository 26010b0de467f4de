"""Two houses below one transformer: the day of journey J9, in numbers that a hand can check."""

# %% A has a flat load of 1 kW and 3 kW of sun all day, B a flat load of 1.5 kW.
from afterbay.community import horizon, run_community, two_houses
from afterbay.community.recipes import ProfileLibrary, flat

grid = two_houses()
profiles = ProfileLibrary([flat("load-H-1.1.1", 1.0), flat("load-H-1.1.2", 1.5), flat("solar-1", 1.0, unit="kW/kW")])
day = horizon("2023-06-01", days=1, time_zone=grid.time_zone)

# %% With sharing, B lives on what A cannot use; the rest leaves through the transformer.
shared = run_community(grid, profiles, "proportional", day)
solar, own, given = (shared.daily(name).sum() for name in ("solar_kwh", "own_use_kwh", "sold_kwh"))
exported = shared.daily("export_kwh").sum() - given
imported = shared.daily("import_kwh").sum() - shared.daily("bought_kwh").sum()
print(f"solar {solar:.1f}  own use {own:.1f}  shared {given:.1f}  export {exported:.1f}  import {imported:.1f} kWh")

# %% Without, the same energy flows and the meters say the same: only the paper differs.
alone = run_community(grid, profiles, "none", day)
bought, sold = alone.daily("import_kwh")[0, 1], alone.daily("export_kwh")[0, 0]
print(f"without sharing B imports {bought:.1f}, A exports {sold:.1f} kWh")
